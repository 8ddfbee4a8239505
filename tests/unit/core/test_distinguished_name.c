/* SPDX-License-Identifier: Apache-2.0 */
#include "distinguished_name.h"

#include "make_certificate.h"
#include "rows.h"

#include <openssl/asn1.h>
#include <string.h>

#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING
#define IA5 V_ASN1_IA5STRING
#define OID_UID "0.9.2342.19200300.100.1.1"
#define OID_E "1.2.840.113549.1.9.1"
#define OID_C "2.5.4.6"
#define OID_OU "2.5.4.11"

static X509_NAME *read_name(const struct make_name_part *parts, size_t count)
{
    static struct make_der der;
    const unsigned char *at = der.bytes;

    der.length = 0;
    make_der_name(&der, parts, count);
    return d2i_X509_NAME(NULL, &at, (long)der.length);
}

/* `text` NULL: no key can be made of it. */
static void check(const char *why, const struct make_name_part *parts, size_t count, const char *text)
{
    X509_NAME *name = read_name(parts, count);
    char memory[512];
    struct eca_strbuf out;

    print_message("  %s\n", why);
    assert_non_null(name);
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_int_equal(eca_distinguished_name_write(&out, name), text != NULL);
    if (text != NULL)
        assert_string_equal(memory, text);
    X509_NAME_free(name);
}

static void test_write_whole_names_are_those_of_microsofts_tools(void **state)
{
    static const struct {
        const char *why;
        struct make_name_part parts[6];
        size_t count;
        const char *text;
    } rows[] = {
        { "the issuer of KB5014754", { { OID_DC, IA5, SLICE("com"), false }, { OID_DC, IA5, SLICE("contoso"), false },
          { OID_CN, PRINTABLE, SLICE("CONTOSO-DC-CA"), false } }, 3, "DC=com,DC=contoso,CN=CONTOSO-DC-CA" },
        { "an issuer that Windows' own tool wrote", { { OID_O, PRINTABLE, SLICE("Red Hat"), false },
          { OID_OU, PRINTABLE, SLICE("prod"), false }, { OID_CN, PRINTABLE, SLICE("Certificate Authority"), false } },
          3, "O=Red Hat,OU=prod,CN=Certificate Authority" },
        { "a subject that Windows' own tool wrote: UID as number, E", { { OID_DC, IA5, SLICE("com"), false },
          { OID_DC, IA5, SLICE("redhat"), false }, { OID_OU, PRINTABLE, SLICE("users"), false },
          { OID_UID, UTF8, SLICE("sbose"), false }, { OID_E, IA5, SLICE("sbose@redhat.com"), false },
          { OID_CN, PRINTABLE, SLICE("Sumit Bose Sumit Bose"), false } }, 6,
          "DC=com,DC=redhat,OU=users,OID.0.9.2342.19200300.100.1.1=sbose,E=sbose@redhat.com,"
          "CN=Sumit Bose Sumit Bose" },
        { "the Estonian guide", { { OID_C, PRINTABLE, SLICE("EE"), false },
          { OID_O, UTF8, SLICE("SK ID Solutions AS"), false }, { "2.5.4.97", UTF8, SLICE("NTREE-10747013"), false },
          { OID_CN, UTF8, SLICE("ESTEID2018"), false } }, 4,
          "C=EE,O=SK ID Solutions AS,OID.2.5.4.97=NTREE-10747013,CN=ESTEID2018" },
        { "two parts in one RDN, one space between", { { OID_CN, UTF8, SLICE("JANE DOE"), false },
          { OID_UID, UTF8, SLICE("47001003151020"), true } }, 2,
          "CN=JANE DOE OID.0.9.2342.19200300.100.1.1=47001003151020" },
        { "the same the other way round: the order of the encoding, not DER's", {
          { OID_UID, UTF8, SLICE("47001003151020"), false }, { OID_CN, UTF8, SLICE("JANE DOE"), true } }, 2,
          "OID.0.9.2342.19200300.100.1.1=47001003151020 CN=JANE DOE" },
        { "an RDN of two between others", { { OID_C, PRINTABLE, SLICE("EE"), false },
          { OID_O, UTF8, SLICE("a"), false }, { OID_OU, UTF8, SLICE("b"), true }, { OID_CN, UTF8, SLICE("c"), false } },
          4, "C=EE,O=a OU=b,CN=c" },
        { "the empty name", { { NULL, 0, { NULL, 0 }, false } }, 0, NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].why, rows[i].parts, rows[i].count, rows[i].text);
}

