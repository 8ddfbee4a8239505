/* SPDX-License-Identifier: Apache-2.0 */
/* One generation of the service account's ticket-granting ticket: the AS exchange and the ccache it is kept in. */
#include "service_tgt.h"

#include "keytab.h"
#include "krb5_error.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdatomic.h>
#include <stdlib.h>

/* The context is the ccache's own: used when it is made and when it is destroyed, never by two threads. */
struct eca_service_tgt {
    atomic_uint references;
    krb5_context context;
    krb5_ccache ccache;
    char *ccache_name;
    int64_t start;
    int64_t end;
};

static void destroy(struct eca_service_tgt *tgt)
{
    if (tgt->context != NULL) {
        krb5_free_string(tgt->context, tgt->ccache_name);
        if (tgt->ccache != NULL)
            (void)krb5_cc_destroy(tgt->context, tgt->ccache);
        krb5_free_context(tgt->context);
    }
    free(tgt);
}

/*
 * S4U2Self's ticket is forwardable only when this one is, and krb5.conf need not say so: it is asked for here.
 * `principal` brings its realm, so default_realm is not needed.
 */
static krb5_error_code get_credentials(krb5_context context, const char *keytab_path, const char *principal,
                                       krb5_creds *out)
{
    krb5_get_init_creds_opt *options = NULL;
    krb5_principal client = NULL;
    krb5_keytab keytab = NULL;
    krb5_error_code code = krb5_parse_name(context, principal, &client);

    if (code == 0)
        code = eca_keytab_open(context, keytab_path, &keytab);
    if (code == 0)
        code = krb5_get_init_creds_opt_alloc(context, &options);
    if (code == 0) {
        krb5_get_init_creds_opt_set_forwardable(options, 1);
        code = krb5_get_init_creds_keytab(context, out, client, keytab, 0, NULL, options);
    }
    krb5_get_init_creds_opt_free(context, options);
    if (keytab != NULL)
        (void)krb5_kt_close(context, keytab);
    krb5_free_principal(context, client);
    return code;
}

static krb5_error_code keep_credentials(struct eca_service_tgt *tgt, krb5_creds *creds)
{
    krb5_error_code code = krb5_cc_new_unique(tgt->context, "MEMORY", NULL, &tgt->ccache);

    if (code == 0)
        code = krb5_cc_initialize(tgt->context, tgt->ccache, creds->client);
    if (code == 0)
        code = krb5_cc_store_cred(tgt->context, tgt->ccache, creds);
    if (code == 0)
        code = krb5_cc_get_full_name(tgt->context, tgt->ccache, &tgt->ccache_name);
    tgt->start = (int64_t)(uint32_t)creds->times.starttime;
    tgt->end = (int64_t)(uint32_t)creds->times.endtime;
    if (tgt->start == 0)
        tgt->start = (int64_t)(uint32_t)creds->times.authtime;
    return code;
}

enum eca_kerberos_answer eca_service_tgt_request(const char *keytab, const char *principal,
                                                 struct eca_service_tgt **out, struct eca_error *err)
{
    const struct eca_krb5_exchange exchange = { .step = ECA_KRB5_STEP_TGT, .keytab = keytab, .principal = principal };
    struct eca_service_tgt *const tgt = calloc(1, sizeof *tgt);
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;
    krb5_creds creds = { .magic = 0 };
    krb5_error_code code = ENOMEM;

    *out = NULL;
    if (tgt == NULL)
        return eca_krb5_error_explain(&exchange, ENOMEM, "calloc", err);
    atomic_init(&tgt->references, 1);
    code = krb5_init_context(&tgt->context);
    if (code == 0)
        code = get_credentials(tgt->context, keytab, principal, &creds);
    if (code == 0) {
        code = keep_credentials(tgt, &creds);
        krb5_free_cred_contents(tgt->context, &creds);
    }
    if (code == 0) {
        *out = tgt;
    } else {
        answer = eca_krb5_error_from_context(&exchange, tgt->context, code, err);
        destroy(tgt);
    }
    return answer;
}

struct eca_service_tgt *eca_service_tgt_hold(struct eca_service_tgt *tgt)
{
    atomic_fetch_add_explicit(&tgt->references, 1, memory_order_relaxed);
    return tgt;
}

void eca_service_tgt_release(struct eca_service_tgt *tgt)
{
    if (tgt != NULL && atomic_fetch_sub_explicit(&tgt->references, 1, memory_order_acq_rel) == 1)
        destroy(tgt);
}

int64_t eca_service_tgt_start(const struct eca_service_tgt *tgt)
{
    return tgt->start;
}

int64_t eca_service_tgt_end(const struct eca_service_tgt *tgt)
{
    return tgt->end;
}

bool eca_service_tgt_open_gss_credential(const struct eca_service_tgt *tgt, gss_cred_id_t *out, struct eca_error *err)
{
    gss_key_value_element_desc element = { "ccache", tgt->ccache_name };
    const gss_key_value_set_desc store = { 1, &element };
    const struct eca_krb5_exchange exchange = { .step = ECA_KRB5_STEP_TGT,
                                                .keytab = tgt->ccache_name,
                                                .principal = "the service account" };
    OM_uint32 minor = 0;
    const OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE,
                                                  (gss_OID_set)gss_mech_set_krb5, GSS_C_INITIATE, &store, out, NULL,
                                                  NULL);

    if (GSS_ERROR(major))
        (void)eca_krb5_error_from_gss(&exchange, major, minor, err);
    return !GSS_ERROR(major);
}

const char *eca_service_tgt_ccache(const struct eca_service_tgt *tgt)
{
    return tgt->ccache_name;
}
