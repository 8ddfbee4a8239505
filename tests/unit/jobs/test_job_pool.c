/* SPDX-License-Identifier: Apache-2.0 */
#include "job_pool.h"

#include "gated_job.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void test_run_ordinary_job_gives_result_and_releases(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(2, 4, LONG);
    struct eca_job *job = new_job(NULL, NULL, true);
    (void)state;

    assert_int_equal(eca_job_pool_run(pool, &job, apr_time_now() + LONG), ECA_JOB_DONE);

    assert_int_equal(((struct gated_job *)job)->result, 1);
    eca_job_release(pool, job);
    assert_int_equal(numbers_of(pool).done, 1);
    close_empty(pool);
}

static void test_run_deadline_already_past_times_out_without_start(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 1, LONG);
    (void)state;

    assert_int_equal(run_and_release(pool, new_job(NULL, NULL, true), -1), ECA_JOB_TIMED_OUT);

    assert_int_equal(numbers_of(pool).helpers, 0);
    assert_false(numbers_of(pool).breaker_open);
    close_empty(pool);
}

static void test_run_same_key_is_one_job_for_all_waiters(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(2, 4, LONG);
    struct caller callers[8];
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&callers[0], pool, new_job(&gate, "alice", true), LONG);
    gate_await(&gate, &gate.begun, 1);
    for (unsigned i = 1; i < 8; i++)
        start_caller(&callers[i], pool, new_job(&gate, "alice", true), LONG);
    await_number(pool, 0, 7);
    gate_open(&gate);

    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(join_caller(&callers[i]), ECA_JOB_DONE);
        assert_int_equal(callers[i].result, 1);
    }
    assert_int_equal(numbers_of(pool).done, 1);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_run_queued_same_key_is_shared_too(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct caller first, queued, sharing;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&first, pool, new_job(&gate, "alice", true), LONG);
    gate_await(&gate, &gate.begun, 1);
    start_caller(&queued, pool, new_job(&gate, "bob", true), LONG);
    await_number(pool, 1, 0);
    start_caller(&sharing, pool, new_job(&gate, "bob", true), LONG);
    await_number(pool, 1, 1);
    gate_open(&gate);

    assert_int_equal(join_caller(&first), ECA_JOB_DONE);
    assert_int_equal(join_caller(&queued), ECA_JOB_DONE);
    assert_int_equal(join_caller(&sharing), ECA_JOB_DONE);
    assert_int_equal(numbers_of(pool).done, 2);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_run_different_or_no_key_is_not_shared(void **state)
{
    static const struct {
        const char *why;
        const char *first, *second;
    } rows[] = {
        { "another key", "alice", "bob" },
        { "a key that begins like the other", "alice", "alic" },
        { "no key never shares", NULL, NULL },
        { "a key and none", "alice", NULL },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_job_pool *pool = eca_job_pool_create(2, 4, LONG);
        struct caller first, second;
        struct gate gate;

        print_message("  %s\n", rows[i].why);
        gate_init(&gate);
        start_caller(&first, pool, new_job(&gate, rows[i].first, true), LONG);
        start_caller(&second, pool, new_job(&gate, rows[i].second, true), LONG);
        gate_await(&gate, &gate.begun, 2);
        gate_open(&gate);
        assert_int_equal(join_caller(&first), ECA_JOB_DONE);
        assert_int_equal(join_caller(&second), ECA_JOB_DONE);
        assert_int_equal(numbers_of(pool).shared, 0);
        close_empty(pool);
        gate_destroy(&gate);
    }
}

