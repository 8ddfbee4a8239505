/* SPDX-License-Identifier: Apache-2.0 */
/* From a certificate to the keys to search by, in the order of EASMapping, and the second comparison. */
#include "mapping.h"

#include "mapping_kind.h"

#include <openssl/evp.h>
#include <string.h>

void eca_mapping_policy_strong(struct eca_mapping_policy *out)
{
    out->count = 0;
    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++) {
        if (eca_mapping_describe((enum eca_mapping_kind)kind)->in_strong_set)
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

/* Runs the kind's function; what it began is taken back when it fails. */
static bool make_kind(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                      enum eca_mapping_kind kind, bool configured, size_t rank, struct eca_error *err)
{
    const size_t first = out->count;
    const size_t text_length = out->text_length;

    if (!eca_mapping_kind_make(out, certificate, kind, err)) {
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

        if (!eca_mapping_describe((enum eca_mapping_kind)kind)->strong
            && !is_configured(policy, (enum eca_mapping_kind)kind))
            (void)make_kind(out, certificate, (enum eca_mapping_kind)kind, false, rank++, &ignored);
    }
}

static void write_strong_value(struct eca_mapping_keys *out, const struct eca_certificate *certificate)
{
    struct eca_strbuf text;

    eca_strbuf_init(&text, out->strong_value, sizeof out->strong_value);
    if (!eca_mapping_write_issuer_serial(&text, certificate, false))
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

static bool is_digest_of(struct eca_slice digest, struct eca_slice certificate)
{
    uint8_t made[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    return EVP_Digest(certificate.bytes, certificate.length, made, &length, EVP_sha256(), NULL) == 1
           && eca_slice_equal(digest, (struct eca_slice){ made, length });
}

bool eca_mapping_key_equals(const struct eca_mapping_key *key, struct eca_slice value)
{
    switch (key->kind) {
    case ECA_MAPPING_SID:
    case ECA_MAPPING_SID_URI:
        return eca_slice_equal(key->value, value);
    case ECA_MAPPING_CERTIFICATE:
        return is_digest_of(key->value, value);
    default:
        return eca_slice_equal_ascii_nocase(key->value, value);
    }
}

uint64_t eca_mapping_keys_located(const struct eca_mapping_keys *keys, uint64_t matched)
{
    uint64_t locators = 0, certificates = 0;

    for (size_t i = 0; i < keys->count; i++) {
        const enum eca_mapping_kind kind = keys->keys[i].kind;

        if (kind == ECA_MAPPING_UPN || kind == ECA_MAPPING_EMAIL || kind == ECA_MAPPING_CN)
            locators |= (uint64_t)1 << i;
        if (kind == ECA_MAPPING_CERTIFICATE)
            certificates |= (uint64_t)1 << i;
    }
    return (matched & locators) != 0 ? matched : matched & ~certificates;
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
