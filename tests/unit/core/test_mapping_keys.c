/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping.h"

#include "make_certificate.h"
#include "rows.h"

#include <string.h>

#define ALICE "S-1-5-21-294026126-3378245018-1203103949-1001"
#define BOB "S-1-5-21-294026126-3378245018-1203103949-1002"
#define ALICE_BINARY \
    "\x01\x05\0\0\0\0\0\x05" "\x15\0\0\0" "\x8e\x7b\x86\x11" "\x9a\xed\x5b\xc9" "\xcd\xe8\xb5\x47" "\xe9\x03\0\0"
#define URI "tag:microsoft.com,2022-09-14:sid:"
#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING

/* Policies as lists of kinds; the terminator is no kind. */
#define END ECA_MAPPING_KINDS

static struct eca_mapping_policy policy_of(const enum eca_mapping_kind *kinds)
{
    struct eca_mapping_policy policy = { .count = 0 };

    for (; *kinds != END; kinds++)
        assert_true(eca_mapping_policy_add(&policy, *kinds));
    return policy;
}

/* Builds the keys of a certificate made of `what`; *opened is closed again. */
static bool build(struct eca_mapping_keys *keys, const struct make_certificate *what,
                  const enum eca_mapping_kind *kinds, struct eca_error *err)
{
    const struct eca_mapping_policy policy = policy_of(kinds);
    struct eca_certificate certificate;
    X509 *x509 = make_certificate(what);
    bool built;

    assert_true(eca_certificate_open(&certificate, x509, err));
    built = eca_mapping_keys_build(keys, &certificate, &policy, err);
    eca_certificate_close(&certificate);
    X509_free(x509);
    return built;
}

static void assert_key(const struct eca_mapping_keys *keys, size_t i, enum eca_mapping_kind kind,
                       struct eca_slice value)
{
    assert_true(i < keys->count);
    assert_int_equal(keys->keys[i].kind, kind);
    if (!eca_slice_equal(keys->keys[i].value, value))
        fail_msg("%.*s, expected %.*s", (int)keys->keys[i].value.length, (const char *)keys->keys[i].value.bytes,
                 (int)value.length, (const char *)value.bytes);
}

