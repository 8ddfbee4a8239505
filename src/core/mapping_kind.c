/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of mapping: one table row and one function for each. */
#include "mapping_kind.h"

#include "distinguished_name.h"
#include "utf8.h"

#include <string.h>
#include <strings.h>

#define UPN_MAX 1024
#define EMAIL_MAX 256
#define CN_MAX 64

typedef bool make_function(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                           struct eca_error *err);

static make_function make_sid, make_sid_uri, make_issuer_serial, make_ski, make_sha1_pukey, make_issuer_sid,
    make_certificate, make_upn, make_email, make_cn, make_issuer_subject, make_subject, make_rfc822;

#define ALT "altSecurityIdentities"

/* Name; strong; part of `EASMapping strong`; attribute; searched by it. */
static const struct kind {
    struct eca_mapping_kind_row row;
    make_function *make;
} kinds[ECA_MAPPING_KINDS] = {
    [ECA_MAPPING_SID] = { { "sid", true, true, "objectSid", true }, make_sid },
    [ECA_MAPPING_SID_URI] = { { "sid-uri", true, false, "objectSid", true }, make_sid_uri },
    [ECA_MAPPING_ISSUER_SERIAL] = { { "issuer-serial", true, true, ALT, true }, make_issuer_serial },
    [ECA_MAPPING_SKI] = { { "ski", true, true, ALT, true }, make_ski },
    [ECA_MAPPING_SHA1_PUKEY] = { { "sha1-pukey", true, true, ALT, true }, make_sha1_pukey },
    [ECA_MAPPING_ISSUER_SID] = { { "issuer-sid", true, true, ALT, true }, make_issuer_sid },
    [ECA_MAPPING_CERTIFICATE] = { { "certificate", true, true, "userCertificate", false }, make_certificate },
    [ECA_MAPPING_UPN] = { { "upn", false, false, "userPrincipalName", true }, make_upn },
    [ECA_MAPPING_EMAIL] = { { "email", false, false, "mail", true }, make_email },
    [ECA_MAPPING_CN] = { { "cn", false, false, "sAMAccountName", true }, make_cn },
    [ECA_MAPPING_ISSUER_SUBJECT] = { { "issuer-subject", false, false, ALT, true }, make_issuer_subject },
    [ECA_MAPPING_SUBJECT] = { { "subject", false, false, ALT, true }, make_subject },
    [ECA_MAPPING_RFC822] = { { "rfc822", false, false, ALT, true }, make_rfc822 },
};

const struct eca_mapping_kind_row *eca_mapping_describe(enum eca_mapping_kind kind)
{
    return &kinds[kind].row;
}

bool eca_mapping_kind_by_name(enum eca_mapping_kind *out, const char *name)
{
    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++) {
        if (strcasecmp(name, kinds[kind].row.name) == 0) {
            *out = (enum eca_mapping_kind)kind;
            return true;
        }
    }
    return false;
}

bool eca_mapping_kind_make(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                           enum eca_mapping_kind kind, struct eca_error *err)
{
    return kinds[kind].make(out, certificate, err);
}

static bool add_key(struct eca_mapping_keys *out, enum eca_mapping_kind kind, struct eca_slice value,
                    struct eca_error *err)
{
    if (out->count == ECA_MAPPING_KEYS_MAX || value.length > sizeof out->text - out->text_length)
        return eca_error_set(err, "the certificate yields too many mapping keys");
    memcpy(out->text + out->text_length, value.bytes, value.length);
    out->keys[out->count++] = (struct eca_mapping_key){
        .kind = kind,
        .value = { (const uint8_t *)out->text + out->text_length, value.length },
    };
    out->text_length += value.length;
    return true;
}

static struct eca_slice slice_of(const struct eca_strbuf *text)
{
    return (struct eca_slice){ (const uint8_t *)text->text, text->length };
}

static bool add_sid(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const char *sid, struct eca_error *err)
{
    uint8_t binary[ECA_SID_BINARY_MAX];
    size_t length;

    if (sid[0] == '\0')
        return true;
    length = eca_sid_to_binary(binary, sid);
    return length == 0 ? eca_error_set(err, "the certificate's SID is not well-formed")
                       : add_key(out, kind, (struct eca_slice){ binary, length }, err);
}

static bool make_sid(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    return add_sid(out, ECA_MAPPING_SID, certificate->sid, err);
}

