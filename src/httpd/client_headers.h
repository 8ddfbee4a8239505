/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that only this proxy may send, removed from what clients send. */
#ifndef ECA_CLIENT_HEADERS_H
#define ECA_CLIENT_HEADERS_H

#include <httpd.h>

/*
 * post_read_request: removes, on every virtual host that has our sections, X-EAS-Reason, X-Remote-User,
 * X-WebObjects-Remote-User and every name that EASDelegationHeader uses, however a client writes it ("_" for "-"
 * reaches CGI and WSGI backends as the same variable).
 */
int eca_client_headers_remove(request_rec *r);

#endif
