/* SPDX-License-Identifier: Apache-2.0 */
/* What mod_proxy does not offer as optional functions: found by name, because httpd may run without it. */
#ifndef ECA_PROXY_FUNCTIONS_H
#define ECA_PROXY_FUNCTIONS_H

#include <mod_proxy.h>
#include <stdbool.h>

/* pre_config, when all modules are loaded. False without mod_proxy: then nothing else here may be called. */
bool eca_proxy_functions_find(void);

/* Hooks `handler` before all others that talk to backends. */
void eca_proxy_hook_scheme_handler(proxy_HOOK_scheme_handler_t *handler);

/* Has the others, in their order, talk to `worker`; what the first one that does not decline returns. */
int eca_proxy_run_others(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, const char *url);

/* Status and limits of `worker`, to be changed for eca_proxy_copy_worker(). */
proxy_worker_shared *eca_proxy_copy_shared(apr_pool_t *pool, const proxy_worker *worker);

/*
 * A worker for the same backend whose connections are nobody else's. They end with `pool`. With `shared` its status and
 * limits are the caller's, else those of `worker`. NULL when out of memory.
 */
proxy_worker *eca_proxy_copy_worker(apr_pool_t *pool, server_rec *server, const proxy_worker *worker,
                                    proxy_worker_shared *shared);

#endif
