/* SPDX-License-Identifier: Apache-2.0 */
#include "account_file_parse.h"

#include "rows.h"

#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

#define SID "S-1-5-21-1-2-3-1001"
#define DIGEST "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define ISSUER "<I>DC=test,CN=CA"

static const char good[] = "\xef\xbb\xbf# a comment\r\n"
                           "domain = Example.TEST\r\n"
                           "\tnetbios=EXAMPLE  \n"
                           "created = 2020-02-29\n"
                           "\n"
                           "; alice has everything\n"
                           "[ alice ]\n"
                           "upn = Alice.Smith@mail.test\n"
                           "mail = alice@example.test\n"
                           "sid = " SID "\n"
                           "map = X509:" ISSUER "<SR>1200\n"
                           "map = X509:<SKI>0a0b\n"
                           "certificate = " DIGEST "\n"
                           "attribute.department = Sales # 1 = 2\n"
                           "attribute.other = x\n"
                           "[bob]\n"
                           "created = 1970-01-01\n"
                           "expires = 2000-03-01\n"
                           "mail = alice@example.test\n"
                           "map = X509:" ISSUER "<S>O=E,CN=bob\n"
                           "[carol]\n"
                           "disabled = YES\n"
                           "match = " ISSUER "<S>O=E,*\n"
                           "[dave]\n"
                           "disabled = no\n"
                           "match = " ISSUER "<S>O=E,CN=d*\n";

static struct eca_account_file *parse(const char *text)
{
    struct eca_error err = { .text = "" };
    struct eca_account_file *file = eca_account_file_parse(eca_slice_from_text(text), "Department", &err);

    if (file == NULL)
        print_message("  %s\n", err.text);
    return file;
}

/* Names of the accounts found by one key, in the order of the alphabet, joined by a space. */
static const char *found_by(const struct eca_account_file *file, enum eca_mapping_kind kind, struct eca_slice value)
{
    static struct eca_mapping_keys keys;
    static struct eca_candidates candidates;
    static char names[512];
    static const char *const order[] = { "alice", "bob", "carol", "dave" };

    keys.keys[0] = (struct eca_mapping_key){ .kind = kind, .configured = true, .value = value };
    keys.count = 1;
    eca_account_file_find_by_keys(file, &keys, &candidates);
    assert_false(candidates.truncated);
    names[0] = '\0';
    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t j = 0; j < candidates.count; j++) {
            assert_int_equal(candidates.items[j].matched, 1);
            if (strcmp(candidates.items[j].account.sam_account_name, order[i]) == 0) {
                strcat(names, names[0] == '\0' ? "" : " ");
                strcat(names, order[i]);
            }
        }
    }
    return names;
}

static void test_find_by_keys_every_kind_finds_its_account(void **state)
{
    static const uint8_t sid[] = { 1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0,
                                   0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 233, 3, 0, 0 };
    static const uint8_t digest[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                      16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
    static const struct {
        const char *why;
        enum eca_mapping_kind kind;
        struct eca_slice value;
        const char *names;
    } rows[] = {
        { "the SID", ECA_MAPPING_SID, { sid, sizeof sid }, "alice" },
        { "the SID of an accepted URI", ECA_MAPPING_SID_URI, { sid, sizeof sid }, "alice" },
        { "a part of the SID", ECA_MAPPING_SID, { sid, sizeof sid - 4 }, "" },
        { "the certificate", ECA_MAPPING_CERTIFICATE, { digest, sizeof digest }, "alice" },
        { "a digest is not folded", ECA_MAPPING_CERTIFICATE, { sid, sizeof sid }, "" },
        { "issuer and serial", ECA_MAPPING_ISSUER_SERIAL, SLICE("X509:" ISSUER "<SR>1200"), "alice" },
        { "without case", ECA_MAPPING_ISSUER_SERIAL, SLICE("x509:<i>dc=TEST,cn=ca<sr>1200"), "alice" },
        { "another serial", ECA_MAPPING_ISSUER_SERIAL, SLICE("X509:" ISSUER "<SR>1201"), "" },
        { "the key identifier", ECA_MAPPING_SKI, SLICE("X509:<SKI>0A0B"), "alice" },
        { "the UPN", ECA_MAPPING_UPN, SLICE("alice.smith@MAIL.test"), "alice" },
        { "the implicit UPN", ECA_MAPPING_UPN, SLICE("bob@example.test"), "bob" },
        { "another domain's", ECA_MAPPING_UPN, SLICE("bob@mail.test"), "" },
        { "an address two accounts have", ECA_MAPPING_EMAIL, SLICE("ALICE@example.test"), "alice bob" },
        { "the CN", ECA_MAPPING_CN, SLICE("Bob"), "bob" },
        { "a CN is no UPN", ECA_MAPPING_CN, SLICE("alice@example.test"), "" },
        { "one-to-one before many-to-one", ECA_MAPPING_ISSUER_SUBJECT, SLICE("X509:" ISSUER "<S>O=E,CN=bob"), "bob" },
        { "many-to-one", ECA_MAPPING_ISSUER_SUBJECT, SLICE("X509:" ISSUER "<S>O=E,OU=x,CN=bob"), "carol" },
        { "two patterns that fit", ECA_MAPPING_ISSUER_SUBJECT, SLICE("X509:" ISSUER "<S>O=E,CN=dora"), "carol dave" },
        { "a pattern of another issuer", ECA_MAPPING_ISSUER_SUBJECT, SLICE("X509:<I>CN=x<S>O=E,CN=dora"), "" },
        { "a subject alone fits no pattern", ECA_MAPPING_SUBJECT, SLICE("X509:<S>O=E,CN=dora"), "" },
        { "a value of the right text and the wrong kind", ECA_MAPPING_CN, SLICE("X509:<SKI>0A0B"), "" },
    };
    struct eca_account_file *file = parse(good);
    (void)state;

    assert_non_null(file);
    assert_int_equal(eca_account_file_count(file), 4);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_string_equal(found_by(file, rows[i].kind, rows[i].value), rows[i].names);
    }
    eca_account_file_close(file);
}

