/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an OCSP responder about one certificate (RFC 6960). */
#ifndef ECA_OCSP_H
#define ECA_OCSP_H

#include "error.h"
#include "revocation.h"

#include <apr_time.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECA_OCSP_URL_MAX 1024
#define ECA_OCSP_ANSWER_MAX 65536
#define ECA_OCSP_KEY_BYTES 32

struct eca_ocsp_answer {
    enum eca_revocation status; /* UNKNOWN: the responder does not know the certificate */
    int64_t next_update;        /* seconds since 1970; 0: it does not say */
    int64_t since;              /* REVOKED */
    int why;                    /* REVOKED: a CRLReason, or -1 */
};

/* The first http:// responder that the certificate names; false when it names none. Threads: any. */
bool eca_ocsp_url(char out[ECA_OCSP_URL_MAX], X509 *certificate);

/* Whether the URL is one that can be asked: http:// with a host, at most ECA_OCSP_URL_MAX. */
bool eca_ocsp_url_check(const char *url, struct eca_error *err);

/* SHA-256 of what names the certificate: its issuer's key and name, and its serial number. False: out of memory. */
bool eca_ocsp_key(uint8_t out[ECA_OCSP_KEY_BYTES], X509 *certificate, X509 *issuer);

/* A question with a nonce, for OCSP_REQUEST_free(); NULL when out of memory. */
OCSP_REQUEST *eca_ocsp_request(X509 *certificate, X509 *issuer);

/*
 * Reads what a responder answered. False with a sentence for anything that says nothing reliable: malformed, an error
 * of the responder's, not signed by the issuer itself or by a responder that it has issued for this (4.2.2.2;
 * signatures below 112 bits do not count), about another certificate, with another nonce than asked (none is
 * accepted, 4.4.1), from the future or past its end at `now` (seconds since 1970; the responder's own certificate is
 * judged then, too). Whether the responder's certificate is revoked is not asked: it is short-lived or says
 * id-pkix-ocsp-nocheck (4.2.2.2.1). Threads: any.
 */
bool eca_ocsp_read(struct eca_ocsp_answer *out, const uint8_t *bytes, size_t length, OCSP_REQUEST *request,
                   X509 *certificate, X509 *issuer, int64_t now, struct eca_error *err);

/* Asks `url`; blocks for at most about `patience`, whole seconds. False with a sentence, as above. */
bool eca_ocsp_ask(struct eca_ocsp_answer *out, const char *url, X509 *certificate, X509 *issuer,
                  apr_interval_time_t patience, struct eca_error *err);

#endif
