/* SPDX-License-Identifier: Apache-2.0 */
/* Two requests of our own, sent by mod_proxy as it sends a user's. */
#include "backend_probe.h"

#include "backend.h"
#include "proxy_functions.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

APLOG_USE_MODULE(eas_certauth);

#define FILTER_NAME "EAS_PROBE"
#define DEADLINE_NAME "EAS_PROBE_DEADLINE"
#define PATIENCE apr_time_from_sec(5) /* for all of it; what begins within it, may take as long again */
#define BODY_MAX 65536

/* Of the probe that this thread makes: a backend that sends a byte now and then is given up, too. */
static _Thread_local const apr_time_t *deadline_here;

/* One answer, as far as it matters. */
struct answer {
    struct eca_proof *proof;
    struct eca_error why;
    apr_off_t bytes;
    bool came, proven;
    int status;
    const char *port; /* ours: tells connections apart */
};

static apr_status_t look_at_answer(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    struct answer *answer = filter->ctx;
    apr_off_t bytes = 0;

    if (!eca_backend_answer_came(brigade)) /* the connection broke */
        return AP_FILTER_ERROR;
    if (!answer->came)
        answer->proven = eca_negotiate_is_proven(filter->r->headers_out, answer->proof, &answer->why);
    answer->came = true;
    answer->status = filter->r->status;
    (void)apr_brigade_length(brigade, 0, &bytes);
    answer->bytes += bytes > 0 ? bytes : 0;
    apr_brigade_cleanup(brigade);
    return answer->bytes > BODY_MAX ? AP_FILTER_ERROR : APR_SUCCESS;
}

/* The request has no body. */
static apr_status_t end_of_body(ap_filter_t *filter, apr_bucket_brigade *brigade, ap_input_mode_t mode,
                                apr_read_type_e block, apr_off_t bytes)
{
    (void)mode;
    (void)block;
    (void)bytes;
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(filter->c->bucket_alloc));
    return APR_SUCCESS;
}

static bool ends_line(const apr_bucket_brigade *brigade)
{
    const char *bytes = NULL;
    apr_size_t length = 0;

    return APR_BRIGADE_EMPTY(brigade)
           || apr_bucket_read(APR_BRIGADE_LAST(brigade), &bytes, &length, APR_NONBLOCK_READ) != APR_SUCCESS
           || length == 0 || bytes[length - 1] == '\n';
}

/* Of the connection to the backend, nearest to the network, where a line would be waited for to its end. */
static apr_status_t read_in_time(ap_filter_t *filter, apr_bucket_brigade *brigade, ap_input_mode_t mode,
                                 apr_read_type_e block, apr_off_t bytes)
{
    const apr_time_t *deadline = filter->ctx;
    apr_status_t status = APR_SUCCESS;

    if (mode != AP_MODE_GETLINE)
        return apr_time_now() < *deadline ? ap_get_brigade(filter->next, brigade, mode, block, bytes) : APR_TIMEUP;
    for (int i = 0; i < HUGE_STRING_LEN && status == APR_SUCCESS; i++) {
        status = apr_time_now() < *deadline ? ap_get_brigade(filter->next, brigade, AP_MODE_READBYTES, block, 1)
                                            : APR_TIMEUP;
        if (ends_line(brigade))
            break;
    }
    return status;
}

static int watch_connection(conn_rec *c, void *socket)
{
    (void)socket;
    if (deadline_here != NULL)
        ap_add_input_filter(DEADLINE_NAME, (void *)(uintptr_t)deadline_here, NULL, c);
    return OK;
}

