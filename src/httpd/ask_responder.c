/* SPDX-License-Identifier: Apache-2.0 */
/* Young answers from memory, others from the responder through a helper. */
#include "ask_responder.h"

#include "job_pool.h"

#include <http_log.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

APLOG_USE_MODULE(eas_certauth);

#define HELPERS 8
#define QUEUE_MAX 1024
#define PROBE_INTERVAL apr_time_from_sec(2)
#define SHUTDOWN_PATIENCE apr_time_from_msec(500)
/*
 * With a responder: libcrypto counts whole seconds, so this ends after one to three, before those who wait give up: its
 * failure is known then.
 */
#define PATIENCE apr_time_from_sec(2)
#define LEFT_ALONE apr_time_from_sec(30)
#define FAILED_MAX 64

/* A responder that gave nothing usable. */
struct failed {
    char url[ECA_OCSP_URL_MAX];
    apr_time_t until;
};

struct eca_responders {
    struct eca_ocsp_cache *cache;
    const char *url;
    apr_interval_time_t refresh;
    server_rec *server;
    struct eca_job_pool *jobs;
    pthread_mutex_t lock; /* of what follows */
    struct failed failed[FAILED_MAX];
    size_t next;
};

struct question {
    struct eca_job job;
    struct eca_responders *responders;
    uint8_t key[ECA_OCSP_KEY_BYTES];
    char url[ECA_OCSP_URL_MAX];
    X509 *certificate, *issuer;
    bool answered;
    struct eca_ocsp_kept kept;
    struct eca_error why;
};

struct eca_responders *eca_responders_open(struct eca_ocsp_cache *cache, const char *url, apr_interval_time_t refresh,
                                           server_rec *server)
{
    struct eca_responders *responders = calloc(1, sizeof *responders);

    if (responders == NULL)
        return NULL;
    responders->cache = cache;
    responders->url = url;
    responders->refresh = refresh;
    responders->server = server;
    responders->jobs = eca_job_pool_create(HELPERS, QUEUE_MAX, PROBE_INTERVAL);
    if (responders->jobs != NULL && pthread_mutex_init(&responders->lock, NULL) == 0)
        return responders;
    if (responders->jobs != NULL)
        (void)eca_job_pool_close(responders->jobs, 0);
    free(responders);
    return NULL;
}

bool eca_responders_close(struct eca_responders *responders)
{
    if (responders == NULL)
        return true;
    if (!eca_job_pool_close(responders->jobs, SHUTDOWN_PATIENCE))
        return false;
    pthread_mutex_destroy(&responders->lock);
    free(responders);
    return true;
}

/* ---- responders that failed -------------------------------------------------------------- */

/* With the lock. */
static struct failed *find_failed(struct eca_responders *responders, const char *url)
{
    for (size_t i = 0; i < FAILED_MAX; i++) {
        if (strcmp(responders->failed[i].url, url) == 0)
            return &responders->failed[i];
    }
    return NULL;
}

static bool is_left_alone(struct eca_responders *responders, const char *url)
{
    const struct failed *failed = NULL;
    bool alone = false;

    pthread_mutex_lock(&responders->lock);
    failed = find_failed(responders, url);
    alone = failed != NULL && failed->until > apr_time_now();
    pthread_mutex_unlock(&responders->lock);
    return alone;
}

/* Returns whether the failure is news. */
static bool note(struct eca_responders *responders, const char *url, bool answered)
{
    const apr_interval_time_t pause = responders->refresh < LEFT_ALONE ? responders->refresh : LEFT_ALONE;
    struct failed *failed = NULL;
    bool news = false;

    pthread_mutex_lock(&responders->lock);
    failed = find_failed(responders, url);
    news = failed == NULL && !answered;
    if (news) {
        failed = &responders->failed[responders->next++ % FAILED_MAX];
        memcpy(failed->url, url, strlen(url) + 1);
    }
    if (answered && failed != NULL)
        failed->url[0] = '\0';
    else if (failed != NULL)
        failed->until = apr_time_now() + pause;
    pthread_mutex_unlock(&responders->lock);
    return news;
}

/* ---- a question -------------------------------------------------------------------------- */

/* One that needs no question, nor one ahead. */
static bool is_young(const struct eca_responders *responders, const struct eca_ocsp_kept *kept, apr_time_t now)
{
    return kept->answer.next_update >= apr_time_sec(now) && now - kept->asked < responders->refresh * 3 / 4;
}

/* The answer may have come between the caller's look into the cache and its place in the queue. */
static bool is_answered_already(struct question *question)
{
    struct eca_ocsp_kept kept;

    question->answered = eca_ocsp_cache_find(question->responders->cache, question->key, &kept)
                         && is_young(question->responders, &kept, apr_time_now());
    if (question->answered)
        question->kept = kept;
    return question->answered;
}

static bool leave_alone(const struct question *question, struct eca_error *err)
{
    return is_left_alone(question->responders, question->url)
           && !eca_error_set(err, "the OCSP responder %s failed a moment ago", question->url);
}

