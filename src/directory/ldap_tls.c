/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS handshake on a handle of its own context. */
#include "ldap_tls.h"

#include "ldap_clock.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

bool eca_ldap_tls_check_ca_file(const char *ca_file, struct eca_error *err)
{
    BIO *file;
    X509 *certificate;
    char reason[128];

    if (ca_file == NULL)
        return true;
    errno = 0;
    file = BIO_new_file(ca_file, "r");
    if (file == NULL) {
        eca_error_set(err, "EASDirectoryCAFile %s cannot be read: %s", ca_file,
                      strerror_r(errno, reason, sizeof reason));
        ERR_clear_error();
        return false;
    }
    certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
    BIO_free(file);
    ERR_clear_error();
    if (certificate == NULL)
        return eca_error_set(err, "EASDirectoryCAFile %s holds no PEM certificate", ca_file);
    X509_free(certificate);
    return true;
}

/* Named here because libldap would take it from ldap.conf, from the environment, or trust nobody. */
static const char *system_store(void)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora and its family */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* Alpine, BSD */
    };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (access(paths[i], R_OK) == 0)
            return paths[i];
    }
    return NULL;
}

/*
 * All on the handle and sealed by NEWCTX: without it libldap goes on with the process-wide context of
 * whoever else uses it here, and accepts what that one accepts.
 */
static bool set_context(LDAP *ld, const char *ca_file)
{
    const int demand = LDAP_OPT_X_TLS_DEMAND;
    const int minimum = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const int client = 0;

    return ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTDIR, NULL) == LDAP_OPT_SUCCESS
           && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca_file) == LDAP_OPT_SUCCESS
           && ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS
           && ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &minimum) == LDAP_OPT_SUCCESS
           && ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client) == LDAP_OPT_SUCCESS;
}

static enum eca_ldap_fault ask_for_tls(struct eca_ldap_connection *connection, apr_time_t until, struct eca_error *err)
{
    LDAPMessage *answer = NULL;
    enum eca_ldap_fault fault;
    char *said = NULL;
    int message_id = 0;
    int code = ldap_start_tls(connection->ld, NULL, NULL, &message_id);

    if (code != LDAP_SUCCESS)
        return eca_ldap_connection_judge(connection, "StartTLS", code, NULL, err);
    fault = eca_ldap_connection_await(connection, message_id, "StartTLS", until, &answer, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    if (ldap_parse_result(connection->ld, answer, &code, NULL, &said, NULL, NULL, 1) != LDAP_SUCCESS)
        code = LDAP_DECODING_ERROR;
    fault = eca_ldap_connection_judge(connection, "StartTLS", code, said, err);
    ldap_memfree(said);
    return fault;
}

static enum eca_ldap_fault judge_handshake(struct eca_ldap_connection *connection, const char *ca_file, int code,
                                           apr_time_t until, struct eca_error *err)
{
    char *said = NULL;
    char remark[ECA_LDAP_REMARK_MAX];

    ldap_get_option(connection->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
    eca_ldap_remark(remark, said);
    ldap_memfree(said);

    if (eca_ldap_blames_certificate(remark)) {
        eca_error_set(err,
                      "%s: the server's TLS certificate is not accepted: %s; the CA that issued it must be in %s "
                      "(EASDirectoryCAFile) and EASDirectory must name the host as the certificate does",
                      connection->url, strcmp(remark, ECA_LDAP_GNUTLS_UNVERIFIED) == 0 ? "not verified" : remark,
                      ca_file == NULL ? "the system's store" : ca_file);
        return ECA_LDAP_UNUSABLE;
    }
    if (eca_ldap_clock_left(until) == 0) {
        eca_error_set(err, "%s: no TLS handshake in time", connection->url);
        return ECA_LDAP_SILENT;
    }
    eca_error_set(err, "%s: the TLS handshake failed: %s%s%s", connection->url, ldap_err2string(code),
                  remark[0] == '\0' ? "" : ": ", remark);
    return ECA_LDAP_DOWN;
}

enum eca_ldap_fault eca_ldap_tls_start(struct eca_ldap_connection *connection, const char *ca_file, bool with_operation,
                                       apr_time_t until, struct eca_error *err)
{
    const char *trusted = ca_file == NULL ? system_store() : ca_file;
    enum eca_ldap_fault fault = ECA_LDAP_OK;
    struct timeval left;
    int code;

    if (!set_context(connection->ld, trusted)) {
        eca_error_set(err, "TLS for %s cannot be set up: the CA certificates (%s, EASDirectoryCAFile) cannot be loaded",
                      connection->url, trusted == NULL ? "none found" : trusted);
        return ECA_LDAP_UNUSABLE;
    }
    if (with_operation)
        fault = ask_for_tls(connection, until, err);
    if (fault != ECA_LDAP_OK)
        return fault;

    left = eca_ldap_clock_timeval(until);
    ldap_set_option(connection->ld, LDAP_OPT_NETWORK_TIMEOUT, &left);
    code = ldap_install_tls(connection->ld);
    if (code != LDAP_SUCCESS || ldap_tls_inplace(connection->ld) == 0)
        return judge_handshake(connection, trusted, code, until, err);
    return ECA_LDAP_OK;
}
