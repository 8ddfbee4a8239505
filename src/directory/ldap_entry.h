/* SPDX-License-Identifier: Apache-2.0 */
/* From what a search returned to an account, and the second comparison of the keys (mapping rule 6). */
#ifndef ECA_LDAP_ENTRY_H
#define ECA_LDAP_ENTRY_H

#include "mapping.h"

#include <lber.h>

#define ECA_LDAP_ENTRY_ATTRIBUTES_MAX 16

/* Values end with NULL, as libldap gives them. */
struct eca_ldap_attribute {
    const char *name;
    struct berval *const *values;
};

/* Borrowed: whoever filled it frees it. */
struct eca_ldap_entry {
    const char *dn;
    struct eca_ldap_attribute attributes[ECA_LDAP_ENTRY_ATTRIBUTES_MAX];
    size_t count;
};

/*
 * The account an entry describes, without `netbios`. Complete or untouched: false, with a sentence that names the
 * entry and the attribute, for an entry that cannot be judged: objectSid, sAMAccountName,
 * userAccountControl, msDS-User-Account-Control-Computed or accountExpires absent (not readable by us, or a
 * global catalog's) or malformed, a second value, a text that is over-long, no UTF-8 or holds a control character.
 * Such an entry is an error of the whole question, never passed over: the next one would be chosen in
 * its place. A whenCreated that is absent or malformed is 0. Threads: any.
 */
bool eca_ldap_entry_account(struct eca_account *out, const struct eca_ldap_entry *entry, const char *extra_attribute,
                            struct eca_error *err);

/*
 * Bit i of *matched: keys[i] is a value of the entry, or implies its account name in its own domain, and counts
 * (eca_mapping_keys_located()). False with a sentence when altSecurityIdentities or userCertificate came in part only
 * (";range=": more than 1500 values): what is missing could be the match or a second one.
 */
bool eca_ldap_entry_match(uint64_t *matched, const struct eca_ldap_entry *entry, const struct eca_account *account,
                          const struct eca_mapping_keys *keys, struct eca_error *err);

/* The attribute's values, at least one, or NULL. */
struct berval *const *eca_ldap_entry_values(const struct eca_ldap_entry *entry, const char *name);

/* YYYYMMDDhhmmss["."digits]"Z", as AD writes it (RFC 4517 3.3.13, a subset), to seconds since 1970. */
bool eca_ldap_parse_time(int64_t *out, struct eca_slice text);

/* INTEGER of RFC 4517 3.3.16: no plus, no leading zero, no "-0", within 64 bits. */
bool eca_ldap_parse_integer(int64_t *out, struct eca_slice text);

#endif