static void test_find_by_keys_several_keys_are_bits_of_one_candidate(void **state)
{
    static struct eca_mapping_keys keys = {
        .keys = { { .kind = ECA_MAPPING_SKI, .value = SLICE("X509:<SKI>0a0b") },
                  { .kind = ECA_MAPPING_CN, .value = SLICE("nobody") },
                  { .kind = ECA_MAPPING_CN, .value = SLICE("alice") } },
        .count = 3,
    };
    static struct eca_candidates out;
    struct eca_account_file *file = parse(good);
    (void)state;

    assert_non_null(file);
    eca_account_file_find_by_keys(file, &keys, &out);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.items[0].matched, 5);
    eca_account_file_close(file);
}

static void test_find_by_keys_a_crowd_is_truncated(void **state)
{
    static struct eca_mapping_keys keys = {
        .keys = { { .kind = ECA_MAPPING_EMAIL, .value = SLICE("a@b") } },
        .count = 1,
    };
    static struct eca_candidates out;
    char text[512] = "";
    struct eca_account_file *file;
    (void)state;

    for (char name = 'a'; name <= 'h'; name++)
        sprintf(text + strlen(text), "[%c]\nmail = a@b\n", name);
    file = parse(text);
    eca_account_file_find_by_keys(file, &keys, &out);
    assert_int_equal(out.count, ECA_MAPPING_CANDIDATES_MAX);
    assert_false(out.truncated);
    eca_account_file_close(file);

    strcat(text, "[i]\nmail = a@b\n");
    file = parse(text);
    eca_account_file_find_by_keys(file, &keys, &out);
    assert_true(out.truncated);
    eca_account_file_close(file);
}

static bool login(const struct eca_account_file *file, const char *text, struct eca_account *out)
{
    struct eca_login_name name;

    assert_true(eca_login_name_parse(&name, eca_slice_from_text(text)));
    return eca_account_file_find_by_login(file, &name, out);
}

static void test_find_by_login_account_has_what_the_file_says(void **state)
{
    struct eca_account_file *file = parse(good);
    struct eca_account account;
    (void)state;

    assert_non_null(file);
    assert_true(login(file, "ALICE", &account));
    assert_string_equal(account.sam_account_name, "alice");
    assert_string_equal(account.upn, "Alice.Smith@mail.test");
    assert_string_equal(account.mail, "alice@example.test");
    assert_string_equal(account.sid, SID);
    assert_string_equal(account.domain, "example.test");
    assert_string_equal(account.netbios, "EXAMPLE");
    assert_string_equal(account.attribute, "Sales # 1 = 2");
    assert_string_equal(account.dn, "");
    assert_int_equal(account.when_created, 1582934400); /* date -ud 2020-02-29 +%s */
    assert_int_equal(eca_account_judge_state(&account, 0), ECA_ACCOUNT_STATE_ACTIVE);

    assert_true(login(file, "example\\bob", &account));
    assert_int_equal(account.when_created, 0);
    assert_int_equal(eca_account_judge_state(&account, 951868799), ECA_ACCOUNT_STATE_ACTIVE);
    assert_int_equal(eca_account_judge_state(&account, 951868800), ECA_ACCOUNT_STATE_EXPIRED); /* 2000-03-01 */

    assert_true(login(file, "carol@EXAMPLE.test", &account));
    assert_int_equal(eca_account_judge_state(&account, 0), ECA_ACCOUNT_STATE_DISABLED);
    assert_true(login(file, "alice.smith@mail.test", &account));
    assert_string_equal(account.sam_account_name, "alice");
    eca_account_file_close(file);
}

