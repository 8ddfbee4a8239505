/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection comes to be, and the operations on it, each with a deadline. */
#include "ldap_connection.h"

#include "ldap_clock.h"
#include "ldap_socket.h"
#include "ldap_tls.h"
#include "ldap_url.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <openldap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No account is longer than a few KiB; a length that an ill server made up must not become an allocation. */
#define ANSWER_MAX ((ber_len_t)16 * 1024 * 1024)

/*
 * What a server may spend on a search; how long we wait is another matter (`until`). Samba 4.17 counts a second that
 * passes once for each layer a search goes through, and so ends a search with a limit of two within milliseconds.
 */
#define SERVER_SECONDS 60

/* The first libldap whose TLS handshake keeps the network timeout without LDAP_OPT_CONNECT_ASYNC. */
#define HANDSHAKE_BOUNDED_VERSION 20609

static bool handshake_needs_async(LDAP *ld)
{
    LDAPAPIInfo info = { .ldapai_info_version = LDAP_API_INFO_VERSION };
    bool needs;

    if (ldap_get_option(ld, LDAP_OPT_API_INFO, &info) != LDAP_OPT_SUCCESS)
        return false;
    needs = info.ldapai_vendor_version < HANDSHAKE_BOUNDED_VERSION;
    ldap_memvfree((void **)info.ldapai_extensions);
    ldap_memfree(info.ldapai_vendor_name);
    return needs;
}

/* Everything that ldap.conf, .ldaprc or LDAP* variables might have chosen otherwise. */
static bool set_options(LDAP *ld, apr_time_t until)
{
    const int version = LDAP_VERSION3;
    const int never = LDAP_DEREF_NEVER;
    const int none = LDAP_NO_LIMIT;
    const int server_seconds = SERVER_SECONDS;
    const struct timeval left = eca_ldap_clock_timeval(until);
    const struct {
        int option;
        const void *value;
    } rows[] = {
        { LDAP_OPT_PROTOCOL_VERSION, &version },
        { LDAP_OPT_REFERRALS, LDAP_OPT_OFF },
        { LDAP_OPT_RESTART, LDAP_OPT_ON },
        { LDAP_OPT_DEREF, &never },
        { LDAP_OPT_SIZELIMIT, &none },
        { LDAP_OPT_TIMELIMIT, &server_seconds },
        { LDAP_OPT_NETWORK_TIMEOUT, &left },
        { LDAP_OPT_TIMEOUT, &left },
        { LDAP_OPT_CONNECT_ASYNC, handshake_needs_async(ld) ? LDAP_OPT_ON : LDAP_OPT_OFF },
        { LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (ldap_set_option(ld, rows[i].option, rows[i].value) != LDAP_OPT_SUCCESS)
            return false;
    }
    return true;
}

static void limit_answers(LDAP *ld)
{
    Sockbuf *buffer = NULL;
    ber_len_t limit = ANSWER_MAX;

    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer != NULL)
        ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &limit);
}

static enum eca_ldap_fault connect_to(struct eca_ldap_connection *connection, const struct eca_ldap_url *url,
                                      apr_time_t until, struct eca_error *err)
{
    enum eca_ldap_fault fault = eca_ldap_socket_open(&connection->fd, url, until, err);
    char known[ECA_LDAP_URL_MAX]; /* libldap knows no gc:// */

    if (fault != ECA_LDAP_OK)
        return fault;
    (void)apr_snprintf(known, sizeof known, "%s://%s:%s", url->tls ? "ldaps" : "ldap", url->host, url->port);
    if (ldap_init_fd(connection->fd, LDAP_PROTO_TCP, known, &connection->ld) != LDAP_SUCCESS) {
        close(connection->fd);
        connection->ld = NULL;
        eca_error_set(err, "%s: out of memory", connection->url);
        return ECA_LDAP_DOWN;
    }
    if (!set_options(connection->ld, until)) {
        eca_error_set(err, "%s: this libldap lacks an option that is needed", connection->url);
        return ECA_LDAP_UNUSABLE;
    }
    limit_answers(connection->ld);
    return ECA_LDAP_OK;
}

