/* SPDX-License-Identifier: Apache-2.0 */
#include "make_path.h"
#include "nt_auth.h"

#include "rows.h"

#include <stdlib.h>

static const struct recipe root = { "Root", "Root", KEY_ROOT, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe renewed = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS, .begins = -1,
                                       .ends = 900 };

static struct eca_slice der_of(const struct recipe *recipe)
{
    X509 *certificate = make_path_certificate(recipe);
    unsigned char *der = NULL;
    const int length = i2d_X509(certificate, &der);

    X509_free(certificate);
    assert_true(length > 0);
    return (struct eca_slice){ der, (size_t)length };
}

/* ECDSA signatures differ each time: the certificate is the very one of its DER. */
static X509 *read_der(struct eca_slice der)
{
    const unsigned char *at = der.bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.length);

    assert_non_null(certificate);
    return certificate;
}

static void test_judge_certificate_is_listed_by_every_byte(void **state)
{
    const struct eca_slice ders[] = { der_of(&root), der_of(&issuing), der_of(&renewed), SLICE("no certificate") };
    const struct eca_slice both[] = { ders[3], ders[0], ders[1] };
    struct eca_nt_auth *list = eca_nt_auth_open();
    X509 *one = read_der(ders[1]), *other = read_der(ders[2]);
    (void)state;

    assert_non_null(list);
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_UNKNOWN);
    assert_true(eca_nt_auth_replace(list, NULL, 0, NOW));
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_MISSING);
    assert_true(eca_nt_auth_replace(list, both, 3, NOW));
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_LISTED);
    assert_int_equal(eca_nt_auth_judge(list, other), ECA_NT_AUTH_MISSING);
    assert_true(eca_nt_auth_replace(list, &ders[2], 1, NOW));
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_MISSING);
    X509_free(one);
    X509_free(other);
    for (size_t i = 0; i < 3; i++)
        OPENSSL_free((void *)ders[i].bytes);
    eca_nt_auth_close(list);
}

static void test_replace_too_long_list_leaves_the_last_one(void **state)
{
    struct eca_slice *many = calloc(ECA_NT_AUTH_CERTIFICATES_MAX + 1, sizeof *many);
    struct eca_slice der = der_of(&issuing);
    struct eca_nt_auth *list = eca_nt_auth_open();
    X509 *one = read_der(der);
    (void)state;

    assert_true(many != NULL && list != NULL);
    for (size_t i = 0; i <= ECA_NT_AUTH_CERTIFICATES_MAX; i++)
        many[i] = (struct eca_slice)SLICE("x");
    assert_true(eca_nt_auth_replace(list, &der, 1, NOW));
    assert_false(eca_nt_auth_replace(list, many, ECA_NT_AUTH_CERTIFICATES_MAX + 1, NOW));
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_LISTED);
    assert_true(eca_nt_auth_replace(list, many, ECA_NT_AUTH_CERTIFICATES_MAX, NOW));
    assert_int_equal(eca_nt_auth_judge(list, one), ECA_NT_AUTH_MISSING);
    X509_free(one);
    OPENSSL_free((void *)der.bytes);
    free(many);
    eca_nt_auth_close(list);
}

static void test_is_due_after_five_minutes_and_not_twice_within_half_a_minute(void **state)
{
    static const struct {
        const char *why;
        int64_t seconds;
        bool due;
    } moments[] = {
        { "just read", 0, false },        { "not yet", 299, false },       { "old", 300, true },
        { "tried just now", 301, false }, { "still trying", 329, false }, { "tried in vain", 330, true },
    };
    struct eca_nt_auth *list = eca_nt_auth_open();
    (void)state;

    assert_non_null(list);
    assert_true(eca_nt_auth_replace(list, NULL, 0, NOW));
    for (size_t i = 0; i < COUNT(moments); i++) {
        SAY_WHY(&moments[i]);
        assert_int_equal(eca_nt_auth_is_due(list, NOW + moments[i].seconds), moments[i].due);
    }
    assert_true(eca_nt_auth_replace(list, NULL, 0, NOW + 400));
    assert_false(eca_nt_auth_is_due(list, NOW + 699));
    assert_true(eca_nt_auth_is_due(list, NOW + 700));
    eca_nt_auth_close(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_certificate_is_listed_by_every_byte),
        cmocka_unit_test(test_replace_too_long_list_leaves_the_last_one),
        cmocka_unit_test(test_is_due_after_five_minutes_and_not_twice_within_half_a_minute),
    };

    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
