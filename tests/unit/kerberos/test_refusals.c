/* SPDX-License-Identifier: Apache-2.0 */
#include "refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SPN "HTTP/exch.example.test"
#define NOW 1000000

static bool knows(struct eca_refusals *refusals, const char *sid, const char *spn, int64_t now)
{
    struct eca_error why = { .text = "" };
    enum eca_reason reason = ECA_REASON_GRANTED;
    const bool found = eca_refusals_find(refusals, sid, spn, now, &reason, &why);

    assert_int_equal(reason == ECA_REASON_GRANTED, !found);
    assert_int_equal(why.text[0] == '\0', !found);
    return found;
}

static void keep(struct eca_refusals *refusals, const char *sid, enum eca_reason reason, const char *text)
{
    struct eca_error why = { .text = "" };

    eca_error_set(&why, "%s", text);
    eca_refusals_store(refusals, sid, SPN, reason, &why, NOW + 60);
}

static void test_find_only_what_was_refused_and_in_time(void **state)
{
    static const struct {
        const char *why;
        const char *sid;
        const char *spn;
        int64_t now;
        bool known;
    } rows[] = {
        { "the same", "S-1-5-21-1103", SPN, NOW, true },
        { "the last second", "S-1-5-21-1103", SPN, NOW + 59, true },
        { "a minute later", "S-1-5-21-1103", SPN, NOW + 60, false },
        { "another account", "S-1-5-21-1104", SPN, NOW, false },
        { "another service", "S-1-5-21-1103", "HTTP/other.example.test", NOW, false },
        { "the same letters cut elsewhere", "S-1-5-21-1103H", "TTP/exch.example.test", NOW, false },
    };
    struct eca_refusals *const refusals = eca_refusals_open(1);
    struct eca_error why = { .text = "" };
    enum eca_reason reason = ECA_REASON_GRANTED;
    (void)state;

    assert_non_null(refusals);
    assert_false(knows(refusals, "", "", 0)); /* an empty place is nobody's */
    keep(refusals, "S-1-5-21-1103", ECA_REASON_ACCOUNT_DISABLED, "disabled");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].why);
        assert_int_equal(knows(refusals, rows[i].sid, rows[i].spn, rows[i].now), rows[i].known);
    }
    assert_true(eca_refusals_find(refusals, "S-1-5-21-1103", SPN, NOW, &reason, &why));
    assert_int_equal(reason, ECA_REASON_ACCOUNT_DISABLED);
    assert_string_equal(why.text, "disabled");
    /* One place, and another who wants it. */
    keep(refusals, "S-1-5-21-1104", ECA_REASON_ACCOUNT_DISABLED, "disabled");
    assert_false(knows(refusals, "S-1-5-21-1103", SPN, NOW));
    assert_true(knows(refusals, "S-1-5-21-1104", SPN, NOW));
    eca_refusals_close(refusals);
}

static void test_store_absurd_names_are_not_kept(void **state)
{
    struct eca_refusals *const refusals = eca_refusals_open(4);
    struct eca_error why = { .text = "x" };
    char spn[2048];
    (void)state;

    memset(spn, 'x', sizeof spn - 1);
    spn[sizeof spn - 1] = '\0';
    eca_refusals_store(refusals, "S-1-5-21-1", spn, ECA_REASON_ACCOUNT_DISABLED, &why, NOW + 60);
    assert_false(knows(refusals, "S-1-5-21-1", spn, NOW));
    eca_refusals_close(refusals);
    eca_refusals_close(NULL);
    assert_null(eca_refusals_open(0));
    assert_null(eca_refusals_open(SIZE_MAX));
}

/* Every sentence names the account it was stored for. */
static void *hammer(void *argument)
{
    struct eca_refusals *const refusals = argument;

    for (int i = 0; i < 4000; i++) {
        struct eca_error why = { .text = "" };
        enum eca_reason reason = ECA_REASON_GRANTED;
        char sid[32];

        (void)snprintf(sid, sizeof sid, "S-1-5-21-%d", i % 13);
        if (eca_refusals_find(refusals, sid, SPN, NOW, &reason, &why) && strcmp(why.text, sid) != 0)
            return argument;
        keep(refusals, sid, ECA_REASON_ACCOUNT_EXPIRED, sid);
    }
    return NULL;
}

static void test_all_calls_many_threads_stay_sound(void **state)
{
    struct eca_refusals *const refusals = eca_refusals_open(5);
    pthread_t threads[4];
    (void)state;

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, refusals), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    eca_refusals_close(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_only_what_was_refused_and_in_time),
        cmocka_unit_test(test_store_absurd_names_are_not_kept),
        cmocka_unit_test(test_all_calls_many_threads_stay_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
