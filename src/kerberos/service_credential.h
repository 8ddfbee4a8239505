/* SPDX-License-Identifier: Apache-2.0 */
/* The service account's own ticket-granting ticket, got from the keytab and renewed ahead of its end. */
#ifndef ECA_SERVICE_CREDENTIAL_H
#define ECA_SERVICE_CREDENTIAL_H

#include "error.h"
#include "kerberos_answer.h"

#include <gssapi/gssapi.h>

struct eca_service_credential;

/* One generation: a MEMORY ccache of its own, never re-initialised; freed with its last holder. */
struct eca_service_tgt;

/*
 * Reads the keytab's entries and chooses the principal: `principal` when given (with or without realm), else the first
 * entry that is not a service name, else the first. Contacts nobody. NULL with `err` when the file cannot be read, is
 * empty or does not hold the principal. Make it in the child process.
 */
struct eca_service_credential *eca_service_credential_open(const char *keytab, const char *principal,
                                                           struct eca_error *err);

/* No other call may be under way; generations still held live on until released. NULL is allowed. */
void eca_service_credential_close(struct eca_service_credential *credential);

/* "svc-eas@EXAMPLE.TEST"; lives as long as the credential. Also the path of the keytab ("/etc/apache2/eas.keytab"). */
const char *eca_service_credential_principal(const struct eca_service_credential *credential);
const char *eca_service_credential_keytab(const struct eca_service_credential *credential);

/*
 * The current generation to its very end. When there is none the KDC is asked (forwardable, RFC 4120 5.4): one thread
 * asks, the others wait and share its answer. A refusal, or an unusable keytab, stands for a minute without asking
 * again, unless the keytab's file changes. Blocks: helper threads only. Any number of threads.
 */
enum eca_kerberos_answer eca_service_credential_acquire(struct eca_service_credential *credential,
                                                        struct eca_service_tgt **out, struct eca_error *err);
void eca_service_tgt_release(struct eca_service_tgt *tgt);

/*
 * Whether the current generation ends within 5 minutes or a fifth of its lifetime, whichever is less: then somebody
 * should call renew(), which gets the next one while this one serves. After a renewal that failed it is due again when
 * a fifth of that time has passed, at most a minute. Does not block; threads: any.
 */
bool eca_service_credential_is_due(struct eca_service_credential *credential);

/* Does it, if it is still due and nobody else is at it. Blocks: helper threads only. */
enum eca_kerberos_answer eca_service_credential_renew(struct eca_service_credential *credential);

/* The KDC did not take this one (krbtgt's keys are others now): when it is still the current one, the next acquire asks
 * anew. */
void eca_service_credential_discard(struct eca_service_credential *credential, const struct eca_service_tgt *tgt);

/*
 * A GSS credential over this generation, for initiating; the caller's own, for one thread, to be given to
 * gss_release_cred(). One for each exchange, because libgssapi keeps a credential locked while it waits for the KDC: a
 * shared one would let one user after the other through. Contacts nobody. False with `err`.
 */
bool eca_service_tgt_open_gss_credential(const struct eca_service_tgt *tgt, gss_cred_id_t *out, struct eca_error *err);

/* "MEMORY:…", for gss_krb5_ccache_name(). */
const char *eca_service_tgt_ccache(const struct eca_service_tgt *tgt);

#endif
