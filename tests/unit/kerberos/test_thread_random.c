/* SPDX-License-Identifier: Apache-2.0 */
#include "thread_random.h"

#include "rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TAKES 400 /* twelve reserves of a thread */
#define PIECE 32
#define THREADS 4
#define WORD 8 /* what is compared: pieces must not overlap either */

static uint8_t taken[THREADS * TAKES][PIECE];

static void *take_all(void *out)
{
    uint8_t(*pieces)[PIECE] = out;

    for (size_t i = 0; i < TAKES; i++) {
        if (!eca_thread_random_take(pieces[i], PIECE))
            return NULL;
    }
    return out;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, WORD);
}

static void test_take_gives_nothing_twice_in_any_thread(void **state)
{
    static const uint8_t zeros[WORD];
    uint8_t *words = taken[0];
    pthread_t threads[THREADS];
    void *done = NULL;
    (void)state;

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_all, taken[i * TAKES]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, taken[i * TAKES]);
    }
    qsort(taken, sizeof taken / WORD, WORD, compare);
    assert_memory_not_equal(words, zeros, WORD);
    for (size_t at = WORD; at < sizeof taken; at += WORD)
        assert_memory_not_equal(words + at - WORD, words + at, WORD);
}

static void test_take_any_length_up_to_the_most(void **state)
{
    static const struct {
        const char *why;
        size_t length;
        bool given;
    } rows[] = {
        { "nothing", 0, true },
        { "a sequence number and a key", 36, true },
        { "the most", ECA_THREAD_RANDOM_MAX, true },
        { "one more", ECA_THREAD_RANDOM_MAX + 1, false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t out[ECA_THREAD_RANDOM_MAX + 2] = { 0 };

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_thread_random_take(out, rows[i].length), rows[i].given);
        assert_int_equal(out[rows[i].length], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_gives_nothing_twice_in_any_thread),
        cmocka_unit_test(test_take_any_length_up_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
