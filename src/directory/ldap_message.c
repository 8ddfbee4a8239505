/* SPDX-License-Identifier: Apache-2.0 */
/* Entries copied out of an answer. */
#include "ldap_message.h"

#include <string.h>

static bool add_attribute(struct eca_ldap_message *out, LDAP *ld, LDAPMessage *message, char *name)
{
    const size_t at = out->entry.count;

    if (at == ECA_LDAP_ENTRY_ATTRIBUTES_MAX) {
        ldap_memfree(name);
        return false;
    }
    out->names[at] = name;
    out->values[at] = ldap_get_values_len(ld, message, name);
    out->entry.attributes[at] = (struct eca_ldap_attribute){ .name = name, .values = out->values[at] };
    out->entry.count++;
    return true;
}

static bool read_attributes(struct eca_ldap_message *out, LDAP *ld, LDAPMessage *message)
{
    BerElement *position = NULL;
    bool read = true;

    for (char *name = ldap_first_attribute(ld, message, &position); name != NULL && read;
         name = read ? ldap_next_attribute(ld, message, position) : NULL)
        read = add_attribute(out, ld, message, name);
    ber_free(position, 0);
    return read;
}

bool eca_ldap_message_open(struct eca_ldap_message *out, LDAP *ld, LDAPMessage *message, struct eca_error *err)
{
    memset(out, 0, sizeof *out);
    out->dn = ldap_get_dn(ld, message);
    out->entry.dn = out->dn;
    if (out->dn != NULL && read_attributes(out, ld, message))
        return true;
    eca_ldap_message_close(out);
    return eca_error_set(err, "an entry of the directory's answer cannot be read");
}

void eca_ldap_message_close(struct eca_ldap_message *message)
{
    for (size_t i = 0; i < message->entry.count; i++) {
        ldap_memfree(message->names[i]);
        ldap_value_free_len(message->values[i]);
    }
    ldap_memfree(message->dn);
    message->entry.count = 0;
    message->dn = NULL;
}
