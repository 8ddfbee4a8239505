/* SPDX-License-Identifier: Apache-2.0 */
/* The values of one attribute of one entry, on one connection. */
#ifndef ECA_LDAP_READ_H
#define ECA_LDAP_READ_H

#include "ldap_connection.h"

/* An entry that is not there has no values. `out` is untouched unless the answer is OK. */
enum eca_ldap_fault eca_ldap_read_values(struct eca_ldap_connection *connection, const char *dn, const char *attribute,
                                         apr_time_t until, struct eca_directory_values *out, struct eca_error *err);

#endif
