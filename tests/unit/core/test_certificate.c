/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate.h"

#include "make_certificate.h"
#include "rows.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define ALICE "S-1-5-21-294026126-3378245018-1203103949-1001"
#define BOB "S-1-5-21-294026126-3378245018-1203103949-1002"
#define URI "tag:microsoft.com,2022-09-14:sid:"

/* The type of the name inside a SID extension: 1.3.6.1.4.1.311.25.2.1 */
#define TYPE "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x19\x02\x01"

/* The SID extension of the vectors, byte for byte. */
#define SID_VECTOR \
    "\x30\x3f\xa0\x3d" TYPE "\xa0\x2f\x04\x2d" ALICE

static bool open_with(struct eca_certificate *out, const struct make_certificate *what, struct eca_error *err)
{
    X509 *x509 = make_certificate(what);
    const bool opened = eca_certificate_open(out, x509, err);

    X509_free(x509); /* what was opened holds its own reference */
    return opened;
}

static void test_open_ordinary_certificate_reads_what_it_says(void **state)
{
    static struct make_der der;
    struct make_certificate what = { .serial = "2B0000000011AC0000000012",
                                     .extensions = { { OID_SID, SLICE(SID_VECTOR) },
                                                     { OID_SKI, SLICE("\x04\x03\x01\x02\x03") } } };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    uint8_t digest[32];
    (void)state;

    der.length = 0;
    make_certificate_der(&der, &what);
    assert_true(eca_certificate_open_der(&certificate, make_der_slice(&der), &err));
    SHA256(der.bytes, der.length, digest);
    assert_memory_equal(certificate.sha256, digest, sizeof certificate.sha256);
    SHA1(der.bytes, der.length, digest);
    assert_memory_equal(certificate.sha1, digest, sizeof certificate.sha1);
    assert_int_equal(certificate.serial.length, 12);
    assert_memory_equal(certificate.serial.bytes, "\x2b\0\0\0\0\x11\xac\0\0\0\0\x12", 12);
    assert_true(certificate.serial_positive);
    assert_int_equal(certificate.key_identifier.length, 3);
    assert_memory_equal(certificate.key_identifier.bytes, "\x01\x02\x03", 3);
    assert_string_equal(certificate.sid, ALICE);
    assert_string_equal(certificate.sid_uri, "");
    assert_true(certificate.upn_readable && certificate.sid_uri_readable);
    assert_int_equal(certificate.upn_count, 0);
    assert_null(certificate.alternative_names);
    assert_true(certificate.not_before == 1577836800); /* 2020-01-01T00:00:00Z */
    assert_true(certificate.not_after == 2208988800);  /* 2040-01-01T00:00:00Z */
    eca_certificate_close(&certificate);
    eca_certificate_close(&certificate);
}

/* The bits of the BIT STRING, found by hand: for P-256 the 65 bytes of the point at the end of the SPKI. */
static void test_open_public_key_digest_is_of_the_bits_alone(void **state)
{
    const struct make_certificate what = { .serial = "1" };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    unsigned char *spki = NULL;
    uint8_t digest[20];
    int length;
    (void)state;

    assert_true(open_with(&certificate, &what, &err));
    length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.x509), &spki);
    assert_true(length > 65);
    assert_int_equal(spki[length - 65], 4);
    SHA1(spki + length - 65, 65, digest);
    assert_memory_equal(certificate.public_key_sha1, digest, sizeof digest);
    OPENSSL_free(spki);
    eca_certificate_close(&certificate);
}

static void test_open_serials_keep_magnitude_and_sign(void **state)
{
    static const struct {
        const char *why;
        const char *serial;
        struct eca_slice magnitude;
        bool positive;
    } rows[] = {
        { "one byte", "12", SLICE("\x12"), true },
        { "DER adds a sign byte", "8F01", SLICE("\x8f\x01"), true },
        { "zero", "0", SLICE("\0"), false },
        { "negative", "-12", SLICE("\x12"), false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = { .serial = rows[i].serial };
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };

        static struct make_der der;

        SAY_WHY(&rows[i]);
        der.length = 0;
        make_certificate_der(&der, &what);
        assert_true(eca_certificate_open_der(&certificate, make_der_slice(&der), &err));
        assert_int_equal(certificate.serial_positive, rows[i].positive);
        if (rows[i].positive)
            assert_true(eca_slice_equal(certificate.serial, rows[i].magnitude));
        eca_certificate_close(&certificate);
    }
}

