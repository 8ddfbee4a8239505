/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: what is read, what is refused, and what they say. */
#include "make_crl.h"

#include "crl_set.h"

#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define POINT "URI:http://pki.example.test/list.crl"

static const struct recipe root = { "Root", "Root", KEY_ROOT, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing_no_lists = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, "critical,CA:TRUE",
                                                "critical,keyCertSign" };
static const struct recipe *const issuers[] = { &root, &issuing, NULL };
static const struct recipe *const no_lists[] = { &root, &issuing_no_lists, NULL };

static X509 *leaf_with(long serial, const char *points)
{
    const struct recipe recipe = { "alice", "Issuing", KEY_LEAF, KEY_ISSUING };
    X509 *leaf = make_path_certificate(&recipe);
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    ASN1_INTEGER_set(number, serial);
    X509_set_serialNumber(leaf, number);
    ASN1_INTEGER_free(number);
    if (points != NULL) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_crl_distribution_points, points);

        assert_non_null(extension);
        X509_add_ext(leaf, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(leaf, make_path_key(KEY_ISSUING), EVP_sha256()) > 0);
    return leaf;
}

/* The list, or NULL with the sentence. */
static struct eca_crl *read_one(const struct list_recipe *recipe, const struct recipe *const *by, struct eca_error *err)
{
    STACK_OF(X509) *chain = make_path_chain(by);
    struct eca_crl *crl = NULL;
    uint8_t *der = NULL;
    const size_t length = make_crl(&der, recipe);
    const size_t count = eca_crl_read(&crl, 1, der, length, chain, NOW, err);

    assert_int_equal(count, err->text[0] == '\0');
    OPENSSL_free(der);
    sk_X509_pop_free(chain, X509_free);
    return count == 1 ? crl : NULL;
}

static const struct {
    const char *why;
    struct list_recipe list;
    const struct recipe *const *issuers;
    const char *sentence; /* NULL: read */
} read_rows[] = {
    { "an ordinary list", { .signer = KEY_ISSUING, .number = 1, .revoked = { 5 } }, issuers, NULL },
    { "an empty one", { .signer = KEY_ISSUING }, issuers, NULL },
    { "out of date: the caller's business", { .signer = KEY_ISSUING, .begins = -9, .ends = -8 }, issuers, NULL },
    { "for users' certificates only", { .signer = KEY_ISSUING, .scope = "critical,onlyuser:TRUE" }, issuers, NULL },
    { "dated two minutes ahead: clocks differ", { .signer = KEY_ISSUING, .begins = 0, .ends = 1 }, issuers, NULL },
    { "signed by another key", { .signer = KEY_STRANGE }, issuers, "not signed by the accepted issuer CN=Issuing" },
    { "of an issuer that is not accepted", { .issuer = "Strange", .signer = KEY_STRANGE }, issuers,
      "its issuer CN=Strange is not among" },
    { "signed by a CA that must not sign lists", { .signer = KEY_ISSUING }, no_lists, "not signed by the accepted" },
    { "signed with SHA-1", { .signer = KEY_ISSUING, .sha1 = true }, issuers, "too weak" },
    { "from tomorrow", { .signer = KEY_ISSUING, .begins = 1, .ends = 2 }, issuers, "dated in the future" },
    { "without an end", { .signer = KEY_ISSUING, .endless = true }, issuers, "when the next one comes" },
    { "that ends before it begins", { .signer = KEY_ISSUING, .begins = -1, .ends = -2 }, issuers, "ends before" },
    { "an indirect one", { .signer = KEY_ISSUING, .scope = "critical,indirectCRL:TRUE" }, issuers, "indirect" },
    { "indirect by its entries alone", { .signer = KEY_ISSUING, .revoked = { 5 }, .foreign_entry = true }, issuers,
      "indirect" },
    { "for some reasons only", { .signer = KEY_ISSUING, .scope = "critical,onlysomereasons:keyCompromise" }, issuers,
      "some reasons" },
    { "of attribute certificates", { .signer = KEY_ISSUING, .scope = "critical,onlyAA:TRUE" }, issuers,
      "attribute certificates" },
    { "with a critical extension nobody knows", { .signer = KEY_ISSUING, .unknown = "1.2.3.4.5" }, issuers,
      "critical extension 1.2.3.4.5 is not understood" },
    { "a delta without a number", { .signer = KEY_ISSUING, .base = 1 }, issuers, "without a number" },
    { "a serial number longer than RFC 5280 allows",
      { .signer = KEY_ISSUING, .serial = "0x0123456789abcdef0123456789abcdef0123456789" }, issuers,
      "more than 20 bytes" },
};

