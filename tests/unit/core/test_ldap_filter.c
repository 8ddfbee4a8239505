/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_filter.h"

#include "rows.h"

#include <string.h>

#define USERS "(&(objectCategory=person)(objectClass=user)(|"

static void test_equal_value_any_bytes_keeps_filter_shape(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice value;
        const char *filter;
    } rows[] = {
        { "an ordinary UPN", SLICE("alice@example.test"), "(userPrincipalName=alice@example.test)" },
        { "closes the filter and opens another", SLICE("a*)(objectClass=*"),
          "(userPrincipalName=a\\2a\\29\\28objectClass=\\2a)" },
        { "NUL: a server that cuts here would see somebody else", SLICE("bob\0.evil.test"),
          "(userPrincipalName=bob\\00.evil.test)" },
        { "UTF-8 goes out byte by byte", SLICE("\xc5\x81ukasz"), "(userPrincipalName=\\c5\\81ukasz)" },
        { "a backslash", SLICE("a\\2a"), "(userPrincipalName=a\\5c2a)" },
        { "all that may stay", SLICE("-._@:=,<>' +/09azAZ"), "(userPrincipalName=-._@:=,<>' +/09azAZ)" },
        { "other operators", SLICE("&|!~#"), "(userPrincipalName=\\26\\7c\\21\\7e\\23)" },
        { "nothing", SLICE(""), "(userPrincipalName=)" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[128];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        eca_ldap_filter_equal(&out, "userPrincipalName", rows[i].value);
        assert_false(out.overflow);
        assert_string_equal(memory, rows[i].filter);
    }
}

static void test_equal_too_long_overflows_and_stays_terminated(void **state)
{
    char memory[12];
    struct eca_strbuf out;
    const struct eca_slice value = SLICE("alice@example.test");
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_ldap_filter_equal(&out, "mail", value);
    assert_true(out.overflow);
    assert_string_equal(memory, "(mail=alice");
}