static void test_describe_kinds_are_those_of_the_table(void **state)
{
    static const struct {
        enum eca_mapping_kind kind;
        const char *name;
        bool strong, in_strong_set;
        const char *attribute;
    } rows[] = {
        { ECA_MAPPING_SID, "sid", true, true, "objectSid" },
        { ECA_MAPPING_SID_URI, "sid-uri", true, false, "objectSid" },
        { ECA_MAPPING_ISSUER_SERIAL, "issuer-serial", true, true, "altSecurityIdentities" },
        { ECA_MAPPING_SKI, "ski", true, true, "altSecurityIdentities" },
        { ECA_MAPPING_SHA1_PUKEY, "sha1-pukey", true, true, "altSecurityIdentities" },
        { ECA_MAPPING_ISSUER_SID, "issuer-sid", true, true, "altSecurityIdentities" },
        { ECA_MAPPING_CERTIFICATE, "certificate", true, true, "userCertificate" },
        { ECA_MAPPING_UPN, "upn", false, false, "userPrincipalName" },
        { ECA_MAPPING_EMAIL, "email", false, false, "mail" },
        { ECA_MAPPING_CN, "cn", false, false, "sAMAccountName" },
        { ECA_MAPPING_ISSUER_SUBJECT, "issuer-subject", false, false, "altSecurityIdentities" },
        { ECA_MAPPING_SUBJECT, "subject", false, false, "altSecurityIdentities" },
        { ECA_MAPPING_RFC822, "rfc822", false, false, "altSecurityIdentities" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_mapping_kind_row *row = eca_mapping_describe(rows[i].kind);
        enum eca_mapping_kind kind = ECA_MAPPING_KINDS;

        print_message("  %s\n", rows[i].name);
        assert_string_equal(row->name, rows[i].name);
        assert_int_equal(row->strong, rows[i].strong);
        assert_int_equal(row->in_strong_set, rows[i].in_strong_set);
        assert_string_equal(row->attribute, rows[i].attribute);
        assert_int_equal(row->searched, rows[i].kind != ECA_MAPPING_CERTIFICATE);
        assert_true(eca_mapping_kind_by_name(&kind, rows[i].name));
        assert_int_equal(kind, rows[i].kind);
    }
}

static void test_kind_by_name_only_whole_names_without_case(void **state)
{
    static const struct {
        const char *why, *name;
        bool known;
    } rows[] = {
        { "case", "Issuer-SERIAL", true },      { "a set, no kind", "strong", false },
        { "a prefix", "sid-", false },          { "something behind", "upn ", false },
        { "nothing", "", false },               { "refused: any certificate of a CA", "issuer", false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        enum eca_mapping_kind kind;

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_mapping_kind_by_name(&kind, rows[i].name), rows[i].known);
    }
}

static void test_policy_strong_holds_no_uri_and_nothing_weak(void **state)
{
    static const enum eca_mapping_kind expected[]
        = { ECA_MAPPING_SID, ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_SKI, ECA_MAPPING_SHA1_PUKEY,
            ECA_MAPPING_ISSUER_SID, ECA_MAPPING_CERTIFICATE };
    struct eca_mapping_policy policy;
    (void)state;

    eca_mapping_policy_strong(&policy);
    assert_int_equal(policy.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(policy.kinds[i], expected[i]);
    assert_true(eca_mapping_policy_add(&policy, ECA_MAPPING_UPN));
    assert_false(eca_mapping_policy_add(&policy, ECA_MAPPING_UPN));
    assert_false(eca_mapping_policy_add(&policy, ECA_MAPPING_SID));
    assert_int_equal(policy.kinds[policy.count - 1], ECA_MAPPING_UPN);
}

static void test_build_issuer_serial_is_what_windows_stores(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_ISSUER_SERIAL, END };
    static const struct {
        const char *why;
        struct make_name_part issuer[4];
        size_t issuer_count;
        const char *serial;
        const char *first;
        const char *second; /* NULL: one value only */
    } rows[] = {
        { "KB5014754", { { OID_DC, V_ASN1_IA5STRING, SLICE("com"), false },
          { OID_DC, V_ASN1_IA5STRING, SLICE("contoso"), false }, { OID_CN, PRINTABLE, SLICE("CONTOSO-DC-CA"), false } },
          3, "2B0000000011AC0000000012", "X509:<I>DC=com,DC=contoso,CN=CONTOSO-DC-CA<SR>1200000000AC11000000002B",
          NULL },
        { "a CA of a lab domain", { { OID_DC, V_ASN1_IA5STRING, SLICE("vm"), false },
          { OID_DC, V_ASN1_IA5STRING, SLICE("ad"), false }, { OID_CN, PRINTABLE, SLICE("ad-ROOT-DC-CA"), false } }, 3,
          "72000000022AEE66083DB1FC3A000000000002",
          "X509:<I>DC=vm,DC=ad,CN=ad-ROOT-DC-CA<SR>0200000000003afcb13d0866ee2a0200000072", NULL },
        { "the Estonian guide, whose serial has the high bit: without DER's byte, then with it",
          { { "2.5.4.6", PRINTABLE, SLICE("EE"), false }, { OID_O, UTF8, SLICE("SK ID Solutions AS"), false },
            { "2.5.4.97", UTF8, SLICE("NTREE-10747013"), false }, { OID_CN, UTF8, SLICE("ESTEID2018"), false } }, 4,
          "8958ee38a565845e9107720de61ca64d",
          "X509:<I>C=EE,O=SK ID Solutions AS,OID.2.5.4.97=NTREE-10747013,CN=ESTEID2018"
          "<SR>4da61ce60d7207915e8465a538ee5889",
          "X509:<I>C=EE,O=SK ID Solutions AS,OID.2.5.4.97=NTREE-10747013,CN=ESTEID2018"
          "<SR>4da61ce60d7207915e8465a538ee588900" },
        { "one byte below the high bit", { { OID_CN, UTF8, SLICE("CA"), false } }, 1, "7F", "X509:<I>CN=CA<SR>7f",
          NULL },
        { "one byte at it", { { OID_CN, UTF8, SLICE("CA"), false } }, 1, "80", "X509:<I>CN=CA<SR>80",
          "X509:<I>CN=CA<SR>8000" },
        { "whole bytes: half of one gets its zero", { { OID_CN, UTF8, SLICE("CA"), false } }, 1, "102",
          "X509:<I>CN=CA<SR>0201", NULL },
        { "a stored name in UTF-8", { { OID_CN, UTF8, SLICE("\xc5\x81ukasz"), false } }, 1, "1",
          "X509:<I>CN=\xc5\x81ukasz<SR>01", NULL },
        { "an issuer that would forge another serial", { { OID_CN, UTF8, SLICE("CA<SR>01"), false } }, 1, "2",
          "X509:<I>CN=\"CA<SR>01\"<SR>02", NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = {
            .issuer = rows[i].issuer, .issuer_count = rows[i].issuer_count, .serial = rows[i].serial };
        static struct eca_mapping_keys keys;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_true(build(&keys, &what, kinds, &err));
        assert_int_equal(keys.count, rows[i].second == NULL ? 1 : 2);
        assert_true(eca_mapping_key_equals(&keys.keys[0], eca_slice_from_text(rows[i].first)));
        if (rows[i].second != NULL)
            assert_true(eca_mapping_key_equals(&keys.keys[1], eca_slice_from_text(rows[i].second)));
        assert_true(eca_slice_equal(eca_slice_from_text(keys.strong_value), keys.keys[0].value));
    }
}

static void test_build_issuer_serial_that_cannot_be_written_is_no_key(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_ISSUER_SERIAL, END };
    static uint8_t longest[ECA_MAPPING_VALUE_MAX];
    static const struct {
        const char *why;
        struct make_name_part issuer;
        size_t issuer_count;
        const char *serial;
        bool built;
    } rows[] = {
        { "serial zero", { OID_CN, UTF8, SLICE("CA"), false }, 1, "0", true },
        { "serial negative", { OID_CN, UTF8, SLICE("CA"), false }, 1, "-5", true },
        { "no issuer", { OID_CN, UTF8, SLICE("CA"), false }, 0, "1", true },
        { "line feed in the issuer", { OID_CN, UTF8, SLICE("C\nA"), false }, 1, "1", true },
        { "longer than anybody stores", { OID_CN, UTF8, { longest, sizeof longest }, false }, 1, "1", true },
        { "NUL in the issuer: malformed", { OID_CN, UTF8, SLICE("CA\0x"), false }, 1, "1", false },
        { "tabulator in the issuer: malformed", { OID_CN, UTF8, SLICE("C\tA"), false }, 1, "1", false },
    };
    (void)state;

    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_certificate what = {
            .issuer = &rows[i].issuer, .issuer_count = rows[i].issuer_count, .serial = rows[i].serial };
        static struct eca_mapping_keys keys;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        assert_int_equal(build(&keys, &what, kinds, &err), rows[i].built);
        assert_int_equal(keys.count, 0);
        assert_string_equal(keys.strong_value, "");
        assert_int_equal(err.text[0] == '\0', rows[i].built);
    }
}

