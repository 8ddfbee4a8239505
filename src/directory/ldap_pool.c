/* SPDX-License-Identifier: Apache-2.0 */
/* Kept connections: latest first, old ones closed, never more than the limit. */
#include "ldap_pool.h"

#include "ldap_clock.h"
#include "ldap_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* AD closes idle connections after 15 minutes, firewalls forget them sooner, and say nothing. */
#define IDLE_MAX apr_time_from_sec(300)

struct eca_ldap_pool {
    pthread_mutex_t lock;
    pthread_cond_t released;
    int limit;
    int in_use;
    int kept;                         /* how many are in `idle`; both together never above the limit */
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

static struct eca_ldap_connection *unlink_at(struct eca_ldap_pool *pool, struct eca_ldap_connection **link)
{
    struct eca_ldap_connection *connection = *link;

    *link = connection->next;
    connection->next = NULL;
    pool->kept--;
    return connection;
}

/* Takes out what is old or ended, or (`url`) goes to one server; the caller closes it without the lock. */
static struct eca_ldap_connection *take_dead(struct eca_ldap_pool *pool, const char *url)
{
    struct eca_ldap_connection **link = &pool->idle;
    struct eca_ldap_connection *dead = NULL;

    while (*link != NULL) {
        struct eca_ldap_connection *taken;

        if (is_good(*link) && (url == NULL || strcmp((*link)->url, url) != 0)) {
            link = &(*link)->next;
            continue;
        }
        taken = unlink_at(pool, link);
        taken->next = dead;
        dead = taken;
    }
    return dead;
}

/* The oldest, when those in use and those kept are more than there may be. */
static struct eca_ldap_connection *take_surplus(struct eca_ldap_pool *pool)
{
    struct eca_ldap_connection **link = &pool->idle;

    if (pool->in_use + pool->kept <= pool->limit || pool->idle == NULL)
        return NULL;
    while ((*link)->next != NULL)
        link = &(*link)->next;
    return unlink_at(pool, link);
}

static bool wait_for_release(struct eca_ldap_pool *pool, apr_time_t until)
{
    const struct timespec moment = {
        .tv_sec = (time_t)apr_time_sec(until),
        .tv_nsec = (long)apr_time_usec(until) * 1000,
    };

    return pthread_cond_timedwait(&pool->released, &pool->lock, &moment) != ETIMEDOUT;
}

bool eca_ldap_pool_acquire(struct eca_ldap_pool *pool, apr_time_t until)
{
    bool acquired;

    pthread_mutex_lock(&pool->lock);
    while (pool->in_use >= pool->limit && wait_for_release(pool, until))
        continue;
    acquired = pool->in_use < pool->limit;
    if (acquired)
        pool->in_use++;
    pthread_mutex_unlock(&pool->lock);
    return acquired;
}

struct eca_ldap_connection *eca_ldap_pool_take(struct eca_ldap_pool *pool, const char *url)
{
    struct eca_ldap_connection **link = &pool->idle;
    struct eca_ldap_connection *taken = NULL, *surplus = NULL, *dead;

    pthread_mutex_lock(&pool->lock);
    dead = take_dead(pool, NULL);
    while (*link != NULL && strcmp((*link)->url, url) != 0)
        link = &(*link)->next;
    if (*link != NULL)
        taken = unlink_at(pool, link);
    else
        surplus = take_surplus(pool);
    pthread_mutex_unlock(&pool->lock);

    close_list(dead);
    close_list(surplus);
    return taken;
}

void eca_ldap_pool_make_room(struct eca_ldap_pool *pool)
{
    struct eca_ldap_connection *surplus;

    pthread_mutex_lock(&pool->lock);
    surplus = take_surplus(pool);
    pthread_mutex_unlock(&pool->lock);
    close_list(surplus);
}

void eca_ldap_pool_forget(struct eca_ldap_pool *pool, const char *url)
{
    struct eca_ldap_connection *dead;

    pthread_mutex_lock(&pool->lock);
    dead = take_dead(pool, url);
    pthread_mutex_unlock(&pool->lock);
    close_list(dead);
}

void eca_ldap_pool_release(struct eca_ldap_pool *pool, struct eca_ldap_connection *connection)
{
    pthread_mutex_lock(&pool->lock);
    pool->in_use--;
    if (connection != NULL) {
        connection->idle_since = eca_ldap_clock();
        connection->next = pool->idle;
        pool->idle = connection;
        pool->kept++;
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
