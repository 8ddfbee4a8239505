/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of a search answer, taken out of libldap's hands. */
#ifndef ECA_LDAP_MESSAGE_H
#define ECA_LDAP_MESSAGE_H

#include "ldap_entry.h"

#include <ldap.h>

struct eca_ldap_message {
    struct eca_ldap_entry entry; /* what callers read: points into the rest */
    char *dn;
    char *names[ECA_LDAP_ENTRY_ATTRIBUTES_MAX];
    struct berval **values[ECA_LDAP_ENTRY_ATTRIBUTES_MAX];
};

/*
 * False, with nothing held, when the entry cannot be read: malformed, out of memory, or with more
 * attributes than anybody asked for.
 */
bool eca_ldap_message_open(struct eca_ldap_message *out, LDAP *ld, LDAPMessage *message, struct eca_error *err);
void eca_ldap_message_close(struct eca_ldap_message *message);

#endif
