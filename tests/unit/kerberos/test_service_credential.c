/* SPDX-License-Identifier: Apache-2.0 */
#include "service_credential.h"

#include "make_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SVC "svc-eas@" TEST_REALM

/* The KDC of this test: what it will say next, and what it was asked. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    krb5_error_code code;
    int64_t starts; /* seconds from now */
    int64_t ends;
    int asked;
    bool silent; /* does not answer until told to */
    bool forwardable;
    bool is_asked; /* somebody is waiting for it right now */
} kdc = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* This test's clock, for the module and libkrb5 alike. */
static _Atomic int64_t time_passed;

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += (time_t)time_passed;
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

static void pass_time(int64_t seconds)
{
    time_passed += seconds;
}

static void reset_kdc(krb5_error_code code, int64_t starts, int64_t ends)
{
    pthread_mutex_lock(&kdc.mutex);
    kdc.code = code;
    kdc.starts = starts;
    kdc.ends = ends;
    kdc.silent = false;
    pthread_cond_broadcast(&kdc.changed);
    pthread_mutex_unlock(&kdc.mutex);
}

/* In place of libkrb5's: the only function of service_tgt.c that would speak to a KDC. */
krb5_error_code krb5_get_init_creds_keytab(krb5_context context, krb5_creds *creds, krb5_principal client,
                                           krb5_keytab keytab, krb5_deltat start, const char *service,
                                           krb5_get_init_creds_opt *options)
{
    struct ticket_recipe recipe = { .client = SVC, .server = "krbtgt/" TEST_REALM "@" TEST_REALM };
    krb5_error_code code = 0;
    (void)client;
    (void)keytab;
    (void)start;
    (void)service;

    pthread_mutex_lock(&kdc.mutex);
    kdc.asked++;
    kdc.is_asked = true;
    pthread_cond_broadcast(&kdc.changed);
    while (kdc.silent)
        pthread_cond_wait(&kdc.changed, &kdc.mutex);
    kdc.is_asked = false;
    kdc.forwardable = (options->flags & KRB5_GET_INIT_CREDS_OPT_FORWARDABLE) != 0 && options->forwardable != 0;
    code = kdc.code;
    recipe.end = (int64_t)time(NULL) + kdc.ends;
    if (code == 0) {
        make_ticket(context, &recipe, creds);
        creds->times.authtime = (krb5_timestamp)((int64_t)time(NULL) + kdc.starts);
    }
    pthread_mutex_unlock(&kdc.mutex);
    return code;
}

struct bench {
    char folder[64];
    char keytab[128];
    struct eca_service_credential *credential;
};

static int set_up(void **state)
{
    struct bench *const bench = calloc(1, sizeof *bench);
    struct eca_error err = { .text = "" };
    krb5_context context = NULL;

    assert_non_null(bench);
    assert_int_equal(krb5_init_context(&context), 0);
    make_folder(bench->folder);
    (void)snprintf(bench->keytab, sizeof bench->keytab, "%s/keytab", bench->folder);
    add_to_keytab(context, bench->keytab, "HTTP/proxy.example.test@" TEST_REALM, 1);
    add_to_keytab(context, bench->keytab, SVC, 1);
    krb5_free_context(context);
    bench->credential = eca_service_credential_open(bench->keytab, NULL, &err);
    assert_non_null(bench->credential);
    kdc.asked = 0;
    reset_kdc(0, 0, 36000);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *const bench = *state;

    eca_service_credential_close(bench->credential);
    remove_folder(bench->folder);
    free(bench);
    return 0;
}

/* One acquire; returns the ccache's name in out[64], "" without one. */
static enum eca_kerberos_answer acquire(const struct bench *bench, char *out, struct eca_error *err)
{
    struct eca_service_tgt *tgt = NULL;
    const enum eca_kerberos_answer answer = eca_service_credential_acquire(bench->credential, &tgt, err);

    out[0] = '\0';
    assert_int_equal(tgt != NULL, answer == ECA_KERBEROS_DONE);
    if (tgt != NULL)
        (void)snprintf(out, 64, "%s", eca_service_tgt_ccache(tgt));
    eca_service_tgt_release(tgt);
    return answer;
}

