/* SPDX-License-Identifier: Apache-2.0 */
/* The service account's ticket-granting ticket: who asks for it, and when. */
#include "service_credential.h"

#include "hot.h"
#include "keytab.h"
#include "krb5_error.h"
#include "service_tgt.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RENEW_AHEAD_MAX 300 /* seconds */
#define RENEW_AHEAD_PART 5  /* of the lifetime: a fifth */
#define RENEW_ATTEMPTS 5    /* in that time, when they fail */
#define REFUSAL_PAUSE 60    /* seconds after the KDC, or the keytab, said no */

struct eca_service_credential {
    char *keytab;
    char *principal;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t asked;
    struct eca_service_tgt *current;
    int64_t not_before;       /* of the next renewal, or of the next question after a refusal */
    struct stat keytab_asked; /* the file that was refused */
    bool asking;
    unsigned long rounds;            /* how often the KDC has been asked */
    enum eca_kerberos_answer answer; /* of the last round, and why */
    struct eca_error why;
};

/* The chosen principal's full name, malloc()ed. */
static char *choose_principal(const char *keytab, const char *wanted, struct eca_error *err)
{
    krb5_context context = NULL;
    krb5_principal principal = NULL;
    char *text = NULL;
    char *copy = NULL;
    const krb5_error_code code = krb5_init_context(&context);

    if (code != 0) {
        eca_error_set(err, "krb5.conf cannot be read (%s)", krb5_get_error_message(NULL, code));
        return NULL;
    }
    principal = eca_keytab_choose(context, keytab, wanted, err);
    if (principal != NULL && krb5_unparse_name(context, principal, &text) == 0)
        copy = strdup(text);
    if (copy == NULL)
        eca_error_set(err, "out of memory");
    krb5_free_unparsed_name(context, text);
    krb5_free_principal(context, principal);
    krb5_free_context(context);
    return copy;
}

struct eca_service_credential *eca_service_credential_open(const char *keytab, const char *principal,
                                                           struct eca_error *err)
{
    struct eca_service_credential *const credential = calloc(1, sizeof *credential);

