/* SPDX-License-Identifier: Apache-2.0 */
#include "token_form.h"

#include "made_up_creds.h"
#include "rows.h"

#define LONG_NAME 70000 /* more than a token's DER may be long */

static krb5_context context;

static const struct eca_token_blanks good = { .stamp = INT64_C(1796000000123456), .sequence = 0x2abbccdd,
                                              .subkey = "0123456789abcdef0123456789ABCDEF" };

static struct eca_token_form *make_form(void)
{
    struct made_up_creds made;
    struct eca_token_form *form = NULL;

    made_up_creds_init(&made, 2000000000);
    assert_int_equal(eca_token_form_create(context, &made.creds, true, &form), 0);
    memset(&made, 'x', sizeof made); /* it is a copy */
    assert_non_null(form);
    return form;
}

static void test_fill_blanks_are_where_the_form_says(void **state)
{
    struct eca_token_form *form = make_form();
    uint8_t plain[512];
    (void)state;

    assert_in_range(form->plain_length, 100, sizeof plain);
    assert_int_equal(form->subkey_length, 32);
    assert_true(eca_token_form_fill(form, &good, plain));
    /* [5] GeneralizedTime, [4] INTEGER, [7] INTEGER, [1] OCTET STRING of RFC 4120 5.5.1 and 5.2.9 */
    assert_memory_equal(plain + form->time_at - 4, "\xa5\x11\x18\x0f" "20261130005320Z", 19);
    assert_memory_equal(plain + form->microseconds_at - 4, "\xa4\x05\x02\x03\x01\xe2\x40", 7);
    assert_memory_equal(plain + form->sequence_at - 4, "\xa7\x06\x02\x04\x2a\xbb\xcc\xdd", 8);
    assert_memory_equal(plain + form->subkey_at - 4, "\xa1\x22\x04\x20" "0123456789abcdef0123456789ABCDEF", 36);
    assert_int_equal(form->sequence_at + 4, form->plain_length);
    eca_token_form_free(form);
}

static void test_fill_refuses_blanks_of_another_length(void **state)
{
    static const struct {
        const char *why;
        int64_t stamp;
        uint32_t sequence;
    } rows[] = {
        { "microseconds of two bytes", INT64_C(1796000000032767), 0x20000000 },
        { "no microseconds", INT64_C(1796000000000000), 0x20000000 },
        { "before 1970", -1, 0x20000000 },
        { "a year of five digits", INT64_C(253402300800123456), 0x20000000 },
        { "a sequence number below what is given out", INT64_C(1796000000123456), 0x1fffffff },
        { "a sequence number of 31 bits", INT64_C(1796000000123456), 0x40000000 },
    };
    struct eca_token_form *form = make_form();
    uint8_t plain[512];
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_token_blanks blanks = good;

        SAY_WHY(&rows[i]);
        blanks.stamp = rows[i].stamp;
        blanks.sequence = rows[i].sequence;
        assert_false(eca_token_form_fill(form, &blanks, plain));
    }
    eca_token_form_free(form);
}

static void test_create_what_cannot_be_a_token_is_an_error(void **state)
{
    static const struct {
        const char *why;
        krb5_enctype type;
        unsigned name_length;
        krb5_error_code code;
    } rows[] = {
        { "a name that is too long", ENCTYPE_AES256_CTS_HMAC_SHA1_96, LONG_NAME, KRB5_PARSE_MALFORMED },
        { "a type of key that nobody knows", 0x7777, 5, KRB5_BAD_ENCTYPE },
    };
    static char name[LONG_NAME];
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct made_up_creds made;
        struct eca_token_form *form = NULL;

        SAY_WHY(&rows[i]);
        made_up_creds_init(&made, 2000000000);
        made.creds.keyblock.enctype = rows[i].type;
        made.client_parts[0] = (krb5_data){ .data = name, .length = rows[i].name_length };
        assert_int_equal(eca_token_form_create(context, &made.creds, false, &form), rows[i].code);
        assert_null(form);
    }
    eca_token_form_free(NULL);
}

static int set_up(void **state)
{
    (void)state;
    /* Whatever this machine's krb5.conf says is not what is tested. */
    setenv("KRB5_CONFIG", "/dev/null", 1);
    return krb5_init_context(&context);
}

static int tear_down(void **state)
{
    (void)state;
    krb5_free_context(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_blanks_are_where_the_form_says),
        cmocka_unit_test(test_fill_refuses_blanks_of_another_length),
        cmocka_unit_test(test_create_what_cannot_be_a_token_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
