/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping stage: what the cache knows, else a directory look-up on a helper thread. */
#include "find_account.h"

#include "account_judge.h"
#include "check_nt_auth.h"
#include "last_decision.h"
#include "log.h"
#include "sid_uri.h"

#include <stdlib.h>
#include <string.h>

/* One search for all requests that wait with the same certificate under the same mapping. */
struct find_job {
    struct eca_job job;
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
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

/* All but the certificate and the directory that a finding depends on, as bytes: other settings are other bytes. */
struct settings {
    uint8_t kinds[ECA_MAPPING_KINDS]; /* from 1, in their order; 0 behind the last */
    uint8_t remote_user;
    uint8_t backdating[8];
};

_Static_assert(sizeof(struct settings) <= ECA_ACCOUNT_RECORD_KEY_BYTES, "the settings fit into the key");
_Static_assert(sizeof((struct eca_certificate *)0)->sha256 == ECA_ACCOUNT_RECORD_KEY_BYTES, "a digest is a key");
_Static_assert(sizeof((struct eca_service *)0)->directory_digest == ECA_ACCOUNT_RECORD_KEY_BYTES, "so is that");

/*
 * The certificate's digest, with the directory's and the settings laid over it. That is as good as a digest of the
 * three, and made at once: two keys are the same only where two digests differ in a way that was chosen before.
 */
static void make_cache_key(struct eca_request *request, const struct eca_mapping_policy *mapping)
{
    const uint8_t *certificate = request->work->certificate->sha256;
    const uint8_t *directory = request->service->directory_digest;
    const int64_t backdating = request->policy->backdating;
    struct settings settings = { .remote_user = (uint8_t)request->policy->remote_user };
    uint8_t over[ECA_ACCOUNT_RECORD_KEY_BYTES] = { 0 };

    for (size_t i = 0; i < mapping->count; i++)
        settings.kinds[i] = (uint8_t)(mapping->kinds[i] + 1);
    memcpy(settings.backdating, &backdating, sizeof settings.backdating);
    memcpy(over, &settings, sizeof settings);
    request->cache_key = apr_palloc(request->r->pool, ECA_ACCOUNT_RECORD_KEY_BYTES);
    for (size_t i = 0; i < ECA_ACCOUNT_RECORD_KEY_BYTES; i++)
        request->cache_key[i] = certificate[i] ^ directory[i] ^ over[i];
}

static struct find_job *new_find_job(struct eca_request *request, const struct eca_mapping_policy *policy)
{
    struct find_job *find = calloc(1, sizeof *find);

    if (find == NULL) {
        request->facts.account = ECA_ACCOUNT_DIRECTORY_FAILED;
        eca_error_set(&request->work->detail, "out of memory");
        return NULL;
    }
    if (!eca_mapping_keys_build(&find->keys, request->work->certificate, policy, &request->work->detail)) {
        request->facts.certificate = ECA_CERTIFICATE_MALFORMED;
        free(find);
        return NULL;
    }
    memcpy(find->key, request->cache_key, sizeof find->key);
    find->job = (struct eca_job){
        .run = run_find, .destroy = destroy_find, .key = find->key, .key_length = sizeof find->key
    };
    find->directory = request->service->directory;
    find->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    return find;
}

enum eca_account_fact eca_judge_account(struct eca_request *request, const struct eca_account *account)
{
    const struct eca_account_needs needs = { .remote_user = request->policy->remote_user,
                                             .kerberos = request->policy->delegation == ECA_DELEGATION_KERBEROS };

