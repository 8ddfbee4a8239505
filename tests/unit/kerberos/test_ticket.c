/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include "made_up_creds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>

static void assert_data_equal(krb5_data data, const char *text)
{
    assert_int_equal(data.length, strlen(text));
    assert_memory_equal(data.data, text, data.length);
}

static void test_create_original_overwritten_copy_is_complete(void **state)
{
    struct made_up_creds made;
    krb5_authdata *authdata[] = { NULL };
    char second[] = "second";
    struct eca_ticket *ticket = NULL;
    const krb5_creds *copy = NULL;
    uint8_t key[32];
    char bytes[64];
    (void)state;

    made_up_creds_init(&made, 2000000000);
    made.creds.authdata = authdata;
    made.creds.second_ticket = made_up_data(second);
    made.creds.ticket_flags = TKT_FLG_FORWARDABLE;
    ticket = eca_ticket_create(&made.creds);
    memset(&made, 'x', sizeof made);

    assert_non_null(ticket);
    copy = eca_ticket_creds(ticket);
    assert_int_equal(copy->client->length, 1);
    assert_data_equal(copy->client->realm, "EXAMPLE.TEST");
    assert_data_equal(copy->client->data[0], "alice");
    assert_int_equal(copy->server->length, 2);
    assert_data_equal(copy->server->realm, "EXAMPLE.TEST");
    assert_data_equal(copy->server->data[0], "HTTP");
    assert_data_equal(copy->server->data[1], "exch.example.test");
    assert_int_equal(copy->keyblock.enctype, ENCTYPE_AES256_CTS_HMAC_SHA1_96);
    assert_int_equal(copy->keyblock.length, 32);
    assert_memory_equal(copy->keyblock.contents, memset(key, 0x5a, sizeof key), sizeof key);
    assert_int_equal(copy->ticket.length, 64);
    assert_memory_equal(copy->ticket.data, memset(bytes, 't', sizeof bytes), sizeof bytes);
    assert_int_equal(copy->ticket_flags, TKT_FLG_FORWARDABLE);
    /* Not sent, not copied: they would point into the original. */
    assert_null(copy->authdata);
    assert_null(copy->addresses);
    assert_null(copy->second_ticket.data);
    assert_int_equal(copy->second_ticket.length, 0);
    eca_ticket_release(ticket);
}

static void test_end_any_time_is_unsigned(void **state)
{
    static const struct {
        const char *why;
        int64_t end;
    } rows[] = {
        { "today", 1795422919 },
        { "the last second of 31 bits", INT64_C(0x7fffffff) },
        { "2038 and later: libkrb5 goes on counting", INT64_C(0x80000000) },
        { "2106", INT64_C(0xfffffffe) },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_up_creds made;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        made_up_creds_init(&made, rows[i].end);
        ticket = eca_ticket_create(&made.creds);
        assert_non_null(ticket);
        assert_int_equal(eca_ticket_end(ticket), rows[i].end);
        eca_ticket_release(ticket);
    }
}

static void test_number_same_credentials_twice_differ(void **state)
{
    struct made_up_creds made;
    struct eca_ticket *first = NULL;
    struct eca_ticket *second = NULL;
    (void)state;

    made_up_creds_init(&made, 1);
    first = eca_ticket_create(&made.creds);
    second = eca_ticket_create(&made.creds);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_not_equal(eca_ticket_number(first), eca_ticket_number(second));
    /* 0 is what a request without a ticket has. */
    assert_int_not_equal(eca_ticket_number(first), 0);
    eca_ticket_release(second);
    eca_ticket_release(first);
}

static void test_take_stamp_never_gives_one_twice(void **state)
{
    struct made_up_creds made;
    struct eca_ticket *ticket = NULL;
    (void)state;

    made_up_creds_init(&made, 1);
    ticket = eca_ticket_create(&made.creds);
    assert_non_null(ticket);
    assert_int_equal(eca_ticket_take_stamp(ticket, 40000), 40000);
    assert_int_equal(eca_ticket_take_stamp(ticket, 40000), 40001);
    assert_int_equal(eca_ticket_take_stamp(ticket, 39000), 40002); /* the clock was set back */
    assert_int_equal(eca_ticket_take_stamp(ticket, 50000), 50000);
    /* Not at the start of a second. */
    assert_int_equal(eca_ticket_take_stamp(ticket, 1999999), 1999999);
    assert_int_equal(eca_ticket_take_stamp(ticket, 1999999), 2032768);
    assert_int_equal(eca_ticket_take_stamp(ticket, 2000001), 2032769);
    assert_int_equal(eca_ticket_take_stamp(ticket, 3000001), 3032769);
    assert_int_equal(eca_ticket_take_stamp(ticket, 3032767), 3032770);
    assert_int_equal(eca_ticket_take_stamp(ticket, 4032768), 4032768);
    eca_ticket_release(ticket);
}

