/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a socache provider: under its mutex, or on a helper when it may be slow. */
#include "socache.h"

#include <http_log.h>
#include <stdlib.h>
#include <string.h>

APLOG_USE_MODULE(eas_certauth);

#define REMOTE_PATIENCE apr_time_from_msec(250)
#define KEY_MAX 32

enum operation { RETRIEVE, STORE, REMOVE };

/* What the provider is called with; the value is somebody else's. */
struct access {
    struct eca_socache *cache;
    enum operation operation;
    uint8_t key[KEY_MAX];
    size_t key_length;
    uint8_t *value;
    unsigned value_length;
    apr_time_t expiry;
};

/* With a copy of the value: the waiter may be gone before the provider answers. */
struct access_job {
    struct eca_job job;
    struct access access;
    uint8_t value[ECA_SOCACHE_REMOTE_VALUE_MAX];
    apr_status_t status;
};

bool eca_socache_is_remote(const char *provider)
{
    return strcmp(provider, "shmcb") != 0 && strcmp(provider, "dbm") != 0;
}

bool eca_socache_create(struct eca_socache *out, apr_pool_t *pool, apr_pool_t *temporary, const char *provider,
                        const char *arguments, struct eca_error *err)
{
    const char *problem = NULL;

    out->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, provider, AP_SOCACHE_PROVIDER_VERSION);
    if (out->provider == NULL)
        return eca_error_set(err, "there is no cache provider \"%s\"; load mod_socache_%s", provider, provider);
    problem = out->provider->create(&out->instance, arguments, temporary, pool);
    return problem == NULL || eca_error_set(err, "%s: %s", provider, problem);
}

static apr_status_t call(struct access *access, apr_pool_t *pool)
{
    const ap_socache_provider_t *provider = access->cache->provider;
    ap_socache_instance_t *instance = access->cache->instance;
    server_rec *server = access->cache->server;
    const unsigned key_length = (unsigned)access->key_length;

    switch (access->operation) {
    case RETRIEVE:
        return provider->retrieve(instance, server, access->key, key_length, access->value, &access->value_length,
                                  pool);
    case STORE:
        return provider->store(instance, server, access->key, key_length, access->expiry, access->value,
                               access->value_length, pool);
    case REMOVE:
        break;
    }
    return provider->remove(instance, server, access->key, key_length, pool);
}

static apr_status_t call_locked(struct access *access, apr_pool_t *pool)
{
    apr_global_mutex_t *mutex = access->cache->mutex;
    apr_status_t status = mutex == NULL ? APR_SUCCESS : apr_global_mutex_lock(mutex);

    if (status != APR_SUCCESS)
        return status;
    status = call(access, pool);
    if (mutex != NULL)
        apr_global_mutex_unlock(mutex);
    return status;
}

/* An error in an orderly answer is no outage: only who says nothing is left alone for a while. */
static void run_access(struct eca_job *base)
{
    struct access_job *job = (struct access_job *)base;
    apr_pool_t *pool = NULL;

    job->status = apr_pool_create(&pool, NULL);
    if (job->status == APR_SUCCESS) {
        job->status = call_locked(&job->access, pool);
        apr_pool_destroy(pool);
    }
    base->succeeded = true;
}

static void destroy_access(struct eca_job *job)
{
    free(job);
}

/* With the value copied there and back. */
static apr_status_t call_on_helper(struct access *access)
{
    struct eca_job_pool *jobs = access->cache->jobs;
    struct access_job *copy = calloc(1, sizeof *copy);
    struct eca_job *job = NULL;
    apr_status_t status = APR_SUCCESS;

    if (copy == NULL || access->value_length > sizeof copy->value) {
        free(copy);
        return copy == NULL ? APR_ENOMEM : APR_EINVAL;
    }
    copy->access = *access;
    copy->access.value = copy->value;
    if (access->operation == STORE)
        memcpy(copy->value, access->value, access->value_length);
    copy->job = (struct eca_job){ .run = run_access, .destroy = destroy_access };
    job = &copy->job;
    if (eca_job_pool_run(jobs, &job, apr_time_now() + REMOTE_PATIENCE) != ECA_JOB_DONE)
        return APR_TIMEUP;
    copy = (struct access_job *)job;
    status = copy->status;
    if (status == APR_SUCCESS && access->operation == RETRIEVE) {
        access->value_length = copy->access.value_length;
        memcpy(access->value, copy->value, access->value_length);
    }
    eca_job_release(jobs, job);
    return status;
}

static apr_status_t run(struct access *access, struct eca_slice key, apr_pool_t *pool)
{
    if (key.length > sizeof access->key)
        return APR_EINVAL;
    memcpy(access->key, key.bytes, key.length);
    access->key_length = key.length;
    return access->cache->jobs != NULL ? call_on_helper(access) : call_locked(access, pool);
}

apr_status_t eca_socache_retrieve(struct eca_socache *cache, struct eca_slice key, uint8_t *out, size_t *length,
                                  apr_pool_t *pool)
{
    struct access access = { .cache = cache, .operation = RETRIEVE, .value = out, .value_length = (unsigned)*length };
    const apr_status_t status = run(&access, key, pool);

    *length = status == APR_SUCCESS ? access.value_length : 0;
    return status;
}

apr_status_t eca_socache_store(struct eca_socache *cache, struct eca_slice key, struct eca_slice value,
                               apr_time_t expiry, apr_pool_t *pool)
{
    struct access access = { .cache = cache,
                             .operation = STORE,
                             .value = (uint8_t *)(uintptr_t)value.bytes,
                             .value_length = (unsigned)value.length,
                             .expiry = expiry };

    return run(&access, key, pool);
}

apr_status_t eca_socache_remove(struct eca_socache *cache, struct eca_slice key, apr_pool_t *pool)
{
    struct access access = { .cache = cache, .operation = REMOVE };

    return run(&access, key, pool);
}