static bool make_sid_uri(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    if (!certificate->sid_uri_readable)
        return eca_error_set(err, "the SID URI of the subjectAltName cannot be read, or there are two different ones");
    if (certificate->sid[0] != '\0' && certificate->sid_uri[0] != '\0'
        && strcmp(certificate->sid, certificate->sid_uri) != 0)
        return eca_error_set(err, "the SID extension says %s and the SID URI %s", certificate->sid,
                             certificate->sid_uri);
    return add_sid(out, ECA_MAPPING_SID_URI, certificate->sid_uri, err);
}

/* A mapping string that is being written: "X509:" and parts, each "<TAG>" and a value. */
struct mapping_string {
    char memory[ECA_MAPPING_VALUE_MAX];
    struct eca_strbuf text;
    bool writable; /* false: a name has no such string */
};

static void begin(struct mapping_string *string)
{
    string->writable = true;
    eca_strbuf_init(&string->text, string->memory, sizeof string->memory);
    eca_strbuf_text(&string->text, "X509:");
}

static void write_name(struct mapping_string *string, const char *tag, const X509_NAME *name)
{
    eca_strbuf_text(&string->text, tag);
    string->writable = string->writable && eca_distinguished_name_write(&string->text, name);
}

/* No key when it cannot be written or is too long; false when a name in it is not allowed. */
static bool add_string(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const struct mapping_string *string,
                       struct eca_error *err)
{
    if (!string->writable || string->text.overflow)
        return true;
    if (!eca_utf8_is_clean(slice_of(&string->text)))
        return eca_error_set(err, "the issuer's or subject's name holds a control character or invalid UTF-8");
    return add_key(out, kind, slice_of(&string->text), err);
}

static bool write_serial(struct mapping_string *string, const struct eca_certificate *certificate, bool sign_byte)
{
    begin(string);
    if (!certificate->serial_positive)
        return false;
    write_name(string, "<I>", X509_get_issuer_name(certificate->x509));
    eca_strbuf_text(&string->text, "<SR>");
    for (size_t i = certificate->serial.length; i > 0 && !string->text.overflow; i--)
        eca_strbuf_hex(&string->text, (struct eca_slice){ certificate->serial.bytes + i - 1, 1 });
    eca_strbuf_text(&string->text, sign_byte ? "00" : "");
    return string->writable && !string->text.overflow;
}

bool eca_mapping_write_issuer_serial(struct eca_strbuf *out, const struct eca_certificate *certificate, bool sign_byte)
{
    struct mapping_string string;

    if (!write_serial(&string, certificate, sign_byte) || !eca_utf8_is_clean(slice_of(&string.text)))
        return false;
    eca_strbuf_append(out, string.text.text, string.text.length);
    return !out->overflow;
}

/* Two values when DER adds a sign byte: tools disagree whether it is part of the serial. */
static bool make_issuer_serial(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                               struct eca_error *err)
{
    const bool has_sign_byte = certificate->serial_positive && (certificate->serial.bytes[0] & 0x80) != 0;
    struct mapping_string string;

    for (int sign_byte = 0; sign_byte <= (has_sign_byte ? 1 : 0); sign_byte++) {
        if (!write_serial(&string, certificate, sign_byte == 1))
            return true;
        if (!add_string(out, ECA_MAPPING_ISSUER_SERIAL, &string, err))
            return false;
    }
    return true;
}

static bool add_hex(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const char *tag, struct eca_slice bytes,
                    struct eca_error *err)
{
    struct mapping_string string;

    begin(&string);
    eca_strbuf_text(&string.text, tag);
    eca_strbuf_hex(&string.text, bytes);
    return add_string(out, kind, &string, err);
}

static bool make_ski(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    return certificate->key_identifier.length == 0
           || add_hex(out, ECA_MAPPING_SKI, "<SKI>", certificate->key_identifier, err);
}

/* Microsoft's and Samba's tools write the digest of the certificate, MS-PKCA's words mean the key's. */
static bool make_sha1_pukey(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            struct eca_error *err)
{
    const struct eca_slice whole = { certificate->sha1, sizeof certificate->sha1 };
    const struct eca_slice key = { certificate->public_key_sha1, sizeof certificate->public_key_sha1 };

    return add_hex(out, ECA_MAPPING_SHA1_PUKEY, "<SHA1-PUKEY>", whole, err)
           && add_hex(out, ECA_MAPPING_SHA1_PUKEY, "<SHA1-PUKEY>", key, err);
}

