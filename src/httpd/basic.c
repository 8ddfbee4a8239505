/* SPDX-License-Identifier: Apache-2.0 */
/* The password stage: find the account a name means, then bind as it, on a helper thread. */
#include "basic.h"

#include "find_account.h"

#include <stdlib.h>
#include <string.h>

struct password_job {
    struct eca_job job;
    struct eca_directory *directory;
    apr_time_t deadline;
    char name[1025];
    char password[1025];
    bool certificate; /* was shown, and belongs to `certified` */
    struct eca_account certified;
    struct eca_account account;
    enum eca_password_fact fact;
    struct eca_error err;
};

/* A helper may still be at work when the waiter has gone: everything it needs is in the job. */
static enum eca_password_fact verify(struct password_job *job)
{
    const struct eca_directory_operations *operations = job->directory->operations;
    enum eca_password_answer password = ECA_PASSWORD_ANSWER_REJECTED;
    struct eca_login_name login;
    bool found = false;
    enum eca_directory_answer answer = ECA_DIRECTORY_ANSWERED;

    if (!eca_login_name_parse(&login, eca_slice_from_text(job->name)))
        eca_error_set(&job->err, "the user name is not one");
    else
        answer = operations->find_by_login(job->directory, &login, job->deadline, &job->account, &found, &job->err);
    if (answer == ECA_DIRECTORY_ANSWERED && found && job->certificate
        && !eca_account_is_same(&job->certified, &job->account))
        return ECA_PASSWORD_OTHER_ACCOUNT;
    if (answer == ECA_DIRECTORY_ANSWERED)
        answer = operations->verify_password(job->directory, found ? &job->account : NULL, job->password, job->deadline,
                                             &password, &job->err);
    if (answer != ECA_DIRECTORY_ANSWERED)
        return ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
    return password == ECA_PASSWORD_ANSWER_ACCEPTED ? ECA_PASSWORD_ACCEPTED : ECA_PASSWORD_REJECTED;
}

static void run_password(struct eca_job *base)
{
    struct password_job *job = (struct password_job *)base;

    job->fact = verify(job);
    base->succeeded = job->fact != ECA_PASSWORD_DIRECTORY_UNAVAILABLE;
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
    memcpy(job->password, work->password, strlen(work->password) + 1);
    job->certificate = request->facts.account == ECA_ACCOUNT_USABLE;
    job->certified = work->account;
    return job;
}

/* The state of an account that came with the right password is said only to the log. */
static enum eca_password_fact judge_password_account(struct eca_request *request, const struct password_job *done)
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
    request->facts.password = judge_password_account(request, password);
    if (password->err.text[0] != '\0')
        eca_error_set(&request->work->detail, "%s", password->err.text);
    eca_job_release(request->service->directory_jobs, job);
}

void eca_basic_check(struct eca_request *request)
{
    const struct eca_request_work *work = request->work;

    request->facts.password = ECA_PASSWORD_ABSENT;
    if (!eca_access_wants_password(&request->facts) || work->login_name == NULL)
        return;
    if (work->password[0] == '\0') /* an LDAP bind with an empty password is anonymous, and succeeds */
        request->facts.password = ECA_PASSWORD_EMPTY;
    else if (strlen(work->login_name) >= sizeof((struct password_job *)0)->name
             || strlen(work->password) >= sizeof((struct password_job *)0)->password)
        request->facts.password = ECA_PASSWORD_REJECTED;
    else
        ask_directory(request);
}