static void test_build_ski_is_the_extension_as_it_is(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_SKI, END };
    static uint8_t longest[4 + ECA_MAPPING_VALUE_MAX] = { 0x04, 0x82, 0x10, 0x00 };
    static const struct {
        const char *why;
        struct eca_slice content;
        const char *value; /* NULL: no key */
    } rows[] = {
        { "twenty bytes", SLICE("\x04\x14" "abcdefghijklmnopqrst"),
          "X509:<SKI>6162636465666768696a6b6c6d6e6f7071727374" },
        { "any length", SLICE("\x04\x01\x0f"), "X509:<SKI>0f" },
        { "absent: never computed", { NULL, 0 }, NULL },
        { "longer than anybody stores", { longest, sizeof longest }, NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct make_certificate what = { .serial = "1" };
        static struct eca_mapping_keys keys;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        if (rows[i].content.bytes != NULL)
            what.extensions[0] = (struct make_extension){ OID_SKI, rows[i].content };
        assert_true(build(&keys, &what, kinds, &err));
        assert_int_equal(keys.count, rows[i].value != NULL);
        if (rows[i].value != NULL)
            assert_key(&keys, 0, ECA_MAPPING_SKI, eca_slice_from_text(rows[i].value));
    }
}

static void test_build_sha1_pukey_is_certificate_then_key(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_SHA1_PUKEY, END };
    const struct eca_mapping_policy policy = policy_of(kinds);
    struct eca_certificate certificate;
    static struct eca_mapping_keys keys;
    struct eca_error err = { .text = "" };
    X509 *x509 = make_certificate(&(struct make_certificate){ .serial = "1" });
    char memory[128];
    struct eca_strbuf text;
    (void)state;

    assert_true(eca_certificate_open(&certificate, x509, &err));
    assert_true(eca_mapping_keys_build(&keys, &certificate, &policy, &err));
    assert_int_equal(keys.count, 2);
    eca_strbuf_init(&text, memory, sizeof memory);
    eca_strbuf_text(&text, "X509:<SHA1-PUKEY>");
    eca_strbuf_hex(&text, (struct eca_slice){ certificate.sha1, 20 });
    assert_key(&keys, 0, ECA_MAPPING_SHA1_PUKEY, eca_slice_from_text(memory));
    eca_strbuf_init(&text, memory, sizeof memory);
    eca_strbuf_text(&text, "X509:<SHA1-PUKEY>");
    eca_strbuf_hex(&text, (struct eca_slice){ certificate.public_key_sha1, 20 });
    assert_key(&keys, 1, ECA_MAPPING_SHA1_PUKEY, eca_slice_from_text(memory));
    eca_certificate_close(&certificate);
    X509_free(x509);
}