static void test_read_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(read_rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_crl *crl = NULL;

        print_message("  %s\n", read_rows[i].why);
        crl = read_one(&read_rows[i].list, read_rows[i].issuers, &err);
        assert_int_equal(crl != NULL, read_rows[i].sentence == NULL);
        if (read_rows[i].sentence != NULL)
            assert_non_null(strstr(err.text, read_rows[i].sentence));
        eca_crl_release(crl);
    }
}

static void test_read_bytes_that_are_no_list(void **state)
{
    const struct list_recipe ordinary = { .signer = KEY_ISSUING, .revoked = { 5 } };
    STACK_OF(X509) *chain = make_path_chain(issuers);
    struct eca_crl *crl = NULL;
    uint8_t *der = NULL;
    const size_t length = make_crl(&der, &ordinary);
    uint8_t *longer = malloc(length + 1);
    (void)state;

    memcpy(longer, der, length);
    longer[length] = 0;
    for (size_t i = 0; i <= length + 1; i += i + 8 < length ? 8 : 1) {
        struct eca_error err = { .text = "" };
        const size_t count = eca_crl_read(&crl, 1, longer, i, chain, NOW, &err);

        assert_int_equal(count, i == length); /* cut, and with a byte too many */
        assert_int_equal(err.text[0] == '\0', i == length);
        if (count == 1)
            eca_crl_release(crl);
    }
    free(longer);
    OPENSSL_free(der);
    sk_X509_pop_free(chain, X509_free);
}

static void test_read_pem_gives_every_list_that_counts(void **state)
{
    const struct list_recipe mine = { .signer = KEY_ISSUING, .revoked = { 5 } };
    const struct list_recipe roots = { .issuer = "Root", .signer = KEY_ROOT };
    const struct list_recipe strange = { .issuer = "Strange", .signer = KEY_STRANGE };
    STACK_OF(X509) *chain = make_path_chain(issuers);
    BIO *bio = BIO_new(BIO_s_mem());
    struct eca_crl *lists[4] = { NULL };
    struct eca_error err = { .text = "" };
    uint8_t *text = NULL;
    long length;
    (void)state;

    BIO_puts(bio, "# lists of today\n");
    make_crl_pem(bio, &mine);
    make_crl_pem(bio, &strange);
    make_crl_pem(bio, &roots);
    length = BIO_get_mem_data(bio, &text);
    assert_int_equal(eca_crl_read(lists, 4, text, (size_t)length, chain, NOW, &err), 2);
    assert_string_equal(eca_crl_issuer(lists[0]), "CN=Issuing");
    assert_string_equal(eca_crl_issuer(lists[1]), "CN=Root");
    eca_crl_release(lists[0]);
    eca_crl_release(lists[1]);
    assert_int_equal(eca_crl_read(lists, 1, text, (size_t)length, chain, NOW, &err), 1);
    /* no more than there is room */
    eca_crl_release(lists[0]);
    BIO_free(bio);
    sk_X509_pop_free(chain, X509_free);
}

/* ---- what lists say together --------------------------------------------------------------- */