static void test_run_queue_full_is_refused(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 1, LONG);
    struct caller running, queued;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&running, pool, new_job(&gate, NULL, true), LONG);
    gate_await(&gate, &gate.begun, 1);
    start_caller(&queued, pool, new_job(&gate, NULL, true), LONG);
    await_number(pool, 1, 0);

    assert_int_equal(run_and_release(pool, new_job(&gate, NULL, true), LONG), ECA_JOB_REFUSED);
    assert_int_equal(numbers_of(pool).refused, 1);
    assert_false(numbers_of(pool).breaker_open);

    gate_open(&gate);
    assert_int_equal(join_caller(&running), ECA_JOB_DONE);
    assert_int_equal(join_caller(&queued), ECA_JOB_DONE);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_run_no_queue_at_all_still_reaches_helpers(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 0, LONG);
    (void)state;

    for (int i = 0; i < 50; i++) {
        while (numbers_of(pool).busy != 0)
            sched_yield();
        assert_int_equal(run_and_release(pool, new_job(NULL, NULL, true), LONG), ECA_JOB_DONE);
    }
    close_empty(pool);
}

static void test_run_job_hangs_times_out_and_helper_destroys_it(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_int_equal(run_and_release(pool, new_job(&gate, NULL, true), SHORT), ECA_JOB_TIMED_OUT);
    assert_true(numbers_of(pool).breaker_open);
    gate_await(&gate, &gate.begun, 1);

    gate_open(&gate);
    gate_await(&gate, &gate.destroyed, 1);
    assert_false(numbers_of(pool).breaker_open); /* its late success closed it */
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_run_queued_job_without_waiters_never_runs(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct caller stuck;
    struct gate gate, unused;
    (void)state;
    gate_init(&gate);
    gate_init(&unused);

    start_caller(&stuck, pool, new_job(&gate, NULL, true), LONG);
    gate_await(&gate, &gate.begun, 1);
    assert_int_equal(run_and_release(pool, new_job(&unused, NULL, true), SHORT), ECA_JOB_TIMED_OUT);

    assert_int_equal(unused.destroyed, 1);
    assert_int_equal(numbers_of(pool).queued, 0);
    gate_open(&gate);
    assert_int_equal(join_caller(&stuck), ECA_JOB_DONE);
    close_empty(pool);
    assert_int_equal(unused.begun, 0);
    gate_destroy(&unused);
    gate_destroy(&gate);
}

static void test_run_one_of_two_waiters_times_out_other_gets_result(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct caller patient;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&patient, pool, new_job(&gate, "alice", true), LONG);
    gate_await(&gate, &gate.begun, 1);
    assert_int_equal(run_and_release(pool, new_job(&gate, "alice", true), SHORT), ECA_JOB_TIMED_OUT);
    assert_int_equal(numbers_of(pool).shared, 1);

    gate_open(&gate);
    assert_int_equal(join_caller(&patient), ECA_JOB_DONE);
    assert_int_equal(patient.result, 1);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_limit_counts_only_jobs_that_somebody_waits_for(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(3, 4, 1);
    struct caller first, second;
    struct gate stuck;
    (void)state;
    gate_init(&stuck);
    eca_job_pool_limit(pool, 1);

    start_caller(&first, pool, new_job(&stuck, NULL, true), apr_time_from_sec(1));
    gate_await(&stuck, &stuck.begun, 1);
    start_caller(&second, pool, new_job(NULL, NULL, true), LONG);
    assert_int_equal(join_caller(&first), ECA_JOB_TIMED_OUT);
    assert_int_equal(join_caller(&second), ECA_JOB_DONE);
    gate_open(&stuck);
    close_empty(pool);
    gate_destroy(&stuck);
}

static unsigned count_begun(struct gate *gate)
{
    unsigned begun = 0;

    pthread_mutex_lock(&gate->lock);
    begun = gate->begun;
    pthread_mutex_unlock(&gate->lock);
    return begun;
}

static void test_limit_lets_the_next_begin_when_one_has_run(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(4, 8, LONG);
    struct caller callers[6];
    struct gate gate;
    (void)state;
    gate_init(&gate);
    eca_job_pool_limit(pool, 2);

    for (size_t i = 0; i < 6; i++)
        start_caller(&callers[i], pool, new_job(&gate, NULL, true), LONG);
    gate_await(&gate, &gate.begun, 2);
    await_number(pool, 4, 0);
    assert_int_equal(count_begun(&gate), 2);
    gate_open(&gate);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(join_caller(&callers[i]), ECA_JOB_DONE);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_breaker_open_refuses_everything_at_once_also_the_same_key(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(4, 4, LONG);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_int_equal(run_and_release(pool, new_job(&gate, "alice", true), SHORT), ECA_JOB_TIMED_OUT);

    assert_int_equal(run_and_release(pool, new_job(NULL, "bob", true), LONG), ECA_JOB_REFUSED);
    assert_int_equal(run_and_release(pool, new_job(&gate, "alice", true), LONG), ECA_JOB_REFUSED);
    assert_int_equal(numbers_of(pool).refused, 2);

    gate_open(&gate);
    gate_await(&gate, &gate.destroyed, 2);
    assert_int_equal(run_and_release(pool, new_job(NULL, "bob", true), LONG), ECA_JOB_DONE);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_breaker_success_since_the_job_began_keeps_it_closed(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(2, 4, LONG);
    struct caller slow;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&slow, pool, new_job(&gate, NULL, true), apr_time_from_sec(1));
    gate_await(&gate, &gate.begun, 1);
    assert_int_equal(run_and_release(pool, new_job(NULL, NULL, true), LONG), ECA_JOB_DONE);

    assert_int_equal(join_caller(&slow), ECA_JOB_TIMED_OUT);
    assert_false(numbers_of(pool).breaker_open);
    gate_open(&gate);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_breaker_answer_without_success_neither_opens_nor_closes_it(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(2, 4, 1);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_int_equal(run_and_release(pool, new_job(NULL, NULL, false), LONG), ECA_JOB_DONE);
    assert_false(numbers_of(pool).breaker_open);

    assert_int_equal(run_and_release(pool, new_job(&gate, NULL, false), SHORT), ECA_JOB_TIMED_OUT);
    while (run_and_release(pool, new_job(NULL, NULL, false), LONG) == ECA_JOB_REFUSED)
        sched_yield();
    assert_true(numbers_of(pool).breaker_open);

    gate_open(&gate);
    close_empty(pool);
    gate_destroy(&gate);
}

/* Calls again and again until it is not refused. */
struct insistence {
    struct eca_job_pool *pool;
    struct gate *gate;
    const char *key;
    enum eca_job_outcome outcome;
};

static void *call_until_admitted(void *argument)
{
    struct insistence *insist = argument;

    do {
        sched_yield();
        insist->outcome = run_and_release(insist->pool, new_job(insist->gate, insist->key, true), LONG);
    } while (insist->outcome == ECA_JOB_REFUSED);
    return NULL;
}

static void test_breaker_probe_passes_once_an_interval_and_its_success_closes(void **state)
{
    const apr_interval_time_t interval = apr_time_from_sec(1);
    struct eca_job_pool *pool = eca_job_pool_create(4, 4, interval);
    struct insistence insist;
    pthread_t prober;
    struct gate gate, probing;
    apr_time_t opened;
    (void)state;
    gate_init(&gate);
    gate_init(&probing);

    assert_int_equal(run_and_release(pool, new_job(&gate, "alice", true), SHORT), ECA_JOB_TIMED_OUT);
    opened = apr_time_now();
    insist = (struct insistence){ .pool = pool, .gate = &probing, .key = "alice" };
    assert_int_equal(pthread_create(&prober, NULL, call_until_admitted, &insist), 0);
    gate_await(&probing, &probing.begun, 1); /* beside the one that hangs, although the key is the same */
    assert_true(apr_time_now() - opened >= interval - SHORT);
    assert_int_equal(run_and_release(pool, new_job(NULL, "bob", true), LONG), ECA_JOB_REFUSED);
    assert_true(numbers_of(pool).breaker_open);

    gate_open(&probing);
    pthread_join(prober, NULL);
    assert_int_equal(insist.outcome, ECA_JOB_DONE);
    assert_false(numbers_of(pool).breaker_open);
    assert_int_equal(run_and_release(pool, new_job(NULL, "bob", true), LONG), ECA_JOB_DONE);
    gate_open(&gate);
    close_empty(pool);
    gate_destroy(&probing);
    gate_destroy(&gate);
}

static void test_close_stuck_helper_is_left_behind_and_ends_by_itself(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(2, 4, LONG);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_int_equal(run_and_release(pool, new_job(&gate, NULL, true), SHORT), ECA_JOB_TIMED_OUT);
    assert_false(eca_job_pool_close(pool, SHORT));

    /* The control block is still there for the helper; looked at only to see it go. */
    gate_open(&gate);
    gate_await(&gate, &gate.destroyed, 1);
    while (numbers_of(pool).helpers != 0)
        sched_yield();
    assert_int_equal(run_and_release(pool, new_job(NULL, NULL, true), LONG), ECA_JOB_REFUSED);
    assert_true(eca_job_pool_close(pool, LONG)); /* so that the leak check of the test itself is content */
    gate_destroy(&gate);
}

static pthread_key_t at_thread_end;
static atomic_int threads_ended;

/* As libkrb5's and libcrypto's own, but slow enough to be overtaken. */
static void end_slowly(void *unused)
{
    (void)unused;
    usleep(50000);
    threads_ended++;
}

static void free_job(struct eca_job *job)
{
    free(job);
}

static void begin_thread(struct eca_job *job)
{
    (void)pthread_setspecific(at_thread_end, job);
    job->succeeded = true;
}

static void test_close_helpers_have_ended_with_what_libraries_do_then(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, SHORT);
    struct eca_job *job = calloc(1, sizeof *job);
    (void)state;

    assert_int_equal(pthread_key_create(&at_thread_end, end_slowly), 0);
    *job = (struct eca_job){ .run = begin_thread, .destroy = free_job };
    assert_int_equal(eca_job_pool_run(pool, &job, apr_time_now() + LONG), ECA_JOB_DONE);
    eca_job_release(pool, job);
    assert_true(eca_job_pool_close(pool, LONG));
    assert_int_equal(threads_ended, 1);
    pthread_key_delete(at_thread_end);
}

static void test_close_queued_job_is_refused_and_running_one_awaited(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct caller running, queued;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    start_caller(&running, pool, new_job(&gate, NULL, true), LONG);
    gate_await(&gate, &gate.begun, 1);
    start_caller(&queued, pool, new_job(&gate, NULL, true), LONG);
    await_number(pool, 1, 0);
    assert_false(eca_job_pool_close(pool, SHORT));
    assert_int_equal(join_caller(&queued), ECA_JOB_REFUSED);

    gate_open(&gate);
    assert_int_equal(join_caller(&running), ECA_JOB_DONE);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_start_runs_though_nobody_waits(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 4, LONG);
    struct caller impatient;
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_true(eca_job_pool_start(pool, new_job(&gate, "first", true)));
    gate_await(&gate, &gate.begun, 1);
    assert_false(eca_job_pool_start(pool, new_job(&gate, "first", true)));
    assert_true(eca_job_pool_start(pool, new_job(&gate, "second", true)));
    assert_false(eca_job_pool_start(pool, new_job(&gate, "second", true)));
    /* Who joins one and leaves again does not take it along. */
    start_caller(&impatient, pool, new_job(&gate, "second", true), SHORT);
    assert_int_equal(join_caller(&impatient), ECA_JOB_TIMED_OUT);
    assert_int_equal(numbers_of(pool).queued, 1);
    gate_open(&gate);
    gate_await(&gate, &gate.destroyed, 5); /* the two, and three that were not needed */
    assert_int_equal(gate.begun, 2);
    close_empty(pool);
    gate_destroy(&gate);
}

static void test_start_what_cannot_begin_is_destroyed(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(1, 1, LONG);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_true(eca_job_pool_start(pool, new_job(&gate, NULL, true)));
    gate_await(&gate, &gate.begun, 1);
    assert_true(eca_job_pool_start(pool, new_job(&gate, NULL, true)));
    assert_false(eca_job_pool_start(pool, new_job(&gate, NULL, true))); /* the queue is full */
    assert_int_equal(gate.destroyed, 1);
    assert_false(eca_job_pool_close(pool, SHORT));
    assert_int_equal(gate.destroyed, 2); /* the queued one */
    assert_false(eca_job_pool_start(pool, new_job(&gate, NULL, true)));
    gate_open(&gate);
    close_empty(pool);
    assert_int_equal(gate.begun, 1);
    gate_destroy(&gate);
}

static void test_start_breaker_open_is_left_to_the_probe(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(4, 4, LONG);
    struct gate gate;
    (void)state;
    gate_init(&gate);

    assert_int_equal(run_and_release(pool, new_job(&gate, "alice", true), SHORT), ECA_JOB_TIMED_OUT);
    assert_true(numbers_of(pool).breaker_open);
    assert_false(eca_job_pool_start(pool, new_job(NULL, "bob", true)));
    gate_open(&gate);
    close_empty(pool);
    gate_destroy(&gate);
}

/* Some finish, some time out, some share: whatever happens, nothing is lost and nothing is used after its end. */
static void *stress(void *argument)
{
    struct eca_job_pool *pool = argument;
    unsigned seed = (unsigned)(uintptr_t)&pool;

    for (int i = 0; i < 500; i++) {
        const char key[] = { (char)('a' + rand_r(&seed) % 8), '\0' };
        const apr_interval_time_t patience = rand_r(&seed) % 4 == 0 ? rand_r(&seed) % 50 : LONG;

        if (rand_r(&seed) % 8 == 0)
            eca_job_pool_start(pool, new_job(NULL, key, true));
        run_and_release(pool, new_job(NULL, rand_r(&seed) % 2 ? key : NULL, rand_r(&seed) % 4 != 0), patience);
    }
    return NULL;
}

static void test_run_many_threads_lose_nothing(void **state)
{
    struct eca_job_pool *pool = eca_job_pool_create(4, 8, 100);
    struct eca_job_pool_numbers numbers;
    pthread_t threads[16];
    (void)state;

    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stress, pool), 0);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);

    numbers = numbers_of(pool);
    assert_true(numbers.helpers <= 4);
    assert_true(numbers.done > 0);
    close_empty(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_ordinary_job_gives_result_and_releases),
        cmocka_unit_test(test_run_deadline_already_past_times_out_without_start),
        cmocka_unit_test(test_run_same_key_is_one_job_for_all_waiters),
        cmocka_unit_test(test_run_queued_same_key_is_shared_too),
        cmocka_unit_test(test_run_different_or_no_key_is_not_shared),
        cmocka_unit_test(test_run_queue_full_is_refused),
        cmocka_unit_test(test_run_no_queue_at_all_still_reaches_helpers),
        cmocka_unit_test(test_run_job_hangs_times_out_and_helper_destroys_it),
        cmocka_unit_test(test_run_queued_job_without_waiters_never_runs),
        cmocka_unit_test(test_run_one_of_two_waiters_times_out_other_gets_result),
        cmocka_unit_test(test_limit_counts_only_jobs_that_somebody_waits_for),
        cmocka_unit_test(test_limit_lets_the_next_begin_when_one_has_run),
        cmocka_unit_test(test_breaker_open_refuses_everything_at_once_also_the_same_key),
        cmocka_unit_test(test_breaker_success_since_the_job_began_keeps_it_closed),
        cmocka_unit_test(test_breaker_answer_without_success_neither_opens_nor_closes_it),
        cmocka_unit_test(test_breaker_probe_passes_once_an_interval_and_its_success_closes),
        cmocka_unit_test(test_close_stuck_helper_is_left_behind_and_ends_by_itself),
        cmocka_unit_test(test_close_helpers_have_ended_with_what_libraries_do_then),
        cmocka_unit_test(test_close_queued_job_is_refused_and_running_one_awaited),
        cmocka_unit_test(test_start_runs_though_nobody_waits),
        cmocka_unit_test(test_start_what_cannot_begin_is_destroyed),
        cmocka_unit_test(test_start_breaker_open_is_left_to_the_probe),
        cmocka_unit_test(test_run_many_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
