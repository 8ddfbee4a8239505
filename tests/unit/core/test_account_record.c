/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are written, and everything a hostile cache can make of them. */
#include "account_record.h"

#include "rows.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SID "S-1-5-21-294026126-3378245018-1203103949-1001"
#define NOW 1700000000

static const uint8_t key[32] = { 1, 2, 3 }, other_key[32] = { 1, 2, 4 };
static const uint8_t secret[32] = "the MAC key of these tests: 32 b", other_secret[32] = "another";
static struct eca_account_seal *seal, *other_seal;

static struct eca_account_record_form form_of(enum eca_remote_user remote)
{
    return (struct eca_account_record_form){ .key = key, .seal = seal, .remote = remote };
}

static struct eca_finding alice(void)
{
    struct eca_finding finding = {
        .fact = ECA_ACCOUNT_USABLE,
        .kind = ECA_MAPPING_SKI,
        .found_at = NOW,
        .account = { .dn = "CN=Alice \xc5\x81,OU=x,DC=example,DC=test",
                     .sid = SID,
                     .sam_account_name = "alice",
                     .upn = "alice@example.org",
                     .mail = "alice@mail.test",
                     .netbios = "EXAMPLE",
                     .attribute = "4711",
                     .user_account_control = 0x80000200,
                     .user_account_control_computed = 0x10,
                     .account_expires = INT64_MAX },
    };
    return finding;
}

static void test_read_gives_what_was_written(void **state)
{
    static const enum eca_remote_user forms[] = { ECA_REMOTE_USER_UPN, ECA_REMOTE_USER_SAM_ACCOUNT_NAME,
                                                  ECA_REMOTE_USER_NETBIOS, ECA_REMOTE_USER_MAIL,
                                                  ECA_REMOTE_USER_ATTRIBUTE };
    (void)state;

    for (size_t i = 0; i < COUNT(forms); i++) {
        const struct eca_account_record_form form = form_of(forms[i]);
        const struct eca_finding finding = alice();
        uint8_t record[ECA_ACCOUNT_RECORD_MAX];
        const size_t length = eca_account_record_write(record, &finding, &form);
        struct eca_finding read;
        char name[ECA_REMOTE_USER_MAX], expected[ECA_REMOTE_USER_MAX];
        struct eca_strbuf text;
        struct eca_error err = { .text = "" };

        assert_true(length > 0);
        assert_true(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, NOW + 5));
        assert_int_equal(read.fact, ECA_ACCOUNT_USABLE);
        assert_int_equal(read.kind, ECA_MAPPING_SKI);
        assert_true(read.found_at == NOW);
        assert_string_equal(read.account.sid, SID);
        assert_string_equal(read.account.sam_account_name, "alice");
        assert_string_equal(read.account.upn, "alice@example.org");
        assert_string_equal(read.account.dn, finding.account.dn);
        assert_string_equal(read.account.domain, "example.test");
        assert_true(read.account.user_account_control == 0x80000200);
        assert_true(read.account.user_account_control_computed == 0x10);
        assert_true(read.account.account_expires == INT64_MAX);
        eca_strbuf_init(&text, name, sizeof name);
        assert_true(eca_account_remote_user(&text, &read.account, forms[i], &err));
        eca_strbuf_init(&text, expected, sizeof expected);
        assert_true(eca_account_remote_user(&text, &finding.account, forms[i], &err));
        assert_string_equal(name, expected);
    }
}

static void test_read_refusals_keep_their_sentence(void **state)
{
    static const enum eca_account_fact facts[] = { ECA_ACCOUNT_NOT_FOUND, ECA_ACCOUNT_AMBIGUOUS, ECA_ACCOUNT_WEAK,
                                                   ECA_ACCOUNT_PREDATED, ECA_ACCOUNT_SID_MISMATCH };
    const struct eca_account_record_form form = form_of(ECA_REMOTE_USER_UPN);
    (void)state;

    for (size_t i = 0; i < COUNT(facts); i++) {
        struct eca_finding finding = { .fact = facts[i], .kind = ECA_MAPPING_UPN, .found_at = NOW }, read;
        uint8_t record[ECA_ACCOUNT_RECORD_MAX];
        size_t length;

        memset(finding.detail.text, 'x', sizeof finding.detail.text - 1);
        length = eca_account_record_write(record, &finding, &form);
        assert_int_equal(length, ECA_ACCOUNT_RECORD_MAX);
        assert_true(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, NOW));
        assert_int_equal(read.fact, facts[i]);
        assert_int_equal(strspn(read.detail.text, "x"), 380);
        assert_string_equal(read.account.sid, "");
    }
}

static void test_write_what_must_not_or_cannot_be_kept_is_nothing(void **state)
{
    const struct eca_account_record_form form = form_of(ECA_REMOTE_USER_UPN);
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
    (void)state;

    for (enum eca_account_fact fact = ECA_ACCOUNT_NOT_ASKED; fact <= ECA_ACCOUNT_DIRECTORY_FAILED; fact++) {
        struct eca_finding finding = alice();
        const bool kept = fact == ECA_ACCOUNT_USABLE
                          || (fact >= ECA_ACCOUNT_NOT_FOUND && fact <= ECA_ACCOUNT_SID_MISMATCH);

        finding.fact = fact;
        assert_int_equal(eca_account_record_write(record, &finding, &form) > 0, kept);
    }
    for (size_t length = 0; length < ECA_ACCOUNT_DN_MAX; length++) {
        struct eca_finding finding = alice();
        const size_t rest = 36 + 32 + 28 + strlen("alice") + strlen("alice@example.org");

        memset(finding.account.dn, 'x', length);
        finding.account.dn[length] = '\0';
        assert_int_equal(eca_account_record_write(record, &finding, &form),
                         rest + length <= ECA_ACCOUNT_RECORD_MAX ? rest + length : 0);
    }
}

