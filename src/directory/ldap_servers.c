/* SPDX-License-Identifier: Apache-2.0 */
/* Which server does a task: the order, the shares of the time, and what a fault means for the next one. */
#include "ldap_servers.h"

#include "ldap_clock.h"

#include <string.h>

/* Only after these has the connection nothing half-said on it. */
static bool can_be_kept(enum eca_ldap_fault fault)
{
    return fault == ECA_LDAP_OK || fault == ECA_LDAP_FINAL;
}

/* An outage is the answer when there was one: the server that is down might have done it. */
static enum eca_ldap_fault worse(enum eca_ldap_fault before, enum eca_ldap_fault now)
{
    return before == ECA_LDAP_OK || before == ECA_LDAP_UNUSABLE ? now : before;
}

static apr_time_t share_of(apr_time_t until, size_t servers_left)
{
    return eca_ldap_clock() + eca_ldap_clock_left(until) / (apr_interval_time_t)servers_left;
}

/* *connection is what may be kept afterwards, or NULL. */
static enum eca_ldap_fault run_on(const struct eca_ldap_task *task, struct eca_ldap_connection **connection,
                                  apr_time_t until, struct eca_error *err)
{
    const enum eca_ldap_fault fault = task->run(task->context, *connection, until, err);

    if (!can_be_kept(fault) || task->purpose == ECA_LDAP_FOR_PASSWORD) {
        eca_ldap_connection_close(*connection);
        *connection = NULL;
    }
    return fault;
}

/* `silent`: the URL of a server that just used its share of the time, or NULL. */
static enum eca_ldap_fault run_on_fresh(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                        const char *silent, struct eca_ldap_connection **connection, apr_time_t until,
                                        struct eca_error *err)
{
    const struct eca_ldap_settings *settings = &servers->settings;
    enum eca_ldap_fault result = silent == NULL ? ECA_LDAP_OK : ECA_LDAP_SILENT;
    size_t left = settings->url_count - (silent == NULL ? 0 : 1);

    for (size_t i = 0; i < settings->url_count; i++) {
        enum eca_ldap_fault fault;
        apr_time_t share;

        if (settings->urls[i] == silent)
            continue;
        if (result != ECA_LDAP_OK && eca_ldap_clock_left(until) == 0)
            break;
        share = share_of(until, left--);
        fault = eca_ldap_connection_open(connection, settings, settings->urls[i], task->purpose, share, err);
        if (fault == ECA_LDAP_OK)
            fault = run_on(task, connection, share, err);
        if (can_be_kept(fault))
            return fault;
        result = worse(result, fault);
    }
    return result;
}

static enum eca_ldap_fault run_on_any(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                      struct eca_ldap_connection **connection, apr_time_t until, struct eca_error *err)
{
    const char *silent = NULL;

    if (*connection != NULL) {
        struct eca_error kept = { .text = "" };
        const char *url = (*connection)->url;
        const enum eca_ldap_fault fault = run_on(task, connection, share_of(until, servers->settings.url_count), &kept);

        if (fault == ECA_LDAP_OK)
            return fault;
        if (fault == ECA_LDAP_SILENT)
            silent = url;
        if (silent != NULL || fault == ECA_LDAP_FINAL)
            eca_error_set(err, "%s", kept.text);
        if (fault == ECA_LDAP_FINAL)
            return fault;
    }
    return run_on_fresh(servers, task, silent, connection, until, err);
}

enum eca_ldap_fault eca_ldap_servers_run(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                         apr_time_t until, struct eca_error *err)
{
    struct eca_ldap_connection *connection = NULL;
    struct eca_error first = { .text = "" };
    enum eca_ldap_fault fault;

    if (!eca_ldap_pool_acquire(servers->pool, task->purpose == ECA_LDAP_FOR_PASSWORD, until, &connection)) {
        eca_error_set(err, "all %d directory connections are in use", servers->settings.connections);
        return ECA_LDAP_SILENT;
    }
    fault = run_on_any(servers, task, &connection, until, &first);
    eca_ldap_pool_release(servers->pool, connection);
    if (fault != ECA_LDAP_OK)
        eca_error_set(err, "%s", first.text);
    return fault;
}