static void test_build_sids_extension_and_uri_follow_rule_3(void **state)
{
    static const struct {
        const char *why;
        const char *extension; /* NULL: none */
        struct eca_slice uri;  /* absent: none */
        enum eca_mapping_kind kinds[4];
        bool built;
        size_t count;
        const char *veto;
    } rows[] = {
        { "extension, sid", ALICE, { NULL, 0 }, { ECA_MAPPING_SID, END }, true, 1, ALICE },
        { "extension, sid not configured: no key, but a veto", ALICE, { NULL, 0 }, { ECA_MAPPING_SKI, END }, true, 0,
          ALICE },
        { "URI, sid-uri", NULL, SLICE(URI ALICE), { ECA_MAPPING_SID_URI, END }, true, 1, ALICE },
        { "URI, not asked for: a requester may have chosen it", NULL, SLICE(URI ALICE), { ECA_MAPPING_SID, END }, true,
          0, "" },
        { "both the same, both configured", ALICE, SLICE(URI ALICE), { ECA_MAPPING_SID, ECA_MAPPING_SID_URI, END },
          true, 2, ALICE },
        { "they disagree", ALICE, SLICE(URI BOB), { ECA_MAPPING_SID, ECA_MAPPING_SID_URI, END }, false, 0, NULL },
        { "they disagree, only the URI is configured", ALICE, SLICE(URI BOB), { ECA_MAPPING_SID_URI, END }, false, 0,
          NULL },
        { "they disagree, but nobody asked for the URI", ALICE, SLICE(URI BOB), { ECA_MAPPING_SID, END }, true, 1,
          ALICE },
        { "an unreadable URI", NULL, SLICE(URI "x"), { ECA_MAPPING_SID_URI, END }, false, 0, NULL },
        { "an unreadable URI that nobody asked for", ALICE, SLICE(URI "x"), { ECA_MAPPING_SID, END }, true, 1, ALICE },
        { "neither", NULL, { NULL, 0 }, { ECA_MAPPING_SID, ECA_MAPPING_SID_URI, END }, true, 0, "" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der extension, uri, names;
        static struct eca_mapping_keys keys;
        struct make_certificate what = { .serial = "1" };
        struct make_extension *next = what.extensions;
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        extension.length = uri.length = names.length = 0;
        if (rows[i].extension != NULL) {
            make_der_sid_extension(&extension, eca_slice_from_text(rows[i].extension));
            *next++ = (struct make_extension){ OID_SID, make_der_slice(&extension) };
        }
        if (rows[i].uri.bytes != NULL) {
            make_der_uri(&uri, rows[i].uri);
            make_der_element(&names, 0x30, make_der_slice(&uri));
            *next = (struct make_extension){ OID_SAN, make_der_slice(&names) };
        }
        assert_int_equal(build(&keys, &what, rows[i].kinds, &err), rows[i].built);
        assert_int_equal(err.text[0] == '\0', rows[i].built);
        assert_int_equal(keys.count, rows[i].count);
        for (size_t key = 0; key < keys.count; key++)
            assert_key(&keys, key, rows[i].kinds[key], (struct eca_slice)SLICE(ALICE_BINARY));
        if (rows[i].built)
            assert_string_equal(keys.sid, rows[i].veto);
    }
}

/* Each row twice: with `upn` configured and without (rules 4, 7 and 10). */
static void test_build_upns_bad_ones_refuse_only_when_configured(void **state)
{
    static const enum eca_mapping_kind with[] = { ECA_MAPPING_SKI, ECA_MAPPING_UPN, END };
    static const enum eca_mapping_kind without[] = { ECA_MAPPING_SKI, END };
    static uint8_t longest[1025];
    static const struct {
        const char *why;
        uint8_t tag;
        struct eca_slice first, second;
        bool good;
        struct eca_slice key; /* absent: none */
    } rows[] = {
        { "an ordinary one", UTF8, SLICE("alice@example.test"), { NULL, 0 }, true, SLICE("alice@example.test") },
        { "the same twice is one", UTF8, SLICE("alice@example.test"), SLICE("alice@example.test"), true,
          SLICE("alice@example.test") },
        { "the same but for case is one", UTF8, SLICE("alice@example.test"), SLICE("Alice@Example.Test"), true,
          SLICE("alice@example.test") },
        { "an escape is for the filter, not for us", UTF8, SLICE("a*)(objectClass=*"), { NULL, 0 }, true,
          SLICE("a*)(objectClass=*") },
        { "UTF-8", UTF8, SLICE("j\xc3\xbcrgen@example.test"), { NULL, 0 }, true,
          SLICE("j\xc3\xbcrgen@example.test") },
        { "1024 bytes", UTF8, { longest, 1024 }, { NULL, 0 }, true, { longest, 1024 } },
        { "none", UTF8, { NULL, 0 }, { NULL, 0 }, true, { NULL, 0 } },
        { "1025 bytes", UTF8, { longest, 1025 }, { NULL, 0 }, false, { NULL, 0 } },
        { "two different", UTF8, SLICE("alice@example.test"), SLICE("bob@example.test"), false, { NULL, 0 } },
        { "two that AD would take for one", UTF8, SLICE("jurgen@x"), SLICE("j\xc3\xbcrgen@x"), false, { NULL, 0 } },
        { "a good one and an empty one", UTF8, SLICE("alice@example.test"), SLICE(""), false, { NULL, 0 } },
        { "empty", UTF8, SLICE(""), { NULL, 0 }, false, { NULL, 0 } },
        { "NUL inside", UTF8, SLICE("bob\0@example.test"), { NULL, 0 }, false, { NULL, 0 } },
        { "line feed", UTF8, SLICE("bob@example.test\n"), { NULL, 0 }, false, { NULL, 0 } },
        { "DEL", UTF8, SLICE("bob\x7f@example.test"), { NULL, 0 }, false, { NULL, 0 } },
        { "Latin-1", UTF8, SLICE("j\xfcrgen@example.test"), { NULL, 0 }, false, { NULL, 0 } },
        { "overlong", UTF8, SLICE("a\xc0\xaf@example.test"), { NULL, 0 }, false, { NULL, 0 } },
        { "not a UTF8String", V_ASN1_IA5STRING, SLICE("bob@example.test"), { NULL, 0 }, false, { NULL, 0 } },
    };
    (void)state;

    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der name, names;
        static struct eca_mapping_keys keys;
        struct make_certificate what = { .serial = "1" };
        struct eca_error err = { .text = "" };
        const bool present = rows[i].key.bytes != NULL;

        SAY_WHY(&rows[i]);
        name.length = names.length = 0;
        if (rows[i].first.bytes != NULL)
            make_der_other_name(&name, OID_UPN, rows[i].tag, rows[i].first);
        if (rows[i].second.bytes != NULL)
            make_der_other_name(&name, OID_UPN, rows[i].tag, rows[i].second);
        make_der_element(&names, 0x30, make_der_slice(&name));
        what.extensions[0] = (struct make_extension){ OID_SAN, make_der_slice(&names) };

        assert_int_equal(build(&keys, &what, with, &err), rows[i].good);
        assert_int_equal(err.text[0] == '\0', rows[i].good);
        assert_int_equal(keys.count, present);
        if (present) {
            assert_key(&keys, 0, ECA_MAPPING_UPN, rows[i].key);
            assert_true(keys.keys[0].configured);
            assert_int_equal(keys.keys[0].rank, 1);
        }
        err.text[0] = '\0';
        assert_true(build(&keys, &what, without, &err));
        assert_string_equal(err.text, "");
        assert_int_equal(keys.count, present);
        if (present) {
            assert_key(&keys, 0, ECA_MAPPING_UPN, rows[i].key);
            assert_false(keys.keys[0].configured);
            assert_int_equal(keys.keys[0].rank, 1);
        }
    }
}

