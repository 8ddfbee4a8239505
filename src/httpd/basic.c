/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The password stage: find the account a name means, on a helper thread; then either bind as it, there, or ask httpd's
 * providers, which want the request and its own thread.
 */
#include "basic.h"

#include "find_account.h"
#include "utf8.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

/* What came of it. */
struct password_finding {
    enum eca_password_fact fact; /* ABSENT: the account was looked for, and httpd's providers have the word */
    bool found;
    struct eca_account account;
    struct eca_error err;
};

struct password_job {
    struct eca_job job;
    struct eca_directory *directory;
    apr_time_t deadline;
    char name[1025];
    char password[1025]; /* "" where others than the directory check it */
    bool finds_only;     /* the password is none of its business */
    bool certificate;    /* was shown, and belongs to `certified` */
    struct eca_account certified;
    struct password_finding finding;
};

/* A helper may still be at work when the waiter has gone: everything it needs is in the job. */
static enum eca_password_fact verify(struct password_job *job, struct password_finding *out)
{
    const struct eca_directory_operations *operations = job->directory->operations;
    enum eca_password_answer password = ECA_PASSWORD_ANSWER_REJECTED;
    struct eca_login_name login;
    enum eca_directory_answer answer = ECA_DIRECTORY_ANSWERED;

    if (!eca_login_name_parse(&login, eca_slice_from_text(job->name)))
        eca_error_set(&out->err, "the user name is not one");
    else
        answer = operations->find_by_login(job->directory, &login, job->deadline, &out->account, &out->found,
                                           &out->err);
    if (answer == ECA_DIRECTORY_ANSWERED && out->found && job->certificate
        && !eca_account_is_same(&job->certified, &out->account))
        return ECA_PASSWORD_OTHER_ACCOUNT;
    if (answer == ECA_DIRECTORY_ANSWERED && job->finds_only)
        return ECA_PASSWORD_ABSENT;
    if (answer == ECA_DIRECTORY_ANSWERED)
        answer = operations->verify_password(job->directory, out->found ? &out->account : NULL, job->password,
                                             job->deadline, &password, &out->err);
    if (answer != ECA_DIRECTORY_ANSWERED)
        return ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
    return password == ECA_PASSWORD_ANSWER_ACCEPTED ? ECA_PASSWORD_ACCEPTED : ECA_PASSWORD_REJECTED;
}

static void run_password(struct eca_job *base)
{
    struct password_job *job = (struct password_job *)base;

    job->finding.fact = verify(job, &job->finding);
    base->succeeded = job->finding.fact != ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
}

static void destroy_password(struct eca_job *base)
{
    struct password_job *job = (struct password_job *)base;

    explicit_bzero(job->password, sizeof job->password);
    free(job);
}

static struct password_job *new_password_job(const struct eca_request *request)
{
    const struct eca_request_work *work = request->work;
    struct password_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return NULL;
    job->job = (struct eca_job){ .run = run_password, .destroy = destroy_password };
    job->directory = request->service->directory;
    job->deadline = apr_time_now() + apr_time_from_msec(request->config->directory_timeout);
    memcpy(job->name, work->login_name, strlen(work->login_name) + 1);
    job->finds_only = request->policy->basic_providers != NULL;
    if (!job->finds_only)
        memcpy(job->password, work->password, strlen(work->password) + 1);
    job->certificate = request->facts.account == ECA_ACCOUNT_USABLE;
    job->certified = work->account;
    return job;
}

/*
 * As mod_auth_basic does it: the first that knows the name decides. They see the name as r->user, which some of them
 * read, and their own name in a note, by which an alias finds its configuration.
 */
static authn_status ask_providers(struct eca_request *request, const char **name)
{
    const apr_array_header_t *providers = request->policy->basic_providers;
    const struct eca_request_work *work = request->work;
    request_rec *r = request->r;
    authn_status status = AUTH_USER_NOT_FOUND;

    r->user = apr_pstrdup(r->pool, work->login_name);
    for (int i = 0; i < providers->nelts && status == AUTH_USER_NOT_FOUND; i++) {
        const struct eca_basic_provider *one = &APR_ARRAY_IDX(providers, i, struct eca_basic_provider);

        *name = one->name;
        apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE, one->name);
        status = one->provider->check_password(r, work->login_name, work->password);
        apr_table_unset(r->notes, AUTHN_PROVIDER_NAME_NOTE);
    }
    r->user = NULL;
    return status;
}

