/* SPDX-License-Identifier: Apache-2.0 */
/* From a certificate to the keys to search by: one table row and one function for each kind. */
#include "mapping.h"

#include "distinguished_name.h"
#include "utf8.h"

#include <string.h>
#include <strings.h>

#define UPN_MAX 1024

static bool make_sid(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err);
static bool make_sid_uri(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                         struct eca_error *err);
static bool make_issuer_serial(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                               struct eca_error *err);
static bool make_ski(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err);
static bool make_sha1_pukey(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            struct eca_error *err);
static bool make_upn(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err);

/* `make` adds what the certificate yields, or nothing; false when a value is not allowed (mapping rules 3, 4, 7, 8). */
static const struct kind {
    struct eca_mapping_kind_row row; /* name, strong, in_strong_set, attribute */
    bool (*make)(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err);
} kinds[ECA_MAPPING_KINDS] = {
    [ECA_MAPPING_SID] = { { "sid", true, true, "objectSid" }, make_sid },
    [ECA_MAPPING_SID_URI] = { { "sid-uri", true, false, "objectSid" }, make_sid_uri },
    [ECA_MAPPING_ISSUER_SERIAL] = { { "issuer-serial", true, true, "altSecurityIdentities" }, make_issuer_serial },
    [ECA_MAPPING_SKI] = { { "ski", true, true, "altSecurityIdentities" }, make_ski },
    [ECA_MAPPING_SHA1_PUKEY] = { { "sha1-pukey", true, true, "altSecurityIdentities" }, make_sha1_pukey },
    [ECA_MAPPING_UPN] = { { "upn", false, false, "userPrincipalName" }, make_upn },
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

void eca_mapping_policy_strong(struct eca_mapping_policy *out)
{
    out->count = 0;
    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++) {
        if (kinds[kind].row.in_strong_set)
            out->kinds[out->count++] = (enum eca_mapping_kind)kind;
    }
}

static bool is_configured(const struct eca_mapping_policy *policy, enum eca_mapping_kind kind)
{
    for (size_t i = 0; i < policy->count; i++) {
        if (policy->kinds[i] == kind)
            return true;
    }
    return false;
}

bool eca_mapping_policy_add(struct eca_mapping_policy *policy, enum eca_mapping_kind kind)
{
    if (is_configured(policy, kind) || policy->count == ECA_MAPPING_KINDS)
        return false;
    policy->kinds[policy->count++] = kind;
    return true;
}

/* Copies the value; `configured` and `rank` follow in make_kind(), which knows the policy. */
static bool add_key(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const void *bytes, size_t length,
                    struct eca_error *err)
{
    if (out->count == ECA_MAPPING_KEYS_MAX || length > sizeof out->text - out->text_length)
        return eca_error_set(err, "the certificate yields too many mapping keys");
    memcpy(out->text + out->text_length, bytes, length);
    out->keys[out->count++] = (struct eca_mapping_key){
        .kind = kind,
        .value = { (const uint8_t *)out->text + out->text_length, length },
    };
    out->text_length += length;
    return true;
}

static bool add_text(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const struct eca_strbuf *text,
                     struct eca_error *err)
{
    return add_key(out, kind, text->text, text->length, err);
}

