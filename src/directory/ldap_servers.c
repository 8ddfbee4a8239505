/* SPDX-License-Identifier: Apache-2.0 */
/* Which server does a task: the order, the shares of the time, and what a fault means for the next one. */
#include "ldap_servers.h"

#include "ldap_clock.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Of what is left, for a server that may still be down: a frozen one must not make a request late every time. */
#define PROBE_SHARE 4

/* After an answer of DNS that was not complete, and while there is no server at all. */
#define LOCATE_AGAIN apr_time_from_sec(30)
#define LOCATE_AGAIN_SOON apr_time_from_sec(1)

bool eca_ldap_servers_open(struct eca_ldap_servers *out, const struct eca_ldap_settings *settings,
                           struct eca_error *err)
{
    out->settings = *settings;
    for (size_t i = 0; i < settings->url_count; i++) {
        apr_cpystrn(out->sources[i], settings->urls[i], sizeof out->sources[i]);
        out->settings.urls[i] = out->sources[i];
        out->uses_dns = out->uses_dns || eca_ldap_source_is_domain(settings->urls[i]);
    }
    out->pool = eca_ldap_pool_create(settings->connections);
    if (out->pool == NULL)
        goto no_pool;
    if (pthread_mutex_init(&out->lock, NULL) != 0)
        goto no_lock;
    if (pthread_mutex_init(&out->locating, NULL) != 0)
        goto no_locating;
    if (!out->uses_dns)
        eca_ldap_servers_locate(out, eca_ldap_clock());
    return true;

no_locating:
    pthread_mutex_destroy(&out->lock);
no_lock:
    eca_ldap_pool_close(out->pool);
no_pool:
    return eca_error_set(err, "out of memory");
}

void eca_ldap_servers_close(struct eca_ldap_servers *servers)
{
    eca_ldap_pool_close(servers->pool);
    pthread_mutex_destroy(&servers->locating);
    pthread_mutex_destroy(&servers->lock);
}

/* ---- the list ---------------------------------------------------------------------------- */

static struct eca_ldap_server *find_server(struct eca_ldap_servers *servers, const char *url)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (strcmp(servers->list[i].url, url) == 0)
            return &servers->list[i];
    }
    return NULL;
}

/* Where a source gave nothing, its servers of before stay. */
static void keep_source(struct eca_ldap_servers *servers, size_t source, struct eca_ldap_server *list, size_t *count)
{
    for (size_t i = 0; i < servers->count && *count < ECA_LDAP_SERVERS_MAX; i++) {
        if (servers->list[i].source == source)
            list[(*count)++] = servers->list[i];
    }
}

/* A server that stays keeps what is said against it. */
static void take_list(struct eca_ldap_servers *servers, const struct eca_ldap_located *located)
{
    struct eca_ldap_server list[ECA_LDAP_SERVERS_MAX] = { { .url = "" } };
    size_t count = 0;

    for (size_t source = 0; source < servers->settings.url_count; source++) {
        const size_t before = count;

        for (size_t i = 0; i < located->count && count < ECA_LDAP_SERVERS_MAX; i++) {
            const struct eca_ldap_server *known = find_server(servers, located->servers[i].url);

            if (located->servers[i].source != source)
                continue;
            list[count] = (struct eca_ldap_server){ .source = source };
            apr_cpystrn(list[count].url, located->servers[i].url, sizeof list[count].url);
            if (known != NULL)
                list[count].backoff = known->backoff;
            count++;
        }
        if (count == before)
            keep_source(servers, source, list, &count);
    }
    memcpy(servers->list, list, count * sizeof list[0]);
    servers->count = count;
}

bool eca_ldap_servers_is_due(struct eca_ldap_servers *servers)
{
    bool due = false;

    if (!servers->uses_dns)
        return false;
    pthread_mutex_lock(&servers->lock);
    due = eca_ldap_clock() >= servers->due;
    pthread_mutex_unlock(&servers->lock);
    return due;
}

void eca_ldap_servers_locate(struct eca_ldap_servers *servers, apr_time_t until)
{
    struct eca_ldap_located *located = malloc(sizeof *located);
    struct eca_error why = { .text = "" };
    char site[ECA_LDAP_SITE_MAX];

    if (located == NULL)
        return;
    pthread_mutex_lock(&servers->lock);
    memcpy(site, servers->site, sizeof site);
    pthread_mutex_unlock(&servers->lock);
    eca_ldap_locate(located, servers->settings.urls, servers->settings.url_count, site, until, &why);

    pthread_mutex_lock(&servers->lock);
    servers->why_none = why;
    take_list(servers, located);
    if (servers->count == 0)
        servers->due = eca_ldap_clock() + LOCATE_AGAIN_SOON;
    else
        servers->due = eca_ldap_clock() + (located->complete ? located->lifetime : LOCATE_AGAIN);
    if (strcmp(site, servers->site) != 0) /* it became known meanwhile */
        servers->due = 0;
    pthread_mutex_unlock(&servers->lock);
    free(located);
}

