/* SPDX-License-Identifier: Apache-2.0 */
/* Connections kept for the next search, and the limit on how many are open. */
#ifndef ECA_LDAP_POOL_H
#define ECA_LDAP_POOL_H

#include "ldap_connection.h"

struct eca_ldap_pool;

/* At most `limit` connections, at least 1, idle and in use together. NULL when out of memory. */
struct eca_ldap_pool *eca_ldap_pool_create(int limit);

/*
 * The right to one connection, waited for until `until`; false when none came free. *idle: a connection
 * that was kept and from which nothing has arrived meanwhile, else NULL, and the caller opens one.
 * `fresh`: no kept one is wanted. Threads: any.
 */
bool eca_ldap_pool_acquire(struct eca_ldap_pool *pool, bool fresh, apr_time_t until, struct eca_ldap_connection **idle);

/* Gives the right back, and keeps `connection` for 300 s; NULL when it was closed. */
void eca_ldap_pool_release(struct eca_ldap_pool *pool, struct eca_ldap_connection *connection);

/* Closes what is kept; nothing may be in use. */
void eca_ldap_pool_close(struct eca_ldap_pool *pool);

#endif
