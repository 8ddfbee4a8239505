/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names, byte for byte as Windows writes them: a name that differs finds nobody. */
#include "distinguished_name.h"

#include "der.h"
#include "utf8.h"

#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <string.h>

#define OID_MAX 128
#define VALUE_MAX 4096

/* Windows' own names; every other type is written "OID." and the dotted number. */
static const struct {
    const char *oid;
    const char *name;
} types[] = {
    { "2.5.4.3", "CN" },
    { "0.9.2342.19200300.100.1.25", "DC" },
    { "2.5.4.10", "O" },
    { "2.5.4.11", "OU" },
    { "2.5.4.6", "C" },
    { "2.5.4.7", "L" },
    { "2.5.4.8", "S" },
    { "1.2.840.113549.1.9.1", "E" },
    { "2.5.4.4", "SN" },
    { "2.5.4.5", "SERIALNUMBER" },
    { "2.5.4.9", "STREET" },
    { "2.5.4.12", "T" },
    { "2.5.4.13", "Description" },
    { "2.5.4.17", "PostalCode" },
    { "2.5.4.18", "POBox" },
    { "2.5.4.20", "Phone" },
    { "2.5.4.24", "X21Address" },
    { "2.5.4.42", "G" },
    { "2.5.4.43", "I" },
    { "2.5.4.46", "dnQualifier" },
};

static bool append_type(struct eca_strbuf *out, const ASN1_OBJECT *type)
{
    char oid[OID_MAX];
    const int length = OBJ_obj2txt(oid, sizeof oid, type, 1);

    if (length <= 0 || (size_t)length >= sizeof oid)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(oid, types[i].oid) == 0) {
            eca_strbuf_text(out, types[i].name);
            return true;
        }
    }
    eca_strbuf_text(out, "OID.");
    eca_strbuf_text(out, oid);
    return true;
}

static bool append_ascii(struct eca_strbuf *out, struct eca_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] > 0x7f)
            return false;
    }
    eca_strbuf_append(out, value.bytes, value.length);
    return true;
}

/* Issuers put UTF-8, and Latin-1, into a type that is neither. */
static bool append_t61(struct eca_strbuf *out, struct eca_slice value)
{
    if (eca_utf8_is_valid(value)) {
        eca_strbuf_append(out, value.bytes, value.length);
        return true;
    }
    for (size_t i = 0; i < value.length; i++)
        (void)eca_utf8_append(out, value.bytes[i]);
    return true;
}

