/* SPDX-License-Identifier: Apache-2.0 */
/* The trust stage: path, signatures and CA rules by OpenSSL's verifier, then purpose, then dates. */
#include "path.h"

#include "der.h"
#include "distinguished_name.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Debian's default for TLS: signatures and keys below 112 bits of security (SHA-1, RSA 1024)
 * do not make a path.
 */
#define SECURITY_LEVEL 2
#define PATH_DEPTH_MAX 8

/*
 * Any listed CA is an anchor; policy constraints of an issuer count (RFC 5280 6.1.5). Not X509_STRICT: it wants key
 * identifiers and critical flags that CAs in use leave out; what it alone finds and matters is judged here.
 */
#define PATH_FLAGS (X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_POLICY_CHECK)

struct eca_trust_anchors {
    X509_STORE *store;
    STACK_OF(X509) * certificates;
    X509 **issuers; /* of each certificate; NULL: none of them */
};

static bool add_anchor(struct eca_trust_anchors *anchors, X509 *certificate, const char *file, struct eca_error *err)
{
    char subject[256] = "";

    if (X509_check_ca(certificate) == 0) {
        eca_distinguished_name_show(subject, sizeof subject, X509_get_subject_name(certificate));
        return eca_error_set(err, "%s: \"%s\" is not a CA's certificate; list issuers only", file, subject);
    }
    if (!X509_STORE_add_cert(anchors->store, certificate) || !sk_X509_push(anchors->certificates, certificate))
        return eca_error_set(err, "%s: a certificate cannot be added", file);
    X509_up_ref(certificate);
    return true;
}

static bool read_anchor_file(struct eca_trust_anchors *anchors, const char *file, struct eca_error *err)
{
    X509 *certificate = NULL;
    int count = 0;
    bool good = true;
    BIO *bio = BIO_new_file(file, "r");

    if (bio == NULL) {
        ERR_clear_error();
        return eca_error_set(err, "%s: cannot be read", file);
    }
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good = add_anchor(anchors, certificate, file, err);
        count++;
        X509_free(certificate);
    }
    if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        good = eca_error_set(err, "%s: certificate %d is not readable PEM", file, count + 1);
    else if (good && count == 0)
        good = eca_error_set(err, "%s: holds no certificate in PEM", file);
    ERR_clear_error();
    BIO_free(bio);
    return good;
}

/* Signatures are verified once, here. */
static bool find_issuers(struct eca_trust_anchors *anchors)
{
    const int count = sk_X509_num(anchors->certificates);

    anchors->issuers = calloc((size_t)count + 1, sizeof anchors->issuers[0]);
    for (int i = 0; i < count && anchors->issuers != NULL; i++) {
        X509 *certificate = sk_X509_value(anchors->certificates, i);

        for (int j = 0; j < count && anchors->issuers[i] == NULL; j++) {
            X509 *issuer = sk_X509_value(anchors->certificates, j);

            if (X509_cmp(issuer, certificate) != 0 && X509_check_issued(issuer, certificate) == X509_V_OK
                && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1)
                anchors->issuers[i] = issuer;
        }
    }
    ERR_clear_error();
    return anchors->issuers != NULL;
}

struct eca_trust_anchors *eca_trust_anchors_open(const char *const *files, size_t count, struct eca_error *err)
{
    struct eca_trust_anchors *anchors = calloc(1, sizeof *anchors);
    bool good = anchors != NULL;

    if (good) {
        anchors->store = X509_STORE_new();
        anchors->certificates = sk_X509_new_null();
        good = anchors->store != NULL && anchors->certificates != NULL;
    }
    if (!good)
        eca_error_set(err, "out of memory");
    for (size_t i = 0; good && i < count; i++)
        good = read_anchor_file(anchors, files[i], err);
    if (good && !find_issuers(anchors))
        good = eca_error_set(err, "out of memory");
    if (!good) {
        eca_trust_anchors_close(anchors);
        return NULL;
    }
    return anchors;
}

void eca_trust_anchors_close(struct eca_trust_anchors *anchors)
{
    if (anchors == NULL)
        return;
    sk_X509_pop_free(anchors->certificates, X509_free);
    X509_STORE_free(anchors->store);
    free(anchors->issuers);
    free(anchors);
}

