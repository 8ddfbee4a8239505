/* SPDX-License-Identifier: Apache-2.0 */
/* When a server is used, tried and left alone, second by second. */
#include "ldap_backoff.h"

#include "rows.h"

#define SECONDS(n) apr_time_from_sec(n)

static void test_take_turn_follows_what_is_known_of_the_server(void **state)
{
    static const struct {
        const char *why;
        struct eca_ldap_backoff before;
        apr_time_t now;
        enum eca_ldap_turn turn;
        bool probing;
    } rows[] = {
        { "nothing said against it", { 0, 0, false }, SECONDS(100), ECA_LDAP_TURN_USE, false },
        { "failed, its time is not over", { SECONDS(101), SECONDS(1), false }, SECONDS(101) - 1, ECA_LDAP_TURN_SKIP,
          false },
        { "its time is over: one tries it", { SECONDS(101), SECONDS(1), false }, SECONDS(101), ECA_LDAP_TURN_PROBE,
          true },
        { "somebody tries it already", { SECONDS(101), SECONDS(1), true }, SECONDS(200), ECA_LDAP_TURN_SKIP, true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_ldap_backoff backoff = rows[i].before;

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_ldap_backoff_take_turn(&backoff, rows[i].now), rows[i].turn);
        assert_int_equal(backoff.probing, rows[i].probing);
    }
}

static void test_failed_waits_double_up_to_half_a_minute(void **state)
{
    static const int waits[] = { 1, 2, 4, 8, 16, 30, 30 };
    struct eca_ldap_backoff backoff = { 0 };
    apr_time_t now = SECONDS(1000);
    (void)state;

    for (size_t i = 0; i < COUNT(waits); i++) {
        eca_ldap_backoff_failed(&backoff, now);
        assert_int_equal(backoff.until - now, SECONDS(waits[i]));
        now = backoff.until;
        assert_int_equal(eca_ldap_backoff_take_turn(&backoff, now), ECA_LDAP_TURN_PROBE);
    }
    eca_ldap_backoff_succeeded(&backoff);
    assert_int_equal(eca_ldap_backoff_take_turn(&backoff, now), ECA_LDAP_TURN_USE);
    eca_ldap_backoff_failed(&backoff, now);
    assert_int_equal(backoff.until - now, SECONDS(1));
}

static void test_failed_many_at_a_time_count_once(void **state)
{
    struct eca_ldap_backoff backoff = { 0 };
    (void)state;

    for (int i = 0; i < 200; i++)
        eca_ldap_backoff_failed(&backoff, SECONDS(10) + i);
    assert_int_equal(backoff.until, SECONDS(11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_turn_follows_what_is_known_of_the_server),
        cmocka_unit_test(test_failed_waits_double_up_to_half_a_minute),
        cmocka_unit_test(test_failed_many_at_a_time_count_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
