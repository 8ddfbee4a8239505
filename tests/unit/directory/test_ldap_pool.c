/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_pool.h"
#include "ldap_clock.h"

#include "rows.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG apr_time_from_sec(30) /* never reached unless a test fails */

/* A connection without a server: only its socket and URL are looked at. */
static struct eca_ldap_connection *new_connection(int *peer, const char *url)
{
    struct eca_ldap_connection *connection = calloc(1, sizeof *connection);
    int ends[2];

    assert_non_null(connection);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connection->fd = ends[0];
    strcpy(connection->url, url);
    *peer = ends[1];
    return connection;
}

static bool acquire(struct eca_ldap_pool *pool)
{
    return eca_ldap_pool_acquire(pool, eca_ldap_clock() + LONG);
}

static bool acquire_at_once(struct eca_ldap_pool *pool)
{
    return eca_ldap_pool_acquire(pool, eca_ldap_clock());
}

/* One kept connection to `url`; gives both ends of its socket. */
static struct eca_ldap_connection *keep(struct eca_ldap_pool *pool, const char *url, int ends[2])
{
    struct eca_ldap_connection *connection;

    assert_true(acquire(pool));
    connection = new_connection(&ends[1], url);
    ends[0] = connection->fd;
    eca_ldap_pool_release(pool, connection);
    return connection;
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static bool is_open(const int ends[2])
{
    return fcntl(ends[0], F_GETFD) >= 0;
}

static void test_take_kept_connection_comes_back_for_its_url_only(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    struct eca_ldap_connection *kept;
    int ends[2];
    (void)state;

    kept = keep(pool, "ldap://a", ends);
    assert_true(acquire(pool));
    assert_null(eca_ldap_pool_take(pool, "ldap://b"));
    assert_ptr_equal(eca_ldap_pool_take(pool, "ldap://a"), kept);
    assert_null(eca_ldap_pool_take(pool, "ldap://a"));
    eca_ldap_pool_release(pool, kept);
    eca_ldap_pool_close(pool);
    close_both(ends);
}

static void test_acquire_limit_reached_gives_up_at_the_deadline(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    (void)state;

    assert_true(acquire(pool));
    assert_true(acquire(pool));
    assert_false(acquire_at_once(pool));

    eca_ldap_pool_release(pool, NULL);
    assert_true(acquire_at_once(pool));
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_close(pool);
}

static void test_take_connection_that_ended_is_not_given(void **state)
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
        struct eca_ldap_connection *kept;
        int ends[2];

        SAY_WHY(&rows[i]);
        kept = keep(pool, "ldap://a", ends);
        if (rows[i].old)
            kept->idle_since -= apr_time_from_sec(301);
        else if (rows[i].talks)
            assert_int_equal(write(ends[1], "x", 1), 1);
        else
            assert_int_equal(shutdown(ends[1], SHUT_RDWR), 0);

        assert_true(acquire_at_once(pool));
        assert_null(eca_ldap_pool_take(pool, "ldap://a"));
        eca_ldap_pool_release(pool, NULL);
        eca_ldap_pool_close(pool);
        close_both(ends);
    }
}

/* In use and kept together never exceed the limit: whoever opens a new one makes room first. */
static void test_make_room_oldest_goes_only_at_the_limit(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(2);
    struct eca_ldap_connection *younger;
    int older_ends[2], younger_ends[2];
    (void)state;

    assert_true(acquire(pool));
    assert_true(acquire(pool));
    eca_ldap_pool_release(pool, new_connection(&older_ends[1], "ldap://a"));
    younger = new_connection(&younger_ends[1], "ldap://a");
    eca_ldap_pool_release(pool, younger);

    assert_true(acquire_at_once(pool)); /* two kept, one in use */
    eca_ldap_pool_make_room(pool);
    eca_ldap_pool_make_room(pool); /* there is room already */
    assert_ptr_equal(eca_ldap_pool_take(pool, "ldap://a"), younger);
    assert_null(eca_ldap_pool_take(pool, "ldap://a"));
    eca_ldap_pool_release(pool, younger);
    eca_ldap_pool_close(pool);
    close(older_ends[1]);
    close(younger_ends[1]);
}

static void test_take_other_server_wanted_the_surplus_goes(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(1);
    struct eca_ldap_connection *other;
    int ends[2], peer;
    (void)state;

    (void)keep(pool, "ldap://a", ends);
    assert_true(acquire_at_once(pool));
    assert_null(eca_ldap_pool_take(pool, "ldap://b"));
    other = new_connection(&peer, "ldap://b");
    eca_ldap_pool_release(pool, other);
    assert_true(acquire_at_once(pool));
    assert_null(eca_ldap_pool_take(pool, "ldap://a"));
    eca_ldap_pool_release(pool, NULL);
    eca_ldap_pool_close(pool);
    close(ends[1]);
    close(peer);
}

static void test_forget_only_that_server(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(4);
    struct eca_ldap_connection *good;
    int bad_ends[2], good_ends[2];
    (void)state;

    assert_true(acquire(pool));
    assert_true(acquire(pool));
    eca_ldap_pool_release(pool, new_connection(&bad_ends[1], "ldap://bad"));
    good = new_connection(&good_ends[1], "ldap://good");
    good_ends[0] = good->fd;
    eca_ldap_pool_release(pool, good);
    eca_ldap_pool_forget(pool, "ldap://bad");

    assert_true(acquire(pool));
    assert_null(eca_ldap_pool_take(pool, "ldap://bad"));
    assert_ptr_equal(eca_ldap_pool_take(pool, "ldap://good"), good);
    assert_true(is_open(good_ends));
    eca_ldap_pool_release(pool, good);
    eca_ldap_pool_close(pool);
    close(bad_ends[1]);
    close(good_ends[1]);
}

static void *acquire_and_release(void *argument)
{
    if (!acquire(argument))
        return NULL;
    eca_ldap_pool_release(argument, NULL);
    return argument;
}

static void test_acquire_waiter_gets_what_is_released(void **state)
{
    struct eca_ldap_pool *pool = eca_ldap_pool_create(1);
    pthread_t threads[8];
    (void)state;

    assert_true(acquire(pool));
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
        cmocka_unit_test(test_take_kept_connection_comes_back_for_its_url_only),
        cmocka_unit_test(test_acquire_limit_reached_gives_up_at_the_deadline),
        cmocka_unit_test(test_take_connection_that_ended_is_not_given),
        cmocka_unit_test(test_make_room_oldest_goes_only_at_the_limit),
        cmocka_unit_test(test_take_other_server_wanted_the_surplus_goes),
        cmocka_unit_test(test_forget_only_that_server),
        cmocka_unit_test(test_acquire_waiter_gets_what_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