static void test_find_by_login_nobody_or_two_is_nobody(void **state)
{
    struct eca_account_file *file = parse("domain = example.test\n[alice]\n[eve]\nupn = alice@example.test\n"
                                          "[x]\nupn = a@b\n"
                                          "[y]\nupn = A@B\n");
    struct eca_account account;
    (void)state;

    assert_non_null(file);
    assert_false(login(file, "alice@example.test", &account)); /* alice by name, eve by UPN */
    assert_false(login(file, "a@b", &account));
    assert_false(login(file, "nobody", &account));
    assert_false(login(file, "OTHER\\alice", &account));
    assert_true(login(file, "alice", &account));
    eca_account_file_close(file);
}

static void test_parse_anything_else_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        const char *sentence;
    } rows[] = {
        { "a key nobody knows", SLICE("[a]\nmial = a@b\n"), "line 2: \"mial\" is unknown; known are domain" },
        { "no equals sign", SLICE("\n[a]\nupn a@b\n"), "line 3: neither [name] nor key = value" },
        { "a bracket too few", SLICE("[a\n"), "line 1: neither" },
        { "a bracket too few, with an equals sign", SLICE("[a = b\n"), "line 1: neither" },
        { "no value", SLICE("[a]\nupn =\n"), "line 2: no value" },
        { "the same account twice", SLICE("[a]\n[b]\n[A]\n"), "line 3: there is an account [A] already" },
        { "an account without a name", SLICE("[ ]\n"), "line 1: an account's name" },
        { "a UPN as name", SLICE("[a@b]\n"), "line 1: an account's name" },
        { "DOMAIN\\user as name", SLICE("[X\\a]\n"), "line 1: an account's name" },
        { "upn before any account", SLICE("upn = a@b\n"), "line 1: upn belongs to an account" },
        { "an attribute before any account", SLICE("attribute.x = a\n"), "line 1: belongs to an account" },
        { "domain in an account", SLICE("[a]\ndomain = b\n"), "line 2: domain belongs before" },
        { "upn twice", SLICE("[a]\nupn = a@b\nupn = c@d\n"), "line 3: upn stands here for the second time" },
        { "the attribute twice", SLICE("[a]\nattribute.Department = a\nattribute.department = b\n"),
          "line 3: the account" },
        { "no UPN", SLICE("[a]\nupn = a\n"), "line 2: a UPN is" },
        { "no SID", SLICE("[a]\nsid = S-1-5-032\n"), "line 2: not a SID" },
        { "the SID of another", SLICE("[a]\nsid = " SID "\n[b]\nsid = " SID "\n"), "line 4: another account" },
        { "a day that is none", SLICE("[a]\nexpires = 2026-02-29\n"), "line 2: not a date" },
        { "month 13", SLICE("[a]\nexpires = 2026-13-01\n"), "line 2: not a date" },
        { "month 0", SLICE("[a]\nexpires = 2026-00-01\n"), "line 2: not a date" },
        { "1900 was no leap year, and is too early", SLICE("[a]\ncreated = 1900-02-29\n"), "line 2: not a date" },
        { "2100 will be none", SLICE("[a]\ncreated = 2100-02-29\n"), "line 2: not a date" },
        { "a date with a time", SLICE("[a]\nexpires = 2026-01-01T00\n"), "line 2: not a date" },
        { "disabled, perhaps", SLICE("[a]\ndisabled = 1\n"), "line 2: write disabled = yes" },
        { "an issuer alone: every certificate", SLICE("[a]\nmap = X509:<I>CN=CA\n"), "line 2: no certificate" },
        { "a mapping of no kind", SLICE("[a]\nmap = X509:<Q>1\n"), "line 2: no certificate" },
        { "without its prefix", SLICE("[a]\nmap = <SKI>1\n"), "line 2: no certificate" },
        { "an empty one", SLICE("[a]\nmap = X509:<SKI>\n"), "line 2: no certificate" },
        { "a SHA-1", SLICE("[a]\ncertificate = 0001020304050607080900010203040506070809\n"), "line 2: not the 64" },
        { "no digit", SLICE("[a]\ncertificate = " DIGEST "0\n"), "line 2: not the 64" },
        { "with colons", SLICE("[a]\ncertificate = 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:1\n"),
          "line 2: not the 64" },
        { "a pattern for everybody", SLICE("[a]\nmatch = <I>CN=CA<S>*\n"), "line 2: the subject names nobody" },
        { "a NUL in a value", SLICE("[a]\nupn = a@b\0c\n"), "line 2: control characters" },
        { "a NUL in a name", SLICE("[a\0b]\n"), "line 1: control characters" },
        { "a NUL in a key", SLICE("[a]\nu\0pn = a@b\n"), "line 2: control characters" },
        { "Latin-1", SLICE("[j\xfcrgen]\n"), "line 1: control characters" },
        { "a tab in a value", SLICE("[a]\nmail = a\tb\n"), "line 2: control characters" },
        { "a file that was cut", SLICE("[a]\nupn = a@b"), "line 2: the file ends within" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_null(eca_account_file_parse(rows[i].text, "department", &err));
        assert_ptr_equal(strstr(err.text, rows[i].sentence), err.text);
    }
}

