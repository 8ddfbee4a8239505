/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as a domain controller would send them, for tests that judge them. */
#ifndef ECA_MAKE_ENTRY_H
#define ECA_MAKE_ENTRY_H

#include "ldap_entry.h"

#define MADE_VALUES_MAX 4

/* Zeroed it has no attributes. Texts and bytes are borrowed; it may not be moved. */
struct made_entry {
    struct eca_ldap_entry entry;
    struct berval values[ECA_LDAP_ENTRY_ATTRIBUTES_MAX][MADE_VALUES_MAX];
    struct berval *lists[ECA_LDAP_ENTRY_ATTRIBUTES_MAX][MADE_VALUES_MAX + 1];
};

/* One more value. */
void made_entry_add(struct made_entry *made, const char *name, struct eca_slice value);
void made_entry_add_text(struct made_entry *made, const char *name, const char *text);

/* The same attribute in another spelling. */
void made_entry_rename(struct made_entry *made, const char *name, const char *spelling);

/* Leaves the attribute without values. */
void made_entry_clear(struct made_entry *made, const char *name);

#endif