/* A certificate that yields every kind, under an order that is nobody's default. */
static void test_build_order_is_that_of_the_configuration(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_UPN, ECA_MAPPING_SHA1_PUKEY, ECA_MAPPING_SKI,
                                                   ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_SID_URI, ECA_MAPPING_SID,
                                                   END };
    static const enum eca_mapping_kind expected[]
        = { ECA_MAPPING_UPN, ECA_MAPPING_SHA1_PUKEY, ECA_MAPPING_SHA1_PUKEY, ECA_MAPPING_SKI,
            ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_ISSUER_SERIAL, ECA_MAPPING_SID_URI, ECA_MAPPING_SID };
    static const size_t ranks[] = { 0, 1, 1, 2, 3, 3, 4, 5 };
    static struct make_der sid, name, names;
    static struct eca_mapping_keys keys;
    struct make_certificate what = { .serial = "FF" };
    struct eca_error err = { .text = "" };
    (void)state;

    make_der_sid_extension(&sid, (struct eca_slice)SLICE(ALICE));
    make_der_other_name(&name, OID_UPN, UTF8, (struct eca_slice)SLICE("alice@example.test"));
    make_der_uri(&name, (struct eca_slice)SLICE(URI ALICE));
    make_der_element(&names, 0x30, make_der_slice(&name));
    what.extensions[0] = (struct make_extension){ OID_SID, make_der_slice(&sid) };
    what.extensions[1] = (struct make_extension){ OID_SAN, make_der_slice(&names) };
    what.extensions[2] = (struct make_extension){ OID_SKI, SLICE("\x04\x01\x01") };
    assert_true(build(&keys, &what, kinds, &err));
    assert_int_equal(keys.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(keys.keys[i].kind, expected[i]);
        assert_int_equal(keys.keys[i].rank, ranks[i]);
        assert_true(keys.keys[i].configured);
        assert_true((const char *)keys.keys[i].value.bytes >= keys.text);
        assert_true((const char *)keys.keys[i].value.bytes + keys.keys[i].value.length
                    <= keys.text + keys.text_length);
    }
    assert_true(keys.not_before == 1577836800);
}