bool eca_trust_anchors_ending_before(const struct eca_trust_anchors *anchors, int64_t time, struct eca_error *err)
{
    time_t limit = (time_t)time;
    char text[ECA_ERROR_MAX] = "";
    size_t used = 0;

    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        const X509 *certificate = sk_X509_value(anchors->certificates, i);
        char subject[128] = "";

        if (X509_cmp_time(X509_get0_notAfter(certificate), &limit) >= 0 || used >= sizeof text)
            continue;
        eca_distinguished_name_show(subject, sizeof subject, X509_get_subject_name(certificate));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s\"", used == 0 ? "" : ", ", subject);
    }
    if (used > 0)
        eca_error_set(err, "%s", text);
    return used > 0;
}

STACK_OF(X509) * eca_trust_anchors_list(const struct eca_trust_anchors *anchors)
{
    return anchors->certificates;
}

static int index_of(const struct eca_trust_anchors *anchors, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(anchors->certificates); i++) {
        if (X509_cmp(sk_X509_value(anchors->certificates, i), certificate) == 0)
            return i;
    }
    return -1;
}

bool eca_trust_anchors_hold(const struct eca_trust_anchors *anchors, const X509 *certificate)
{
    return index_of(anchors, certificate) >= 0;
}

X509 *eca_trust_anchors_issuer(const struct eca_trust_anchors *anchors, const X509 *certificate)
{
    const int index = index_of(anchors, certificate);

    return index < 0 ? NULL : anchors->issuers[index];
}

static bool is_date_error(int error)
{
    return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID
           || error == X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD || error == X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
}

static X509_STORE_CTX *build_path(const struct eca_trust_anchors *anchors, X509 *leaf, STACK_OF(X509) * chain,
                                  int64_t now, unsigned long extra_flags)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param = NULL;

    if (context == NULL || !X509_STORE_CTX_init(context, anchors->store, leaf, chain)) {
        X509_STORE_CTX_free(context);
        return NULL;
    }
    param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, PATH_FLAGS | extra_flags);
    X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)); /* without it a required policy is never met */
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_depth(param, PATH_DEPTH_MAX);
    if ((extra_flags & X509_V_FLAG_NO_CHECK_TIME) == 0) /* a set time would win over the flag */
        X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_verify_cert(context);
    return context;
}

/*
 * With dates first, so that of two generations of a CA the valid one is taken. When only dates
 * stand in the way the path is built without them, to judge them last and by name: an expired
 * certificate of a strange CA is untrusted, not expired.
 */
static X509_STORE_CTX *build_best_path(const struct eca_trust_anchors *anchors, X509 *leaf, STACK_OF(X509) * chain,
                                       int64_t now)
{
    X509_STORE_CTX *context = build_path(anchors, leaf, chain, now, 0);

    if (context == NULL || !is_date_error(X509_STORE_CTX_get_error(context)))
        return context;
    X509_STORE_CTX_free(context);
    return build_path(anchors, leaf, chain, now, X509_V_FLAG_NO_CHECK_TIME);
}

static bool has_namesake(STACK_OF(X509) * chain, int at)
{
    const X509_NAME *name = X509_get_subject_name(sk_X509_value(chain, at));

    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (i != at && X509_NAME_cmp(X509_get_subject_name(sk_X509_value(chain, i)), name) == 0)
            return true;
    }
    return false;
}

/*
 * libcrypto follows the first certificate that fits and never goes back. Of a cross-signed CA a client may send both
 * certificates: where one leads nowhere, it is left out.
 */
static X509_STORE_CTX *build_any_path(const struct eca_trust_anchors *anchors, X509 *leaf, STACK_OF(X509) * chain,
                                      int64_t now)
{
    X509_STORE_CTX *context = build_best_path(anchors, leaf, chain, now);

    for (int i = 0; context != NULL && X509_STORE_CTX_get_error(context) != X509_V_OK && i < sk_X509_num(chain); i++) {
        STACK_OF(X509) *others = has_namesake(chain, i) ? sk_X509_dup(chain) : NULL;
        X509_STORE_CTX *second = NULL;

        if (others == NULL)
            continue;
        (void)sk_X509_delete(others, i);
        second = build_best_path(anchors, leaf, others, now);
        sk_X509_free(others);
        if (second != NULL && X509_STORE_CTX_get_error(second) == X509_V_OK) {
            X509_STORE_CTX_free(context);
            return second;
        }
        X509_STORE_CTX_free(second);
    }
    return context;
}

