/* SPDX-License-Identifier: Apache-2.0 */
/* The question, the answer, and who may give it: all by OpenSSL, with what it leaves open decided here. */
#include "ocsp.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/http.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOCK_SKEW 300
#define SECURITY_LEVEL 2 /* as of paths (path.c) */

bool eca_ocsp_url_check(const char *url, struct eca_error *err)
{
    char *host = NULL;
    int tls = 0;
    const bool good = strncmp(url, "http://", 7) == 0 && strlen(url) < ECA_OCSP_URL_MAX
                      && OSSL_HTTP_parse_url(url, &tls, NULL, &host, NULL, NULL, NULL, NULL, NULL) == 1
                      && host[0] != '\0';

    OPENSSL_free(host);
    ERR_clear_error();
    return good || eca_error_set(err, "\"%s\" is no http:// URL; an answer is signed, it needs no TLS", url);
}

bool eca_ocsp_url(char out[ECA_OCSP_URL_MAX], X509 *certificate)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(certificate);
    struct eca_error ignored = { .text = "" };
    bool found = false;

    for (int i = 0; i < sk_OPENSSL_STRING_num(urls) && !found; i++) {
        const char *url = sk_OPENSSL_STRING_value(urls, i);
        size_t printable = 0;

        while (url[printable] > ' ' && url[printable] < 0x7f)
            printable++;
        found = url[printable] == '\0' && eca_ocsp_url_check(url, &ignored);
        if (found)
            memcpy(out, url, printable + 1);
    }
    X509_email_free(urls);
    return found;
}

static bool digest(EVP_MD_CTX *context, const uint8_t *bytes, int length, int type)
{
    return EVP_DigestUpdate(context, &length, sizeof length) == 1 && EVP_DigestUpdate(context, &type, sizeof type) == 1
           && EVP_DigestUpdate(context, bytes, (size_t)length) == 1;
}

static bool digest_string(EVP_MD_CTX *context, const ASN1_STRING *string)
{
    return digest(context, ASN1_STRING_get0_data(string), ASN1_STRING_length(string), ASN1_STRING_type(string));
}

bool eca_ocsp_key(uint8_t out[ECA_OCSP_KEY_BYTES], X509 *certificate, X509 *issuer)
{
    const uint8_t *name = NULL;
    size_t length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool made = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                      && X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &length) == 1
                      && digest(context, name, (int)length, 0)
                      && digest_string(context, X509_get0_pubkey_bitstr(issuer))
                      && digest_string(context, X509_get0_serialNumber(certificate))
                      && EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context);
    return made;
}

/* SHA-1 only names the issuer here, and every responder knows it (RFC 5019 2.1.1). */
static OCSP_CERTID *name_of(X509 *certificate, X509 *issuer)
{
    return OCSP_cert_to_id(EVP_sha1(), certificate, issuer);
}

OCSP_REQUEST *eca_ocsp_request(X509 *certificate, X509 *issuer)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *name = name_of(certificate, issuer);

    if (request != NULL && name != NULL && OCSP_request_add0_id(request, name) != NULL
        && OCSP_request_add1_nonce(request, NULL, -1) == 1)
        return request;
    if (request == NULL || OCSP_request_onereq_count(request) == 0)
        OCSP_CERTID_free(name);
    OCSP_REQUEST_free(request);
    return NULL;
}

/* The issuer is the only anchor, and no root is trusted for OCSP by itself (OCSP_NOEXPLICIT). */
static bool is_authorized(OCSP_BASICRESP *basic, X509 *issuer, int64_t now)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *issuers = sk_X509_new_null();
    X509_VERIFY_PARAM *param = store == NULL ? NULL : X509_STORE_get0_param(store);
    bool good = false;

    if (param != NULL && issuers != NULL && sk_X509_push(issuers, issuer) > 0
        && X509_STORE_add_cert(store, issuer) == 1) {
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_VERIFY_PARAM_set_time(param, (time_t)now);
        good = OCSP_basic_verify(basic, issuers, store, OCSP_NOEXPLICIT) == 1;
    }
    sk_X509_free(issuers);
    X509_STORE_free(store);
    ERR_clear_error();
    return good;
}