static enum eca_ldap_fault bind_for_search(struct eca_ldap_connection *connection,
                                           const struct eca_ldap_settings *settings, apr_time_t until,
                                           struct eca_error *err)
{
    char remark[ECA_LDAP_REMARK_MAX] = "";
    enum eca_ldap_fault fault;
    int code = LDAP_SUCCESS;

    if (settings->bind == ECA_LDAP_BIND_GSSAPI)
        return eca_ldap_connection_gssapi_bind(connection, settings, until, err);
    if (settings->bind == ECA_LDAP_BIND_ANONYMOUS)
        return ECA_LDAP_OK;
    fault = eca_ldap_connection_simple_bind(connection, settings->bind_name, settings->bind_password, until, &code,
                                            remark, err);
    if (fault == ECA_LDAP_OK && code == LDAP_INVALID_CREDENTIALS) {
        eca_error_set(err, "%s: the bind as %s is refused: %s; correct the name or password file of EASDirectoryBind",
                      connection->url, settings->bind_name, eca_ldap_logon_failure(remark));
        return ECA_LDAP_FINAL;
    }
    return fault == ECA_LDAP_OK ? eca_ldap_connection_judge(connection, "the bind", code, remark, err) : fault;
}

static enum eca_ldap_fault prepare(struct eca_ldap_connection *connection, const struct eca_ldap_settings *settings,
                                   enum eca_ldap_purpose purpose, apr_time_t until, struct eca_error *err)
{
    const bool wants_tls = purpose == ECA_LDAP_FOR_PASSWORD || settings->bind != ECA_LDAP_BIND_GSSAPI;
    struct eca_ldap_url url;
    enum eca_ldap_fault fault;

    if (!eca_ldap_url_parse(&url, connection->url, err))
        return ECA_LDAP_UNUSABLE;
    fault = connect_to(connection, &url, until, err);
    if (fault == ECA_LDAP_OK && (url.tls || wants_tls))
        fault = eca_ldap_tls_start(connection, settings->ca_file, !url.tls, until, err);
    if (fault == ECA_LDAP_OK)
        /* libldap makes the socket block in a handshake: half an answer could then hold us beyond the deadline. */
        (void)fcntl(connection->fd, F_SETFL, fcntl(connection->fd, F_GETFL) | O_NONBLOCK);
    if (fault == ECA_LDAP_OK && purpose == ECA_LDAP_FOR_SEARCH)
        fault = bind_for_search(connection, settings, until, err);
    return fault;
}

enum eca_ldap_fault eca_ldap_connection_open(struct eca_ldap_connection **out, const struct eca_ldap_settings *settings,
                                             const char *url, enum eca_ldap_purpose purpose, apr_time_t until,
                                             struct eca_error *err)
{
    struct eca_ldap_connection *connection = calloc(1, sizeof *connection);
    enum eca_ldap_fault fault;

    if (connection == NULL) {
        eca_error_set(err, "%s: out of memory", url);
        return ECA_LDAP_DOWN;
    }
    apr_cpystrn(connection->url, url, sizeof connection->url);
    fault = prepare(connection, settings, purpose, until, err);
    if (fault == ECA_LDAP_OK)
        *out = connection;
    else
        eca_ldap_connection_close(connection);
    return fault;
}

enum eca_ldap_fault eca_ldap_connection_judge(struct eca_ldap_connection *connection, const char *doing, int code,
                                              const char *said, struct eca_error *err)
{
    const enum eca_ldap_fault fault = eca_ldap_fault_of_code(code);
    char remark[ECA_LDAP_REMARK_MAX];
    const char *remedy = "";

    if (fault == ECA_LDAP_OK)
        return fault;
    eca_ldap_remark(remark, said);
    if (code == LDAP_NO_SUCH_OBJECT || code == LDAP_REFERRAL || code == LDAP_INVALID_DN_SYNTAX)
        remedy = "; EASDirectoryBase must be a DN of this server's own domain";
    if (code == LDAP_STRONG_AUTH_REQUIRED || code == LDAP_CONFIDENTIALITY_REQUIRED)
        remedy = "; use EASDirectoryBind gssapi with ldap://, or simple with ldaps:// or StartTLS";
    eca_error_set(err, "%s: %s failed: %s%s%s%s", connection->url, doing, ldap_err2string(code),
                  remark[0] == '\0' ? "" : ": ", remark, remedy);
    return fault;
}

