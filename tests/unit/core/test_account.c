/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include "rows.h"

#include <string.h>

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */
#define FILETIME(seconds) (((int64_t)(seconds) + 11644473600) * 10000000)

static void test_judge_state_attributes_give_the_first_that_applies(void **state)
{
    static const struct {
        const char *why;
        uint32_t control, computed;
        int64_t expires;
        enum eca_account_state state;
    } rows[] = {
        { "an ordinary account", 0x200, 0, INT64_MAX, ECA_ACCOUNT_STATE_ACTIVE },
        { "0 means never as well", 0x200, 0, 0, ECA_ACCOUNT_STATE_ACTIVE },
        { "ACCOUNTDISABLE", 0x202, 0, INT64_MAX, ECA_ACCOUNT_STATE_DISABLED },
        { "DONT_EXPIRE_PASSWORD and others do not matter", 0x10200 | 0x40000, 0, 0, ECA_ACCOUNT_STATE_ACTIVE },
        { "one second left", 0x200, 0, FILETIME(NOW + 1), ECA_ACCOUNT_STATE_ACTIVE },
        { "expires now", 0x200, 0, FILETIME(NOW), ECA_ACCOUNT_STATE_EXPIRED },
        { "expired long ago", 0x200, 0, 1, ECA_ACCOUNT_STATE_EXPIRED },
        { "a negative time is past", 0x200, 0, -1, ECA_ACCOUNT_STATE_EXPIRED },
        { "the least there is must not overflow", 0x200, 0, INT64_MIN, ECA_ACCOUNT_STATE_EXPIRED },
        { "computed lockout", 0x200, 0x10, 0, ECA_ACCOUNT_STATE_LOCKED },
        { "lockout in the stored attribute is never set by AD and means nothing", 0x210, 0, 0,
          ECA_ACCOUNT_STATE_ACTIVE },
        { "an expired password does not stop a certificate", 0x200, 0x800000, 0, ECA_ACCOUNT_STATE_ACTIVE },
        { "disabled before expired before locked", 0x202, 0x10, 1, ECA_ACCOUNT_STATE_DISABLED },
        { "expired before locked", 0x200, 0x10, 1, ECA_ACCOUNT_STATE_EXPIRED },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_account account = {
            .user_account_control = rows[i].control,
            .user_account_control_computed = rows[i].computed,
            .account_expires = rows[i].expires,
        };
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_account_judge_state(&account, NOW), rows[i].state);
    }
}

/* Every member another value, and all of the room behind the texts filled. */
static struct eca_account full_account(void)
{
    struct eca_account account;

    memset(&account, 'x', sizeof account);
    memcpy(account.dn, "CN=a", sizeof "CN=a");
    memcpy(account.sid, "S-1-5-1", sizeof "S-1-5-1");
    memcpy(account.sam_account_name, "b", sizeof "b");
    memcpy(account.upn, "c@d", sizeof "c@d");
    memcpy(account.mail, "e@f", sizeof "e@f");
    memcpy(account.domain, "g", sizeof "g");
    memcpy(account.netbios, "H", sizeof "H");
    memset(account.attribute, 'i', sizeof account.attribute);
    account.attribute[sizeof account.attribute - 1] = '\0'; /* as long as it can be */
    account.user_account_control = 1;
    account.user_account_control_computed = 2;
    account.account_expires = 3;
    account.when_created = 4;
    return account;
}

static void check_equal(const struct eca_account *a, const struct eca_account *b)
{
    assert_string_equal(a->dn, b->dn);
    assert_string_equal(a->sid, b->sid);
    assert_string_equal(a->sam_account_name, b->sam_account_name);
    assert_string_equal(a->upn, b->upn);
    assert_string_equal(a->mail, b->mail);
    assert_string_equal(a->domain, b->domain);
    assert_string_equal(a->netbios, b->netbios);
    assert_string_equal(a->attribute, b->attribute);
    assert_int_equal(a->user_account_control, b->user_account_control);
    assert_int_equal(a->user_account_control_computed, b->user_account_control_computed);
    assert_int_equal(a->account_expires, b->account_expires);
    assert_int_equal(a->when_created, b->when_created);
}

static void test_copy_takes_every_member_and_nothing_behind_a_text(void **state)
{
    const struct eca_account account = full_account();
    struct eca_account copy;
    (void)state;

    memset(&copy, 'y', sizeof copy);
    eca_account_copy(&copy, &account);
    check_equal(&copy, &account);
    assert_int_equal(copy.dn[sizeof "CN=a"], 'y');
}