static const struct {
    const char *why;
    struct list_recipe lists[3]; /* .signer 0 (KEY_ROOT) and no issuer: none */
    size_t count;
    long serial;
    const char *points;
    long now; /* days from NOW */
    long grace;
    enum eca_revocation answer;
    const char *sentence;
} check_rows[] = {
    { "not in the list", { { .signer = KEY_ISSUING, .revoked = { 5, 7 } } }, 1, 6, NULL, 0, 0, ECA_REVOCATION_GOOD,
      "" },
    { "in the list", { { .signer = KEY_ISSUING, .revoked = { 5, 7 }, .why = 1 } }, 1, 7, NULL, 0, 0,
      ECA_REVOCATION_REVOKED, "revoked since 2027-01-14T08:00Z, keyCompromise" },
    { "on hold", { { .signer = KEY_ISSUING, .revoked = { 5 }, .why = 6 } }, 1, 5, NULL, 0, 0, ECA_REVOCATION_REVOKED,
      "certificateHold" },
    { "a list without a reason", { { .signer = KEY_ISSUING, .revoked = { 5 } } }, 1, 5, NULL, 0, 0,
      ECA_REVOCATION_REVOKED, "no reason given" },
    { "no list at all", { { 0 } }, 0, 5, NULL, 0, 0, ECA_REVOCATION_UNKNOWN, "there is no CRL" },
    { "another issuer's list", { { .issuer = "Root", .signer = KEY_ROOT, .revoked = { 5 } } }, 1, 5, NULL, 0, 0,
      ECA_REVOCATION_UNKNOWN, "there is no CRL" },
    { "a list that has ended", { { .signer = KEY_ISSUING, .revoked = { 5 } } }, 1, 6, NULL, 2, 0,
      ECA_REVOCATION_UNKNOWN, "ended at 2027-01-16T08:00Z" },
    { "who was revoked stays so when the list has ended", { { .signer = KEY_ISSUING, .revoked = { 5 } } }, 1, 5,
      NULL, 2,
      0, ECA_REVOCATION_REVOKED, "revoked since" },
    { "a list that has ended, within the grace", { { .signer = KEY_ISSUING, .revoked = { 5 } } }, 1, 6, NULL, 2,
      2 * DAY, ECA_REVOCATION_GOOD, "" },
    { "a list for CAs' certificates only", { { .signer = KEY_ISSUING, .scope = "critical,onlyCA:TRUE" } }, 1, 5, NULL,
      0, 0, ECA_REVOCATION_UNKNOWN, "there is no CRL" },
    { "the part of a list that the certificate names",
      { { .signer = KEY_ISSUING, .scope = "critical,fullname:" POINT, .revoked = { 5 } } }, 1, 5, POINT, 0, 0,
      ECA_REVOCATION_REVOKED, "revoked" },
    { "a part that it does not name",
      { { .signer = KEY_ISSUING, .scope = "critical,fullname:URI:http://pki.example.test/other.crl" } }, 1, 5, POINT, 0,
      0, ECA_REVOCATION_UNKNOWN, "there is no CRL" },
    { "the later of two lists counts",
      { { .signer = KEY_ISSUING, .number = 1, .begins = -3, .ends = 3 },
        { .signer = KEY_ISSUING, .number = 2, .begins = -1, .ends = 1, .revoked = { 5 } } }, 2, 5, NULL, 0, 0,
      ECA_REVOCATION_REVOKED, "revoked" },
    { "whatever the order in which they came: a hold that was lifted",
      { { .signer = KEY_ISSUING, .number = 2, .begins = -1, .ends = 1 },
        { .signer = KEY_ISSUING, .number = 1, .begins = -3, .ends = 3, .revoked = { 5 } } }, 2, 5, NULL, 0, 0,
      ECA_REVOCATION_GOOD, "" },
    { "of one second, the number decides",
      { { .signer = KEY_ISSUING, .number = 2, .revoked = { 5 } }, { .signer = KEY_ISSUING, .number = 1 } }, 2, 5,
      NULL, 0,
      0, ECA_REVOCATION_REVOKED, "revoked" },
    { "revoked by the delta",
      { { .signer = KEY_ISSUING, .number = 1 }, { .signer = KEY_ISSUING, .number = 2, .base = 1,
      .revoked = { 5 } } }, 2,
      5, NULL, 0, 0, ECA_REVOCATION_REVOKED, "revoked" },
    { "no longer on hold by the delta",
      { { .signer = KEY_ISSUING, .number = 1, .revoked = { 5 }, .why = 6 },
        { .signer = KEY_ISSUING, .number = 2, .base = 1, .revoked = { 5 }, .why = 8 } }, 2, 5, NULL, 0, 0,
      ECA_REVOCATION_GOOD, "" },
    { "the later of two deltas",
      { { .signer = KEY_ISSUING, .number = 1 },
        { .signer = KEY_ISSUING, .number = 3, .base = 1, .begins = -1, .ends = 1, .revoked = { 5 } },
        { .signer = KEY_ISSUING, .number = 2, .base = 1, .begins = -2, .ends = 1 } }, 3, 5, NULL, 0, 0,
      ECA_REVOCATION_REVOKED, "revoked" },
    { "a delta of a later whole list does not apply",
      { { .signer = KEY_ISSUING, .number = 1, .revoked = { 5 } },
        { .signer = KEY_ISSUING, .number = 4, .base = 3, .revoked = { 5 }, .why = 8 } }, 2, 5, NULL, 0, 0,
      ECA_REVOCATION_REVOKED, "revoked" },
    { "a delta older than the whole list does not apply",
      { { .signer = KEY_ISSUING, .number = 5 },
        { .signer = KEY_ISSUING, .number = 2, .base = 1, .revoked = { 5 } } }, 2, 5, NULL, 0, 0, ECA_REVOCATION_GOOD,
        "" },
    { "another issuer's delta does not apply",
      { { .signer = KEY_ISSUING, .number = 1 },
        { .issuer = "Root", .signer = KEY_ROOT, .number = 2, .base = 1, .revoked = { 5 } } }, 2, 5, NULL, 0, 0,
      ECA_REVOCATION_GOOD, "" },
    { "a delta that has ended says nothing; the whole list still does",
      { { .signer = KEY_ISSUING, .number = 1, .begins = -9, .ends = 9 },
        { .signer = KEY_ISSUING, .number = 2, .base = 1, .begins = -3, .ends = -2, .revoked = { 5 }, .why = 8 } }, 2, 5,
      NULL, 0, 0, ECA_REVOCATION_GOOD, "" },
    { "a delta alone says nothing", { { .signer = KEY_ISSUING, .number = 2, .base = 1, .revoked = { 5 } } }, 1, 5,
      NULL, 0,
      0, ECA_REVOCATION_UNKNOWN, "there is no CRL" },
};

