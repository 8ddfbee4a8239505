/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include "rows.h"

/* Sets of enum values, written as bits. */
#define IS(value) (1u << (value))
#define ANY (~0u)
#define POLICY(name) IS(ECA_AUTHENTICATE_##name)
#define CERTIFICATE(name) IS(ECA_CERTIFICATE_##name)
#define ACCOUNT(name) IS(ECA_ACCOUNT_##name)
#define PASSWORD(name) IS(ECA_PASSWORD_##name)

/* The last value of each enum: a new one must make the sweep longer. */
#define POLICIES (ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC + 1)
#define CERTIFICATES (ECA_CERTIFICATE_GOOD + 1)
#define ACCOUNTS (ECA_ACCOUNT_DIRECTORY_FAILED + 1)
#define PASSWORDS (ECA_PASSWORD_DIRECTORY_FAILED + 1)

#define CERTIFICATE_POLICIES (POLICY(CERTIFICATE) | POLICY(CERTIFICATE_OR_BASIC) | POLICY(CERTIFICATE_AND_BASIC))

/*
 * The rules as an administrator would say them, first row that fits wins. The words come
 * from the tables of outcomes and of EASAuthenticate, not from the code: where that
 * walks from policy to certificate to account, this lists sentences.
 */
static const struct sentence {
    const char *why;
    unsigned policies, certificates, accounts, passwords;
    enum eca_reason reason;
} oracle[] = {
    { "a refused certificate stays refused, whatever password comes with it", CERTIFICATE_POLICIES,
      CERTIFICATE(MALFORMED), ANY, ANY, ECA_REASON_CERTIFICATE_MALFORMED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(UNTRUSTED), ANY, ANY, ECA_REASON_CERTIFICATE_UNTRUSTED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(PURPOSE), ANY, ANY, ECA_REASON_CERTIFICATE_PURPOSE },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(EXPIRED), ANY, ANY, ECA_REASON_CERTIFICATE_EXPIRED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(NOT_YET_VALID), ANY, ANY,
      ECA_REASON_CERTIFICATE_NOT_YET_VALID },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(REVOKED), ANY, ANY, ECA_REASON_CERTIFICATE_REVOKED },
    { "nobody could say whether it is revoked: an outage, whatever else came", CERTIFICATE_POLICIES,
      CERTIFICATE(REVOCATION_UNKNOWN), ANY, ANY, ECA_REASON_REVOCATION_UNAVAILABLE },
    { "where a password alone cannot do, a certificate is required", POLICY(CERTIFICATE)
      | POLICY(CERTIFICATE_AND_BASIC), CERTIFICATE(ABSENT), ANY, ANY, ECA_REASON_CERTIFICATE_REQUIRED },
    { "a good certificate that nobody looked up is a defect", CERTIFICATE_POLICIES, CERTIFICATE(GOOD),
      ACCOUNT(NOT_ASKED), ANY, ECA_REASON_INTERNAL_ERROR },
    { "the directory contradicts itself: no outage", CERTIFICATE_POLICIES, CERTIFICATE(GOOD),
      ACCOUNT(DIRECTORY_FAILED), ANY, ECA_REASON_INTERNAL_ERROR },
    { "an outage is never a refusal", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(DIRECTORY_UNAVAILABLE), ANY,
      ECA_REASON_DIRECTORY_UNAVAILABLE },
    { "the account's own reason, before any password", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(NOT_FOUND),
      ANY, ECA_REASON_ACCOUNT_NOT_FOUND },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(AMBIGUOUS), ANY, ECA_REASON_ACCOUNT_AMBIGUOUS },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(WEAK), ANY, ECA_REASON_MAPPING_WEAK },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(PREDATED), ANY,
      ECA_REASON_MAPPING_PREDATES_ACCOUNT },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(SID_MISMATCH), ANY, ECA_REASON_SID_MISMATCH },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(DISABLED), ANY, ECA_REASON_ACCOUNT_DISABLED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(EXPIRED), ANY, ECA_REASON_ACCOUNT_EXPIRED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(LOCKED), ANY, ECA_REASON_ACCOUNT_LOCKED },
    { "the same", CERTIFICATE_POLICIES, CERTIFICATE(GOOD), ACCOUNT(INCOMPLETE), ANY, ECA_REASON_ACCOUNT_INCOMPLETE },
    { "a certificate decides over whatever Basic header came along", POLICY(CERTIFICATE)
      | POLICY(CERTIFICATE_OR_BASIC), CERTIFICATE(GOOD), ACCOUNT(USABLE), ANY, ECA_REASON_GRANTED },

    /* From here on a password decides: it is all there is, or it is the second factor. */
    { "both factors good, one account", ANY, ANY, ANY, PASSWORD(ACCEPTED), ECA_REASON_GRANTED },
    { "an empty password is a wrong one", ANY, ANY, ANY, PASSWORD(EMPTY) | PASSWORD(REJECTED),
      ECA_REASON_PASSWORD_REJECTED },
    { "right, but of no use", ANY, ANY, ANY, PASSWORD(INCOMPLETE), ECA_REASON_ACCOUNT_INCOMPLETE },
    { "an outage is never a wrong password", ANY, ANY, ANY, PASSWORD(DIRECTORY_UNAVAILABLE),
      ECA_REASON_DIRECTORY_UNAVAILABLE },
    { "nor is a defect", ANY, ANY, ANY, PASSWORD(DIRECTORY_FAILED), ECA_REASON_INTERNAL_ERROR },
    { "the certificate is good, the second factor missing", POLICY(CERTIFICATE_AND_BASIC), ANY, ANY,
      PASSWORD(ABSENT), ECA_REASON_PASSWORD_REQUIRED },
    { "two factors, two accounts", POLICY(CERTIFICATE_AND_BASIC), ANY, ANY, PASSWORD(OTHER_ACCOUNT),
      ECA_REASON_USER_MISMATCH },
    { "nothing came, and a password would do", ANY, ANY, ANY, PASSWORD(ABSENT), ECA_REASON_CREDENTIALS_REQUIRED },
    { "another account than that of no certificate: a defect", ANY, ANY, ANY, PASSWORD(OTHER_ACCOUNT),
      ECA_REASON_INTERNAL_ERROR },
};

