/* SPDX-License-Identifier: Apache-2.0 */
#include "login_name.h"

#include "rows.h"

#include <string.h>

static void test_parse_texts_give_their_parts_or_nothing(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        bool valid;
        struct eca_slice domain, user;
        bool is_upn;
    } rows[] = {
        { "a short name", SLICE("alice"), true, { NULL, 0 }, SLICE("alice"), false },
        { "with its domain", SLICE("EXAMPLE\\alice"), true, SLICE("EXAMPLE"), SLICE("alice"), false },
        { "a UPN", SLICE("alice@example.test"), true, { NULL, 0 }, SLICE("alice@example.test"), true },
        { "a UPN with two: the last divides", SLICE("a@b@c"), true, { NULL, 0 }, SLICE("a@b@c"), true },
        { "an @ behind a backslash makes no UPN", SLICE("EXAMPLE\\alice@x"), true, SLICE("EXAMPLE"),
          SLICE("alice@x"), false },
        { "the first backslash divides", SLICE("A\\b\\c"), true, SLICE("A"), SLICE("b\\c"), false },
        { "UTF-8", SLICE("j\xc3\xbcrgen"), true, { NULL, 0 }, SLICE("j\xc3\xbcrgen"), false },
        { "empty: some phones send it", SLICE(""), false, { NULL, 0 }, { NULL, 0 }, false },
        { "a domain alone", SLICE("EXAMPLE\\"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "no domain before the backslash", SLICE("\\alice"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "no name before the @", SLICE("@example.test"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "nothing behind the @", SLICE("alice@"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "NUL, where Samba would cut", SLICE("alice\0x"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "line feed", SLICE("alice\n"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "DEL", SLICE("\x7f"), false, { NULL, 0 }, { NULL, 0 }, false },
        { "Latin-1", SLICE("j\xfcrgen"), false, { NULL, 0 }, { NULL, 0 }, false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_login_name login;

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_login_name_parse(&login, rows[i].text), rows[i].valid);
        if (!rows[i].valid)
            continue;
        assert_int_equal(login.is_upn, rows[i].is_upn);
        assert_int_equal(login.domain.bytes == NULL, rows[i].domain.bytes == NULL);
        assert_true(eca_slice_equal(login.domain, rows[i].domain));
        assert_true(eca_slice_equal(login.user, rows[i].user));
    }
}

static void test_parse_length_is_bounded_at_1024(void **state)
{
    uint8_t bytes[1025];
    struct eca_login_name login;
    (void)state;

    memset(bytes, 'a', sizeof bytes);
    assert_true(eca_login_name_parse(&login, (struct eca_slice){ bytes, 1024 }));
    assert_false(eca_login_name_parse(&login, (struct eca_slice){ bytes, 1025 }));
}

static void test_means_names_are_compared_as_rule_6_says(void **state)
{
    static const struct eca_account alice = {
        .sam_account_name = "alice", .upn = "a.liddell@corp.test", .domain = "example.test", .netbios = "EXAMPLE",
    };
    static const struct eca_account at = { .sam_account_name = "a@b", .domain = "example.test" };
    static const struct eca_account bare = { .sam_account_name = "bob" };
    static const struct {
        const char *why;
        const struct eca_account *account;
        const char *login;
        bool means;
    } rows[] = {
        { "short name", &alice, "alice", true },
        { "case", &alice, "ALICE", true },
        { "a prefix", &alice, "alic", false },
        { "an accent that AD folds", &alice, "\xc3\xa0lice", false },
        { "NetBIOS domain", &alice, "example\\Alice", true },
        { "DNS domain before the backslash", &alice, "example.test\\alice", true },
        { "another domain", &alice, "OTHER\\alice", false },
        { "the right domain, another name", &alice, "EXAMPLE\\bob", false },
        { "stored UPN", &alice, "A.Liddell@Corp.Test", true },
        { "implicit UPN", &alice, "alice@example.test", true },
        { "the short name under the stored UPN's suffix is nobody's", &alice, "alice@corp.test", false },
        { "the stored UPN's name under the domain is nobody's", &alice, "a.liddell@example.test", false },
        { "a short name with an @: the last one divides", &at, "a@b@example.test", true },
        { "NetBIOS name as suffix", &alice, "alice@EXAMPLE", false },
        { "a UPN behind a backslash is a short name", &alice, "EXAMPLE\\alice@example.test", false },
        { "an account without domain: short name", &bare, "bob", true },
        { "an account without domain: no domain fits", &bare, "EXAMPLE\\bob", false },
        { "an account without domain: no suffix fits", &bare, "bob@example.test", false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_login_name login;

        SAY_WHY(&rows[i]);
        assert_true(eca_login_name_parse(&login, eca_slice_from_text(rows[i].login)));
        assert_int_equal(eca_login_name_means(&login, rows[i].account), rows[i].means);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_texts_give_their_parts_or_nothing),
        cmocka_unit_test(test_parse_length_is_bounded_at_1024),
        cmocka_unit_test(test_means_names_are_compared_as_rule_6_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
