/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to one directory server: opened, protected, bound, searched, closed. */
#ifndef ECA_LDAP_CONNECTION_H
#define ECA_LDAP_CONNECTION_H

#include "ldap_directory.h"
#include "ldap_fault.h"

#include <ldap.h>

/*
 * For one thread at a time. libldap never reconnects behind our back: the socket was handed to it, so a
 * connection once lost stays lost, and nothing can be sent on an unbound or unprotected successor.
 * After any fault but FINAL it is of no more use than to be closed.
 */
struct eca_ldap_connection {
    LDAP *ld;
    int fd; /* owned by `ld` */
    char url[ECA_LDAP_URL_MAX];
    apr_time_t idle_since;            /* the pool's */
    struct eca_ldap_connection *next; /* the pool's */
};

enum eca_ldap_purpose {
    ECA_LDAP_FOR_SEARCH,   /* bound as the settings say */
    ECA_LDAP_FOR_PASSWORD, /* always inside verified TLS, not bound */
};

/* Every `until` in this room is of eca_ldap_clock(). */
enum eca_ldap_fault eca_ldap_connection_open(struct eca_ldap_connection **out, const struct eca_ldap_settings *settings,
                                             const char *url, enum eca_ldap_purpose purpose, apr_time_t until,
                                             struct eca_error *err);

struct eca_ldap_query {
    const char *base;
    int scope;
    const char *filter;
    const char *const *attributes; /* NULL-terminated */
    int size_limit;                /* 0: none */
    bool missing_is_empty;         /* a base that does not exist is an answer without entries */
};

/*
 * *out belongs to the caller: ldap_msgfree(). *truncated: the size limit ended it. When the server
 * said timeLimitExceeded or anything else, there is no *out: half an answer is none.
 */
enum eca_ldap_fault eca_ldap_connection_search(struct eca_ldap_connection *connection,
                                               const struct eca_ldap_query *query, apr_time_t until, LDAPMessage **out,
                                               bool *truncated, struct eca_error *err);

/*
 * A simple bind. OK: the server answered, with *code and, in `remark`, its own words; everything else could not
 * be asked. The password is only read.
 */
enum eca_ldap_fault eca_ldap_connection_simple_bind(struct eca_ldap_connection *connection, const char *name,
                                                    const char *password, apr_time_t until, int *code,
                                                    char remark[ECA_LDAP_REMARK_MAX], struct eca_error *err);

/*
 * A SASL GSSAPI bind with the credentials of the settings: signed and sealed unless TLS is in place.
 * Asks the KDC, which no deadline bounds.
 */
enum eca_ldap_fault eca_ldap_connection_gssapi_bind(struct eca_ldap_connection *connection,
                                                    const struct eca_ldap_settings *settings, apr_time_t until,
                                                    struct eca_error *err);

/*
 * Waits for the answer to a request just sent. OK with *out; otherwise a sentence about `doing`
 * ("searching", "binding").
 */
enum eca_ldap_fault eca_ldap_connection_await(struct eca_ldap_connection *connection, int message_id, const char *doing,
                                              apr_time_t until, LDAPMessage **out, struct eca_error *err);

/* The fault of a result code, with a sentence that holds the server's or library's words. OK only for 0. */
enum eca_ldap_fault eca_ldap_connection_judge(struct eca_ldap_connection *connection, const char *doing, int code,
                                              const char *said, struct eca_error *err);

/* Takes NULL. Never blocks. */
void eca_ldap_connection_close(struct eca_ldap_connection *connection);

#endif
