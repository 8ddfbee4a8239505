/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the committed corpora below the directory given; run by hand when a kind of input is added:
 *
 *   cc -D_GNU_SOURCE -Isrc/core -Itests/unit -Itests/unit/core tests/fuzz/make_corpus.c \
 *      tests/unit/core/make_certificate.c src/core/[a-z]*.c -lcmocka -lcrypto -o build/make_corpus \
 *      && build/make_corpus tests/fuzz/corpus
 */
#include "account_record.h"
#include "entry_input.h"
#include "make_certificate.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SID "S-1-5-21-294026126-3378245018-1203103949-1001"
#define UTF8 V_ASN1_UTF8STRING

static const char *root;

static void write_input(const char *target, const char *name, struct eca_slice bytes)
{
    char path[512];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", root, target);
    (void)mkdir(path, 0777);
    (void)snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.bytes, 1, bytes.length, file), bytes.length);
    assert_int_equal(fclose(file), 0);
}

static void write_certificate(const char *name, const struct make_certificate *what)
{
    static struct make_der der;

    der.length = 0;
    make_certificate_der(&der, what);
    write_input("certificate", name, make_der_slice(&der));
}

/* Every way to success that a certificate has, and the near misses beside them. */
static void write_certificates(void)
{
    static const struct make_name_part domain[] = { { OID_DC, V_ASN1_IA5STRING, SLICE("test"), false },
                                                    { OID_DC, V_ASN1_IA5STRING, SLICE("example"), false },
                                                    { OID_CN, UTF8, SLICE("Example <CA>, \"1\""), false } };
    static const struct {
        const char *name;
        const char *serial;
        bool domain, sid, ski;
        struct eca_slice upn, second_upn, uri;
    } rows[] = {
        { "issuer-serial", "2B0000000011AC0000000012", true, false, false, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
        { "sign-byte", "8F01", true, false, true, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
        { "sid", "1", true, true, true, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
        { "upn", "1", false, false, false, SLICE("alice@example.test"), { NULL, 0 }, { NULL, 0 } },
        { "upn-twice", "1", false, true, false, SLICE("alice@example.test"), SLICE("bob@example.test"), { NULL, 0 } },
        { "upn-nul", "1", false, false, false, SLICE("alice\0@example.test"), { NULL, 0 }, { NULL, 0 } },
        { "sid-uri", "1", true, false, false, { NULL, 0 }, { NULL, 0 },
          SLICE("tag:microsoft.com,2022-09-14:sid:" SID) },
        { "all", "FF", true, true, true, SLICE("alice@example.test"), { NULL, 0 },
          SLICE("tag:microsoft.com,2022-09-14:sid:" SID) },
        { "uri-disagrees", "1", true, true, true, { NULL, 0 }, { NULL, 0 },
          SLICE("tag:microsoft.com,2022-09-14:sid:S-1-5-18") },
        { "negative", "-5", false, false, true, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der sid, name, names;
        struct make_certificate what = { .serial = rows[i].serial };
        struct make_extension *next = what.extensions;

        sid.length = name.length = names.length = 0;
        if (rows[i].domain) {
            what.issuer = domain;
            what.issuer_count = COUNT(domain);
        }
        if (rows[i].sid) {
            make_der_sid_extension(&sid, (struct eca_slice)SLICE(SID));
            *next++ = (struct make_extension){ OID_SID, make_der_slice(&sid) };
        }
        if (rows[i].ski)
            *next++ = (struct make_extension){ OID_SKI, SLICE("\x04\x04\x01\x02\x03\xff") };
        if (rows[i].upn.bytes != NULL)
            make_der_other_name(&name, OID_UPN, UTF8, rows[i].upn);
        if (rows[i].second_upn.bytes != NULL)
            make_der_other_name(&name, OID_UPN, UTF8, rows[i].second_upn);
        if (rows[i].uri.bytes != NULL)
            make_der_uri(&name, rows[i].uri);
        if (name.length > 0) {
            make_der_element(&names, 0x30, make_der_slice(&name));
            *next = (struct make_extension){ OID_SAN, make_der_slice(&names) };
        }
        write_certificate(rows[i].name, &what);
    }
}

static void write_names(void)
{
    static const struct {
        const char *name;
        struct make_name_part parts[3];
        size_t count;
    } rows[] = {
        { "ordinary", { { OID_DC, V_ASN1_IA5STRING, SLICE("com"), false }, { OID_O, UTF8, SLICE("Contoso"), false },
          { OID_CN, V_ASN1_PRINTABLESTRING, SLICE("CA"), false } }, 3 },
        { "joined", { { OID_CN, UTF8, SLICE("JANE DOE"), false },
          { "0.9.2342.19200300.100.1.1", UTF8, SLICE("47001003151020"), true } }, 2 },
        { "quoted", { { OID_O, UTF8, SLICE("Acme, Inc. \"X\" <SR>01"), false }, { OID_CN, UTF8, SLICE(""), false },
          { OID_CN, UTF8, SLICE(" x "), false } }, 3 },
        { "wide", { { OID_CN, V_ASN1_BMPSTRING, SLICE("\x01\x41\0u"), false },
          { OID_O, V_ASN1_UNIVERSALSTRING, SLICE("\0\1\xf6\0"), false },
          { OID_O, V_ASN1_T61STRING, SLICE("J\xfcrgen"), false } }, 3 },
        { "encoded", { { OID_CN, V_ASN1_BIT_STRING, SLICE("\x04\xf0"), false },
          { "1.3.6.1.4.1.99999.1", 0x30, SLICE("\x02\x01\x05"), false } }, 2 },
        { "line-feed", { { OID_CN, UTF8, SLICE("a\nb"), false } }, 1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        static struct make_der der;

        der.length = 0;
        make_der_name(&der, rows[i].parts, rows[i].count);
        write_input("distinguished_name", rows[i].name, make_der_slice(&der));
    }
}

static void write_texts(void)
{
    static const struct {
        const char *target, *name;
        struct eca_slice text;
    } rows[] = {
        { "ldap_filter", "user", SLICE("alice") },
        { "ldap_filter", "domain", SLICE("EXAMPLE\\alice") },
        { "ldap_filter", "upn", SLICE("alice@example.test") },
        { "ldap_filter", "other-suffix", SLICE("j\xc3\xbcrgen@corp.test") },
        { "ldap_filter", "injection", SLICE("a*)(objectClass=*") },
        { "ldap_filter", "implicit-injection", SLICE("*)(|(cn=*@example.test") },
        { "ldap_filter", "nul", SLICE("bob\0.evil.test") },
        { "ldap_filter", "issuer-serial", SLICE("X509:<I>DC=com,CN=\"C, \"\"A\"\"\"<SR>1200") },
        { "activesync", "plain", SLICE("Cmd=Sync&User=contoso%5Cbob&DeviceId=ApplF2L&DeviceType=iPhone") },
        { "activesync", "plain-hostile", SLICE("cmd=%0d%0a&User=%ff%00%c5%81&DeviceId=%01%zz&x") },
        { "activesync", "plain-terminal", SLICE("User=%1b[2J%c2%9b2J&DeviceId=a%c2%a1") },
        { "activesync", "base64", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l") },
        { "activesync", "base64-binary-id", SLICE("jRIJBBBIIEnixExH44Q4QQ5BjpsCBB8dp%2BAGaVBob25l") },
        { "activesync", "base64-tags", SLICE("oQEJBAdBcHBsQUJDBAEAAAAGaVBob25lBwEBCAtjb250b3NvXGJvYg==") },
        { "activesync", "binary", SLICE("\x8c\0\x09\x04\x02" "d\x7f\x04\1\0\0\0\x01t\x63\x02xx\x08\x03" "bob") },
        { "activesync", "terminal", SLICE("\"\\\x1b[2J\xc2\x9b\xe2\x82\xac") },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        write_input(rows[i].target, rows[i].name, rows[i].text);
}

/* A certificate with names of every weak kind. */
static void write_weak_certificate(void)
{
    static const struct make_name_part subject[] = { { OID_O, UTF8, SLICE("Example"), false },
                                                     { OID_CN, V_ASN1_BMPSTRING, SLICE("\0b\0o\0b"), false } };
    static struct make_der name, names;
    struct make_certificate what = { .subject = subject, .subject_count = COUNT(subject), .serial = "7" };

    make_der_email(&name, (struct eca_slice)SLICE("bob@example.test"));
    make_der_email(&name, (struct eca_slice)SLICE("robert@example.test"));
    make_der_element(&names, 0x30, make_der_slice(&name));
    what.extensions[0] = (struct make_extension){ OID_SAN, make_der_slice(&names) };
    write_certificate("weak-names", &what);
}

/* Cache records without their MAC. */
static void write_records(void)
{
    static const uint8_t zeros[32];
    static const struct {
        const char *name;
        struct eca_finding finding;
        enum eca_remote_user remote;
    } rows[] = {
        { "found", { .fact = ECA_ACCOUNT_USABLE, .kind = ECA_MAPPING_SID, .found_at = 1700000000,
          .account = { .dn = "CN=alice,DC=example,DC=test", .sid = SID, .sam_account_name = "alice",
                       .upn = "alice@example.test", .user_account_control = 512, .account_expires = INT64_MAX } },
          ECA_REMOTE_USER_UPN },
        { "found-mail", { .fact = ECA_ACCOUNT_USABLE, .kind = ECA_MAPPING_UPN, .found_at = 1,
          .account = { .dn = "CN=bob", .sam_account_name = "bob", .mail = "bob@example.test" } },
          ECA_REMOTE_USER_MAIL },
        { "refused", { .fact = ECA_ACCOUNT_WEAK, .kind = ECA_MAPPING_CN, .found_at = 1,
          .detail = { "only cn names bob" } }, ECA_REMOTE_USER_UPN },
    };
    struct eca_account_seal *const seal = eca_account_seal_open(zeros);

    assert_non_null(seal);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct eca_account_record_form form = { zeros, seal, rows[i].remote };
        uint8_t record[ECA_ACCOUNT_RECORD_MAX];
        const size_t length = eca_account_record_write(record, &rows[i].finding, &form);

        assert_true(length > 32);
        write_input("account_record", rows[i].name, (struct eca_slice){ record, length - 32 });
    }
    eca_account_seal_close(seal);
}

#define DN "CN=Alice,CN=Users,DC=example,DC=test"
#define ALICE_SID "\1\5\0\0\0\0\0\5\x15\0\0\0\x68\x4c\xe3\x1c\x20\xf7\x05\x52\x9c\x30\xc9\x5d\x4f\x04\0\0"
#define VALUE(name, value) { name, SLICE(value) }
#define STATE VALUE("userAccountControl", "66048"), VALUE("msDS-User-Account-Control-Computed", "0"), \
              VALUE("accountExpires", "9223372036854775807")
#define SOMEBODY VALUE(ENTRY_INPUT_DN, DN), VALUE("objectSid", ALICE_SID)
#define ALICE SOMEBODY, VALUE("sAMAccountName", "alice")
#define ENTRY_VALUES 20

struct entry_value {
    const char *name;
    struct eca_slice value;
};

static uint8_t entry_attribute(const char *name)
{
    uint8_t at = 0;

    while (strcmp(entry_input_names[at], name) != 0)
        at++;
    return at;
}

/* As fuzz_ldap_entry puts them into entries itself. */
static void write_list(const char *name, const struct entry_value *values)
{
    static struct make_der list;

    list.length = 0;
    for (size_t i = 0; i < ENTRY_VALUES && values[i].name != NULL; i++) {
        const uint8_t head[] = { entry_attribute(values[i].name), (uint8_t)values[i].value.length };

        make_der_append(&list, (struct eca_slice){ head, sizeof head });
        make_der_append(&list, values[i].value);
    }
    write_input("ldap_entry", name, make_der_slice(&list));
}

/* The whole of an LDAPMessage, appended. */
static void add_message(struct make_der *out, uint8_t tag, struct eca_slice content)
{
    static struct make_der inner;

    inner.length = 0;
    make_der_element(&inner, 0x02, (struct eca_slice)SLICE("\1"));
    make_der_element(&inner, tag, content);
    make_der_element(out, 0x30, make_der_slice(&inner));
}

/* One entry as a server sends it, each value an attribute of its own. */
static void add_entry(struct make_der *out, const struct entry_value *values)
{
    static struct make_der entry, attributes, one, value;

    entry.length = attributes.length = 0;
    make_der_element(&entry, 0x04, values[0].value);
    for (size_t i = 1; i < ENTRY_VALUES && values[i].name != NULL; i++) {
        one.length = value.length = 0;
        make_der_element(&value, 0x04, values[i].value);
        make_der_element(&one, 0x04, eca_slice_from_text(values[i].name));
        make_der_element(&one, 0x31, make_der_slice(&value));
        make_der_element(&attributes, 0x30, make_der_slice(&one));
    }
    make_der_element(&entry, 0x30, make_der_slice(&attributes));
    add_message(out, 0x64, make_der_slice(&entry));
}

static void write_streams(const struct entry_value *alice)
{
    const struct eca_slice done = SLICE("\x0a\1\0\4\0\4\0"), more = SLICE("\x0a\1\4\4\0\4\0"),
                           busy = SLICE("\x0a\1\x33\4\0\4\4" "busy"), reference = SLICE("\4\6ldap:/");
    static struct make_der stream;

    add_entry(&stream, alice);
    write_input("ldap_entry", "stream-cut", make_der_slice(&stream));
    add_message(&stream, 0x73, reference);
    add_entry(&stream, alice);
    add_message(&stream, 0x65, done);
    write_input("ldap_entry", "stream", make_der_slice(&stream));
    stream.length = 0;
    add_entry(&stream, alice);
    add_message(&stream, 0x65, more);
    write_input("ldap_entry", "stream-size-limit", make_der_slice(&stream));
    stream.length = 0;
    add_message(&stream, 0x65, busy);
    write_input("ldap_entry", "stream-busy", make_der_slice(&stream));
}

/* Entries that are accounts with every kind of match, and such as are not. */
static void write_entries(void)
{
    static const struct {
        const char *name;
        struct entry_value values[ENTRY_VALUES];
    } rows[] = {
        { "all", { ALICE, VALUE("userPrincipalName", "Alice@example.test"), VALUE("mail", "A@X"),
          VALUE("altSecurityIdentities", "X509:<S>CN=x"),
          VALUE("altSecurityIdentities", "X509:<I>DC=test,CN=\xc5\x81 CA<SR>0102"), STATE,
          VALUE("whenCreated", "20261122224518.0Z"), VALUE("userCertificate", "DER"),
          VALUE("telephoneNumber", "4711") } },
        { "implicit", { SOMEBODY, VALUE("sAMAccountName", "ALICE"), STATE } },
        { "certificate-alone", { VALUE(ENTRY_INPUT_DN, "CN=Bob,DC=test"),
          VALUE("objectSid", "\1\1\0\0\0\0\0\5\x12\0\0\0"), VALUE("sAMAccountName", "bob"), STATE,
          VALUE("userCertificate", "DER") } },
        { "other-case", { SOMEBODY, VALUE("sAMAccountName", "alic\xc3\xa9"),
          VALUE("ALTSECURITYIDENTITIES", "x509:<i>dc=TEST,cn=\xc5\x82 ca<sr>0102"), STATE } },
        { "delegation", { ALICE, STATE, VALUE("servicePrincipalName", "HTTP/exch.example.test"),
          VALUE("msDS-AllowedToDelegateTo", "HTTP/other.example.test"),
          VALUE("msDS-AllowedToDelegateTo", "http/EXCH.example.test"), VALUE("pwdLastSet", "0"),
          VALUE("msDS-SupportedEncryptionTypes", "-1") } },
        { "delegation-alias", { ALICE, STATE, VALUE("servicePrincipalName", "HOST/exch.example.test") } },
        { "two", { ALICE, STATE, VALUE(ENTRY_INPUT_END, ""), VALUE(ENTRY_INPUT_DN, "CN=b,DC=b"),
          VALUE("objectSid", ALICE_SID), VALUE("sAMAccountName", "b"), STATE } },
        { "range", { ALICE, STATE, VALUE("altSecurityIdentities;range=0-1499", "X509:<S>CN=x") } },
        { "range-certificate", { ALICE, STATE, VALUE("userCertificate;Range=0-1499", "DER") } },
        { "second-value", { ALICE, VALUE("sAMAccountName", "bob"), STATE } },
        { "control", { ALICE, VALUE("userPrincipalName", "alice\0@example.test"), STATE } },
        { "latin", { SOMEBODY, VALUE("sAMAccountName", "j\xfcrgen"), STATE } },
        { "global-catalog", { ALICE, VALUE("userAccountControl", "66048") } },
        { "no-sid", { VALUE(ENTRY_INPUT_DN, DN), VALUE("objectSid", "S-1-5-21-1-2-3-4"),
          VALUE("sAMAccountName", "alice"), STATE } },
        { "numbers", { ALICE, VALUE("userAccountControl", "-2147483648"),
          VALUE("msDS-User-Account-Control-Computed", "4294967295"),
          VALUE("accountExpires", "-9223372036854775808"), VALUE("whenCreated", "20240229235959.123456Z") } },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        write_list(rows[i].name, rows[i].values);
    write_streams(rows[0].values);
}

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    root = arguments[1];
    write_certificates();
    write_names();
    write_texts();
    write_weak_certificate();
    write_records();
    write_entries();
    return 0;
}
