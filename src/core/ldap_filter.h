/* SPDX-License-Identifier: Apache-2.0 */
/* LDAP search filters from mapping keys and user names (the stage between mapping and directory). */
#ifndef ECA_LDAP_FILTER_H
#define ECA_LDAP_FILTER_H

#include "login_name.h"
#include "mapping.h"

#define ECA_LDAP_FILTER_MAX 131072

/*
 * Appends "(attribute=value)" with every byte of `value` that is not a letter, digit or
 * one of "-._@:=,<>' +/" written as \xx (RFC 4515 section 3), so that no value can change
 * the shape of the filter. Any bytes are accepted, NUL included.
 *
 * attribute: a constant of ours, NUL-terminated, not escaped.
 * Threads: any. Errors: `out->overflow`.
 */
void eca_ldap_filter_equal(struct eca_strbuf *out, const char *attribute, struct eca_slice value);

/*
 * Appends one filter that finds every account that any of the keys may belong to, users
 * only: "(&(objectCategory=person)(objectClass=user)(|(objectSid=…)(altSecurityIdentities=…)…))".
 * `domain` is the DNS name of the domain searched, for implicit UPNs, or NULL. `configured_only` leaves out the keys
 * that are not configured. False, with nothing appended, when no key is one to search by.
 */
bool eca_ldap_filter_keys(struct eca_strbuf *out, const struct eca_mapping_keys *keys, const char *domain,
                          bool configured_only);

/* The same for a login name: sAMAccountName, or userPrincipalName and implicit UPN when it holds an "@". */
void eca_ldap_filter_login(struct eca_strbuf *out, const struct eca_login_name *login, const char *domain);

#endif
