/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of OCSP responders, made here: which count, and what they say. */
#include "make_path.h"

#include "ocsp.h"

#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct recipe issuing = { "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe alice = { "alice", "Issuing", KEY_LEAF, KEY_ISSUING };
static const struct recipe strange = { "Strange", "Strange", KEY_STRANGE, KEY_STRANGE, CA_EXTENSIONS };
static const struct recipe impostor = { "Issuing", "Root", KEY_STRANGE, KEY_STRANGE, CA_EXTENSIONS };
static const struct recipe delegate = { "Responder", "Issuing", KEY_STRANGE, KEY_ISSUING,
                                        .extended_key_usage = "OCSPSigning" };
static const struct recipe delegate_without_purpose = { "Responder", "Issuing", KEY_STRANGE, KEY_ISSUING,
                                                        .extended_key_usage = "clientAuth" };
static const struct recipe delegate_ended = { "Responder", "Issuing", KEY_STRANGE, KEY_ISSUING,
                                              .extended_key_usage = "OCSPSigning", .begins = -9, .ends = -1 };
static const struct recipe delegate_of_root = { "Responder", "Root", KEY_STRANGE, KEY_ROOT,
                                                .extended_key_usage = "OCSPSigning" };

enum nonce { NONCE_COPIED, NONCE_ABSENT, NONCE_OTHER };

static const struct {
    const char *why;
    const struct recipe *signer; /* NULL: the issuer */
    enum key key;
    int status; /* V_OCSP_CERTSTATUS_… */
    long begins, ends; /* minutes from NOW; `ends` 0: none */
    enum nonce nonce;
    bool other_certificate;
    const char *sentence; /* NULL: it counts */
    enum eca_revocation said;
} rows[] = {
    { "signed by the issuer", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_COPIED, false, NULL,
      ECA_REVOCATION_GOOD },
    { "revoked", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_REVOKED, -5, 5, NONCE_COPIED, false, NULL,
      ECA_REVOCATION_REVOKED },
    { "not known to the responder", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_UNKNOWN, -5, 5, NONCE_COPIED, false, NULL,
      ECA_REVOCATION_UNKNOWN },
    { "without an end", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -5, 0, NONCE_COPIED, false, NULL,
      ECA_REVOCATION_GOOD },
    { "without the nonce: answers made ahead have none", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_ABSENT,
      false, NULL, ECA_REVOCATION_GOOD },
    { "signed by a responder that the issuer has issued for it", &delegate, KEY_STRANGE, V_OCSP_CERTSTATUS_GOOD, -5, 5,
      NONCE_COPIED, false, NULL, ECA_REVOCATION_GOOD },
    { "with another nonce: yesterday's answer", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_OTHER, false,
      "another question", ECA_REVOCATION_UNKNOWN },
    { "signed by somebody whom the issuer has issued for something else", &delegate_without_purpose, KEY_STRANGE,
      V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_COPIED, false, "not signed by", ECA_REVOCATION_UNKNOWN },
    { "signed by a responder whose certificate has ended", &delegate_ended, KEY_STRANGE, V_OCSP_CERTSTATUS_GOOD, -5, 5,
      NONCE_COPIED, false, "not signed by", ECA_REVOCATION_UNKNOWN },
    { "signed by a responder of the issuer's issuer", &delegate_of_root, KEY_STRANGE, V_OCSP_CERTSTATUS_GOOD, -5, 5,
      NONCE_COPIED, false, "not signed by", ECA_REVOCATION_UNKNOWN },
    { "signed by a strange CA", &strange, KEY_STRANGE, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_COPIED, false,
      "not signed by", ECA_REVOCATION_UNKNOWN },
    { "in the issuer's name, by another key", &impostor, KEY_STRANGE, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_COPIED,
      false,
      "not signed by", ECA_REVOCATION_UNKNOWN },
    { "about another certificate", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -5, 5, NONCE_COPIED, true,
      "another certificate", ECA_REVOCATION_UNKNOWN },
    { "from the future", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, 10, 20, NONCE_COPIED, false, "in the future",
      ECA_REVOCATION_UNKNOWN },
    { "out of date", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, -20, -10, NONCE_COPIED, false, "out of date",
      ECA_REVOCATION_UNKNOWN },
    { "that ends before it begins", NULL, KEY_ISSUING, V_OCSP_CERTSTATUS_GOOD, 4, 3, NONCE_COPIED, false,
      "out of date", ECA_REVOCATION_UNKNOWN },
};