static void test_open_keytab_names_the_account_and_asks_nobody(void **state)
{
    const struct bench *const bench = *state;

    assert_string_equal(eca_service_credential_principal(bench->credential), SVC);
    assert_string_equal(eca_service_credential_keytab(bench->credential), bench->keytab);
    assert_int_equal(kdc.asked, 0);
}

static void test_open_unusable_keytab_fails_with_sentence(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error missing = { .text = "" };
    struct eca_error other = { .text = "" };

    assert_null(eca_service_credential_open("/nonexistent/keytab", NULL, &missing));
    assert_non_null(strstr(missing.text, "/nonexistent/keytab: the keytab cannot be read"));
    assert_null(eca_service_credential_open(bench->keytab, "svc-other", &other));
    assert_non_null(strstr(other.text, "holds no key of svc-other"));
    eca_service_credential_close(NULL);
}

static void test_acquire_twice_asks_once_for_a_forwardable_one(void **state)
{
    struct eca_error err = { .text = "" };
    char first[64];
    char second[64];

    assert_int_equal(acquire(*state, first, &err), ECA_KERBEROS_DONE);
    assert_int_equal(acquire(*state, second, &err), ECA_KERBEROS_DONE);
    assert_int_equal(kdc.asked, 1);
    assert_true(kdc.forwardable);
    assert_memory_equal(first, "MEMORY:", 7);
    assert_string_equal(first, second);
}

static void test_renew_is_due_near_the_end(void **state)
{
    static const struct {
        const char *why;
        int64_t starts;
        int64_t ends;
        bool due;
    } rows[] = {
        { "ten hours: more than five minutes are left to go", -35690, 310, false },
        { "ten hours: less than five minutes", -35710, 290, true },
        { "ten minutes: a fifth is two minutes, more than that is left", -470, 130, false },
        { "ten minutes: less than two minutes", -490, 110, true },
    };
    struct bench *const bench = *state;

    assert_false(eca_service_credential_is_due(bench->credential)); /* there is none: acquire gets it */
    assert_int_equal(eca_service_credential_renew(bench->credential), ECA_KERBEROS_DONE);
    assert_int_equal(kdc.asked, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_service_tgt *held = NULL;
        char first[64];
        char second[64];

        print_message("  %s\n", rows[i].why);
        kdc.asked = 0;
        reset_kdc(0, rows[i].starts, rows[i].ends);
        (void)acquire(bench, first, &err);
        reset_kdc(0, 0, 36000);
        assert_int_equal(eca_service_credential_is_due(bench->credential), rows[i].due);
        assert_int_equal(acquire(bench, second, &err), ECA_KERBEROS_DONE);
        assert_string_equal(second, first); /* nobody's request waits for the next one */
        assert_int_equal(eca_service_credential_renew(bench->credential), ECA_KERBEROS_DONE);
        assert_false(eca_service_credential_is_due(bench->credential));
        assert_int_equal(acquire(bench, second, &err), ECA_KERBEROS_DONE);
        assert_int_equal(strcmp(first, second) != 0, rows[i].due);
        assert_int_equal(kdc.asked, rows[i].due ? 2 : 1);
        /* Begin the next row without a generation. */
        assert_int_equal(eca_service_credential_acquire(bench->credential, &held, &err), ECA_KERBEROS_DONE);
        eca_service_credential_discard(bench->credential, held);
        eca_service_tgt_release(held);
    }
}

static void test_renew_fails_old_one_serves_and_is_left_alone(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error err = { .text = "" };
    char first[64];
    char second[64];

    reset_kdc(0, -35900, 100);
    assert_int_equal(acquire(*state, first, &err), ECA_KERBEROS_DONE);
    reset_kdc(KRB5_KDC_UNREACH, 0, 0);
    assert_int_equal(eca_service_credential_renew(bench->credential), ECA_KERBEROS_UNAVAILABLE);
    for (int i = 0; i < 5; i++) {
        assert_false(eca_service_credential_is_due(bench->credential));
        assert_int_equal(acquire(*state, second, &err), ECA_KERBEROS_DONE);
        assert_string_equal(second, first);
        assert_string_equal(err.text, "");
    }
    assert_int_equal(kdc.asked, 2);
    pass_time(60);
    assert_true(eca_service_credential_is_due(bench->credential));
}