static void test_open_sid_extension_is_read_exactly_or_refused(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice content;
        const char *sid; /* NULL: malformed */
    } rows[] = {
        { "as AD's CA writes it", SLICE(SID_VECTOR), ALICE },
        { "a short SID", SLICE("\x30\x1a\xa0\x18" TYPE "\xa0\x0a\x04\x08S-1-5-18"),
          "S-1-5-18" },
        { "empty", SLICE(""), NULL },
        { "an empty SEQUENCE", SLICE("\x30\x00"), NULL },
        { "a byte behind", SLICE(SID_VECTOR "\0"), NULL },
        { "no SID inside", SLICE("\x30\x1a\xa0\x18" TYPE "\xa0\x0a\x04\x08S-1-5-1x"), NULL },
        { "an empty string", SLICE("\x30\x12\xa0\x10" TYPE "\xa0\x02\x04\x00"), NULL },
        { "NUL at the end of the SID", SLICE("\x30\x1b\xa0\x19" TYPE "\xa0\x0b\x04\x09S-1-5-18\0"), NULL },
        { "a UTF8String", SLICE("\x30\x1a\xa0\x18" TYPE "\xa0\x0a\x0c\x08S-1-5-18"), NULL },
        { "another type of name",
          SLICE("\x30\x1a\xa0\x18\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x19\x02\x02\xa0\x0a\x04\x08S-1-5-18"), NULL },
        { "two names: which one would count?", SLICE("\x30\x34\xa0\x18" TYPE "\xa0\x0a\x04\x08S-1-5-18"
          "\xa0\x18" TYPE "\xa0\x0a\x04\x08S-1-5-19"), NULL },
        { "something behind the value of the name", SLICE("\x30\x1c\xa0\x1a" TYPE "\xa0\x0a\x04\x08S-1-5-18"
          "\x05\x00"), NULL },
        { "something behind the string", SLICE("\x30\x1c\xa0\x1a" TYPE "\xa0\x0c\x04\x08S-1-5-18"
          "\x05\x00"), NULL },
        { "a length that is not the shortest", SLICE("\x30\x1b\xa0\x19" TYPE "\xa0\x0b\x04\x81\x08S-1-5-18"), NULL },
        { "cut", SLICE("\x30\x3f\xa0\x3d" TYPE "\xa0\x2f\x04\x2dS-1-5"), NULL },
        { "the SID in binary", SLICE("\x30\x1e\xa0\x1c" TYPE "\xa0\x0e\x04\x0c"
          "\x01\x01\0\0\0\0\0\x05\x12\0\0\0"), NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = { .extensions = { { OID_SID, rows[i].content } } };
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_int_equal(open_with(&certificate, &what, &err), rows[i].sid != NULL);
        if (rows[i].sid != NULL)
            assert_string_equal(certificate.sid, rows[i].sid);
        else
            assert_non_null(strstr(err.text, "SID extension"));
        eca_certificate_close(&certificate);
    }
}

