/* SPDX-License-Identifier: Apache-2.0 */
#include "reason.h"

#include "rows.h"

#include <string.h>

/* Restated from the table of outcomes in the documentation: configurations and log searches rely on it. */
static const struct {
    enum eca_reason reason;
    const char *name;
    int status;
    enum eca_reason_class class;
} rows[] = {
    { ECA_REASON_GRANTED, "granted", 200, ECA_CLASS_GRANTED },
    { ECA_REASON_CREDENTIALS_REQUIRED, "credentials-required", 401, ECA_CLASS_ABSENT },
    { ECA_REASON_CERTIFICATE_REQUIRED, "certificate-required", 403, ECA_CLASS_ABSENT },
    { ECA_REASON_CERTIFICATE_MALFORMED, "certificate-malformed", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_CERTIFICATE_UNTRUSTED, "certificate-untrusted", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_CERTIFICATE_PURPOSE, "certificate-purpose", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_CERTIFICATE_EXPIRED, "certificate-expired", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_CERTIFICATE_NOT_YET_VALID, "certificate-not-yet-valid", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_CERTIFICATE_REVOKED, "certificate-revoked", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_REVOCATION_UNAVAILABLE, "revocation-unavailable", 503, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_ACCOUNT_NOT_FOUND, "account-not-found", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_ACCOUNT_AMBIGUOUS, "account-ambiguous", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_MAPPING_WEAK, "mapping-weak", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_MAPPING_PREDATES_ACCOUNT, "mapping-predates-account", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_SID_MISMATCH, "sid-mismatch", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_ACCOUNT_DISABLED, "account-disabled", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_ACCOUNT_EXPIRED, "account-expired", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_ACCOUNT_LOCKED, "account-locked", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_ACCOUNT_INCOMPLETE, "account-incomplete", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_DIRECTORY_UNAVAILABLE, "directory-unavailable", 503, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_USER_MISMATCH, "user-mismatch", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_PASSWORD_REQUIRED, "password-required", 401, ECA_CLASS_ABSENT },
    { ECA_REASON_PASSWORD_REJECTED, "password-rejected", 401, ECA_CLASS_REJECTED },
    { ECA_REASON_NOT_AUTHORIZED, "not-authorized", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_DELEGATED_IDENTITY_MISMATCH, "delegated-identity-mismatch", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_DELEGATION_NOT_ALLOWED, "delegation-not-allowed", 403, ECA_CLASS_REJECTED },
    { ECA_REASON_KDC_UNAVAILABLE, "kdc-unavailable", 503, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_DELEGATION_MISCONFIGURED, "delegation-misconfigured", 503, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_BACKEND_REJECTED_TICKET, "backend-rejected-ticket", 502, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_BACKEND_UNVERIFIED, "backend-unverified", 502, ECA_CLASS_UNAVAILABLE },
    { ECA_REASON_INTERNAL_ERROR, "internal-error", 500, ECA_CLASS_INTERNAL },
};

static void test_describe_known_reasons_keep_name_status_and_class(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_reason_row *row = eca_reason_describe(rows[i].reason);

        print_message("  %s\n", rows[i].name);
        assert_string_equal(row->name, rows[i].name);
        assert_int_equal(row->status, rows[i].status);
        assert_int_equal(row->class, rows[i].class);
    }
}

/* Holds for rows that later issues add, too. */
static void test_describe_every_reason_is_complete_and_unique(void **state)
{
    (void)state;

    for (unsigned i = 0; i < eca_reason_count(); i++) {
        const struct eca_reason_row *row = eca_reason_describe((enum eca_reason)i);
        const size_t length = strlen(row->sentence);

        print_message("  %s\n", row->name);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
        assert_int_equal(strspn(row->iis, "0123456789.-"), strlen(row->iis));
        assert_int_equal(strlen(row->message), strlen("ECA0000"));
        assert_memory_equal(row->message, "ECA", 3);
        assert_int_equal(strspn(row->message + 3, "0123456789"), 4);
        assert_true(length > 0 && row->sentence[length - 1] == '.');
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(row->name, eca_reason_describe((enum eca_reason)j)->name);
            assert_string_not_equal(row->message, eca_reason_describe((enum eca_reason)j)->message);
        }
    }
}

/* A phone must never read an outage as a wrong password. */
static void test_describe_classes_decide_the_range_of_the_status(void **state)
{
    (void)state;

    for (unsigned i = 0; i < eca_reason_count(); i++) {
        const struct eca_reason_row *row = eca_reason_describe((enum eca_reason)i);

        print_message("  %s\n", row->name);
        switch (row->class) {
        case ECA_CLASS_GRANTED:
            assert_int_equal(i, ECA_REASON_GRANTED);
            break;
        case ECA_CLASS_ABSENT:
        case ECA_CLASS_REJECTED:
            assert_true(row->status == 401 || row->status == 403);
            break;
        case ECA_CLASS_UNAVAILABLE:
            assert_true(row->status == 502 || row->status == 503);
            break;
        case ECA_CLASS_INTERNAL:
            assert_int_equal(row->status, 500);
            break;
        }
    }
}

static void test_describe_number_that_is_no_reason_is_a_defect(void **state)
{
    (void)state;

    assert_string_equal(eca_reason_describe((enum eca_reason)eca_reason_count())->name, "internal-error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe_known_reasons_keep_name_status_and_class),
        cmocka_unit_test(test_describe_every_reason_is_complete_and_unique),
        cmocka_unit_test(test_describe_classes_decide_the_range_of_the_status),
        cmocka_unit_test(test_describe_number_that_is_no_reason_is_a_defect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