static int64_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
    struct tm tm = { 0 };

    return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool read_status(struct eca_ocsp_answer *out, OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer,
                        int64_t now, struct eca_error *err)
{
    ASN1_GENERALIZEDTIME *since = NULL, *begins = NULL, *ends = NULL;
    OCSP_CERTID *name = name_of(certificate, issuer);
    int status = -1, why = -1;
    const bool found = name != NULL && OCSP_resp_find_status(basic, name, &status, &why, &since, &begins, &ends) == 1;

    OCSP_CERTID_free(name);
    ERR_clear_error();
    if (!found)
        return eca_error_set(err, "its answer is about another certificate");
    if (seconds_of(begins) == 0 || (ends != NULL && seconds_of(ends) == 0))
        return eca_error_set(err, "its answer has a date that cannot be read");
    if (seconds_of(begins) > now + CLOCK_SKEW)
        return eca_error_set(err, "its answer is dated in the future; is this machine's clock right?");
    if (ends != NULL && (seconds_of(ends) < now - CLOCK_SKEW || seconds_of(ends) < seconds_of(begins)))
        return eca_error_set(err, "its answer is out of date");
    *out = (struct eca_ocsp_answer){ .next_update = seconds_of(ends), .since = seconds_of(since), .why = why };
    out->status = status == V_OCSP_CERTSTATUS_GOOD      ? ECA_REVOCATION_GOOD
                  : status == V_OCSP_CERTSTATUS_REVOKED ? ECA_REVOCATION_REVOKED
                                                        : ECA_REVOCATION_UNKNOWN;
    return true;
}

static bool read_basic(struct eca_ocsp_answer *out, OCSP_BASICRESP *basic, OCSP_REQUEST *request, X509 *certificate,
                       X509 *issuer, int64_t now, struct eca_error *err)
{
    if (basic == NULL)
        return eca_error_set(err, "its answer cannot be read");
    if (OCSP_check_nonce(request, basic) == 0)
        return eca_error_set(err, "its answer is to another question (nonce)");
    if (!is_authorized(basic, issuer, now))
        return eca_error_set(err, "its answer is not signed by the certificate's issuer or for it");
    return read_status(out, basic, certificate, issuer, now, err);
}

bool eca_ocsp_read(struct eca_ocsp_answer *out, const uint8_t *bytes, size_t length, OCSP_REQUEST *request,
                   X509 *certificate, X509 *issuer, int64_t now, struct eca_error *err)
{
    const uint8_t *at = bytes;
    OCSP_RESPONSE *response = length > ECA_OCSP_ANSWER_MAX ? NULL : d2i_OCSP_RESPONSE(NULL, &at, (long)length);
    OCSP_BASICRESP *basic = NULL;
    bool good = false;
    int status;

    if (response == NULL || at != bytes + length) {
        eca_error_set(err, "its answer is no OCSP");
        goto out;
    }
    status = OCSP_response_status(response);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        eca_error_set(err, "it answers %s", OCSP_response_status_str(status));
        goto out;
    }
    basic = OCSP_response_get1_basic(response);
    good = read_basic(out, basic, request, certificate, issuer, now, err);

out:
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return good;
}

/* POST (RFC 6960 A.1); the answer in memory, or NULL with a sentence. */
static BIO *exchange(const char *url, OCSP_REQUEST *request, int seconds, struct eca_error *err)
{
    char *host = NULL, *port = NULL, *path = NULL, reason[200] = "";
    BIO *question = ASN1_item_i2d_mem_bio(ASN1_ITEM_rptr(OCSP_REQUEST), (const ASN1_VALUE *)request);
    BIO *answer = NULL;

    if (question != NULL && OSSL_HTTP_parse_url(url, NULL, NULL, &host, &port, NULL, &path, NULL, NULL) == 1)
        answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL,
                                    "application/ocsp-request", question, "application/ocsp-response", 1,
                                    ECA_OCSP_ANSWER_MAX, seconds, 0);
    if (answer == NULL) {
        ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
        eca_error_set(err, "it does not answer: %s", reason);
    }
    ERR_clear_error();
    BIO_free(question);
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
    return answer;
}

bool eca_ocsp_ask(struct eca_ocsp_answer *out, const char *url, X509 *certificate, X509 *issuer,
                  apr_interval_time_t patience, struct eca_error *err)
{
    OCSP_REQUEST *request = eca_ocsp_request(certificate, issuer);
    struct eca_error why = { .text = "" };
    uint8_t *bytes = NULL;
    BIO *answer = NULL;
    bool good = false;
    long length;

    if (request == NULL)
        return eca_error_set(err, "out of memory");
    answer = exchange(url, request, (int)apr_time_sec(patience), &why);
    length = answer == NULL ? 0 : BIO_get_mem_data(answer, &bytes);
    if (length > 0)
        good = eca_ocsp_read(out, bytes, (size_t)length, request, certificate, issuer, apr_time_sec(apr_time_now()),
                             &why);
    BIO_free(answer);
    OCSP_REQUEST_free(request);
    return good || eca_error_set(err, "the OCSP responder %s: %s", url, why.text);
}
