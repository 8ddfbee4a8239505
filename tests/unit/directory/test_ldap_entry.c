/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_entry.h"

#include "make_entry.h"
#include "rows.h"

#include <string.h>

#define ALICE "CN=Alice,CN=Users,DC=Example,DC=test"
#define ALICE_SID "\x01\x05\0\0\0\0\0\x05\x15\0\0\0\x68\x4c\xe3\x1c\x20\xf7\x05\x52\x9c\x30\xc9\x5d\x4f\x04\0\0"

static void make_alice(struct made_entry *made)
{
    const struct eca_slice sid = SLICE(ALICE_SID);

    memset(made, 0, sizeof *made);
    made->entry.dn = ALICE;
    made_entry_add(made, "objectSid", sid);
    made_entry_add_text(made, "sAMAccountName", "alice");
    made_entry_add_text(made, "userPrincipalName", "alice@example.test");
    made_entry_add_text(made, "mail", "alice@example.test");
    made_entry_add_text(made, "userAccountControl", "66048");
    made_entry_add_text(made, "msDS-User-Account-Control-Computed", "16");
    made_entry_add_text(made, "accountExpires", "9223372036854775807");
    made_entry_add_text(made, "whenCreated", "20261122224518.0Z");
}

static void test_account_complete_entry_is_copied(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    (void)state;
    make_alice(&made);
    made_entry_add_text(&made, "telephoneNumber", "4711");

    assert_true(eca_ldap_entry_account(&account, &made.entry, "telephoneNumber", &err));

    assert_string_equal(account.dn, ALICE);
    assert_string_equal(account.sid, "S-1-5-21-484658280-1376122656-1573466268-1103");
    assert_string_equal(account.sam_account_name, "alice");
    assert_string_equal(account.upn, "alice@example.test");
    assert_string_equal(account.mail, "alice@example.test");
    assert_string_equal(account.domain, "example.test");
    assert_string_equal(account.netbios, "");
    assert_string_equal(account.attribute, "4711");
    assert_int_equal(account.user_account_control, 66048);
    assert_int_equal(account.user_account_control_computed, 16);
    assert_int_equal(account.account_expires, INT64_MAX);
    assert_int_equal(account.when_created, 1795387518);
}

static void test_account_names_in_any_case_are_found(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    (void)state;
    make_alice(&made);
    made_entry_rename(&made, "sAMAccountName", "SAMACCOUNTNAME");

    assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
    assert_string_equal(account.sam_account_name, "alice");
}

static void test_account_optional_values_absent_are_empty(void **state)
{
    static const char *const optional[] = { "userPrincipalName", "mail", "whenCreated" };
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    (void)state;
    make_alice(&made);
    for (size_t i = 0; i < COUNT(optional); i++)
        made_entry_clear(&made, optional[i]);

    assert_true(eca_ldap_entry_account(&account, &made.entry, "telephoneNumber", &err));

    assert_string_equal(account.upn, "");
    assert_string_equal(account.mail, "");
    assert_string_equal(account.attribute, "");
    assert_int_equal(account.when_created, 0);
}

static void test_account_unusable_entry_fails_with_its_name_and_attribute(void **state)
{
    static const struct {
        const char *why, *attribute;
        struct eca_slice first, second; /* absent when zeroed */
    } rows[] = {
        { "no SID: nobody can be told apart", "objectSid", { 0 }, { 0 } },
        { "a SID that is none", "objectSid", SLICE("\x01\x05\0\0"), { 0 } },
        { "a SID with a byte too many", "objectSid", SLICE(ALICE_SID "\0"), { 0 } },
        { "two SIDs", "objectSid", SLICE(ALICE_SID), SLICE(ALICE_SID) },
        { "no name", "sAMAccountName", { 0 }, { 0 } },
        { "an empty name", "sAMAccountName", SLICE(""), { 0 } },
        { "a name with a NUL: the rest would be lost", "sAMAccountName", SLICE("alice\0x"), { 0 } },
        { "a name that writes log lines", "sAMAccountName", SLICE("alice\nbob"), { 0 } },
        { "two names", "sAMAccountName", SLICE("alice"), SLICE("bob") },
        { "two UPNs", "userPrincipalName", SLICE("alice@example.test"), SLICE("bob@example.test") },
        { "a UPN with DEL", "userPrincipalName", SLICE("alice\x7f@example.test"), { 0 } },
        { "a mail address with a header", "mail", SLICE("a@b\r\nX-User: root"), { 0 } },
        { "no state: it could be disabled", "userAccountControl", { 0 }, { 0 } },
        { "a state that is no number", "userAccountControl", SLICE("normal"), { 0 } },
        { "a state beyond 32 bits", "userAccountControl", SLICE("4294967296"), { 0 } },
        { "a state below 32 bits", "userAccountControl", SLICE("-2147483649"), { 0 } },
        { "no computed state: it could be locked", "msDS-User-Account-Control-Computed", { 0 }, { 0 } },
        { "no expiry, as in a global catalog: it could be over", "accountExpires", { 0 }, { 0 } },
        { "an expiry beyond 64 bits", "accountExpires", SLICE("9223372036854775808"), { 0 } },
        { "an attribute with two values: which would it be?", "telephoneNumber", SLICE("1"), SLICE("2") },
        { "an attribute with a control character", "telephoneNumber", SLICE("1\t2"), { 0 } },
        { "a name in Latin-1", "sAMAccountName", SLICE("j\xfcrgen"), { 0 } },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_account account = { .dn = "untouched" };
        struct made_entry made;

        SAY_WHY(&rows[i]);
        make_alice(&made);
        made_entry_clear(&made, rows[i].attribute);
        if (rows[i].first.bytes != NULL)
            made_entry_add(&made, rows[i].attribute, rows[i].first);
        if (rows[i].second.bytes != NULL)
            made_entry_add(&made, rows[i].attribute, rows[i].second);

        assert_false(eca_ldap_entry_account(&account, &made.entry, "telephoneNumber", &err));
        assert_non_null(strstr(err.text, ALICE));
        assert_non_null(strstr(err.text, rows[i].attribute));
        assert_string_equal(account.dn, "untouched");
    }
}

