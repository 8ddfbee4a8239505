/* SPDX-License-Identifier: Apache-2.0 */
/* The forest's NTAuthCertificates: the CAs whose certificates may log on in it (MS-WCCE 2.2.2.11.3, MS-ADTS
 * cACertificate). */
#ifndef ECA_NT_AUTH_H
#define ECA_NT_AUTH_H

#include "strbuf.h"

#include <openssl/x509.h>

#define ECA_NT_AUTH_CERTIFICATES_MAX 1024

enum eca_nt_auth_answer {
    ECA_NT_AUTH_UNKNOWN, /* the list was never read */
    ECA_NT_AUTH_LISTED,
    ECA_NT_AUTH_MISSING,
};

/* The last list that was read, of a child process. Threads: any. */
struct eca_nt_auth;

/* NULL when out of memory. */
struct eca_nt_auth *eca_nt_auth_open(void);

/* NULL is allowed; no other call may be under way. */
void eca_nt_auth_close(struct eca_nt_auth *list);

/*
 * Puts a list (DER) in the place of the last one, read at `now` (seconds). An empty one is a list. False, and the last
 * one stays, with more than ECA_NT_AUTH_CERTIFICATES_MAX or when out of memory.
 */
bool eca_nt_auth_replace(struct eca_nt_auth *list, const struct eca_slice *certificates, size_t count, int64_t now);

/* Whether exactly this certificate, every byte, is in it. */
enum eca_nt_auth_answer eca_nt_auth_judge(struct eca_nt_auth *list, X509 *issuer);

/*
 * Whether it should be read again at `now`: five minutes after it was read, and not within half a minute of the last
 * time this said so, which counts as a try.
 */
bool eca_nt_auth_is_due(struct eca_nt_auth *list, int64_t now);

#endif
