/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_entry.h"

#include "rows.h"

static void test_parse_time_utc_gives_seconds(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        int64_t seconds;
    } rows[] = {
        { "as AD writes it", SLICE("20261122224518.0Z"), 1795387518 },
        { "without a fraction", SLICE("20261122224518Z"), 1795387518 },
        { "a longer fraction is cut", SLICE("20261122224518.999999Z"), 1795387518 },
        { "the beginning", SLICE("19700101000000.0Z"), 0 },
        { "before it", SLICE("19691231235959.0Z"), -1 },
        { "Windows' own beginning", SLICE("16010101000000.0Z"), -11644473600 },
        { "a leap day", SLICE("20240229120000Z"), 1709208000 },
        { "a leap day of a century", SLICE("20000229000000Z"), 951782400 },
        { "beyond 32 bits", SLICE("21000101000000Z"), 4102444800 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = -2;

        SAY_WHY(&rows[i]);
        assert_true(eca_ldap_parse_time(&seconds, rows[i].text));
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void test_parse_time_anything_else_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
    } rows[] = {
        { "nothing", SLICE("") },
        { "no time zone", SLICE("20261122224518.0") },
        { "another time zone", SLICE("20261122224518.0+0100") },
        { "a two-digit year (UTCTime)", SLICE("261122224518Z") },
        { "no seconds", SLICE("202611222245Z") },
        { "a point without digits", SLICE("20261122224518.Z") },
        { "a comma", SLICE("20261122224518,0Z") },
        { "more after the zone", SLICE("20261122224518.0Z ") },
        { "a NUL inside", SLICE("2026112222451\0.0Z") },
        { "a letter inside", SLICE("2026x122224518.0Z") },
        { "a sign", SLICE("-0261122224518.0Z") },
        { "year 0", SLICE("00000101000000Z") },
        { "month 0", SLICE("20260022224518Z") },
        { "month 13", SLICE("20261322224518Z") },
        { "day 0", SLICE("20261100224518Z") },
        { "day 31 of a short month", SLICE("20261131224518Z") },
        { "a leap day in no leap year", SLICE("20260229000000Z") },
        { "a leap day of a century that has none", SLICE("21000229000000Z") },
        { "hour 24", SLICE("20261122240000Z") },
        { "minute 60", SLICE("20261122226000Z") },
        { "second 60", SLICE("20261122224560Z") },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = 7;

        SAY_WHY(&rows[i]);
        assert_false(eca_ldap_parse_time(&seconds, rows[i].text));
        assert_int_equal(seconds, 7);
    }
}

static void test_parse_integer_decimal_gives_number(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        int64_t number;
    } rows[] = {
        { "zero", SLICE("0"), 0 },
        { "an ordinary account", SLICE("66048"), 66048 },
        { "negative, as AD writes a set with its highest bit", SLICE("-2147483646"), -2147483646 },
        { "never", SLICE("9223372036854775807"), INT64_MAX },
        { "the smallest", SLICE("-9223372036854775808"), INT64_MIN },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 7;

        SAY_WHY(&rows[i]);
        assert_true(eca_ldap_parse_integer(&number, rows[i].text));
        assert_int_equal(number, rows[i].number);
    }
}

static void test_parse_integer_anything_else_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
    } rows[] = {
        { "nothing", SLICE("") },
        { "a sign alone", SLICE("-") },
        { "a plus", SLICE("+1") },
        { "a leading zero", SLICE("01") },
        { "minus zero", SLICE("-0") },
        { "a space before", SLICE(" 1") },
        { "a space after", SLICE("1 ") },
        { "hexadecimal", SLICE("0x10") },
        { "a NUL after it", SLICE("1\0") },
        { "one above the largest", SLICE("9223372036854775808") },
        { "one below the smallest", SLICE("-9223372036854775809") },
        { "a hundred digits' worth", SLICE("99999999999999999999999999999999999999") },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 7;

        SAY_WHY(&rows[i]);
        assert_false(eca_ldap_parse_integer(&number, rows[i].text));
        assert_int_equal(number, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_time_utc_gives_seconds),
        cmocka_unit_test(test_parse_time_anything_else_is_refused),
        cmocka_unit_test(test_parse_integer_decimal_gives_number),
        cmocka_unit_test(test_parse_integer_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
