/* SPDX-License-Identifier: Apache-2.0 */
/* Delegation: S4U2Self, whose ticket is it, S4U2Proxy. */
#include "s4u.h"

#include "full_name.h"
#include "keytab.h"
#include "pac.h"
#include "s4u_step.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <string.h>

#define PAC_UPN_DNS_INFO 12 /* MS-PAC 2.4 */
#define TGT_ATTEMPTS 2      /* a new one when the KDC does not take the first */

/* All that one exchange holds. */
struct s4u {
    krb5_context context;
    krb5_principal self;
    krb5_principal service;
    char *user_name;
    char *service_name;
    struct eca_service_tgt *tgt;
    gss_cred_id_t own;
    gss_cred_id_t impersonated;
    bool tgt_refused;
    struct eca_krb5_refusal refusal;
    struct eca_krb5_exchange exchange; /* its names point into the above */
    struct eca_error *err;
};

static enum eca_kerberos_answer fail(struct s4u *s4u, krb5_error_code code)
{
    return eca_krb5_error_from_context(&s4u->exchange, s4u->context, code, s4u->err);
}

static enum eca_kerberos_answer fail_gss(struct s4u *s4u, OM_uint32 major, OM_uint32 minor)
{
    s4u->tgt_refused = eca_krb5_error_refuses_tgt(s4u->exchange.step, (krb5_error_code)minor);
    s4u->refusal = (struct eca_krb5_refusal){ s4u->exchange.step, (krb5_error_code)minor };
    return eca_krb5_error_from_gss(&s4u->exchange, major, minor, s4u->err);
}

static enum eca_kerberos_answer name_all(struct s4u *s4u, const struct eca_account *account, const char *spn)
{
    krb5_error_code code = krb5_init_context(&s4u->context);

    if (code == 0)
        code = krb5_parse_name(s4u->context, s4u->exchange.principal, &s4u->self);
    if (code == 0)
        code = eca_full_name_of_account(s4u->context, account, &s4u->user_name);
    if (code != 0)
        return fail(s4u, code);
    s4u->exchange.user = s4u->user_name;
    if (!eca_full_name_of_service(s4u->context, spn, s4u->self, &s4u->service, &s4u->service_name, s4u->err))
        return ECA_KERBEROS_MISCONFIGURED;
    s4u->exchange.service = s4u->service_name;
    return ECA_KERBEROS_DONE;
}

/* A ticket to ourselves in the user's name, inside s4u->impersonated. */
static enum eca_kerberos_answer impersonate(struct s4u *s4u)
{
    OM_uint32 minor = 0;
    OM_uint32 major = 0;

    s4u->exchange.step = ECA_KRB5_STEP_S4U2SELF;
    major = eca_s4u_step_impersonate(&minor, s4u->own, s4u->user_name, &s4u->impersonated);
    return GSS_ERROR(major) ? fail_gss(s4u, major, minor) : ECA_KERBEROS_DONE;
}

/* KRB5_CC_NOTFOUND when there is none. */
static krb5_error_code find_ticket(krb5_context context, krb5_ccache ccache, krb5_const_principal server,
                                   krb5_creds *out)
{
    krb5_cc_cursor cursor = NULL;
    krb5_error_code code = krb5_cc_start_seq_get(context, ccache, &cursor);
    bool found = false;

    if (code != 0)
        return code;
    while (!found && (code = krb5_cc_next_cred(context, ccache, &cursor, out)) == 0) {
        found = krb5_principal_compare(context, out->server, server);
        if (!found)
            krb5_free_cred_contents(context, out);
    }
    (void)krb5_cc_end_seq_get(context, ccache, &cursor);
    return code == KRB5_CC_END ? KRB5_CC_NOTFOUND : code;
}

