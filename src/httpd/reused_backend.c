/* SPDX-License-Identifier: Apache-2.0 */
/* A list that only grows, with a lock for growing; what changes afterwards is atomic. */
#include "reused_backend.h"

#include "hot.h"
#include "proxy_functions.h"

#include <apr_thread_mutex.h>
#include <stdatomic.h>

#define BACKENDS_MAX 64
#define PROVEN_FOR apr_time_from_sec(3600)
#define PROBE_AHEAD apr_time_from_sec(300)
#define PROBE_RETRY apr_time_from_sec(60)

struct eca_reused_backend {
    const proxy_worker *original;
    proxy_worker *worker;
    atomic_bool off;
    atomic_int_least64_t proven_until;
    atomic_int_least64_t next_probe; /* while one is under way, after its end at the latest */
};

struct eca_reused_backends {
    apr_pool_t *pool;
    server_rec *server;
    apr_thread_mutex_t *lock; /* of the pool and of adding */
    atomic_int count;
    struct eca_reused_backend list[BACKENDS_MAX];
};

struct eca_reused_backends *eca_reused_backends_open(apr_pool_t *pool, server_rec *server)
{
    struct eca_reused_backends *backends = apr_pcalloc(pool, sizeof *backends);
    apr_allocator_t *allocator = NULL; /* the child's is for one thread */

    if (apr_allocator_create(&allocator) != APR_SUCCESS
        || apr_pool_create_ex(&backends->pool, pool, NULL, allocator) != APR_SUCCESS)
        return NULL;
    apr_allocator_owner_set(allocator, backends->pool);
    backends->server = server;
    return apr_thread_mutex_create(&backends->lock, APR_THREAD_MUTEX_DEFAULT, pool) == APR_SUCCESS ? backends : NULL;
}

static struct eca_reused_backend *find(struct eca_reused_backends *backends, const proxy_worker *worker)
{
    const int count = atomic_load_explicit(&backends->count, memory_order_acquire);

    for (int i = 0; i < count; i++) {
        if (backends->list[i].original == worker)
            return &backends->list[i];
    }
    return NULL;
}

/* With the lock. */
static struct eca_reused_backend *add(struct eca_reused_backends *backends, const proxy_worker *worker)
{
    const int count = atomic_load_explicit(&backends->count, memory_order_relaxed);
    struct eca_reused_backend *backend = &backends->list[count];

    if (count == BACKENDS_MAX)
        return NULL;
    backend->worker = eca_proxy_copy_worker(backends->pool, backends->server, worker, NULL);
    if (backend->worker == NULL)
        return NULL;
    backend->original = worker;
    atomic_store_explicit(&backends->count, count + 1, memory_order_release);
    return backend;
}

ECA_HOT struct eca_reused_backend *eca_reused_backend_of(struct eca_reused_backends *backends,
                                                         const proxy_worker *worker)
{
    struct eca_reused_backend *backend = find(backends, worker);

    if (backend != NULL)
        return backend;
    (void)apr_thread_mutex_lock(backends->lock);
    backend = find(backends, worker);
    if (backend == NULL)
        backend = add(backends, worker);
    (void)apr_thread_mutex_unlock(backends->lock);
    return backend;
}

ECA_HOT proxy_worker *eca_reused_backend_worker(const struct eca_reused_backend *backend, apr_time_t now)
{
    return !atomic_load_explicit(&backend->off, memory_order_relaxed)
                   && now < atomic_load_explicit(&backend->proven_until, memory_order_relaxed)
               ? backend->worker
               : NULL;
}

ECA_HOT bool eca_reused_backend_claim_probe(struct eca_reused_backend *backend, apr_time_t now)
{
    int_least64_t due = atomic_load_explicit(&backend->next_probe, memory_order_relaxed);

    return now >= due && !atomic_load_explicit(&backend->off, memory_order_relaxed)
           && atomic_compare_exchange_strong_explicit(&backend->next_probe, &due, now + PROBE_RETRY,
                                                      memory_order_relaxed, memory_order_relaxed);
}

bool eca_reused_backend_conclude(struct eca_reused_backend *backend, enum eca_backend_proof proof, apr_time_t now)
{
    switch (proof) {
    case ECA_BACKEND_PROVEN:
        atomic_store_explicit(&backend->next_probe, now + PROVEN_FOR - PROBE_AHEAD, memory_order_relaxed);
        return atomic_exchange_explicit(&backend->proven_until, now + PROVEN_FOR, memory_order_relaxed) == 0;
    case ECA_BACKEND_EARLY:
        atomic_store_explicit(&backend->next_probe, now + PROBE_RETRY, memory_order_relaxed);
        return atomic_exchange_explicit(&backend->proven_until, 0, memory_order_relaxed) != 0;
    case ECA_BACKEND_DISPROVEN:
        return !atomic_exchange_explicit(&backend->off, true, memory_order_relaxed);
    case ECA_BACKEND_UNANSWERED:
        break;
    }
    return false;
}
