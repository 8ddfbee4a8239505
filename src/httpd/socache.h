/* SPDX-License-Identifier: Apache-2.0 */
/* One cache of httpd's, used so that it can neither block a worker nor be written by two at a time. */
#ifndef ECA_SOCACHE_H
#define ECA_SOCACHE_H

#include "error.h"
#include "job_pool.h"
#include "strbuf.h"

#include <ap_socache.h>
#include <httpd.h>
#include <util_mutex.h>

#define ECA_SOCACHE_REMOTE_VALUE_MAX 448 /* of a provider with `jobs` */

struct eca_socache {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* of a provider that is not safe by itself, else NULL; not owned */
    struct eca_job_pool *jobs; /* of a provider that may be on another machine, else NULL; not owned */
    server_rec *server;
};

/* Whether a provider's content may come from elsewhere: anything but shmcb and dbm. */
bool eca_socache_is_remote(const char *provider);

/* While the configuration is read. False with what the provider has against `arguments` (NULL: its defaults). */
bool eca_socache_create(struct eca_socache *out, apr_pool_t *pool, apr_pool_t *temporary, const char *provider,
                        const char *arguments, struct eca_error *err);

/*
 * All three: APR_SUCCESS, APR_NOTFOUND, APR_TIMEUP when a provider elsewhere did not answer within 250 ms or has just
 * failed to, or the provider's error. *length is the room in `out` and becomes the value's. Threads: any.
 */
apr_status_t eca_socache_retrieve(struct eca_socache *cache, struct eca_slice key, uint8_t *out, size_t *length,
                                  apr_pool_t *pool);
apr_status_t eca_socache_store(struct eca_socache *cache, struct eca_slice key, struct eca_slice value,
                               apr_time_t expiry, apr_pool_t *pool);
apr_status_t eca_socache_remove(struct eca_socache *cache, struct eca_slice key, apr_pool_t *pool);

#endif
