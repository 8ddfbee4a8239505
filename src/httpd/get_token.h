/* SPDX-License-Identifier: Apache-2.0 */
/* The token stage: what this request shows the backend, made from the user's ticket or by gssproxy. */
#ifndef ECA_GET_TOKEN_H
#define ECA_GET_TOKEN_H

#include "request_context.h"

/*
 * A token of request->sid's account to request->spn. GRANTED: request->token is the value of an Authorization header.
 * Otherwise why not, with the sentence in request->work->detail. Waits at most EASKerberosTimeout, on a condition.
 */
enum eca_reason eca_get_token(struct eca_request *request);

/*
 * Another one for the same user and service, into request->token: for `r`, which httpd made of a granted request, or
 * for a second attempt, because a replay cache would refuse the first one. Asks no KDC when there is a ticket.
 */
bool eca_get_token_again(struct eca_request *request, request_rec *r);

#endif
