/* SPDX-License-Identifier: Apache-2.0 */
/* One account that takes part in a delegation, looked for on one connection. */
#ifndef ECA_LDAP_PRINCIPAL_H
#define ECA_LDAP_PRINCIPAL_H

#include "ldap_entry.h"
#include "ldap_naming.h"
#include "principal.h"

/*
 * Searches the whole domain, whatever EASDirectoryBase says: service accounts live elsewhere. Of another domain than
 * the one asked for nothing is known: UNKNOWN. *out is untouched unless the answer is OK. Threads: any, each with its
 * own connection.
 */
enum eca_ldap_fault eca_ldap_principal_find(struct eca_principal *out, const struct eca_principal_query *query,
                                            struct eca_ldap_connection *connection,
                                            const struct eca_ldap_naming *naming, apr_time_t until,
                                            struct eca_error *err);

/* What eca_ldap_principal_find() makes of the entries of an answer, one call each, in any order. */
struct eca_ldap_principal_tally {
    const struct eca_principal_query *query;
    size_t exact;               /* entries that bear the very name */
    size_t aliased;             /* those that bear HOST/ for HTTP/ */
    struct eca_principal first; /* of the exact ones, of the others when there are none */
};

/* False with a sentence when it is one of those asked for and cannot be judged. */
bool eca_ldap_principal_add(struct eca_ldap_principal_tally *tally, const struct eca_ldap_entry *entry,
                            struct eca_error *err);

/* After the last one. */
void eca_ldap_principal_conclude(struct eca_principal *out, const struct eca_ldap_principal_tally *tally);

#endif
