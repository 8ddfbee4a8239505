/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each cause by the KDC's code and the directory's attributes. The rows without "AD:" are what Samba 4.17 answers;
 * tests/httpd/test_kdc_failures.py provokes them there. Those with "AD:" are Active Directory's answers by MS-SFU 3.2.5
 * and MS-KILE 3.3.5, which Samba 4.17 does not give: that test puts them in the place of its own, so they are not
 * shown on a real KDC. Samba's own answer serves where it is the same, but for another setting: Protected Users.
 */
#include "refusal_cause.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1800000000 /* 2027-01-15 */
#define EXPIRED 132223104000000000 /* FILETIME of 2020-01-01 */

#define DISABLED 0x2u
#define LOCKED 0x10u
#define SENSITIVE 0x100000u
#define PASSWORD_EXPIRED 0x800000u
#define TRANSITION 0x1000000u

#define SELF ECA_KRB5_STEP_S4U2SELF
#define PROXY ECA_KRB5_STEP_S4U2PROXY
#define PROXY_NOT ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE

/* Where everything is as it should be. */
static struct eca_refusal_facts healthy(void)
{
    return (struct eca_refusal_facts){
        .user = { .state = ECA_PRINCIPAL_FOUND, .account = { .sam_account_name = "alice" } },
        .delegate = { .state = ECA_PRINCIPAL_FOUND,
                      .account = { .sam_account_name = "svc-eas", .user_account_control = TRANSITION },
                      .has_spn = true,
                      .delegates_to_any = true,
                      .delegates_to_target = true },
        .backend = { .state = ECA_PRINCIPAL_FOUND,
                     .account = { .sam_account_name = "svc-exch" },
                     .encryption_types = 24 },
        .spn = "HTTP/exch.example.test",
        .now = NOW,
    };
}

/* ---- one change each --------------------------------------------------------------------------- */

static void nothing(struct eca_refusal_facts *facts)
{
    (void)facts;
}

static void disabled(struct eca_refusal_facts *facts)
{
    facts->user.account.user_account_control = DISABLED;
}

static void expired(struct eca_refusal_facts *facts)
{
    facts->user.account.account_expires = EXPIRED;
}

static void locked(struct eca_refusal_facts *facts)
{
    facts->user.account.user_account_control_computed = LOCKED;
}

static void must_change(struct eca_refusal_facts *facts)
{
    facts->user.must_change_password = true;
    facts->user.account.user_account_control_computed = PASSWORD_EXPIRED;
}

static void password_expired(struct eca_refusal_facts *facts)
{
    facts->user.account.user_account_control_computed = PASSWORD_EXPIRED;
}

static void sensitive(struct eca_refusal_facts *facts)
{
    facts->user.account.user_account_control = SENSITIVE;
}

static void protected(struct eca_refusal_facts *facts)
{
    facts->user.is_protected = true;
}

static void no_spn(struct eca_refusal_facts *facts)
{
    facts->delegate.has_spn = false;
}

static void delegate_sensitive(struct eca_refusal_facts *facts)
{
    facts->delegate.account.user_account_control |= SENSITIVE;
}

static void delegate_protected(struct eca_refusal_facts *facts)
{
    facts->delegate.is_protected = true;
}

static void no_transition(struct eca_refusal_facts *facts)
{
    facts->delegate.account.user_account_control = 0;
}

static void not_listed(struct eca_refusal_facts *facts)
{
    facts->delegate.delegates_to_target = false;
}

static void list_empty(struct eca_refusal_facts *facts)
{
    facts->delegate.delegates_to_any = false;
    facts->delegate.delegates_to_target = false;
}

static void nothing_set_up(struct eca_refusal_facts *facts)
{
    no_transition(facts);
    list_empty(facts);
}

static void resource_based(struct eca_refusal_facts *facts)
{
    list_empty(facts);
    facts->backend.names_delegates = true;
}

