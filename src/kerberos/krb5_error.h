/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of libkrb5 or a KDC means here, and which setting cures it. */
#ifndef ECA_KRB5_ERROR_H
#define ECA_KRB5_ERROR_H

#include "error.h"
#include "kerberos_answer.h"

#include <gssapi/gssapi.h>
#include <krb5.h>

/* The exchange that failed: the same code means something else in each. */
enum eca_krb5_step {
    ECA_KRB5_STEP_KEYTAB,                    /* reading it, or krb5.conf */
    ECA_KRB5_STEP_TGT,                       /* AS exchange of the service account */
    ECA_KRB5_STEP_S4U2SELF,                  /* protocol transition */
    ECA_KRB5_STEP_EVIDENCE,                  /* opening S4U2Self's ticket with our own key */
    ECA_KRB5_STEP_S4U2PROXY,                 /* constrained delegation; the user's ticket was forwardable */
    ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE, /* the same, and it was not */
};

/* What a KDC said no to, and how; code 0: it was not a KDC that said no. */
struct eca_krb5_refusal {
    enum eca_krb5_step step;
    krb5_error_code code;
};

/* What the sentence names; "" what is not known yet. All texts are owned by the caller. */
struct eca_krb5_exchange {
    enum eca_krb5_step step;
    const char *keytab;
    const char *principal; /* the service account's */
    const char *user;
    const char *service;
};

/*
 * Sets `err` to what failed, for whom, what to do about it and libkrb5's own words (`message`), and returns
 * the answer for it. A code that is in no row is a defect: ECA_KERBEROS_FAILED. Threads: any.
 */
enum eca_kerberos_answer eca_krb5_error_explain(const struct eca_krb5_exchange *exchange, krb5_error_code code,
                                                const char *message, struct eca_error *err);

/* The same for an error of the krb5_… functions, whose message is kept in `context`. */
enum eca_kerberos_answer eca_krb5_error_from_context(const struct eca_krb5_exchange *exchange, krb5_context context,
                                                     krb5_error_code code, struct eca_error *err);

/* The same for an error of the gss_… functions of mechanism krb5, on the thread where it happened. */
enum eca_kerberos_answer eca_krb5_error_from_gss(const struct eca_krb5_exchange *exchange, OM_uint32 major,
                                                 OM_uint32 minor, struct eca_error *err);

/* Whether it was our ticket-granting ticket that the KDC did not take: a new one may help. */
bool eca_krb5_error_refuses_tgt(enum eca_krb5_step step, krb5_error_code code);

#endif