static void test_keys_every_kind_is_searched_in_its_attribute(void **state)
{
    static const struct {
        const char *why;
        struct eca_mapping_key keys[3];
        size_t count;
        const char *domain;
        const char *filter;
        bool unconfigured, configured_only;
    } rows[] = {
        { "a SID goes out in binary",
          { { .kind = ECA_MAPPING_SID, .value = SLICE("\x01\x01\0\0\0\0\0\x05\x12\0\0\0") } },
          1, NULL, USERS "(objectSid=\\01\\01\\00\\00\\00\\00\\00\\05\\12\\00\\00\\00)))" },
        { "two values of one kind and another kind",
          { { .kind = ECA_MAPPING_ISSUER_SERIAL, .value = SLICE("X509:<I>CN=CA<SR>8f") },
            { .kind = ECA_MAPPING_ISSUER_SERIAL, .value = SLICE("X509:<I>CN=CA<SR>8f00") },
            { .kind = ECA_MAPPING_SKI, .value = SLICE("X509:<SKI>0102") } }, 3, "example.test",
          USERS "(altSecurityIdentities=X509:<I>CN=CA<SR>8f)(altSecurityIdentities=X509:<I>CN=CA<SR>8f00)"
          "(altSecurityIdentities=X509:<SKI>0102)))" },
        { "an issuer's name that would close the filter",
          { { .kind = ECA_MAPPING_ISSUER_SERIAL, .value = SLICE("X509:<I>CN=C)(cn=*<SR>01") } }, 1, NULL,
          USERS "(altSecurityIdentities=X509:<I>CN=C\\29\\28cn=\\2a<SR>01)))" },
        { "a UPN of the domain also names the account", { { .kind = ECA_MAPPING_UPN,
          .value = SLICE("alice@Example.Test") } }, 1, "example.test",
          USERS "(userPrincipalName=alice@Example.Test)(sAMAccountName=alice)))" },
        { "a UPN of another suffix does not", { { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@corp.test") } }, 1,
          "example.test", USERS "(userPrincipalName=alice@corp.test)))" },
        { "without a domain nothing is implied", { { .kind = ECA_MAPPING_UPN,
          .value = SLICE("alice@example.test") } }, 1, NULL, USERS "(userPrincipalName=alice@example.test)))" },
        { "an implied name is escaped as well", { { .kind = ECA_MAPPING_UPN, .value = SLICE("*)(a=@example.test") } },
          1, "example.test", USERS "(userPrincipalName=\\2a\\29\\28a=@example.test)(sAMAccountName=\\2a\\29\\28a=)))" },
        { "an address and a name each in their attribute", { { .kind = ECA_MAPPING_EMAIL, .value = SLICE("a@b") },
          { .kind = ECA_MAPPING_CN, .value = SLICE("a*") } }, 2, NULL, USERS "(mail=a@b)(sAMAccountName=a\\2a)))" },
        { "userCertificate is no index: never searched", { { .kind = ECA_MAPPING_CERTIFICATE, .value = SLICE("0123") },
          { .kind = ECA_MAPPING_UPN, .value = SLICE("a@b") } }, 2, NULL, USERS "(userPrincipalName=a@b)))" },
        { "nothing else to search by", { { .kind = ECA_MAPPING_CERTIFICATE, .value = SLICE("0123") } }, 1, NULL, "" },
        { "not configured, and not wanted", { { .kind = ECA_MAPPING_UPN, .value = SLICE("a@b") } }, 1, NULL, "", true,
          true },
        { "not configured, but wanted", { { .kind = ECA_MAPPING_UPN, .value = SLICE("a@b") } }, 1, NULL,
          USERS "(userPrincipalName=a@b)))", true, false },
        { "configured, and nothing else wanted", { { .kind = ECA_MAPPING_UPN, .value = SLICE("a@b") } }, 1, NULL,
          USERS "(userPrincipalName=a@b)))", false, true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct eca_mapping_keys keys;
        static char memory[ECA_LDAP_FILTER_MAX];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        memset(&keys, 0, sizeof keys);
        memcpy(keys.keys, rows[i].keys, sizeof rows[i].keys);
        keys.count = rows[i].count;
        eca_strbuf_init(&out, memory, sizeof memory);
        for (size_t key = 0; key < keys.count; key++)
            keys.keys[key].configured = !rows[i].unconfigured;
        assert_int_equal(eca_ldap_filter_keys(&out, &keys, rows[i].domain, rows[i].configured_only),
                         rows[i].filter[0] != '\0');
        assert_string_equal(memory, rows[i].filter);
    }
}

/* The worst a certificate can do: all the room for text, every byte escaped, in as many keys as there may be. */
static void test_keys_fullest_fit_into_the_promised_length(void **state)
{
    static struct eca_mapping_keys keys;
    static char memory[ECA_LDAP_FILTER_MAX];
    struct eca_strbuf out;
    (void)state;

    memset(keys.text, '*', sizeof keys.text);
    for (size_t i = 0; i < ECA_MAPPING_KEYS_MAX; i++) {
        const size_t share = sizeof keys.text / ECA_MAPPING_KEYS_MAX;

        keys.keys[keys.count++] = (struct eca_mapping_key){
            .kind = ECA_MAPPING_ISSUER_SERIAL, .value = { (uint8_t *)keys.text + i * share, share } };
    }
    memset(keys.text, '*', 1011);
    memcpy(keys.text + 1011, "@example.test", 13);
    keys.keys[0] = (struct eca_mapping_key){ .kind = ECA_MAPPING_UPN, .value = { (uint8_t *)keys.text, 1024 } };
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_true(eca_ldap_filter_keys(&out, &keys, "example.test", false));
    assert_false(out.overflow);
}

static void test_login_forms_search_what_they_can_mean(void **state)
{
    static const struct {
        const char *why;
        const char *login;
        const char *filter;
    } rows[] = {
        { "short name", "alice", USERS "(sAMAccountName=alice)))" },
        { "the domain is compared afterwards", "EXAMPLE\\alice", USERS "(sAMAccountName=alice)))" },
        { "a UPN of the domain", "alice@example.test",
          USERS "(userPrincipalName=alice@example.test)(sAMAccountName=alice)))" },
        { "a UPN of another suffix", "alice@corp.test", USERS "(userPrincipalName=alice@corp.test)))" },
        { "anybody", "*", USERS "(sAMAccountName=\\2a)))" },
        { "a filter", "a)(|(cn=*", USERS "(sAMAccountName=a\\29\\28\\7c\\28cn=\\2a)))" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_login_name login;
        char memory[256];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        assert_true(eca_login_name_parse(&login, eca_slice_from_text(rows[i].login)));
        eca_strbuf_init(&out, memory, sizeof memory);
        eca_ldap_filter_login(&out, &login, "example.test");
        assert_string_equal(memory, rows[i].filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_value_any_bytes_keeps_filter_shape),
        cmocka_unit_test(test_equal_too_long_overflows_and_stays_terminated),
        cmocka_unit_test(test_keys_every_kind_is_searched_in_its_attribute),
        cmocka_unit_test(test_keys_fullest_fit_into_the_promised_length),
        cmocka_unit_test(test_login_forms_search_what_they_can_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