static ASN1_TIME *minutes(long offset)
{
    return ASN1_TIME_adj(NULL, (time_t)NOW, 0, offset * 60);
}

static OCSP_CERTID *name_in(const OCSP_REQUEST *request, bool other)
{
    OCSP_CERTID *name = OCSP_CERTID_dup(OCSP_onereq_get0_id(OCSP_request_onereq_get0((OCSP_REQUEST *)request, 0)));
    ASN1_INTEGER *serial = NULL;

    if (other) {
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, name);
        ASN1_INTEGER_set(serial, 99);
    }
    return name;
}

/* DER of the answer of a row. */
static size_t answer_of(uint8_t **out, size_t row, OCSP_REQUEST *request)
{
    X509 *signer = make_path_certificate(rows[row].signer == NULL ? &issuing : rows[row].signer);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *name = name_in(request, rows[row].other_certificate);
    ASN1_TIME *begins = minutes(rows[row].begins), *since = minutes(-60);
    ASN1_TIME *ends = rows[row].ends == 0 ? NULL : minutes(rows[row].ends);
    OCSP_RESPONSE *response = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    int length;

    assert_non_null(OCSP_basic_add1_status(basic, name, rows[row].status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                           rows[row].status == V_OCSP_CERTSTATUS_REVOKED ? since : NULL, begins, ends));
    if (rows[row].nonce == NONCE_COPIED)
        OCSP_copy_nonce(basic, request);
    else if (rows[row].nonce == NONCE_OTHER)
        OCSP_basic_add1_nonce(basic, (uint8_t *)"another", 7);
    assert_int_equal(EVP_DigestSignInit(context, &key, EVP_sha256(), NULL, make_path_key(rows[row].key)), 1);
    assert_int_equal(OCSP_basic_sign_ctx(basic, signer, context, NULL, 0), 1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *out = NULL;
    length = i2d_OCSP_RESPONSE(response, out);
    OCSP_RESPONSE_free(response);
    EVP_MD_CTX_free(context);
    ASN1_TIME_free(begins);
    ASN1_TIME_free(since);
    ASN1_TIME_free(ends);
    OCSP_CERTID_free(name);
    OCSP_BASICRESP_free(basic);
    X509_free(signer);
    return (size_t)length;
}

static void test_read_rows(void **state)
{
    X509 *issuer = make_path_certificate(&issuing), *leaf = make_path_certificate(&alice);
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        OCSP_REQUEST *request = eca_ocsp_request(leaf, issuer);
        struct eca_ocsp_answer answer = { .next_update = -1 };
        struct eca_error err = { .text = "" };
        uint8_t *der = NULL;
        const size_t length = answer_of(&der, i, request);

        print_message("  %s\n", rows[i].why);
        assert_int_equal(eca_ocsp_read(&answer, der, length, request, leaf, issuer, NOW, &err),
                         rows[i].sentence == NULL);
        if (rows[i].sentence == NULL) {
            assert_int_equal(answer.status, rows[i].said);
            assert_int_equal(answer.next_update, rows[i].ends == 0 ? 0 : NOW + rows[i].ends * 60);
            if (answer.status == ECA_REVOCATION_REVOKED) {
                assert_int_equal(answer.since, NOW - 3600);
                assert_int_equal(answer.why, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
            }
        } else {
            assert_non_null(strstr(err.text, rows[i].sentence));
        }
        OPENSSL_free(der);
        OCSP_REQUEST_free(request);
    }
    X509_free(leaf);
    X509_free(issuer);
}

static void test_read_bytes_that_are_no_answer(void **state)
{
    static const uint8_t try_later[] = { 0x30, 0x03, 0x0a, 0x01, 0x03 };
    X509 *issuer = make_path_certificate(&issuing), *leaf = make_path_certificate(&alice);
    OCSP_REQUEST *request = eca_ocsp_request(leaf, issuer);
    struct eca_ocsp_answer answer;
    struct eca_error err = { .text = "" };
    uint8_t *der = NULL;
    const size_t length = answer_of(&der, 0, request);
    (void)state;

    for (size_t i = 0; i < length; i += i + 16 < length ? 16 : 1) {
        struct eca_error cut = { .text = "" };

        assert_false(eca_ocsp_read(&answer, der, i, request, leaf, issuer, NOW, &cut));
        assert_non_null(strstr(cut.text, "no OCSP"));
    }
    assert_false(eca_ocsp_read(&answer, try_later, sizeof try_later, request, leaf, issuer, NOW, &err));
    assert_non_null(strstr(err.text, "trylater"));
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
    X509_free(leaf);
    X509_free(issuer);
}

static void test_url_rows(void **state)
{
    static const struct {
        const char *why, *access, *url; /* "": none */
    } urls[] = {
        { "http", "OCSP;URI:http://ocsp.example.test/", "http://ocsp.example.test/" },
        { "https is not asked", "OCSP;URI:https://ocsp.example.test/", "" },
        { "the first that can be asked", "OCSP;URI:ldap://x/,OCSP;URI:http://b.test:8080/x", "http://b.test:8080/x" },
        { "where the issuer's certificate is, is something else", "caIssuers;URI:http://pki.example.test/", "" },
        { "no host", "OCSP;URI:http:///x", "" },
        { "a space, which would end a request line", "OCSP;URI:http://b.test/a b", "" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(urls); i++) {
        X509 *leaf = make_path_certificate(&alice);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_info_access, urls[i].access);
        char url[ECA_OCSP_URL_MAX] = "";

        print_message("  %s\n", urls[i].why);
        X509_add_ext(leaf, extension, -1);
        X509_EXTENSION_free(extension);
        assert_int_equal(eca_ocsp_url(url, leaf), urls[i].url[0] != '\0');
        assert_string_equal(url, urls[i].url);
        X509_free(leaf);
    }
}

static void test_key_tells_certificates_and_issuers_apart(void **state)
{
    static const struct recipe strange_alice = { "alice", "Issuing", KEY_LEAF, KEY_STRANGE };
    X509 *issuer = make_path_certificate(&issuing), *other = make_path_certificate(&strange);
    X509 *leaf = make_path_certificate(&alice), *twin = make_path_certificate(&strange_alice);
    uint8_t keys[3][ECA_OCSP_KEY_BYTES];
    (void)state;

    assert_true(eca_ocsp_key(keys[0], leaf, issuer));
    assert_true(eca_ocsp_key(keys[1], twin, other)); /* the same names and serial number, another CA's key */
    ASN1_INTEGER_set(X509_get_serialNumber(leaf), 12);
    assert_true(eca_ocsp_key(keys[2], leaf, issuer));
    assert_memory_not_equal(keys[0], keys[1], sizeof keys[0]);
    assert_memory_not_equal(keys[0], keys[2], sizeof keys[0]);
    X509_free(twin);
    X509_free(leaf);
    X509_free(other);
    X509_free(issuer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_rows),
        cmocka_unit_test(test_read_bytes_that_are_no_answer),
        cmocka_unit_test(test_url_rows),
        cmocka_unit_test(test_key_tells_certificates_and_issuers_apart),
    };
    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