static void sensitive_and_not_listed(struct eca_refusal_facts *facts)
{
    sensitive(facts);
    not_listed(facts);
}

static void spn_twice(struct eca_refusal_facts *facts)
{
    facts->backend = (struct eca_principal){ .state = ECA_PRINCIPAL_AMBIGUOUS };
}

static void backend_rc4(struct eca_refusal_facts *facts)
{
    facts->backend.encryption_types = 4;
}

static void test_find_each_cause_gives_reason_object_and_setting(void **state)
{
    static const struct {
        const char *why;
        enum eca_krb5_step step;
        krb5_error_code code;
        void (*change)(struct eca_refusal_facts *facts);
        enum eca_reason reason;
        const char *says;
        const char *also; /* or NULL */
    } rows[] = {
        { "disabled", SELF, KRB5KDC_ERR_POLICY, disabled, ECA_REASON_ACCOUNT_DISABLED,
          "alice is disabled", NULL },
        { "AD: disabled", SELF, KRB5KDC_ERR_CLIENT_REVOKED, disabled, ECA_REASON_ACCOUNT_DISABLED, "alice is disabled",
          NULL },
        { "expired", SELF, KRB5KDC_ERR_NAME_EXP, expired, ECA_REASON_ACCOUNT_EXPIRED, "alice has expired",
          "accountExpires" },
        { "AD: expired, told like disabled", SELF, KRB5KDC_ERR_CLIENT_REVOKED, expired, ECA_REASON_ACCOUNT_EXPIRED,
          "accountExpires", NULL },
        { "AD: locked", SELF, KRB5KDC_ERR_CLIENT_REVOKED, locked, ECA_REASON_ACCOUNT_LOCKED, "alice is locked", NULL },
        { "must change the password", PROXY, KRB5KDC_ERR_KEY_EXP, must_change, ECA_REASON_ACCOUNT_EXPIRED,
          "pwdLastSet is 0", NULL },
        { "AD: the same, at S4U2Self", SELF, KRB5KDC_ERR_KEY_EXP, must_change, ECA_REASON_ACCOUNT_EXPIRED,
          "pwdLastSet is 0", NULL },
        { "AD: the password's time is over", PROXY, KRB5KDC_ERR_KEY_EXP, password_expired, ECA_REASON_ACCOUNT_EXPIRED,
          "password that has expired", NULL },
        { "sensitive", PROXY_NOT, KRB5KDC_ERR_BADOPTION, sensitive, ECA_REASON_DELEGATION_NOT_ALLOWED,
          "alice is \"sensitive", "NOT_DELEGATED" },
        { "AD: sensitive, told as policy", PROXY_NOT, KRB5KDC_ERR_POLICY, sensitive, ECA_REASON_DELEGATION_NOT_ALLOWED,
          "NOT_DELEGATED", NULL },
        { "sensitive, as an older libkrb5 says itself", PROXY_NOT, KRB5_TKT_NOT_FORWARDABLE, sensitive,
          ECA_REASON_DELEGATION_NOT_ALLOWED, "NOT_DELEGATED", NULL },
        { "AD: Protected Users", PROXY_NOT, KRB5KDC_ERR_BADOPTION, protected, ECA_REASON_DELEGATION_NOT_ALLOWED,
          "alice is in the group Protected Users", NULL },
        { "the user goes first", PROXY_NOT, KRB5KDC_ERR_BADOPTION, sensitive_and_not_listed,
          ECA_REASON_DELEGATION_NOT_ALLOWED, "alice is", NULL },
        { "no servicePrincipalName", SELF, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, no_spn,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-eas has no servicePrincipalName", "setspn -S" },
        { "AD: the same", SELF, KRB5KDC_ERR_BADOPTION, no_spn, ECA_REASON_DELEGATION_MISCONFIGURED,
          "svc-eas has no servicePrincipalName", NULL },
        { "the service account is sensitive", PROXY_NOT, KRB5KDC_ERR_BADOPTION, delegate_sensitive,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-eas is itself", "NOT_DELEGATED" },
        { "AD: the service account is in Protected Users", PROXY_NOT, KRB5KDC_ERR_BADOPTION, delegate_protected,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-eas is itself in the group Protected Users", NULL },
        { "no protocol transition", PROXY_NOT, KRB5KDC_ERR_BADOPTION, no_transition,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-eas may not do protocol transition",
          "TRUSTED_TO_AUTH_FOR_DELEGATION" },
        { "not in the list", PROXY, KRB5KDC_ERR_BADOPTION, not_listed, ECA_REASON_DELEGATION_MISCONFIGURED,
          "svc-eas has other SPNs in msDS-AllowedToDelegateTo", "add HTTP/exch.example.test" },
        { "the list is empty", PROXY, KRB5KDC_ERR_BADOPTION, list_empty, ECA_REASON_DELEGATION_MISCONFIGURED,
          "svc-eas has an empty msDS-AllowedToDelegateTo", "add HTTP/exch.example.test" },
        { "both are missing: both are told", PROXY_NOT, KRB5KDC_ERR_BADOPTION, nothing_set_up,
          ECA_REASON_DELEGATION_MISCONFIGURED, "TRUSTED_TO_AUTH_FOR_DELEGATION", "empty msDS-AllowedToDelegateTo" },
        { "AD: the same, where an empty list makes the ticket forwardable", PROXY, KRB5KDC_ERR_BADOPTION,
          nothing_set_up, ECA_REASON_DELEGATION_MISCONFIGURED, "TRUSTED_TO_AUTH_FOR_DELEGATION",
          "empty msDS-AllowedToDelegateTo" },
        { "resource-based delegation is there, for others", PROXY, KRB5KDC_ERR_BADOPTION, resource_based,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-exch has msDS-AllowedToActOnBehalfOfOtherIdentity",
          "add HTTP/exch.example.test" },
        { "AD: two accounts have the SPN", PROXY, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, spn_twice,
          ECA_REASON_DELEGATION_MISCONFIGURED, "HTTP/exch.example.test belongs to more than one account",
          "setspn -Q" },
        { "a backend without AES keys", PROXY, KRB5KDC_ERR_ETYPE_NOSUPP, backend_rc4,
          ECA_REASON_DELEGATION_MISCONFIGURED, "svc-exch has no AES", "msDS-SupportedEncryptionTypes" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_krb5_refusal refusal = { rows[i].step, rows[i].code };
        struct eca_refusal_facts facts = healthy();
        enum eca_reason reason = ECA_REASON_GRANTED;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        rows[i].change(&facts);
        assert_true(eca_refusal_cause_is_hidden(&refusal));
        assert_true(eca_refusal_cause_find(&refusal, &facts, &reason, &err));
        assert_int_equal(reason, rows[i].reason);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_true(rows[i].also == NULL || strstr(err.text, rows[i].also) != NULL);
        assert_non_null(strstr(err.text, rows[i].step == SELF ? "S4U2Self: " : "S4U2Proxy: "));
    }
}

static void test_find_without_a_cause_writes_nothing(void **state)
{
    static const struct {
        const char *why;
        enum eca_krb5_step step;
        krb5_error_code code;
        void (*change)(struct eca_refusal_facts *facts);
        bool hidden;
    } rows[] = {
        { "all is well in the directory", PROXY, KRB5KDC_ERR_BADOPTION, nothing, true },
        { "a sensitive user's ticket is never forwardable: that was not it", PROXY, KRB5KDC_ERR_BADOPTION, sensitive,
          true },
        { "a disabled user is not why the SPN is unknown", PROXY, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, disabled, true },
        { "the list is not why the user may not log on", SELF, KRB5KDC_ERR_CLIENT_REVOKED, list_empty, true },
        { "an account in order", SELF, KRB5KDC_ERR_CLIENT_REVOKED, nothing, true },
        { "a clock is said plainly", SELF, KRB5KRB_AP_ERR_SKEW, nothing_set_up, false },
        { "no KDC", PROXY, KRB5_KDC_UNREACH, nothing_set_up, false },
        { "our own ticket", ECA_KRB5_STEP_TGT, KRB5KDC_ERR_CLIENT_REVOKED, nothing_set_up, false },
        { "not the KDC", ECA_KRB5_STEP_EVIDENCE, 0, nothing_set_up, false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_krb5_refusal refusal = { rows[i].step, rows[i].code };
        struct eca_refusal_facts facts = healthy();
        enum eca_reason reason = ECA_REASON_GRANTED;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        rows[i].change(&facts);
        assert_int_equal(eca_refusal_cause_is_hidden(&refusal), rows[i].hidden);
        assert_false(eca_refusal_cause_find(&refusal, &facts, &reason, &err));
        assert_int_equal(reason, ECA_REASON_GRANTED);
        assert_string_equal(err.text, "");
    }
}

static void test_find_whole_sentences(void **state)
{
    static const struct {
        const char *why;
        void (*change)(struct eca_refusal_facts *facts);
        const char *sentence;
    } rows[] = {
        { "one cause, and the KDC's words", not_listed,
          "S4U2Proxy: svc-eas has other SPNs in msDS-AllowedToDelegateTo: add HTTP/exch.example.test "
          "(KDC can't fulfill requested option)" },
        { "an empty list is told as nothing else", list_empty,
          "S4U2Proxy: svc-eas has an empty msDS-AllowedToDelegateTo: add HTTP/exch.example.test "
          "(KDC can't fulfill requested option)" },
    };
    static const struct eca_krb5_refusal refusal = { PROXY, KRB5KDC_ERR_BADOPTION };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_refusal_facts facts = healthy();
        enum eca_reason reason = ECA_REASON_GRANTED;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        rows[i].change(&facts);
        assert_true(eca_refusal_cause_find(&refusal, &facts, &reason, &err));
        assert_string_equal(err.text, rows[i].sentence);
    }
}

/* Zeroes look like an account that may do nothing. */
static void test_find_what_was_not_found_explains_nothing(void **state)
{
    static const enum eca_principal_state states[] = { ECA_PRINCIPAL_UNKNOWN, ECA_PRINCIPAL_MISSING };
    static const struct eca_krb5_refusal refusals[] = {
        { SELF, KRB5KDC_ERR_POLICY },      { SELF, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN },
        { PROXY, KRB5KDC_ERR_BADOPTION },  { PROXY_NOT, KRB5KDC_ERR_BADOPTION },
        { PROXY, KRB5KDC_ERR_KEY_EXP },    { PROXY, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN },
        { PROXY, KRB5KDC_ERR_ETYPE_NOSUPP },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(states); i++) {
        const struct eca_refusal_facts facts = {
            .user = { .state = states[i] }, .delegate = { .state = states[i] }, .backend = { .state = states[i] },
            .spn = "HTTP/exch.example.test", .now = NOW,
        };

        for (size_t n = 0; n < COUNT(refusals); n++) {
            enum eca_reason reason = ECA_REASON_GRANTED;
            struct eca_error err = { .text = "" };

            assert_false(eca_refusal_cause_find(&refusals[n], &facts, &reason, &err));
            assert_string_equal(err.text, "");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_each_cause_gives_reason_object_and_setting),
        cmocka_unit_test(test_find_whole_sentences),
        cmocka_unit_test(test_find_without_a_cause_writes_nothing),
        cmocka_unit_test(test_find_what_was_not_found_explains_nothing),
    };
    krb5_context context = NULL;

    setenv("KRB5_CONFIG", "/dev/null", 1);
    assert_int_equal(krb5_init_context(&context), 0); /* loads the words */
    krb5_free_context(context);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
