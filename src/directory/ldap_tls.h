/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on a connection, verified against EASDirectoryCAFile or the system's store. */
#ifndef ECA_LDAP_TLS_H
#define ECA_LDAP_TLS_H

#include "ldap_connection.h"

/*
 * Whether the CA file holds at least one certificate and can be read by this process; without a
 * file, always. Threads: any.
 */
bool eca_ldap_tls_check_ca_file(const char *ca_file, struct eca_error *err);

/* TLS from the first byte (ldaps://), or after the StartTLS operation (RFC 4511 4.14). The server's
 * certificate must be trusted and bear the URL's host name. */
enum eca_ldap_fault eca_ldap_tls_start(struct eca_ldap_connection *connection, const char *ca_file, bool with_operation,
                                       apr_time_t until, struct eca_error *err);

#endif
