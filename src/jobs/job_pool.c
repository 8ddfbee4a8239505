/* SPDX-License-Identifier: Apache-2.0 */
/* Helper threads: jobs wait in one queue, run on helpers, and are awaited on a condition of their own. */
#include "job_list.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* Longer than any deadline; keeps the sums below from overflowing. */
#define WAIT_MAX apr_time_from_sec(24 * 3600)

enum job_state {
    STATE_QUEUED,
    STATE_RUNNING,
    STATE_DONE,
    STATE_REFUSED, /* the pool closed before a helper took it */
};

/* Everything is guarded by `lock`. */
struct eca_job_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;  /* to helpers: a job was queued, or the pool closes */
    pthread_cond_t leave; /* to close(): a helper or a caller has gone */
    unsigned helpers_max;
    unsigned at_once_max; /* running jobs that somebody waits for */
    unsigned queue_max;
    apr_interval_time_t probe_interval;
    struct eca_job_list queue;
    struct eca_job_list running;
    unsigned helpers;
    unsigned started;
    unsigned idle;
    unsigned callers; /* inside eca_job_pool_run(), or holding a job that is DONE */
    bool closing;
    bool breaker_open;
    apr_time_t next_probe; /* monotonic */
    apr_uint64_t successes;
    apr_uint64_t done;
    apr_uint64_t timed_out;
    apr_uint64_t refused;
    apr_uint64_t shared;
    pthread_t threads[]; /* all that were started: none ends before the pool closes */
};

static apr_time_t monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

/* The same moment on a clock that nobody sets. */
static apr_time_t monotonic_from_wall(apr_time_t deadline)
{
    const apr_time_t wall = apr_time_now();
    const apr_time_t now = monotonic_now();

    if (deadline <= wall)
        return now;
    return now + (deadline - wall < WAIT_MAX ? deadline - wall : WAIT_MAX);
}

/* False when `until` has passed. */
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, apr_time_t until)
{
    const struct timespec moment = {
        .tv_sec = (time_t)apr_time_sec(until),
        .tv_nsec = (long)apr_time_usec(until) * 1000,
    };

    return pthread_cond_timedwait(condition, lock, &moment) != ETIMEDOUT;
}

static bool open_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    bool opened;

    if (pthread_condattr_init(&attributes) != 0)
        return false;
    opened = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
             && pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return opened;
}

struct eca_job_pool *eca_job_pool_create(unsigned helpers, unsigned queue, apr_interval_time_t probe_interval)
{
    struct eca_job_pool *pool = calloc(1, sizeof *pool + helpers * sizeof pool->threads[0]);

    if (pool == NULL)
        return NULL;
    pool->helpers_max = helpers;
    pool->at_once_max = helpers;
    pool->queue_max = queue;
    pool->probe_interval = probe_interval;
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        goto no_lock;
    if (!open_condition(&pool->work))
        goto no_work;
    if (!open_condition(&pool->leave))
        goto no_leave;
    return pool;

no_leave:
    pthread_cond_destroy(&pool->work);
no_work:
    pthread_mutex_destroy(&pool->lock);
no_lock:
    free(pool);
    return NULL;
}

void eca_job_pool_limit(struct eca_job_pool *pool, unsigned at_once)
{
    pthread_mutex_lock(&pool->lock);
    pool->at_once_max = at_once;
    pthread_mutex_unlock(&pool->lock);
}

/* By a caller; the helper that runs it and, for a detached one, the pool hold a reference each. */
static bool is_awaited(const struct eca_job *job)
{
    return job->references > (job->detached ? 2U : 1U);
}

/* What nobody waits for any more may be stuck, and takes no place. */
static bool may_begin(const struct eca_job_pool *pool)
{
    unsigned awaited = 0;

    for (const struct eca_job *job = pool->running.first; job != NULL; job = job->next)
        awaited += is_awaited(job);
    return awaited < pool->at_once_max;
}

/* The job under way with the same key. */
static struct eca_job *find_same(struct eca_job_pool *pool, const struct eca_job *own)
{
    struct eca_job *job = eca_job_list_find_same(&pool->queue, own);

    return job != NULL ? job : eca_job_list_find_same(&pool->running, own);
}

/* Takes one reference away; true when it was the last, and the caller is to call destroy_job() without the lock. */
static bool drop_reference(struct eca_job *job)
{
    return --job->references == 0;
}

static void destroy_job(struct eca_job *job)
{
    pthread_cond_destroy(&job->finished);
    job->destroy(job);
}

static struct eca_job *take_queued(struct eca_job_pool *pool)
{
    struct eca_job *job = pool->queue.first;

