/* SPDX-License-Identifier: Apache-2.0 */
/* EASRevocation ocsp: what responders say, from the shared cache while it is young. */
#ifndef ECA_ASK_RESPONDER_H
#define ECA_ASK_RESPONDER_H

#include "config.h"
#include "ocsp_cache.h"

struct eca_responders;

/*
 * In the child. `url` NULL: each certificate names its own. An answer younger than three quarters of `refresh` is used
 * as it is; from then on a helper asks again while it serves; one older than `refresh` serves, to its own end, only
 * when nobody answers. NULL when out of memory.
 */
struct eca_responders *eca_responders_open(struct eca_ocsp_cache *cache, const char *url, apr_interval_time_t refresh,
                                           server_rec *server);

/* False when a helper was left behind, with what it uses. NULL is allowed. */
bool eca_responders_close(struct eca_responders *responders);

/*
 * What is known of a certificate that `issuer` (of a verified path) has issued; UNKNOWN and REVOKED with a sentence.
 * Waits for a responder at most until `deadline`. One question for all that wait; a responder that failed is left alone
 * for half a minute. Worker threads.
 */
enum eca_revocation eca_responders_ask(struct eca_responders *responders, X509 *certificate, X509 *issuer,
                                       apr_time_t deadline, struct eca_error *err);

#endif
