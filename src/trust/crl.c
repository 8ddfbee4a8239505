/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a list once, with OpenSSL, into what a request needs: who signed it, its scope, its dates, and the serial
 * numbers in order, 32 bytes each.
 */
#include "crl.h"

#include "crl_scope.h"
#include "distinguished_name.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define CLOCK_SKEW 300
#define SECURITY_BITS 112 /* as of paths (path.c): SHA-1 does not sign a list */

struct serial {
    uint8_t length; /* with NEGATIVE */
    uint8_t bytes[SERIAL_MAX];
};

#define NEGATIVE 0x80

struct entry {
    struct serial serial;
    int16_t why;
    uint32_t since; /* seconds since 1970, enough until 2106 */
};

struct eca_crl {
    atomic_uint holders;
    X509_NAME *issuer;
    uint8_t *key; /* public key of who signed it */
    size_t key_length;
    ISSUING_DIST_POINT *scope;   /* NULL: everything */
    ASN1_INTEGER *number, *base; /* `base`: delta lists */
    CRL_DIST_POINTS *freshest;
    int64_t this_update, next_update;
    uint8_t sha256[32]; /* of the whole list */
    char name[256];
    atomic_int told; /* the latest thing that was said of it */
    size_t count;
    struct entry *entries;
};

struct eca_crl *eca_crl_hold(struct eca_crl *crl)
{
    atomic_fetch_add(&crl->holders, 1);
    return crl;
}

void eca_crl_release(struct eca_crl *crl)
{
    if (crl == NULL || atomic_fetch_sub(&crl->holders, 1) != 1)
        return;
    X509_NAME_free(crl->issuer);
    free(crl->key);
    ISSUING_DIST_POINT_free(crl->scope);
    ASN1_INTEGER_free(crl->number);
    ASN1_INTEGER_free(crl->base);
    CRL_DIST_POINTS_free(crl->freshest);
    free(crl->entries);
    free(crl);
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm = { 0 };

    if (time == NULL || !ASN1_TIME_to_tm(time, &tm))
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

/* ---- entries ----------------------------------------------------------------------------- */

static bool read_serial(struct serial *out, const ASN1_INTEGER *serial)
{
    const int length = ASN1_STRING_length(serial);

    if (length < 0 || length > SERIAL_MAX)
        return false;
    memset(out, 0, sizeof *out);
    out->length = (uint8_t)(length | ((ASN1_STRING_type(serial) & V_ASN1_NEG) != 0 ? NEGATIVE : 0));
    memcpy(out->bytes, ASN1_STRING_get0_data(serial), (size_t)length);
    return true;
}

static int by_serial(const void *a, const void *b)
{
    return memcmp(&((const struct entry *)a)->serial, &((const struct entry *)b)->serial, sizeof(struct serial));
}

/* An entry may only have extensions that are understood: one that names another issuer would be somebody else's serial.
 */
static bool check_entry(const X509_REVOKED *revoked, struct eca_error *err)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(revoked); i++) {
        X509_EXTENSION *extension = X509_REVOKED_get_ext(revoked, i);
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

        if (nid == NID_certificate_issuer)
            return eca_error_set(err, "it names certificates of other issuers (an indirect CRL); not supported");
        if (X509_EXTENSION_get_critical(extension) != 0 && nid != NID_crl_reason)
            return eca_error_set(err, "an entry has a critical extension that is not understood");
    }
    return true;
}

static bool read_entry(struct entry *out, const X509_REVOKED *revoked, struct eca_error *err)
{
    ASN1_ENUMERATED *why = NULL;
    int64_t since = 0;

    if (!read_serial(&out->serial, X509_REVOKED_get0_serialNumber(revoked)))
        return eca_error_set(err, "a serial number has more than %d bytes", SERIAL_MAX);
    if (!check_entry(revoked, err))
        return false;
    why = X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
    out->why = (int16_t)(why == NULL ? -1 : ASN1_ENUMERATED_get(why));
    ASN1_ENUMERATED_free(why);
    if (seconds_of(X509_REVOKED_get0_revocationDate(revoked), &since) && since > 0 && since <= UINT32_MAX)
        out->since = (uint32_t)since;
    return true;
}