/* The longest value of every kind at once: the bounds must add up. */
static void test_build_longest_values_of_every_kind_fit_together(void **state)
{
    static const enum eca_mapping_kind kinds[] = { ECA_MAPPING_SID, ECA_MAPPING_SID_URI, ECA_MAPPING_ISSUER_SERIAL,
                                                   ECA_MAPPING_SKI, ECA_MAPPING_SHA1_PUKEY, ECA_MAPPING_UPN, END };
    static const char longest_sid[] = "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-4294967295";
    static uint8_t a[ECA_MAPPING_VALUE_MAX];
    static struct make_der sid, name, names, ski;
    static struct eca_mapping_keys keys;
    const size_t issuer_length = ECA_MAPPING_VALUE_MAX - 1 - strlen("X509:<I>CN=<SR>ff00");
    const struct make_name_part issuer = { OID_CN, UTF8, { a, issuer_length }, false };
    struct make_certificate what = { .serial = "FF", .issuer = &issuer, .issuer_count = 1 };
    char uri[sizeof URI + sizeof longest_sid] = URI;
    struct eca_error err = { .text = "" };
    (void)state;

    memset(a, 'a', sizeof a);
    make_der_sid_extension(&sid, eca_slice_from_text(longest_sid));
    make_der_other_name(&name, OID_UPN, UTF8, (struct eca_slice){ a, 1024 });
    make_der_uri(&name, eca_slice_from_text(strcat(uri, longest_sid)));
    make_der_element(&names, 0x30, make_der_slice(&name));
    make_der_element(&ski, 0x04, (struct eca_slice){ a, (ECA_MAPPING_VALUE_MAX - 1 - strlen("X509:<SKI>")) / 2 });
    what.extensions[0] = (struct make_extension){ OID_SID, make_der_slice(&sid) };
    what.extensions[1] = (struct make_extension){ OID_SAN, make_der_slice(&names) };
    what.extensions[2] = (struct make_extension){ OID_SKI, make_der_slice(&ski) };
    assert_true(build(&keys, &what, kinds, &err));
    assert_int_equal(keys.count, 8);
    assert_int_equal(keys.keys[3].value.length, ECA_MAPPING_VALUE_MAX - 1);
}

