/* SPDX-License-Identifier: Apache-2.0 */
/* The verify callback in front of mod_ssl's, and the way from a request to the peer certificate. */
#include "handshake.h"

#include "config.h"

#include <openssl/x509_vfy.h>

static int context_index = -1;

/* mod_ssl's callback, which decides whether an unverified certificate is let through at all. */
struct inner_callback {
    int (*verify)(int ok, X509_STORE_CTX *store);
};

static int ask_inner(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct inner_callback *inner = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);

    return inner != NULL && inner->verify != NULL ? inner->verify(ok, store) : ok;
}

/*
 * In a resumed TLS 1.2 session mod_ssl forgets that the certificate was not verified: its access hook sets the
 * result to X509_V_OK, and SSL_CLIENT_VERIFY says SUCCESS. A session from 1970 has expired before it is stored.
 */
static void prevent_resumption(X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    SSL_SESSION *session = SSL_get_session(ssl);

    if (session != NULL)
        (void)SSL_SESSION_set_time(session, 1);
}

/*
 * mod_ssl accepts CERT_UNTRUSTED only where `optional_no_ca` is in force, so it is asked as if any other
 * failure were that one. Accepted, that error stays (mod_ssl looks at it again after the handshake):
 * SSL_CLIENT_VERIFY says FAILED or GENEROUS, never SUCCESS. Refused, the true error goes back, for the alert and
 * the log.
 */
static int verify_leniently(int ok, X509_STORE_CTX *store)
{
    const int error = X509_STORE_CTX_get_error(store);

    if (ok)
        return ask_inner(ok, store);
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    if (ask_inner(ok, store)) {
        prevent_resumption(store);
        return 1;
    }
    X509_STORE_CTX_set_error(store, error);
    return 0;
}

int eca_handshake_init_server(server_rec *server, apr_pool_t *pool, int is_proxy, SSL_CTX *context)
{
    const int mode = SSL_CTX_get_verify_mode(context);
    struct inner_callback *inner = NULL;

    if (is_proxy || (mode & SSL_VERIFY_PEER) == 0 || !eca_server_config_of(server)->in_use)
        return DECLINED;
    if (context_index == -1)
        context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    inner = apr_palloc(pool, sizeof *inner);
    inner->verify = SSL_CTX_get_verify_callback(context);
    if (context_index == -1 || !SSL_CTX_set_ex_data(context, context_index, inner))
        return HTTP_INTERNAL_SERVER_ERROR;
    SSL_CTX_set_verify(context, mode, verify_leniently);
    return DECLINED;
}

int eca_handshake_begin(conn_rec *connection, SSL *ssl, int is_proxy)
{
    struct eca_connection *ours = NULL;

    if (is_proxy)
        return DECLINED;
    ours = apr_pcalloc(connection->pool, sizeof *ours);
    ours->ssl = ssl;
    ap_set_module_config(connection->conn_config, &eas_certauth_module, ours);
    return DECLINED;
}

/* Of an HTTP/2 stream, its primary connection's. */
static const struct eca_connection *find(const conn_rec *connection)
{
    const conn_rec *primary = connection->master != NULL ? connection->master : connection;

    return ap_get_module_config(primary->conn_config, &eas_certauth_module);
}

bool eca_handshake_was_made(const conn_rec *connection)
{
    return find(connection) != NULL;
}

X509 *eca_handshake_peer_certificate(conn_rec *connection, STACK_OF(X509) * *chain)
{
    const struct eca_connection *ours = find(connection);

    *chain = ours != NULL ? SSL_get_peer_cert_chain(ours->ssl) : NULL;
    return ours != NULL ? SSL_get0_peer_certificate(ours->ssl) : NULL;
}

struct eca_connection *eca_handshake_connection(conn_rec *connection)
{
    return connection->master != NULL ? NULL : ap_get_module_config(connection->conn_config, &eas_certauth_module);
}