static void test_clear_leaves_no_member(void **state)
{
    static const struct eca_account none;
    struct eca_account account = full_account();
    (void)state;

    eca_account_clear(&account);
    check_equal(&account, &none);
}

static void test_is_same_sid_decides_and_name_only_without_any(void **state)
{
    static const struct {
        struct eca_account a, b;
        bool same;
    } rows[] = {
        { { .sid = "S-1-5-1", .sam_account_name = "a" }, { .sid = "S-1-5-1", .sam_account_name = "b" }, true },
        { { .sid = "S-1-5-1", .sam_account_name = "a" }, { .sid = "S-1-5-2", .sam_account_name = "a" }, false },
        { { .sid = "S-1-5-1", .sam_account_name = "a" }, { .sam_account_name = "a" }, false },
        { { .sam_account_name = "a" }, { .sam_account_name = "A" }, true },
        { { .sam_account_name = "a" }, { .sam_account_name = "b" }, false },
        { { .sid = "" }, { .sid = "" }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(eca_account_is_same(&rows[i].a, &rows[i].b), rows[i].same);
        assert_int_equal(eca_account_is_same(&rows[i].b, &rows[i].a), rows[i].same);
    }
}

static void test_is_sensitive_only_uf_not_delegated_counts(void **state)
{
    const struct eca_account sensitive = { .user_account_control = 0x100200 };
    const struct eca_account trusted = { .user_account_control = 0x1080200 }; /* the two TRUSTED_… bits next to it */
    (void)state;

    assert_true(eca_account_is_sensitive(&sensitive));
    assert_false(eca_account_is_sensitive(&trusted));
}

static void test_remote_user_forms_need_their_attributes(void **state)
{
    static const struct eca_account full = {
        .sam_account_name = "alice", .upn = "alice@corp.test", .mail = "a.liddell@mail.test",
        .domain = "example.test", .netbios = "EXAMPLE", .attribute = "4711",
    };
    static const struct eca_account no_upn = { .sam_account_name = "alice", .domain = "example.test" };
    static const struct eca_account no_domain = { .sam_account_name = "alice" };
    static const struct eca_account no_name = { .domain = "example.test", .netbios = "EXAMPLE" };
    static const struct {
        const char *why;
        const struct eca_account *account;
        enum eca_remote_user form;
        const char *name; /* NULL: refused */
        const char *missing;
    } rows[] = {
        { "as stored", &full, ECA_REMOTE_USER_UPN, "alice@corp.test", "" },
        { "implicit UPN", &no_upn, ECA_REMOTE_USER_UPN, "alice@example.test", "" },
        { "no domain to make one of", &no_domain, ECA_REMOTE_USER_UPN, NULL, "userPrincipalName" },
        { "no name to make one of", &no_name, ECA_REMOTE_USER_UPN, NULL, "userPrincipalName" },
        { "short name", &full, ECA_REMOTE_USER_SAM_ACCOUNT_NAME, "alice", "" },
        { "no short name", &no_name, ECA_REMOTE_USER_SAM_ACCOUNT_NAME, NULL, "sAMAccountName" },
        { "NetBIOS", &full, ECA_REMOTE_USER_NETBIOS, "EXAMPLE\\alice", "" },
        { "domain's NetBIOS name unknown", &no_upn, ECA_REMOTE_USER_NETBIOS, NULL, "NetBIOS" },
        { "no short name behind it", &no_name, ECA_REMOTE_USER_NETBIOS, NULL, "sAMAccountName" },
        { "mail", &full, ECA_REMOTE_USER_MAIL, "a.liddell@mail.test", "" },
        { "no mailbox", &no_upn, ECA_REMOTE_USER_MAIL, NULL, "mail" },
        { "any attribute", &full, ECA_REMOTE_USER_ATTRIBUTE, "4711", "" },
        { "not set", &no_upn, ECA_REMOTE_USER_ATTRIBUTE, NULL, "EASRemoteUser" },
        { "a form that is none", &full, (enum eca_remote_user)99, NULL, "form" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[ECA_REMOTE_USER_MAX];
        struct eca_strbuf out;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        assert_int_equal(eca_account_remote_user(&out, rows[i].account, rows[i].form, &err), rows[i].name != NULL);
        if (rows[i].name != NULL)
            assert_string_equal(memory, rows[i].name);
        assert_non_null(strstr(err.text, rows[i].missing));
        assert_int_equal(err.text[0] == '\0', rows[i].name != NULL);
    }
}

static void test_remote_user_longest_values_fit_and_less_room_is_refused(void **state)
{
    static struct eca_account account;
    char memory[ECA_REMOTE_USER_MAX];
    struct eca_strbuf out;
    struct eca_error err = { .text = "" };
    (void)state;

    memset(account.upn, 'u', sizeof account.upn - 1);
    memset(account.sam_account_name, 's', sizeof account.sam_account_name - 1);
    memset(account.domain, 'd', sizeof account.domain - 1);
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_true(eca_account_remote_user(&out, &account, ECA_REMOTE_USER_UPN, &err));
    eca_strbuf_init(&out, memory, 1024);
    assert_false(eca_account_remote_user(&out, &account, ECA_REMOTE_USER_UPN, &err));
    account.upn[0] = '\0';
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_true(eca_account_remote_user(&out, &account, ECA_REMOTE_USER_UPN, &err));
}

static void test_domain_from_dn_only_components_at_the_end_count(void **state)
{
    static const struct {
        const char *why;
        const char *dn;
        const char *domain; /* NULL: none */
    } rows[] = {
        { "an account", "CN=Alice,CN=Users,DC=example,DC=test", "example.test" },
        { "case", "cn=Alice,dc=Example,Dc=TEST", "example.test" },
        { "one label", "CN=x,DC=local", "local" },
        { "the domain itself", "DC=ad,DC=example,DC=test", "ad.example.test" },
        { "spaces behind the commas", "CN=Alice, DC=example, DC=test", "example.test" },
        { "escaped comma in the name", "CN=Alice\\, DC=evil,DC=example,DC=test", "example.test" },
        { "escaped backslash, then a real comma", "CN=a\\\\,DC=example,DC=test", "example.test" },
        { "escaped by hexadecimal", "CN=a\\2CDC=evil,DC=example,DC=test", "example.test" },
        { "a DC component that is not at the end", "DC=evil,CN=Users,DC=example,DC=test", "example.test" },
        { "none", "CN=Alice,O=Example", NULL },
        { "empty", "", NULL },
        { "empty label", "CN=Alice,DC=,DC=test", NULL },
        { "a label with a dot would be two", "CN=x,DC=a.b,DC=test", NULL },
        { "a label with an escape", "CN=x,DC=a\\2Cb,DC=test", NULL },
        { "a label with a blank behind it", "CN=x,DC=example ,DC=test", NULL },
        { "two attributes in one component", "CN=x,DC=a+CN=b,DC=test", NULL },
        { "a backslash at the very end", "CN=x,DC=test\\", NULL },
        { "a backslash at the very end of a name", "CN=x\\", NULL },
        { "a type that only begins so", "CN=x,DCX=test", NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[64];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        assert_int_equal(eca_account_domain_from_dn(&out, rows[i].dn), rows[i].domain != NULL);
        assert_string_equal(memory, rows[i].domain == NULL ? "" : rows[i].domain);
    }
}

static void test_domain_from_dn_too_long_is_none(void **state)
{
    char memory[12];
    struct eca_strbuf out;
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    assert_false(eca_account_domain_from_dn(&out, "DC=example,DC=test"));
    assert_string_equal(memory, "");
}

static void test_texts_begin_with_dn_sid_and_upn(void **state)
{
    (void)state;

    assert_int_equal(eca_account_texts[0], offsetof(struct eca_account, dn));
    assert_int_equal(eca_account_texts[1], offsetof(struct eca_account, sid));
    assert_int_equal(eca_account_texts[2], offsetof(struct eca_account, upn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_begin_with_dn_sid_and_upn),
        cmocka_unit_test(test_judge_state_attributes_give_the_first_that_applies),
        cmocka_unit_test(test_copy_takes_every_member_and_nothing_behind_a_text),
        cmocka_unit_test(test_clear_leaves_no_member),
        cmocka_unit_test(test_is_same_sid_decides_and_name_only_without_any),
        cmocka_unit_test(test_is_sensitive_only_uf_not_delegated_counts),
        cmocka_unit_test(test_remote_user_forms_need_their_attributes),
        cmocka_unit_test(test_remote_user_longest_values_fit_and_less_room_is_refused),
        cmocka_unit_test(test_domain_from_dn_only_components_at_the_end_count),
        cmocka_unit_test(test_domain_from_dn_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