static bool read_entries(struct eca_crl *crl, X509_CRL *source, struct eca_error *err)
{
    STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(source);
    const int count = sk_X509_REVOKED_num(list);

    if (count <= 0)
        return true;
    crl->entries = calloc((size_t)count, sizeof crl->entries[0]);
    if (crl->entries == NULL)
        return eca_error_set(err, "out of memory");
    for (; crl->count < (size_t)count; crl->count++) {
        if (!read_entry(&crl->entries[crl->count], sk_X509_REVOKED_value(list, (int)crl->count), err))
            return false;
    }
    qsort(crl->entries, crl->count, sizeof crl->entries[0], by_serial);
    return true;
}

/* ---- the list ---------------------------------------------------------------------------- */

static bool check_extensions(const X509_CRL *source, struct eca_error *err)
{
    char name[80] = "";

    for (int i = 0; i < X509_CRL_get_ext_count(source); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(source, i);
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

        if (X509_EXTENSION_get_critical(extension) == 0 || nid == NID_issuing_distribution_point || nid == NID_delta_crl
            || nid == NID_authority_key_identifier || nid == NID_crl_number)
            continue;
        (void)OBJ_obj2txt(name, sizeof name, X509_EXTENSION_get_object(extension), 1);
        return eca_error_set(err, "its critical extension %s is not understood", name);
    }
    return true;
}

static bool is_strong(const X509_CRL *source)
{
    int digest = NID_undef, key = NID_undef;
    const EVP_MD *md = NULL;

    if (!OBJ_find_sigid_algs(X509_CRL_get_signature_nid(source), &digest, &key))
        return false;
    if (digest == NID_undef) /* Ed25519, Ed448 and RSA-PSS say it elsewhere */
        return key != NID_rsassaPss || X509_CRL_get_signature_nid(source) == NID_rsassaPss;
    md = EVP_get_digestbynid(digest);
    return md != NULL && EVP_MD_get_size(md) * 4 >= SECURITY_BITS;
}

static bool may_sign(X509 *issuer)
{
    return (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0; /* all bits without the extension */
}

static bool is_signed_by(X509_CRL *source, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    const bool good = key != NULL && may_sign(issuer) && X509_CRL_verify(source, key) == 1;

    ERR_clear_error();
    return good;
}

/* Copies the key of whoever of the issuers signed it. */
static bool find_signer(struct eca_crl *crl, X509_CRL *source, STACK_OF(X509) * issuers, struct eca_error *err)
{
    bool known = false;

    if (!is_strong(source))
        return eca_error_set(err, "its signature algorithm is too weak");
    for (int i = 0; i < sk_X509_num(issuers); i++) {
        X509 *issuer = sk_X509_value(issuers, i);
        const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);

        if (X509_NAME_cmp(X509_get_subject_name(issuer), crl->issuer) != 0)
            continue;
        known = true;
        if (!is_signed_by(source, issuer))
            continue;
        crl->key_length = (size_t)ASN1_STRING_length(key);
        crl->key = malloc(crl->key_length + 1);
        if (crl->key == NULL)
            return eca_error_set(err, "out of memory");
        memcpy(crl->key, ASN1_STRING_get0_data(key), crl->key_length);
        return true;
    }
    return eca_error_set(
        err, known ? "it is not signed by the accepted issuer %s" : "its issuer %s is not among the accepted issuers",
        crl->name);
}