/* The ticket to `server` out of the impersonated credential, by way of a ccache of its own. */
static krb5_error_code copy_ticket(struct s4u *s4u, krb5_const_principal server, krb5_creds *out)
{
    krb5_ccache ccache = NULL;
    OM_uint32 minor = 0;
    krb5_error_code code = krb5_cc_new_unique(s4u->context, "MEMORY", NULL, &ccache);

    if (code != 0)
        return code;
    code = krb5_cc_initialize(s4u->context, ccache, s4u->self);
    if (code == 0 && GSS_ERROR(gss_krb5_copy_ccache(&minor, s4u->impersonated, ccache)))
        code = minor != 0 ? (krb5_error_code)minor : KRB5_CC_NOTFOUND;
    if (code == 0)
        code = find_ticket(s4u->context, ccache, server, out);
    (void)krb5_cc_destroy(s4u->context, ccache);
    return code;
}

/*
 * The KDC made and encrypted the ticket for us alone, and the answer that carried it was sealed with our session
 * key: the PAC's own signatures would add nothing.
 */
static krb5_error_code open_evidence(struct s4u *s4u, const krb5_creds *evidence, krb5_pac *pac)
{
    krb5_authdata **found = NULL;
    krb5_ticket *ticket = NULL;
    krb5_keytab keytab = NULL;
    krb5_error_code code = krb5_decode_ticket(&evidence->ticket, &ticket);

    if (code != 0)
        return code;
    code = eca_keytab_open(s4u->context, s4u->exchange.keytab, &keytab);
    if (code == 0)
        code = krb5_server_decrypt_ticket_keytab(s4u->context, keytab, ticket);
    if (code == 0)
        code = krb5_find_authdata(s4u->context, ticket->enc_part2->authorization_data, NULL, KRB5_AUTHDATA_WIN2K_PAC,
                                  &found);
    if (code == 0 && found != NULL && found[0] != NULL)
        code = krb5_pac_parse(s4u->context, found[0]->contents, found[0]->length, pac);
    krb5_free_authdata(s4u->context, found);
    if (keytab != NULL)
        (void)krb5_kt_close(s4u->context, keytab);
    krb5_free_ticket(s4u->context, ticket);
    return code;
}

/* A name can reach another account (by its UPN, by an alias); the SID cannot. */
static enum eca_kerberos_answer compare_sid(struct s4u *s4u, krb5_pac pac, const char *expected)
{
    char sid[ECA_SID_TEXT_MAX] = "";
    krb5_data content = { .data = NULL };
    bool good = false;

    if (pac == NULL || krb5_pac_get_buffer(s4u->context, pac, PAC_UPN_DNS_INFO, &content) != 0) {
        eca_error_set(s4u->err,
                      "the KDC's ticket for %s has no PAC with UPN_DNS_INFO, so whose it is cannot be checked",
                      s4u->user_name);
        return ECA_KERBEROS_MISCONFIGURED;
    }
    good = eca_pac_read_upn_dns_info(sid, (struct eca_slice){ (const uint8_t *)content.data, content.length },
                                     s4u->err);
    krb5_free_data_contents(s4u->context, &content);
    if (!good)
        return ECA_KERBEROS_MISCONFIGURED;
    if (strcmp(sid, expected) == 0)
        return ECA_KERBEROS_DONE;
    eca_error_set(s4u->err, "the KDC's ticket for %s is that of %s, the directory's account is %s", s4u->user_name, sid,
                  expected);
    return ECA_KERBEROS_IDENTITY_MISMATCH;
}

static enum eca_kerberos_answer check_evidence(struct s4u *s4u, const char *sid, bool *forwardable)
{
    krb5_creds evidence = { .magic = 0 };
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;
    krb5_pac pac = NULL;
    krb5_error_code code = 0;

    s4u->exchange.step = ECA_KRB5_STEP_EVIDENCE;
    code = copy_ticket(s4u, s4u->self, &evidence);
    if (code == 0)
        code = open_evidence(s4u, &evidence, &pac);
    answer = code != 0 ? fail(s4u, code) : compare_sid(s4u, pac, sid);
    *forwardable = (evidence.ticket_flags & TKT_FLG_FORWARDABLE) != 0;
    krb5_pac_free(s4u->context, pac);
    krb5_free_cred_contents(s4u->context, &evidence);
    return answer;
}

