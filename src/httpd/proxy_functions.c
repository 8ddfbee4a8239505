/* SPDX-License-Identifier: Apache-2.0 */
/* mod_proxy by name. */
#include "proxy_functions.h"

#include <apr_strings.h>
#include <dlfcn.h>

/* Newer mod_proxys of the same httpd 2.4 have longer structures; what we do not know of them starts as zero. */
#define ROOM_TO_GROW 1024

/* Written in pre_config, before there are threads. */
static struct {
    void (*hook)(proxy_HOOK_scheme_handler_t *handler, const char *const *before, const char *const *after, int order);
    apr_array_header_t *(*get_handlers)(void);
    proxy_HOOK_scheme_handler_t *ours;
    apr_status_t (*initialize_worker)(proxy_worker *worker, server_rec *server, apr_pool_t *pool);
} functions;

static bool find(void *function, const char *name)
{
    void *const found = dlsym(RTLD_DEFAULT, name);

    memcpy(function, &found, sizeof found); /* ISO C has no cast from an object's pointer to a function's */
    return found != NULL;
}

bool eca_proxy_functions_find(void)
{
    return find(&functions.hook, "proxy_hook_scheme_handler")
           && find(&functions.get_handlers, "proxy_hook_get_scheme_handler")
           && find(&functions.initialize_worker, "ap_proxy_initialize_worker");
}

void eca_proxy_hook_scheme_handler(proxy_HOOK_scheme_handler_t *handler)
{
    functions.ours = handler;
    functions.hook(handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

int eca_proxy_run_others(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, const char *url)
{
    const apr_array_header_t *hooks = functions.get_handlers();
    int status = DECLINED;

    for (int i = 0; i < hooks->nelts && status == DECLINED; i++) {
        const proxy_LINK_scheme_handler_t *link = &APR_ARRAY_IDX(hooks, i, proxy_LINK_scheme_handler_t);

        if (link->pFunc != functions.ours)
            status = link->pFunc(r, worker, conf, apr_pstrdup(r->pool, url), NULL, 0);
    }
    return status;
}

proxy_worker_shared *eca_proxy_copy_shared(apr_pool_t *pool, const proxy_worker *worker)
{
    proxy_worker_shared *copy = apr_pcalloc(pool, sizeof *copy + ROOM_TO_GROW);

    *copy = *worker->s;
    return copy;
}

proxy_worker *eca_proxy_copy_worker(apr_pool_t *pool, server_rec *server, const proxy_worker *worker,
                                    proxy_worker_shared *shared)
{
    proxy_worker *copy = apr_pcalloc(pool, sizeof *copy + ROOM_TO_GROW);

    *copy = *worker;
    copy->cp = NULL;
    copy->tmutex = NULL;
    copy->address = NULL;
    copy->local_status &= ~(unsigned)PROXY_WORKER_INITIALIZED;
    if (shared != NULL)
        copy->s = shared;
    return functions.initialize_worker(copy, server, pool) == APR_SUCCESS ? copy : NULL;
}
