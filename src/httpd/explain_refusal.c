/* SPDX-License-Identifier: Apache-2.0 */
/* One look-up for all requests that wait for the same user's refusal to be explained. */
#include "explain_refusal.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define PROTECTED_USERS "-525" /* the end of the group's SID, below its domain's (MS-DTYP 2.4.2.4) */

/* "name@REALM" in two; the realm "" when there is none. */
struct name {
    char name[ECA_SPN_MAX];
    const char *realm;
};

struct explain_job {
    struct eca_job job;
    char key[ECA_SID_TEXT_MAX + ECA_SPN_MAX + 16];
    struct eca_directory *directory;
    apr_time_t deadline;
    char user_sid[ECA_SID_TEXT_MAX];
    char user_domain[ECA_ACCOUNT_DOMAIN_MAX];
    struct name delegate, backend;
    enum eca_directory_answer answer;
    struct eca_refusal_facts facts;
};

static void split(struct name *out, const char *text)
{
    char *at = NULL;

    apr_cpystrn(out->name, text, sizeof out->name);
    at = strrchr(out->name, '@');
    out->realm = at == NULL ? "" : at + 1;
    if (at != NULL)
        *at = '\0';
}

/* The group of the account's own domain. */
static enum eca_directory_answer find_protection(const struct explain_job *job, struct eca_principal *principal)
{
    char group[ECA_SID_TEXT_MAX + sizeof PROTECTED_USERS];
    const char *const groups[] = { group };
    struct eca_error ignored = { .text = "" };
    char *relative = NULL;

    apr_cpystrn(group, principal->account.sid, sizeof group);
    relative = strrchr(group, '-');
    if (relative == NULL)
        return ECA_DIRECTORY_ANSWERED;
    memcpy(relative, PROTECTED_USERS, sizeof PROTECTED_USERS);
    return job->directory->operations->is_member(job->directory, &principal->account, groups, 1, job->deadline,
                                                 &principal->is_protected, &ignored);
}

static enum eca_directory_answer find(const struct explain_job *job, const struct eca_principal_query *query,
                                      struct eca_principal *out)
{
    struct eca_error ignored = { .text = "" };
    const enum eca_directory_answer answer = job->directory->operations->find_principal(job->directory, query,
                                                                                        job->deadline, out, &ignored);

    return answer == ECA_DIRECTORY_ANSWERED && query->by != ECA_PRINCIPAL_BY_SPN && out->state == ECA_PRINCIPAL_FOUND
               ? find_protection(job, out)
               : answer;
}

static void run_explain(struct eca_job *base)
{
    struct explain_job *job = (struct explain_job *)base;
    const char *const target = job->backend.name;
    const struct eca_principal_query user = { ECA_PRINCIPAL_BY_SID, job->user_sid, job->user_domain, target };
    const struct eca_principal_query delegate = { ECA_PRINCIPAL_BY_NAME, job->delegate.name, job->delegate.realm,
                                                  target };
    const struct eca_principal_query backend = { ECA_PRINCIPAL_BY_SPN, target, job->backend.realm, target };

    job->facts.spn = target;
    job->facts.now = apr_time_sec(apr_time_now());
    job->answer = find(job, &user, &job->facts.user);
    if (job->answer == ECA_DIRECTORY_ANSWERED)
        job->answer = find(job, &delegate, &job->facts.delegate);
    if (job->answer == ECA_DIRECTORY_ANSWERED)
        job->answer = find(job, &backend, &job->facts.backend);
    base->succeeded = job->answer != ECA_DIRECTORY_UNAVAILABLE;
}

static void destroy_explain(struct eca_job *job)
{
    free(job);
}

static struct explain_job *new_explain_job(const struct eca_request *request, const char *delegate)
{
    const struct eca_account *account = &request->work->account;
    struct explain_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->directory = request->service->directory;
    job->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    apr_cpystrn(job->user_sid, account->sid, sizeof job->user_sid);
    apr_cpystrn(job->user_domain, account->domain, sizeof job->user_domain);
    split(&job->delegate, delegate);
    split(&job->backend, request->spn);
    job->job = (struct eca_job){
        .run = run_explain,
        .destroy = destroy_explain,
        .key = job->key,
        .key_length = (size_t)apr_snprintf(job->key, sizeof job->key, "refusal %s %s", account->sid, request->spn),
    };
    return job;
}

void eca_explain_refusal(const struct eca_request *request, const struct eca_exchange *exchange,
                         enum eca_reason *reason, struct eca_error *why)
{
    const struct eca_directory *directory = request->service->directory;
    struct eca_error ignored = { .text = "" };
    struct eca_error cause = { .text = "" };
    struct explain_job *explain = NULL;
    struct eca_job *job = NULL;

    if (!eca_refusal_cause_is_hidden(&exchange->refusal) || directory == NULL
        || directory->operations->find_principal == NULL)
        return;
    explain = new_explain_job(request, exchange->delegate);
    if (explain == NULL)
        return;
    job = &explain->job;
    if (!eca_service_await(request->service->directory_jobs, &job, explain->deadline, "the directory", &ignored))
        return;
    explain = (struct explain_job *)job;
    if (explain->answer == ECA_DIRECTORY_ANSWERED
        && eca_refusal_cause_find(&exchange->refusal, &explain->facts, reason, &cause))
        *why = cause;
    eca_job_release(request->service->directory_jobs, job);
}
