/* SPDX-License-Identifier: Apache-2.0 */
/* Helper threads for everything that may block, so that no worker thread ever waits longer than its deadline. */
#ifndef ECA_JOB_POOL_H
#define ECA_JOB_POOL_H

#include <apr_time.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A job is a caller's struct, made with malloc(), that begins with struct eca_job. `run` is called once
 * on a helper thread and writes its results into the caller's struct; `destroy` frees it
 * when the last reference goes (the last waiter, or the helper when every waiter has gone).
 */
struct eca_job {
    /* Set by the caller before eca_job_pool_run(). */
    void (*run)(struct eca_job *job); /* sets `succeeded` */
    void (*destroy)(struct eca_job *job);
    const void *key; /* jobs with the same key bytes under way are one job; NULL: never shared */
    size_t key_length;
    bool succeeded; /* written by run(): the service behind it answered, whatever it said: closes the breaker */
    /* The pool's own. */
    struct eca_job *next;
    unsigned references; /* the waiters, and the helper while it runs */
    int state;
    bool detached;                 /* one reference is the pool's until it has run */
    apr_uint64_t successes_before; /* of the pool, when this job was handed over */
    pthread_cond_t finished;
};

struct eca_job_pool;

enum eca_job_outcome {
    ECA_JOB_DONE,      /* *job has run; read its results, then eca_job_release() */
    ECA_JOB_TIMED_OUT, /* the deadline passed first; the job is finished later or never, without this waiter */
    ECA_JOB_REFUSED,   /* not started: the breaker is open, the queue is full or no thread could be made */
};

/*
 * What a pool has been doing, for the log and the status page. `done` counts jobs, `timed_out`, `refused`
 * and `shared` callers.
 */
struct eca_job_pool_numbers {
    unsigned helpers, busy, queued;
    bool breaker_open;
    apr_uint64_t done, timed_out, refused, shared;
};

/*
 * A pool of at most `helpers` threads, started when needed, and at most `queue` jobs that wait for one.
 * `probe_interval`: while the breaker is open, one job per interval is let through as a probe.
 * The breaker opens when a job times out and none has succeeded since that job was handed over (a
 * long queue is no outage while it moves); it closes with the first success, also of a job
 * nobody waits for any more. NULL when out of memory. Make it in the child process.
 */
struct eca_job_pool *eca_job_pool_create(unsigned helpers, unsigned queue, apr_interval_time_t probe_interval);

/*
 * From now on at most `at_once` jobs that somebody waits for run at the same time; the others wait in the queue. A job
 * whose waiters have all gone, because it may be stuck, takes no place: helpers beyond `at_once` stand in for it.
 * Without this call: as many as there are helpers.
 */
void eca_job_pool_limit(struct eca_job_pool *pool, unsigned at_once);

/*
 * Hands over `*job` (always: it is freed whatever the outcome unless DONE, and *job is NULL then) and waits
 * until it has run or `deadline` (absolute), the time in the queue included. When a job with the same key is
 * waiting or running, this one is destroyed unrun and *job becomes that one. While the breaker is open nobody
 * joins: the job under way may be the one that hangs, so a probe runs beside it. A queued job
 * whose waiters have all gone is never run; a deadline that has passed already is TIMED_OUT without a start and
 * says nothing to the breaker. Threads: any but helpers.
 */
enum eca_job_outcome eca_job_pool_run(struct eca_job_pool *pool, struct eca_job **job, apr_time_t deadline);

/*
 * Hands over `job` and waits for nothing: it runs when a helper is free, whether somebody joins it meanwhile or not.
 * False, and destroyed unrun: one with the same key is under way, the breaker is open, the queue is full or the pool is
 * closing. Threads: any, helpers of other pools included.
 */
bool eca_job_pool_start(struct eca_job_pool *pool, struct eca_job *job);

/* Gives back the reference of an ECA_JOB_DONE. */
void eca_job_release(struct eca_job_pool *pool, struct eca_job *job);

void eca_job_pool_read_numbers(struct eca_job_pool *pool, struct eca_job_pool_numbers *out);

/*
 * Ends the pool: takes no more jobs, refuses those not begun, ends idle helpers, waits at most `patience` for busy
 * helpers, for callers and for jobs not yet released, and leaves what is stuck behind, with the memory it needs. The
 * threads of the others have ended then, with all that libraries do at a thread's end.
 * Returns true when nothing was left behind: only then may what the jobs use be freed. Call it once, and make no
 * new call on the pool after it.
 */
bool eca_job_pool_close(struct eca_job_pool *pool, apr_interval_time_t patience);

#endif
