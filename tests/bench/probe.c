/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's own module: handlers that measure from inside a real httpd what cannot be seen from outside. */
#include "probe.h"

#include <http_protocol.h>
#include <stdlib.h>
#include <time.h>

uint64_t eca_probe_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

struct eca_probe_spread eca_probe_spread_of(uint32_t *values, size_t count)
{
    if (count == 0)
        return (struct eca_probe_spread){ 0, 0 };
    qsort(values, count, sizeof values[0], compare);
    return (struct eca_probe_spread){ values[count / 2], values[count * 99 / 100] };
}

static int handle(request_rec *r)
{
    if (r->handler == NULL)
        return DECLINED;
    if (strcmp(r->handler, "eas-bench-cache") == 0)
        return eca_cache_probe_handle(r);
    if (strcmp(r->handler, "eas-bench-tickets") == 0)
        return eca_ticket_probe_handle(r);
    return strcmp(r->handler, "eas-bench-hooks") == 0 ? eca_hook_probe_handle(r) : DECLINED;
}

static int post_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *main_server)
{
    (void)pool;
    (void)log;
    (void)temporary;
    (void)main_server;
    eca_hook_probe_install();
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_log_transaction(eca_hook_probe_keep, NULL, NULL, APR_HOOK_LAST);
    eca_hook_probe_register();
}

AP_DECLARE_MODULE(eas_bench) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, AP_MODULE_FLAG_NONE,
};