    if (credential == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    if (pthread_mutex_init(&credential->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_cond_init(&credential->asked, NULL) != 0)
        goto no_condition;
    credential->keytab = strdup(keytab);
    credential->principal = choose_principal(keytab, principal, err);
    if (credential->keytab != NULL && credential->principal != NULL)
        return credential;
    eca_service_credential_close(credential);
    eca_error_set(err, "out of memory");
    return NULL;

no_condition:
    pthread_mutex_destroy(&credential->mutex);
no_mutex:
    free(credential);
    eca_error_set(err, "out of memory");
    return NULL;
}

void eca_service_credential_close(struct eca_service_credential *credential)
{
    if (credential == NULL)
        return;
    eca_service_tgt_release(credential->current);
    free(credential->principal);
    free(credential->keytab);
    pthread_cond_destroy(&credential->asked);
    pthread_mutex_destroy(&credential->mutex);
    free(credential);
}

const char *eca_service_credential_principal(const struct eca_service_credential *credential)
{
    return credential->principal;
}

const char *eca_service_credential_keytab(const struct eca_service_credential *credential)
{
    return credential->keytab;
}

static bool is_usable(const struct eca_service_tgt *tgt)
{
    return tgt != NULL && (int64_t)time(NULL) < eca_service_tgt_end(tgt);
}

/* How long before its end a generation is replaced. */
static int64_t renew_ahead(const struct eca_service_tgt *tgt)
{
    const int64_t part = (eca_service_tgt_end(tgt) - eca_service_tgt_start(tgt)) / RENEW_AHEAD_PART;

    return part < RENEW_AHEAD_MAX ? part : RENEW_AHEAD_MAX;
}

ECA_HOT static bool is_due(const struct eca_service_credential *credential)
{
    const int64_t now = (int64_t)time(NULL);

    return is_usable(credential->current) && !credential->asking
           && now >= eca_service_tgt_end(credential->current) - renew_ahead(credential->current)
           && now >= credential->not_before;
}

static void read_stamp(const char *path, struct stat *out)
{
    if (stat(path, out) != 0)
        memset(out, 0, sizeof *out);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * A wrong key presented for every request would lock the service account. The keytab's being written anew ends the
 * pause, an outage begins none.
 */
static bool is_refused(const struct eca_service_credential *credential)
{
    struct stat now;

    if (credential->answer == ECA_KERBEROS_DONE || credential->answer == ECA_KERBEROS_UNAVAILABLE
        || (int64_t)time(NULL) >= credential->not_before)
        return false;
    read_stamp(credential->keytab, &now);
    return is_same_file(&now, &credential->keytab_asked);
}

static void note_failure(struct eca_service_credential *credential)
{
    const int64_t now = (int64_t)time(NULL);
    int64_t pause = REFUSAL_PAUSE;

    if (is_usable(credential->current) && renew_ahead(credential->current) / RENEW_ATTEMPTS < pause)
        pause = renew_ahead(credential->current) / RENEW_ATTEMPTS;
    credential->not_before = now + pause;
}

/*
 * With the mutex held, which is let go while the KDC is asked. An old generation that is still usable
 * hides that the new one was refused: what the round said is only told to those who have none.
 */
static void ask(struct eca_service_credential *credential)
{
    struct eca_service_tgt *fresh = NULL;
    struct eca_error why = { .text = "" };
    enum eca_kerberos_answer answer = ECA_KERBEROS_FAILED;
    struct stat keytab;

    credential->asking = true;
    pthread_mutex_unlock(&credential->mutex);
    read_stamp(credential->keytab, &keytab); /* before it is read: what is written meanwhile counts as new */
    answer = eca_service_tgt_request(credential->keytab, credential->principal, &fresh, &why);
    pthread_mutex_lock(&credential->mutex);
    credential->asking = false;
    credential->rounds++;
    credential->answer = answer;
    credential->why = why;
    credential->keytab_asked = keytab;
    if (fresh != NULL) {
        eca_service_tgt_release(credential->current);
        credential->current = fresh;
    } else {
        note_failure(credential);
    }
    pthread_cond_broadcast(&credential->asked);
}

/* With the mutex held: lets one round pass, our own or another thread's. */
static void ask_or_wait(struct eca_service_credential *credential)
{
    const unsigned long round = credential->rounds;

    if (!credential->asking)
        ask(credential);
    while (credential->rounds == round)
        pthread_cond_wait(&credential->asked, &credential->mutex);
}

enum eca_kerberos_answer eca_service_credential_acquire(struct eca_service_credential *credential,
                                                        struct eca_service_tgt **out, struct eca_error *err)
{
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;

    *out = NULL;
    pthread_mutex_lock(&credential->mutex);
    if (!is_usable(credential->current) && !is_refused(credential))
        ask_or_wait(credential);

    if (is_usable(credential->current)) {
        *out = eca_service_tgt_hold(credential->current);
    } else if (credential->answer != ECA_KERBEROS_DONE) {
        answer = credential->answer;
        eca_error_set(err, "%s", credential->why.text);
    } else {
        answer = ECA_KERBEROS_UNAVAILABLE;
        eca_error_set(err,
                      "the new ticket-granting ticket of %s is over or refused already: compare this machine's "
                      "clock with the domain controller's",
                      credential->principal);
    }
    pthread_mutex_unlock(&credential->mutex);
    return answer;
}

ECA_HOT bool eca_service_credential_is_due(struct eca_service_credential *credential)
{
    bool due = false;

    pthread_mutex_lock(&credential->mutex);
    due = is_due(credential);
    pthread_mutex_unlock(&credential->mutex);
    return due;
}

enum eca_kerberos_answer eca_service_credential_renew(struct eca_service_credential *credential)
{
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;

    pthread_mutex_lock(&credential->mutex);
    if (is_due(credential)) {
        ask(credential);
        answer = credential->answer;
    }
    pthread_mutex_unlock(&credential->mutex);
    return answer;
}

void eca_service_credential_discard(struct eca_service_credential *credential, const struct eca_service_tgt *tgt)
{
    pthread_mutex_lock(&credential->mutex);
    if (credential->current == tgt) {
        eca_service_tgt_release(credential->current);
        credential->current = NULL;
    }
    pthread_mutex_unlock(&credential->mutex);
}
