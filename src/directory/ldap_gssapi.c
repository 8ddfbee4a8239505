/* SPDX-License-Identifier: Apache-2.0 */
/* The SASL GSSAPI bind (RFC 4513 5.2, RFC 4752). */
#include "ldap_connection.h"

#include <limits.h>
#include <sasl/sasl.h>
#include <string.h>

#define SIGN_AND_SEAL_SSF 56

/* GSSAPI takes everything from the credentials: every question is answered with nothing. */
static int answer_nothing(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
    (void)ld;
    (void)flags;
    (void)defaults;
    for (sasl_interact_t *at = questions; at->id != SASL_CB_LIST_END; at++) {
        at->result = "";
        at->len = 0;
    }
    return LDAP_SUCCESS;
}

/*
 * A layer of GSSAPI inside TLS is refused by AD, which wants the bind tied to the TLS channel instead; outside TLS
 * nothing below sign and seal will do.
 */
static bool set_protection(LDAP *ld)
{
    const bool tls = ldap_tls_inplace(ld) != 0;
    const ber_len_t minimum = tls ? 0 : SIGN_AND_SEAL_SSF;
    const ber_len_t maximum = tls ? 0 : INT_MAX;
    const int binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;

    if (tls && ldap_set_option(ld, LDAP_OPT_X_SASL_CBINDING, &binding) != LDAP_OPT_SUCCESS)
        return false;
    return ldap_set_option(ld, LDAP_OPT_X_SASL_SSF_MIN, &minimum) == LDAP_OPT_SUCCESS
           && ldap_set_option(ld, LDAP_OPT_X_SASL_SSF_MAX, &maximum) == LDAP_OPT_SUCCESS;
}

static bool is_protected(LDAP *ld)
{
    ber_len_t strength = 0;

    return ldap_tls_inplace(ld) != 0
           || (ldap_get_option(ld, LDAP_OPT_X_SASL_SSF, &strength) == LDAP_OPT_SUCCESS
               && strength >= SIGN_AND_SEAL_SSF);
}

static enum eca_ldap_fault judge_bind(struct eca_ldap_connection *connection, int code, struct eca_error *err)
{
    char *said = NULL;
    char remark[ECA_LDAP_REMARK_MAX];

    ldap_get_option(connection->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
    eca_ldap_remark(remark, said);
    ldap_memfree(said);

    if (code == LDAP_LOCAL_ERROR && eca_ldap_blames_kdc_outage(remark)) {
        eca_error_set(err, "%s: no Kerberos ticket for the bind: %s", connection->url, remark);
        return ECA_LDAP_DOWN;
    }
    if (code == LDAP_LOCAL_ERROR) {
        eca_error_set(err, "%s: the GSSAPI bind failed: %s%s", connection->url, remark,
                      strstr(remark, "Server not found") == NULL
                          ? ""
                          : "; EASDirectory must name the host as its SPN ldap/HOST does");
        return ECA_LDAP_UNUSABLE;
    }
    if (code == LDAP_AUTH_UNKNOWN) {
        eca_error_set(err,
                      "%s: the GSSAPI bind failed: %s; is the SASL module for GSSAPI installed "
                      "(libsasl2-modules-gssapi-mit)?",
                      connection->url, remark);
        return ECA_LDAP_UNUSABLE;
    }
    if (code > 0 && ldap_tls_inplace(connection->ld) != 0) {
        eca_error_set(err,
                      "%s: the GSSAPI bind inside TLS is refused: %s%s%s; use ldap:// with gssapi: it is signed and "
                      "sealed",
                      connection->url, ldap_err2string(code), remark[0] == '\0' ? "" : ": ", remark);
        return ECA_LDAP_UNUSABLE;
    }
    if (code == LDAP_INVALID_CREDENTIALS) {
        eca_error_set(err, "%s: the GSSAPI bind is refused: %s; check EASKerberosKeytab and the account behind it",
                      connection->url, remark);
        return ECA_LDAP_FINAL;
    }
    return eca_ldap_connection_judge(connection, "the GSSAPI bind", code, remark, err);
}

/* The steps of the exchange, each waiting for the server's answer. */
static enum eca_ldap_fault exchange(struct eca_ldap_connection *connection, apr_time_t until, struct eca_error *err)
{
    enum eca_ldap_fault fault = ECA_LDAP_OK;
    const char *mechanism = NULL;
    LDAPMessage *answer = NULL;
    int message_id = 0;
    int code;

    do {
        code = ldap_sasl_interactive_bind(connection->ld, NULL, "GSSAPI", NULL, NULL, LDAP_SASL_QUIET, answer_nothing,
                                          NULL, answer, &mechanism, &message_id);
        ldap_msgfree(answer);
        answer = NULL;
        if (code == LDAP_SASL_BIND_IN_PROGRESS)
            fault = eca_ldap_connection_await(connection, message_id, "the GSSAPI bind", until, &answer, err);
    } while (code == LDAP_SASL_BIND_IN_PROGRESS && fault == ECA_LDAP_OK);

    if (fault != ECA_LDAP_OK || code == LDAP_SUCCESS)
        return fault;
    return judge_bind(connection, code, err);
}

enum eca_ldap_fault eca_ldap_connection_gssapi_bind(struct eca_ldap_connection *connection,
                                                    const struct eca_ldap_settings *settings, apr_time_t until,
                                                    struct eca_error *err)
{
    enum eca_ldap_fault fault;
    bool unavailable = false;
    void *hold = NULL;

    if (!set_protection(connection->ld)) {
        eca_error_set(err, "%s: this libldap cannot protect a GSSAPI bind", connection->url);
        return ECA_LDAP_UNUSABLE;
    }
    if (!settings->use_credentials(settings->credentials_context, &unavailable, &hold, err))
        return unavailable ? ECA_LDAP_DOWN : ECA_LDAP_FINAL;
    fault = exchange(connection, until, err);
    settings->release_credentials(settings->credentials_context, hold);

    if (fault == ECA_LDAP_OK && !is_protected(connection->ld)) {
        eca_error_set(err, "%s: the GSSAPI bind gave no sign and seal", connection->url);
        return ECA_LDAP_UNUSABLE;
    }
    return fault;
}