static void test_read_any_other_byte_is_no_record(void **state)
{
    const struct eca_account_record_form form = form_of(ECA_REMOTE_USER_UPN);
    const struct eca_finding finding = alice();
    uint8_t record[ECA_ACCOUNT_RECORD_MAX + 1];
    const size_t length = eca_account_record_write(record, &finding, &form);
    struct eca_finding read;
    (void)state;

    for (size_t i = 0; i < length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            record[i] ^= (uint8_t)(1U << bit);
            assert_false(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, NOW));
            record[i] ^= (uint8_t)(1U << bit);
        }
    }
    for (size_t shorter = 0; shorter < length; shorter++)
        assert_false(eca_account_record_read(&read, (struct eca_slice){ record, shorter }, &form, NOW));
    assert_false(eca_account_record_read(&read, (struct eca_slice){ record, length + 1 }, &form, NOW));
    assert_true(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, NOW));
}

static void test_read_bound_to_key_secret_and_time(void **state)
{
    static const struct {
        const char *why;
        const uint8_t *key;
        bool by_another;
        int64_t now;
        bool read;
    } rows[] = {
        { "as it was written", key, false, NOW, true },
        { "moved to another certificate's key", other_key, false, NOW, false },
        { "sealed by somebody else", key, true, NOW, false },
        { "a node whose clock is a minute behind", key, false, NOW - 60, true },
        { "from the future", key, false, NOW - 61, false },
        { "old: its age is the caller's to judge", key, false, NOW + 86400, true },
    };
    const struct eca_account_record_form written = form_of(ECA_REMOTE_USER_UPN);
    const struct eca_finding finding = alice();
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
    const size_t length = eca_account_record_write(record, &finding, &written);
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_account_record_form form = { rows[i].key, rows[i].by_another ? other_seal : seal,
                                                      ECA_REMOTE_USER_UPN };
        struct eca_finding read;

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, rows[i].now),
                         rows[i].read);
    }
}

static void test_read_again_says_the_same_and_looks_at_all_but_the_mac(void **state)
{
    const struct eca_account_record_form form = form_of(ECA_REMOTE_USER_UPN);
    const struct eca_finding finding = alice();
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
    const size_t length = eca_account_record_write(record, &finding, &form);
    struct eca_finding read;
    (void)state;

    memset(&read, 'x', sizeof read);
    assert_true(eca_account_record_read_again(&read, (struct eca_slice){ record, length }, &form, NOW));
    assert_int_equal(read.kind, ECA_MAPPING_SKI);
    assert_string_equal(read.account.sid, SID);
    assert_string_equal(read.account.dn, finding.account.dn);
    assert_string_equal(read.account.mail, "");
    assert_string_equal(read.detail.text, "");
    assert_false(eca_account_record_read_again(&read, (struct eca_slice){ record, length }, &form, NOW - 61));
    for (size_t shorter = 0; shorter < length; shorter++)
        assert_false(eca_account_record_read_again(&read, (struct eca_slice){ record, shorter }, &form, NOW));
}

/* Content that write() never makes, with a right MAC: another version of this module, or a defect of it. */
static void test_read_sealed_nonsense_is_no_record(void **state)
{
    static const struct {
        const char *why;
        size_t at;
        uint8_t byte;
    } rows[] = {
        { "another version", 0, 2 },          { "a fact that is not kept", 1, ECA_ACCOUNT_NOT_ASKED },
        { "no fact", 1, 200 },                { "no kind", 2, ECA_MAPPING_KINDS },
        { "a SID longer than the record", 3, 255 }, { "a SID cut short", 3, 27 },
        { "a moment before 1970", 4, 0x80 },  { "a name longer than the record", 28, 0xff },
        { "a name one byte longer", 29, 6 },  { "a name one byte shorter", 29, 4 },
        { "an attribute nobody asked for", 35, 1 }, { "a NUL in the name", 36 + 28, 0 },
        { "no SID at all in its bytes", 36, 9 },
    };
    const struct eca_account_record_form form = form_of(ECA_REMOTE_USER_UPN);
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_finding finding = alice();
        uint8_t record[ECA_ACCOUNT_RECORD_MAX], message[32 + ECA_ACCOUNT_RECORD_MAX];
        const size_t length = eca_account_record_write(record, &finding, &form);
        struct eca_finding read;

        SAY_WHY(&rows[i]);
        record[rows[i].at] = rows[i].byte;
        memcpy(message, key, 32);
        memcpy(message + 32, record, length - 32);
        assert_non_null(HMAC(EVP_sha256(), secret, 32, message, length, record + length - 32, NULL));
        assert_false(eca_account_record_read(&read, (struct eca_slice){ record, length }, &form, NOW));
    }
}

static int open_seals(void **state)
{
    (void)state;
    seal = eca_account_seal_open(secret);
    other_seal = eca_account_seal_open(other_secret);
    return seal != NULL && other_seal != NULL ? 0 : -1;
}

static int close_seals(void **state)
{
    (void)state;
    eca_account_seal_close(seal);
    eca_account_seal_close(other_seal);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_gives_what_was_written),
        cmocka_unit_test(test_read_refusals_keep_their_sentence),
        cmocka_unit_test(test_write_what_must_not_or_cannot_be_kept_is_nothing),
        cmocka_unit_test(test_read_any_other_byte_is_no_record),
        cmocka_unit_test(test_read_bound_to_key_secret_and_time),
        cmocka_unit_test(test_read_again_says_the_same_and_looks_at_all_but_the_mac),
        cmocka_unit_test(test_read_sealed_nonsense_is_no_record),
    };
    return cmocka_run_group_tests(tests, open_seals, close_seals);
}