static void test_parse_lengths_are_bounded(void **state)
{
    static const struct {
        const char *key;
        size_t longest;
    } rows[] = {
        { "upn", ECA_ACCOUNT_UPN_MAX - 1 },
        { "mail", ECA_ACCOUNT_MAIL_MAX - 1 },
        { "attribute.department", ECA_ACCOUNT_ATTRIBUTE_MAX - 1 },
    };
    char text[16384];
    struct eca_error err;
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t more = 0; more < 2; more++) {
            struct eca_account_file *file;
            const int begun = snprintf(text, sizeof text, "[a]\n%s = @", rows[i].key);

            memset(text + begun, 'x', rows[i].longest - 1 + more);
            strcpy(text + begun + rows[i].longest - 1 + more, "\n");
            err.text[0] = '\0';
            file = eca_account_file_parse(eca_slice_from_text(text), "department", &err);
            assert_int_equal(file != NULL, more == 0);
            eca_account_file_close(file);
        }
    }
    memset(text, '#', 8193);
    text[8193] = '\n';
    assert_null(eca_account_file_parse((struct eca_slice){ (uint8_t *)text, 8194 }, NULL, &err));
    eca_account_file_close(eca_account_file_parse((struct eca_slice){ (uint8_t *)text + 1, 8193 }, NULL, &err));
}

static void test_parse_a_hundred_thousand_accounts_and_no_more(void **state)
{
    const size_t most = ECA_ACCOUNT_FILE_ACCOUNTS_MAX;
    char *text = malloc(40 * (most + 1)), *at = text;
    struct eca_error err = { .text = "" };
    struct eca_account_file *file;
    (void)state;

    for (size_t i = 0; i < most; i++)
        at += sprintf(at, "[user%zu]\nmap = X509:<SKI>%zu\n", i, i);
    file = parse(text);
    assert_non_null(file);
    assert_int_equal(eca_account_file_count(file), most);
    eca_account_file_close(file);
    strcpy(at, "[one more]\n");
    assert_null(eca_account_file_parse(eca_slice_from_text(text), NULL, &err));
    assert_non_null(strstr(err.text, "more than 100000 accounts"));
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    return apr_initialize() == APR_SUCCESS ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_by_keys_every_kind_finds_its_account),
        cmocka_unit_test(test_find_by_keys_several_keys_are_bits_of_one_candidate),
        cmocka_unit_test(test_find_by_keys_a_crowd_is_truncated),
        cmocka_unit_test(test_find_by_login_account_has_what_the_file_says),
        cmocka_unit_test(test_find_by_login_nobody_or_two_is_nobody),
        cmocka_unit_test(test_parse_anything_else_is_refused_with_its_line),
        cmocka_unit_test(test_parse_lengths_are_bounded),
        cmocka_unit_test(test_parse_a_hundred_thousand_accounts_and_no_more),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