void eca_backend_probe_register(void)
{
    ap_hook_pre_connection(watch_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_input_filter(DEADLINE_NAME, read_in_time, NULL, AP_FTYPE_NETWORK - 1);
    ap_register_output_filter(FILTER_NAME, look_at_answer, NULL, AP_FTYPE_CONTENT_SET);
    ap_register_input_filter(FILTER_NAME, end_of_body, NULL, AP_FTYPE_CONTENT_SET);
}

/* The device's connection, as far as mod_proxy looks at it; whether the device is still there does not matter. */
static conn_rec *copy_connection(apr_pool_t *pool, const conn_rec *original)
{
    conn_rec *c = apr_pmemdup(pool, original, sizeof *c);

    c->pool = pool;
    c->aborted = 0;
    c->keepalive = AP_CONN_CLOSE;
    c->input_filters = NULL;
    c->output_filters = NULL;
    return c;
}

static void empty_tables(request_rec *r)
{
    r->headers_in = apr_table_make(r->pool, 4);
    r->headers_out = apr_table_make(r->pool, 4);
    r->err_headers_out = apr_table_make(r->pool, 2);
    r->trailers_in = apr_table_make(r->pool, 1);
    r->trailers_out = apr_table_make(r->pool, 1);
    r->subprocess_env = apr_table_make(r->pool, 2);
    r->notes = apr_table_make(r->pool, 2);
}

/* Nothing of the user's request but where it went, under which configuration. */
static request_rec *make_request(apr_pool_t *pool, const request_rec *original, const char *token)
{
    const char *host = apr_table_get(original->headers_in, "Host");
    request_rec *r = apr_pcalloc(pool, sizeof *r);

    r->pool = pool;
    r->connection = copy_connection(pool, original->connection);
    r->server = original->server;
    r->per_dir_config = original->per_dir_config;
    r->request_config = ap_create_request_config(pool);
    r->log = original->log;
    r->useragent_addr = original->useragent_addr;
    r->useragent_ip = original->useragent_ip;
    r->hostname = original->hostname;
    r->request_time = apr_time_now();
    r->proxyreq = original->proxyreq;
    r->method = "OPTIONS";
    r->method_number = M_OPTIONS;
    r->protocol = (char *)"HTTP/1.1";
    r->proto_num = HTTP_VERSION(1, 1);
    r->the_request = (char *)"OPTIONS / HTTP/1.1";
    r->uri = r->unparsed_uri = (char *)"/";
    r->filename = original->filename;
    r->status = HTTP_OK;
    r->read_body = REQUEST_NO_BODY;
    empty_tables(r);
    if (host != NULL)
        apr_table_setn(r->headers_in, "Host", host);
    apr_table_setn(r->headers_in, "User-Agent", "mod_eas_certauth (EASBackendReuse)");
    apr_table_setn(r->headers_in, "Authorization", token);
    apr_table_setn(r->subprocess_env, "proxy-interim-response", "Suppress");
    return r;
}

static void add_filters(request_rec *r, struct answer *answer)
{
    ap_add_output_filter(FILTER_NAME, answer, r, r->connection);
    r->proto_output_filters = r->output_filters;
    ap_add_input_filter(FILTER_NAME, NULL, r, r->connection);
    r->proto_input_filters = r->input_filters;
}

/*
 * With limits and a state of its own: a backend that does not answer us is not down for the users. 0 is one connection
 * without a list, which could not end amid a request, as prefork's children may.
 */
static proxy_worker *make_worker(apr_pool_t *pool, const struct eca_backend_use *use)
{
    proxy_worker_shared *shared = eca_proxy_copy_shared(pool, use->worker);

    shared->min = shared->smax = shared->hmax = 0;
    shared->timeout = shared->conn_timeout = PATIENCE;
    shared->timeout_set = shared->conn_timeout_set = 1;
    return eca_proxy_copy_worker(pool, use->r->server, use->worker, shared);
}

static bool ask(struct answer *answer, apr_pool_t *pool, struct eca_request *request, proxy_worker *worker)
{
    const struct eca_backend_use *use = request->use;
    struct eca_ticket *ticket = eca_ticket_cache_find(request->service->tickets, request->sid, request->spn,
                                                      apr_time_sec(apr_time_now()), 0);
    const char *token = NULL;
    request_rec *r = NULL;

    if (ticket == NULL)
        return eca_error_set(&answer->why, "the user's ticket is gone");
    answer->proof = eca_negotiate_new_proof(pool);
    token = eca_negotiate_make_token(pool, ticket, answer->proof, &answer->why);
    eca_ticket_release(ticket);
    if (token == NULL)
        return false;
    r = make_request(pool, use->r, token);
    add_filters(r, answer);
    (void)eca_proxy_run_others(r, worker, use->conf, apr_pstrmemdup(pool, use->url, strcspn(use->url, "?")));
    answer->port = apr_table_get(r->notes, "proxy-source-port");
    return answer->came || eca_error_set(&answer->why, "it did not answer OPTIONS");
}

/* A server that has not looked at the ticket yet, or did not accept it, has shown nothing. */
static enum eca_backend_proof judge_one(const struct answer *answer, struct eca_error *err)
{
    *err = answer->why;
    if (!answer->came)
        return ECA_BACKEND_UNANSWERED;
    if (answer->proven)
        return ECA_BACKEND_PROVEN;
    if (answer->status != HTTP_UNAUTHORIZED && !eca_backend_reuse_is_early(answer->status))
        return ECA_BACKEND_DISPROVEN;
    err->text[0] = '\0';
    eca_error_set(err, "it answered %d to OPTIONS", answer->status);
    return ECA_BACKEND_UNANSWERED;
}

static enum eca_backend_proof judge(const struct answer *first, const struct answer *second, struct eca_error *err)
{
    enum eca_backend_proof proof = judge_one(first, err);

    if (proof == ECA_BACKEND_PROVEN)
        proof = judge_one(second, err);
    if (proof != ECA_BACKEND_PROVEN)
        return proof;
    if (first->port != NULL && second->port != NULL && strcmp(first->port, second->port) == 0)
        return ECA_BACKEND_PROVEN;
    err->text[0] = '\0';
    eca_error_set(err, "it closes its connections after one answer");
    return ECA_BACKEND_UNANSWERED;
}

enum eca_backend_proof eca_backend_probe(struct eca_request *request, struct eca_error *err)
{
    struct answer first = { .came = false };
    struct answer second = { .came = false };
    const apr_time_t deadline = apr_time_now() + PATIENCE;
    enum eca_backend_proof proof = ECA_BACKEND_UNANSWERED;
    proxy_worker *worker = NULL;
    apr_pool_t *pool = NULL;

    deadline_here = &deadline;
    apr_pool_create(&pool, request->use->r->pool);
    apr_pool_tag(pool, "eas_certauth_probe");
    worker = make_worker(pool, request->use);
    if (worker == NULL)
        eca_error_set(&first.why, "out of memory");
    else if (ask(&first, pool, request, worker) && first.proven)
        (void)ask(&second, pool, request, worker);
    proof = judge(&first, &second, err);
    apr_pool_destroy(pool);
    deadline_here = NULL;
    return proof;
}