static void test_account_over_long_text_fails_and_the_longest_passes(void **state)
{
    static const struct {
        const char *why, *attribute;
        size_t longest;
    } rows[] = {
        { "sAMAccountName", "sAMAccountName", ECA_ACCOUNT_NAME_MAX - 1 },
        { "userPrincipalName", "userPrincipalName", ECA_ACCOUNT_UPN_MAX - 1 },
        { "mail", "mail", ECA_ACCOUNT_MAIL_MAX - 1 },
        { "the extra attribute", "telephoneNumber", ECA_ACCOUNT_ATTRIBUTE_MAX - 1 },
    };
    char text[4096];
    (void)state;
    memset(text, 'x', sizeof text);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_account account;
        struct made_entry made;

        SAY_WHY(&rows[i]);
        make_alice(&made);
        made_entry_clear(&made, rows[i].attribute);
        made_entry_add(&made, rows[i].attribute, (struct eca_slice){ (const uint8_t *)text, rows[i].longest });
        assert_true(eca_ldap_entry_account(&account, &made.entry, "telephoneNumber", &err));

        made_entry_clear(&made, rows[i].attribute);
        made_entry_add(&made, rows[i].attribute, (struct eca_slice){ (const uint8_t *)text, rows[i].longest + 1 });
        assert_false(eca_ldap_entry_account(&account, &made.entry, "telephoneNumber", &err));
    }
}

static void test_account_flags_with_highest_bit_are_the_set_they_mean(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    (void)state;
    make_alice(&made);
    made_entry_clear(&made, "msDS-User-Account-Control-Computed");
    made_entry_add_text(&made, "msDS-User-Account-Control-Computed", "-2147483632");

    assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
    assert_int_equal(account.user_account_control_computed, 0x80000010u);
}

static void test_account_unreadable_creation_counts_as_unknown(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    (void)state;
    make_alice(&made);
    made_entry_clear(&made, "whenCreated");
    made_entry_add_text(&made, "whenCreated", "yesterday");

    assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
    assert_int_equal(account.when_created, 0);
    assert_string_equal(err.text, "");
}

static void test_match_values_are_compared_again(void **state)
{
    static const struct {
        const char *why;
        enum eca_mapping_kind kind;
        struct eca_slice key;
        const char *attribute; /* one more value of the entry, or NULL */
        const char *value;
        uint64_t matched;
    } rows[] = {
        { "the SID", ECA_MAPPING_SID, SLICE(ALICE_SID), NULL, NULL, 1 },
        { "the SID of the URI", ECA_MAPPING_SID_URI, SLICE(ALICE_SID), NULL, NULL, 1 },
        { "the SID cut short", ECA_MAPPING_SID, SLICE("\x01\x05\0\0"), NULL, NULL, 0 },
        { "the second stored mapping", ECA_MAPPING_SKI, SLICE("X509:<SKI>aabb"), "altSecurityIdentities",
          "X509:<SKI>AABB", 1 },
        { "a mapping the server took for equal: a blank more", ECA_MAPPING_SKI, SLICE("X509:<SKI>aabb"),
          "altSecurityIdentities", "X509:<SKI>aabb ", 0 },
        { "the UPN in another case", ECA_MAPPING_UPN, SLICE("ALICE@Example.test"), NULL, NULL, 1 },
        { "a UPN the server folds", ECA_MAPPING_UPN, SLICE("\xc3\xa1lice@example.test"), NULL, NULL, 0 },
        { "nobody's", ECA_MAPPING_UPN, SLICE("bob@example.test"), NULL, NULL, 0 },
    };
    static struct eca_mapping_keys keys;
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_account account;
        struct made_entry made;
        uint64_t matched = 99;

        SAY_WHY(&rows[i]);
        make_alice(&made);
        made_entry_add_text(&made, "altSecurityIdentities", "X509:<SKI>0011");
        if (rows[i].attribute != NULL)
            made_entry_add_text(&made, rows[i].attribute, rows[i].value);
        keys.keys[0] = (struct eca_mapping_key){ .kind = rows[i].kind, .value = rows[i].key };
        keys.count = 1;

        assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
        assert_true(eca_ldap_entry_match(&matched, &made.entry, &account, &keys, &err));
        assert_int_equal(matched, rows[i].matched);
    }
}