/* The ticket is all that is wanted: what would be said to the service is thrown away. */
static enum eca_kerberos_answer delegate(struct s4u *s4u, bool forwardable)
{
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    OM_uint32 major = 0;

    s4u->exchange.step = forwardable ? ECA_KRB5_STEP_S4U2PROXY : ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE;
    major = eca_s4u_step_delegate(&minor, s4u->impersonated, s4u->service_name, &token);
    eca_s4u_step_wipe(&token);
    return GSS_ERROR(major) ? fail_gss(s4u, major, minor) : ECA_KERBEROS_DONE;
}

static enum eca_kerberos_answer take_ticket(struct s4u *s4u, struct eca_ticket **out)
{
    krb5_creds creds = { .magic = 0 };
    const krb5_error_code code = copy_ticket(s4u, s4u->service, &creds);

    if (code != 0)
        return fail(s4u, code);
    *out = eca_ticket_create(&creds);
    krb5_free_cred_contents(s4u->context, &creds);
    if (*out != NULL)
        return ECA_KERBEROS_DONE;
    eca_error_set(s4u->err, "no memory for the ticket of %s", s4u->user_name);
    return ECA_KERBEROS_FAILED;
}

static enum eca_kerberos_answer run(struct s4u *s4u, struct eca_service_credential *credential,
                                    const struct eca_account *account, const char *spn, struct eca_ticket **out)
{
    enum eca_kerberos_answer answer = name_all(s4u, account, spn);
    bool forwardable = false;

    if (answer == ECA_KERBEROS_DONE)
        answer = eca_service_credential_acquire(credential, &s4u->tgt, s4u->err);
    if (answer == ECA_KERBEROS_DONE && !eca_service_tgt_open_gss_credential(s4u->tgt, &s4u->own, s4u->err))
        answer = ECA_KERBEROS_FAILED;
    if (answer == ECA_KERBEROS_DONE)
        answer = impersonate(s4u);
    if (answer == ECA_KERBEROS_DONE)
        answer = check_evidence(s4u, account->sid, &forwardable);
    if (answer == ECA_KERBEROS_DONE)
        answer = delegate(s4u, forwardable);
    if (answer == ECA_KERBEROS_DONE)
        answer = take_ticket(s4u, out);
    return answer;
}

static void release(struct s4u *s4u)
{
    OM_uint32 ignored = 0;

    (void)gss_release_cred(&ignored, &s4u->impersonated);
    (void)gss_release_cred(&ignored, &s4u->own);
    eca_service_tgt_release(s4u->tgt);
    krb5_free_unparsed_name(s4u->context, s4u->service_name);
    krb5_free_unparsed_name(s4u->context, s4u->user_name);
    krb5_free_principal(s4u->context, s4u->service);
    krb5_free_principal(s4u->context, s4u->self);
    krb5_free_context(s4u->context);
}

enum eca_kerberos_answer eca_s4u_get_ticket(struct eca_service_credential *credential,
                                            const struct eca_account *account, const char *spn, struct eca_ticket **out,
                                            struct eca_krb5_refusal *refusal, struct eca_error *err)
{
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;
    bool again = true;

    *out = NULL;
    *refusal = (struct eca_krb5_refusal){ .code = 0 };
    if (!eca_full_name_check_account(account, err))
        return ECA_KERBEROS_MISCONFIGURED;
    for (int attempt = 1; again; attempt++) {
        struct eca_error why = { .text = "" };
        struct s4u s4u = { .err = &why };

        s4u.exchange.keytab = eca_service_credential_keytab(credential);
        s4u.exchange.principal = eca_service_credential_principal(credential);
        s4u.exchange.user = account->sam_account_name;
        s4u.exchange.service = spn;
        answer = run(&s4u, credential, account, spn, out);
        if (s4u.tgt_refused)
            eca_service_credential_discard(credential, s4u.tgt);
        again = s4u.tgt_refused && attempt < TGT_ATTEMPTS;
        *refusal = s4u.refusal;
        release(&s4u);
        if (answer != ECA_KERBEROS_DONE && !again)
            eca_error_set(err, "%s", why.text);
    }
    return answer;
}
