/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket_record.h"

#include "made_up_creds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define NOW 1000000
#define END (NOW + 36000)

static const uint8_t secret[ECA_TICKET_RECORD_SECRET_BYTES] = { 1 }, key[ECA_TICKET_RECORD_KEY_BYTES] = { 2 };
static const struct eca_ticket_record_form form = { secret, key };

static struct eca_ticket *make_ticket(struct made_up_creds *made, int64_t end)
{
    struct eca_ticket *ticket = NULL;

    made_up_creds_init(made, end);
    made->creds.ticket_flags = TKT_FLG_FORWARDABLE;
    made->creds.times.authtime = NOW - 2;
    made->creds.times.starttime = NOW - 1;
    made->creds.times.renew_till = (krb5_timestamp)UINT32_C(0xfffffffd);
    ticket = eca_ticket_create(&made->creds);
    assert_non_null(ticket);
    return ticket;
}

static size_t seal(uint8_t *record, int64_t end)
{
    struct made_up_creds made;
    struct eca_ticket *const ticket = make_ticket(&made, end);
    const size_t length = eca_ticket_record_seal(record, ticket, &form);

    eca_ticket_release(ticket);
    return length;
}

static void assert_same_text(krb5_data a, krb5_data b)
{
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
}

static void assert_same_name(krb5_const_principal a, krb5_const_principal b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->length, b->length);
    assert_same_text(a->realm, b->realm);
    for (krb5_int32 i = 0; i < a->length; i++)
        assert_same_text(a->data[i], b->data[i]);
}

static void test_open_sealed_ticket_is_the_same(void **state)
{
    static const int64_t ends[] = { NOW + 1, END, INT64_C(0x80000000), INT64_C(0xffffffff) };
    uint8_t *const record = malloc(ECA_TICKET_RECORD_MAX);
    (void)state;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct made_up_creds made;
        struct eca_ticket *const ticket = make_ticket(&made, ends[i]);
        const size_t length = eca_ticket_record_seal(record, ticket, &form);
        struct eca_ticket *const opened = eca_ticket_record_open((struct eca_slice){ record, length }, &form, NOW);
        const krb5_creds *const a = eca_ticket_creds(ticket);
        const krb5_creds *b = NULL;

        assert_non_null(opened);
        b = eca_ticket_creds(opened);
        assert_same_name(a->client, b->client);
        assert_same_name(a->server, b->server);
        assert_int_equal(a->keyblock.enctype, b->keyblock.enctype);
        assert_int_equal(a->keyblock.length, b->keyblock.length);
        assert_memory_equal(a->keyblock.contents, b->keyblock.contents, a->keyblock.length);
        assert_memory_equal(&a->times, &b->times, sizeof a->times);
        assert_int_equal(a->ticket_flags, b->ticket_flags);
        assert_int_equal(a->is_skey, b->is_skey);
        assert_same_text(a->ticket, b->ticket);
        eca_ticket_release(opened);
        eca_ticket_release(ticket);
    }
    free(record);
}

static void test_seal_nothing_can_be_read_and_no_two_are_alike(void **state)
{
    uint8_t *const one = malloc(ECA_TICKET_RECORD_MAX), *const two = malloc(ECA_TICKET_RECORD_MAX);
    const size_t length = seal(one, END);
    (void)state;

    assert_int_equal(seal(two, END), length);
    assert_null(memmem(one, length, "alice", 5));
    assert_null(memmem(one, length, "tttttttt", 8));
    assert_null(memmem(one, length, "\x5a\x5a\x5a\x5a", 4));
    assert_memory_not_equal(one + 9, two + 9, 12);
    free(one);
    free(two);
}