/* Tickets as short as Samba gives them, and a KDC that is away for most of the time left whenever one is due. */
static void test_renew_a_day_of_short_tickets_and_outages_no_request_fails(void **state)
{
    const struct bench *const bench = *state;
    int outages = 0;
    int asked = 0;

    reset_kdc(0, 0, 290);
    for (int second = 0; second < 86400; second++) {
        struct eca_service_tgt *tgt = NULL;
        struct eca_error err = { .text = "" };

        if (second % 1021 == 0 || second % 1021 == 45) {
            outages += second % 1021 == 0;
            reset_kdc(second > 0 && second % 1021 == 0 ? KRB5_KDC_UNREACH : 0, 0, 290);
        }
        if (eca_service_credential_is_due(bench->credential))
            (void)eca_service_credential_renew(bench->credential);
        asked = kdc.asked;
        assert_int_equal(eca_service_credential_acquire(bench->credential, &tgt, &err), ECA_KERBEROS_DONE);
        assert_true(second == 0 || kdc.asked == asked); /* what a request needs is always there */
        eca_service_tgt_release(tgt);
        pass_time(1);
    }
    print_message("  %d outages, the KDC was asked %d times\n", outages, kdc.asked);
    assert_true(kdc.asked >= 86400 / 290 && kdc.asked < 2 * 86400 / 232);
}

static void test_acquire_refusal_stands_until_the_keytab_changes(void **state)
{
    static const struct {
        const char *why;
        krb5_error_code code;
        int times; /* the KDC is asked, for five requests */
    } rows[] = {
        { "a wrong key for every request would lock the service account", KRB5KDC_ERR_PREAUTH_FAILED, 1 },
        { "no such account", KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, 1 },
        { "an outage is over when it is over", KRB5_KDC_UNREACH, 5 },
    };
    const struct bench *const bench = *state;
    krb5_context context = NULL;

    assert_int_equal(krb5_init_context(&context), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_service_tgt *held = NULL;
        char name[64];

        print_message("  %s\n", rows[i].why);
        reset_kdc(rows[i].code, 0, 36000);
        kdc.asked = 0;
        for (int request = 0; request < 5; request++) {
            err.text[0] = '\0';
            assert_int_not_equal(acquire(bench, name, &err), ECA_KERBEROS_DONE);
            assert_non_null(strstr(err.text, SVC));
        }
        assert_int_equal(kdc.asked, rows[i].times);
        pass_time(60);
        assert_int_not_equal(acquire(bench, name, &err), ECA_KERBEROS_DONE);
        assert_int_equal(kdc.asked, rows[i].times + 1);
        /* The new keytab is used at once. */
        add_to_keytab(context, bench->keytab, SVC, 2);
        reset_kdc(0, 0, 36000);
        assert_int_equal(eca_service_credential_acquire(bench->credential, &held, &err), ECA_KERBEROS_DONE);
        eca_service_credential_discard(bench->credential, held);
        eca_service_tgt_release(held);
    }
    krb5_free_context(context);
}

static void test_acquire_no_kdc_is_unavailable_until_there_is_one(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_error later = { .text = "" };
    char name[64];

    reset_kdc(KRB5_KDC_UNREACH, 0, 0);
    assert_int_equal(acquire(*state, name, &err), ECA_KERBEROS_UNAVAILABLE);
    assert_non_null(strstr(err.text, "no KDC answered"));
    assert_non_null(strstr(err.text, SVC));
    reset_kdc(0, 0, 36000);
    assert_int_equal(acquire(*state, name, &later), ECA_KERBEROS_DONE);
    assert_int_equal(kdc.asked, 2);
}