/* Of the SID that counts for this certificate, from the extension or an accepted URI. */
static bool make_issuer_sid(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            struct eca_error *err)
{
    struct mapping_string string;

    if (out->sid[0] == '\0')
        return true;
    begin(&string);
    write_name(&string, "<I>", X509_get_issuer_name(certificate->x509));
    eca_strbuf_text(&string.text, "<SID>");
    eca_strbuf_text(&string.text, out->sid);
    return add_string(out, ECA_MAPPING_ISSUER_SID, &string, err);
}

static bool make_certificate(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                             struct eca_error *err)
{
    const struct eca_slice digest = { certificate->sha256, sizeof certificate->sha256 };

    return add_key(out, ECA_MAPPING_CERTIFICATE, digest, err);
}

static bool is_allowed(struct eca_slice value, size_t maximum)
{
    return value.length > 0 && value.length <= maximum && eca_utf8_is_clean(value);
}

static bool make_upn(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    if (!certificate->upn_readable)
        return eca_error_set(err, "a UPN of the subjectAltName is not a UTF8String, or there are more than %d",
                             ECA_CERTIFICATE_NAMES_MAX);
    for (size_t i = 0; i < certificate->upn_count; i++) {
        if (!is_allowed(certificate->upns[i], UPN_MAX))
            return eca_error_set(err, "a UPN is empty, too long, or holds a control character or invalid UTF-8");
        if (!eca_slice_equal_ascii_nocase(certificate->upns[i], certificate->upns[0]))
            return eca_error_set(err, "the certificate holds two different UPNs");
    }
    return certificate->upn_count == 0 || add_key(out, ECA_MAPPING_UPN, certificate->upns[0], err);
}

static bool check_emails(const struct eca_certificate *certificate, struct eca_error *err)
{
    if (!certificate->email_readable || certificate->email_count > ECA_MAPPING_EMAILS_MAX)
        return eca_error_set(err, "the certificate holds more than %d e-mail addresses", ECA_MAPPING_EMAILS_MAX);
    for (size_t i = 0; i < certificate->email_count; i++) {
        if (!is_allowed(certificate->emails[i], EMAIL_MAX))
            return eca_error_set(err, "an e-mail address is empty, too long, or holds a control character or "
                                      "invalid UTF-8");
    }
    return true;
}

static bool make_email(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    if (!check_emails(certificate, err))
        return false;
    for (size_t i = 0; i < certificate->email_count; i++) {
        if (!add_key(out, ECA_MAPPING_EMAIL, certificate->emails[i], err))
            return false;
    }
    return true;
}

static bool make_cn(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    const X509_NAME *subject = X509_get_subject_name(certificate->x509);
    char memory[CN_MAX + 1];
    struct eca_strbuf text;

    if (X509_NAME_get_index_by_NID(subject, NID_commonName, -1) < 0)
        return true;
    eca_strbuf_init(&text, memory, sizeof memory);
    if (!eca_distinguished_name_common_name(&text, subject) || !is_allowed(slice_of(&text), CN_MAX))
        return eca_error_set(err, "the subject's CN is empty, too long, no text, or holds a control character or "
                                  "invalid UTF-8");
    return add_key(out, ECA_MAPPING_CN, slice_of(&text), err);
}

static bool make_issuer_subject(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                                struct eca_error *err)
{
    struct mapping_string string;

    begin(&string);
    write_name(&string, "<I>", X509_get_issuer_name(certificate->x509));
    write_name(&string, "<S>", X509_get_subject_name(certificate->x509));
    return add_string(out, ECA_MAPPING_ISSUER_SUBJECT, &string, err);
}

static bool make_subject(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    struct mapping_string string;

    begin(&string);
    write_name(&string, "<S>", X509_get_subject_name(certificate->x509));
    return add_string(out, ECA_MAPPING_SUBJECT, &string, err);
}

static bool make_rfc822(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    struct mapping_string string;

    if (!check_emails(certificate, err))
        return false;
    for (size_t i = 0; i < certificate->email_count; i++) {
        begin(&string);
        eca_strbuf_text(&string.text, "<RFC822>");
        eca_strbuf_append(&string.text, certificate->emails[i].bytes, certificate->emails[i].length);
        if (!add_string(out, ECA_MAPPING_RFC822, &string, err))
            return false;
    }
    return true;
}
