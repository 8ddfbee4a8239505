/* SPDX-License-Identifier: Apache-2.0 */
/* Delegation by way of gssproxy's client library, which stands between libgssapi and its Kerberos mechanism. */
#include "gssproxy.h"

#include "full_name.h"
#include "s4u_step.h"
#include "spnego.h"
#include "thread_context.h"

#include <apr_errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The client library moves all error codes by this, so that they are not taken for those of the mechanism itself. */
#define MOVED_BY 0x04200000u
#define ERRNO_MAX 4095

/* All that one token needs. */
struct attempt {
    krb5_context context; /* the thread's */
    krb5_ccache ccache;
    gss_cred_id_t own;
    gss_cred_id_t impersonated;
    krb5_principal self;
    krb5_principal service;
    char *service_name;
    struct eca_krb5_exchange exchange; /* its names point into the above, or are the caller's */
    struct eca_gssproxy_report *report;
    struct eca_error *err;
};

bool eca_gssproxy_is_used(void)
{
    static const char *const yes[] = { "1", "on", "true", "yes" };
    const char *value = secure_getenv("GSS_USE_PROXY");

    for (size_t i = 0; value != NULL && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(value, yes[i]) == 0)
            return true;
    }
    return false;
}

bool eca_gssproxy_is_alone(void)
{
    const char *value = secure_getenv("GSSPROXY_BEHAVIOR");

    return value != NULL && strcmp(value, "REMOTE_ONLY") == 0;
}

bool eca_gssproxy_name_user(struct eca_strbuf *out, const struct eca_account *account, struct eca_error *err)
{
    krb5_context context = eca_thread_context(err);
    char *text = NULL;

    if (context == NULL || !eca_full_name_check_account(account, err))
        return false;
    if (eca_full_name_of_account(context, account, &text) != 0)
        return eca_error_set(err, "no memory for the name of %s", account->dn);
    eca_strbuf_text(out, text);
    krb5_free_unparsed_name(context, text);
    return !out->overflow || eca_error_set(err, "the name of %s is too long", account->dn);
}

/* The daemon said no, or the KDC through it, or there is no daemon. */
static enum eca_kerberos_answer fail(struct attempt *attempt, OM_uint32 major, OM_uint32 minor)
{
    const krb5_error_code code = (krb5_error_code)(minor - MOVED_BY);
    const bool by_proxy = attempt->exchange.step != ECA_KRB5_STEP_S4U2SELF;
    char text[120];

    if (code > 0 && code <= ERRNO_MAX) {
        eca_error_set(attempt->err, "gssproxy does not answer: %s", apr_strerror(code, text, sizeof text));
        return ECA_KERBEROS_UNAVAILABLE;
    }
    if (by_proxy ? GSS_ROUTINE_ERROR(major) == GSS_S_UNAUTHORIZED : code == KRB5_CC_NOTFOUND) {
        eca_error_set(attempt->err,
                      "gssproxy may not do this: the section of its configuration for httpd's user needs %s",
                      by_proxy ? "allow_constrained_delegation = yes" : "allow_protocol_transition = yes");
        return ECA_KERBEROS_MISCONFIGURED;
    }
    attempt->report->refusal = (struct eca_krb5_refusal){ attempt->exchange.step, code };
    if (by_proxy && code == KRB5KDC_ERR_BADOPTION) {
        eca_error_set(
            attempt->err,
            "S4U2Proxy for %s by %s to %s: the KDC refuses; the krb5.conf of gssproxy has to say forwardable = "
            "true, and the service account needs \"use any authentication protocol\" "
            "(TRUSTED_TO_AUTH_FOR_DELEGATION) and the SPN in msDS-AllowedToDelegateTo",
            attempt->exchange.user, attempt->exchange.principal, attempt->exchange.service);
        return ECA_KERBEROS_REFUSED;
    }
    return eca_krb5_error_from_context(&attempt->exchange, attempt->context, code, attempt->err);
}

