/* SPDX-License-Identifier: Apache-2.0 */
/* What our sections can require beside httpd's own providers. */
#include "require.h"

#include "request_context.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_request.h>
#include <mod_auth.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

APLOG_USE_MODULE(eas_certauth);

#define NAME_MAX_BYTES 255

/* The words of a line; a value in quotes is one word. */
static const char *split(cmd_parms *cmd, const char *line, const apr_array_header_t **words)
{
    apr_array_header_t *list = apr_array_make(cmd->pool, 4, sizeof(const char *));

    while (*line != '\0') {
        const char *word = ap_getword_conf(cmd->pool, &line);

        if (*word != '\0')
            APR_ARRAY_PUSH(list, const char *) = word;
    }
    *words = list;
    return list->nelts > 0 ? NULL : "ECA1045: nothing stands behind Require eas-group, eas-mapping or eas-method";
}

static const char *check_words(cmd_parms *cmd, const apr_array_header_t *words, const char *const *known)
{
    for (int i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        size_t at = 0;

        while (known[at] != NULL && ap_cstr_casecmp(word, known[at]) != 0)
            at++;
        if (known[at] == NULL)
            return apr_psprintf(cmd->pool, "ECA1046: Require: \"%s\" is none of %s%s%s%s%s", word, known[0], ", ",
                                known[1], known[2] != NULL ? ", " : "", known[2] != NULL ? known[2] : "");
    }
    return NULL;
}

static const char *parse_mapping(cmd_parms *cmd, const char *line, const void **parsed)
{
    static const char *const known[] = { "strong", "weak", NULL };
    const char *problem = split(cmd, line, (const apr_array_header_t **)parsed);

    return problem != NULL ? problem : check_words(cmd, *parsed, known);
}

static const char *parse_method(cmd_parms *cmd, const char *line, const void **parsed)
{
    static const char *const known[] = { "certificate", "basic", "certificate+basic", NULL };
    const char *problem = split(cmd, line, (const apr_array_header_t **)parsed);

    return problem != NULL ? problem : check_words(cmd, *parsed, known);
}

static const char *parse_group(cmd_parms *cmd, const char *line, const void **parsed)
{
    const char *problem = split(cmd, line, (const apr_array_header_t **)parsed);
    const apr_array_header_t *words = *parsed;

    if (problem != NULL)
        return problem;
    if (words->nelts > ECA_DIRECTORY_GROUPS_MAX)
        return apr_psprintf(cmd->pool, "ECA1047: Require eas-group takes at most %d groups; write a second line",
                            ECA_DIRECTORY_GROUPS_MAX);
    for (int i = 0; i < words->nelts; i++) {
        const char *name = APR_ARRAY_IDX(words, i, const char *);
        char sid[ECA_SID_TEXT_MAX];

        if (strlen(name) > NAME_MAX_BYTES)
            return apr_psprintf(cmd->pool, "ECA1048: Require eas-group: \"%.40s...\" has more than %d bytes", name,
                                NAME_MAX_BYTES);
        if (ap_cstr_casecmpn(name, "S-1-", 4) == 0 && !eca_sid_parse_text(sid, eca_slice_from_text(name)))
            return apr_psprintf(cmd->pool, "ECA1049: Require eas-group: \"%s\" is no SID", name);
    }
    return NULL;
}

/* Of a user that this module authenticated for this very request; NULL otherwise. */
static struct eca_request *ours(const request_rec *r)
{
    struct eca_request *request = eca_request_find(r);

    return request != NULL && !request->ended ? request : NULL;
}

/* The sentence of a refusal; when another line lets the request in, it is forgotten. */
static authz_status deny(struct eca_request *request, const char *line, const char *why)
{
    eca_error_set(eca_request_detail(request), "Require %.200s: %s", line, why);
    return AUTHZ_DENIED;
}

static bool lists(const apr_array_header_t *words, const char *word)
{
    for (int i = 0; word != NULL && i < words->nelts; i++) {
        if (ap_cstr_casecmp(APR_ARRAY_IDX(words, i, const char *), word) == 0)
            return true;
    }
    return false;
}

static authz_status check_mapping(request_rec *r, const char *line, const void *parsed)
{
    struct eca_request *request = r->user == NULL ? NULL : ours(r);

    if (r->user == NULL)
        return AUTHZ_DENIED_NO_USER;
    if (request == NULL)
        return AUTHZ_DENIED;
    if (!request->mapped)
        return deny(request, apr_pstrcat(r->pool, "eas-mapping ", line, NULL), "no certificate was mapped");
    if (lists(parsed, eca_mapping_describe(request->kind)->strong ? "strong" : "weak"))
        return AUTHZ_GRANTED;
    return deny(request, apr_pstrcat(r->pool, "eas-mapping ", line, NULL), eca_mapping_describe(request->kind)->name);
}

