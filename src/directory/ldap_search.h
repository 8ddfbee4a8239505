/* SPDX-License-Identifier: Apache-2.0 */
/* One search for accounts, by mapping keys or by a login name, on one connection. */
#ifndef ECA_LDAP_SEARCH_H
#define ECA_LDAP_SEARCH_H

#include "ldap_filter.h"
#include "ldap_naming.h"

/* Large: lives on the heap, zeroed. */
struct eca_ldap_search {
    const struct eca_mapping_keys *keys; /* this or `login`, the other is NULL */
    const struct eca_login_name *login;
    const char *extra_attribute; /* or NULL */
    bool whole_forest;           /* the base is above all domains: implicit UPNs are those of any of them */
    struct eca_candidates found;
    bool configured_only; /* this and below: of eca_ldap_search_run() */
    char filter[ECA_LDAP_FILTER_MAX];
};

/* Gives `found`; may run again, on another connection, after any fault. An entry that cannot be judged is FINAL. */
enum eca_ldap_fault eca_ldap_search_run(struct eca_ldap_search *search, struct eca_ldap_connection *connection,
                                        const struct eca_ldap_naming *naming, apr_time_t until, struct eca_error *err);

#endif