/* Whose credentials the daemon has, as it said last: there is one daemon for a process. */
static struct {
    pthread_mutex_t lock;
    char self[ECA_GSSPROXY_NAME_MAX];
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

/*
 * The library keeps the daemon's sealed answer in a ccache, and shows it again the next time, even to a daemon that has
 * been restarted and cannot open it: so each token gets one. It has to be that of the answer's principal, or the
 * library makes another one and leaves it behind.
 */
static krb5_error_code make_ccache(struct attempt *attempt)
{
    krb5_error_code code = krb5_cc_new_unique(attempt->context, "MEMORY", NULL, &attempt->ccache);
    krb5_principal self = NULL;
    char name[ECA_GSSPROXY_NAME_MAX];

    pthread_mutex_lock(&known.lock);
    memcpy(name, known.self, sizeof name);
    pthread_mutex_unlock(&known.lock);
    if (code == 0 && name[0] != '\0')
        code = krb5_parse_name(attempt->context, name, &self);
    if (code == 0 && self != NULL)
        code = krb5_cc_initialize(attempt->context, attempt->ccache, self);
    krb5_free_principal(attempt->context, self);
    return code;
}

/* With an empty keytab, or the library would look for credentials of this process's own before it asks. */
static OM_uint32 acquire(struct attempt *attempt, const char *ccache)
{
    gss_key_value_element_desc elements[] = { { "ccache", ccache }, { "client_keytab", "MEMORY:eas-none" } };
    const gss_key_value_set_desc store = { sizeof elements / sizeof elements[0], elements };
    OM_uint32 minor = 0;

    return gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, (gss_OID_set)gss_mech_set_krb5,
                                 GSS_C_INITIATE, &store, &attempt->own, NULL, NULL);
}

/* With these, the library tells its own failure instead of the daemon's. */
static enum eca_kerberos_answer open_own(struct attempt *attempt)
{
    char *ccache = NULL;
    krb5_error_code code = make_ccache(attempt);
    OM_uint32 major = 0;

    if (code == 0)
        code = krb5_cc_get_full_name(attempt->context, attempt->ccache, &ccache);
    if (code != 0)
        return eca_krb5_error_from_context(&attempt->exchange, attempt->context, code, attempt->err);
    major = acquire(attempt, ccache);
    krb5_free_string(attempt->context, ccache);
    if (!GSS_ERROR(major))
        return ECA_KERBEROS_DONE;
    eca_error_set(attempt->err, "gssproxy gives no credentials: it does not run, no KDC answers it, or its "
                                "configuration has no section with httpd's user as euid and a keytab that the KDC "
                                "takes; its log says which");
    return ECA_KERBEROS_UNAVAILABLE;
}

static OM_uint32 write_own_name(struct attempt *attempt, OM_uint32 *minor)
{
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 ignored = 0;
    OM_uint32 major = gss_inquire_cred(minor, attempt->own, &name, NULL, NULL, NULL);

    if (!GSS_ERROR(major))
        major = gss_display_name(minor, name, &text, NULL);
    if (!GSS_ERROR(major) && text.length < sizeof attempt->report->self) {
        memcpy(attempt->report->self, text.value, text.length);
        attempt->report->self[text.length] = '\0';
        pthread_mutex_lock(&known.lock);
        memcpy(known.self, attempt->report->self, sizeof known.self);
        pthread_mutex_unlock(&known.lock);
    }
    (void)gss_release_buffer(&ignored, &text);
    (void)gss_release_name(&ignored, &name);
    return major;
}

static enum eca_kerberos_answer name_all(struct attempt *attempt, const char *spn)
{
    OM_uint32 minor = 0;
    const OM_uint32 major = write_own_name(attempt, &minor);