static bool allows_purpose(X509 *certificate, const ASN1_OBJECT *wanted)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool allowed = usage == NULL;

    for (int i = 0; usage != NULL && i < sk_ASN1_OBJECT_num(usage) && !allowed; i++) {
        const ASN1_OBJECT *present = sk_ASN1_OBJECT_value(usage, i);

        allowed = OBJ_cmp(present, wanted) == 0 || OBJ_obj2nid(present) == NID_anyExtendedKeyUsage;
    }
    EXTENDED_KEY_USAGE_free(usage);
    return allowed;
}

/*
 * Every certificate must allow the purpose, the anchor too, as its name constraints and path length count too: an
 * issuer limited to mail cannot make log-on certificates, and intermediates are listed so that resumed sessions have a
 * path.
 */
static bool path_allows_purpose(STACK_OF(X509) * path, const ASN1_OBJECT *wanted)
{
    for (int i = 0; i < sk_X509_num(path); i++) {
        if (!allows_purpose(sk_X509_value(path, i), wanted))
            return false;
    }
    return true;
}

static bool judge_purpose(STACK_OF(X509) * path, const struct eca_purposes *purposes, struct eca_error *err)
{
    X509 *leaf = sk_X509_value(path, 0);
    const uint32_t usable = X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_KEY_AGREEMENT;

    if ((X509_get_key_usage(leaf) & usable) == 0) /* UINT32_MAX when the extension is absent */
        return eca_error_set(err, "its key usage does not include digitalSignature");
    for (size_t i = 0; !purposes->any && i < purposes->count; i++) {
        if (path_allows_purpose(path, purposes->accepted[i]))
            return true;
    }
    return purposes->any
           || eca_error_set(err, "neither it nor its path has an extended key usage that EASExtendedKeyUsage accepts");
}

static void describe_time(char *out, size_t size, const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    if (!ASN1_TIME_to_tm(time, &tm) || strftime(out, size, "%Y-%m-%dT%H:%MZ", &tm) == 0)
        (void)snprintf(out, size, "unreadable");
}

/* -1 before its time, 1 after it, 0 within; an unreadable date counts as after. */
static int compare_validity(const X509 *certificate, int64_t now)
{
    time_t moment = (time_t)now;
    const int begin = X509_cmp_time(X509_get0_notBefore(certificate), &moment);
    const int end = X509_cmp_time(X509_get0_notAfter(certificate), &moment);

    if (begin == 0 || end <= 0)
        return 1;
    return begin > 0 ? -1 : 0;
}

static enum eca_certificate_fact judge_dates(STACK_OF(X509) * path, int64_t now, struct eca_error *err)
{
    const X509 *leaf = sk_X509_value(path, 0);
    char when[32];

    for (int i = 1; i < sk_X509_num(path); i++) {
        const X509 *issuer = sk_X509_value(path, i);
        char subject[128] = "";

        if (compare_validity(issuer, now) == 0)
            continue;
        eca_distinguished_name_show(subject, sizeof subject, X509_get_subject_name(issuer));
        describe_time(when, sizeof when, X509_get0_notAfter(issuer));
        eca_error_set(err, "its issuer %s is outside its own validity (notAfter %s)", subject, when);
        return ECA_CERTIFICATE_UNTRUSTED;
    }
    switch (compare_validity(leaf, now)) {
    case -1:
        describe_time(when, sizeof when, X509_get0_notBefore(leaf));
        eca_error_set(err, "notBefore %s", when);
        return ECA_CERTIFICATE_NOT_YET_VALID;
    case 1:
        describe_time(when, sizeof when, X509_get0_notAfter(leaf));
        eca_error_set(err, "notAfter %s", when);
        return ECA_CERTIFICATE_EXPIRED;
    default:
        return ECA_CERTIFICATE_GOOD;
    }
}

