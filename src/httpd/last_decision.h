/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the certificate of a connection was found to be, for its other requests of the same second: a phone that wakes
 * up sends several in a row, and nothing else would come out.
 *
 * It serves while the certificate, the virtual host and every setting of the section are the same and the clock has
 * gone neither back nor a second on. It is kept of a granted request whose account came fresh from the cache: not with
 * a password, a certificate from a header, or EASRevocation, which is asked about each request, and not of names that
 * variables cannot hold as they are, or that are very long together. HTTP/2 does without: its requests run side by
 * side.
 */
#ifndef ECA_LAST_DECISION_H
#define ECA_LAST_DECISION_H

#include "request_context.h"

/*
 * Sets what eca_peer_certificate_read() and eca_find_account() would have set, but for request->work, which is not
 * opened; and what is said of the user. False: nothing is set, and they are to be called. Threads: the request's, as
 * for all here.
 */
bool eca_last_decision_use(struct eca_request *request);

/* Writes the account into request->work, which has just been opened for a request that is remembered. */
void eca_last_decision_recall(struct eca_request *request);

/* Keeps that of a granted request, whose variables are written already. */
void eca_last_decision_keep(struct eca_request *request);

/* What was kept is not believed again on this connection. Called for every refusal. */
void eca_last_decision_forget(struct eca_request *request);

/*
 * Reads the certificate into open work after all, when what was kept has saved that: for a line of the log, or a second
 * look-up.
 */
void eca_last_decision_read_certificate(struct eca_request *request);

#endif