    eca_job_list_remove(&pool->queue, job);
    job->references++;
    job->state = STATE_RUNNING;
    eca_job_list_append(&pool->running, job);
    return job;
}

static void finish(struct eca_job_pool *pool, struct eca_job *job)
{
    eca_job_list_remove(&pool->running, job);
    job->state = STATE_DONE;
    if (job->detached) /* the helper that calls this still has its own */
        (void)drop_reference(job);
    pool->done++;
    if (job->succeeded) {
        pool->successes++;
        pool->breaker_open = false;
    }
    pthread_cond_broadcast(&job->finished);
}

static void run_one(struct eca_job_pool *pool)
{
    struct eca_job *job = take_queued(pool);

    pthread_mutex_unlock(&pool->lock);
    job->run(job);
    pthread_mutex_lock(&pool->lock);
    finish(pool, job);
    if (drop_reference(job)) {
        pthread_mutex_unlock(&pool->lock);
        destroy_job(job);
        pthread_mutex_lock(&pool->lock);
    }
}

static void *help(void *argument)
{
    struct eca_job_pool *pool = argument;

    pthread_mutex_lock(&pool->lock);
    while (pool->queue.first != NULL || !pool->closing) {
        if (pool->queue.first != NULL && may_begin(pool)) {
            run_one(pool);
            continue;
        }
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    pool->helpers--;
    pthread_cond_broadcast(&pool->leave);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals stay with the server's own threads; SIGPIPE of a dead directory or KDC becomes EPIPE. */
static bool start_thread(struct eca_job_pool *pool)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&pool->threads[pool->started], NULL, help, pool) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pool->started++;
    return started;
}

/* Sees to it that some helper takes the next queued job; false when there is none and none can be made. */
static bool ensure_helper(struct eca_job_pool *pool)
{
    if (pool->queue.length < pool->idle || pool->helpers >= pool->helpers_max)
        return true;
    if (start_thread(pool))
        pool->helpers++;
    return pool->helpers > 0;
}

/* A job on its way to a helper that is idle or can be made does not wait, so it does not count. */
static bool queue_is_full(const struct eca_job_pool *pool)
{
    return pool->queue.length >= pool->queue_max + pool->idle + (pool->helpers_max - pool->helpers);
}

static bool queue_job(struct eca_job_pool *pool, struct eca_job *job)
{
    if (queue_is_full(pool) || !open_condition(&job->finished))
        return false;
    if (!ensure_helper(pool)) {
        pthread_cond_destroy(&job->finished);
        return false;
    }
    job->references = 1;
    job->state = STATE_QUEUED;
    job->detached = false;
    job->succeeded = false;
    job->successes_before = pool->successes;
    eca_job_list_append(&pool->queue, job);
    pthread_cond_signal(&pool->work);
    return true;
}

/* Sets *awaited to `own` or to a job under way with the same key; NULL, and why, when it is neither. */
static enum eca_job_outcome admit(struct eca_job_pool *pool, struct eca_job *own, apr_time_t until,
                                  struct eca_job **awaited)
{
    const apr_time_t now = monotonic_now();
    const bool probe = pool->breaker_open && now >= pool->next_probe;

    *awaited = NULL;
    if (pool->closing || (pool->breaker_open && !probe))
        return ECA_JOB_REFUSED;
    if (until <= now)
        return ECA_JOB_TIMED_OUT;
    if (!probe)
        *awaited = find_same(pool, own);
    if (*awaited != NULL) {
        (*awaited)->references++;
        pool->shared++;
        return ECA_JOB_DONE;
    }
    if (!queue_job(pool, own))
        return ECA_JOB_REFUSED;
    if (probe)
        pool->next_probe = now + pool->probe_interval;
    *awaited = own;
    return ECA_JOB_DONE;
}

static void judge_time_out(struct eca_job_pool *pool, const struct eca_job *job)
{
    if (pool->breaker_open || job->successes_before != pool->successes)
        return;
    pool->breaker_open = true;
    pool->next_probe = monotonic_now() + pool->probe_interval;
}

/* Keeps the reference when DONE, otherwise gives it back; *last: the caller is to destroy the job. */
static enum eca_job_outcome await(struct eca_job_pool *pool, struct eca_job *job, apr_time_t until, bool *last)
{
    bool in_time = true;

    while (in_time && (job->state == STATE_QUEUED || job->state == STATE_RUNNING))
        in_time = wait_until(&job->finished, &pool->lock, until);
    if (job->state == STATE_DONE)
        return ECA_JOB_DONE;