static void run_question(struct eca_job *job)
{
    struct question *question = (struct question *)job;
    struct eca_responders *responders = question->responders;
    struct eca_ocsp_answer *answer = &question->kept.answer;

    job->succeeded = true; /* one dead responder says nothing of the others */
    if (is_answered_already(question) || leave_alone(question, &question->why))
        return;
    question->kept.asked = apr_time_now();
    question->answered = eca_ocsp_ask(answer, question->url, question->certificate, question->issuer, PATIENCE,
                                      &question->why);
    if (note(responders, question->url, question->answered))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, responders->server,
                     "ECA2033: EASRevocation: %s; answers of before serve as long as they are valid",
                     question->why.text);
    if (!question->answered)
        return;
    if (answer->next_update == 0) /* newer information is always there (RFC 6960 4.2.2.1): not for long */
        answer->next_update = apr_time_sec(question->kept.asked + responders->refresh);
    eca_ocsp_cache_store(responders->cache, question->key, &question->kept);
}

static void destroy_question(struct eca_job *job)
{
    struct question *question = (struct question *)job;

    X509_free(question->certificate);
    X509_free(question->issuer);
    free(question);
}

static struct question *new_question(struct eca_responders *responders, const uint8_t key[ECA_OCSP_KEY_BYTES],
                                     const char *url, X509 *certificate, X509 *issuer)
{
    struct question *question = calloc(1, sizeof *question);

    if (question == NULL)
        return NULL;
    question->responders = responders;
    memcpy(question->key, key, sizeof question->key);
    memcpy(question->url, url, strlen(url) + 1);
    X509_up_ref(certificate);
    question->certificate = certificate;
    X509_up_ref(issuer);
    question->issuer = issuer;
    question->job = (struct eca_job){
        .run = run_question, .destroy = destroy_question, .key = question->key, .key_length = sizeof question->key
    };
    return question;
}

static enum eca_revocation use_answer(const struct eca_ocsp_answer *answer, struct eca_error *err)
{
    if (answer->status == ECA_REVOCATION_REVOKED)
        eca_revocation_say(err, answer->since, answer->why);
    else if (answer->status == ECA_REVOCATION_UNKNOWN)
        eca_error_set(err, "the OCSP responder does not know the certificate");
    return answer->status;
}

/* Asks and waits; false with a sentence when no answer came. */
static bool ask_now(struct question *question, apr_time_t deadline, enum eca_revocation *found, struct eca_error *err)
{
    struct eca_job_pool *jobs = question->responders->jobs;
    struct eca_job *job = &question->job;
    bool answered = false;

    if (eca_job_pool_run(jobs, &job, deadline) != ECA_JOB_DONE)
        return eca_error_set(err, "the OCSP responder did not answer in time");
    question = (struct question *)job;
    answered = question->answered;
    if (answered)
        *found = use_answer(&question->kept.answer, err);
    else
        eca_error_set(err, "%s", question->why.text);
    eca_job_release(jobs, job);
    return answered;
}

static const char *url_of(const struct eca_responders *responders, X509 *certificate, char memory[ECA_OCSP_URL_MAX])
{
    if (responders->url != NULL)
        return responders->url;
    return eca_ocsp_url(memory, certificate) ? memory : NULL;
}

/* While the answer at hand serves. */
static void ask_ahead(struct eca_responders *responders, struct question *question)
{
    if (is_left_alone(responders, question->url))
        destroy_question(&question->job);
    else
        (void)eca_job_pool_start(responders->jobs, &question->job);
}

/* Nothing young is at hand: whoever is left alone is not asked, and an older answer that is still valid then serves. */
static bool ask_or_leave(struct question *question, apr_time_t deadline, enum eca_revocation *found,
                         struct eca_error *err)
{
    if (!leave_alone(question, err))
        return ask_now(question, deadline, found, err);
    destroy_question(&question->job);
    return false;
}

enum eca_revocation eca_responders_ask(struct eca_responders *responders, X509 *certificate, X509 *issuer,
                                       apr_time_t deadline, struct eca_error *err)
{
    const apr_time_t now = apr_time_now();
    enum eca_revocation found = ECA_REVOCATION_UNKNOWN;
    struct eca_error why = { .text = "" };
    struct eca_ocsp_kept kept;
    struct question *question = NULL;
    uint8_t key[ECA_OCSP_KEY_BYTES];
    char memory[ECA_OCSP_URL_MAX];
    const char *url = url_of(responders, certificate, memory);
    bool valid = false;

    if (url == NULL || !eca_ocsp_key(key, certificate, issuer)) {
        eca_error_set(err, "the certificate names no OCSP responder");
        return found;
    }
    valid = eca_ocsp_cache_find(responders->cache, key, &kept) && kept.answer.next_update >= apr_time_sec(now);
    if (valid && is_young(responders, &kept, now))
        return use_answer(&kept.answer, err);
    question = new_question(responders, key, url, certificate, issuer);
    if (question != NULL && valid && now - kept.asked < responders->refresh)
        ask_ahead(responders, question);
    else if (question != NULL && ask_or_leave(question, deadline, &found, &why))
        valid = false;
    if (valid)
        return use_answer(&kept.answer, err);
    if (why.text[0] != '\0')
        eca_error_set(err, "%s", why.text);
    return found;
}
