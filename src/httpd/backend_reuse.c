/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection a request gets, and what its answer proves. */
#include "backend_reuse.h"

#include "backend.h"
#include "backend_probe.h"
#include "delegate.h"
#include "hot.h"
#include "proxy_functions.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(eas_certauth);

/*
 * What mod_proxy passes on before there is an answer to prove (100 Continue, 101), backends whose address is made of
 * the request, and UNIX sockets, which the probe cannot tell apart, have connections of their own.
 */
ECA_HOT static bool may_be_kept(const request_rec *r, const proxy_worker *worker)
{
    return (strcmp(worker->s->scheme, "http") == 0 || strcmp(worker->s->scheme, "https") == 0)
           && *worker->s->uds_path == '\0' && !worker->s->disablereuse && worker->s->is_address_reusable
           && !worker->s->is_name_matchable && apr_table_get(r->headers_in, "Expect") == NULL
           && apr_table_get(r->headers_in, "Upgrade") == NULL;
}

ECA_HOT static int ask_on_kept(struct eca_backend_use *use, request_rec *r, proxy_worker *kept)
{
    int status = DECLINED;

    use->unproven = true;
    apr_table_unset(r->subprocess_env, ECA_NO_KEEPALIVE);
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
    status = eca_proxy_run_others(r, kept, use->conf, use->url);
    apr_table_setn(r->subprocess_env, ECA_NO_KEEPALIVE, "1"); /* another member of a balancer may be tried */
    return status;
}

/* mod_proxy's scheme_handler: here it is known at last which worker will be asked. */
ECA_HOT static int choose_connection(request_rec *r, proxy_worker *worker, proxy_server_conf *conf, char *url,
                                     const char *proxy_host, apr_port_t proxy_port)
{
    struct eca_request *request = eca_request_of(r);
    struct eca_backend_use *use = request != NULL ? request->use : NULL;
    proxy_worker *kept = NULL;

    (void)proxy_port;
    if (use == NULL || r->main != NULL) /* a sub-request's end leaves nothing to probe with */
        return DECLINED;
    use->unproven = false;
    use->backend = NULL;
    if (use->is_allowed && proxy_host == NULL && request->service->reused != NULL && may_be_kept(r, worker)
        && eca_delegate_has_token(request, r))
        use->backend = eca_reused_backend_of(request->service->reused, worker);
    if (use->backend == NULL)
        return DECLINED;
    use->r = r;
    use->worker = worker;
    use->conf = conf;
    use->url = apr_pstrdup(r->pool, url);
    kept = eca_reused_backend_worker(use->backend, apr_time_now());
    return kept != NULL ? ask_on_kept(use, r, kept) : DECLINED;
}

void eca_backend_reuse_register(void)
{
    eca_backend_probe_register();
    if (eca_proxy_functions_find())
        eca_proxy_hook_scheme_handler(choose_connection);
}

void eca_backend_reuse_begin(struct eca_request *request)
{
    if (request->policy->backend_reuse != ECA_BACKEND_REUSE_VERIFIED)
        return;
    request->use = apr_pcalloc(request->r->pool, sizeof *request->use);
    request->use->proof = eca_negotiate_new_proof(request->r->pool);
}

static const char *name_backend(const struct eca_backend_use *use)
{
    const proxy_worker_shared *shared = use->worker->s;

    return apr_psprintf(use->r->pool, "%s://%s:%d", shared->scheme, shared->hostname_ex, (int)shared->port);
}

/* Tells what is news. */
static void conclude(struct eca_request *request, enum eca_backend_proof proof, const struct eca_error *why)
{
    const struct eca_backend_use *use = request->use;
    request_rec *r = use->r;
    const bool is_news = eca_reused_backend_conclude(use->backend, proof, apr_time_now());

    if (proof == ECA_BACKEND_UNANSWERED || (is_news && proof == ECA_BACKEND_EARLY))
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "ECA6005: whether connections to %s may be kept is asked again in a minute: %s",
                      name_backend(use), why->text);
    else if (is_news && proof == ECA_BACKEND_PROVEN)
        ap_log_rerror(
            APLOG_MARK, APLOG_INFO, 0, r,
            "ECA6004: connections to %s are kept: it proved for two requests on one connection that it looked "
            "at each one's ticket",
            name_backend(use));
    else if (is_news)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "ECA6003: connections to %s are not kept any more, as with EASBackendReuse Off, until httpd is "
                      "restarted: an answer of it does not prove that it looked at the request's ticket: %s",
                      name_backend(use), why->text);
}

bool eca_backend_reuse_is_early(int status)
{
    return ap_is_HTTP_SERVER_ERROR(status) || status == HTTP_BAD_REQUEST || status == HTTP_REQUEST_TIME_OUT
           || status == HTTP_REQUEST_ENTITY_TOO_LARGE || status == HTTP_REQUEST_URI_TOO_LARGE
           || status == ECA_HEADERS_TOO_LARGE;
}

ECA_HOT bool eca_backend_reuse_is_proven(struct eca_request *request, request_rec *r, int status)
{
    struct eca_backend_use *use = request->use;
    struct eca_error err = { .text = "" };

    if (use == NULL || !use->unproven)
        return true;
    use->unproven = false;
    if (eca_negotiate_is_proven(r->headers_out, use->proof, &err))
        return true;
    if (eca_backend_reuse_is_early(status)) {
        err.text[0] = '\0';
        eca_error_set(&err, "it answered %d without a proof", status);
        conclude(request, ECA_BACKEND_EARLY, &err);
    } else
        conclude(request, ECA_BACKEND_DISPROVEN, &err);
    return false;
}

static bool child_ends(void)
{
    int state = AP_MPMQ_RUNNING;

    (void)ap_mpm_query(AP_MPMQ_MPM_STATE, &state);
    return state == AP_MPMQ_STOPPING;
}

/* Of every request of the server: most have nothing to do with us. */
ECA_HOT int eca_backend_reuse_probe(request_rec *r)
{
    struct eca_request *request = NULL;
    struct eca_error why = { .text = "" };

    for (; r != NULL && request == NULL; r = r->next)
        request = ap_get_module_config(r->request_config, &eas_certauth_module);
    if (request == NULL || request->use == NULL || request->use->backend == NULL
        || request->reason != ECA_REASON_GRANTED || request->use->r->status >= HTTP_INTERNAL_SERVER_ERROR
        || child_ends() || !eca_reused_backend_claim_probe(request->use->backend, apr_time_now()))
        return DECLINED;
    conclude(request, eca_backend_probe(request, &why), &why);
    return DECLINED;
}
