/* SPDX-License-Identifier: Apache-2.0 */
/* Handing the identity on: the ticket or header for the backend, and what the backend may answer to it. */
#ifndef ECA_DELEGATE_H
#define ECA_DELEGATE_H

#include "request_context.h"

/* Whether the request goes to a backend: only then there is anybody to hand an identity to. */
bool eca_delegate_is_proxied(const request_rec *r);

/*
 * fixups: gets what the backend will be shown while failing is still possible. GRANTED, or the reason
 * why not, with the sentence in request->work->detail. Waits for a KDC at most EASKerberosTimeout, on a condition,
 * while a helper talks to it.
 */
enum eca_reason eca_delegate_prepare(struct eca_request *request);

/*
 * The same for a request that httpd made of one that was granted under the same configuration (an
 * internal redirect or a sub-request): with the identity and service that were granted, or not at all.
 */
bool eca_delegate_again(struct eca_request *request, request_rec *r);

/*
 * Whether eca_delegate_write_headers() will have a token to write. Of a second attempt of mod_proxy's it makes another
 * one, since a replay cache would refuse the first; not when the ticket is gone.
 */
bool eca_delegate_has_token(struct eca_request *request, request_rec *r);

/*
 * mod_proxy's fixups hook, which sees the copy of the headers that goes to the backend, after mod_headers: writes the
 * identity, and removes the client's Authorization unless it is to be passed through.
 */
int eca_delegate_write_headers(request_rec *r);

#endif