    return eca_account_judge(account, &needs, apr_time_sec(apr_time_now()), &request->work->detail);
}

/* A finding, new or kept: the account's state is judged now. */
static void use_finding(struct eca_request *request, const struct eca_finding *finding, const char *cache)
{
    request->cache = cache;
    request->facts.account = finding->fact;
    request->mapped = finding->fact == ECA_ACCOUNT_USABLE || finding->fact == ECA_ACCOUNT_WEAK
                      || finding->fact == ECA_ACCOUNT_PREDATED;
    request->kind = finding->kind;
    if (finding->detail.text[0] != '\0')
        eca_error_set(&request->work->detail, "%s", finding->detail.text);
    if (finding->fact != ECA_ACCOUNT_USABLE)
        return;
    eca_account_copy(&request->work->account, &finding->account);
    request->facts.account = eca_judge_account(request, &request->work->account);
}

static void judge_candidates(struct eca_request *request, const struct find_job *find, struct eca_finding *finding)
{
    struct eca_mapping_outcome outcome;

    memset(finding, 0, sizeof *finding);
    outcome = eca_mapping_decide(&find->keys, &find->candidates, request->policy->backdating, &finding->detail);
    finding->fact = outcome.fact;
    finding->kind = outcome.kind;
    if (outcome.fact == ECA_ACCOUNT_USABLE)
        finding->account = find->candidates.items[outcome.chosen].account;
}

/* The directory's answer as a finding; false, with the request's fact and sentence, when there is none. */
static bool ask_directory(struct eca_request *request, struct find_job *find, struct eca_finding *finding)
{
    struct eca_job *job = &find->job;
    bool answered = false;

    if (find->keys.count == 0) { /* nothing to ask for */
        judge_candidates(request, find, finding);
        free(find);
        return true;
    }
    request->facts.account = ECA_ACCOUNT_DIRECTORY_UNAVAILABLE;
    eca_service_renew_ahead(request->service);
    if (!eca_service_await(request->service->directory_jobs, &job, find->deadline, "the directory",
                           &request->work->detail))
        return false;
    find = (struct find_job *)job;
    /* It is unavailable, too, when it refuses our bind: nothing is wrong with the device, and the detail says what is.
     */
    answered = find->answer == ECA_DIRECTORY_ANSWERED;
    if (answered)
        judge_candidates(request, find, finding);
    else
        eca_error_set(&request->work->detail, "%s", find->err.text);
    eca_job_release(request->service->directory_jobs, job);
    return answered;
}

static void serve_stale(struct eca_request *request, const struct eca_finding *finding)
{
    eca_log_stale(request);
    request->work->detail.text[0] = '\0';
    use_finding(request, finding, "stale");
}

static void find_account(struct eca_request *request)
{
    const enum eca_remote_user form = request->policy->remote_user;
    const struct eca_mapping_setting *mapping = request->policy->mapping;
    const struct eca_mapping_policy policy = eca_sid_uri_policy(&mapping->policy, mapping->sid_uri_issuers,
                                                                request->work->certificate->x509, request->work->chain,
                                                                apr_time_sec(request->r->request_time));
    const bool local = request->service->directory->is_local;
    enum eca_cache_age age = ECA_CACHE_NONE;
    struct eca_finding finding;
    struct find_job *find = NULL;

    make_cache_key(request, &policy);
    if (!local)
        age = eca_account_cache_find(&finding, request->r, request->cache_key, form);
    if (age == ECA_CACHE_FRESH) {
        use_finding(request, &finding, "hit");
        return;
    }
    find = new_find_job(request, &policy);
    if (find == NULL)
        return;
    if (ask_directory(request, find, &finding)) {
        if (!local)
            eca_account_cache_store(request->r, request->cache_key, form, &finding);
        use_finding(request, &finding, "miss");
    } else if (age == ECA_CACHE_STALE) {
        serve_stale(request, &finding);
    }
}

void eca_find_account(struct eca_request *request)
{
    request->facts.account = ECA_ACCOUNT_NOT_ASKED;
    if (request->facts.certificate != ECA_CERTIFICATE_GOOD || !eca_check_nt_auth(request))
        return;
    find_account(request);
}

void eca_find_account_anew(struct eca_request *request)
{
    eca_account_cache_remove(request->r, request->cache_key);
    eca_last_decision_forget(request);
    eca_last_decision_read_certificate(request);
    request->work->detail.text[0] = '\0';
    request->described = false;
    eca_find_account(request);
}