static void test_write_types_have_windows_names(void **state)
{
    static const struct {
        const char *oid;
        const char *text;
    } rows[] = {
        { "2.5.4.6", "C=x" }, { "2.5.4.3", "CN=x" }, { "0.9.2342.19200300.100.1.25", "DC=x" },
        { "2.5.4.13", "Description=x" }, { "2.5.4.46", "dnQualifier=x" }, { "1.2.840.113549.1.9.1", "E=x" },
        { "2.5.4.42", "G=x" }, { "2.5.4.43", "I=x" }, { "2.5.4.7", "L=x" }, { "2.5.4.10", "O=x" },
        { "2.5.4.11", "OU=x" }, { "2.5.4.20", "Phone=x" }, { "2.5.4.18", "POBox=x" }, { "2.5.4.17", "PostalCode=x" },
        { "2.5.4.8", "S=x" }, { "2.5.4.5", "SERIALNUMBER=x" }, { "2.5.4.4", "SN=x" }, { "2.5.4.9", "STREET=x" },
        { "2.5.4.12", "T=x" }, { "2.5.4.24", "X21Address=x" },
        /* known to OpenSSL, not to Windows */
        { "0.9.2342.19200300.100.1.1", "OID.0.9.2342.19200300.100.1.1=x" }, { "2.5.4.44", "OID.2.5.4.44=x" },
        { "2.5.4.65", "OID.2.5.4.65=x" }, { "1.2.840.113549.1.9.2", "OID.1.2.840.113549.1.9.2=x" },
        { "1.3.6.1.4.1.99999.1", "OID.1.3.6.1.4.1.99999.1=x" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_name_part part = { rows[i].oid, UTF8, SLICE("x"), false };

        check(rows[i].text, &part, 1, rows[i].text);
    }
}

static void test_write_values_are_quoted_as_certnametostr_does(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice value;
        const char *text;
    } rows[] = {
        { "plain", SLICE("Acme"), "O=Acme" },
        { "comma and quotes", SLICE("Acme, Inc. \"X\""), "O=\"Acme, Inc. \"\"X\"\"\"" },
        { "a quote alone", SLICE("\""), "O=\"\"\"\"" },
        { "plus", SLICE("a+b"), "O=\"a+b\"" },
        { "equals", SLICE("a=b"), "O=\"a=b\"" },
        { "less", SLICE("a<b"), "O=\"a<b\"" },
        { "greater", SLICE("a>b"), "O=\"a>b\"" },
        { "hash, also inside", SLICE("a#b"), "O=\"a#b\"" },
        { "semicolon", SLICE("a;b"), "O=\"a;b\"" },
        { "a forged serial stays inside the quotes", SLICE("CA<SR>01"), "O=\"CA<SR>01\"" },
        { "a quote cannot end them", SLICE("CA\"<SR>01"), "O=\"CA\"\"<SR>01\"" },
        { "a forged component", SLICE("x,CN=CA"), "O=\"x,CN=CA\"" },
        { "blank in front", SLICE(" a"), "O=\" a\"" },
        { "blank behind", SLICE("a "), "O=\"a \"" },
        { "blanks inside are not quoted", SLICE("a  b"), "O=a  b" },
        { "a blank alone", SLICE(" "), "O=\" \"" },
        { "empty", SLICE(""), "O=\"\"" },
        { "backslash and slash stay", SLICE("a\\b/c"), "O=a\\b/c" },
        { "a colon and a star stay", SLICE("a:b*"), "O=a:b*" },
        { "UTF-8", SLICE("\xc5\x81ukasz"), "O=\xc5\x81ukasz" },
        { "line feed", SLICE("a\nb"), NULL },
        { "carriage return", SLICE("a\rb"), NULL },
        { "line feed at the end", SLICE("a\n"), NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_name_part part = { OID_O, UTF8, rows[i].value, false };

        check(rows[i].why, &part, 1, rows[i].text);
    }
}

static void test_write_string_types_become_utf8(void **state)
{
    static const struct {
        const char *why;
        uint8_t tag;
        struct eca_slice value;
        const char *text; /* NULL: no key */
    } rows[] = {
        { "PrintableString", PRINTABLE, SLICE("abc"), "CN=abc" },
        { "IA5String", IA5, SLICE("a@b"), "CN=a@b" },
        { "NumericString", V_ASN1_NUMERICSTRING, SLICE("123"), "CN=123" },
        { "BMPString", V_ASN1_BMPSTRING, SLICE("\x01\x41\0u"), "CN=\xc5\x81u" },
        { "BMPString that needs quotes once it is read", V_ASN1_BMPSTRING, SLICE("\0,"), "CN=\",\"" },
        { "a comma's byte in another character needs none", V_ASN1_BMPSTRING, SLICE(",,"), "CN=\xe2\xb0\xac" },
        { "BMPString with a line feed", V_ASN1_BMPSTRING, SLICE("\0a\0\n"), NULL },
        { "UniversalString", V_ASN1_UNIVERSALSTRING, SLICE("\0\0\x01\x41\0\x01\xf6\x00"),
          "CN=\xc5\x81\xf0\x9f\x98\x80" },
        { "T61String that is UTF-8", V_ASN1_T61STRING, SLICE("\xc5\x81ukasz"), "CN=\xc5\x81ukasz" },
        { "T61String that is Latin-1", V_ASN1_T61STRING, SLICE("J\xfcrgen"), "CN=J\xc3\xbcrgen" },
        { "an IA5String with eight bits is nothing in particular", IA5, SLICE("J\xfcrgen"), NULL },
        { "a PrintableString with UTF-8 neither", PRINTABLE, SLICE("\xc3\xbc"), NULL },
        { "another type, its element in hexadecimal: BIT STRING, unused bits included", V_ASN1_BIT_STRING,
          SLICE("\x04\xf0"), "CN=#030204F0" },
        { "a SEQUENCE", 0x30, SLICE("\x02\x01\x05"), "CN=#3003020105" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_name_part part = { OID_CN, rows[i].tag, rows[i].value, false };

        check(rows[i].why, &part, 1, rows[i].text);
    }
}

/* Values that libcrypto does not read from DER, so that only a name built in memory holds them. */
static void test_write_wide_text_is_converted_or_makes_no_key(void **state)
{
    static const struct {
        const char *why;
        int type;
        struct eca_slice value;
        const char *text; /* NULL: no key */
    } rows[] = {
        { "a pair of surrogates", V_ASN1_BMPSTRING, SLICE("\xd8\x3d\xde\x00"), "CN=\xf0\x9f\x98\x80" },
        { "the first and the last pair", V_ASN1_BMPSTRING, SLICE("\xd8\x00\xdc\x00\xdb\xff\xdf\xff"),
          "CN=\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        { "BMPString of three bytes", V_ASN1_BMPSTRING, SLICE("\0a\0"), NULL },
        { "a high surrogate at the end", V_ASN1_BMPSTRING, SLICE("\xd8\x3d"), NULL },
        { "a high surrogate without a low one", V_ASN1_BMPSTRING, SLICE("\xd8\x3d\0a"), NULL },
        { "a low surrogate alone", V_ASN1_BMPSTRING, SLICE("\xde\x00\0a"), NULL },
        { "UniversalString of three bytes", V_ASN1_UNIVERSALSTRING, SLICE("\0\0a"), NULL },
        { "above U+10FFFF", V_ASN1_UNIVERSALSTRING, SLICE("\0\x11\0\0"), NULL },
        { "a surrogate", V_ASN1_UNIVERSALSTRING, SLICE("\0\0\xd8\0"), NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct make_name_part part = { OID_CN, UTF8, SLICE("x"), false };
        X509_NAME *name = read_name(&part, 1);
        ASN1_STRING *string = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 0));
        char memory[64];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        string->type = rows[i].type;
        assert_int_equal(ASN1_STRING_set(string, rows[i].value.bytes, (int)rows[i].value.length), 1);
        eca_strbuf_init(&out, memory, sizeof memory);
        assert_int_equal(eca_distinguished_name_write(&out, name), rows[i].text != NULL);
        if (rows[i].text != NULL)
            assert_string_equal(memory, rows[i].text);
        X509_NAME_free(name);
    }
}

static void test_write_control_characters_pass_for_the_caller_to_judge(void **state)
{
    const struct make_name_part part = { OID_CN, UTF8, SLICE("a\0b\tc"), false };
    X509_NAME *name = read_name(&part, 1);
    char memory[64];
    struct eca_strbuf out;
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    assert_true(eca_distinguished_name_write(&out, name));
    assert_int_equal(out.length, 8);
    assert_memory_equal(memory, "CN=a\0b\tc", 8);
    X509_NAME_free(name);
}

static void test_write_too_long_is_no_key(void **state)
{
    static uint8_t bytes[8192];
    const struct make_name_part brief = { OID_CN, UTF8, SLICE("abcdef"), false };
    const struct make_name_part longest = { OID_CN, UTF8, { bytes, sizeof bytes }, false };
    static char memory[3 * sizeof bytes];
    struct eca_strbuf out;
    X509_NAME *name = read_name(&brief, 1);
    (void)state;

    eca_strbuf_init(&out, memory, sizeof "CN=abcdef");
    assert_true(eca_distinguished_name_write(&out, name));
    eca_strbuf_init(&out, memory, sizeof "CN=abcdef" - 1);
    assert_false(eca_distinguished_name_write(&out, name));
    X509_NAME_free(name);

    memset(bytes, 'a', sizeof bytes);
    name = read_name(&longest, 1);
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_false(eca_distinguished_name_write(&out, name));
    X509_NAME_free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_whole_names_are_those_of_microsofts_tools),
        cmocka_unit_test(test_write_types_have_windows_names),
        cmocka_unit_test(test_write_values_are_quoted_as_certnametostr_does),
        cmocka_unit_test(test_write_string_types_become_utf8),
        cmocka_unit_test(test_write_wide_text_is_converted_or_makes_no_key),
        cmocka_unit_test(test_write_control_characters_pass_for_the_caller_to_judge),
        cmocka_unit_test(test_write_too_long_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
