/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake that reaches the module: with `SSLVerifyClient optional_no_ca` mod_ssl lets an unknown
 * issuer through but ends the connection for an expired certificate or a wrong purpose, and the device
 * learns nothing. Such a handshake is let finish too; the certificate is judged per request.
 */
#ifndef ECA_HANDSHAKE_H
#define ECA_HANDSHAKE_H

#include <httpd.h>
#include <openssl/ssl.h>
#include <stdbool.h>

/* mod_ssl's init_server hook: makes the TLS context of a server that has our sections lenient. */
int eca_handshake_init_server(server_rec *server, apr_pool_t *pool, int is_proxy, SSL_CTX *context);

/* What the module keeps of a TLS connection, in its pool. */
struct eca_connection {
    SSL *ssl;
    struct eca_last_decision *last; /* NULL: none yet */
};

/* mod_ssl's pre_handshake hook: remembers the connection's SSL object. */
int eca_handshake_begin(conn_rec *connection, SSL *ssl, int is_proxy);

/* Whether mod_ssl ended TLS for this connection (of an HTTP/2 stream: for its primary connection). Threads: any. */
bool eca_handshake_was_made(const conn_rec *connection);

/*
 * The certificate the client showed on this connection (of an HTTP/2 stream: its primary connection); NULL without TLS
 * or certificate. *chain receives what came along, or NULL. Both are borrowed from the connection: a request ends
 * before it, and never runs beside a handshake. Threads: any.
 */
X509 *eca_handshake_peer_certificate(conn_rec *connection, STACK_OF(X509) * *chain);

/* NULL without TLS, and of an HTTP/2 stream. Threads: one at a time has the connection. */
struct eca_connection *eca_handshake_connection(conn_rec *connection);

#endif
