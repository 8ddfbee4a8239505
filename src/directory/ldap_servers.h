/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One task for whichever server can do it: in order of preference, without those that failed a moment ago, within one
 * deadline.
 */
#ifndef ECA_LDAP_SERVERS_H
#define ECA_LDAP_SERVERS_H

#include "ldap_backoff.h"
#include "ldap_locate.h"
#include "ldap_pool.h"

#include <pthread.h>

struct eca_ldap_server {
    char url[ECA_LDAP_URL_MAX];
    size_t source; /* which URL of the settings it came from */
    struct eca_ldap_backoff backoff;
};

struct eca_ldap_servers {
    struct eca_ldap_settings settings; /* without the texts */
    char sources[ECA_LDAP_URLS_MAX][ECA_LDAP_URL_MAX];
    bool uses_dns;
    struct eca_ldap_pool *pool;
    pthread_mutex_t locating; /* one asks DNS at a time */
    pthread_mutex_t lock;     /* of what follows */
    char site[ECA_LDAP_SITE_MAX];
    apr_time_t due; /* when DNS is to be asked again; 0: it has not been asked */
    struct eca_ldap_server list[ECA_LDAP_SERVERS_MAX];
    size_t count;
    struct eca_error why_none; /* what DNS said last, where it gave nothing */
};

/* Takes over the settings and their URLs; false with `err` when out of memory. */
bool eca_ldap_servers_open(struct eca_ldap_servers *out, const struct eca_ldap_settings *settings,
                           struct eca_error *err);

/* Whether the list that DNS gave has grown old. Never blocks. Threads: any. */
bool eca_ldap_servers_is_due(struct eca_ldap_servers *servers);

/*
 * Asks DNS again; the list before stays where DNS says nothing. Needs no call before the first task: that asks itself.
 * Blocks as eca_ldap_locate(). Threads: any.
 */
void eca_ldap_servers_locate(struct eca_ldap_servers *servers, apr_time_t until);

/* Tells which site a domain controller counts us to: the list is due then. Threads: any. */
void eca_ldap_servers_set_site(struct eca_ldap_servers *servers, const char *site);

struct eca_ldap_task {
    enum eca_ldap_purpose purpose; /* FOR_PASSWORD: always on a connection of its own, closed afterwards */
    enum eca_ldap_fault (*run)(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                               struct eca_error *err);
    void *context;
};

/*
 * Runs the task until a server does it or says something final. It may run several times, on different connections;
 * what an earlier run left in its context must not matter. A kept connection that turns out dead is replaced by a
 * fresh one to the same server. With several servers none may use more than its share of the time; one that failed is
 * left alone for a while and then tried by one task, and used again when it answers, whatever others are there. When
 * all failed a moment ago, all are tried. When none does it: the outage if there was one, with the first sentence.
 * Threads: any.
 */
enum eca_ldap_fault eca_ldap_servers_run(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                         apr_time_t until, struct eca_error *err);

/* Nothing may be running. */
void eca_ldap_servers_close(struct eca_ldap_servers *servers);

#endif
