/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates from scratch, one a row, and the values that the specifications give for them (MS-PKCA 3.1.5.2.1,
 * KB5014754, MS-ADTS, the strings Windows' own tools print): written by hand, never taken from the code's output.
 */
#include "mapping.h"

#include "make_certificate.h"
#include "rows.h"

#include <openssl/evp.h>
#include <string.h>

#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING
#define IA5 V_ASN1_IA5STRING
#define OID_C "2.5.4.6"
#define OID_ST "2.5.4.8"
#define OID_OU "2.5.4.11"
#define OID_UID "0.9.2342.19200300.100.1.1"
#define OID_EMAIL "1.2.840.113549.1.9.1"
#define OID_GIVEN "2.5.4.42"
#define OID_SURNAME "2.5.4.4"
#define OID_ORGID "2.5.4.97"
#define URI "tag:microsoft.com,2022-09-14:sid:"
#define ALICE "S-1-5-21-294026126-3378245018-1203103949-1001"
#define BOB "S-1-5-21-294026126-3378245018-1203103949-1002"

#define PARTS_MAX 6
#define VALUES_MAX 3

enum general { NO_NAME, UPN, EMAIL, URL };

struct row {
    const char *why;
    enum eca_mapping_kind kind; /* the only one configured, but for sid-uri where `uri_counts` */
    struct make_name_part issuer[PARTS_MAX], subject[PARTS_MAX];
    const char *serial;
    const char *sid; /* of the extension */
    struct eca_slice ski;
    struct {
        enum general type;
        struct eca_slice value;
    } names[4];
    bool uri_counts;
    bool refused;
    const char *values[VALUES_MAX]; /* expected, in order */
};

#define PART(oid, tag, value) { oid, tag, SLICE(value), false }
#define JOINED(oid, tag, value) { oid, tag, SLICE(value), true }
#define CN(value) PART(OID_CN, UTF8, value)
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A256 A64 A64 A64 A64

static const struct row rows[] = {
    /* issuer-serial: names */
    { "KB5014754's example", ECA_MAPPING_ISSUER_SERIAL, .serial = "2B0000000011AC0000000012",
      .issuer = { PART(OID_DC, IA5, "com"), PART(OID_DC, IA5, "contoso"), PART(OID_CN, PRINTABLE, "CONTOSO-DC-CA") },
      .values = { "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000ac11000000002b" } },
    { "AD CS with a two-label domain", ECA_MAPPING_ISSUER_SERIAL, .serial = "72000000022AEE66083DB1FC3A000000000002",
      .issuer = { PART(OID_DC, IA5, "vm"), PART(OID_DC, IA5, "ad"), CN("ad-ROOT-DC-CA") },
      .values = { "X509:<I>DC=vm,DC=ad,CN=ad-ROOT-DC-CA<SR>0200000000003afcb13d0866ee2a0200000072" } },
    { "Estonia: an OID that Windows has no name for", ECA_MAPPING_ISSUER_SERIAL,
      .serial = "4DA61CE60D7207915E8465A538EE5889",
      .issuer = { PART(OID_C, PRINTABLE, "EE"), PART(OID_O, UTF8, "SK ID Solutions AS"),
                  PART(OID_ORGID, UTF8, "NTREE-10747013"), CN("ESTEID2018") },
      .values = { "X509:<I>C=EE,O=SK ID Solutions AS,OID.2.5.4.97=NTREE-10747013,CN=ESTEID2018"
                  "<SR>8958ee38a565845e9107720de61ca64d" } },
    { "comma and quotes", ECA_MAPPING_ISSUER_SERIAL, .issuer = { PART(OID_O, UTF8, "Acme, Inc. \"X\"") },
      .values = { "X509:<I>O=\"Acme, Inc. \"\"X\"\"\"<SR>01" } },
    { "plus", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a+b") }, .values = { "X509:<I>CN=\"a+b\"<SR>01" } },
    { "equals sign", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a=b") }, .values = { "X509:<I>CN=\"a=b\"<SR>01" } },
    { "number sign", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("#1") }, .values = { "X509:<I>CN=\"#1\"<SR>01" } },
    { "semicolon", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a;b") }, .values = { "X509:<I>CN=\"a;b\"<SR>01" } },
    { "<SR> inside a CN stays inside its quotes", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("x<SR>02") },
      .values = { "X509:<I>CN=\"x<SR>02\"<SR>01" } },
    { "backslash escapes nothing", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a\\b") },
      .values = { "X509:<I>CN=a\\b<SR>01" } },
    { "space at the beginning", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN(" a") },
      .values = { "X509:<I>CN=\" a\"<SR>01" } },
    { "space at the end", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a ") },
      .values = { "X509:<I>CN=\"a \"<SR>01" } },
    { "spaces inside are as they are", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a  b") },
      .values = { "X509:<I>CN=a  b<SR>01" } },
    { "empty value", ECA_MAPPING_ISSUER_SERIAL, .issuer = { PART(OID_O, UTF8, ""), CN("x") },
      .values = { "X509:<I>O=\"\",CN=x<SR>01" } },
    { "two parts of one RDN: a space, in the order encoded", ECA_MAPPING_ISSUER_SERIAL,
      .issuer = { PART(OID_O, UTF8, "a"), CN("JANE DOE"), JOINED(OID_UID, UTF8, "47001003151020") },
      .values = { "X509:<I>O=a,CN=JANE DOE OID.0.9.2342.19200300.100.1.1=47001003151020<SR>01" } },
    { "S, not ST; E, not emailAddress; G, not GN", ECA_MAPPING_ISSUER_SERIAL,
      .issuer = { PART(OID_ST, UTF8, "BY"), PART(OID_EMAIL, IA5, "ca@x"), PART(OID_GIVEN, UTF8, "g"),
                  PART(OID_SURNAME, UTF8, "s") },
      .values = { "X509:<I>S=BY,E=ca@x,G=g,SN=s<SR>01" } },
    { "UTF-8 as it is", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("\xc5\x81ukasz") },
      .values = { "X509:<I>CN=\xc5\x81ukasz<SR>01" } },
    { "BMPString is UTF-16", ECA_MAPPING_ISSUER_SERIAL, .issuer = { PART(OID_CN, V_ASN1_BMPSTRING, "\x01\x41\0u") },
      .values = { "X509:<I>CN=\xc5\x81u<SR>01" } },
    { "UniversalString is UTF-32", ECA_MAPPING_ISSUER_SERIAL,
      .issuer = { PART(OID_CN, V_ASN1_UNIVERSALSTRING, "\0\0\x01\x41") }, .values = { "X509:<I>CN=\xc5\x81<SR>01" } },
    { "T61String that is UTF-8", ECA_MAPPING_ISSUER_SERIAL,
      .issuer = { PART(OID_CN, V_ASN1_T61STRING, "\xc3\xa9") }, .values = { "X509:<I>CN=\xc3\xa9<SR>01" } },
    { "T61String that is Latin-1", ECA_MAPPING_ISSUER_SERIAL, .issuer = { PART(OID_CN, V_ASN1_T61STRING, "\xe9") },
      .values = { "X509:<I>CN=\xc3\xa9<SR>01" } },
    { "a BIT STRING: # and its TLV", ECA_MAPPING_ISSUER_SERIAL,
      .issuer = { PART(OID_CN, V_ASN1_BIT_STRING, "\0\xab") }, .values = { "X509:<I>CN=#030200AB<SR>01" } },
    { "line feed in a name: no key by name", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a\nb") } },
    { "carriage return in a name", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a\rb") } },
    { "NUL in a name", ECA_MAPPING_ISSUER_SERIAL, .issuer = { CN("a\0b") }, .refused = true },
    /* libcrypto reads no certificate with invalid UTF-8 or half a surrogate pair in a name. */
    /* issuer-serial: serials */
    { "leading zero bytes belong to a serial of whole bytes", ECA_MAPPING_ISSUER_SERIAL, .serial = "0102",
      .values = { "X509:<I>CN=Test CA<SR>0201" } },
    { "twenty bytes", ECA_MAPPING_ISSUER_SERIAL, .serial = "0102030405060708090A0B0C0D0E0F1011121314",
      .values = { "X509:<I>CN=Test CA<SR>14131211100f0e0d0c0b0a090807060504030201" } },
    { "a sign byte: with and without it", ECA_MAPPING_ISSUER_SERIAL, .serial = "FF01",
      .values = { "X509:<I>CN=Test CA<SR>01ff", "X509:<I>CN=Test CA<SR>01ff00" } },
    { "zero is no serial", ECA_MAPPING_ISSUER_SERIAL, .serial = "0" },
    { "negative is none either", ECA_MAPPING_ISSUER_SERIAL, .serial = "-5" },
    /* ski */
    { "the usual twenty bytes", ECA_MAPPING_SKI,
      .ski = SLICE("\x04\x14\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"),
      .values = { "X509:<SKI>0102030405060708090a0b0c0d0e0f1011121314" } },
    { "any length", ECA_MAPPING_SKI, .ski = SLICE("\x04\x02\xab\xcd"), .values = { "X509:<SKI>abcd" } },
    { "absent: never computed", ECA_MAPPING_SKI },
    { "empty", ECA_MAPPING_SKI, .ski = SLICE("\x04\x00") },
    { "something behind it", ECA_MAPPING_SKI, .ski = SLICE("\x04\x01\x01\x00") },
    /* issuer-sid */
    { "of the extension", ECA_MAPPING_ISSUER_SID, .sid = ALICE, .values = { "X509:<I>CN=Test CA<SID>" ALICE } },
    { "without a SID", ECA_MAPPING_ISSUER_SID },
    { "a URI that does not count", ECA_MAPPING_ISSUER_SID, .names = { { URL, SLICE(URI ALICE) } } },
    { "a URI that counts", ECA_MAPPING_ISSUER_SID, .names = { { URL, SLICE(URI ALICE) } }, .uri_counts = true,
      .values = { "X509:<I>CN=Test CA<SID>" ALICE } },
    { "extension and URI disagree", ECA_MAPPING_ISSUER_SID, .sid = ALICE, .names = { { URL, SLICE(URI BOB) } },
      .uri_counts = true, .refused = true },
    /* upn */
    { "an ordinary one", ECA_MAPPING_UPN, .names = { { UPN, SLICE("alice@example.test") } },
      .values = { "alice@example.test" } },
    { "the same twice", ECA_MAPPING_UPN, .names = { { UPN, SLICE("a@b") }, { UPN, SLICE("A@B") } },
      .values = { "a@b" } },
    { "two people", ECA_MAPPING_UPN, .names = { { UPN, SLICE("a@b") }, { UPN, SLICE("c@b") } }, .refused = true },
    { "a NUL", ECA_MAPPING_UPN, .names = { { UPN, SLICE("bob\0@b") } }, .refused = true },
    { "filter syntax is a value like any other", ECA_MAPPING_UPN, .names = { { UPN, SLICE("a*)(objectClass=*") } },
      .values = { "a*)(objectClass=*" } },
    { "empty", ECA_MAPPING_UPN, .names = { { UPN, SLICE("") } }, .refused = true },
    { "1024 bytes", ECA_MAPPING_UPN, .names = { { UPN, SLICE(A256 A256 A256 A256) } },
      .values = { A256 A256 A256 A256 } },
    { "1025 bytes", ECA_MAPPING_UPN, .names = { { UPN, SLICE(A256 A256 A256 A256 "a") } }, .refused = true },
    /* email and rfc822 */
    { "every address", ECA_MAPPING_EMAIL, .names = { { EMAIL, SLICE("a@x") }, { UPN, SLICE("u@x") },
      { EMAIL, SLICE("b@x") } }, .values = { "a@x", "b@x" } },
    { "the address in the subject is not the SAN's", ECA_MAPPING_EMAIL,
      .subject = { PART(OID_EMAIL, IA5, "a@x") } },
    { "256 bytes", ECA_MAPPING_EMAIL, .names = { { EMAIL, SLICE(A256) } }, .values = { A256 } },
    { "257 bytes", ECA_MAPPING_EMAIL, .names = { { EMAIL, SLICE(A256 "a") } }, .refused = true },
    { "a NUL in the second", ECA_MAPPING_EMAIL, .names = { { EMAIL, SLICE("a@x") }, { EMAIL, SLICE("b\0@x") } },
      .refused = true },
    { "empty", ECA_MAPPING_EMAIL, .names = { { EMAIL, SLICE("") } }, .refused = true },
    { "every address, as altSecurityIdentities", ECA_MAPPING_RFC822,
      .names = { { EMAIL, SLICE("a@x") }, { EMAIL, SLICE("b@x") } },
      .values = { "X509:<RFC822>a@x", "X509:<RFC822>b@x" } },
    { "a line feed", ECA_MAPPING_RFC822, .names = { { EMAIL, SLICE("a@x\n") } }, .refused = true },
    { "no address", ECA_MAPPING_RFC822, .names = { { UPN, SLICE("a@x") } } },
    /* cn */
    { "the last CN is the person", ECA_MAPPING_CN, .subject = { CN("Users"), CN("alice") }, .values = { "alice" } },
    { "a CN before an OU", ECA_MAPPING_CN, .subject = { CN("alice"), PART(OID_OU, UTF8, "x") },
      .values = { "alice" } },
    { "no quotes: it is no name of a name", ECA_MAPPING_CN, .subject = { CN("a,b") }, .values = { "a,b" } },
    { "64 bytes", ECA_MAPPING_CN, .subject = { CN(A64) }, .values = { A64 } },
    { "65 bytes", ECA_MAPPING_CN, .subject = { CN(A64 "a") }, .refused = true },
    { "a NUL behind another's name", ECA_MAPPING_CN, .subject = { CN("bob\0") }, .refused = true },
    { "empty", ECA_MAPPING_CN, .subject = { CN("") }, .refused = true },
    { "BMPString", ECA_MAPPING_CN, .subject = { PART(OID_CN, V_ASN1_BMPSTRING, "\0b\0o\0b") }, .values = { "bob" } },
    { "no text", ECA_MAPPING_CN, .subject = { PART(OID_CN, V_ASN1_BIT_STRING, "\0x") }, .refused = true },
    { "no CN", ECA_MAPPING_CN, .subject = { PART(OID_OU, UTF8, "x") } },
    /* issuer-subject and subject */
    { "as Windows' own tool wrote it", ECA_MAPPING_ISSUER_SUBJECT,
      .issuer = { PART(OID_O, UTF8, "Red Hat"), PART(OID_OU, UTF8, "prod"), CN("Certificate Authority") },
      .subject = { PART(OID_DC, IA5, "com"), PART(OID_DC, IA5, "redhat"), PART(OID_OU, UTF8, "users"),
                   PART(OID_UID, UTF8, "sbose"), PART(OID_EMAIL, IA5, "sbose@redhat.com"),
                   CN("Sumit Bose Sumit Bose") },
      .values = { "X509:<I>O=Red Hat,OU=prod,CN=Certificate Authority<S>DC=com,DC=redhat,OU=users,"
                  "OID.0.9.2342.19200300.100.1.1=sbose,E=sbose@redhat.com,CN=Sumit Bose Sumit Bose" } },
    { "an empty subject makes none", ECA_MAPPING_ISSUER_SUBJECT },
    { "<S> inside the issuer stays inside its quotes", ECA_MAPPING_ISSUER_SUBJECT, .issuer = { CN("x<S>CN=bob") },
      .subject = { CN("a") }, .values = { "X509:<I>CN=\"x<S>CN=bob\"<S>CN=a" } },
    { "the subject alone", ECA_MAPPING_SUBJECT, .subject = { PART(OID_O, UTF8, "x"), CN("a") },
      .values = { "X509:<S>O=x,CN=a" } },
    { "an empty subject", ECA_MAPPING_SUBJECT },
    { "<I> inside the subject", ECA_MAPPING_SUBJECT, .subject = { CN("<I>CN=CA") },
      .values = { "X509:<S>CN=\"<I>CN=CA\"" } },
    { "a line feed in the subject", ECA_MAPPING_SUBJECT, .subject = { CN("a\n") } },
    { "DEL in the subject", ECA_MAPPING_SUBJECT, .subject = { CN("a\x7f") }, .refused = true },
};

static size_t count_parts(const struct make_name_part *parts)
{
    size_t count = 0;

    while (count < PARTS_MAX && parts[count].oid != NULL)
        count++;
    return count;
}

/* The extensions of a row; `memory` holds their content. */
static void add_extensions(struct make_certificate *what, const struct row *row, struct make_der memory[3])
{
    size_t count = 0;

    memory[0].length = memory[1].length = memory[2].length = 0;
    for (size_t i = 0; i < COUNT(row->names); i++) {
        if (row->names[i].type == UPN)
            make_der_other_name(&memory[0], OID_UPN, UTF8, row->names[i].value);
        else if (row->names[i].type == EMAIL)
            make_der_email(&memory[0], row->names[i].value);
        else if (row->names[i].type == URL)
            make_der_uri(&memory[0], row->names[i].value);
    }
    if (memory[0].length > 0) {
        make_der_element(&memory[1], 0x30, make_der_slice(&memory[0]));
        what->extensions[count++] = (struct make_extension){ OID_SAN, make_der_slice(&memory[1]) };
    }
    if (row->sid != NULL) {
        make_der_sid_extension(&memory[2], eca_slice_from_text(row->sid));
        what->extensions[count++] = (struct make_extension){ OID_SID, make_der_slice(&memory[2]) };
    }
    if (row->ski.bytes != NULL)
        what->extensions[count++] = (struct make_extension){ OID_SKI, row->ski };
}

static X509 *make(const struct row *row)
{
    static struct make_der memory[3];
    struct make_certificate what = {
        .issuer = row->issuer[0].oid != NULL ? row->issuer : NULL,
        .issuer_count = count_parts(row->issuer),
        .subject = row->subject,
        .subject_count = count_parts(row->subject),
        .serial = row->serial,
    };

    add_extensions(&what, row, memory);
    return make_certificate(&what);
}

static bool build(struct eca_mapping_keys *keys, X509 *x509, const struct eca_mapping_policy *policy)
{
    struct eca_certificate certificate;
    struct eca_error err = { .text = "" };
    bool built;

    assert_true(eca_certificate_open(&certificate, x509, &err));
    built = eca_mapping_keys_build(keys, &certificate, policy, &err);
    assert_int_equal(err.text[0] != '\0', !built);
    eca_certificate_close(&certificate);
    return built;
}

static void assert_values(const struct eca_mapping_keys *keys, const struct row *row)
{
    size_t expected = 0;

    for (size_t i = 0; i < keys->count; i++) {
        const struct eca_mapping_key *key = &keys->keys[i];

        if (key->kind != row->kind || !key->configured)
            continue;
        assert_true(expected < VALUES_MAX && row->values[expected] != NULL);
        assert_int_equal(key->value.length, strlen(row->values[expected]));
        assert_memory_equal(key->value.bytes, row->values[expected], key->value.length);
        expected++;
    }
    assert_true(expected == VALUES_MAX || row->values[expected] == NULL);
}

static void test_build_each_certificate_yields_what_windows_stores(void **state)
{
    (void)state;

    assert_true(COUNT(rows) >= 60);
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct eca_mapping_keys keys;
        struct eca_mapping_policy policy = { .count = 0 };
        X509 *x509 = NULL;

        SAY_WHY(&rows[i]);
        x509 = make(&rows[i]);
        if (rows[i].uri_counts)
            assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_SID_URI));
        assert_true(eca_mapping_policy_add(&policy, rows[i].kind));
        assert_int_equal(build(&keys, x509, &policy), !rows[i].refused);
        assert_values(&keys, &rows[i]);
        X509_free(x509);
    }
}

