/* SPDX-License-Identifier: Apache-2.0 */
#include "krb5_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct eca_krb5_exchange make_exchange(enum eca_krb5_step step)
{
    return (struct eca_krb5_exchange){ .step = step, .keytab = "/etc/apache2/eas.keytab",
                                       .principal = "svc-eas@EXAMPLE.TEST", .user = "alice@EXAMPLE.TEST",
                                       .service = "HTTP/exch.example.test@EXAMPLE.TEST" };
}

static void test_explain_known_code_gives_answer_and_advice(void **state)
{
    static const struct {
        const char *why;
        enum eca_krb5_step step;
        krb5_error_code code;
        enum eca_kerberos_answer answer;
        const char *says;
    } rows[] = {
        { "KDC stopped or frozen", ECA_KRB5_STEP_TGT, KRB5_KDC_UNREACH, ECA_KERBEROS_UNAVAILABLE, "no KDC answered" },
        { "the same while delegating", ECA_KRB5_STEP_S4U2PROXY, KRB5_KDC_UNREACH, ECA_KERBEROS_UNAVAILABLE,
          "no KDC answered" },
        { "DNS is down: trying later is right", ECA_KRB5_STEP_TGT, KRB5_REALM_CANT_RESOLVE, ECA_KERBEROS_UNAVAILABLE,
          "DNS" },
        { "the KDC's own failure is no fault of the account", ECA_KRB5_STEP_S4U2SELF, KRB5KRB_ERR_GENERIC,
          ECA_KERBEROS_UNAVAILABLE, "its own log" },
        { "nothing in krb5.conf, nothing in DNS", ECA_KRB5_STEP_TGT, KRB5_REALM_UNKNOWN, ECA_KERBEROS_MISCONFIGURED,
          "[realms]" },
        { "clock", ECA_KRB5_STEP_TGT, KRB5KRB_AP_ERR_SKEW, ECA_KERBEROS_MISCONFIGURED, "clock" },
        { "clock, as seen in the answer", ECA_KRB5_STEP_S4U2SELF, KRB5_KDCREP_SKEW, ECA_KERBEROS_MISCONFIGURED,
          "clock" },
        { "the service account's password has changed", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_PREAUTH_FAILED,
          ECA_KERBEROS_MISCONFIGURED, "export the keytab again" },
        { "a keytab without AES256: what libkrb5 says", ECA_KRB5_STEP_TGT, KRB5_PREAUTH_FAILED,
          ECA_KERBEROS_MISCONFIGURED, "msDS-SupportedEncryptionTypes" },
        { "a keytab with RC4 alone: what AD says", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_ETYPE_NOSUPP,
          ECA_KERBEROS_MISCONFIGURED, "AES" },
        { "the same code of the backend's account", ECA_KRB5_STEP_S4U2PROXY, KRB5KDC_ERR_ETYPE_NOSUPP,
          ECA_KERBEROS_MISCONFIGURED, "backend" },
        { "a keytab whose name is an SPN", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN,
          ECA_KERBEROS_MISCONFIGURED, "EASKerberosPrincipal" },
        { "the same code of the user", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN,
          ECA_KERBEROS_ACCOUNT_UNKNOWN, "alice@EXAMPLE.TEST" },
        { "the service account disabled: nobody's account reason", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_CLIENT_REVOKED,
          ECA_KERBEROS_MISCONFIGURED, "service account" },
        { "a user disabled, as AD says", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_CLIENT_REVOKED,
          ECA_KERBEROS_ACCOUNT_REFUSED, "disabled" },
        { "a user disabled, as Samba says", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_POLICY, ECA_KERBEROS_ACCOUNT_REFUSED,
          "disabled" },
        { "a user expired", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_NAME_EXP, ECA_KERBEROS_ACCOUNT_EXPIRED, "expired" },
        { "a password that must change, noticed late", ECA_KRB5_STEP_S4U2PROXY, KRB5KDC_ERR_KEY_EXP,
          ECA_KERBEROS_ACCOUNT_EXPIRED, "password" },
        { "the service account's password", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_KEY_EXP, ECA_KERBEROS_MISCONFIGURED,
          "the service account's password has expired or must be changed" },
        { "a service account without SPN", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN,
          ECA_KERBEROS_MISCONFIGURED, "servicePrincipalName" },
        { "a wrong SPN", ECA_KRB5_STEP_S4U2PROXY, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, ECA_KERBEROS_MISCONFIGURED,
          "HTTP/exch.example.test@EXAMPLE.TEST: no account has this SPN" },
        { "not in the list: the ticket was good", ECA_KRB5_STEP_S4U2PROXY, KRB5KDC_ERR_BADOPTION, ECA_KERBEROS_REFUSED,
          "msDS-AllowedToDelegateTo" },
        { "protocol transition or the user", ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE, KRB5KDC_ERR_BADOPTION,
          ECA_KERBEROS_REFUSED, "TRUSTED_TO_AUTH_FOR_DELEGATION" },
        { "the same names the user's own settings", ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE, KRB5KDC_ERR_POLICY,
          ECA_KERBEROS_REFUSED, "Protected Users" },
        { "krbtgt's keys have changed", ECA_KRB5_STEP_S4U2SELF, KRB5KRB_AP_ERR_BAD_INTEGRITY, ECA_KERBEROS_UNAVAILABLE,
          "ticket-granting ticket" },
        { "a ticket our keytab does not open", ECA_KRB5_STEP_EVIDENCE, KRB5KRB_AP_ERR_BAD_INTEGRITY,
          ECA_KERBEROS_MISCONFIGURED, "/etc/apache2/eas.keytab" },
        { "no keytab", ECA_KRB5_STEP_KEYTAB, ENOENT, ECA_KERBEROS_MISCONFIGURED, "/etc/apache2/eas.keytab" },
        { "not readable for httpd's user", ECA_KRB5_STEP_TGT, EACCES, ECA_KERBEROS_MISCONFIGURED, "cannot be read" },
        { "what nobody has thought of", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_NULL_KEY, ECA_KERBEROS_FAILED,
          "unexpected (the message)" },
        { "a code of another step", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_BADOPTION, ECA_KERBEROS_FAILED, "unexpected" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eca_krb5_exchange exchange = make_exchange(rows[i].step);
        struct eca_error err = { .text = "" };

        print_message("  %s\n", rows[i].why);
        assert_int_equal(eca_krb5_error_explain(&exchange, rows[i].code, "the message", &err), rows[i].answer);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_non_null(strstr(err.text, "(the message)"));
    }
}

static void test_explain_each_step_names_who_was_asked_for(void **state)
{
    static const struct {
        const char *why;
        enum eca_krb5_step step;
        const char *names[3];
    } rows[] = {
        { "the file", ECA_KRB5_STEP_KEYTAB, { "/etc/apache2/eas.keytab" } },
        { "the account and its file", ECA_KRB5_STEP_TGT, { "svc-eas@", "/etc/apache2/eas.keytab" } },
        { "both accounts", ECA_KRB5_STEP_S4U2SELF, { "S4U2Self", "alice@", "svc-eas@" } },
        { "the file that does not open it", ECA_KRB5_STEP_EVIDENCE,
          { "alice@", "svc-eas@", "/etc/apache2/eas.keytab" } },
        { "all three", ECA_KRB5_STEP_S4U2PROXY, { "alice@", "svc-eas@", "HTTP/exch.example.test@" } },
        { "all three", ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE, { "alice@", "svc-eas@", "HTTP/exch.example.test@" } },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eca_krb5_exchange exchange = make_exchange(rows[i].step);
        struct eca_error err = { .text = "" };

        print_message("  %s\n", rows[i].why);
        (void)eca_krb5_error_explain(&exchange, KRB5_KDC_UNREACH, "", &err);
        for (size_t n = 0; n < 3 && rows[i].names[n] != NULL; n++)
            assert_non_null(strstr(err.text, rows[i].names[n]));
    }
}

static void test_explain_earlier_error_is_kept(void **state)
{
    const struct eca_krb5_exchange exchange = make_exchange(ECA_KRB5_STEP_TGT);
    struct eca_error err = { .text = "the deeper one" };
    (void)state;

    assert_int_equal(eca_krb5_error_explain(&exchange, KRB5_KDC_UNREACH, "", &err), ECA_KERBEROS_UNAVAILABLE);
    assert_string_equal(err.text, "the deeper one");
}

static void test_from_context_gives_libkrb5s_words(void **state)
{
    const struct eca_krb5_exchange exchange = make_exchange(ECA_KRB5_STEP_TGT);
    struct eca_error err = { .text = "" };
    struct eca_error without = { .text = "" };
    krb5_context context = NULL;
    (void)state;

    assert_int_equal(krb5_init_context(&context), 0);
    krb5_set_error_message(context, KRB5_KDC_UNREACH, "nobody at %s", "127.0.0.1");
    assert_int_equal(eca_krb5_error_from_context(&exchange, context, KRB5_KDC_UNREACH, &err), ECA_KERBEROS_UNAVAILABLE);
    assert_non_null(strstr(err.text, "(nobody at 127.0.0.1)"));
    krb5_free_context(context);
    /* When krb5_init_context() itself has failed. */
    assert_int_equal(eca_krb5_error_from_context(&exchange, NULL, KRB5_CONFIG_BADFORMAT, &without),
                     ECA_KERBEROS_MISCONFIGURED);
    assert_non_null(strstr(without.text, "krb5.conf"));
}

static void test_from_gss_minor_is_krb5s_code(void **state)
{
    const struct eca_krb5_exchange exchange = make_exchange(ECA_KRB5_STEP_S4U2PROXY);
    struct eca_error err = { .text = "" };
    struct eca_error major = { .text = "" };
    (void)state;

    assert_int_equal(eca_krb5_error_from_gss(&exchange, GSS_S_FAILURE, (OM_uint32)KRB5KDC_ERR_BADOPTION, &err),
                     ECA_KERBEROS_REFUSED);
    assert_non_null(strstr(err.text, "msDS-AllowedToDelegateTo"));
    assert_int_equal(eca_krb5_error_from_gss(&exchange, GSS_S_BAD_NAME, 0, &major), ECA_KERBEROS_FAILED);
    assert_non_null(strstr(major.text, "name"));
}

static void test_refuses_tgt_only_when_a_new_one_may_help(void **state)
{
    static const struct {
        const char *why;
        enum eca_krb5_step step;
        krb5_error_code code;
        bool refused;
    } rows[] = {
        { "expired on the way", ECA_KRB5_STEP_S4U2SELF, KRB5KRB_AP_ERR_TKT_EXPIRED, true },
        { "krbtgt's keys have changed", ECA_KRB5_STEP_S4U2PROXY, KRB5KRB_AP_ERR_BAD_INTEGRITY, true },
        { "our own key, not the KDC's", ECA_KRB5_STEP_EVIDENCE, KRB5KRB_AP_ERR_BAD_INTEGRITY, false },
        { "the keytab's key", ECA_KRB5_STEP_TGT, KRB5KRB_AP_ERR_BAD_INTEGRITY, false },
        { "the user's fault", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_CLIENT_REVOKED, false },
        { "nobody answered", ECA_KRB5_STEP_S4U2SELF, KRB5_KDC_UNREACH, false },
        { "unknown", ECA_KRB5_STEP_S4U2SELF, KRB5KDC_ERR_NULL_KEY, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].why);
        assert_int_equal(eca_krb5_error_refuses_tgt(rows[i].step, rows[i].code), rows[i].refused);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain_known_code_gives_answer_and_advice),
        cmocka_unit_test(test_explain_each_step_names_who_was_asked_for),
        cmocka_unit_test(test_explain_earlier_error_is_kept),
        cmocka_unit_test(test_from_context_gives_libkrb5s_words),
        cmocka_unit_test(test_from_gss_minor_is_krb5s_code),
        cmocka_unit_test(test_refuses_tgt_only_when_a_new_one_may_help),
    };

    setenv("KRB5_CONFIG", "/dev/null", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