static void test_check_rows(void **state)
{
    X509 *issuer = make_path_certificate(&issuing);
    (void)state;

    for (size_t i = 0; i < COUNT(check_rows); i++) {
        struct eca_crl_view *view = eca_crl_view_open();
        struct eca_crl_set set = { .count = 0 };
        struct eca_crl_view_answer answer = { .remark = ECA_CRL_VIEW_NOTHING };
        X509 *leaf = leaf_with(check_rows[i].serial, check_rows[i].points);

        print_message("  %s\n", check_rows[i].why);
        for (size_t j = 0; j < check_rows[i].count; j++) {
            struct eca_error err = { .text = "" };

            eca_crl_set_add(&set, read_one(&check_rows[i].lists[j], issuers, &err));
            assert_string_equal(err.text, "");
        }
        eca_crl_view_add(view, &set);
        eca_crl_view_pair(view);
        assert_int_equal(eca_crl_view_check(view, leaf, issuer, NOW + check_rows[i].now * DAY, check_rows[i].grace,
                                            &answer),
                         check_rows[i].answer);
        assert_non_null(strstr(answer.sentence.text, check_rows[i].sentence));
        assert_int_equal(answer.sentence.text[0] == '\0', check_rows[i].sentence[0] == '\0');
        eca_crl_view_release(view);
        eca_crl_set_clear(&set);
        X509_free(leaf);
    }
    X509_free(issuer);
}

