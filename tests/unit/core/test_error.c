/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include "rows.h"

#include <string.h>

static void test_set_twice_keeps_the_first_sentence(void **state)
{
    struct eca_error err = { .text = "" };
    (void)state;

    assert_false(eca_error_set(&err, "port %d", 389));
    assert_false(eca_error_set(&err, "later"));
    assert_string_equal(err.text, "port 389");
}

static void test_set_too_long_is_cut_and_terminated(void **state)
{
    struct eca_error err = { .text = "" };
    char longer[2 * ECA_ERROR_MAX];
    (void)state;

    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(eca_error_set(&err, "%s", longer));
    assert_int_equal(strlen(err.text), ECA_ERROR_MAX - 1);
}

static void test_set_percent_in_a_value_is_only_text(void **state)
{
    struct eca_error err = { .text = "" };
    (void)state;

    (void)eca_error_set(&err, "%s", "%n%s");
    assert_string_equal(err.text, "%n%s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_twice_keeps_the_first_sentence),
        cmocka_unit_test(test_set_too_long_is_cut_and_terminated),
        cmocka_unit_test(test_set_percent_in_a_value_is_only_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