/* Who is in no directory is asked about all the same: by the time it takes, he cannot be told from others. */
static enum eca_password_fact verify_elsewhere(struct eca_request *request, struct password_finding *done)
{
    const char *name = "";

    switch (ask_providers(request, &name)) {
    case AUTH_GRANTED:
        if (done->found)
            return ECA_PASSWORD_ACCEPTED;
        eca_error_set(&done->err, "EASBasicProvider %s accepts the password, but the directory knows no such account",
                      name);
        return ECA_PASSWORD_REJECTED;
    case AUTH_DENIED:
        eca_error_set(&done->err, "EASBasicProvider %s: a wrong password", name);
        return ECA_PASSWORD_REJECTED;
    case AUTH_USER_NOT_FOUND:
        eca_error_set(&done->err, "EASBasicProvider: no provider knows the user");
        return ECA_PASSWORD_REJECTED;
    case AUTH_USER_FOUND:
    case AUTH_GENERAL_ERROR:
        break;
    }
    eca_error_set(&done->err, "EASBasicProvider %s cannot tell; a line of its module, just before this one, says why",
                  name);
    return ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
}

/* The state of an account that came with the right password is said only to the log. */
static enum eca_password_fact judge_password_account(struct eca_request *request, const struct password_finding *done)
{
    if (done->fact != ECA_PASSWORD_ACCEPTED || request->facts.certificate != ECA_CERTIFICATE_ABSENT)
        return done->fact;
    request->work->account = done->account;
    switch (eca_judge_account(request, &done->account)) {
    case ECA_ACCOUNT_USABLE:
        return ECA_PASSWORD_ACCEPTED;
    case ECA_ACCOUNT_INCOMPLETE:
        return ECA_PASSWORD_INCOMPLETE;
    default:
        eca_error_set(&request->work->detail, "the account is disabled, expired or locked");
        return ECA_PASSWORD_REJECTED;
    }
}

static void ask_directory(struct eca_request *request)
{
    struct password_job *password = new_password_job(request);
    struct password_finding *finding = NULL;
    struct eca_job *job = NULL;

    if (password == NULL) {
        request->facts.password = ECA_PASSWORD_DIRECTORY_FAILED;
        return;
    }
    job = &password->job;
    request->facts.password = ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
    if (!eca_service_await(request->service->directory_jobs, &job, password->deadline, "the directory",
                           &request->work->detail))
        return;
    password = (struct password_job *)job;
    finding = apr_pmemdup(request->work->pool, &password->finding, sizeof *finding);
    eca_job_release(request->service->directory_jobs, job);
    if (finding->fact == ECA_PASSWORD_ABSENT)
        finding->fact = verify_elsewhere(request, finding);
    request->facts.password = judge_password_account(request, finding);
    if (finding->err.text[0] != '\0')
        eca_error_set(&request->work->detail, "%s", finding->err.text);
}

/* What nobody needs to be asked about, or NULL. */
static const char *find_flaw(const struct eca_request *request)
{
    const struct eca_request_work *work = request->work;

    if (work->password[0] == '\0') /* an LDAP bind with an empty password is anonymous, and succeeds */
        return "the password is empty";
    if (strlen(work->login_name) >= sizeof((struct password_job *)0)->name)
        return "the user name has more than 1,024 bytes";
    if (strlen(work->password) >= sizeof((struct password_job *)0)->password)
        return "the password has more than 1,024 bytes";
    /* To a domain controller it is a wrong one, and some of those lock the account. */
    if (request->policy->basic_providers == NULL && !eca_utf8_is_valid(eca_slice_from_text(work->password)))
        return "the password is not UTF-8: it has other letters than English, and the device sends them in an old "
               "character set";
    return NULL;
}

void eca_basic_check(struct eca_request *request)
{
    const char *flaw = NULL;

    request->facts.password = ECA_PASSWORD_ABSENT;
    if (!eca_access_wants_password(&request->facts) || request->work->login_name == NULL)
        return;
    request->work->detail.text[0] = '\0'; /* why no certificate came does not matter any more */
    flaw = find_flaw(request);
    if (flaw == NULL) {
        ask_directory(request);
        return;
    }
    request->facts.password = request->work->password[0] == '\0' ? ECA_PASSWORD_EMPTY : ECA_PASSWORD_REJECTED;
    eca_error_set(&request->work->detail, "%s", flaw);
}
