/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping stage around a directory look-up on a helper thread. */
#include "find_account.h"

#include <stdlib.h>
#include <string.h>

/* One search for all requests that wait with the same certificate under the same mapping. */
struct find_job {
    struct eca_job job;
    uint8_t key[sizeof((struct eca_certificate *)0)->sha256 + sizeof(struct eca_mapping_policy)];
    struct eca_directory *directory;
    apr_time_t deadline;
    struct eca_mapping_keys keys;
    enum eca_directory_answer answer;
    struct eca_candidates candidates;
    struct eca_error err;
};

static void run_find(struct eca_job *job)
{
    struct find_job *find = (struct find_job *)job;

    find->answer = find->directory->operations->find_by_keys(find->directory, &find->keys, find->deadline,
                                                             &find->candidates, &find->err);
    job->succeeded = find->answer != ECA_DIRECTORY_UNAVAILABLE;
}

static void destroy_find(struct eca_job *job)
{
    free(job);
}

/*
 * With `sid-uri=FILE` the URI counts only in certificates of the issuers in FILE; for others the kind is as if it
 * were not configured.
 */
static struct eca_mapping_policy effective_policy(struct eca_request *request)
{
    static const struct eca_purposes any = { .any = true };
    const struct eca_mapping_setting *setting = request->policy->mapping;
    struct eca_mapping_policy policy = { .count = 0 };
    struct eca_error ignored = { .text = "" };

    if (setting->sid_uri_issuers == NULL
        || eca_path_judge(setting->sid_uri_issuers, request->work->certificate.x509, request->work->chain, &any,
                          apr_time_sec(request->r->request_time), &ignored)
               == ECA_CERTIFICATE_GOOD)
        return setting->policy;
    for (size_t i = 0; i < setting->policy.count; i++) {
        if (setting->policy.kinds[i] != ECA_MAPPING_SID_URI)
            eca_mapping_policy_add(&policy, setting->policy.kinds[i]);
    }
    return policy;
}

static struct find_job *new_find_job(struct eca_request *request)
{
    struct find_job *find = calloc(1, sizeof *find);
    struct eca_mapping_policy policy;

    if (find == NULL) {
        request->facts.account = ECA_ACCOUNT_DIRECTORY_FAILED;
        eca_error_set(&request->work->detail, "out of memory");
        return NULL;
    }
    policy = effective_policy(request);
    if (!eca_mapping_keys_build(&find->keys, &request->work->certificate, &policy, &request->work->detail)) {
        request->facts.certificate = ECA_CERTIFICATE_MALFORMED;
        free(find);
        return NULL;
    }
    memcpy(find->key, request->work->certificate.sha256, sizeof request->work->certificate.sha256);
    memcpy(find->key + sizeof request->work->certificate.sha256, &policy, sizeof policy);
    find->job = (struct eca_job){
        .run = run_find, .destroy = destroy_find, .key = find->key, .key_length = sizeof find->key
    };
    find->directory = request->service->directory;
    find->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    return find;
}

enum eca_account_fact eca_judge_account(struct eca_request *request, const struct eca_account *account)
{
    const struct eca_policy *policy = request->policy;
    char memory[ECA_REMOTE_USER_MAX];
    struct eca_strbuf name;

    switch (eca_account_judge_state(account, apr_time_sec(apr_time_now()))) {
    case ECA_ACCOUNT_STATE_DISABLED:
        return ECA_ACCOUNT_DISABLED;
    case ECA_ACCOUNT_STATE_EXPIRED:
        return ECA_ACCOUNT_EXPIRED;
    case ECA_ACCOUNT_STATE_LOCKED:
        return ECA_ACCOUNT_LOCKED;
    case ECA_ACCOUNT_STATE_ACTIVE:
        break;
    }
    if (policy->delegation == ECA_DELEGATION_KERBEROS && account->domain[0] == '\0') {
        eca_error_set(&request->work->detail, "its DN has no domain components");
        return ECA_ACCOUNT_INCOMPLETE;
    }
    eca_strbuf_init(&name, memory, sizeof memory);
    if (!eca_account_remote_user(&name, account, policy->remote_user, &request->work->detail))
        return ECA_ACCOUNT_INCOMPLETE;
    return ECA_ACCOUNT_USABLE;
}

static void judge_candidates(struct eca_request *request, const struct find_job *find)
{
    const struct eca_mapping_outcome outcome = eca_mapping_decide(&find->keys, &find->candidates,
                                                                  request->policy->backdating, &request->work->detail);

    request->facts.account = outcome.fact;
    request->mapped = outcome.fact == ECA_ACCOUNT_USABLE || outcome.fact == ECA_ACCOUNT_WEAK
                      || outcome.fact == ECA_ACCOUNT_PREDATED;
    request->kind = outcome.kind;
    if (outcome.fact != ECA_ACCOUNT_USABLE)
        return;
    request->work->account = find->candidates.items[outcome.chosen].account;
    request->facts.account = eca_judge_account(request, &request->work->account);
}

void eca_find_account(struct eca_request *request)
{
    struct find_job *find = NULL;
    struct eca_job *job = NULL;

    request->facts.account = ECA_ACCOUNT_NOT_ASKED;
    if (request->facts.certificate != ECA_CERTIFICATE_GOOD)
        return;
    find = new_find_job(request);
    if (find == NULL)
        return;
    if (find->keys.count == 0) {
        request->facts.account = ECA_ACCOUNT_NOT_FOUND;
        eca_error_set(&request->work->detail, "it holds nothing that EASMapping looks for");
        free(find);
        return;
    }
    job = &find->job;
    request->facts.account = ECA_ACCOUNT_DIRECTORY_UNAVAILABLE;
    if (!eca_service_await(request->service->directory_jobs, &job, find->deadline, "the directory",
                           &request->work->detail))
        return;
    find = (struct find_job *)job;
    /* It is unavailable, too, when it refuses our bind: nothing is wrong with the device, and the detail says what is.
     */
    if (find->answer == ECA_DIRECTORY_ANSWERED)
        judge_candidates(request, find);
    else
        eca_error_set(&request->work->detail, "%s", find->err.text);
    eca_job_release(request->service->directory_jobs, job);
}
