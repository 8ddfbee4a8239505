/* SPDX-License-Identifier: Apache-2.0 */
/* The ticket stage. */
#include "get_ticket.h"

#include "exchange.h"
#include "hot.h"
#include "s4u.h"

#include <stdlib.h>
#include <string.h>

#define TICKET_MARGIN_SECONDS 30

/* One exchange for all requests of a child that wait for the same user's ticket to the same service. */
struct ticket_job {
    struct eca_job job;
    struct eca_service *service;
    struct eca_account account;
    char spn[ECA_SPN_MAX];
    char key[ECA_SID_TEXT_MAX + ECA_SPN_MAX];
    int64_t ends_after; /* what is wanted: a ticket that ends later than that */
    enum eca_kerberos_answer answer;
    struct eca_krb5_refusal refusal;
    struct eca_ticket *ticket;
    struct eca_error err;
};

/*
 * The ticket that another child got, now in this one's cache, which has the last word on it: one reference, or NULL
 * when there is none that ends after `ends_after`.
 */
static struct eca_ticket *take_shared(const struct eca_service *service, const char *sid, const char *spn,
                                      int64_t ends_after)
{
    struct eca_ticket *ticket = eca_ticket_share_find(service, sid, spn);
    const bool is_wanted = ticket != NULL && eca_ticket_end(ticket) > ends_after;

    if (is_wanted)
        eca_ticket_cache_store(service->tickets, sid, spn, ticket);
    eca_ticket_release(ticket);
    return is_wanted ? eca_ticket_cache_find(service->tickets, sid, spn, ends_after, 0) : NULL;
}

/* The same for what an earlier job of this child got. */
static struct eca_ticket *take_own(const struct eca_service *service, const char *sid, const char *spn,
                                   int64_t ends_after)
{
    struct eca_ticket *ticket = eca_ticket_cache_find(service->tickets, sid, spn, apr_time_sec(apr_time_now()),
                                                      TICKET_MARGIN_SECONDS);

    if (ticket == NULL || eca_ticket_end(ticket) > ends_after)
        return ticket;
    eca_ticket_release(ticket);
    return NULL;
}

/* Somebody may have got it since whoever waits looked for it; that says nothing of the KDC. */
static void run_ticket(struct eca_job *base)
{
    struct ticket_job *job = (struct ticket_job *)base;
    const char *sid = job->account.sid;

    base->succeeded = false;
    job->ticket = take_own(job->service, sid, job->spn, job->ends_after);
    if (job->ticket == NULL)
        job->ticket = take_shared(job->service, sid, job->spn, job->ends_after);
    if (job->ticket != NULL) {
        job->answer = ECA_KERBEROS_DONE;
        return;
    }
    job->answer = eca_s4u_get_ticket(job->service->credential, &job->account, job->spn, &job->ticket, &job->refusal,
                                     &job->err);
    if (job->answer == ECA_KERBEROS_DONE) {
        eca_ticket_cache_store(job->service->tickets, sid, job->spn, job->ticket);
        eca_ticket_share_store(job->service, sid, job->spn, job->ticket);
    }
    base->succeeded = job->answer != ECA_KERBEROS_UNAVAILABLE;
}

static void destroy_ticket(struct eca_job *base)
{
    struct ticket_job *job = (struct ticket_job *)base;

    if (job->ticket != NULL)
        eca_ticket_release(job->ticket);
    free(job);
}

static struct ticket_job *new_ticket_job(struct eca_request *request, int64_t ends_after)
{
    const struct eca_account *account = &eca_request_open_work(request)->account;
    struct ticket_job *job = calloc(1, sizeof *job);
    const size_t sid_length = strlen(account->sid) + 1;

    if (job == NULL)
        return NULL;
    job->service = request->service;
    job->ends_after = ends_after;
    job->account = *account;
    memcpy(job->spn, request->spn, strlen(request->spn) + 1);
    memcpy(job->key, job->account.sid, sid_length);
    memcpy(job->key + sid_length, job->spn, strlen(job->spn));
    job->job = (struct eca_job){
        .run = run_ticket, .destroy = destroy_ticket, .key = job->key, .key_length = sid_length + strlen(job->spn)
    };
    return job;
}

/* Asks the KDC on a helper. */
static enum eca_kerberos_answer ask(struct eca_request *request, struct eca_exchange *exchange, struct eca_error *why)
{
    const apr_time_t now = apr_time_now();
    const apr_time_t deadline = now + apr_time_from_msec(request->config->kerberos_timeout);
    struct ticket_job *ticket = new_ticket_job(request, apr_time_sec(now) + TICKET_MARGIN_SECONDS);
    enum eca_kerberos_answer answer = ECA_KERBEROS_UNAVAILABLE;
    struct eca_ticket **out = exchange->out;
    struct eca_job *job = NULL;

    if (ticket == NULL) {
        eca_error_set(why, "out of memory");
        return ECA_KERBEROS_FAILED;
    }
    job = &ticket->job;
    if (!eca_service_await(request->service->kerberos_jobs, &job, deadline, "the KDC", why))
        return answer;
    ticket = (struct ticket_job *)job;
    answer = ticket->answer;
    if (answer == ECA_KERBEROS_DONE)
        *out = eca_ticket_hold(ticket->ticket);
    else
        eca_error_set(why, "%s", ticket->err.text);
    exchange->refusal = ticket->refusal;
    eca_job_release(request->service->kerberos_jobs, job);
    return answer;
}

static void renew_behind(struct eca_request *request, const struct eca_ticket *current)
{
    struct ticket_job *ticket = new_ticket_job(request, eca_ticket_end(current));

    if (ticket != NULL)
        (void)eca_job_pool_start(request->service->kerberos_jobs, &ticket->job);
}

ECA_HOT enum eca_reason eca_get_ticket(struct eca_request *request, struct eca_ticket **out)
{
    const struct eca_service *service = request->service;
    const int64_t now = apr_time_sec(apr_time_now());
    struct eca_exchange exchange = { .ask = ask, .out = out };

    eca_service_renew_ahead(service);
    *out = eca_ticket_cache_find(service->tickets, request->sid, request->spn, now, TICKET_MARGIN_SECONDS);
    if (*out != NULL && eca_ticket_claim_renewal(*out, now))
        renew_behind(request, *out);
    if (*out == NULL)
        *out = take_shared(service, request->sid, request->spn, now + TICKET_MARGIN_SECONDS);
    if (*out != NULL)
        return ECA_REASON_GRANTED;
    exchange.delegate = eca_service_credential_principal(service->credential);
    return eca_exchange_run(request, &exchange);
}

void eca_get_ticket_note(struct eca_request *request, const struct eca_ticket *ticket)
{
    request->ticket_number = eca_ticket_number(ticket);
    request->ticket_issued = eca_ticket_issued(ticket);
}

void eca_get_ticket_refused(const struct eca_request *request)
{
    if (request->spn == NULL)
        return;
    eca_ticket_cache_drop(request->service->tickets, request->sid, request->spn, request->ticket_number,
                          apr_time_sec(apr_time_now()));
    eca_ticket_share_remove(request->service, request->sid, request->spn);
}

void eca_get_ticket_accepted(const struct eca_request *request)
{
    if (request->spn != NULL)
        eca_ticket_cache_confirm(request->service->tickets, request->spn, request->ticket_issued);
}