/* What a row refuses when its weak kind is configured is no key, and no error, when it is not. */
static void test_build_weak_kind_not_configured_never_refuses(void **state)
{
    struct eca_mapping_policy policy = { .count = 0 };
    (void)state;

    assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_SKI));
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct eca_mapping_keys keys;
        X509 *x509 = NULL;

        if (eca_mapping_describe(rows[i].kind)->strong)
            continue;
        SAY_WHY(&rows[i]);
        x509 = make(&rows[i]);
        assert_true(build(&keys, x509, &policy));
        for (size_t key = 0; key < keys.count; key++) {
            assert_true(keys.keys[key].configured == (keys.keys[key].kind == ECA_MAPPING_SKI));
            assert_true(keys.keys[key].kind != rows[i].kind || rows[i].values[0] != NULL);
        }
        X509_free(x509);
    }
}

/* The two digests, made here by libcrypto alone. */
static void test_build_digests_are_those_of_certificate_and_key(void **state)
{
    static const struct row row = { .subject = { CN("alice") } };
    static struct eca_mapping_keys keys;
    struct eca_mapping_policy policy = { .count = 0 };
    X509 *x509 = make(&row);
    unsigned char *der = NULL;
    const int length = i2d_X509(x509, &der);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x509);
    uint8_t sha256[32], sha1[2][20];
    (void)state;

    assert_int_equal(EVP_Digest(der, (size_t)length, sha256, NULL, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_Digest(der, (size_t)length, sha1[0], NULL, EVP_sha1(), NULL), 1);
    assert_int_equal(EVP_Digest(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), sha1[1], NULL,
                                EVP_sha1(), NULL), 1);
    assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_CERTIFICATE));
    assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_SHA1_PUKEY));
    assert_true(build(&keys, x509, &policy));
    assert_int_equal(keys.keys[0].value.length, sizeof sha256);
    assert_memory_equal(keys.keys[0].value.bytes, sha256, sizeof sha256);
    for (size_t i = 0; i < 2; i++) {
        char hex[64] = "X509:<SHA1-PUKEY>";

        for (size_t byte = 0; byte < 20; byte++)
            (void)snprintf(hex + strlen(hex), 3, "%02x", sha1[i][byte]);
        assert_int_equal(keys.keys[1 + i].value.length, strlen(hex));
        assert_memory_equal(keys.keys[1 + i].value.bytes, hex, strlen(hex));
    }
    /* the very same DER and nothing else is the stored certificate */
    assert_true(eca_mapping_key_equals(&keys.keys[0], (struct eca_slice){ der, (size_t)length }));
    assert_false(eca_mapping_key_equals(&keys.keys[0], (struct eca_slice){ der, (size_t)length - 1 }));
    assert_false(eca_mapping_key_equals(&keys.keys[0], (struct eca_slice){ sha256, sizeof sha256 }));
    der[length - 1] ^= 1;
    assert_false(eca_mapping_key_equals(&keys.keys[0], (struct eca_slice){ der, (size_t)length }));
    OPENSSL_free(der);
    X509_free(x509);
}