static void test_open_anything_changed_is_no_record(void **state)
{
    static const uint8_t other[32] = { 3 };
    const struct eca_ticket_record_form rows[] = { { other, key }, { secret, other }, { key, secret } };
    uint8_t *const record = malloc(ECA_TICKET_RECORD_MAX);
    const size_t length = seal(record, END);
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_null(eca_ticket_record_open((struct eca_slice){ record, length }, &rows[i], NOW));
    for (size_t i = 0; i < length; i++) {
        record[i] ^= 1;
        assert_null(eca_ticket_record_open((struct eca_slice){ record, length }, &form, NOW));
        record[i] ^= 1;
    }
    for (size_t shorter = 0; shorter < length; shorter++) {
        uint8_t *const exact = malloc(shorter + 1);

        memcpy(exact, record, shorter);
        assert_null(eca_ticket_record_open((struct eca_slice){ exact, shorter }, &form, NOW));
        free(exact);
    }
    assert_null(eca_ticket_record_open((struct eca_slice){ record, length + 1 }, &form, NOW));
    assert_null(eca_ticket_record_open((struct eca_slice){ NULL, 0 }, &form, NOW));
    free(record);
}

static void test_open_ticket_that_is_over_is_no_record(void **state)
{
    uint8_t *const record = malloc(ECA_TICKET_RECORD_MAX);
    const struct eca_slice whole = { record, seal(record, END) };
    struct eca_ticket *const last = eca_ticket_record_open(whole, &form, END - 1);
    (void)state;

    assert_non_null(last);
    eca_ticket_release(last);
    assert_null(eca_ticket_record_open(whole, &form, END));
    free(record);
}

static void test_seal_too_large_is_not_shared(void **state)
{
    static const struct {
        const char *why;
        unsigned length;
        bool fits;
    } rows[] = {
        { "a user with many groups", 12288, true },
        { "a thousand groups", 16384, false },
        { "absurd", 1000000, false },
    };
    uint8_t *const record = malloc(ECA_TICKET_RECORD_MAX);
    char *const large = calloc(1, 1000000);
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_up_creds made;
        struct eca_ticket *ticket = NULL;
        size_t length = 0;

        print_message("  %s\n", rows[i].why);
        made_up_creds_init(&made, END);
        made.creds.ticket = (krb5_data){ .data = large, .length = rows[i].length };
        ticket = eca_ticket_create(&made.creds);
        assert_non_null(ticket);
        length = eca_ticket_record_seal(record, ticket, &form);
        assert_int_equal(length > 0, rows[i].fits);
        assert_true(length <= ECA_TICKET_RECORD_MAX);
        /* Of what does not fit nothing stays where others may look: not the session key either. */
        assert_true(rows[i].fits || memmem(record, ECA_TICKET_RECORD_MAX, "\x5a\x5a\x5a\x5a", 4) == NULL);
        eca_ticket_release(ticket);
    }
    free(large);
    free(record);
}

static void test_key_differs_by_everything(void **state)
{
    static const struct {
        const char *why;
        const char *scope;
        const char *sid;
        const char *spn;
        bool same;
    } rows[] = {
        { "the same", "A", "S-1-5-21-1103", "HTTP/exch", true },
        { "another service account", "B", "S-1-5-21-1103", "HTTP/exch", false },
        { "another user", "A", "S-1-5-21-1104", "HTTP/exch", false },
        { "another service", "A", "S-1-5-21-1103", "HTTP/other", false },
        { "the same letters cut elsewhere", "A", "S-1-5-21-1103H", "TTP/exch", false },
    };
    uint8_t first[ECA_TICKET_RECORD_KEY_BYTES];
    (void)state;

    assert_true(eca_ticket_record_key(first, eca_slice_from_text("A"), "S-1-5-21-1103", "HTTP/exch"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t made[ECA_TICKET_RECORD_KEY_BYTES];

        print_message("  %s\n", rows[i].why);
        assert_true(eca_ticket_record_key(made, eca_slice_from_text(rows[i].scope), rows[i].sid, rows[i].spn));
        assert_int_equal(memcmp(made, first, sizeof made) == 0, rows[i].same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_sealed_ticket_is_the_same),
        cmocka_unit_test(test_seal_nothing_can_be_read_and_no_two_are_alike),
        cmocka_unit_test(test_open_anything_changed_is_no_record),
        cmocka_unit_test(test_open_ticket_that_is_over_is_no_record),
        cmocka_unit_test(test_seal_too_large_is_not_shared),
        cmocka_unit_test(test_key_differs_by_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