enum eca_ldap_fault eca_ldap_connection_await(struct eca_ldap_connection *connection, int message_id, const char *doing,
                                              apr_time_t until, LDAPMessage **out, struct eca_error *err)
{
    struct timeval left = eca_ldap_clock_timeval(until);
    LDAPMessage *answer = NULL;
    const int kind = ldap_result(connection->ld, message_id, LDAP_MSG_ALL, &left, &answer);
    int code = LDAP_SERVER_DOWN;

    if (kind > 0) {
        *out = answer;
        return ECA_LDAP_OK;
    }
    ldap_msgfree(answer);
    if (kind == 0) {
        eca_error_set(err, "%s: %s: no answer in time", connection->url, doing);
        return ECA_LDAP_SILENT;
    }
    ldap_get_option(connection->ld, LDAP_OPT_RESULT_CODE, &code);
    return eca_ldap_connection_judge(connection, doing, code < 0 ? code : LDAP_SERVER_DOWN, NULL, err);
}

/* The result code at the end of an answer. */
static int read_result(LDAP *ld, LDAPMessage *answer, char remark[ECA_LDAP_REMARK_MAX])
{
    char *said = NULL;
    int code = LDAP_SUCCESS;

    if (ldap_parse_result(ld, answer, &code, NULL, &said, NULL, NULL, 0) != LDAP_SUCCESS)
        code = LDAP_DECODING_ERROR;
    eca_ldap_remark(remark, said);
    ldap_memfree(said);
    return code;
}

enum eca_ldap_fault eca_ldap_connection_search(struct eca_ldap_connection *connection,
                                               const struct eca_ldap_query *query, apr_time_t until, LDAPMessage **out,
                                               bool *truncated, struct eca_error *err)
{
    char remark[ECA_LDAP_REMARK_MAX] = "";
    struct timeval server_time = { .tv_sec = SERVER_SECONDS };
    LDAPMessage *answer = NULL;
    enum eca_ldap_fault fault;
    int message_id = 0;
    int code = ldap_search_ext(connection->ld, query->base, query->scope, query->filter,
                               (char **)(uintptr_t)query->attributes, 0, NULL, NULL, &server_time, query->size_limit,
                               &message_id);

    if (code != LDAP_SUCCESS)
        return eca_ldap_connection_judge(connection, "the search", code, NULL, err);
    fault = eca_ldap_connection_await(connection, message_id, "the search", until, &answer, err);
    if (fault != ECA_LDAP_OK)
        return fault;

    code = read_result(connection->ld, answer, remark);
    *truncated = code == LDAP_SIZELIMIT_EXCEEDED;
    if (!*truncated && !(code == LDAP_NO_SUCH_OBJECT && query->missing_is_empty))
        fault = eca_ldap_connection_judge(connection, "the search", code, remark, err);
    if (fault == ECA_LDAP_OK)
        *out = answer;
    else
        ldap_msgfree(answer);
    return fault;
}

enum eca_ldap_fault eca_ldap_connection_simple_bind(struct eca_ldap_connection *connection, const char *name,
                                                    const char *password, apr_time_t until, int *code,
                                                    char remark[ECA_LDAP_REMARK_MAX], struct eca_error *err)
{
    struct berval secret = { .bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password };
    LDAPMessage *answer = NULL;
    enum eca_ldap_fault fault;
    int message_id = 0;
    const int sent = ldap_sasl_bind(connection->ld, name, LDAP_SASL_SIMPLE, &secret, NULL, NULL, &message_id);

    if (sent != LDAP_SUCCESS)
        return eca_ldap_connection_judge(connection, "the bind", sent, NULL, err);
    fault = eca_ldap_connection_await(connection, message_id, "the bind", until, &answer, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    *code = read_result(connection->ld, answer, remark);
    ldap_msgfree(answer);
    return *code < 0 ? eca_ldap_connection_judge(connection, "the bind", *code, remark, err) : ECA_LDAP_OK;
}

void eca_ldap_connection_close(struct eca_ldap_connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->ld != NULL)
        ldap_unbind_ext(connection->ld, NULL, NULL);
    free(connection);
}