static authz_status check_method(request_rec *r, const char *line, const void *parsed)
{
    struct eca_request *request = r->user == NULL ? NULL : ours(r);
    const char *method = request == NULL ? NULL : eca_request_method(request);

    if (r->user == NULL)
        return AUTHZ_DENIED_NO_USER;
    if (request == NULL)
        return AUTHZ_DENIED;
    return lists(parsed, method) ? AUTHZ_GRANTED
                                 : deny(request, apr_pstrcat(r->pool, "eas-method ", line, NULL), method);
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Everything is the configuration's, or a copy: the waiter may be gone before the directory answers. */
struct group_job {
    struct eca_job job;
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    struct eca_directory *directory;
    struct eca_account account;
    const char *groups[ECA_DIRECTORY_GROUPS_MAX];
    size_t group_count;
    apr_time_t deadline;
    enum eca_directory_answer answer;
    bool member;
    struct eca_error err;
};

static void run_group(struct eca_job *base)
{
    struct group_job *job = (struct group_job *)base;

    job->answer = job->directory->operations->is_member(job->directory, &job->account, job->groups, job->group_count,
                                                        job->deadline, &job->member, &job->err);
    base->succeeded = job->answer != ECA_DIRECTORY_UNAVAILABLE;
}

static void destroy_group(struct eca_job *base)
{
    free(base);
}

/* Membership is kept in the cache of accounts: USABLE is a member, NOT_FOUND is none. */
static bool make_key(uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES], const struct eca_request *request,
                     const apr_array_header_t *groups)
{
    static const char purpose[] = "eas-group";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool made = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    if (made) {
        EVP_DigestUpdate(context, purpose, sizeof purpose);
        EVP_DigestUpdate(context, request->service->directory_digest, sizeof request->service->directory_digest);
        EVP_DigestUpdate(context, request->sid, strlen(request->sid) + 1);
        for (int i = 0; i < groups->nelts; i++) {
            const char *name = APR_ARRAY_IDX(groups, i, const char *);

            EVP_DigestUpdate(context, name, strlen(name) + 1);
        }
        made = EVP_DigestFinal_ex(context, key, NULL) == 1;
    }
    EVP_MD_CTX_free(context);
    return made;
}

static struct group_job *new_group_job(const struct eca_request *request, const uint8_t *key,
                                       const apr_array_header_t *groups)
{
    struct group_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    memcpy(job->key, key, sizeof job->key);
    job->job = (struct eca_job){
        .run = run_group, .destroy = destroy_group, .key = job->key, .key_length = sizeof job->key
    };
    job->directory = request->service->directory;
    job->account = request->work->account;
    job->group_count = (size_t)groups->nelts;
    for (size_t i = 0; i < job->group_count; i++)
        job->groups[i] = APR_ARRAY_IDX(groups, (int)i, const char *);
    job->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    return job;
}

/* False when the directory gave no answer; the sentence is in `err`, also that a group does not exist. */
static bool ask_for_groups(const struct eca_request *request, const uint8_t *key, const apr_array_header_t *groups,
                           bool *member, struct eca_error *err)
{
    struct group_job *question = new_group_job(request, key, groups);
    struct eca_job *job = NULL;
    bool answered = false;

    if (question == NULL)
        return eca_error_set(err, "out of memory");
    job = &question->job;
    if (!eca_service_await(request->service->directory_jobs, &job, question->deadline, "the directory", err))
        return false;
    question = (struct group_job *)job;
    answered = question->answer == ECA_DIRECTORY_ANSWERED;
    *member = question->member;
    if (question->err.text[0] != '\0')
        eca_error_set(err, "%s", question->err.text);
    eca_job_release(request->service->directory_jobs, job);
    return answered;
}

/* GRANTED, DENIED, or GENERAL_ERROR when nobody knows: then neither `eas-group` nor `not eas-group` lets anybody in. */
static authz_status decide_group(struct eca_request *request, const apr_array_header_t *groups, struct eca_error *err)
{
    struct eca_finding *kept = apr_palloc(eca_request_open_work(request)->pool, sizeof *kept);
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    enum eca_cache_age age;
    bool member = false;

    if (!make_key(key, request, groups)) {
        eca_error_set(err, "libcrypto has no SHA-256");
        return AUTHZ_GENERAL_ERROR;
    }
    age = eca_account_cache_find(kept, request->r, key, ECA_REMOTE_USER_UPN);
    if (age == ECA_CACHE_FRESH)
        return kept->fact == ECA_ACCOUNT_USABLE ? AUTHZ_GRANTED : AUTHZ_DENIED;
    if (!ask_for_groups(request, key, groups, &member, err))
        return age == ECA_CACHE_STALE ? AUTHZ_GRANTED : AUTHZ_GENERAL_ERROR;
    memset(kept, 0, sizeof *kept);
    kept->fact = member ? ECA_ACCOUNT_USABLE : ECA_ACCOUNT_NOT_FOUND;
    eca_account_cache_store(request->r, key, ECA_REMOTE_USER_UPN, kept);
    return member ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static authz_status check_group(request_rec *r, const char *line, const void *parsed)
{
    struct eca_request *request = r->user == NULL ? NULL : ours(r);
    struct eca_error err = { .text = "" };
    authz_status status;

    if (r->user == NULL)
        return AUTHZ_DENIED_NO_USER;
    if (request == NULL)
        return AUTHZ_DENIED;
    status = decide_group(request, parsed, &err);
    if (status == AUTHZ_GENERAL_ERROR) {
        request->authorization_unavailable = true;
        eca_error_set(eca_request_detail(request), "Require eas-group %.100s: %s", line, err.text);
    } else if (status == AUTHZ_DENIED) {
        deny(request, apr_pstrcat(r->pool, "eas-group ", line, NULL),
             err.text[0] != '\0' ? err.text : "the account is in none of them");
    }
    return status;
}

void eca_require_register(apr_pool_t *pool)
{
    static const authz_provider group = { check_group, parse_group };
    static const authz_provider mapping = { check_mapping, parse_mapping };
    static const authz_provider method = { check_method, parse_method };

    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "eas-group", AUTHZ_PROVIDER_VERSION, &group,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "eas-mapping", AUTHZ_PROVIDER_VERSION, &mapping,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, "eas-method", AUTHZ_PROVIDER_VERSION, &method,
                              AP_AUTH_INTERNAL_PER_CONF);
}