static void test_acquire_ticket_that_is_over_already_says_clock(void **state)
{
    struct eca_error err = { .text = "" };
    char name[64];

    reset_kdc(0, -36000, -10);
    assert_int_equal(acquire(*state, name, &err), ECA_KERBEROS_UNAVAILABLE);
    assert_non_null(strstr(err.text, "clock"));
}

static void test_discard_only_the_current_one(void **state)
{
    const struct bench *const bench = *state;
    struct eca_service_tgt *refused = NULL;
    struct eca_error err = { .text = "" };
    char name[64];
    char again[64];

    assert_int_equal(eca_service_credential_acquire(bench->credential, &refused, &err), ECA_KERBEROS_DONE);
    eca_service_credential_discard(bench->credential, refused);
    assert_int_equal(acquire(bench, name, &err), ECA_KERBEROS_DONE);
    assert_int_equal(kdc.asked, 2);
    assert_string_not_equal(name, eca_service_tgt_ccache(refused));
    /* Another thread that was refused with the same old one comes late: the new one stays. */
    eca_service_credential_discard(bench->credential, refused);
    assert_int_equal(acquire(bench, again, &err), ECA_KERBEROS_DONE);
    assert_string_equal(again, name);
    eca_service_tgt_release(refused);
}

static bool ccache_has_principal(const char *name)
{
    krb5_context context = NULL;
    krb5_ccache ccache = NULL;
    krb5_principal principal = NULL;
    bool has = false;

    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(krb5_cc_resolve(context, name, &ccache), 0);
    has = krb5_cc_get_principal(context, ccache, &principal) == 0;
    krb5_free_principal(context, principal);
    if (has)
        krb5_cc_close(context, ccache);
    else
        krb5_cc_destroy(context, ccache);
    krb5_free_context(context);
    return has;
}

static void test_release_last_holder_destroys_the_ccache(void **state)
{
    const struct bench *const bench = *state;
    struct eca_service_tgt *held = NULL;
    struct eca_error err = { .text = "" };
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    OM_uint32 minor = 0;
    char name[64];

    assert_int_equal(eca_service_credential_acquire(bench->credential, &held, &err), ECA_KERBEROS_DONE);
    (void)snprintf(name, sizeof name, "%s", eca_service_tgt_ccache(held));
    eca_service_credential_discard(bench->credential, held);
    assert_true(ccache_has_principal(name));
    assert_true(eca_service_tgt_open_gss_credential(held, &credential, &err));
    assert_ptr_not_equal(credential, GSS_C_NO_CREDENTIAL);
    gss_release_cred(&minor, &credential);
    assert_true(ccache_has_principal(name));
    eca_service_tgt_release(held);
    assert_false(ccache_has_principal(name));
}

static void *renew_in_thread(void *argument)
{
    const struct bench *const bench = argument;

    return (void *)(uintptr_t)eca_service_credential_renew(bench->credential);
}

static atomic_uint threads_begun;

static void *acquire_in_thread(void *argument)
{
    const struct bench *const bench = argument;
    struct eca_service_tgt *tgt = NULL;
    struct eca_error err = { .text = "" };
    enum eca_kerberos_answer answer = ECA_KERBEROS_FAILED;

    atomic_fetch_add(&threads_begun, 1);
    answer = eca_service_credential_acquire(bench->credential, &tgt, &err);
    eca_service_tgt_release(tgt);
    return (void *)(uintptr_t)answer;
}

static void wait_until_asked(void)
{
    pthread_mutex_lock(&kdc.mutex);
    while (!kdc.is_asked)
        pthread_cond_wait(&kdc.changed, &kdc.mutex);
    pthread_mutex_unlock(&kdc.mutex);
}