static uint32_t big_endian(const uint8_t *bytes, size_t length)
{
    uint32_t number = 0;

    for (size_t i = 0; i < length; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* UTF-16, big-endian, surrogates in pairs (RFC 2781 section 2.2). */
static bool append_bmp(struct eca_strbuf *out, struct eca_slice value)
{
    if (value.length % 2 != 0)
        return false;
    for (size_t i = 0; i < value.length; i += 2) {
        uint32_t character = big_endian(value.bytes + i, 2);

        if (character >= 0xd800 && character <= 0xdbff && value.length - i >= 4) {
            const uint32_t low = big_endian(value.bytes + i + 2, 2);

            if (low < 0xdc00 || low > 0xdfff)
                return false;
            character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        if (!eca_utf8_append(out, character))
            return false;
    }
    return true;
}

static bool append_universal(struct eca_strbuf *out, struct eca_slice value)
{
    if (value.length % 4 != 0)
        return false;
    for (size_t i = 0; i < value.length; i += 4) {
        if (!eca_utf8_append(out, big_endian(value.bytes + i, 4)))
            return false;
    }
    return true;
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The characters that CertNameToStr documents; an empty value and white space at an end count too. */
static bool needs_quotes(const struct eca_strbuf *value)
{
    if (value->length == 0 || is_space(value->text[0]) || is_space(value->text[value->length - 1]))
        return true;
    for (size_t i = 0; i < value->length; i++) {
        if (value->text[i] != '\0' && strchr(",+=\"\n<>#;", value->text[i]) != NULL)
            return true;
    }
    return false;
}

/*
 * value  = plain / DQUOTE *( not-quote / 2DQUOTE ) DQUOTE
 * So "<" and ">" stand in quotes only, and nothing in a value can pass for the <SR> behind the name.
 */
static bool append_text(struct eca_strbuf *out, const struct eca_strbuf *value)
{
    const bool quoted = needs_quotes(value);

    if (memchr(value->text, '\r', value->length) != NULL || memchr(value->text, '\n', value->length) != NULL)
        return false;
    eca_strbuf_text(out, quoted ? "\"" : "");
    for (size_t i = 0; i < value->length; i++)
        eca_strbuf_append(out, value->text[i] == '"' ? "\"\"" : &value->text[i], value->text[i] == '"' ? 2 : 1);
    eca_strbuf_text(out, quoted ? "\"" : "");
    return true;
}

/* "#" and the whole element in upper-case hexadecimal: AttributeTypeAndValue ::= SEQUENCE { type, value } */
static bool append_encoded(struct eca_strbuf *out, const X509_NAME_ENTRY *entry)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char *der = NULL;
    const int length = i2d_X509_NAME_ENTRY(entry, &der);
    struct eca_slice rest = { der, length > 0 ? (size_t)length : 0 };
    struct eca_slice both, type;
    bool written = false;

    if (!eca_der_take(&rest, ECA_DER_SEQUENCE, &both) || !eca_der_take(&both, ECA_DER_OBJECT_IDENTIFIER, &type))
        goto out;
    eca_strbuf_text(out, "#");
    for (size_t i = 0; i < both.length; i++) {
        const char pair[] = { digits[both.bytes[i] >> 4], digits[both.bytes[i] & 15] };

        eca_strbuf_append(out, pair, sizeof pair);
    }
    written = true;
out:
    OPENSSL_free(der);
    return written;
}

enum text { TEXT_CONVERTED, TEXT_BROKEN, NO_TEXT };

/* The value as UTF-8. */
static enum text append_converted(struct eca_strbuf *out, const ASN1_STRING *string)
{
    const struct eca_slice bytes = { ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string) };
    bool converted = true;

    switch (ASN1_STRING_type(string)) {
    case V_ASN1_UTF8STRING:
        eca_strbuf_append(out, bytes.bytes, bytes.length);
        break;
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_NUMERICSTRING:
    case V_ASN1_VISIBLESTRING:
        converted = append_ascii(out, bytes);
        break;
    case V_ASN1_T61STRING:
        converted = append_t61(out, bytes);
        break;
    case V_ASN1_BMPSTRING:
        converted = append_bmp(out, bytes);
        break;
    case V_ASN1_UNIVERSALSTRING:
        converted = append_universal(out, bytes);
        break;
    default:
        return NO_TEXT;
    }
    return converted && !out->overflow ? TEXT_CONVERTED : TEXT_BROKEN;
}

static bool append_value(struct eca_strbuf *out, const X509_NAME_ENTRY *entry)
{
    char memory[VALUE_MAX];
    struct eca_strbuf value;

    eca_strbuf_init(&value, memory, sizeof memory);
    switch (append_converted(&value, X509_NAME_ENTRY_get_data(entry))) {
    case TEXT_CONVERTED:
        return append_text(out, &value);
    case NO_TEXT:
        return append_encoded(out, entry);
    case TEXT_BROKEN:
        break;
    }
    return false;
}

bool eca_distinguished_name_write(struct eca_strbuf *out, const X509_NAME *name)
{
    const int count = X509_NAME_entry_count(name);
    int set = -1;

    if (count <= 0)
        return false;
    for (int i = 0; i < count && !out->overflow; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        if (i > 0)
            eca_strbuf_text(out, X509_NAME_ENTRY_set(entry) == set ? " " : ",");
        set = X509_NAME_ENTRY_set(entry);
        if (!append_type(out, X509_NAME_ENTRY_get_object(entry)))
            return false;
        eca_strbuf_text(out, "=");
        if (!append_value(out, entry))
            return false;
    }
    return !out->overflow;
}

bool eca_distinguished_name_common_name(struct eca_strbuf *out, const X509_NAME *name)
{
    int last = -1;

    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
        last = at;
    return last >= 0
           && append_converted(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last))) == TEXT_CONVERTED;
}

void eca_distinguished_name_show(char *out, size_t size, const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    int length = 0;

    if (memory != NULL
        && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_read(memory, out, (int)size - 1);
    out[length > 0 ? length : 0] = '\0';
    BIO_free(memory);
}
