/* SPDX-License-Identifier: Apache-2.0 */
#include "kerberos_der.h"

#include "rows.h"

#include <string.h>

#define FRAME 4 /* [5] { GeneralizedTime */

static void test_put_time_any_moment_is_its_date(void **state)
{
    static const struct {
        const char *why;
        time_t seconds; /* date -u -d @SECONDS */
        const char *text;
    } rows[] = {
        { "the first", 0, "19700101000000Z" },
        { "a moment later the same day", 3661, "19700101010101Z" },
        { "the day's last", 86399, "19700101235959Z" },
        { "another day", 86400, "19700102000000Z" },
        { "back to the first", 1, "19700101000001Z" },
        { "a leap day of a century", 951868799, "20000229235959Z" },
        { "the day after it", 951868800, "20000301000000Z" },
        { "beyond 32 bits with a sign", 2147483648, "20380119031408Z" },
        { "the last that Kerberos' 32 bits hold", 4294967295, "21060207062815Z" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t memory[64];
        struct eca_der_writer der;

        SAY_WHY(&rows[i]);
        eca_der_writer_init(&der, memory, sizeof memory);
        eca_kerberos_put_time(&der, 5, rows[i].seconds);
        assert_false(der.overflow);
        assert_int_equal(sizeof memory - der.start, FRAME + 15);
        assert_memory_equal(memory + der.start, ((const uint8_t[]){ 0xa5, 17, 0x18, 15 }), FRAME);
        assert_memory_equal(memory + der.start + FRAME, rows[i].text, 15);
    }
}

static void test_put_time_before_1970_is_none(void **state)
{
    uint8_t memory[64];
    struct eca_der_writer der;
    (void)state;

    eca_der_writer_init(&der, memory, sizeof memory);
    eca_kerberos_put_time(&der, 5, -1);
    assert_true(der.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_time_any_moment_is_its_date),
        cmocka_unit_test(test_put_time_before_1970_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
