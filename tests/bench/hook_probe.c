/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stopwatch around each of mod_eas_certauth's hooks, and a look at what they take from the pools of the request and
 * its connection.
 *
 * The clock is the monotonic one: warm, nothing waits in our hooks, so what passes is CPU time; a thread's CPU clock is
 * a system call, which costs more than most hooks. One request that was interrupted does not move the median.
 * What the clock itself takes is measured each time and not counted as ours; nor are the hooks of others that ours
 * call: httpd would have called them anyway.
 */
#include "probe.h"

#include <apr_atomic.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_proxy.h>
#include <pthread.h>
#include <stdbool.h>
#include <util_filter.h>

APLOG_USE_MODULE(eas_bench);

#define OURS "mod_eas_certauth.c"
#define ANSWER_FILTER "EAS_BACKEND"
#define BEHIND_FILTER "EAS_BENCH_BEHIND"
#define KEPT_MAX 16384
#define OTHERS_MAX 6   /* modules with the same hook as one of ours that runs them */
#define POOL_NODE 8192 /* an APR pool's usual piece: addresses in one can be compared */

enum hook {
    POST_READ_REQUEST,
    ACCESS_CHECKER_EX,
    FORCE_AUTHN,
    CHECK_USER_ID,
    AUTH_CHECKER,
    FIXUPS,
    PROXY_FIXUPS,
    ANSWER,
    REQUEST_STATUS,
    HOOKS
};

static const char *const names[HOOKS] = {
    [POST_READ_REQUEST] = "post_read_request",
    [ACCESS_CHECKER_EX] = "access_checker_ex",
    [FORCE_AUTHN] = "force_authn",
    [CHECK_USER_ID] = "check_user_id",
    [AUTH_CHECKER] = "auth_checker",
    [FIXUPS] = "fixups",
    [PROXY_FIXUPS] = "proxy_fixups",
    [ANSWER] = "answer",
    [REQUEST_STATUS] = "request_status",
};

/* What a request has spent in our hooks; in its request_config. */
struct spent {
    uint64_t begin;   /* of the hook that runs, 0 while none of ours does */
    uint64_t reading; /* what the clock took just before */
    char *pool_begin; /* where r->pool stood then */
    char *connection_begin;
    unsigned depth;
    uint32_t nanoseconds[HOOKS];
    uint32_t pool_bytes[HOOKS];
    uint32_t stopwatch;                 /* what all readings took together */
    uint32_t token_bytes;               /* of the header that went to the backend */
    uint32_t connection_bytes;
    bool ran[HOOKS], pool_moved[HOOKS]; /* moved: to another piece meanwhile, the bytes are not known */
};

/* Of the requests since the last report. */
struct series {
    uint32_t values[KEPT_MAX];
    size_t count;
};

static struct {
    pthread_mutex_t lock;
    struct series total, stopwatch, token_bytes, nanoseconds[HOOKS], pool_bytes[HOOKS];
    uint32_t connection_bytes; /* the most of one request: what a connection keeps is kept once */
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Pieces of r->pool end somewhere else in each request, so that no hook is always the one where the pool moves on. */
#define SHIFTS 16
#define SHIFT_BYTES 512

static apr_uint32_t requests;

static struct spent *spent_of(request_rec *r)
{
    struct spent *spent = ap_get_module_config(r->request_config, &eas_bench_module);