static void test_acquire_many_threads_share_one_answer(void **state)
{
    static const struct {
        const char *why;
        krb5_error_code code;
        enum eca_kerberos_answer answer;
    } rows[] = {
        { "nobody asks again what has just failed: 27 s each", KRB5_KDC_UNREACH, ECA_KERBEROS_UNAVAILABLE },
        { "all get the new one", 0, ECA_KERBEROS_DONE },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pthread_t threads[8];

        print_message("  %s\n", rows[i].why);
        kdc.asked = 0;
        kdc.silent = true;
        threads_begun = 0;
        for (size_t t = 0; t < 8; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, acquire_in_thread, *state), 0);
        wait_until_asked();
        while (atomic_load(&threads_begun) < 8)
            (void)sched_yield();
        usleep(200000); /* for the one step from there to the wait */
        reset_kdc(rows[i].code, 0, 36000);
        for (size_t t = 0; t < 8; t++) {
            void *answer = NULL;

            pthread_join(threads[t], &answer);
            assert_int_equal((uintptr_t)answer, rows[i].answer);
        }
        assert_int_equal(kdc.asked, 1);
    }
}

static void test_renew_hangs_others_use_the_old_one(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error err = { .text = "" };
    pthread_t renewing;
    void *answer = NULL;
    char first[64];
    char name[64];

    reset_kdc(0, -35900, 100);
    assert_int_equal(acquire(*state, first, &err), ECA_KERBEROS_DONE);
    kdc.silent = true;
    assert_int_equal(pthread_create(&renewing, NULL, renew_in_thread, *state), 0);
    wait_until_asked();
    for (int i = 0; i < 3; i++) {
        assert_false(eca_service_credential_is_due(bench->credential)); /* one is at it already */
        assert_int_equal(acquire(*state, name, &err), ECA_KERBEROS_DONE);
        assert_string_equal(name, first);
    }
    reset_kdc(0, 0, 36000);
    pthread_join(renewing, &answer);
    assert_int_equal((uintptr_t)answer, ECA_KERBEROS_DONE);
    assert_int_equal(acquire(*state, name, &err), ECA_KERBEROS_DONE);
    assert_string_not_equal(name, first);
    assert_int_equal(kdc.asked, 2);
}

static atomic_int acquired;

/* What requests, renewals and a KDC that does not take a generation do at the same time. */
static void *use_for_long(void *argument)
{
    const struct bench *const bench = argument;

    for (int round = 0; round < 200; round++) {
        struct eca_service_tgt *tgt = NULL;
        struct eca_error err = { .text = "" };

        if (eca_service_credential_is_due(bench->credential))
            (void)eca_service_credential_renew(bench->credential);
        /* None when another thread has discarded the one that this thread waited for. */
        if (eca_service_credential_acquire(bench->credential, &tgt, &err) == ECA_KERBEROS_DONE) {
            atomic_fetch_add(&acquired, 1);
            if (memcmp(eca_service_tgt_ccache(tgt), "MEMORY:", 7) != 0)
                return argument;
            if (round % 20 == 0)
                eca_service_credential_discard(bench->credential, tgt);
        }
        eca_service_tgt_release(tgt);
        pass_time(5);
    }
    return NULL;
}

static void test_all_of_it_many_threads_at_the_same_time_is_safe(void **state)
{
    pthread_t threads[4];

    reset_kdc(0, 0, 290);
    for (size_t t = 0; t < 4; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, use_for_long, *state), 0);
    for (size_t t = 0; t < 4; t++) {
        void *failed = NULL;

        pthread_join(threads[t], &failed);
        assert_null(failed);
    }
    assert_true(acquired >= 4 * 200 / 2);
    assert_true(kdc.asked >= 4 * 200 * 5 / 290);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_keytab_names_the_account_and_asks_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_unusable_keytab_fails_with_sentence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acquire_twice_asks_once_for_a_forwardable_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renew_is_due_near_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renew_fails_old_one_serves_and_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renew_a_day_of_short_tickets_and_outages_no_request_fails, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_acquire_refusal_stands_until_the_keytab_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acquire_no_kdc_is_unavailable_until_there_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acquire_ticket_that_is_over_already_says_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_discard_only_the_current_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_release_last_holder_destroys_the_ccache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_acquire_many_threads_share_one_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_renew_hangs_others_use_the_old_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_of_it_many_threads_at_the_same_time_is_safe, set_up,
                                        tear_down),
    };

    setenv("KRB5_CONFIG", "/dev/null", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
