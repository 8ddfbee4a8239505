/* SPDX-License-Identifier: Apache-2.0 */
/* A search that asks for one entry and copies what it holds. */
#include "ldap_read.h"

#include <stdlib.h>
#include <string.h>

/* The array and behind it every value, in one piece of memory. */
static bool copy_values(struct eca_directory_values *out, struct berval **values)
{
    const size_t count = values == NULL ? 0 : (size_t)ldap_count_values_len(values);
    size_t size = (count + 1) * sizeof out->items[0];
    uint8_t *at = NULL;

    for (size_t i = 0; i < count; i++)
        size += values[i]->bv_len + 1;
    *out = (struct eca_directory_values){ .items = calloc(1, size) };
    if (out->items == NULL)
        return false;
    at = (uint8_t *)&out->items[count + 1];
    for (; out->count < count; out->count++) {
        const struct berval *value = values[out->count];

        memcpy(at, value->bv_val, value->bv_len);
        out->items[out->count] = (struct eca_directory_value){ .bytes = at, .length = value->bv_len };
        at += value->bv_len + 1;
    }
    return true;
}

void eca_directory_values_free(struct eca_directory_values *values)
{
    free(values->items);
    *values = (struct eca_directory_values){ .items = NULL };
}

enum eca_ldap_fault eca_ldap_read_values(struct eca_ldap_connection *connection, const char *dn, const char *attribute,
                                         apr_time_t until, struct eca_directory_values *out, struct eca_error *err)
{
    const char *const attributes[] = { attribute, NULL };
    const struct eca_ldap_query query = {
        .base = dn,
        .scope = LDAP_SCOPE_BASE,
        .filter = "(objectClass=*)",
        .attributes = attributes,
        .missing_is_empty = true,
    };
    LDAPMessage *answer = NULL, *entry;
    struct berval **values = NULL;
    bool truncated = false;
    bool copied;
    const enum eca_ldap_fault fault = eca_ldap_connection_search(connection, &query, until, &answer, &truncated, err);

    if (fault != ECA_LDAP_OK)
        return fault;
    entry = ldap_first_entry(connection->ld, answer);
    if (entry != NULL)
        values = ldap_get_values_len(connection->ld, entry, attribute);
    copied = copy_values(out, values);
    ldap_value_free_len(values);
    ldap_msgfree(answer);
    if (copied)
        return ECA_LDAP_OK;
    eca_error_set(err, "out of memory");
    return ECA_LDAP_FINAL;
}
