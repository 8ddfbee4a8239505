/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_pool.h"
#include "ldap_clock.h"

#include "rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG apr_time_from_sec(30) /* never reached unless a test fails */

/* A connection without a server: only its socket is looked at. */
static struct eca_ldap_connection *new_connection(int *peer)
{
    struct eca_ldap_connection *connection = calloc(1, sizeof *connection);
    int ends[2];

    assert_non_null(connection);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connection->fd = ends[0];
    *peer = ends[1];
    return connection;
}

static bool acquire(struct eca_ldap_pool *pool, bool fresh, struct eca_ldap_connection **idle)
{
    return eca_ldap_pool_acquire(pool, fresh, eca_ldap_clock() + LONG, idle);
}

static bool acquire_at_once(struct eca_ldap_pool *pool, bool fresh, struct eca_ldap_connection **idle)
{
    return eca_ldap_pool_acquire(pool, fresh, eca_ldap_clock(), idle);
}

static void test_acquire_released_connection_comes_back(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    struct eca_ldap_connection *idle, *connection;
    int peer, fd;
    (void)state;

    assert_true(acquire(pool, false, &idle));
    assert_null(idle);
    connection = new_connection(&peer);
    fd = connection->fd;
    eca_ldap_pool_release(pool, connection);

    assert_true(acquire(pool, false, &idle));
    assert_ptr_equal(idle, connection);
    eca_ldap_pool_release(pool, idle);
    eca_ldap_pool_close(pool);
    close(fd);
    close(peer);
}

static void test_acquire_limit_reached_gives_up_at_the_deadline(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    struct eca_ldap_connection *idle;
    (void)state;

    assert_true(acquire(pool, false, &idle));
    assert_true(acquire(pool, true, &idle));
    assert_false(acquire_at_once(pool, false, &idle));
    assert_false(acquire_at_once(pool, true, &idle));

    eca_ldap_pool_release(pool, NULL);
    assert_true(acquire_at_once(pool, false, &idle));
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_close(pool);
}

static void test_acquire_connection_that_ended_is_not_given(void **state)
{
    static const struct {
        const char *why;
        bool talks; /* instead of closing */
        bool old;
    } rows[] = {
        { "the server closed it", false, false },
        { "something came unasked: a notice of disconnection", true, false },
        { "it was idle for too long", false, true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_ldap_pool *pool = eca_ldap_pool_create(1);
        struct eca_ldap_connection *idle, *connection;
        int peer, fd;

        SAY_WHY(&rows[i]);
        assert_true(acquire(pool, false, &idle));
        connection = new_connection(&peer);
        fd = connection->fd;
        eca_ldap_pool_release(pool, connection);
        if (rows[i].old)
            connection->idle_since -= apr_time_from_sec(301);
        else if (rows[i].talks)
            assert_int_equal(write(peer, "x", 1), 1);
        else
            close(peer);

        assert_true(acquire_at_once(pool, false, &idle));
        assert_null(idle);
        eca_ldap_pool_release(pool, NULL);
        eca_ldap_pool_close(pool);
        close(fd);
        if (rows[i].old || rows[i].talks)
            close(peer);
    }
}

static void test_acquire_fresh_takes_the_place_of_a_kept_one_only_at_the_limit(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    struct eca_ldap_connection *idle, *kept;
    int peer, fd;
    (void)state;

    assert_true(acquire(pool, false, &idle));
    kept = new_connection(&peer);
    fd = kept->fd;
    eca_ldap_pool_release(pool, kept);

    assert_true(acquire_at_once(pool, true, &idle)); /* one kept, one in use */
    assert_null(idle);
    assert_true(acquire_at_once(pool, true, &idle)); /* the kept one made room */
    assert_null(idle);
    assert_false(acquire_at_once(pool, false, &idle));

    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_close(pool);
    close(fd);
    close(peer);
}

static void *acquire_and_release(void *argument)
{
    struct eca_ldap_connection *idle;

    if (!acquire(argument, false, &idle))
        return NULL;
    eca_ldap_pool_release(argument, idle);
    return argument;
}

static void test_acquire_waiter_gets_what_is_released(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(1);
    struct eca_ldap_connection *idle;
    pthread_t threads[8];
    (void)state;

    assert_true(acquire(pool, false, &idle));
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, acquire_and_release, pool), 0);
    eca_ldap_pool_release(pool, NULL);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *result = NULL;

        pthread_join(threads[i], &result);
        assert_ptr_equal(result, pool);
    }
    eca_ldap_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acquire_released_connection_comes_back),
        cmocka_unit_test(test_acquire_limit_reached_gives_up_at_the_deadline),
        cmocka_unit_test(test_acquire_connection_that_ended_is_not_given),
        cmocka_unit_test(test_acquire_fresh_takes_the_place_of_a_kept_one_only_at_the_limit),
        cmocka_unit_test(test_acquire_waiter_gets_what_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