static bool read_dates(struct eca_crl *crl, const X509_CRL *source, int64_t now, struct eca_error *err)
{
    if (!seconds_of(X509_CRL_get0_lastUpdate(source), &crl->this_update))
        return eca_error_set(err, "its date cannot be read");
    if (!seconds_of(X509_CRL_get0_nextUpdate(source), &crl->next_update))
        return eca_error_set(err, "it does not say when the next one comes");
    if (crl->this_update > now + CLOCK_SKEW)
        return eca_error_set(err, "it is dated in the future; is this machine's clock right?");
    if (crl->next_update <= crl->this_update)
        return eca_error_set(err, "it ends before it begins");
    return true;
}

/* -1: not there; -2: there, but not readable or there twice. */
static void *read_extension(const X509_CRL *source, int nid, bool *good)
{
    int found = -1;
    void *value = X509_CRL_get_ext_d2i(source, nid, &found, NULL);

    *good = *good && (value != NULL || found == -1);
    return value;
}

static bool read_list(struct eca_crl *crl, X509_CRL *source, STACK_OF(X509) * issuers, int64_t now,
                      struct eca_error *err)
{
    bool good = true;

    crl->issuer = X509_NAME_dup(X509_CRL_get_issuer(source));
    if (crl->issuer == NULL || X509_CRL_digest(source, EVP_sha256(), crl->sha256, NULL) != 1)
        return eca_error_set(err, "out of memory");
    eca_distinguished_name_show(crl->name, sizeof crl->name, crl->issuer);
    crl->scope = read_extension(source, NID_issuing_distribution_point, &good);
    crl->number = read_extension(source, NID_crl_number, &good);
    crl->base = read_extension(source, NID_delta_crl, &good);
    crl->freshest = read_extension(source, NID_freshest_crl, &good);
    ERR_clear_error();
    if (!good)
        return eca_error_set(err, "an extension cannot be read");
    if (crl->base != NULL && crl->number == NULL)
        return eca_error_set(err, "it is a delta CRL without a number");
    return check_extensions(source, err) && eca_crl_scope_check(crl->scope, err) && read_dates(crl, source, now, err)
           && find_signer(crl, source, issuers, err) && read_entries(crl, source, err);
}

static struct eca_crl *make(X509_CRL *source, STACK_OF(X509) * issuers, int64_t now, struct eca_error *err)
{
    struct eca_crl *crl = calloc(1, sizeof *crl);

    if (crl == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    atomic_init(&crl->holders, 1);
    if (read_list(crl, source, issuers, now, err))
        return crl;
    eca_crl_release(crl);
    return NULL;
}

static size_t read_der(struct eca_crl **out, const uint8_t *bytes, size_t length, STACK_OF(X509) * issuers, int64_t now,
                       struct eca_error *err)
{
    const uint8_t *at = bytes;
    X509_CRL *source = d2i_X509_CRL(NULL, &at, (long)length);
    const bool whole = source != NULL && at == bytes + length;

    ERR_clear_error();
    *out = whole ? make(source, issuers, now, err) : NULL;
    if (!whole)
        eca_error_set(err, "it is no CRL");
    X509_CRL_free(source);
    return *out != NULL;
}

static size_t read_pem(struct eca_crl **out, size_t capacity, const uint8_t *bytes, size_t length,
                       STACK_OF(X509) * issuers, int64_t now, struct eca_error *err)
{
    BIO *bio = BIO_new_mem_buf(bytes, (int)length);
    X509_CRL *source = NULL;
    size_t count = 0;

    while (count < capacity && bio != NULL && (source = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        out[count] = make(source, issuers, now, err);
        count += out[count] != NULL;
        X509_CRL_free(source);
    }
    if (count == 0)
        eca_error_set(err, "it holds no CRL");
    BIO_free(bio);
    ERR_clear_error();
    return count;
}

size_t eca_crl_read(struct eca_crl **out, size_t capacity, const uint8_t *bytes, size_t length,
                    STACK_OF(X509) * issuers, int64_t now, struct eca_error *err)
{
    if (length > ECA_CRL_BYTES_MAX || capacity == 0) {
        eca_error_set(err, "it has more than %zu bytes", ECA_CRL_BYTES_MAX);
        return 0;
    }
    if (length > 0 && bytes[0] == 0x30)
        return read_der(out, bytes, length, issuers, now, err);
    return read_pem(out, capacity, bytes, length, issuers, now, err);
}

/* ---- looking into it --------------------------------------------------------------------- */

static bool has_key(const struct eca_crl *crl, const uint8_t *key, size_t length)
{
    return crl->key_length == length && memcmp(crl->key, key, length) == 0;
}

bool eca_crl_covers(const struct eca_crl *crl, X509 *certificate, X509 *issuer)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);