static bool add_sid(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const char *sid, struct eca_error *err)
{
    uint8_t binary[ECA_SID_BINARY_MAX];
    size_t length;

    if (sid[0] == '\0')
        return true;
    length = eca_sid_to_binary(binary, sid);
    return length == 0 ? eca_error_set(err, "the certificate's SID is not well-formed")
                       : add_key(out, kind, binary, length, err);
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

/*
 * "X509:<I>" issuer "<SR>" serial, the serial's bytes from the last to the first (MS-PKCA 3.1.5.2.1,
 * KB5014754). False when the issuer, the serial or their length allow no such value.
 */
static bool write_issuer_serial(struct eca_strbuf *out, const struct eca_certificate *certificate, bool sign_byte)
{
    if (!certificate->serial_positive)
        return false;
    eca_strbuf_text(out, "X509:<I>");
    if (!eca_distinguished_name_write(out, X509_get_issuer_name(certificate->x509)))
        return false;
    eca_strbuf_text(out, "<SR>");
    for (size_t i = certificate->serial.length; i > 0 && !out->overflow; i--)
        eca_strbuf_hex(out, (struct eca_slice){ certificate->serial.bytes + i - 1, 1 });
    eca_strbuf_text(out, sign_byte ? "00" : "");
    return !out->overflow;
}

static bool is_clean(const struct eca_strbuf *text)
{
    return eca_utf8_is_clean((struct eca_slice){ (const uint8_t *)text->text, text->length });
}

/* Two values when DER adds a sign byte: tools disagree whether it is part of the serial. */
static bool make_issuer_serial(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                               struct eca_error *err)
{
    const bool has_sign_byte = certificate->serial_positive && (certificate->serial.bytes[0] & 0x80) != 0;
    char memory[ECA_MAPPING_VALUE_MAX];
    struct eca_strbuf text;

    for (int sign_byte = 0; sign_byte <= (has_sign_byte ? 1 : 0); sign_byte++) {
        eca_strbuf_init(&text, memory, sizeof memory);
        if (!write_issuer_serial(&text, certificate, sign_byte == 1))
            return true;
        if (!is_clean(&text))
            return eca_error_set(err, "the issuer's name holds a control character or invalid UTF-8");
        if (!add_text(out, ECA_MAPPING_ISSUER_SERIAL, &text, err))
            return false;
    }
    return true;
}

static bool add_hex(struct eca_mapping_keys *out, enum eca_mapping_kind kind, const char *prefix,
                    struct eca_slice bytes, struct eca_error *err)
{
    char memory[ECA_MAPPING_VALUE_MAX];
    struct eca_strbuf text;

    eca_strbuf_init(&text, memory, sizeof memory);
    eca_strbuf_text(&text, prefix);
    eca_strbuf_hex(&text, bytes);
    return text.overflow || add_text(out, kind, &text, err);
}

static bool make_ski(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    return certificate->key_identifier.length == 0
           || add_hex(out, ECA_MAPPING_SKI, "X509:<SKI>", certificate->key_identifier, err);
}

/* Microsoft's and Samba's tools write the digest of the certificate, MS-PKCA's words mean the key's. */
static bool make_sha1_pukey(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            struct eca_error *err)
{
    static const char prefix[] = "X509:<SHA1-PUKEY>";
    const struct eca_slice whole = { certificate->sha1, sizeof certificate->sha1 };
    const struct eca_slice key = { certificate->public_key_sha1, sizeof certificate->public_key_sha1 };

    return add_hex(out, ECA_MAPPING_SHA1_PUKEY, prefix, whole, err)
           && add_hex(out, ECA_MAPPING_SHA1_PUKEY, prefix, key, err);
}

static bool make_upn(struct eca_mapping_keys *out, const struct eca_certificate *certificate, struct eca_error *err)
{
    if (!certificate->upn_readable)
        return eca_error_set(err, "a UPN of the subjectAltName is not a UTF8String, or there are more than %d",
                             ECA_CERTIFICATE_NAMES_MAX);
    for (size_t i = 0; i < certificate->upn_count; i++) {
        const struct eca_slice upn = certificate->upns[i];

        if (upn.length == 0 || upn.length > UPN_MAX || !eca_utf8_is_clean(upn))
            return eca_error_set(err, "a UPN is empty, too long, or holds a control character or invalid UTF-8");
        if (!eca_slice_equal_ascii_nocase(upn, certificate->upns[0]))
            return eca_error_set(err, "the certificate names two different UPNs");
    }
    return certificate->upn_count == 0
           || add_key(out, ECA_MAPPING_UPN, certificate->upns[0].bytes, certificate->upns[0].length, err);
}

/* Runs the kind's function; what it began is taken back when it fails. */
static bool make_kind(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                      enum eca_mapping_kind kind, bool configured, size_t rank, struct eca_error *err)
{
    const size_t first = out->count;
    const size_t text_length = out->text_length;

    if (!kinds[kind].make(out, certificate, err)) {
        out->count = first;
        out->text_length = text_length;
        return false;
    }
    for (size_t i = first; i < out->count; i++) {
        out->keys[i].configured = configured;
        out->keys[i].rank = rank;
    }
    return true;
}

/* Weak kinds nobody asked for: looked up only to say mapping-weak, so a bad value is no reason to refuse. */
static void make_unconfigured(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                              const struct eca_mapping_policy *policy)
{
    size_t rank = policy->count;

    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++) {
        struct eca_error ignored = { .text = "" };

        if (!kinds[kind].row.strong && !is_configured(policy, (enum eca_mapping_kind)kind))
            (void)make_kind(out, certificate, (enum eca_mapping_kind)kind, false, rank++, &ignored);
    }
}

static void write_strong_value(struct eca_mapping_keys *out, const struct eca_certificate *certificate)
{
    struct eca_strbuf text;

    eca_strbuf_init(&text, out->strong_value, sizeof out->strong_value);
    if (!write_issuer_serial(&text, certificate, false) || !is_clean(&text))
        out->strong_value[0] = '\0';
}

bool eca_mapping_keys_build(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            const struct eca_mapping_policy *policy, struct eca_error *err)
{
    const bool uri_counts = certificate->sid[0] == '\0' && is_configured(policy, ECA_MAPPING_SID_URI);

    out->count = 0;
    out->text_length = 0;
    out->not_before = certificate->not_before;
    memcpy(out->sid, uri_counts ? certificate->sid_uri : certificate->sid, sizeof out->sid);
    write_strong_value(out, certificate);
    for (size_t i = 0; i < policy->count; i++) {
        if (!make_kind(out, certificate, policy->kinds[i], true, i, err)) {
            out->count = 0;
            return false;
        }
    }
    make_unconfigured(out, certificate, policy);
    return true;
}

bool eca_mapping_key_equals(const struct eca_mapping_key *key, struct eca_slice value)
{
    if (key->kind == ECA_MAPPING_SID || key->kind == ECA_MAPPING_SID_URI)
        return eca_slice_equal(key->value, value);
    return eca_slice_equal_ascii_nocase(key->value, value);
}

bool eca_mapping_key_implicit_name(const struct eca_mapping_key *key, const char *domain, struct eca_slice *name)
{
    const uint8_t *at;
    size_t length;

    if (key->kind != ECA_MAPPING_UPN || domain == NULL || domain[0] == '\0' || key->value.length == 0)
        return false;
    at = memrchr(key->value.bytes, '@', key->value.length);
    if (at == NULL || at == key->value.bytes)
        return false;
    length = (size_t)(at - key->value.bytes);
    if (!eca_slice_equal_ascii_nocase((struct eca_slice){ at + 1, key->value.length - length - 1 },
                                      eca_slice_from_text(domain)))
        return false;
    *name = (struct eca_slice){ key->value.bytes, length };
    return true;
}
