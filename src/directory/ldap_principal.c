/* SPDX-License-Identifier: Apache-2.0 */
/* By SID, by name or by SPN; and what stands in the entry about delegation. */
#include "ldap_principal.h"

#include "ldap_filter.h"
#include "ldap_message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FILTER_MAX 8192
#define NAME_MAX_BYTES 1024
#define ENTRIES_MAX 8 /* two are too many already; HOST/ may be elsewhere, too */

static const char http[] = "HTTP/", host[] = "HOST/";

/* "HTTP/x" → "HOST/x"; false for another service. */
static bool write_alias(char *out, size_t capacity, const char *spn)
{
    return strncasecmp(spn, http, sizeof http - 1) == 0
           && snprintf(out, capacity, "%s%s", host, spn + sizeof http - 1) < (int)capacity;
}

/* What ktpass writes into userPrincipalName for an SPN. */
static void write_upn(char *out, size_t capacity, const struct eca_principal_query *query)
{
    (void)snprintf(out, capacity, "%s@%s", query->name, query->domain);
}

static bool is_service_name(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* ---- the entry ---------------------------------------------------------------------------------- */

static bool holds(const struct eca_ldap_entry *entry, const char *attribute, const char *wanted)
{
    struct berval *const *values = eca_ldap_entry_values(entry, attribute);

    for (; values != NULL && *values != NULL; values++) {
        const struct eca_slice value = { (const uint8_t *)(*values)->bv_val, (*values)->bv_len };

        if (eca_slice_equal_ascii_nocase(value, eca_slice_from_text(wanted)))
            return true;
    }
    return false;
}

static int64_t read_number(const struct eca_ldap_entry *entry, const char *attribute, int64_t absent)
{
    struct berval *const *values = eca_ldap_entry_values(entry, attribute);
    int64_t number = 0;

    if (values == NULL
        || !eca_ldap_parse_integer(&number,
                                   (struct eca_slice){ (const uint8_t *)values[0]->bv_val, values[0]->bv_len }))
        return absent;
    return number;
}

/* The directory folds more than the KDC: names are compared again. */
static bool bears_name(const struct eca_ldap_entry *entry, const struct eca_principal_query *query)
{
    char upn[NAME_MAX_BYTES];

    switch (query->by) {
    case ECA_PRINCIPAL_BY_SID: /* the one attribute that compares bytes */
        return true;
    case ECA_PRINCIPAL_BY_SPN:
        return holds(entry, "servicePrincipalName", query->name);
    case ECA_PRINCIPAL_BY_NAME:
        break;
    }
    if (!is_service_name(query->name))
        return holds(entry, "sAMAccountName", query->name);
    write_upn(upn, sizeof upn, query);
    return holds(entry, "userPrincipalName", upn);
}

static bool bears_alias(const struct eca_ldap_entry *entry, const struct eca_principal_query *query)
{
    char alias[NAME_MAX_BYTES];

    return query->by == ECA_PRINCIPAL_BY_SPN && write_alias(alias, sizeof alias, query->name)
           && holds(entry, "servicePrincipalName", alias);
}

static bool read_entry(struct eca_principal *out, const struct eca_ldap_entry *entry, const char *target,
                       struct eca_error *err)
{
    static const char list[] = "msDS-AllowedToDelegateTo";

    if (!eca_ldap_entry_account(&out->account, entry, NULL, err))
        return false;
    out->must_change_password = read_number(entry, "pwdLastSet", 1) == 0;
    out->has_spn = eca_ldap_entry_values(entry, "servicePrincipalName") != NULL;
    out->delegates_to_any = eca_ldap_entry_values(entry, list) != NULL;
    out->delegates_to_target = holds(entry, list, target);
    out->names_delegates = eca_ldap_entry_values(entry, "msDS-AllowedToActOnBehalfOfOtherIdentity") != NULL;
    out->encryption_types = (uint32_t)read_number(entry, "msDS-SupportedEncryptionTypes", 0);
    return true;
}

bool eca_ldap_principal_add(struct eca_ldap_principal_tally *tally, const struct eca_ldap_entry *entry,
                            struct eca_error *err)
{
    const bool exact = bears_name(entry, tally->query);

    if (!exact && !bears_alias(entry, tally->query))
        return true;
    if (exact)
        tally->exact++;
    else
        tally->aliased++;
    if (exact ? tally->exact > 1 : tally->exact > 0 || tally->aliased > 1)
        return true;
    return read_entry(&tally->first, entry, tally->query->target, err);
}

void eca_ldap_principal_conclude(struct eca_principal *out, const struct eca_ldap_principal_tally *tally)
{
    const size_t count = tally->exact > 0 ? tally->exact : tally->aliased;

    *out = (struct eca_principal){ .state = count == 0 ? ECA_PRINCIPAL_MISSING : ECA_PRINCIPAL_AMBIGUOUS };
    if (count != 1)
        return;
    *out = tally->first;
    out->state = ECA_PRINCIPAL_FOUND;
}

/* ---- the search --------------------------------------------------------------------------------- */

static void write_filter(struct eca_strbuf *filter, const struct eca_principal_query *query)
{
    uint8_t sid[ECA_SID_BINARY_MAX];
    char name[NAME_MAX_BYTES];

    eca_strbuf_text(filter, "(&(objectClass=user)(|");
    switch (query->by) {
    case ECA_PRINCIPAL_BY_SID:
        eca_ldap_filter_equal(filter, "objectSid", (struct eca_slice){ sid, eca_sid_to_binary(sid, query->name) });
        break;
    case ECA_PRINCIPAL_BY_NAME:
        write_upn(name, sizeof name, query);
        eca_ldap_filter_equal(filter, is_service_name(query->name) ? "userPrincipalName" : "sAMAccountName",
                              eca_slice_from_text(is_service_name(query->name) ? name : query->name));
        break;
    case ECA_PRINCIPAL_BY_SPN:
        eca_ldap_filter_equal(filter, "servicePrincipalName", eca_slice_from_text(query->name));
        if (write_alias(name, sizeof name, query->name))
            eca_ldap_filter_equal(filter, "servicePrincipalName", eca_slice_from_text(name));
        break;
    }
    eca_strbuf_text(filter, "))");
}

static enum eca_ldap_fault read_answer(struct eca_principal *out, const struct eca_principal_query *query, LDAP *ld,
                                       LDAPMessage *answer, struct eca_error *err)
{
    struct eca_ldap_principal_tally tally = { .query = query };

    for (LDAPMessage *message = ldap_first_entry(ld, answer); message != NULL; message = ldap_next_entry(ld, message)) {
        struct eca_ldap_message read;
        bool added;

        if (!eca_ldap_message_open(&read, ld, message, err))
            return ECA_LDAP_FINAL;
        added = eca_ldap_principal_add(&tally, &read.entry, err);
        eca_ldap_message_close(&read);
        if (!added)
            return ECA_LDAP_FINAL;
    }
    eca_ldap_principal_conclude(out, &tally);
    return ECA_LDAP_OK;
}

enum eca_ldap_fault eca_ldap_principal_find(struct eca_principal *out, const struct eca_principal_query *query,
                                            struct eca_ldap_connection *connection,
                                            const struct eca_ldap_naming *naming, apr_time_t until,
                                            struct eca_error *err)
{
    static const char *const attributes[] = {
        "objectSid",
        "sAMAccountName",
        "userPrincipalName",
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "pwdLastSet",
        "servicePrincipalName",
        "msDS-AllowedToDelegateTo",
        "msDS-AllowedToActOnBehalfOfOtherIdentity",
        "msDS-SupportedEncryptionTypes",
        NULL,
    };
    char memory[FILTER_MAX];
    struct eca_ldap_query search = {
        .base = naming->root,
        .scope = LDAP_SCOPE_SUBTREE,
        .filter = memory,
        .attributes = attributes,
        .size_limit = ENTRIES_MAX,
    };
    struct eca_strbuf filter;
    LDAPMessage *answer = NULL;
    bool truncated = false;
    enum eca_ldap_fault fault;

    if (query->domain[0] != '\0' && naming->domain[0] != '\0' && strcasecmp(query->domain, naming->domain) != 0) {
        *out = (struct eca_principal){ .state = ECA_PRINCIPAL_UNKNOWN };
        return ECA_LDAP_OK;
    }
    eca_strbuf_init(&filter, memory, sizeof memory);
    write_filter(&filter, query);
    if (filter.overflow) {
        eca_error_set(err, "the name \"%.64s\"... is too long to look for", query->name);
        return ECA_LDAP_FINAL;
    }
    fault = eca_ldap_connection_search(connection, &search, until, &answer, &truncated, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    fault = read_answer(out, query, connection->ld, answer, err);
    ldap_msgfree(answer);
    return fault;
}
