/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage: what comes back. */
#include "backend.h"

#include "backend_reuse.h"
#include "get_ticket.h"
#include "hot.h"
#include "log.h"
#include "respond.h"

#include <apr_uri.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

APLOG_USE_MODULE(eas_certauth);

#define FILTER_NAME "EAS_BACKEND"
#define BIG_TOKEN 8000 /* bytes: less than any server refuses unless told to */

static ap_filter_rec_t *answer_filter; /* by its name it would be looked for in each request */

static bool is_delegated(const struct eca_request *request)
{
    return request->spn != NULL || request->identity != NULL;
}

/* Nobody else's request may ever travel on a connection that carried an identity, unless backend_reuse.c sees to it. */
ECA_HOT void eca_backend_guard(struct eca_request *request, request_rec *r)
{
    if (request->use != NULL)
        request->use->is_allowed = apr_table_get(r->subprocess_env, ECA_NO_KEEPALIVE) == NULL;
    apr_table_setn(r->subprocess_env, ECA_NO_KEEPALIVE, "1");
    ap_add_output_filter_handle(answer_filter, request, r, r->connection);
}

/*
 * Why the answer must not reach the device, or GRANTED; of a refusal of our own, or when none `came`, there is nothing
 * to judge.
 */
ECA_HOT static enum eca_reason judge(struct eca_request *request, request_rec *r, int status, bool came)
{
    if (request->reason != ECA_REASON_GRANTED)
        return ECA_REASON_GRANTED;
    if (came && (status == HTTP_BAD_REQUEST || status == ECA_HEADERS_TOO_LARGE) && request->token_length > BIG_TOKEN)
        eca_log_big_token(request, status);
    if (status == HTTP_UNAUTHORIZED && is_delegated(request))
        return ECA_REASON_BACKEND_REJECTED_TICKET;
    return !came || eca_backend_reuse_is_proven(request, r, status) ? ECA_REASON_GRANTED
                                                                    : ECA_REASON_BACKEND_UNVERIFIED;
}

/* What mod_proxy and httpd say of an answer that did not come may quote the piece that did. */
static void forget_answer(request_rec *r)
{
    r->status_line = NULL;
    apr_table_unset(r->notes, "error-notes");
}

static int refuse(struct eca_request *request, request_rec *r, enum eca_reason reason)
{
    forget_answer(r);
    if (reason == ECA_REASON_BACKEND_REJECTED_TICKET)
        eca_get_ticket_refused(request);
    return eca_respond(request, r, reason);
}

/* Methods that authenticate a connection, which here is the proxy's and not the device's. */
static bool is_for_connections(const char *challenge)
{
    return ap_cstr_casecmpn(challenge, "Negotiate", 9) == 0 || ap_cstr_casecmpn(challenge, "NTLM", 4) == 0;
}

static int keep_challenge(void *kept, const char *name, const char *challenge)
{
    if (!is_for_connections(challenge))
        apr_table_addn(kept, name, challenge);
    return 1;
}

/* Of a backend that asks the device itself (passthrough), Basic remains. */
ECA_HOT static void strip_challenges(apr_table_t *headers, apr_pool_t *pool, bool all)
{
    apr_table_t *kept = NULL;

    if (apr_table_get(headers, "WWW-Authenticate") == NULL)
        return;
    kept = apr_table_make(pool, 2);
    if (!all)
        apr_table_do(keep_challenge, kept, headers, "WWW-Authenticate", NULL);
    apr_table_unset(headers, "WWW-Authenticate");
    apr_table_do(keep_challenge, headers, kept, NULL);
}

#define REDIRECT 451 /* MS-ASHTTP 2.2.2.1.1.2 */
#define REDIRECT_HEADER "X-MS-Location"

/* The URL that mod_proxy asks; of a balancer, the member's. */
static bool read_backend(apr_uri_t *out, request_rec *r)
{
    const char *member = apr_table_get(r->subprocess_env, "BALANCER_WORKER_NAME");
    const char *url = member;

    if (url == NULL && r->filename != NULL && strncmp(r->filename, "proxy:", 6) == 0)
        url = r->filename + 6;
    return url != NULL && apr_uri_parse(r->pool, url, out) == APR_SUCCESS && out->hostname != NULL;
}

