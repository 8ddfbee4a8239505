/* SPDX-License-Identifier: Apache-2.0 */
#include "gated_job.h"

#include <stdlib.h>
#include <string.h>

atomic_uint jobs_alive;

void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

void gate_destroy(struct gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gate_await(struct gate *gate, const unsigned *counter, unsigned value)
{
    pthread_mutex_lock(&gate->lock);
    while (*counter < value)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gated_job_run(struct eca_job *base)
{
    struct gated_job *job = (struct gated_job *)base;
    struct gate *gate = job->gate;

    if (gate != NULL) {
        pthread_mutex_lock(&gate->lock);
        gate->begun++;
        pthread_cond_broadcast(&gate->changed);
        while (!gate->open)
            pthread_cond_wait(&gate->changed, &gate->lock);
        pthread_mutex_unlock(&gate->lock);
    }
    job->result++;
    job->base.succeeded = job->succeeds;
}

static void gated_job_destroy(struct eca_job *base)
{
    struct gated_job *job = (struct gated_job *)base;
    struct gate *gate = job->gate;

    free(job);
    atomic_fetch_sub(&jobs_alive, 1);
    if (gate == NULL)
        return;
    pthread_mutex_lock(&gate->lock);
    gate->destroyed++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

struct eca_job *new_job(struct gate *gate, const char *key, bool succeeds)
{
    struct gated_job *job = calloc(1, sizeof *job);

    assert_non_null(job);
    atomic_fetch_add(&jobs_alive, 1);
    job->base.run = gated_job_run;
    job->base.destroy = gated_job_destroy;
    job->gate = gate;
    job->succeeds = succeeds;
    if (key != NULL) {
        memcpy(job->key, key, strlen(key));
        job->base.key = job->key;
        job->base.key_length = strlen(key);
    }
    return &job->base;
}

enum eca_job_outcome run_and_release(struct eca_job_pool *pool, struct eca_job *job, apr_time_t patience)
{
    const enum eca_job_outcome outcome = eca_job_pool_run(pool, &job, apr_time_now() + patience);

    if (outcome == ECA_JOB_DONE)
        eca_job_release(pool, job);
    else if (job != NULL)
        abort(); /* a caller could use what is gone */
    return outcome;
}

struct eca_job_pool_numbers numbers_of(struct eca_job_pool *pool)
{
    struct eca_job_pool_numbers numbers;

    eca_job_pool_read_numbers(pool, &numbers);
    return numbers;
}

void close_empty(struct eca_job_pool *pool)
{
    assert_true(eca_job_pool_close(pool, LONG));
    assert_int_equal(atomic_load(&jobs_alive), 0);
}

static void *call(void *argument)
{
    struct caller *caller = argument;

    caller->outcome = eca_job_pool_run(caller->pool, &caller->job, apr_time_now() + caller->patience);
    if (caller->outcome == ECA_JOB_DONE) {
        caller->result = ((struct gated_job *)caller->job)->result;
        eca_job_release(caller->pool, caller->job);
    }
    return NULL;
}

void start_caller(struct caller *caller, struct eca_job_pool *pool, struct eca_job *job,
                         apr_interval_time_t patience)
{
    *caller = (struct caller){ .pool = pool, .job = job, .patience = patience };
    assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

enum eca_job_outcome join_caller(struct caller *caller)
{
    pthread_join(caller->thread, NULL);
    return caller->outcome;
}

/* The pool tells nobody that it queued or shared something: looked at until it is so. */
void await_number(struct eca_job_pool *pool, unsigned queued, unsigned shared)
{
    struct eca_job_pool_numbers numbers = numbers_of(pool);

    while (numbers.queued != queued || numbers.shared != shared) {
        sched_yield();
        numbers = numbers_of(pool);
    }
}
