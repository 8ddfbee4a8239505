/* SPDX-License-Identifier: Apache-2.0 */
/* A client certificate in a header, as the TLS server in front wrote it. */
#ifndef ECA_HEADER_CERTIFICATE_H
#define ECA_HEADER_CERTIFICATE_H

#include "choice.h"
#include "error.h"
#include "strbuf.h"

/* Longer than any header httpd takes by default (8190), and than what a certificate of 16 KiB needs in any format. */
#define ECA_HEADER_CERTIFICATE_MAX 65536

enum eca_header_format {
    ECA_HEADER_FORMAT_RFC9440, /* Client-Cert, RFC 9440 2.2: a Structured Field's byte sequence (RFC 8941 3.3.5) */
    ECA_HEADER_FORMAT_PEM,     /* with line ends as any blanks: nginx's $ssl_client_cert, httpd's SSL_CLIENT_CERT */
    ECA_HEADER_FORMAT_PEM_URLENCODED, /* nginx's $ssl_client_escaped_cert; a `+` is a plus sign */
    ECA_HEADER_FORMAT_BASE64_DER      /* HAProxy's %[ssl_c_der,base64] */
};

extern const struct eca_choice eca_header_format_choices[];

/*
 * Decodes `text` to exactly one certificate's bytes. `memory` is the caller's and holds text.length bytes; on success
 * `*der` is a slice of it, at least one byte. What a second value, a second certificate, text around it or another
 * format leaves behind is an error, and so is base64 that an encoder would not have written (RFC 4648 3.5): one
 * certificate has one spelling. Whether the bytes are a certificate is not looked at. Threads: any.
 */
bool eca_header_certificate_decode(struct eca_slice *der, uint8_t *memory, enum eca_header_format format,
                                   struct eca_slice text, struct eca_error *err);

#endif