static void test_open_duplicate_extensions_are_refused(void **state)
{
    static const struct {
        const char *why;
        const char *first, *second, *third;
        bool opened;
        const char *named;
    } rows[] = {
        { "three different ones", OID_SID, OID_SAN, OID_SKI, true, "" },
        { "two SIDs: whose certificate would it be?", OID_SID, OID_SID, OID_SKI, false, OID_SID },
        { "two subjectAltNames, another one between", OID_SAN, OID_SKI, OID_SAN, false, "2.5.29.17" },
        { "any other: RFC 5280 4.2 allows none twice", OID_SKI, OID_SID, OID_SKI, false, "2.5.29.14" },
        { "one that nobody knows", "1.3.6.1.4.1.99999.1", OID_SID, "1.3.6.1.4.1.99999.1", false,
          "1.3.6.1.4.1.99999.1" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *oids[] = { rows[i].first, rows[i].second, rows[i].third };
        struct make_certificate what = { .serial = "1" };
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        for (size_t j = 0; j < COUNT(oids); j++) {
            what.extensions[j].oid = oids[j];
            what.extensions[j].content = strcmp(oids[j], OID_SID) == 0 ? (struct eca_slice)SLICE(SID_VECTOR)
                : strcmp(oids[j], OID_SAN) == 0                        ? (struct eca_slice)SLICE("\x30\x00")
                                                                       : (struct eca_slice)SLICE("\x04\x01\x01");
        }
        assert_int_equal(open_with(&certificate, &what, &err), rows[i].opened);
        assert_non_null(strstr(err.text, rows[i].named));
        eca_certificate_close(&certificate);
    }
}

static void test_open_more_extensions_than_anybody_needs_is_refused(void **state)
{
    static char oids[ECA_CERTIFICATE_EXTENSIONS_MAX + 1][32];
    struct make_certificate what = { .serial = "1" };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    (void)state;

    for (size_t i = 0; i < COUNT(oids); i++) {
        (void)snprintf(oids[i], sizeof oids[i], "1.3.6.1.4.1.99999.%zu", i);
        what.extensions[i] = (struct make_extension){ oids[i], SLICE("\x05\x00") };
    }
    assert_false(open_with(&certificate, &what, &err));
    assert_non_null(strstr(err.text, "extensions"));
    what.extensions[ECA_CERTIFICATE_EXTENSIONS_MAX].oid = NULL;
    assert_true(open_with(&certificate, &what, &(struct eca_error){ .text = "" }));
    eca_certificate_close(&certificate);
}

static void test_open_key_identifier_only_its_own_octets(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice content;
        struct eca_slice identifier;
    } rows[] = {
        { "one byte", SLICE("\x04\x01\xff"), SLICE("\xff") },
        { "empty is none", SLICE("\x04\x00"), { NULL, 0 } },
        { "a byte behind: cannot be read, so none", SLICE("\x04\x01\xff\x00"), { NULL, 0 } },
        { "another type", SLICE("\x03\x02\x00\xff"), { NULL, 0 } },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = { .extensions = { { OID_SKI, rows[i].content } } };
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_true(open_with(&certificate, &what, &err));
        assert_true(eca_slice_equal(certificate.key_identifier, rows[i].identifier));
        eca_certificate_close(&certificate);
    }
}

static void test_open_upns_are_utf8strings_of_the_right_type(void **state)
{
    static const struct {
        const char *why;
        const char *oid;
        uint8_t tag;
        struct eca_slice value;
        size_t count;
        bool readable;
    } rows[] = {
        { "a UPN", OID_UPN, V_ASN1_UTF8STRING, SLICE("alice@example.test"), 1, true },
        { "with a NUL: read as it is, judged as a key", OID_UPN, V_ASN1_UTF8STRING, SLICE("alice\0@x"), 1, true },
        { "empty: the same", OID_UPN, V_ASN1_UTF8STRING, SLICE(""), 1, true },
        { "an IA5String", OID_UPN, V_ASN1_IA5STRING, SLICE("alice@example.test"), 0, false },
        { "a BMPString", OID_UPN, V_ASN1_BMPSTRING, SLICE("\0a"), 0, false },
        { "an OCTET STRING", OID_UPN, V_ASN1_OCTET_STRING, SLICE("alice"), 0, false },
        { "another name's type", "1.3.6.1.4.1.311.20.2.4", V_ASN1_IA5STRING, SLICE("x"), 0, true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der names;
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };
        X509 *x509;

        SAY_WHY(&rows[i]);
        names.length = 0;
        make_der_other_name(&names, rows[i].oid, rows[i].tag, rows[i].value);
        x509 = make_certificate_with_names(make_der_slice(&names));
        assert_true(eca_certificate_open(&certificate, x509, &err));
        assert_int_equal(certificate.upn_count, rows[i].count);
        assert_int_equal(certificate.upn_readable, rows[i].readable);
        if (rows[i].count > 0)
            assert_true(eca_slice_equal(certificate.upns[0], rows[i].value));
        eca_certificate_close(&certificate);
        X509_free(x509);
    }
}

