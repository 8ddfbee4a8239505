/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket_cache.h"

#include "made_up_creds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#define SPN "HTTP/exch.example.test"
#define NOW 1000000
#define END (NOW + 36000)

static struct eca_ticket *make_ticket(int64_t end)
{
    struct made_up_creds made;

    made_up_creds_init(&made, end);
    return eca_ticket_create(&made.creds);
}

/* Keeps a new ticket; the cache holds the only reference, so the address only serves to compare. */
static const struct eca_ticket *store_new(struct eca_ticket_cache *cache, const char *sid, const char *spn, int64_t end)
{
    struct eca_ticket *const ticket = make_ticket(end);

    assert_non_null(ticket);
    eca_ticket_cache_store(cache, sid, spn, ticket);
    eca_ticket_release(ticket);
    return ticket;
}

static bool holds(struct eca_ticket_cache *cache, const char *sid, const char *spn)
{
    struct eca_ticket *const ticket = eca_ticket_cache_find(cache, sid, spn, NOW, 0);

    eca_ticket_release(ticket);
    return ticket != NULL;
}

static void test_find_by_key_gives_only_that_ticket(void **state)
{
    static const struct {
        const char *why;
        const char *sid;
        const char *spn;
        bool found;
    } rows[] = {
        { "the same account and service", "S-1-5-21-1-2-3-1103", SPN, true },
        { "another account", "S-1-5-21-1-2-3-1104", SPN, false },
        { "an account whose SID is the beginning of it", "S-1-5-21-1-2-3-110", SPN, false },
        { "another service of the same account", "S-1-5-21-1-2-3-1103", "HTTP/other.example.test", false },
        { "the same letters cut elsewhere", "S-1-5-21-1-2-3-1103H", "TTP/exch.example.test", false },
        { "nothing", "", "", false },
    };
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(4);
    (void)state;

    assert_non_null(cache);
    store_new(cache, "S-1-5-21-1-2-3-1103", SPN, END);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].why);
        assert_int_equal(holds(cache, rows[i].sid, rows[i].spn), rows[i].found);
    }
    eca_ticket_cache_close(cache);
}

static void test_find_near_the_end_is_not_given_out_and_dropped(void **state)
{
    static const struct {
        const char *why;
        int64_t now;
        int64_t margin;
        bool found;
    } rows[] = {
        { "long before", NOW, 300, true },
        { "one second before the margin", END - 301, 300, true },
        { "at the margin", END - 300, 300, false },
        { "without a margin, the second before", END - 1, 0, true },
        { "without a margin, at its end", END, 0, false },
        { "long over", END + 1000, 300, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_ticket_cache *const cache = eca_ticket_cache_open(1);
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        assert_non_null(cache);
        store_new(cache, "S-1-5-21-1", SPN, END);
        ticket = eca_ticket_cache_find(cache, "S-1-5-21-1", SPN, rows[i].now, rows[i].margin);
        assert_int_equal(ticket != NULL, rows[i].found);
        eca_ticket_release(ticket);
        assert_int_equal(holds(cache, "S-1-5-21-1", SPN), rows[i].found);
        eca_ticket_cache_close(cache);
    }
}

static void test_store_full_longest_unused_goes_first(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(3);
    (void)state;

    assert_non_null(cache);
    store_new(cache, "S-1-5-21-1", SPN, END);
    store_new(cache, "S-1-5-21-2", SPN, END);
    store_new(cache, "S-1-5-21-3", SPN, END);
    assert_true(holds(cache, "S-1-5-21-1", SPN));
    store_new(cache, "S-1-5-21-4", SPN, END);
    assert_false(holds(cache, "S-1-5-21-2", SPN));
    assert_true(holds(cache, "S-1-5-21-1", SPN));
    assert_true(holds(cache, "S-1-5-21-3", SPN));
    assert_true(holds(cache, "S-1-5-21-4", SPN));
    eca_ticket_cache_close(cache);
}

static void test_store_same_key_replaces_without_pushing_out(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(2);
    const struct eca_ticket *newer = NULL;
    struct eca_ticket *found = NULL;
    (void)state;

    assert_non_null(cache);
    store_new(cache, "S-1-5-21-1", SPN, END);
    store_new(cache, "S-1-5-21-2", SPN, END);
    newer = store_new(cache, "S-1-5-21-2", SPN, END + 1);
    found = eca_ticket_cache_find(cache, "S-1-5-21-2", SPN, NOW, 0);
    assert_ptr_equal(found, newer);
    assert_int_equal(eca_ticket_end(found), END + 1);
    assert_true(holds(cache, "S-1-5-21-1", SPN));
    /* The ticket that is already there: its reference must outlive the exchange. */
    eca_ticket_cache_store(cache, "S-1-5-21-2", SPN, found);
    eca_ticket_release(found);
    assert_true(holds(cache, "S-1-5-21-2", SPN));
    eca_ticket_cache_close(cache);
}

static void test_store_many_stays_within_capacity(void **state)
{
    static const size_t capacities[] = { 0, 1, 7, 64 };
    (void)state;

    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        struct eca_ticket_cache *const cache = eca_ticket_cache_open(capacities[c]);
        size_t kept = 0;
        char sid[64];

        assert_non_null(cache);
        for (size_t i = 0; i < 1000; i++) {
            (void)snprintf(sid, sizeof sid, "S-1-5-21-%zu", i);
            store_new(cache, sid, SPN, END);
        }
        for (size_t i = 0; i < 1000; i++) {
            (void)snprintf(sid, sizeof sid, "S-1-5-21-%zu", i);
            kept += holds(cache, sid, SPN);
        }
        assert_int_equal(kept, capacities[c]);
        eca_ticket_cache_close(cache);
    }
}

