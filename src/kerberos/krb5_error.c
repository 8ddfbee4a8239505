/* SPDX-License-Identifier: Apache-2.0 */
/* One table: exchange and error code to answer and advice. */
#include "krb5_error.h"

#include <errno.h>
#include <gssapi/gssapi_krb5.h>
#include <stddef.h>
#include <stdio.h>

#define STEP(name) (1u << ECA_KRB5_STEP_##name)
#define KEYTAB STEP(KEYTAB)
#define TGT STEP(TGT)
#define SELF STEP(S4U2SELF)
#define EVIDENCE STEP(EVIDENCE)
#define PROXY_FORWARDABLE STEP(S4U2PROXY)
#define PROXY_NOT_FORWARDABLE STEP(S4U2PROXY_NOT_FORWARDABLE)
#define PROXY (PROXY_FORWARDABLE | PROXY_NOT_FORWARDABLE)
#define S4U (SELF | PROXY)
#define ANY (KEYTAB | TGT | EVIDENCE | S4U)

static const char advice_dns[] = "the KDC's host name does not resolve: look at [realms] in krb5.conf and at the DNS "
                                 "servers";
static const char advice_realm[] =
    "no KDC is known for the realm: name one under [realms] in krb5.conf or let DNS have "
    "_kerberos._udp SRV records";
static const char advice_clock[] = "this machine's clock and the domain controller's differ too much: synchronise "
                                   "both (NTP)";
static const char advice_aes[] = "no common encryption type: the keytab needs AES256 and AES128 keys; set "
                                 "msDS-SupportedEncryptionTypes of the service account to 24 and export it again";
static const char advice_backend_aes[] =
    "no common encryption type: set msDS-SupportedEncryptionTypes of the backend's "
    "account to 24 and renew its keys";
static const char advice_stale[] = "the keytab's key is not the service account's: its password has changed since; "
                                   "export the keytab again";
static const char advice_principal[] = "the domain has no such service account: AD knows accounts, not service names; "
                                       "choose EASKerberosPrincipal";
static const char advice_service_account[] = "the service account is disabled, expired or locked";
static const char advice_service_password[] =
    "the service account's password has expired or must be changed: give it a new one that never expires and export "
    "the keytab again";
static const char advice_user_password[] = "the account's password has expired or must be changed at the next logon";
static const char advice_protocol_transition[] =
    "S4U2Self is for a service account with a servicePrincipalName (setspn "
    "-S), and for accounts of its own domain or of trusted ones";
/* What Samba 4.17 says of a disabled account; AD says KDC_ERR_CLIENT_REVOKED. */
static const char advice_account_policy[] = "the account is disabled, or the domain's policy forbids it to log on";
static const char advice_evidence[] =
    "the keytab does not open a ticket for the service account: export it again, with "
    "AES keys (msDS-SupportedEncryptionTypes 24)";
static const char advice_list[] = "the SPN is not in msDS-AllowedToDelegateTo of the service account (the user may be "
                                  "delegated: the ticket is forwardable)";
static const char advice_forwardable[] = "the user's ticket is not forwardable: set \"use any authentication "
                                         "protocol\" (TRUSTED_TO_AUTH_FOR_DELEGATION) and "
                                         "the SPN in msDS-AllowedToDelegateTo of the service account, unless the user "
                                         "is \"sensitive\" or in Protected Users";
static const char advice_spn[] = "no account has this SPN: correct EASDelegationSPN, or register it (setspn -S)";
static const char advice_tgt[] = "the KDC does not take the service account's ticket-granting ticket";
static const char advice_krb5_conf[] = "krb5.conf cannot be read";
static const char advice_keytab[] = "the keytab cannot be read by this process";
static const char advice_trust[] =
    "the account's realm is not reached from the service account's: look at the trusts and "
    "at [capaths] in krb5.conf";