/* Sixteen addresses make keys; one more and nobody knows which one is meant. */
static void test_build_too_many_addresses_are_refused_where_they_count(void **state)
{
    (void)state;

    for (size_t count = 16; count <= 40; count += count == 16 ? 1 : 23) {
        static struct make_der name, names;
        static struct eca_mapping_keys keys;
        struct make_certificate what = { .serial = "1" };
        struct eca_mapping_policy policy = { .count = 0 };
        X509 *x509 = NULL;

        name.length = names.length = 0;
        for (size_t i = 0; i < count; i++)
            make_der_email(&name, (struct eca_slice)SLICE("a@x"));
        make_der_element(&names, 0x30, make_der_slice(&name));
        what.extensions[0] = (struct make_extension){ OID_SAN, make_der_slice(&names) };
        x509 = make_certificate(&what);
        assert_true(build(&keys, x509, &policy));
        assert_int_equal(keys.count, count == 16 ? 32 : 0); /* email and rfc822, not configured */
        assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_EMAIL));
        assert_int_equal(build(&keys, x509, &policy), count == 16);
        X509_free(x509);
    }
}

static void test_located_certificate_counts_only_with_a_locator(void **state)
{
    static struct eca_mapping_keys keys = {
        .keys = { { .kind = ECA_MAPPING_CERTIFICATE }, { .kind = ECA_MAPPING_SKI }, { .kind = ECA_MAPPING_UPN },
                  { .kind = ECA_MAPPING_EMAIL }, { .kind = ECA_MAPPING_CN }, { .kind = ECA_MAPPING_SUBJECT } },
        .count = 6,
    };
    static const struct {
        const char *why;
        uint64_t matched, located;
    } found[] = {
        { "nothing", 0, 0 },
        { "the certificate alone", 1, 0 },
        { "with a mapping string only", 1 | 2, 2 },
        { "with a weak string only", 1 | 32, 32 },
        { "with the UPN", 1 | 4, 1 | 4 },
        { "with an address", 1 | 8, 1 | 8 },
        { "with the CN", 1 | 16, 1 | 16 },
        { "a locator without the certificate", 4, 4 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(found); i++) {
        SAY_WHY(&found[i]);
        assert_true(eca_mapping_keys_located(&keys, found[i].matched) == found[i].located);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_each_certificate_yields_what_windows_stores),
        cmocka_unit_test(test_build_weak_kind_not_configured_never_refuses),
        cmocka_unit_test(test_build_digests_are_those_of_certificate_and_key),
        cmocka_unit_test(test_build_too_many_addresses_are_refused_where_they_count),
        cmocka_unit_test(test_located_certificate_counts_only_with_a_locator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