static const struct sentence *consult(const struct eca_access_facts *facts)
{
    for (size_t i = 0; i < COUNT(oracle); i++) {
        if ((oracle[i].policies & IS(facts->policy)) != 0 && (oracle[i].certificates & IS(facts->certificate)) != 0
            && (oracle[i].accounts & IS(facts->account)) != 0 && (oracle[i].passwords & IS(facts->password)) != 0)
            return &oracle[i];
    }
    return NULL;
}

/* Calls `check` for every combination there is. */
static void sweep(void (*check)(const struct eca_access_facts *facts))
{
    for (unsigned i = 0; i < POLICIES * CERTIFICATES * ACCOUNTS * PASSWORDS; i++) {
        const struct eca_access_facts facts = {
            .policy = (enum eca_authenticate)(i % POLICIES),
            .certificate = (enum eca_certificate_fact)(i / POLICIES % CERTIFICATES),
            .account = (enum eca_account_fact)(i / POLICIES / CERTIFICATES % ACCOUNTS),
            .password = (enum eca_password_fact)(i / POLICIES / CERTIFICATES / ACCOUNTS),
        };
        check(&facts);
    }
}

static void check_against_oracle(const struct eca_access_facts *facts)
{
    const struct sentence *sentence = consult(facts);
    const enum eca_reason reason = eca_access_decide(facts);

    assert_non_null(sentence);
    if (reason != sentence->reason)
        fail_msg("policy %d certificate %d account %d password %d: %s, expected %s (%s)", facts->policy,
                 facts->certificate, facts->account, facts->password, eca_reason_describe(reason)->name,
                 eca_reason_describe(sentence->reason)->name, sentence->why);
}

