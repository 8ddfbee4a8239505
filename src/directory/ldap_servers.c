/* SPDX-License-Identifier: Apache-2.0 */
/* Which server does a task: the order, the shares of the time, and what a fault means for the next one. */
#include "ldap_servers.h"

#include "ldap_clock.h"

#include <apr_strings.h>

/* Of what is left, for a server that may still be down: a frozen one must not make a request late every time. */
#define PROBE_SHARE 4

bool eca_ldap_servers_open(struct eca_ldap_servers *out, const struct eca_ldap_settings *settings,
                           struct eca_error *err)
{
    out->settings = *settings;
    out->count = settings->url_count;
    for (size_t i = 0; i < out->count; i++)
        apr_cpystrn(out->list[i].url, settings->urls[i], sizeof out->list[i].url);
    out->pool = eca_ldap_pool_create(settings->connections);
    if (out->pool != NULL && pthread_mutex_init(&out->lock, NULL) == 0)
        return true;
    if (out->pool != NULL)
        eca_ldap_pool_close(out->pool);
    return eca_error_set(err, "out of memory");
}

void eca_ldap_servers_close(struct eca_ldap_servers *servers)
{
    eca_ldap_pool_close(servers->pool);
    pthread_mutex_destroy(&servers->lock);
}

/* A task on its way from server to server. */
struct journey {
    struct eca_ldap_servers *servers;
    const struct eca_ldap_task *task;
    struct eca_ldap_connection *connection; /* that may be kept afterwards, or NULL */
    enum eca_ldap_fault result;
    size_t left; /* servers that may still have to be asked */
    struct eca_error *err;
};

/* Only after these has the connection nothing half-said on it, and the server done what it can. */
static bool has_answered(enum eca_ldap_fault fault)
{
    return fault == ECA_LDAP_OK || fault == ECA_LDAP_FINAL;
}

/* An outage is the answer when there was one: the server that is down might have done it. */
static enum eca_ldap_fault worse(enum eca_ldap_fault before, enum eca_ldap_fault now)
{
    return before == ECA_LDAP_OK || before == ECA_LDAP_UNUSABLE ? now : before;
}

static enum eca_ldap_turn take_turn(struct eca_ldap_servers *servers, struct eca_ldap_server *server)
{
    enum eca_ldap_turn turn;

    pthread_mutex_lock(&servers->lock);
    turn = eca_ldap_backoff_take_turn(&server->backoff, eca_ldap_clock());
    pthread_mutex_unlock(&servers->lock);
    return turn;
}

static void note(struct eca_ldap_servers *servers, struct eca_ldap_server *server, bool answered)
{
    pthread_mutex_lock(&servers->lock);
    if (answered)
        eca_ldap_backoff_succeeded(&server->backoff);
    else
        eca_ldap_backoff_failed(&server->backoff, eca_ldap_clock());
    pthread_mutex_unlock(&servers->lock);
    if (!answered)
        eca_ldap_pool_forget(servers->pool, server->url);
}

static enum eca_ldap_fault run_on(struct journey *journey, struct eca_ldap_connection *connection, apr_time_t until,
                                  struct eca_error *err)
{
    const enum eca_ldap_fault fault = journey->task->run(journey->task->context, connection, until, err);

    if (has_answered(fault) && journey->task->purpose != ECA_LDAP_FOR_PASSWORD)
        journey->connection = connection;
    else
        eca_ldap_connection_close(connection);
    return fault;
}

static enum eca_ldap_fault run_on_fresh(struct journey *journey, const char *url, apr_time_t until,
                                        struct eca_error *err)
{
    struct eca_ldap_connection *connection = NULL;
    enum eca_ldap_fault fault;

    eca_ldap_pool_make_room(journey->servers->pool);
    fault = eca_ldap_connection_open(&connection, &journey->servers->settings, url, journey->task->purpose, until, err);
    return fault == ECA_LDAP_OK ? run_on(journey, connection, until, err) : fault;
}

/* The server may have closed a kept connection without a word, so its end says nothing against the server. */
static enum eca_ldap_fault run_on_server(struct journey *journey, const char *url, apr_time_t until)
{
    struct eca_ldap_connection *kept = NULL;
    struct eca_error err = { .text = "" };
    enum eca_ldap_fault fault = ECA_LDAP_DOWN;

    if (journey->task->purpose == ECA_LDAP_FOR_SEARCH)
        kept = eca_ldap_pool_take(journey->servers->pool, url);
    if (kept != NULL)
        fault = run_on(journey, kept, until, &err);
    if (kept == NULL || fault == ECA_LDAP_DOWN || fault == ECA_LDAP_UNUSABLE) {
        err.text[0] = '\0';
        fault = run_on_fresh(journey, url, until, &err);
    }
    if (fault != ECA_LDAP_OK)
        eca_error_set(journey->err, "%s", err.text); /* the first one stays */
    return fault;
}

/* Whether the journey has come to its end. */
static bool try_server(struct journey *journey, struct eca_ldap_server *server, enum eca_ldap_turn turn,
                       apr_time_t until)
{
    const apr_interval_time_t left = eca_ldap_clock_left(until);
    const size_t shares = turn == ECA_LDAP_TURN_PROBE && journey->left > 1 ? PROBE_SHARE * journey->left
                                                                           : journey->left;
    enum eca_ldap_fault fault;

    journey->left--;
    fault = run_on_server(journey, server->url, eca_ldap_clock() + left / (apr_interval_time_t)shares);
    note(journey->servers, server, has_answered(fault));
    journey->result = has_answered(fault) ? fault : worse(journey->result, fault);
    return has_answered(fault) || eca_ldap_clock_left(until) == 0;
}

static enum eca_ldap_fault travel(struct journey *journey, apr_time_t until)
{
    struct eca_ldap_servers *servers = journey->servers;
    bool tried[ECA_LDAP_URLS_MAX] = { false };

    journey->left = servers->count;
    for (size_t i = 0; i < servers->count; i++) {
        const enum eca_ldap_turn turn = take_turn(servers, &servers->list[i]);

        tried[i] = turn != ECA_LDAP_TURN_SKIP;
        if (tried[i] && try_server(journey, &servers->list[i], turn, until))
            return journey->result;
    }
    for (size_t i = 0; i < servers->count; i++) {
        if (!tried[i] && try_server(journey, &servers->list[i], ECA_LDAP_TURN_USE, until))
            return journey->result;
    }
    return journey->result;
}

enum eca_ldap_fault eca_ldap_servers_run(struct eca_ldap_servers *servers, const struct eca_ldap_task *task,
                                         apr_time_t until, struct eca_error *err)
{
    struct eca_error first = { .text = "" };
    struct journey journey = { .servers = servers, .task = task, .result = ECA_LDAP_OK, .err = &first };

    if (!eca_ldap_pool_acquire(servers->pool, until)) {
        eca_error_set(err, "all %d directory connections are in use", servers->settings.connections);
        return ECA_LDAP_SILENT;
    }
    travel(&journey, until);
    eca_ldap_pool_release(servers->pool, journey.connection);
    if (journey.result != ECA_LDAP_OK)
        eca_error_set(err, "%s", first.text);
    return journey.result;
}
