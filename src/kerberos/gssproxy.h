/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens without a keytab: gssproxy(8)'s daemon holds the keys, asks the KDC and says which process may have what. */
#ifndef ECA_GSSPROXY_H
#define ECA_GSSPROXY_H

#include "account.h"
#include "krb5_error.h"
#include "strbuf.h"

/* Base64 of 65,535 bytes. */
#define ECA_GSSPROXY_TOKEN_MAX 87500

/* A name's bytes may be escaped, each with another one. */
#define ECA_GSSPROXY_NAME_MAX (2 * (ECA_ACCOUNT_NAME_MAX + ECA_ACCOUNT_DOMAIN_MAX))

/* Whether this process's GSSAPI goes through gssproxy, by the rule of its client library: GSS_USE_PROXY. */
bool eca_gssproxy_is_used(void);

/*
 * Whether it goes nowhere else: GSSPROXY_BEHAVIOR=REMOTE_ONLY. Otherwise the library tries credentials of the process's
 * own when the daemon refuses, and the backend would be shown whomever they belong to.
 */
bool eca_gssproxy_is_alone(void);

/* "alice@EXAMPLE.TEST" of an account, into `out`. False with `err`: the directory does not give all that is needed. */
bool eca_gssproxy_name_user(struct eca_strbuf *out, const struct eca_account *account, struct eca_error *err);

/* What there is to say of an attempt. */
struct eca_gssproxy_report {
    char self[ECA_GSSPROXY_NAME_MAX]; /* "svc-eas@EXAMPLE.TEST", the daemon's principal; "" when it did not come to that
                                       */
    struct eca_krb5_refusal refusal;
};

/*
 * Appends the base64 of a fresh token for `user` (a full principal) to `spn` (realm optional) to `out`: S4U2Self and
 * S4U2Proxy, by the daemon, each time. Nobody can tell here whose ticket it is: it is the daemon's to open. On anything
 * but DONE `err` says what to look at. Blocks, up to 45 s on a frozen daemon, and others of this process with it:
 * helper threads only.
 */
enum eca_kerberos_answer eca_gssproxy_make_token(struct eca_strbuf *out, const char *user, const char *spn,
                                                 struct eca_gssproxy_report *report, struct eca_error *err);

#endif
