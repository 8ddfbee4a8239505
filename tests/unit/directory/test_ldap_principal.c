/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_principal.h"

#include "make_entry.h"
#include "rows.h"

#include <string.h>

#define SPN "HTTP/exch.example.test"
#define SID "\x01\x05\0\0\0\0\0\x05\x15\0\0\0\x68\x4c\xe3\x1c\x20\xf7\x05\x52\x9c\x30\xc9\x5d\x4f\x04\0\0"
#define ENTRIES_MAX 3

static void make_entry(struct made_entry *made, const char *name)
{
    const struct eca_slice sid = SLICE(SID);

    memset(made, 0, sizeof *made);
    made->entry.dn = "CN=svc,CN=Users,DC=example,DC=test";
    made_entry_add(made, "objectSid", sid);
    made_entry_add_text(made, "sAMAccountName", name);
    made_entry_add_text(made, "userAccountControl", "66048");
    made_entry_add_text(made, "msDS-User-Account-Control-Computed", "0");
    made_entry_add_text(made, "accountExpires", "0");
}

/* What becomes of answers with these entries; each has its name and one value of an attribute. */
static void test_conclude_counts_the_entries_that_bear_the_name(void **state)
{
    static const struct {
        const char *why;
        struct eca_principal_query query;
        const char *attribute;
        struct {
            const char *name, *value;
        } entries[ENTRIES_MAX];
        enum eca_principal_state expected;
        const char *found;
    } rows[] = {
        { "no entry", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName", { { NULL } }, ECA_PRINCIPAL_MISSING, "" },
        { "the SPN", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName", { { "a", SPN } }, ECA_PRINCIPAL_FOUND,
          "a" },
        { "in another case", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName",
          { { "a", "http/EXCH.example.test" } }, ECA_PRINCIPAL_FOUND, "a" },
        { "a computer's HOST/ stands for it", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName",
          { { "EXCH$", "HOST/exch.example.test" } }, ECA_PRINCIPAL_FOUND, "EXCH$" },
        { "the very name goes first", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName",
          { { "a", SPN }, { "EXCH$", "HOST/exch.example.test" } }, ECA_PRINCIPAL_FOUND, "a" },
        { "whatever the order", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName",
          { { "EXCH$", "HOST/exch.example.test" }, { "a", SPN } }, ECA_PRINCIPAL_FOUND, "a" },
        { "the SPN twice", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName", { { "a", SPN }, { "b", SPN } },
          ECA_PRINCIPAL_AMBIGUOUS, "" },
        { "HOST/ twice", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName",
          { { "A$", "HOST/exch.example.test" }, { "B$", "HOST/exch.example.test" } }, ECA_PRINCIPAL_AMBIGUOUS, "" },
        { "HOST/ stands for no other service", { ECA_PRINCIPAL_BY_SPN, "SMTP/exch.example.test" },
          "servicePrincipalName", { { "EXCH$", "HOST/exch.example.test" } }, ECA_PRINCIPAL_MISSING, "" },
        { "a longer SPN is another", { ECA_PRINCIPAL_BY_SPN, SPN }, "servicePrincipalName", { { "a", SPN ":444" } },
          ECA_PRINCIPAL_MISSING, "" },
        { "a name", { ECA_PRINCIPAL_BY_NAME, "svc-eas", "EXAMPLE.TEST" }, "userPrincipalName", { { "SVC-EAS", "x" } },
          ECA_PRINCIPAL_FOUND, "SVC-EAS" },
        { "what a directory folds is another's", { ECA_PRINCIPAL_BY_NAME, "svc-eas", "EXAMPLE.TEST" },
          "userPrincipalName", { { "svc-e\xc3\xa4s", "x" } }, ECA_PRINCIPAL_MISSING, "" },
        { "a UPN is no account name", { ECA_PRINCIPAL_BY_NAME, "svc-eas", "EXAMPLE.TEST" }, "userPrincipalName",
          { { "other", "svc-eas@EXAMPLE.TEST" } }, ECA_PRINCIPAL_MISSING, "" },
        { "what ktpass made of it", { ECA_PRINCIPAL_BY_NAME, "HTTP/proxy.example.test", "EXAMPLE.TEST" },
          "userPrincipalName", { { "svc-eas", "HTTP/proxy.example.test@example.test" } }, ECA_PRINCIPAL_FOUND,
          "svc-eas" },
        { "a SID: the directory compares bytes", { ECA_PRINCIPAL_BY_SID, "S-1-5-21-1-2-3-1103" }, "userPrincipalName",
          { { "alice", "x" } }, ECA_PRINCIPAL_FOUND, "alice" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_principal_query query = rows[i].query;
        struct eca_ldap_principal_tally tally = { .query = &query };
        struct eca_principal principal;
        struct made_entry made;

        SAY_WHY(&rows[i]);
        query.target = SPN;
        for (size_t n = 0; n < ENTRIES_MAX && rows[i].entries[n].name != NULL; n++) {
            struct eca_error err = { .text = "" };

            make_entry(&made, rows[i].entries[n].name);
            made_entry_add_text(&made, rows[i].attribute, rows[i].entries[n].value);
            assert_true(eca_ldap_principal_add(&tally, &made.entry, &err));
        }
        eca_ldap_principal_conclude(&principal, &tally);
        assert_int_equal(principal.state, rows[i].expected);
        assert_string_equal(principal.account.sam_account_name, rows[i].found);
    }
}

/* Which flags an attribute's value sets: "" none. */
static void test_add_reads_what_the_entry_says_of_delegation(void **state)
{
    static const struct {
        const char *why, *attribute, *value;
        const char *flags; /* of: p(assword) s(pn) l(ist) t(arget) r(esource) */
        uint32_t encryption_types;
    } rows[] = {
        { "an account like others", "description", "x", "", 0 },
        { "must change its password", "pwdLastSet", "0", "p", 0 },
        { "has changed it", "pwdLastSet", "134403604265827310", "", 0 },
        { "no number at all", "pwdLastSet", "x", "", 0 },
        { "a service", "servicePrincipalName", "HTTP/proxy.example.test", "s", 0 },
        { "may delegate to others", "msDS-AllowedToDelegateTo", "HTTP/other.example.test", "l", 0 },
        { "may delegate to the target", "msDS-AllowedToDelegateTo", "http/Exch.example.test", "lt", 0 },
        { "a name of three parts is another", "msDS-AllowedToDelegateTo", SPN "/EXAMPLE", "l", 0 },
        { "resource-based", "msDS-AllowedToActOnBehalfOfOtherIdentity", "\x01\x02", "r", 0 },
        { "AES", "msDS-SupportedEncryptionTypes", "24", "", 24 },
        { "every bit: AD writes it signed", "msDS-SupportedEncryptionTypes", "-1", "", UINT32_MAX },
    };
    static const struct eca_principal_query query = { ECA_PRINCIPAL_BY_NAME, "svc", "example.test", SPN };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_ldap_principal_tally tally = { .query = &query };
        struct eca_error err = { .text = "" };
        struct eca_principal found;
        struct made_entry made;
        char flags[6] = "";

        SAY_WHY(&rows[i]);
        make_entry(&made, "svc");
        made_entry_add_text(&made, rows[i].attribute, rows[i].value);
        assert_true(eca_ldap_principal_add(&tally, &made.entry, &err));
        eca_ldap_principal_conclude(&found, &tally);
        strcat(flags, found.must_change_password ? "p" : "");
        strcat(flags, found.has_spn ? "s" : "");
        strcat(flags, found.delegates_to_any ? "l" : "");
        strcat(flags, found.delegates_to_target ? "t" : "");
        strcat(flags, found.names_delegates ? "r" : "");
        assert_string_equal(flags, rows[i].flags);
        assert_int_equal(found.encryption_types, rows[i].encryption_types);
        assert_int_equal(found.account.user_account_control, 66048);
        assert_string_equal(found.account.domain, "example.test");
        assert_false(found.is_protected);
    }
}

static void test_add_an_entry_that_cannot_be_judged_is_no_answer(void **state)
{
    static const struct eca_principal_query query = { ECA_PRINCIPAL_BY_NAME, "svc", "example.test", SPN };
    struct eca_ldap_principal_tally tally = { .query = &query };
    struct eca_error err = { .text = "" };
    struct made_entry made;
    (void)state;

    make_entry(&made, "svc");
    made_entry_clear(&made, "userAccountControl");
    assert_false(eca_ldap_principal_add(&tally, &made.entry, &err));
    assert_non_null(strstr(err.text, "userAccountControl is absent"));
}

/* Two domains may have an account of one name each: the other's is not looked at, and nobody is asked. */
static void test_find_of_another_domain_is_unknown(void **state)
{
    static const struct eca_principal_query query = { ECA_PRINCIPAL_BY_NAME, "svc", "OTHER.TEST", SPN };
    static const struct eca_ldap_naming naming = { .domain = "example.test", .root = "DC=example,DC=test" };
    struct eca_principal found = { .state = ECA_PRINCIPAL_FOUND };
    struct eca_error err = { .text = "" };
    (void)state;

    assert_int_equal(eca_ldap_principal_find(&found, &query, NULL, &naming, 0, &err), ECA_LDAP_OK);
    assert_int_equal(found.state, ECA_PRINCIPAL_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conclude_counts_the_entries_that_bear_the_name),
        cmocka_unit_test(test_add_reads_what_the_entry_says_of_delegation),
        cmocka_unit_test(test_add_an_entry_that_cannot_be_judged_is_no_answer),
        cmocka_unit_test(test_find_of_another_domain_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