    if (GSS_ERROR(major))
        return fail(attempt, major, minor);
    attempt->exchange.principal = attempt->report->self;
    if (krb5_parse_name(attempt->context, attempt->report->self, &attempt->self) != 0) {
        eca_error_set(attempt->err, "gssproxy's credentials have no usable name: \"%s\"", attempt->report->self);
        return ECA_KERBEROS_MISCONFIGURED;
    }
    if (!eca_full_name_of_service(attempt->context, spn, attempt->self, &attempt->service, &attempt->service_name,
                                  attempt->err))
        return ECA_KERBEROS_MISCONFIGURED;
    attempt->exchange.service = attempt->service_name;
    return ECA_KERBEROS_DONE;
}

static enum eca_kerberos_answer impersonate(struct attempt *attempt)
{
    OM_uint32 minor = 0;
    const OM_uint32 major = eca_s4u_step_impersonate(&minor, attempt->own, attempt->exchange.user,
                                                     &attempt->impersonated);

    return GSS_ERROR(major) ? fail(attempt, major, minor) : ECA_KERBEROS_DONE;
}

/* The library's token is the Kerberos mechanism's own. */
static bool append(struct eca_strbuf *out, const gss_buffer_desc *token, struct eca_error *err)
{
    const size_t size = token->length + ECA_SPNEGO_MAX;
    struct eca_der_writer der;
    uint8_t *memory = malloc(size);

    if (memory == NULL)
        return eca_error_set(err, "no memory for a token of %zu bytes", size);
    eca_der_writer_init(&der, memory, size);
    eca_der_put(&der, token->value, token->length);
    eca_spnego_close(&der, size);
    eca_strbuf_base64(out, (struct eca_slice){ memory + der.start, size - der.start });
    out->overflow |= der.overflow;
    explicit_bzero(memory, size);
    free(memory);
    return !out->overflow || eca_error_set(err, "the token of %zu bytes does not fit into the header", token->length);
}

static enum eca_kerberos_answer delegate(struct attempt *attempt, struct eca_strbuf *out)
{
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;
    gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;
    const OM_uint32 major = eca_s4u_step_delegate(&minor, attempt->impersonated, attempt->service_name, &token);

    attempt->exchange.step = ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE; /* or it was: only the daemon could tell */
    if (GSS_ERROR(major))
        answer = fail(attempt, major, minor);
    else if (!append(out, &token, attempt->err))
        answer = ECA_KERBEROS_FAILED;
    eca_s4u_step_wipe(&token);
    return answer;
}

static void release(struct attempt *attempt)
{
    OM_uint32 ignored = 0;

    (void)gss_release_cred(&ignored, &attempt->impersonated);
    (void)gss_release_cred(&ignored, &attempt->own);
    krb5_free_unparsed_name(attempt->context, attempt->service_name);
    krb5_free_principal(attempt->context, attempt->service);
    krb5_free_principal(attempt->context, attempt->self);
    if (attempt->ccache != NULL)
        (void)krb5_cc_destroy(attempt->context, attempt->ccache);
}

enum eca_kerberos_answer eca_gssproxy_make_token(struct eca_strbuf *out, const char *user, const char *spn,
                                                 struct eca_gssproxy_report *report, struct eca_error *err)
{
    struct attempt attempt = { .context = eca_thread_context(err), .report = report, .err = err };
    enum eca_kerberos_answer answer = ECA_KERBEROS_FAILED;

    *report = (struct eca_gssproxy_report){ .self = "" };
    if (attempt.context == NULL)
        return answer;
    attempt.exchange = (struct eca_krb5_exchange){ ECA_KRB5_STEP_S4U2SELF, "", "", user, spn };
    answer = open_own(&attempt);
    if (answer == ECA_KERBEROS_DONE)
        answer = name_all(&attempt, spn);
    if (answer == ECA_KERBEROS_DONE)
        answer = impersonate(&attempt);
    if (answer == ECA_KERBEROS_DONE)
        answer = delegate(&attempt, out);
    release(&attempt);
    return answer;
}
