/* SPDX-License-Identifier: Apache-2.0 */
/* A reason, told: to the client as HTTP, to the log as one line, to other modules as variables. */
#ifndef ECA_RESPOND_H
#define ECA_RESPOND_H

#include "request_context.h"

/*
 * Makes `reason` the request's outcome, answers `r` (the request itself, or one that httpd made of it) and returns what
 * the calling hook returns: OK for `granted`, the HTTP status otherwise, with headers and body prepared. An
 * ErrorDocument of the administrator's goes before our body. Ends the request's work.
 */
int eca_respond(struct eca_request *request, request_rec *r, enum eca_reason reason);

/* `WWW-Authenticate: Basic` for this request. */
void eca_respond_ask_for_password(request_rec *r);

#endif
