/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made at run time, the ones no honest CA would issue included. */
#ifndef MAKE_CERTIFICATE_H
#define MAKE_CERTIFICATE_H

#include "strbuf.h"

#include <openssl/x509.h>

#define MAKE_DER_MAX 65536
#define MAKE_EXTENSIONS_MAX 80

#define OID_CN "2.5.4.3"
#define OID_DC "0.9.2342.19200300.100.1.25"
#define OID_O "2.5.4.10"
#define OID_SAN "2.5.29.17"
#define OID_SKI "2.5.29.14"
#define OID_SID "1.3.6.1.4.1.311.25.2"
#define OID_OBJECT_SID "1.3.6.1.4.1.311.25.2.1"
#define OID_UPN "1.3.6.1.4.1.311.20.2.3"

/* One attribute of a name; `joined`: in the same RDN as the one before. */
struct make_name_part {
    const char *oid;
    uint8_t tag; /* of the value: V_ASN1_UTF8STRING and so on, or any other */
    struct eca_slice value;
    bool joined;
};

/* DER being written into memory of its own; a test fails when it is too small. */
struct make_der {
    uint8_t bytes[MAKE_DER_MAX];
    size_t length;
};

struct eca_slice make_der_slice(const struct make_der *der);

/* Appends bytes as they are. */
void make_der_append(struct make_der *out, struct eca_slice bytes);

/* Appends one element; `content` may be a slice of another make_der. */
void make_der_element(struct make_der *out, uint8_t tag, struct eca_slice content);

/* Appends an OBJECT IDENTIFIER from dotted text. */
void make_der_oid(struct make_der *out, const char *oid);

/* Appends a Name, the parts of an RDN in the order given. */
void make_der_name(struct make_der *out, const struct make_name_part *parts, size_t count);

/* Appends a GeneralName otherName whose value has this tag. */
void make_der_other_name(struct make_der *out, const char *oid, uint8_t tag, struct eca_slice value);

/* Appends a GeneralName uniformResourceIdentifier. */
void make_der_uri(struct make_der *out, struct eca_slice uri);

/* Appends a GeneralName rfc822Name. */
void make_der_email(struct make_der *out, struct eca_slice address);

/* Appends the SID extension's content (MS-WCCE 2.2.2.7.7.4). */
void make_der_sid_extension(struct make_der *out, struct eca_slice sid);

struct make_extension {
    const char *oid;
    struct eca_slice content;
};

/* Zeroed members get something ordinary: CN=Test CA, no subject, serial 1, valid from 2020 to 2040, no extension. */
struct make_certificate {
    const struct make_name_part *issuer;
    size_t issuer_count;
    const struct make_name_part *subject;
    size_t subject_count;
    const char *serial; /* hexadecimal, "-" before it for a negative one */
    struct make_extension extensions[MAKE_EXTENSIONS_MAX]; /* up to the first without an OID */
};

/* Signed with a key made once; the caller frees it. Fails the test when libcrypto refuses. */
X509 *make_certificate(const struct make_certificate *what);

/* The same as DER, appended to `out`. */
void make_certificate_der(struct make_der *out, const struct make_certificate *what);

/* Shorthand: a certificate whose only extension is a subjectAltName with these GeneralNames. */
X509 *make_certificate_with_names(struct eca_slice general_names);

#endif