static void test_key_equals_directory_values_are_compared_as_rule_6_says(void **state)
{
    static const struct {
        const char *why;
        struct eca_mapping_key key;
        struct eca_slice value;
        bool equal;
    } rows[] = {
        { "the case of hexadecimal", { .kind = ECA_MAPPING_SKI, .value = SLICE("X509:<SKI>0a") },
          SLICE("X509:<SKI>0A"), true },
        { "an accent that AD folds", { .kind = ECA_MAPPING_UPN, .value = SLICE("j\xc3\xbcrgen@x") }, SLICE("jurgen@x"),
          false },
        { "a value that Samba cut at a NUL", { .kind = ECA_MAPPING_UPN, .value = SLICE("bob@x") }, SLICE("bob@x\0y"),
          false },
        { "spaces that Samba folds", { .kind = ECA_MAPPING_UPN, .value = SLICE("bob@x") }, SLICE("bob@x "), false },
        { "a SID, byte for byte", { .kind = ECA_MAPPING_SID, .value = SLICE("\x01\x01\0\0\0\0\0\x05" "A\0\0\0") },
          SLICE("\x01\x01\0\0\0\0\0\x05" "A\0\0\0"), true },
        { "0x41 and 0x61 are two numbers in a SID", { .kind = ECA_MAPPING_SID,
          .value = SLICE("\x01\x01\0\0\0\0\0\x05" "A\0\0\0") }, SLICE("\x01\x01\0\0\0\0\0\x05" "a\0\0\0"), false },
        { "the same from a URI", { .kind = ECA_MAPPING_SID_URI,
          .value = SLICE("\x01\x01\0\0\0\0\0\x05" "A\0\0\0") }, SLICE("\x01\x01\0\0\0\0\0\x05" "a\0\0\0"), false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_mapping_key_equals(&rows[i].key, rows[i].value), rows[i].equal);
    }
}

static void test_key_implicit_name_only_under_the_domains_own_name(void **state)
{
    static const struct {
        const char *why;
        struct eca_mapping_key key;
        const char *domain;
        const char *name; /* NULL: none */
    } rows[] = {
        { "the domain's suffix", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@Example.TEST") }, "example.test",
          "alice" },
        { "the last @ divides", { .kind = ECA_MAPPING_UPN, .value = SLICE("a@b@example.test") }, "example.test",
          "a@b" },
        { "another suffix", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@corp.test") }, "example.test", NULL },
        { "a domain below", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@a.example.test") }, "example.test",
          NULL },
        { "the domain's end only", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@test") }, "example.test", NULL },
        { "no name", { .kind = ECA_MAPPING_UPN, .value = SLICE("@example.test") }, "example.test", NULL },
        { "no @", { .kind = ECA_MAPPING_UPN, .value = SLICE("example.test") }, "example.test", NULL },
        { "no domain known", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@example.test") }, NULL, NULL },
        { "an empty domain matches no empty suffix", { .kind = ECA_MAPPING_UPN, .value = SLICE("alice@") }, "", NULL },
        { "another kind", { .kind = ECA_MAPPING_SKI, .value = SLICE("alice@example.test") }, "example.test", NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_slice name;

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_mapping_key_implicit_name(&rows[i].key, rows[i].domain, &name), rows[i].name != NULL);
        if (rows[i].name != NULL)
            assert_true(eca_slice_equal(name, eca_slice_from_text(rows[i].name)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe_kinds_are_those_of_the_table),
        cmocka_unit_test(test_kind_by_name_only_whole_names_without_case),
        cmocka_unit_test(test_policy_strong_holds_no_uri_and_nothing_weak),
        cmocka_unit_test(test_build_issuer_serial_is_what_windows_stores),
        cmocka_unit_test(test_build_issuer_serial_that_cannot_be_written_is_no_key),
        cmocka_unit_test(test_build_ski_is_the_extension_as_it_is),
        cmocka_unit_test(test_build_sha1_pukey_is_certificate_then_key),
        cmocka_unit_test(test_build_sids_extension_and_uri_follow_rule_3),
        cmocka_unit_test(test_build_upns_bad_ones_refuse_only_when_configured),
        cmocka_unit_test(test_build_order_is_that_of_the_configuration),
        cmocka_unit_test(test_build_longest_values_of_every_kind_fit_together),
        cmocka_unit_test(test_key_equals_directory_values_are_compared_as_rule_6_says),
        cmocka_unit_test(test_key_implicit_name_only_under_the_domains_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