    return X509_NAME_cmp(crl->issuer, X509_get_issuer_name(certificate)) == 0
           && has_key(crl, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key))
           && eca_crl_scope_covers(crl->scope, certificate);
}

enum eca_crl_entry eca_crl_find(const struct eca_crl *crl, X509 *certificate, int64_t *since, int *why)
{
    struct entry wanted = { .why = 0 };
    const struct entry *found = NULL;

    if (!read_serial(&wanted.serial, X509_get0_serialNumber(certificate)) || crl->count == 0)
        return ECA_CRL_ENTRY_NONE;
    found = bsearch(&wanted, crl->entries, crl->count, sizeof crl->entries[0], by_serial);
    if (found == NULL)
        return ECA_CRL_ENTRY_NONE;
    *since = found->since;
    *why = found->why;
    return crl->base != NULL && found->why == CRL_REASON_REMOVE_FROM_CRL ? ECA_CRL_ENTRY_REMOVED
                                                                         : ECA_CRL_ENTRY_REVOKED;
}

bool eca_crl_is_delta(const struct eca_crl *crl)
{
    return crl->base != NULL;
}

static bool same_kind(const struct eca_crl *a, const struct eca_crl *b)
{
    return X509_NAME_cmp(a->issuer, b->issuer) == 0 && has_key(a, b->key, b->key_length)
           && eca_crl_scope_equals(a->scope, b->scope);
}

bool eca_crl_applies(const struct eca_crl *delta, const struct eca_crl *base)
{
    return delta->base != NULL && base->base == NULL && base->number != NULL && same_kind(delta, base)
           && ASN1_INTEGER_cmp(delta->base, base->number) <= 0 && ASN1_INTEGER_cmp(delta->number, base->number) > 0;
}

/* Without numbers, those of one second are as good as each other. */
static bool is_before(const struct eca_crl *crl, const struct eca_crl *other)
{
    if (crl->this_update != other->this_update)
        return crl->this_update < other->this_update;
    return crl->number != NULL && other->number != NULL && ASN1_INTEGER_cmp(crl->number, other->number) < 0;
}

bool eca_crl_replaces(const struct eca_crl *later, const struct eca_crl *earlier)
{
    return same_kind(later, earlier) && (later->base == NULL) == (earlier->base == NULL) && !is_before(later, earlier);
}

bool eca_crl_is_same(const struct eca_crl *a, const struct eca_crl *b)
{
    return memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0 && has_key(a, b->key, b->key_length);
}

int64_t eca_crl_this_update(const struct eca_crl *crl)
{
    return crl->this_update;
}

int64_t eca_crl_next_update(const struct eca_crl *crl)
{
    return crl->next_update;
}

bool eca_crl_tell_once(struct eca_crl *crl, int stage)
{
    int before = atomic_load(&crl->told);

    while (before < stage) {
        if (atomic_compare_exchange_weak(&crl->told, &before, stage))
            return true;
    }
    return false;
}

const char *eca_crl_issuer(const struct eca_crl *crl)
{
    return crl->name;
}

void eca_crl_freshest(const struct eca_crl *crl, struct eca_crl_points *out)
{
    eca_crl_points_add(out, crl->freshest);
}
