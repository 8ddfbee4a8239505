/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_url.h"
#include "ldap_directory.h"

#include "rows.h"

#include <string.h>

static void test_parse_usable_url_gives_its_parts(void **state)
{
    static const struct {
        const char *why, *url;
        bool tls;
        const char *host, *port;
    } rows[] = {
        { "the port of LDAP when none is said", "ldap://dc1.example.test", false, "dc1.example.test", "389" },
        { "the port of LDAPS when none is said", "ldaps://dc1.example.test", true, "dc1.example.test", "636" },
        { "a port of its own", "ldap://dc1.example.test:3268", false, "dc1.example.test", "3268" },
        { "the last port", "ldaps://dc1:65535", true, "dc1", "65535" },
        { "a global catalog's port when none is said", "gc://dc1.example.test", false, "dc1.example.test", "3268" },
        { "the same in TLS", "gcs://dc1.example.test", true, "dc1.example.test", "3269" },
        { "a NetBIOS name may hold an underscore", "ldap://MAIL_DC", false, "MAIL_DC", "389" },
        { "an address, for a certificate that names it", "ldaps://192.0.2.1", true, "192.0.2.1", "636" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_ldap_url url;

        SAY_WHY(&rows[i]);
        assert_true(eca_ldap_url_parse(&url, rows[i].url, &err));
        assert_true(eca_ldap_url_check(rows[i].url, &err));
        assert_int_equal(url.tls, rows[i].tls);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.port, rows[i].port);
        assert_string_equal(err.text, "");
    }
}

static void test_check_anything_else_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *why, *url, *sentence;
    } rows[] = {
        { "nothing", "", "does not begin with ldap://, ldaps://" },
        { "no scheme", "dc1.example.test", "does not begin with ldap://, ldaps://" },
        { "a socket of this machine", "ldapi:///", "does not begin with ldap://, ldaps://" },
        { "another protocol", "https://dc1.example.test", "does not begin with ldap://, ldaps://" },
        { "no host: libldap would take this machine", "ldap://", "has no host name" },
        { "no host but a port", "ldap://:389", "has no host name" },
        { "a host that looks like an option", "ldap://-dc1", "has no host name" },
        { "an empty first label", "ldap://.example.test", "has no host name" },
        { "an IPv6 address has no name to verify", "ldap://[::1]", "has no host name" },
        { "no port after the colon", "ldap://dc1:", "has no port number" },
        { "port 0", "ldap://dc1:0", "has no port number" },
        { "a port with a leading zero", "ldap://dc1:0389", "has no port number" },
        { "one above the last port", "ldap://dc1:65536", "has no port number" },
        { "a port too long for a number", "ldap://dc1:99999999999999999999", "has no port number" },
        { "a path after the port", "ldap://dc1:389/", "has no port number" },
        { "a path", "ldap://dc1/", "holds more than scheme, host name and port" },
        { "a base", "ldap://dc1/DC=example,DC=test", "end it after \"ldap://dc1\"" },
        { "a second host, which libldap would try", "ldap://dc1,dc2", "holds more than" },
        { "a second URL", "ldap://dc1 ldap://dc2", "holds more than" },
        { "a user", "ldap://alice@dc1", "holds more than" },
        { "an escaped letter", "ldap://dc%31", "holds more than" },
        { "a query", "ldap://dc1?cn", "holds more than" },
        { "no domain", "dns:", "is not dns: and the DNS name of a domain" },
        { "a host where a domain is wanted", "dns://dc1.example.test", "is not dns: and the DNS name" },
        { "a port behind a domain", "dns:example.test:389", "is not dns: and the DNS name" },
        { "an empty first label of a domain", "gc:.example.test", "is not gc: and the DNS name" },
        { "a list of domains", "gc:a.test,b.test", "is not gc: and the DNS name" },
        { "bytes beyond ASCII", "ldap://d\xc3\xa7", "holds more than" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_false(eca_ldap_url_check(rows[i].url, &err));
        assert_non_null(strstr(err.text, rows[i].sentence));
    }
}

static void test_check_host_name_longer_than_dns_allows_is_refused(void **state)
{
    char url[8 + ECA_LDAP_HOST_MAX + 1] = "ldap://";
    struct eca_error err = { .text = "" };
    (void)state;

    memset(url + 7, 'a', ECA_LDAP_HOST_MAX - 1);
    assert_true(eca_ldap_url_check(url, &err));
    url[7 + ECA_LDAP_HOST_MAX - 1] = 'a';
    assert_false(eca_ldap_url_check(url, &err));
}

static void test_check_domain_leaves_room_for_the_records_names(void **state)
{
    char source[4 + 160 + 2] = "dns:";
    struct eca_error err = { .text = "" };
    (void)state;

    memset(source + 4, 'a', 160);
    assert_true(eca_ldap_url_check(source, &err));
    source[4 + 160] = 'a';
    assert_false(eca_ldap_url_check(source, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_usable_url_gives_its_parts),
        cmocka_unit_test(test_check_anything_else_is_refused_with_a_sentence),
        cmocka_unit_test(test_check_domain_leaves_room_for_the_records_names),
        cmocka_unit_test(test_check_host_name_longer_than_dns_allows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