void eca_ldap_servers_set_site(struct eca_ldap_servers *servers, const char *site)
{
    pthread_mutex_lock(&servers->lock);
    if (strcmp(servers->site, site) != 0) {
        apr_cpystrn(servers->site, site, sizeof servers->site);
        servers->due = 0;
    }
    pthread_mutex_unlock(&servers->lock);
}

/* Whoever asked DNS: maintenance may have been before the one who needs the list. */
static void tell_why_none(struct eca_ldap_servers *servers, struct eca_error *err)
{
    pthread_mutex_lock(&servers->lock);
    eca_error_set(err, "%s", servers->why_none.text[0] != '\0' ? servers->why_none.text : "out of memory");
    pthread_mutex_unlock(&servers->lock);
}

/* The list as it is now; the first to need it asks for it, and the others wait for him. */
static size_t copy_list(struct eca_ldap_servers *servers, struct eca_ldap_server *out)
{
    size_t count;

    pthread_mutex_lock(&servers->lock);
    count = servers->count;
    memcpy(out, servers->list, count * sizeof out[0]);
    pthread_mutex_unlock(&servers->lock);
    return count;
}

static size_t know_list(struct eca_ldap_servers *servers, struct eca_ldap_server *out, apr_time_t until,
                        struct eca_error *err)
{
    const struct timespec moment = { .tv_sec = (time_t)apr_time_sec(until),
                                     .tv_nsec = (long)apr_time_usec(until) * 1000 };
    size_t count = copy_list(servers, out);

    if (count > 0 || !servers->uses_dns)
        return count;
    if (pthread_mutex_clocklock(&servers->locating, CLOCK_MONOTONIC, &moment) != 0) {
        eca_error_set(err, "DNS has not yet told the domain controllers of %s", servers->settings.urls[0]);
        return 0;
    }
    if (copy_list(servers, out) == 0 && eca_ldap_servers_is_due(servers))
        eca_ldap_servers_locate(servers, until);
    pthread_mutex_unlock(&servers->locating);
    count = copy_list(servers, out);
    if (count == 0)
        tell_why_none(servers, err);
    return count;
}

/* ---- one server -------------------------------------------------------------------------- */

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

/* The list may have changed since the caller copied it: a server that is no longer in it is used once more. */
static enum eca_ldap_turn take_turn(struct eca_ldap_servers *servers, const char *url)
{
    enum eca_ldap_turn turn = ECA_LDAP_TURN_USE;
    struct eca_ldap_server *server;

    pthread_mutex_lock(&servers->lock);
    server = find_server(servers, url);
    if (server != NULL)
        turn = eca_ldap_backoff_take_turn(&server->backoff, eca_ldap_clock());
    pthread_mutex_unlock(&servers->lock);
    return turn;
}

static void note(struct eca_ldap_servers *servers, const char *url, bool answered)
{
    struct eca_ldap_server *server;

    pthread_mutex_lock(&servers->lock);
    server = find_server(servers, url);
    if (server != NULL && answered)
        eca_ldap_backoff_succeeded(&server->backoff);
    else if (server != NULL)
        eca_ldap_backoff_failed(&server->backoff, eca_ldap_clock());
    pthread_mutex_unlock(&servers->lock);
    if (!answered)
        eca_ldap_pool_forget(servers->pool, url);
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
static bool try_server(struct journey *journey, const char *url, enum eca_ldap_turn turn, apr_time_t until)
{
    const apr_interval_time_t left = eca_ldap_clock_left(until);
    const size_t shares = turn == ECA_LDAP_TURN_PROBE && journey->left > 1 ? PROBE_SHARE * journey->left
                                                                           : journey->left;
    enum eca_ldap_fault fault;

    journey->left--;
    fault = run_on_server(journey, url, eca_ldap_clock() + left / (apr_interval_time_t)shares);
    note(journey->servers, url, has_answered(fault));
    journey->result = has_answered(fault) ? fault : worse(journey->result, fault);
    return has_answered(fault) || eca_ldap_clock_left(until) == 0;
}

static enum eca_ldap_fault travel(struct journey *journey, apr_time_t until)
{
    struct eca_ldap_server list[ECA_LDAP_SERVERS_MAX];
    bool tried[ECA_LDAP_SERVERS_MAX] = { false };
    const size_t count = know_list(journey->servers, list, until, journey->err);

    if (count == 0)
        return ECA_LDAP_DOWN;
    journey->left = count;
    for (size_t i = 0; i < count; i++) {
        const enum eca_ldap_turn turn = take_turn(journey->servers, list[i].url);

        tried[i] = turn != ECA_LDAP_TURN_SKIP;
        if (tried[i] && try_server(journey, list[i].url, turn, until))
            return journey->result;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tried[i] && try_server(journey, list[i].url, ECA_LDAP_TURN_USE, until))
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
    journey.result = travel(&journey, until);
    eca_ldap_pool_release(servers->pool, journey.connection);
    if (journey.result != ECA_LDAP_OK)
        eca_error_set(err, "%s", first.text);
    return journey.result;
}
