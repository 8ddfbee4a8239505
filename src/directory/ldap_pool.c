/* SPDX-License-Identifier: Apache-2.0 */
/* Kept connections: latest first, old ones closed, never more than the limit. */
#include "ldap_pool.h"

#include "ldap_clock.h"
#include "ldap_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* AD closes idle connections after 15 minutes, firewalls forget them sooner, and say nothing. */
#define IDLE_MAX apr_time_from_sec(300)

struct eca_ldap_pool {
    pthread_mutex_t lock;
    pthread_cond_t released;
    int limit;
    int open;                         /* idle and in use */
    struct eca_ldap_connection *idle; /* latest first: the surplus grows old and goes */
};

struct eca_ldap_pool *eca_ldap_pool_create(int limit)
{
    struct eca_ldap_pool *pool = calloc(1, sizeof *pool);
    pthread_condattr_t attributes;
    bool ready;

    if (pool == NULL)
        return NULL;
    pool->limit = limit > 0 ? limit : 1;
    if (pthread_condattr_init(&attributes) != 0)
        goto no_attributes;
    ready = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
            && pthread_cond_init(&pool->released, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (!ready)
        goto no_attributes;
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        goto no_lock;
    return pool;

no_lock:
    pthread_cond_destroy(&pool->released);
no_attributes:
    free(pool);
    return NULL;
}

static bool is_good(const struct eca_ldap_connection *connection)
{
    return eca_ldap_clock() - connection->idle_since < IDLE_MAX && eca_ldap_socket_is_quiet(connection->fd);
}

static void close_list(struct eca_ldap_connection *list)
{
    while (list != NULL) {
        struct eca_ldap_connection *next = list->next;

        eca_ldap_connection_close(list);
        list = next;
    }
}

/* Takes what is old or ended out of the pool; the caller closes it without the lock. */
static struct eca_ldap_connection *take_dead(struct eca_ldap_pool *pool)
{
    struct eca_ldap_connection **link = &pool->idle;
    struct eca_ldap_connection *dead = NULL;

    while (*link != NULL) {
        struct eca_ldap_connection *at = *link;

        if (is_good(at)) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        at->next = dead;
        dead = at;
        pool->open--;
    }
    return dead;
}

static struct eca_ldap_connection *take_idle(struct eca_ldap_pool *pool)
{
    struct eca_ldap_connection *connection = pool->idle;

    if (connection != NULL) {
        pool->idle = connection->next;
        connection->next = NULL;
    }
    return connection;
}

static bool wait_for_release(struct eca_ldap_pool *pool, apr_time_t until)
{
    const struct timespec moment = {
        .tv_sec = (time_t)apr_time_sec(until),
        .tv_nsec = (long)apr_time_usec(until) * 1000,
    };

    return pthread_cond_timedwait(&pool->released, &pool->lock, &moment) != ETIMEDOUT;
}

bool eca_ldap_pool_acquire(struct eca_ldap_pool *pool, bool fresh, apr_time_t until, struct eca_ldap_connection **idle)
{
    struct eca_ldap_connection *dead;
    bool acquired;

    *idle = NULL;
    pthread_mutex_lock(&pool->lock);
    while (pool->open >= pool->limit && pool->idle == NULL && wait_for_release(pool, until))
        continue;
    dead = take_dead(pool);
    if (!fresh || pool->open >= pool->limit)
        *idle = take_idle(pool);
    acquired = *idle != NULL || pool->open < pool->limit;
    if (*idle == NULL && acquired)
        pool->open++;
    pthread_mutex_unlock(&pool->lock);

    close_list(dead);
    if (fresh) {
        /* Its place is taken over, not the connection. */
        eca_ldap_connection_close(*idle);
        *idle = NULL;
    }
    return acquired;
}

void eca_ldap_pool_release(struct eca_ldap_pool *pool, struct eca_ldap_connection *connection)
{
    pthread_mutex_lock(&pool->lock);
    if (connection != NULL) {
        connection->idle_since = eca_ldap_clock();
        connection->next = pool->idle;
        pool->idle = connection;
    } else {
        pool->open--;
    }
    pthread_cond_signal(&pool->released);
    pthread_mutex_unlock(&pool->lock);
}

void eca_ldap_pool_close(struct eca_ldap_pool *pool)
{
    close_list(pool->idle);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->released);
    free(pool);
}
