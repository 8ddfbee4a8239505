/* SPDX-License-Identifier: Apache-2.0 */
#include "choice.h"

#include "access.h"
#include "account.h"
#include "rows.h"

#include <string.h>

static const struct eca_choice colours[] = { { "red", 7 }, { "light-red", 0 }, { NULL, 0 } };

static void test_find_words_in_any_case_give_their_value(void **state)
{
    static const struct {
        const char *name;
        bool found;
        int value;
    } rows[] = {
        { "red", true, 7 },     { "LIGHT-Red", true, 0 }, /* a value of zero is a value */
        { "light", false, -1 }, { "red ", false, -1 },    { "", false, -1 }, /* untouched when not found */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int value = -1;

        assert_int_equal(eca_choice_find(colours, rows[i].name, &value), rows[i].found);
        assert_int_equal(value, rows[i].value);
    }
}

static void test_name_known_and_unknown_values(void **state)
{
    (void)state;
    assert_string_equal(eca_choice_name(colours, 0), "light-red");
    assert_null(eca_choice_name(colours, 1));
}

static void test_name_every_authenticate_and_remote_user_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(eca_choice_name(eca_authenticate_choices, ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC),
                        "certificate-and-basic");
    assert_string_equal(eca_choice_name(eca_remote_user_choices, ECA_REMOTE_USER_NETBIOS), "netbios");
    assert_null(eca_choice_name(eca_remote_user_choices, ECA_REMOTE_USER_ATTRIBUTE)); /* it is named itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_words_in_any_case_give_their_value),
        cmocka_unit_test(test_name_known_and_unknown_values),
        cmocka_unit_test(test_name_every_authenticate_and_remote_user_has_its_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