static void test_match_implicit_upn_needs_the_entrys_own_domain(void **state)
{
    static const struct {
        const char *why, *dn;
        uint64_t matched;
    } rows[] = {
        { "account name and the domain's own name", "CN=dora,CN=Users,DC=example,DC=test", 1 },
        { "the domain's name in another case", "CN=dora,CN=Users,DC=EXAMPLE,DC=Test", 1 },
        { "the same name in a child domain is somebody else", "CN=dora,CN=Users,DC=child,DC=example,DC=test", 0 },
        { "no domain", "CN=dora,O=Example", 0 },
    };
    static struct eca_mapping_keys keys;
    (void)state;
    keys.keys[0] = (struct eca_mapping_key){ .kind = ECA_MAPPING_UPN, .value = SLICE("Dora@example.test") };
    keys.count = 1;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_account account;
        struct made_entry made;
        uint64_t matched = 99;

        SAY_WHY(&rows[i]);
        make_alice(&made);
        made.entry.dn = rows[i].dn;
        made_entry_clear(&made, "sAMAccountName");
        made_entry_add_text(&made, "sAMAccountName", "dora");
        made_entry_clear(&made, "userPrincipalName");
        made_entry_add_text(&made, "userPrincipalName", "dora.smith@mail.example.org");

        assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
        assert_true(eca_ldap_entry_match(&matched, &made.entry, &account, &keys, &err));
        assert_int_equal(matched, rows[i].matched);
    }
}

static void test_match_each_key_has_its_bit(void **state)
{
    static struct eca_mapping_keys keys;
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    uint64_t matched = 99;
    (void)state;
    make_alice(&made);
    keys.keys[0] = (struct eca_mapping_key){ .kind = ECA_MAPPING_SKI, .value = SLICE("X509:<SKI>0011") };
    keys.keys[1] = (struct eca_mapping_key){ .kind = ECA_MAPPING_SID, .value = SLICE(ALICE_SID) };
    keys.keys[2] = (struct eca_mapping_key){ .kind = ECA_MAPPING_UPN, .value = SLICE("alice@example.test") };
    keys.count = 3;

    assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
    assert_true(eca_ldap_entry_match(&matched, &made.entry, &account, &keys, &err));
    assert_int_equal(matched, 6);
}

static void test_match_part_of_the_mappings_fails(void **state)
{
    static struct eca_mapping_keys keys;
    struct eca_error err = { .text = "" };
    struct eca_account account;
    struct made_entry made;
    uint64_t matched = 99;
    (void)state;
    make_alice(&made);
    made_entry_add_text(&made, "altSecurityIdentities;range=0-1499", "X509:<SKI>aabb");
    keys.keys[0] = (struct eca_mapping_key){ .kind = ECA_MAPPING_SKI, .value = SLICE("X509:<SKI>aabb") };
    keys.count = 1;

    assert_true(eca_ldap_entry_account(&account, &made.entry, NULL, &err));
    assert_false(eca_ldap_entry_match(&matched, &made.entry, &account, &keys, &err));
    assert_non_null(strstr(err.text, "altSecurityIdentities has more values than one answer holds"));
    assert_int_equal(matched, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_complete_entry_is_copied),
        cmocka_unit_test(test_account_names_in_any_case_are_found),
        cmocka_unit_test(test_account_optional_values_absent_are_empty),
        cmocka_unit_test(test_account_unusable_entry_fails_with_its_name_and_attribute),
        cmocka_unit_test(test_account_over_long_text_fails_and_the_longest_passes),
        cmocka_unit_test(test_account_flags_with_highest_bit_are_the_set_they_mean),
        cmocka_unit_test(test_account_unreadable_creation_counts_as_unknown),
        cmocka_unit_test(test_match_values_are_compared_again),
        cmocka_unit_test(test_match_implicit_upn_needs_the_entrys_own_domain),
        cmocka_unit_test(test_match_each_key_has_its_bit),
        cmocka_unit_test(test_match_part_of_the_mappings_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
