/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names as Windows writes them into altSecurityIdentities. */
#ifndef ECA_DISTINGUISHED_NAME_H
#define ECA_DISTINGUISHED_NAME_H

#include "strbuf.h"

#include <openssl/x509.h>

/*
 * Appends `name` in the certificate's own order (root first), "DC=com,DC=contoso,CN=X":
 * the string that Windows' CertNameToStr with the reversed flag prints and that the
 * <I> and <S> parts hold. False when the name cannot be a key: it is empty, a value holds CR or LF,
 * an unquoted "<" or ">" would appear, a text type cannot be converted, or it does not fit;
 * `out` then holds part of a name. A UTF8String goes out as it is and control characters other than CR
 * and LF pass: whoever uses the text as a key checks it (mapping rule 7), whoever shows it escapes it.
 * Source: MS-PKCA 3.1.5.2.1, MS-WCCE; the strings Microsoft's own tools print. Threads: any.
 */
bool eca_distinguished_name_write(struct eca_strbuf *out, const X509_NAME *name);

/*
 * Appends the last CN of `name`, the most specific one, as UTF-8 and without quotes. False when there is none, its
 * type is no text or cannot be converted, or it does not fit. As above, what it holds is for the caller to check.
 */
bool eca_distinguished_name_common_name(struct eca_strbuf *out, const X509_NAME *name);

/*
 * Writes `name` for people (RFC 4514: "CN=Corp Issuing 2,DC=example,DC=test", UTF-8, control characters escaped) into
 * out[size], cut where it does not fit. Not a key, and still to be escaped for a log. Threads: any.
 */
void eca_distinguished_name_show(char *out, size_t size, const X509_NAME *name);

#endif
