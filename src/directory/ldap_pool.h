/* SPDX-License-Identifier: Apache-2.0 */
/* Connections kept for the next search, and the limit on how many are open. */
#ifndef ECA_LDAP_POOL_H
#define ECA_LDAP_POOL_H

#include "ldap_connection.h"

struct eca_ldap_pool;

/* At most `limit` connections, at least 1, idle and in use together. NULL when out of memory. */
struct eca_ldap_pool *eca_ldap_pool_create(int limit);

/* The right to one connection, waited for until `until`; false when none came free. Threads: any, for all but close. */
bool eca_ldap_pool_acquire(struct eca_ldap_pool *pool, apr_time_t until);

/*
 * With that right: a connection to this URL that was kept, and from which nothing has arrived meanwhile, or NULL; then
 * there is room for the one that the caller opens.
 */
struct eca_ldap_connection *eca_ldap_pool_take(struct eca_ldap_pool *pool, const char *url);

/* The room for a new connection, when no kept one is wanted: the oldest goes if need be. */
void eca_ldap_pool_make_room(struct eca_ldap_pool *pool);

/* Closes what is kept to a server that failed. */
void eca_ldap_pool_forget(struct eca_ldap_pool *pool, const char *url);

/* Gives the right back, and keeps `connection` for 300 s; NULL when it was closed. */
void eca_ldap_pool_release(struct eca_ldap_pool *pool, struct eca_ldap_connection *connection);

/* Closes what is kept; nothing may be in use. */
void eca_ldap_pool_close(struct eca_ldap_pool *pool);

#endif
