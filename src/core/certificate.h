/* SPDX-License-Identifier: Apache-2.0 */
/* What a client certificate says: the values that can lead to an account, nothing judged yet. */
#ifndef ECA_CERTIFICATE_H
#define ECA_CERTIFICATE_H

#include "error.h"
#include "sid.h"
#include "strbuf.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define ECA_CERTIFICATE_DER_MAX 65536
#define ECA_CERTIFICATE_EXTENSIONS_MAX 64
#define ECA_CERTIFICATE_NAMES_MAX 32 /* entries of one kind in the subjectAltName that are looked at */

/*
 * Slices point into `x509` and `alternative_names`, which this struct holds, and are
 * valid until eca_certificate_close(). A read struct may be shared by threads.
 */
struct eca_certificate {
    X509 *x509;
    GENERAL_NAMES *alternative_names; /* NULL when there is no such extension */
    uint8_t sha256[32];               /* of the DER */
    uint8_t sha1[20];                 /* of the DER: the thumbprint Windows shows */
    uint8_t public_key_sha1[20];      /* of the subjectPublicKey bits */
    struct eca_slice serial;          /* magnitude, big-endian, without DER's sign byte */
    bool serial_positive;             /* above zero: only then it may be a key */
    struct eca_slice key_identifier;  /* content of the subjectKeyIdentifier OCTET STRING, or absent */
    struct eca_slice upns[ECA_CERTIFICATE_NAMES_MAX];
    size_t upn_count;
    bool upn_readable; /* false: an otherName of the UPN type is not a UTF8String, or there are too many */
    struct eca_slice emails[ECA_CERTIFICATE_NAMES_MAX]; /* every rfc822Name */
    size_t email_count;
    bool email_readable;            /* false: there are too many */
    char sid[ECA_SID_TEXT_MAX];     /* extension 1.3.6.1.4.1.311.25.2, checked; "" when absent */
    char sid_uri[ECA_SID_TEXT_MAX]; /* SAN URI tag:microsoft.com,2022-09-14:sid:…, checked; "" when absent */
    bool sid_uri_readable;          /* false: such a URI that holds no SID, or two that disagree */
    int64_t not_before;             /* seconds since 1970, UTC */
    int64_t not_after;
};

/*
 * Reads `x509`, taking a reference to it. False for a certificate that nobody may use
 * (rule 7 of the mapping): longer than ECA_CERTIFICATE_DER_MAX, more than
 * ECA_CERTIFICATE_EXTENSIONS_MAX extensions, one of them twice (RFC 5280 4.2), a subjectAltName or SID
 * extension that cannot be read, unreadable dates; `err` says which. On false nothing is held.
 * libcrypto's error queue is left as it was found: mod_ssl reads it on the same thread.
 * Sources: RFC 5280 4.1 and 4.2, MS-WCCE 2.2.2.7.7.4, KB5014754. Threads: any.
 */
bool eca_certificate_open(struct eca_certificate *out, X509 *x509, struct eca_error *err);

/* From DER; bytes after the certificate are an error. NULL with `err`; else to be freed by the caller. Threads: any. */
X509 *eca_certificate_read_der(struct eca_slice der, struct eca_error *err);

/* eca_certificate_open() from DER. */
bool eca_certificate_open_der(struct eca_certificate *out, struct eca_slice der, struct eca_error *err);

/* Releases what open() took; harmless on a zeroed struct and a second time. */
void eca_certificate_close(struct eca_certificate *certificate);

#endif
