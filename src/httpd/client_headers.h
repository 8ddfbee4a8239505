/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that only this proxy may send, removed from what clients send. */
#ifndef ECA_CLIENT_HEADERS_H
#define ECA_CLIENT_HEADERS_H

#include <httpd.h>

#include <stdbool.h>

/* What came in a header that EASCertificateSource names. */
struct eca_sent_certificate {
    const char *value;   /* NULL or blanks alone: no certificate */
    const char *peer;    /* the address of a peer that EASTrustedProxy does not name and that sent one, or NULL */
    bool more_than_once; /* two headers: nobody can say which is meant */
};

/*
 * Of the request, or of the one it was made from. A load balancer mixes users on one connection: nothing is remembered
 * between requests. Valid as long as the request.
 */
struct eca_sent_certificate eca_client_headers_certificate(const request_rec *r, const char *name);

/*
 * post_read_request: removes, on every virtual host that has our sections, X-EAS-Reason, X-Remote-User,
 * X-WebObjects-Remote-User and every name that EASDelegationHeader uses, however a client writes it ("_" for "-"
 * reaches CGI and WSGI backends as the same variable). A header that EASCertificateSource names is removed in any case,
 * backends do not see it; eca_client_headers_certificate() gives it back if the TCP peer (what mod_remoteip makes of
 * the client's address is not asked) is one of EASTrustedProxy and wrote exactly that name.
 */
int eca_client_headers_remove(request_rec *r);

#endif