    *last = drop_reference(job);
    if (job->state == STATE_REFUSED)
        return ECA_JOB_REFUSED;
    judge_time_out(pool, job);
    if (*last && job->state == STATE_QUEUED)
        eca_job_list_remove(&pool->queue, job);
    if (job->state == STATE_RUNNING && !is_awaited(job)) /* its place is free */
        pthread_cond_signal(&pool->work);
    return ECA_JOB_TIMED_OUT;
}

static void leave(struct eca_job_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->callers--;
    if (pool->closing)
        pthread_cond_broadcast(&pool->leave);
    pthread_mutex_unlock(&pool->lock);
}

enum eca_job_outcome eca_job_pool_run(struct eca_job_pool *pool, struct eca_job **job, apr_time_t deadline)
{
    const apr_time_t until = monotonic_from_wall(deadline);
    enum eca_job_outcome outcome;
    struct eca_job *own = *job;
    struct eca_job *awaited;
    bool last = false;

    *job = NULL;
    pthread_mutex_lock(&pool->lock);
    pool->callers++;
    outcome = admit(pool, own, until, &awaited);
    if (awaited != own) {
        /* Not under the lock, and not after the wait: nobody needs it any more. */
        pthread_mutex_unlock(&pool->lock);
        own->destroy(own);
        pthread_mutex_lock(&pool->lock);
    }
    if (awaited != NULL)
        outcome = await(pool, awaited, until, &last);
    pool->refused += outcome == ECA_JOB_REFUSED;
    pool->timed_out += outcome == ECA_JOB_TIMED_OUT;
    pthread_mutex_unlock(&pool->lock);

    if (last)
        destroy_job(awaited);
    if (outcome == ECA_JOB_DONE) {
        *job = awaited;
        return outcome;
    }
    leave(pool);
    return outcome;
}

bool eca_job_pool_start(struct eca_job_pool *pool, struct eca_job *job)
{
    bool started = false;

    pthread_mutex_lock(&pool->lock);
    if (!pool->closing && !pool->breaker_open && find_same(pool, job) == NULL)
        started = queue_job(pool, job);
    if (started)
        job->detached = true; /* the reference of a caller is the pool's */
    pthread_mutex_unlock(&pool->lock);
    if (!started)
        job->destroy(job);
    return started;
}

void eca_job_release(struct eca_job_pool *pool, struct eca_job *job)
{
    bool last;

    pthread_mutex_lock(&pool->lock);
    last = drop_reference(job);
    pthread_mutex_unlock(&pool->lock);

    if (last)
        destroy_job(job);
    leave(pool);
}

void eca_job_pool_read_numbers(struct eca_job_pool *pool, struct eca_job_pool_numbers *out)
{
    pthread_mutex_lock(&pool->lock);
    out->helpers = pool->helpers;
    out->busy = pool->helpers - pool->idle;
    out->queued = pool->queue.length;
    out->breaker_open = pool->breaker_open;
    out->done = pool->done;
    out->timed_out = pool->timed_out;
    out->refused = pool->refused;
    out->shared = pool->shared;
    pthread_mutex_unlock(&pool->lock);
}

/* With the lock, which is let go while a job that nobody waits for is destroyed. */
static void refuse_queued(struct eca_job_pool *pool)
{
    while (pool->queue.first != NULL) {
        struct eca_job *job = pool->queue.first;

        eca_job_list_remove(&pool->queue, job);
        job->state = STATE_REFUSED;
        pthread_cond_broadcast(&job->finished);
        if (job->detached && drop_reference(job)) {
            pthread_mutex_unlock(&pool->lock);
            destroy_job(job);
            pthread_mutex_lock(&pool->lock);
        }
    }
}

/*
 * A thread that has left the pool still runs what libraries do at a thread's end, which must not meet what they do at
 * the process's. One that is stuck in a job is not waited for.
 */
static void end_threads(const struct eca_job_pool *pool, bool left_behind)
{
    for (unsigned i = 0; i < pool->started; i++) {
        if (left_behind)
            (void)pthread_detach(pool->threads[i]);
        else
            (void)pthread_join(pool->threads[i], NULL);
    }
}

bool eca_job_pool_close(struct eca_job_pool *pool, apr_interval_time_t patience)
{
    const apr_time_t until = monotonic_now() + (patience < WAIT_MAX ? patience : WAIT_MAX);
    bool in_time = true;
    bool left_behind;

    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    refuse_queued(pool);
    pthread_cond_broadcast(&pool->work);
    while (in_time && (pool->helpers > 0 || pool->callers > 0))
        in_time = wait_until(&pool->leave, &pool->lock, until);
    left_behind = pool->helpers > 0 || pool->callers > 0;
    pthread_mutex_unlock(&pool->lock);
    end_threads(pool, left_behind);
    if (left_behind)
        return false;

    pthread_cond_destroy(&pool->leave);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return true;
}