static void test_open_absurd_capacity_fails(void **state)
{
    (void)state;

    assert_null(eca_ticket_cache_open(SIZE_MAX));
    assert_null(eca_ticket_cache_open(SIZE_MAX / 8));
    eca_ticket_cache_close(NULL);
}

static void test_drop_only_the_same_ticket(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(4);
    struct eca_ticket *const refused = make_ticket(END);
    (void)state;

    assert_non_null(cache);
    assert_non_null(refused);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, eca_ticket_number(refused), NOW);
    eca_ticket_cache_store(cache, "S-1-5-21-1", SPN, refused);
    eca_ticket_cache_drop(cache, "S-1-5-21-2", SPN, eca_ticket_number(refused), NOW);
    assert_true(holds(cache, "S-1-5-21-1", SPN));
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, eca_ticket_number(refused), NOW);
    assert_false(holds(cache, "S-1-5-21-1", SPN));

    /* Another request has fetched a newer one in the meantime: that one stays. */
    store_new(cache, "S-1-5-21-1", SPN, END);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, eca_ticket_number(refused), NOW);
    assert_true(holds(cache, "S-1-5-21-1", SPN));
    eca_ticket_release(refused);
    eca_ticket_cache_close(cache);
}

static struct eca_ticket *make_ticket_issued(int64_t issued)
{
    struct made_up_creds made;

    made_up_creds_init(&made, END);
    made.creds.times.starttime = (krb5_timestamp)issued;
    return eca_ticket_create(&made.creds);
}

/* Keeps one, and returns its number. */
static uint64_t store_issued(struct eca_ticket_cache *cache, const char *sid, const char *spn, int64_t issued)
{
    struct eca_ticket *const ticket = make_ticket_issued(issued);
    uint64_t number = 0;

    assert_non_null(ticket);
    number = eca_ticket_number(ticket);
    eca_ticket_cache_store(cache, sid, spn, ticket);
    eca_ticket_release(ticket);
    return number;
}

static void test_drop_older_than_one_that_worked_takes_its_age_along(void **state)
{
    static const struct {
        const char *why;
        const char *service;
        int64_t worked; /* 0: none has */
        int64_t refused;
        bool stay;
    } rows[] = {
        { "nothing is known of the service: it may be the user's own trouble", SPN, 0, NOW - 50, true },
        { "the newest is refused: the backend, not its key", SPN, NOW - 60, NOW - 50, true },
        { "one as old as it worked", SPN, NOW - 50, NOW - 50, true },
        { "another service's newer one worked", "HTTP/other.example.test", NOW - 10, NOW - 50, true },
        { "a newer one worked: the service's key has changed", SPN, NOW - 10, NOW - 50, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_ticket_cache *const cache = eca_ticket_cache_open(8);
        const uint64_t number = store_issued(cache, "S-1-5-21-1", SPN, rows[i].refused);

        print_message("  %s\n", rows[i].why);
        store_issued(cache, "S-1-5-21-2", SPN, rows[i].refused - 1);
        store_issued(cache, "S-1-5-21-3", SPN, rows[i].refused);
        store_issued(cache, "S-1-5-21-4", SPN, rows[i].refused + 1);
        store_issued(cache, "S-1-5-21-2", "HTTP/third.example.test", rows[i].refused - 1);
        if (rows[i].worked != 0)
            eca_ticket_cache_confirm(cache, rows[i].service, rows[i].worked);
        eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, number, NOW);
        assert_false(holds(cache, "S-1-5-21-1", SPN));
        assert_int_equal(holds(cache, "S-1-5-21-2", SPN), rows[i].stay);
        assert_int_equal(holds(cache, "S-1-5-21-3", SPN), rows[i].stay);
        assert_true(holds(cache, "S-1-5-21-4", SPN));
        assert_true(holds(cache, "S-1-5-21-2", "HTTP/third.example.test"));
        eca_ticket_cache_close(cache);
    }
}

