/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP connection to a directory server. */
#ifndef ECA_LDAP_SOCKET_H
#define ECA_LDAP_SOCKET_H

#include "ldap_fault.h"
#include "ldap_url.h"

/*
 * Connects to the first address of the host that answers before `until`; every address gets its share of the
 * time. The socket is the caller's to close, does not block, is not inherited by programs, and notices within
 * about 90 s a peer that went away without a word. Resolving the name keeps the resolver's own time.
 */
enum eca_ldap_fault eca_ldap_socket_open(int *out, const struct eca_ldap_url *url, apr_time_t until,
                                         struct eca_error *err);

/* Whether nothing has arrived on an idle connection: what arrives unasked is the end, or a notice of it. */
bool eca_ldap_socket_is_quiet(int fd);

#endif