static void test_decide_every_combination_has_the_oracles_reason(void **state)
{
    (void)state;
    sweep(check_against_oracle);
}

/* What must hold if nothing else does: who is let in has shown everything the policy names. */
static void check_grant(const struct eca_access_facts *facts)
{
    const bool certificate = facts->certificate == ECA_CERTIFICATE_GOOD && facts->account == ECA_ACCOUNT_USABLE;
    const bool password = facts->password == ECA_PASSWORD_ACCEPTED;

    if (eca_access_decide(facts) != ECA_REASON_GRANTED)
        return;
    if (facts->policy == ECA_AUTHENTICATE_CERTIFICATE)
        assert_true(certificate);
    if (facts->policy == ECA_AUTHENTICATE_BASIC)
        assert_true(password);
    if (facts->policy == ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC)
        assert_true(certificate && password);
    if (facts->policy == ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC)
        assert_true(certificate || (password && facts->certificate == ECA_CERTIFICATE_ABSENT));
}

static void test_decide_granted_needs_all_that_the_policy_names(void **state)
{
    (void)state;
    sweep(check_grant);
}

/* A password nobody has to look at changes nothing, and one that has to be looked at changes something. */
static void check_password_matters(const struct eca_access_facts *facts)
{
    struct eca_access_facts accepted = *facts;
    struct eca_access_facts rejected = *facts;

    accepted.password = ECA_PASSWORD_ACCEPTED;
    rejected.password = ECA_PASSWORD_REJECTED;
    assert_int_equal(eca_access_wants_password(facts),
                     eca_access_decide(&accepted) != eca_access_decide(&rejected));
}

static void test_wants_password_exactly_where_it_changes_the_reason(void **state)
{
    (void)state;
    sweep(check_password_matters);
}

static void check_certificate_matters(const struct eca_access_facts *facts)
{
    struct eca_access_facts expired = *facts;

    expired.certificate = ECA_CERTIFICATE_EXPIRED;
    assert_int_equal(eca_access_wants_certificate(facts->policy),
                     eca_access_decide(&expired) == ECA_REASON_CERTIFICATE_EXPIRED);
}

static void test_wants_certificate_exactly_where_it_changes_the_reason(void **state)
{
    (void)state;
    sweep(check_certificate_matters);
}

static void test_decide_values_that_are_none_are_a_defect(void **state)
{
    static const struct {
        const char *why;
        struct eca_access_facts facts;
    } rows[] = {
        { "policy", { (enum eca_authenticate)POLICIES, ECA_CERTIFICATE_GOOD, ECA_ACCOUNT_USABLE,
                      ECA_PASSWORD_ACCEPTED } },
        { "certificate", { ECA_AUTHENTICATE_CERTIFICATE, (enum eca_certificate_fact)CERTIFICATES, ECA_ACCOUNT_USABLE,
                           ECA_PASSWORD_ACCEPTED } },
        { "account", { ECA_AUTHENTICATE_CERTIFICATE, ECA_CERTIFICATE_GOOD, (enum eca_account_fact)ACCOUNTS,
                       ECA_PASSWORD_ACCEPTED } },
        { "password", { ECA_AUTHENTICATE_BASIC, ECA_CERTIFICATE_ABSENT, ECA_ACCOUNT_NOT_ASKED,
                        (enum eca_password_fact)PASSWORDS } },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_access_decide(&rows[i].facts), ECA_REASON_INTERNAL_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide_every_combination_has_the_oracles_reason),
        cmocka_unit_test(test_decide_granted_needs_all_that_the_policy_names),
        cmocka_unit_test(test_wants_password_exactly_where_it_changes_the_reason),
        cmocka_unit_test(test_wants_certificate_exactly_where_it_changes_the_reason),
        cmocka_unit_test(test_decide_values_that_are_none_are_a_defect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
