/* SPDX-License-Identifier: Apache-2.0 */
/* One task for whichever server can do it: kept connection first, then the URLs in order, within one deadline. */
#ifndef ECA_LDAP_SERVERS_H
#define ECA_LDAP_SERVERS_H

#include "ldap_pool.h"

/* Like eca_ldap_settings, which it copies without the texts. */
struct eca_ldap_servers {
    struct eca_ldap_settings settings;
    struct eca_ldap_pool *pool;
};

struct eca_ldap_task {
    enum eca_ldap_purpose purpose; /* FOR_PASSWORD: always on a connection of its own, closed afterwards */
    enum eca_ldap_fault (*run)(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                               struct eca_error *err);
    void *context;
};

/*
 * Runs the task until a server does it or says something final. It may run several times, on
 * different connections; what an earlier run left in its context must not matter. With several URLs none of
 * them may use more than its share of the time. When none does it: the outage if there was
 * one, with the first sentence. Threads: any.
 */
enum eca_ldap_fault eca_ldap_servers_run(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                         apr_time_t until, struct eca_error *err);

#endif