static void test_open_more_upns_than_looked_at_are_not_readable(void **state)
{
    static struct make_der names;
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    (void)state;

    for (size_t i = 0; i <= ECA_CERTIFICATE_NAMES_MAX; i++) {
        X509 *x509;

        make_der_other_name(&names, OID_UPN, V_ASN1_UTF8STRING, (struct eca_slice)SLICE("alice@example.test"));
        x509 = make_certificate_with_names(make_der_slice(&names));
        assert_true(eca_certificate_open(&certificate, x509, &err));
        assert_int_equal(certificate.upn_readable, i < ECA_CERTIFICATE_NAMES_MAX);
        eca_certificate_close(&certificate);
        X509_free(x509);
    }
}

static void test_open_sid_uris_are_read_or_reported(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice first, second;
        const char *sid_uri; /* NULL: not readable */
    } rows[] = {
        { "one", SLICE(URI ALICE), { NULL, 0 }, ALICE },
        { "the same twice", SLICE(URI ALICE), SLICE(URI ALICE), ALICE },
        { "others around", SLICE("https://example.test/"), SLICE(URI ALICE), ALICE },
        { "none", SLICE("https://example.test/"), { NULL, 0 }, "" },
        { "another date is another tag (RFC 4151)", SLICE("tag:microsoft.com,2022-09-15:sid:" ALICE), { NULL, 0 },
          "" },
        { "two that disagree", SLICE(URI ALICE), SLICE(URI BOB), NULL },
        { "no SID behind", SLICE(URI), { NULL, 0 }, NULL },
        { "something behind", SLICE(URI ALICE "?x"), { NULL, 0 }, NULL },
        { "NUL behind", SLICE(URI ALICE "\0"), { NULL, 0 }, NULL },
        { "a good one and a bad one", SLICE(URI ALICE), SLICE(URI "x"), NULL },
        { "shorter than the prefix", SLICE("tag:microsoft.com"), { NULL, 0 }, "" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der names;
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };
        X509 *x509;

        SAY_WHY(&rows[i]);
        names.length = 0;
        make_der_uri(&names, rows[i].first);
        if (rows[i].second.bytes != NULL)
            make_der_uri(&names, rows[i].second);
        x509 = make_certificate_with_names(make_der_slice(&names));
        assert_true(eca_certificate_open(&certificate, x509, &err));
        assert_int_equal(certificate.sid_uri_readable, rows[i].sid_uri != NULL);
        if (rows[i].sid_uri != NULL)
            assert_string_equal(certificate.sid_uri, rows[i].sid_uri);
        eca_certificate_close(&certificate);
        X509_free(x509);
    }
}

static void test_open_unreadable_alternative_names_are_refused(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice content;
        bool opened;
    } rows[] = {
        { "one DNS name", SLICE("\x30\x03\x82\x01x"), true },
        { "a byte behind", SLICE("\x30\x03\x82\x01x\x00"), false },
        { "cut", SLICE("\x30\x03\x82\x02x"), false },
        { "no SEQUENCE", SLICE("\x04\x01x"), false },
        { "nothing at all", SLICE(""), false },
        { "an otherName without a value", SLICE("\x30\x05\xa0\x03\x06\x01\x2a"), false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = { .extensions = { { OID_SAN, rows[i].content } } };
        struct eca_certificate certificate;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_int_equal(open_with(&certificate, &what, &err), rows[i].opened);
        if (!rows[i].opened)
            assert_non_null(strstr(err.text, "subjectAltName"));
        eca_certificate_close(&certificate);
    }
}

static void test_open_unreadable_dates_are_refused(void **state)
{
    X509 *x509 = make_certificate(&(struct make_certificate){ .serial = "1" });
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    (void)state;

    assert_int_equal(ASN1_STRING_set(X509_getm_notAfter(x509), "20401301000000Z", -1), 1);
    assert_false(eca_certificate_open(&certificate, x509, &err));
    assert_non_null(strstr(err.text, "notAfter"));
    X509_free(x509);
}

