/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that stop at a gate, and callers on threads of their own: for tests of pools. */
#ifndef ECA_GATED_JOB_H
#define ECA_GATED_JOB_H

#include "job_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>

#define LONG apr_time_from_sec(30) /* never reached unless a test fails */
#define SHORT (100 * 1000)         /* for waits that are meant to end by time, when what they wait for has begun */

/* What the jobs of one test share: a gate they stop at, and how many of them have come and gone. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned begun;
    unsigned destroyed;
};

struct gated_job {
    struct eca_job base;
    struct gate *gate; /* NULL: passes at once */
    bool succeeds;
    int result;
    char key[8];
};

/* A caller on a thread of its own. */
struct caller {
    struct eca_job_pool *pool;
    struct eca_job *job;
    apr_interval_time_t patience;
    enum eca_job_outcome outcome;
    int result;
    pthread_t thread;
};

extern atomic_uint jobs_alive;

void gate_init(struct gate *gate);
void gate_destroy(struct gate *gate);
void gate_open(struct gate *gate);
void gate_await(struct gate *gate, const unsigned *counter, unsigned value);
struct eca_job *new_job(struct gate *gate, const char *key, bool succeeds);
enum eca_job_outcome run_and_release(struct eca_job_pool *pool, struct eca_job *job, apr_time_t patience);
struct eca_job_pool_numbers numbers_of(struct eca_job_pool *pool);
void close_empty(struct eca_job_pool *pool);
void start_caller(struct caller *caller, struct eca_job_pool *pool, struct eca_job *job,
                         apr_interval_time_t patience);
enum eca_job_outcome join_caller(struct caller *caller);
/* The pool tells nobody that it queued or shared something: looked at until it is so. */
void await_number(struct eca_job_pool *pool, unsigned queued, unsigned shared);

#endif