static void test_drop_one_bad_node_does_not_empty_the_cache_all_the_time(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(8);
    uint64_t number = store_issued(cache, "S-1-5-21-1", SPN, NOW - 50);
    (void)state;

    eca_ticket_cache_confirm(cache, SPN, NOW - 10);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, number, NOW);
    store_issued(cache, "S-1-5-21-2", SPN, NOW - 30);
    number = store_issued(cache, "S-1-5-21-1", SPN, NOW - 20);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, number, NOW + 59);
    assert_true(holds(cache, "S-1-5-21-2", SPN));
    number = store_issued(cache, "S-1-5-21-1", SPN, NOW - 20);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", SPN, number, NOW + 60);
    assert_false(holds(cache, "S-1-5-21-2", SPN));
    eca_ticket_cache_close(cache);
}

static void test_confirm_many_services_stay_bounded(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(4);
    uint64_t number = 0;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        char spn[32];

        (void)snprintf(spn, sizeof spn, "HTTP/host%d", i);
        eca_ticket_cache_confirm(cache, spn, NOW);
    }
    number = store_issued(cache, "S-1-5-21-1", "HTTP/host999", NOW - 1);
    store_issued(cache, "S-1-5-21-2", "HTTP/host999", NOW - 1);
    eca_ticket_cache_drop(cache, "S-1-5-21-1", "HTTP/host999", number, NOW);
    assert_false(holds(cache, "S-1-5-21-2", "HTTP/host999"));
    eca_ticket_cache_close(cache);
}

static void test_close_held_ticket_lives_on(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(4);
    struct eca_ticket *held = NULL;
    (void)state;

    assert_non_null(cache);
    store_new(cache, "S-1-5-21-1", SPN, END);
    held = eca_ticket_cache_find(cache, "S-1-5-21-1", SPN, NOW, 0);
    eca_ticket_cache_close(cache);
    assert_non_null(held);
    assert_int_equal(eca_ticket_end(held), END);
    eca_ticket_release(held);
}

/* Few keys, less room than keys: every call meets the others. */
static void *hammer(void *argument)
{
    struct eca_ticket_cache *const cache = argument;

    for (int i = 0; i < 4000; i++) {
        char sid[32];
        struct eca_ticket *ticket = NULL;

        (void)snprintf(sid, sizeof sid, "S-1-5-21-%d", i % 13);
        ticket = eca_ticket_cache_find(cache, sid, SPN, NOW, 0);
        if (ticket == NULL) {
            ticket = make_ticket(END);
            eca_ticket_cache_store(cache, sid, SPN, ticket);
        }
        if (eca_ticket_end(ticket) != END || eca_ticket_creds(ticket)->keyblock.contents[0] != 0x5a)
            return argument;
        eca_ticket_cache_confirm(cache, SPN, i % 3);
        if (i % 7 == 0)
            eca_ticket_cache_drop(cache, sid, SPN, eca_ticket_number(ticket), NOW);
        eca_ticket_release(ticket);
    }
    return NULL;
}

static void test_all_calls_many_threads_stay_sound(void **state)
{
    struct eca_ticket_cache *const cache = eca_ticket_cache_open(8);
    pthread_t threads[6];
    (void)state;

    assert_non_null(cache);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, cache), 0);
    for (size_t i = 0; i < 6; i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    eca_ticket_cache_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_by_key_gives_only_that_ticket),
        cmocka_unit_test(test_find_near_the_end_is_not_given_out_and_dropped),
        cmocka_unit_test(test_store_full_longest_unused_goes_first),
        cmocka_unit_test(test_store_same_key_replaces_without_pushing_out),
        cmocka_unit_test(test_store_many_stays_within_capacity),
        cmocka_unit_test(test_open_absurd_capacity_fails),
        cmocka_unit_test(test_drop_only_the_same_ticket),
        cmocka_unit_test(test_drop_older_than_one_that_worked_takes_its_age_along),
        cmocka_unit_test(test_drop_one_bad_node_does_not_empty_the_cache_all_the_time),
        cmocka_unit_test(test_confirm_many_services_stay_bounded),
        cmocka_unit_test(test_close_held_ticket_lives_on),
        cmocka_unit_test(test_all_calls_many_threads_stay_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