static void test_create_empty_parts_is_copied(void **state)
{
    struct made_up_creds made;
    struct eca_ticket *ticket = NULL;
    (void)state;

    made_up_creds_init(&made, 1);
    made.creds.ticket = (krb5_data){ .data = NULL, .length = 0 };
    made.client.length = 0;
    made.client.data = NULL;
    made.client.realm = (krb5_data){ .data = NULL, .length = 0 };
    ticket = eca_ticket_create(&made.creds);
    assert_non_null(ticket);
    assert_int_equal(eca_ticket_creds(ticket)->ticket.length, 0);
    assert_int_equal(eca_ticket_creds(ticket)->client->length, 0);
    eca_ticket_release(ticket);
}

static void test_claim_renewal_one_caller_at_a_time_near_the_end(void **state)
{
    static const struct {
        const char *why;
        int64_t starttime;
        int64_t authtime;
        int64_t end;
        int64_t now;
        bool claims;
        int64_t next; /* seconds until somebody may claim it */
    } rows[] = {
        { "ten hours: more than five minutes are left", 1000000, 1000000, 1036000, 1035699, false, 1 },
        { "ten hours: five minutes are left", 1000000, 1000000, 1036000, 1035700, true, 60 },
        { "290 s: a fifth is 58", 1000000, 900000, 1000290, 1000231, false, 1 },
        { "290 s: a fifth is left", 1000000, 900000, 1000290, 1000232, true, 11 },
        { "without a start it began when the user was authenticated", 0, 1000000, 1000290, 1000232, true, 11 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_up_creds made;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        made_up_creds_init(&made, rows[i].end);
        made.creds.times.starttime = (krb5_timestamp)rows[i].starttime;
        made.creds.times.authtime = (krb5_timestamp)rows[i].authtime;
        ticket = eca_ticket_create(&made.creds);
        assert_non_null(ticket);
        assert_int_equal(eca_ticket_claim_renewal(ticket, rows[i].now), rows[i].claims);
        assert_false(eca_ticket_claim_renewal(ticket, rows[i].now));
        assert_false(eca_ticket_claim_renewal(ticket, rows[i].now + rows[i].next - 1));
        assert_true(eca_ticket_claim_renewal(ticket, rows[i].now + rows[i].next));
        eca_ticket_release(ticket);
    }
}

/* Reads all the time: when another thread's release freed or wiped it, the sanitizers and the key tell. */
static void *hold_and_release(void *argument)
{
    struct eca_ticket *const ticket = argument;

    for (int i = 0; i < 20000; i++) {
        struct eca_ticket *const held = eca_ticket_hold(ticket);

        if (eca_ticket_creds(held)->keyblock.contents[31] != 0x5a)
            return argument;
        eca_ticket_release(held);
    }
    eca_ticket_release(ticket);
    return NULL;
}

static void test_release_many_threads_last_one_frees(void **state)
{
    struct made_up_creds made;
    struct eca_ticket *ticket = NULL;
    pthread_t threads[4];
    (void)state;

    made_up_creds_init(&made, 1);
    ticket = eca_ticket_create(&made.creds);
    assert_non_null(ticket);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, eca_ticket_hold(ticket)), 0);
    eca_ticket_release(ticket);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    eca_ticket_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: the first number that is ever given is the one that could be 0. */
        cmocka_unit_test(test_number_same_credentials_twice_differ),
        cmocka_unit_test(test_create_original_overwritten_copy_is_complete),
        cmocka_unit_test(test_end_any_time_is_unsigned),
        cmocka_unit_test(test_take_stamp_never_gives_one_twice),
        cmocka_unit_test(test_create_empty_parts_is_copied),
        cmocka_unit_test(test_claim_renewal_one_caller_at_a_time_near_the_end),
        cmocka_unit_test(test_release_many_threads_last_one_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