static const struct row {
    krb5_error_code code;
    unsigned steps;
    enum eca_kerberos_answer answer;
    const char *advice;
} rows[] = {
    { KRB5_KDC_UNREACH, ANY, ECA_KERBEROS_UNAVAILABLE, "no KDC answered" },
    { KRB5KDC_ERR_SVC_UNAVAILABLE, ANY, ECA_KERBEROS_UNAVAILABLE, "the KDC is not available" },
    { KRB5KRB_ERR_GENERIC, ANY, ECA_KERBEROS_UNAVAILABLE, "the KDC failed: its own log says why" },
    { KRB5_REALM_CANT_RESOLVE, ANY, ECA_KERBEROS_UNAVAILABLE, advice_dns },
    { KRB5_REALM_UNKNOWN, ANY, ECA_KERBEROS_MISCONFIGURED, advice_realm },
    { KRB5KRB_AP_ERR_SKEW, ANY, ECA_KERBEROS_MISCONFIGURED, advice_clock },
    { KRB5_KDCREP_SKEW, ANY, ECA_KERBEROS_MISCONFIGURED, advice_clock },
    { KRB5KRB_AP_ERR_TKT_NYV, ANY, ECA_KERBEROS_MISCONFIGURED, advice_clock },
    { KRB5KDC_ERR_NEVER_VALID, ANY, ECA_KERBEROS_MISCONFIGURED, advice_clock },
    { KRB5_CONFIG_CANTOPEN, ANY, ECA_KERBEROS_MISCONFIGURED, advice_krb5_conf },
    { KRB5_CONFIG_BADFORMAT, ANY, ECA_KERBEROS_MISCONFIGURED, advice_krb5_conf },
    { ENOMEM, ANY, ECA_KERBEROS_FAILED, "out of memory" },

    { KRB5KDC_ERR_ETYPE_NOSUPP, PROXY, ECA_KERBEROS_MISCONFIGURED, advice_backend_aes },
    { KRB5KDC_ERR_ETYPE_NOSUPP, ANY, ECA_KERBEROS_MISCONFIGURED, advice_aes },
    { KRB5_PROG_ETYPE_NOSUPP, ANY, ECA_KERBEROS_MISCONFIGURED, advice_aes },
    { KRB5_CONFIG_ETYPE_NOSUPP, ANY, ECA_KERBEROS_MISCONFIGURED, advice_aes },
    { KRB5_BAD_ENCTYPE, ANY, ECA_KERBEROS_MISCONFIGURED, advice_aes },

    { ENOENT, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_keytab },
    { EACCES, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_keytab },
    { EPERM, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_keytab },
    { EISDIR, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_keytab },
    { KRB5_KT_IOERR, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_keytab },
    { KRB5_KT_FORMAT, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, "the file is no keytab" },
    { KRB5_KEYTAB_BADVNO, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, "the file is no keytab" },
    { KRB5_KT_END, KEYTAB | TGT | EVIDENCE, ECA_KERBEROS_MISCONFIGURED, "the keytab is empty" },

    { KRB5_KT_NOTFOUND, TGT, ECA_KERBEROS_MISCONFIGURED, advice_aes },
    { KRB5_PREAUTH_FAILED, TGT, ECA_KERBEROS_MISCONFIGURED, advice_aes },
    { KRB5KDC_ERR_PREAUTH_FAILED, TGT, ECA_KERBEROS_MISCONFIGURED, advice_stale },
    { KRB5KRB_AP_ERR_BAD_INTEGRITY, TGT, ECA_KERBEROS_MISCONFIGURED, advice_stale },
    { KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, TGT, ECA_KERBEROS_MISCONFIGURED, advice_principal },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, TGT, ECA_KERBEROS_MISCONFIGURED, advice_realm },
    { KRB5KDC_ERR_WRONG_REALM, TGT, ECA_KERBEROS_MISCONFIGURED, advice_realm },
    { KRB5KDC_ERR_CLIENT_REVOKED, TGT, ECA_KERBEROS_MISCONFIGURED, advice_service_account },
    { KRB5KDC_ERR_CLIENT_NOTYET, TGT, ECA_KERBEROS_MISCONFIGURED, advice_service_account },
    { KRB5KDC_ERR_NAME_EXP, TGT, ECA_KERBEROS_MISCONFIGURED, advice_service_account },
    { KRB5KDC_ERR_KEY_EXP, TGT, ECA_KERBEROS_MISCONFIGURED, advice_service_password },
    { KRB5KDC_ERR_POLICY, TGT, ECA_KERBEROS_MISCONFIGURED, "the domain's policy refuses the service account" },

    { KRB5_KT_NOTFOUND, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },
    { KRB5_KT_KVNONOTFOUND, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },
    { KRB5KRB_AP_ERR_BAD_INTEGRITY, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },
    { KRB5KRB_AP_ERR_BADKEYVER, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },
    { KRB5KRB_AP_ERR_NOKEY, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },
    { KRB5KRB_AP_WRONG_PRINC, EVIDENCE, ECA_KERBEROS_MISCONFIGURED, advice_evidence },

    { KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, S4U, ECA_KERBEROS_ACCOUNT_UNKNOWN, "the KDC knows no such account" },
    { KRB5KDC_ERR_CLIENT_REVOKED, S4U, ECA_KERBEROS_ACCOUNT_REFUSED, "the account is disabled, expired or locked" },
    { KRB5KDC_ERR_CLIENT_NOTYET, S4U, ECA_KERBEROS_ACCOUNT_REFUSED, "the account is not valid yet" },
    { KRB5KDC_ERR_NAME_EXP, S4U, ECA_KERBEROS_ACCOUNT_EXPIRED, "the account has expired" },
    { KRB5KDC_ERR_KEY_EXP, S4U, ECA_KERBEROS_ACCOUNT_EXPIRED, advice_user_password },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, SELF, ECA_KERBEROS_MISCONFIGURED, advice_protocol_transition },
    { KRB5KDC_ERR_PADATA_TYPE_NOSUPP, SELF, ECA_KERBEROS_MISCONFIGURED, advice_protocol_transition },
    { KRB5KDC_ERR_BADOPTION, SELF, ECA_KERBEROS_MISCONFIGURED, advice_protocol_transition },
    { KRB5KDC_ERR_POLICY, SELF, ECA_KERBEROS_ACCOUNT_REFUSED, advice_account_policy },
    { KRB5KDC_ERR_WRONG_REALM, S4U, ECA_KERBEROS_MISCONFIGURED, advice_trust },
    { KRB5KDC_ERR_PATH_NOT_ACCEPTED, S4U, ECA_KERBEROS_MISCONFIGURED, advice_trust },

    { KRB5KDC_ERR_BADOPTION, PROXY_FORWARDABLE, ECA_KERBEROS_REFUSED, advice_list },
    { KRB5KDC_ERR_BADOPTION, PROXY_NOT_FORWARDABLE, ECA_KERBEROS_REFUSED, advice_forwardable },
    { KRB5KDC_ERR_POLICY, PROXY_FORWARDABLE, ECA_KERBEROS_REFUSED, advice_list },
    { KRB5KDC_ERR_POLICY, PROXY_NOT_FORWARDABLE, ECA_KERBEROS_REFUSED, advice_forwardable },
    { KRB5_TKT_NOT_FORWARDABLE, PROXY, ECA_KERBEROS_REFUSED, advice_forwardable },
    { KRB5_KDCREP_MODIFIED, PROXY, ECA_KERBEROS_MISCONFIGURED, "the KDC does not do constrained delegation" },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, PROXY, ECA_KERBEROS_MISCONFIGURED, advice_spn },
    { KRB5KDC_ERR_SERVICE_REVOKED, PROXY, ECA_KERBEROS_MISCONFIGURED, "the backend's account is disabled" },
    { KRB5KDC_ERR_SERVICE_EXP, PROXY, ECA_KERBEROS_MISCONFIGURED, "the backend's account has expired" },

    { KRB5KRB_AP_ERR_TKT_EXPIRED, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
    { KRB5KRB_AP_ERR_BAD_INTEGRITY, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
    { KRB5KRB_AP_ERR_MODIFIED, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
    { KRB5KRB_AP_ERR_NOKEY, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
    { KRB5KRB_AP_ERR_BADKEYVER, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
    { KRB5KDC_ERR_TGT_REVOKED, S4U, ECA_KERBEROS_UNAVAILABLE, advice_tgt },
};

static const struct row *find_row(enum eca_krb5_step step, krb5_error_code code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code == code && (rows[i].steps & 1u << step) != 0)
            return &rows[i];
    }
    return NULL;
}

bool eca_krb5_error_refuses_tgt(enum eca_krb5_step step, krb5_error_code code)
{
    const struct row *const row = find_row(step, code);

    return row != NULL && row->advice == advice_tgt;
}

enum eca_kerberos_answer eca_krb5_error_explain(const struct eca_krb5_exchange *exchange, krb5_error_code code,
                                                const char *message, struct eca_error *err)
{
    const struct row *const row = find_row(exchange->step, code);
    const char *const advice = row != NULL ? row->advice : "unexpected";

    switch (exchange->step) {
    case ECA_KRB5_STEP_KEYTAB:
        eca_error_set(err, "%s: %s (%s)", exchange->keytab, advice, message);
        break;
    case ECA_KRB5_STEP_TGT:
        eca_error_set(err, "no ticket-granting ticket for %s with %s: %s (%s)", exchange->principal, exchange->keytab,
                      advice, message);
        break;
    case ECA_KRB5_STEP_EVIDENCE:
        eca_error_set(err, "ticket of %s for %s with %s: %s (%s)", exchange->user, exchange->principal,
                      exchange->keytab, advice, message);
        break;
    case ECA_KRB5_STEP_S4U2SELF:
        eca_error_set(err, "S4U2Self for %s by %s: %s (%s)", exchange->user, exchange->principal, advice, message);
        break;
    case ECA_KRB5_STEP_S4U2PROXY:
    case ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE:
        eca_error_set(err, "S4U2Proxy for %s by %s to %s: %s (%s)", exchange->user, exchange->principal,
                      exchange->service, advice, message);
        break;
    }
    return row != NULL ? row->answer : ECA_KERBEROS_FAILED;
}

enum eca_kerberos_answer eca_krb5_error_from_context(const struct eca_krb5_exchange *exchange, krb5_context context,
                                                     krb5_error_code code, struct eca_error *err)
{
    const char *const message = krb5_get_error_message(context, code);
    const enum eca_kerberos_answer answer = eca_krb5_error_explain(exchange, code, message, err);

    krb5_free_error_message(context, message);
    return answer;
}

/*
 * The mechglue may give a mechanism's code another number, but only when another mechanism had this one
 * first; SPNEGO gets krb5's through the mechglue, so krb5 always comes first and keeps its own.
 */
enum eca_kerberos_answer eca_krb5_error_from_gss(const struct eca_krb5_exchange *exchange, OM_uint32 major,
                                                 OM_uint32 minor, struct eca_error *err)
{
    gss_buffer_desc message = GSS_C_EMPTY_BUFFER;
    OM_uint32 ignored = 0;
    OM_uint32 more = 0;
    char text[200] = "";

    if (minor != 0)
        (void)gss_display_status(&ignored, minor, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &message);
    else
        (void)gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &message);
    if (message.value != NULL)
        (void)snprintf(text, sizeof text, "%.*s", (int)message.length, (const char *)message.value);
    (void)gss_release_buffer(&ignored, &message);
    return eca_krb5_error_explain(exchange, (krb5_error_code)minor, text, err);
}