static void test_replace_keeps_the_later_list(void **state)
{
    const struct list_recipe before = { .signer = KEY_ISSUING, .number = 1, .begins = -3, .ends = 3 };
    const struct list_recipe after = { .signer = KEY_ISSUING, .number = 2, .begins = -1, .ends = 3 };
    struct eca_crl_set set = { .count = 0 }, by = { .count = 0 };
    struct eca_error err = { .text = "" };
    STACK_OF(X509) *chain = make_path_chain(issuers);
    struct eca_crl *later = NULL, *again = NULL;
    uint8_t *der = NULL;
    const size_t length = make_crl(&der, &after);
    (void)state;

    assert_int_equal(eca_crl_read(&later, 1, der, length, chain, NOW, &err), 1);
    assert_int_equal(eca_crl_read(&again, 1, der, length, chain, NOW, &err), 1);
    eca_crl_set_add(&set, later);
    eca_crl_set_add(&by, read_one(&before, issuers, &err));
    eca_crl_set_replace(&set, &by);
    assert_int_equal(by.count, 0);
    assert_int_equal(set.count, 1);
    assert_ptr_equal(set.lists[0], later);

    eca_crl_set_add(&by, again); /* the same list again is the old object */
    eca_crl_set_replace(&set, &by);
    assert_ptr_equal(set.lists[0], later);
    eca_crl_set_clear(&set);
    OPENSSL_free(der);
    sk_X509_pop_free(chain, X509_free);
}

static void test_find_in_a_hundred_thousand_entries(void **state)
{
    const struct list_recipe large = { .signer = KEY_ISSUING, .more = 100000 };
    struct eca_error err = { .text = "" };
    struct eca_crl *crl = read_one(&large, issuers, &err);
    int64_t since = 0;
    int why = 0;
    (void)state;

    assert_non_null(crl);
    for (long serial = 999999; serial <= 1100000; serial += serial == 999999 ? 1 : 9091) {
        X509 *leaf = leaf_with(serial, NULL);
        const bool listed = serial >= 1000000 && serial < 1100000;

        assert_int_equal(eca_crl_find(crl, leaf, &since, &why), listed ? ECA_CRL_ENTRY_REVOKED : ECA_CRL_ENTRY_NONE);
        X509_free(leaf);
    }
    eca_crl_release(crl);
}

static void test_points_are_urls_that_can_be_fetched(void **state)
{
    static const struct {
        const char *why, *points;
        size_t count;
        const char *first;
    } rows[] = {
        { "http", POINT, 1, "http://pki.example.test/list.crl" },
        { "ldap without a host, as AD CS writes it", "URI:ldap:///CN=list", 1, "ldap:///CN=list" },
        { "https: a list is signed", "URI:https://pki.example.test/list.crl", 0, "" },
        { "a file", "URI:file:///etc/passwd", 0, "" },
        { "two", POINT ",URI:ldap:///CN=list", 2, "http://pki.example.test/list.crl" },
        { "the same twice", POINT "," POINT, 1, "http://pki.example.test/list.crl" },
        { "no URL", "DNS:pki.example.test", 0, "" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_crl_points points = { .count = 0 };
        X509 *leaf = leaf_with(5, rows[i].points);

        print_message("  %s\n", rows[i].why);
        eca_crl_points_of(leaf, &points);
        assert_int_equal(points.count, rows[i].count);
        if (points.count > 0)
            assert_string_equal(points.urls[0], rows[i].first);
        X509_free(leaf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_rows),
        cmocka_unit_test(test_read_bytes_that_are_no_list),
        cmocka_unit_test(test_read_pem_gives_every_list_that_counts),
        cmocka_unit_test(test_check_rows),
        cmocka_unit_test(test_replace_keeps_the_later_list),
        cmocka_unit_test(test_find_in_a_hundred_thousand_entries),
        cmocka_unit_test(test_points_are_urls_that_can_be_fetched),
    };
    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