static void test_open_der_anything_but_one_certificate_is_refused(void **state)
{
    static struct make_der der;
    static uint8_t zeros[ECA_CERTIFICATE_DER_MAX + 1];
    const struct make_certificate what = { .serial = "1" };
    struct eca_certificate certificate;
    struct eca_slice bytes;
    struct eca_error err;
    (void)state;

    der.length = 0;
    make_certificate_der(&der, &what);
    for (size_t length = 0; length < der.length; length++) {
        err.text[0] = '\0';
        bytes = (struct eca_slice){ der.bytes, length };
        assert_false(eca_certificate_open_der(&certificate, bytes, &err));
        assert_null(certificate.x509);
    }
    make_der_append(&der, (struct eca_slice)SLICE("\0"));
    err.text[0] = '\0';
    assert_false(eca_certificate_open_der(&certificate, make_der_slice(&der), &err));
    assert_non_null(strstr(err.text, "bytes follow"));
    err.text[0] = '\0';
    bytes = (struct eca_slice){ zeros, sizeof zeros };
    assert_false(eca_certificate_open_der(&certificate, bytes, &err));
    assert_non_null(strstr(err.text, "longer"));
}

static void test_open_longer_than_the_bound_is_refused(void **state)
{
    static uint8_t content[ECA_CERTIFICATE_DER_MAX - 1000];
    struct make_certificate what = { .extensions = { { "1.3.6.1.4.1.99999.1", { content, sizeof content } } } };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    (void)state;

    assert_true(open_with(&certificate, &what, &err));
    eca_certificate_close(&certificate);
    what.extensions[1] = (struct make_extension){ "1.3.6.1.4.1.99999.2", { content, 1000 } };
    assert_false(open_with(&certificate, &what, &err));
    assert_non_null(strstr(err.text, "longer"));
}

/* mod_ssl takes what it finds in the queue for the failure of its own connection. */
static void test_open_failures_leave_the_error_queue_alone(void **state)
{
    const struct make_certificate what = { .extensions = { { OID_SAN, SLICE("\x30\x03\x82\x02x") } } };
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    const struct eca_slice garbage = SLICE("garbage");
    (void)state;

    ERR_clear_error();
    assert_false(open_with(&certificate, &what, &err));
    assert_false(eca_certificate_open_der(&certificate, garbage, &err));
    assert_int_equal(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 1);
    assert_false(eca_certificate_open_der(&certificate, garbage, &err));
    assert_int_equal(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_close_zeroed_struct_is_harmless(void **state)
{
    struct eca_certificate certificate;
    (void)state;

    memset(&certificate, 0, sizeof certificate);
    eca_certificate_close(&certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_ordinary_certificate_reads_what_it_says),
        cmocka_unit_test(test_open_public_key_digest_is_of_the_bits_alone),
        cmocka_unit_test(test_open_serials_keep_magnitude_and_sign),
        cmocka_unit_test(test_open_sid_extension_is_read_exactly_or_refused),
        cmocka_unit_test(test_open_duplicate_extensions_are_refused),
        cmocka_unit_test(test_open_more_extensions_than_anybody_needs_is_refused),
        cmocka_unit_test(test_open_key_identifier_only_its_own_octets),
        cmocka_unit_test(test_open_upns_are_utf8strings_of_the_right_type),
        cmocka_unit_test(test_open_more_upns_than_looked_at_are_not_readable),
        cmocka_unit_test(test_open_sid_uris_are_read_or_reported),
        cmocka_unit_test(test_open_unreadable_alternative_names_are_refused),
        cmocka_unit_test(test_open_unreadable_dates_are_refused),
        cmocka_unit_test(test_open_der_anything_but_one_certificate_is_refused),
        cmocka_unit_test(test_open_longer_than_the_bound_is_refused),
        cmocka_unit_test(test_open_failures_leave_the_error_queue_alone),
        cmocka_unit_test(test_close_zeroed_struct_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