static apr_port_t port_of(const apr_uri_t *url)
{
    return url->port_str != NULL ? url->port : apr_uri_port_of_scheme(url->scheme != NULL ? url->scheme : "");
}

/* Exchange tells a device where its mailbox is by a name that it may only know inside; any other host passes untouched.
 */
static void rewrite_location(const struct eca_request *request, request_rec *r)
{
    const char *location = apr_table_get(r->headers_out, REDIRECT_HEADER);
    apr_uri_t there, backend;

    if (r->status != REDIRECT || !request->policy->rewrite_location || location == NULL
        || apr_uri_parse(r->pool, location, &there) != APR_SUCCESS || there.hostname == NULL
        || !read_backend(&backend, r) || ap_cstr_casecmp(there.hostname, backend.hostname) != 0
        || port_of(&there) != port_of(&backend))
        return;
    location = apr_uri_unparse(r->pool, &there, APR_URI_UNP_OMITSITEPART);
    apr_table_setn(r->headers_out, REDIRECT_HEADER, ap_construct_url(r->pool, location, r));
}

/* What only the proxy has a use for: it would make a device or a browser start a log-on of its own. */
ECA_HOT static void strip_answer(const struct eca_request *request, request_rec *r)
{
    apr_table_unset(r->headers_out, "Persistent-Auth");
    apr_table_unset(r->headers_out, "X-EAS-Reason");
    strip_challenges(r->headers_out, r->pool, is_delegated(request));
    strip_challenges(r->err_headers_out, r->pool, is_delegated(request));
}

ECA_HOT bool eca_backend_answer_came(const apr_bucket_brigade *brigade)
{
    return !APR_BRIGADE_EMPTY(brigade) && !AP_BUCKET_IS_ERROR(APR_BRIGADE_FIRST(brigade));
}

ECA_HOT static void let_pass(const struct eca_request *request, request_rec *r)
{
    if (request->reason != ECA_REASON_GRANTED)
        return;
    if (r->status < HTTP_BAD_REQUEST)
        eca_get_ticket_accepted(request);
    strip_answer(request, r);
    rewrite_location(request, r);
}

/* The first brigade of an answer brings its status and headers: what is refused becomes our own answer, nothing of it
 * passes. */
ECA_HOT static apr_status_t filter_answer(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    struct eca_request *request = filter->ctx;
    request_rec *r = filter->r;
    ap_filter_t *next = filter->next;
    const bool came = eca_backend_answer_came(brigade);
    const enum eca_reason reason = judge(request, r, r->status, came);

    ap_remove_output_filter(filter);
    if (!came)
        forget_answer(r);
    if (reason == ECA_REASON_GRANTED) {
        let_pass(request, r);
        return ap_pass_brigade(next, brigade);
    }
    r->status = HTTP_OK; /* or ap_die() takes our answer for a second error */
    apr_table_clear(r->headers_out);
    apr_brigade_cleanup(brigade);
    ap_die(refuse(request, r, reason), r); /* an error bucket would lose err_headers_out in httpd's header filter */
    return AP_FILTER_ERROR;
}

ECA_HOT int eca_backend_judge_status(int *status, request_rec *r)
{
    struct eca_request *request = eca_request_of(r);
    bool came = false;
    enum eca_reason reason = ECA_REASON_GRANTED;

    if (request == NULL || (request->use == NULL && !ap_is_HTTP_ERROR(*status)))
        return DECLINED;
    came = apr_table_get(r->notes, "proxy-error-override") != NULL;
    reason = judge(request, r, *status, came);
    if (!came && ap_is_HTTP_ERROR(*status))
        forget_answer(r);
    if (reason == ECA_REASON_GRANTED)
        return DECLINED;
    *status = refuse(request, r, reason);
    return OK;
}

void eca_backend_register_filter(void)
{
    /* Before all others, which may keep something back or, as INCLUDES does, make requests of what they see. */
    answer_filter = ap_register_output_filter(FILTER_NAME, filter_answer, NULL, AP_FTYPE_RESOURCE - 1);
}
