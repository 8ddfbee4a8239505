/* SPDX-License-Identifier: Apache-2.0 */
#include "make_path.h"
#include "verdict.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct recipe root = { "Root", "Root", KEY_ROOT, KEY_ROOT, CA_EXTENSIONS };
static const struct recipe issuing = {
    "Issuing", "Root", KEY_ISSUING, KEY_ROOT, CA_EXTENSIONS, .begins = -9, .ends = 2,
};
static const struct recipe alice = { "alice", "Root", KEY_LEAF, KEY_ROOT };
static const struct recipe short_lived = { "alice", "Issuing", KEY_LEAF, KEY_ISSUING };
static const struct recipe strange = { "alice", "Strange", KEY_LEAF, KEY_STRANGE };

struct world {
    struct eca_trust_anchors *anchors;
    struct eca_verdicts *verdicts;
    struct eca_purposes purposes, others;
    struct eca_path_question question;
};

static void open_world(struct world *world, const struct recipe *leaf, size_t capacity)
{
    const struct recipe *const trusted[] = { &root, &issuing, NULL };

    memset(world, 0, sizeof *world);
    world->anchors = make_path_anchors(trusted);
    world->verdicts = eca_verdicts_open(world->anchors, capacity);
    assert_non_null(world->verdicts);
    world->purposes.any = world->others.any = true;
    world->question = (struct eca_path_question){ .leaf = make_path_certificate(leaf), .purposes = &world->purposes,
                                                  .now = NOW };
}

static void close_world(struct world *world)
{
    X509_free(world->question.leaf);
    eca_verdicts_close(world->verdicts);
    eca_trust_anchors_close(world->anchors);
}

/* The verdict; only its address matters: the same one was remembered. Released at once. */
static const struct eca_verdict *ask(struct world *world, enum eca_certificate_fact fact)
{
    struct eca_verdict *verdict = eca_verdicts_judge(world->verdicts, &world->question);

    assert_non_null(verdict);
    assert_int_equal(verdict->fact, fact);
    assert_int_equal(verdict->path != NULL, fact == ECA_CERTIFICATE_GOOD);
    assert_int_equal(verdict->detail.text[0] == '\0', fact == ECA_CERTIFICATE_GOOD);
    eca_verdict_release(verdict);
    return verdict;
}

static void test_judge_good_certificate_is_remembered_for_its_requirements_and_five_minutes(void **state)
{
    struct world world;
    const struct eca_verdict *first;
    X509 *copy;
    (void)state;

    open_world(&world, &alice, 64);
    first = ask(&world, ECA_CERTIFICATE_GOOD);
    assert_ptr_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);

    copy = X509_dup(world.question.leaf); /* another connection's */
    X509_free(world.question.leaf);
    world.question.leaf = copy;
    assert_ptr_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);

    world.question.purposes = &world.others;
    assert_ptr_not_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);
    world.question.purposes = &world.purposes;
    world.question.now = NOW + 300;
    assert_ptr_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);
    world.question.now = NOW - 1; /* the clock was set back */
    assert_ptr_not_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);
    world.question.now = NOW + 301;
    assert_ptr_not_equal(ask(&world, ECA_CERTIFICATE_GOOD), first);
    close_world(&world);
}

static void test_judge_other_certificate_of_the_same_names_is_judged_itself(void **state)
{
    struct world world;
    X509 *first;
    (void)state;

    open_world(&world, &alice, 1);
    ask(&world, ECA_CERTIFICATE_GOOD);
    first = world.question.leaf;
    world.question.leaf = make_path_certificate(&strange);
    ask(&world, ECA_CERTIFICATE_UNTRUSTED);
    ask(&world, ECA_CERTIFICATE_UNTRUSTED);
    X509_free(world.question.leaf);
    world.question.leaf = first;
    ask(&world, ECA_CERTIFICATE_GOOD);
    close_world(&world);
}

/* The issuer ends in two days, the certificate in a hundred. */
static void test_judge_nothing_is_remembered_beyond_the_end_of_the_path(void **state)
{
    struct world world;
    (void)state;

    open_world(&world, &short_lived, 64);
    world.question.now = NOW + 2 * DAY - 10;
    ask(&world, ECA_CERTIFICATE_GOOD);
    world.question.now = NOW + 2 * DAY + 1;
    ask(&world, ECA_CERTIFICATE_UNTRUSTED);
    close_world(&world);
}

static void test_judge_more_certificates_than_room_are_all_judged(void **state)
{
    struct world world;
    X509 *first;
    (void)state;

    open_world(&world, &alice, 4);
    first = world.question.leaf;
    for (int i = 0; i < 9; i++) {
        struct recipe another = alice;

        another.begins = -i - 1;
        another.ends = 50;
        world.question.leaf = make_path_certificate(&another);
        ask(&world, ECA_CERTIFICATE_GOOD);
        ask(&world, ECA_CERTIFICATE_GOOD);
        X509_free(world.question.leaf);
    }
    world.question.leaf = first;
    ask(&world, ECA_CERTIFICATE_GOOD);
    close_world(&world);
}

static void test_judge_a_verdict_that_is_held_outlives_its_place(void **state)
{
    struct world world;
    struct eca_verdict *held;
    (void)state;

    open_world(&world, &alice, 4);
    held = eca_verdicts_judge(world.verdicts, &world.question);
    close_world(&world);
    assert_int_equal(sk_X509_num(held->path), 2);
    assert_int_equal(held->certificate.not_after, NOW + 100 * DAY);
    eca_verdict_release(held);
}

#define THREADS 4
#define ROUNDS 500

/* Two certificates and room for one row: threads remember, push out and hold at the same time. */
static void *ask_often(void *data)
{
    struct world world = *(struct world *)data;
    struct recipe other = alice;
    X509 *leaves[2];

    other.begins = -3;
    other.ends = 3;
    leaves[0] = world.question.leaf;
    leaves[1] = make_path_certificate(&other);
    for (int i = 0; i < ROUNDS; i++) {
        struct eca_verdict *verdict;

        world.question.leaf = leaves[i % 2];
        world.question.now = NOW + i % 700;
        verdict = eca_verdicts_judge(world.verdicts, &world.question);
        if (verdict == NULL || X509_cmp(verdict->certificate.x509, leaves[i % 2]) != 0)
            abort();
        eca_verdict_release(verdict);
    }
    X509_free(leaves[1]);
    return NULL;
}

static void test_judge_many_threads_each_get_their_own_certificates_verdict(void **state)
{
    pthread_t threads[THREADS];
    struct world world;
    (void)state;

    open_world(&world, &alice, 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &world), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_good_certificate_is_remembered_for_its_requirements_and_five_minutes),
        cmocka_unit_test(test_judge_other_certificate_of_the_same_names_is_judged_itself),
        cmocka_unit_test(test_judge_nothing_is_remembered_beyond_the_end_of_the_path),
        cmocka_unit_test(test_judge_more_certificates_than_room_are_all_judged),
        cmocka_unit_test(test_judge_a_verdict_that_is_held_outlives_its_place),
        cmocka_unit_test(test_judge_many_threads_each_get_their_own_certificates_verdict),
    };
    return cmocka_run_group_tests(tests, make_path_keys, free_path_keys);
}
