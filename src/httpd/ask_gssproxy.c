/* SPDX-License-Identifier: Apache-2.0 */
/* One job for one token. */
#include "ask_gssproxy.h"

#include "exchange.h"
#include "gssproxy.h"
#include "negotiate.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = ECA_NEGOTIATE;

struct token_job {
    struct eca_job job;
    char user[ECA_GSSPROXY_NAME_MAX];
    char spn[ECA_SPN_MAX];
    enum eca_kerberos_answer answer;
    struct eca_gssproxy_report report;
    struct eca_error err;
    struct eca_strbuf token;
    char memory[sizeof scheme + ECA_GSSPROXY_TOKEN_MAX];
};

static void run_token(struct eca_job *base)
{
    struct token_job *job = (struct token_job *)base;

    eca_strbuf_init(&job->token, job->memory, sizeof job->memory);
    eca_strbuf_text(&job->token, scheme);
    job->answer = eca_gssproxy_make_token(&job->token, job->user, job->spn, &job->report, &job->err);
    base->succeeded = job->answer != ECA_KERBEROS_UNAVAILABLE;
}

static void destroy_token(struct eca_job *base)
{
    struct token_job *job = (struct token_job *)base;

    explicit_bzero(job->memory, job->token.length);
    free(job);
}

/* A token is for one request: no key, so nobody joins. */
static struct token_job *new_token_job(const char *user, const char *spn)
{
    struct token_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    apr_cpystrn(job->user, user, sizeof job->user);
    apr_cpystrn(job->spn, spn, sizeof job->spn);
    job->job = (struct eca_job){ .run = run_token, .destroy = destroy_token };
    return job;
}

/* The job of request->principal when it was done in time, or NULL with `why`. */
static struct eca_job *make_token(const struct eca_request *request, struct eca_error *why)
{
    const apr_time_t deadline = apr_time_now() + apr_time_from_msec(request->config->kerberos_timeout);
    struct token_job *token = new_token_job(request->principal, request->spn);
    struct eca_job *job = token != NULL ? &token->job : NULL;

    if (job == NULL) {
        eca_error_set(why, "out of memory");
        return NULL;
    }
    return eca_service_await(request->service->kerberos_jobs, &job, deadline, "gssproxy", why) ? job : NULL;
}

static void take_token(struct eca_request *request, apr_pool_t *pool, const struct token_job *token)
{
    request->token = apr_pstrmemdup(pool, token->token.text, token->token.length);
    request->token_length = token->token.length;
}

/* The full principal outlives the account: mod_proxy's second attempt needs it again. */
static bool name_user(struct eca_request *request, struct eca_error *why)
{
    char memory[ECA_GSSPROXY_NAME_MAX];
    struct eca_strbuf name;

    eca_strbuf_init(&name, memory, sizeof memory);
    if (!eca_gssproxy_name_user(&name, &request->work->account, why))
        return false;
    request->principal = apr_pstrdup(request->r->pool, memory);
    return true;
}

static enum eca_kerberos_answer ask(struct eca_request *request, struct eca_exchange *exchange, struct eca_error *why)
{
    enum eca_kerberos_answer answer = ECA_KERBEROS_UNAVAILABLE;
    const struct token_job *token = NULL;
    struct eca_job *job = NULL;

    if (!name_user(request, why))
        return ECA_KERBEROS_MISCONFIGURED;
    job = make_token(request, why);
    if (job == NULL)
        return answer;
    token = (const struct token_job *)job;
    answer = token->answer;
    if (answer == ECA_KERBEROS_DONE)
        take_token(request, request->r->pool, token);
    else
        eca_error_set(why, "%s", token->err.text);
    exchange->refusal = token->report.refusal;
    exchange->delegate = apr_pstrdup(request->work->pool, token->report.self);
    eca_job_release(request->service->kerberos_jobs, job);
    return answer;
}

enum eca_reason eca_ask_gssproxy(struct eca_request *request)
{
    struct eca_exchange exchange = { .ask = ask };

    return eca_exchange_run(request, &exchange);
}

bool eca_ask_gssproxy_again(struct eca_request *request, request_rec *r)
{
    struct eca_error ignored = { .text = "" };
    struct eca_job *job = make_token(request, &ignored);
    const struct token_job *token = (const struct token_job *)job;
    bool made = false;

    if (job == NULL)
        return false;
    made = token->answer == ECA_KERBEROS_DONE;
    if (made)
        take_token(request, r->pool, token);
    eca_job_release(request->service->kerberos_jobs, job);
    return made;
}