/* "Certificate Template" (MS-CRTD, [MS-WCCE] 2.2.2.7.7.2): SEQUENCE { templateID OBJECT IDENTIFIER, … }. */
#define OID_CERTIFICATE_TEMPLATE "1.3.6.1.4.1.311.21.7"

static bool is_template(X509 *leaf, const ASN1_OBJECT *wanted)
{
    ASN1_OBJECT *type = OBJ_txt2obj(OID_CERTIFICATE_TEMPLATE, 1);
    const int at = X509_get_ext_by_OBJ(leaf, type, -1);
    const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(leaf, at));
    struct eca_slice rest, sequence, identifier;
    bool same = false;

    ASN1_OBJECT_free(type);
    if (value == NULL)
        return false;
    rest = (struct eca_slice){ ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value) };
    if (eca_der_take(&rest, ECA_DER_SEQUENCE, &sequence)
        && eca_der_take(&sequence, ECA_DER_OBJECT_IDENTIFIER, &identifier))
        same = eca_slice_equal(identifier, (struct eca_slice){ OBJ_get0_data(wanted), OBJ_length(wanted) });
    return same;
}

static bool has_policy(const CERTIFICATEPOLICIES *present, const ASN1_OBJECT *wanted)
{
    for (int i = 0; present != NULL && i < sk_POLICYINFO_num(present); i++) {
        if (OBJ_cmp(sk_POLICYINFO_value(present, i)->policyid, wanted) == 0)
            return true;
    }
    return false;
}

static bool judge_policy(X509 *leaf, const struct eca_certificate_policies *policies, struct eca_error *err)
{
    CERTIFICATEPOLICIES *present = NULL;
    bool good = policies == NULL;

    if (good)
        return true;
    present = X509_get_ext_d2i(leaf, NID_certificate_policies, NULL, NULL);
    for (size_t i = 0; i < policies->count && !good; i++)
        good = has_policy(present, policies->accepted[i]) || is_template(leaf, policies->accepted[i]);
    CERTIFICATEPOLICIES_free(present);
    return good || eca_error_set(err, "it has no policy or template that EASCertificatePolicy accepts");
}

static enum eca_certificate_fact judge_path(STACK_OF(X509) * path, const struct eca_path_question *question,
                                            struct eca_error *err)
{
    for (int i = 0; i + 1 < sk_X509_num(path); i++) {
        if (X509_NAME_entry_count(X509_get_issuer_name(sk_X509_value(path, i))) == 0) {
            eca_error_set(err, "an issuer in its path has no name");
            return ECA_CERTIFICATE_UNTRUSTED;
        }
    }
    if (X509_check_ca(question->leaf) == 1) {
        eca_error_set(err, "it is a CA's own certificate");
        return ECA_CERTIFICATE_PURPOSE;
    }
    if (!judge_purpose(path, question->purposes, err) || !judge_policy(question->leaf, question->policies, err))
        return ECA_CERTIFICATE_PURPOSE;
    return judge_dates(path, question->now, err);
}

enum eca_certificate_fact eca_path_judge(const struct eca_trust_anchors *anchors,
                                         const struct eca_path_question *question, STACK_OF(X509) * *path,
                                         struct eca_error *err)
{
    enum eca_certificate_fact fact = ECA_CERTIFICATE_UNTRUSTED;
    X509_STORE_CTX *context = NULL;

    if (question->chain != NULL && sk_X509_num(question->chain) > ECA_CHAIN_MAX) {
        eca_error_set(err, "more than %d certificates were sent along", ECA_CHAIN_MAX);
        goto out;
    }
    context = build_any_path(anchors, question->leaf, question->chain, question->now);
    if (context == NULL) {
        eca_error_set(err, "out of memory");
        goto out;
    }
    if (X509_STORE_CTX_get_error(context) != X509_V_OK) {
        eca_error_set(err, "%s at depth %d", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)),
                      X509_STORE_CTX_get_error_depth(context));
        goto out;
    }
    fact = judge_path(X509_STORE_CTX_get0_chain(context), question, err);
    if (fact == ECA_CERTIFICATE_GOOD && path != NULL)
        *path = X509_STORE_CTX_get1_chain(context);

out:
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return fact;
}
