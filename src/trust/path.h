/* SPDX-License-Identifier: Apache-2.0 */
/* Is a client certificate good: its certification path, validity and purpose (RFC 5280 section 6). */
#ifndef ECA_PATH_H
#define ECA_PATH_H

#include "access.h"
#include "error.h"

#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#define ECA_PURPOSES_MAX 16
#define ECA_CERTIFICATE_POLICIES_MAX 16
#define ECA_CHAIN_MAX 16 /* certificates a client may send along and that are looked at */

/* The accepted issuers: every CA in the files is a trust anchor and may also serve as an intermediate. */
struct eca_trust_anchors;

/*
 * Reads PEM files of CA certificates. NULL with `err` naming the file when one cannot be read, holds no
 * certificate, or one that is not a CA's (it would make a client certificate its own anchor).
 */
struct eca_trust_anchors *eca_trust_anchors_open(const char *const *files, size_t count, struct eca_error *err);
void eca_trust_anchors_close(struct eca_trust_anchors *anchors);

/* Appends the subject of each anchor that ends before `time` (seconds since 1970) to `err`; false when there is none.
 */
bool eca_trust_anchors_ending_before(const struct eca_trust_anchors *anchors, int64_t time, struct eca_error *err);

/* The certificates themselves, borrowed; and whether one of them is this very one. Threads: any. */
STACK_OF(X509) * eca_trust_anchors_list(const struct eca_trust_anchors *anchors);
bool eca_trust_anchors_hold(const struct eca_trust_anchors *anchors, const X509 *certificate);

/* The anchor that has issued this anchor, borrowed; NULL when it is none of them, or itself. Threads: any. */
X509 *eca_trust_anchors_issuer(const struct eca_trust_anchors *anchors, const X509 *certificate);

/* EASExtendedKeyUsage: one of these must be present. */
struct eca_purposes {
    ASN1_OBJECT *accepted[ECA_PURPOSES_MAX]; /* OpenSSL's static objects or owned by the configuration */
    size_t count;
    bool any; /* `any`: everything is accepted */
};

/* EASCertificatePolicy: one of these must be among the certificate's own policies or be its Microsoft template. */
struct eca_certificate_policies {
    ASN1_OBJECT *accepted[ECA_CERTIFICATE_POLICIES_MAX]; /* owned by the configuration */
    size_t count;
};

/* A certificate, and what it has to be. */
struct eca_path_question {
    X509 *leaf;
    STACK_OF(X509) * chain; /* further certificates to build a path from; NULL: a resumed session brings none */
    const struct eca_purposes *purposes;
    const struct eca_certificate_policies *policies; /* NULL: any */
    int64_t now;                                     /* seconds since 1970 */
};

/*
 * Judges a certificate. Never ECA_CERTIFICATE_ABSENT. The order of judgement is that of
 * reasons.md: untrusted, purpose (and policy), expired, not yet valid. `err` receives the sentence when not GOOD.
 * When GOOD, `*path` (`path` may be NULL) is the certification path from the certificate to its trust anchor, both
 * included, to be freed by the caller with sk_X509_pop_free(…, X509_free); otherwise it is untouched. Contacts nobody.
 * Threads: any number on the same anchors.
 */
enum eca_certificate_fact eca_path_judge(const struct eca_trust_anchors *anchors,
                                         const struct eca_path_question *question, STACK_OF(X509) * *path,
                                         struct eca_error *err);

#endif