    if (spent == NULL) {
        spent = apr_pcalloc(r->pool, sizeof *spent);
        (void)apr_palloc(r->pool, apr_atomic_inc32(&requests) % SHIFTS * SHIFT_BYTES);
        ap_set_module_config(r->request_config, &eas_bench_module, spent);
    }
    return spent;
}

static void begin(request_rec *r, struct spent *spent)
{
    uint64_t first = 0;

    spent->pool_begin = apr_palloc(r->pool, 8);
    spent->connection_begin = apr_palloc(r->connection->pool, 8);
    first = eca_probe_now();
    spent->begin = eca_probe_now();
    spent->reading = spent->begin - first;
}

/* Behind `begin`, the piece that was taken at once before; false when the pool has moved on. */
static bool taken_since(uint32_t *bytes, const char *begin, apr_pool_t *pool)
{
    const char *now = apr_palloc(pool, 8);

    if (now <= begin || now - begin >= POOL_NODE)
        return false;
    *bytes += (uint32_t)(now - begin) - 8;
    return true;
}

static void end(request_rec *r, struct spent *spent, enum hook hook)
{
    const uint64_t now = eca_probe_now();
    const uint64_t elapsed = now - spent->begin;

    if (spent->begin == 0)
        return;
    spent->ran[hook] = true;
    spent->nanoseconds[hook] += (uint32_t)(elapsed > spent->reading ? elapsed - spent->reading : 0);
    spent->stopwatch += (uint32_t)spent->reading;
    spent->begin = 0;
    if (!taken_since(&spent->pool_bytes[hook], spent->pool_begin, r->pool))
        spent->pool_moved[hook] = true;
    (void)taken_since(&spent->connection_bytes, spent->connection_begin, r->connection->pool);
}

/* Ours stand aside when they call their own chain again: so does the stopwatch in front of them. */
#define STOPWATCH(hook, number)                                                                                        \
    static ap_HOOK_##hook##_t *our_##hook;                                                                             \
    static int timed_##hook(request_rec *r)                                                                            \
    {                                                                                                                  \
        struct spent *spent = spent_of(r);                                                                             \
        int status = DECLINED;                                                                                         \
                                                                                                                       \
        if (spent->depth > 0)                                                                                          \
            return DECLINED;                                                                                           \
        spent->depth++;                                                                                                \
        begin(r, spent);                                                                                               \
        status = our_##hook(r);                                                                                        \
        end(r, spent, number);                                                                                         \
        spent->depth--;                                                                                                \
        return status;                                                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static void install_##hook(void)                                                                                   \
    {                                                                                                                  \
        apr_array_header_t *hooks = ap_hook_get_##hook();                                                              \
        ap_LINK_##hook##_t *links = (ap_LINK_##hook##_t *)hooks->elts;                                                 \
                                                                                                                       \
        for (int i = 0; i < hooks->nelts; i++) {                                                                       \
            if (links[i].szName == NULL || strcmp(links[i].szName, OURS) != 0)                                         \
                continue;                                                                                              \
            our_##hook = links[i].pFunc;                                                                               \
            links[i].pFunc = timed_##hook;                                                                             \
        }                                                                                                              \
    }

/* A hook of others, each with a function of its own, since a hook does not say in whose name it is called. */
#define OTHER(hook, number, place)                                                                                     \
    static int other_##hook##_##place(request_rec *r)                                                                  \
    {                                                                                                                  \
        struct spent *spent = spent_of(r);                                                                             \
        const bool ours = spent->begin != 0;                                                                           \
        int status = DECLINED;                                                                                         \
                                                                                                                       \
        if (ours)                                                                                                      \
            end(r, spent, number);                                                                                     \
        status = others_##hook[place](r);                                                                              \
        if (ours)                                                                                                      \
            begin(r, spent);                                                                                           \
        return status;                                                                                                 \
    }

#define OTHERS(hook, number)                                                                                           \
    static ap_HOOK_##hook##_t *others_##hook[OTHERS_MAX];                                                              \
    OTHER(hook, number, 0)                                                                                             \
    OTHER(hook, number, 1)                                                                                             \
    OTHER(hook, number, 2)                                                                                             \
    OTHER(hook, number, 3)                                                                                             \
    OTHER(hook, number, 4)                                                                                             \
    OTHER(hook, number, 5)                                                                                             \
                                                                                                                       \
    static void install_others_##hook(void)                                                                            \
    {                                                                                                                  \
        static ap_HOOK_##hook##_t *const watched[OTHERS_MAX] = { other_##hook##_0, other_##hook##_1, other_##hook##_2, \
                                                                 other_##hook##_3, other_##hook##_4,                   \
                                                                 other_##hook##_5 };                                   \
        apr_array_header_t *hooks = ap_hook_get_##hook();                                                              \
        ap_LINK_##hook##_t *links = (ap_LINK_##hook##_t *)hooks->elts;                                                 \
        int place = 0;                                                                                                 \
                                                                                                                       \
        for (int i = 0; i < hooks->nelts && place < OTHERS_MAX; i++) {                                                 \
            if (links[i].szName != NULL && strcmp(links[i].szName, OURS) == 0)                                         \
                continue;                                                                                              \
            others_##hook[place] = links[i].pFunc;                                                                     \
            links[i].pFunc = watched[place++];                                                                         \
        }                                                                                                              \
    }

STOPWATCH(post_read_request, POST_READ_REQUEST)
STOPWATCH(access_checker_ex, ACCESS_CHECKER_EX)
STOPWATCH(force_authn, FORCE_AUTHN)
STOPWATCH(check_user_id, CHECK_USER_ID)
STOPWATCH(auth_checker, AUTH_CHECKER)
STOPWATCH(fixups, FIXUPS)
OTHERS(access_checker_ex, ACCESS_CHECKER_EX)
OTHERS(auth_checker, AUTH_CHECKER)

/* ---- mod_proxy's optional hooks ---- */

static proxy_HOOK_fixups_t *our_proxy_fixups;
static proxy_HOOK_request_status_t *our_request_status;

static int timed_proxy_fixups(request_rec *r)
{
    struct spent *spent = spent_of(r);
    const char *token = NULL;
    int status = DECLINED;

    begin(r, spent);
    status = our_proxy_fixups(r);
    end(r, spent, PROXY_FIXUPS);
    token = apr_table_get(r->headers_in, "Authorization");
    spent->token_bytes = token == NULL ? 0 : (uint32_t)strlen(token) + 1;
    return status;
}

static int timed_request_status(int *status, request_rec *r)
{
    struct spent *spent = spent_of(r);
    int result = DECLINED;

    begin(r, spent);
    result = our_request_status(status, r);
    end(r, spent, REQUEST_STATUS);
    return result;
}

/* The hooks of a name in all namespaces are in one array: ours are found by whose they are. */
static void install_proxy(void)
{
    apr_array_header_t *fixups = apr_optional_hook_get("fixups"), *status = apr_optional_hook_get("request_status");

    for (int i = 0; fixups != NULL && i < fixups->nelts; i++) {
        proxy_LINK_fixups_t *link = &APR_ARRAY_IDX(fixups, i, proxy_LINK_fixups_t);

        if (strcmp(link->szName, OURS) == 0) {
            our_proxy_fixups = link->pFunc;
            link->pFunc = timed_proxy_fixups;
        }
    }
    for (int i = 0; status != NULL && i < status->nelts; i++) {
        proxy_LINK_request_status_t *link = &APR_ARRAY_IDX(status, i, proxy_LINK_request_status_t);

        if (strcmp(link->szName, OURS) == 0) {
            our_request_status = link->pFunc;
            link->pFunc = timed_request_status;
        }
    }
}

/* ---- the filter that looks at a backend's answer ---- */

static ap_out_filter_func our_filter;

static apr_status_t timed_filter(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;
    struct spent *spent = spent_of(r);
    apr_status_t status = APR_SUCCESS;

    ap_add_output_filter(BEHIND_FILTER, NULL, r, r->connection);
    begin(r, spent);
    status = our_filter(filter, brigade);
    end(r, spent, ANSWER); /* when nothing was passed on */
    return status;
}

/* What comes behind is not ours. */
static apr_status_t end_at_next(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    ap_filter_t *next = filter->next;

    end(filter->r, spent_of(filter->r), ANSWER);
    ap_remove_output_filter(filter);
    return ap_pass_brigade(next, brigade);
}

void eca_hook_probe_register(void)
{
    ap_register_output_filter(BEHIND_FILTER, end_at_next, NULL, AP_FTYPE_CONTENT_SET + 1);
}

void eca_hook_probe_install(void)
{
    ap_filter_rec_t *filter = ap_get_output_filter_handle(ANSWER_FILTER);

    if (filter == NULL || filter->filter_func.out_func == timed_filter)
        return;
    our_filter = filter->filter_func.out_func;
    filter->filter_func.out_func = timed_filter;
    install_post_read_request();
    install_access_checker_ex();
    install_force_authn();
    install_check_user_id();
    install_auth_checker();
    install_fixups();
    install_others_access_checker_ex();
    install_others_auth_checker();
    install_proxy();
}

/* ---- what is told ---- */

static void add(struct series *series, uint32_t value)
{
    if (series->count < KEPT_MAX)
        series->values[series->count++] = value;
}

int eca_hook_probe_keep(request_rec *r)
{
    const struct spent *spent = ap_get_module_config(r->request_config, &eas_bench_module);
    uint32_t total = 0;

    if (spent == NULL || !spent->ran[CHECK_USER_ID]) /* not one of ours */
        return DECLINED;
    pthread_mutex_lock(&kept.lock);
    for (int hook = 0; hook < HOOKS; hook++) {
        total += spent->nanoseconds[hook];
        if (spent->ran[hook])
            add(&kept.nanoseconds[hook], spent->nanoseconds[hook]);
        if (spent->ran[hook] && !spent->pool_moved[hook])
            add(&kept.pool_bytes[hook], spent->pool_bytes[hook]);
    }
    add(&kept.total, total);
    add(&kept.stopwatch, spent->stopwatch);
    add(&kept.token_bytes, spent->token_bytes);
    if (spent->connection_bytes > kept.connection_bytes)
        kept.connection_bytes = spent->connection_bytes;
    pthread_mutex_unlock(&kept.lock);
    return DECLINED;
}

static double take_median(struct series *series)
{
    const struct eca_probe_spread spread = eca_probe_spread_of(series->values, series->count);

    series->count = 0;
    return spread.median;
}

int eca_hook_probe_handle(request_rec *r)
{
    double pool_bytes = 0;
    apr_size_t count = 0;

    ap_set_content_type(r, "application/json");
    pthread_mutex_lock(&kept.lock);
    count = kept.total.count;
    ap_rprintf(r, "{\"requests\": %" APR_SIZE_T_FMT ", \"median_ns\": %.0f, \"hooks\": {", count,
               take_median(&kept.total));
    for (int hook = 0; hook < HOOKS; hook++) {
        ap_rprintf(r, "%s\"%s\": %.0f", hook == 0 ? "" : ", ", names[hook], take_median(&kept.nanoseconds[hook]));
        pool_bytes += take_median(&kept.pool_bytes[hook]);
    }
    ap_rprintf(r,
               "}, \"stopwatch_ns\": %.0f, \"pool_bytes\": %.0f, \"connection_bytes\": %u, \"token_bytes\": %.0f}\n",
               take_median(&kept.stopwatch), pool_bytes, kept.connection_bytes, take_median(&kept.token_bytes));
    kept.connection_bytes = 0;
    pthread_mutex_unlock(&kept.lock);
    return OK;
}
