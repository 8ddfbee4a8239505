/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts in rows of a few places each: what was not used for longest in its row makes room. */
#include "verdict.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES 4 /* in a row */
#define REMEMBERED_SECONDS 300
#define MARK_BYTES 16

struct kept_verdict {
    struct eca_verdict verdict; /* first: what callers see */
    atomic_uint holders;
    X509 *seen; /* the certificate as it was asked about last: an open connection asks about the same object again */
    uint8_t mark[MARK_BYTES];
    const struct eca_purposes *purposes;
    const struct eca_certificate_policies *policies;
    int64_t judged_at, good_until; /* seconds since 1970 */
};

struct place {
    struct kept_verdict *verdict;
    uint64_t used; /* `clock` when it was asked for last */
};

struct eca_verdicts {
    const struct eca_trust_anchors *anchors;
    pthread_mutex_t lock;
    uint64_t clock; /* counts questions */
    size_t rows;
    struct place places[]; /* rows × PLACES */
};

struct eca_verdicts *eca_verdicts_open(const struct eca_trust_anchors *anchors, size_t capacity)
{
    const size_t rows = (capacity + PLACES - 1) / PLACES;
    struct eca_verdicts *verdicts = calloc(1, sizeof *verdicts + rows * PLACES * sizeof verdicts->places[0]);

    if (verdicts == NULL)
        return NULL;
    verdicts->anchors = anchors;
    verdicts->rows = rows;
    if (pthread_mutex_init(&verdicts->lock, NULL) == 0)
        return verdicts;
    free(verdicts);
    return NULL;
}

static void release(struct kept_verdict *kept)
{
    if (kept == NULL || atomic_fetch_sub(&kept->holders, 1) != 1)
        return;
    X509_free(kept->seen);
    eca_certificate_close(&kept->verdict.certificate);
    sk_X509_pop_free(kept->verdict.path, X509_free);
    free(kept);
}

void eca_verdict_release(struct eca_verdict *verdict)
{
    release((struct kept_verdict *)verdict);
}

void eca_verdicts_close(struct eca_verdicts *verdicts)
{
    if (verdicts == NULL)
        return;
    for (size_t i = 0; i < verdicts->rows * PLACES; i++)
        release(verdicts->places[i].verdict);
    pthread_mutex_destroy(&verdicts->lock);
    free(verdicts);
}

/* The end of its signature, which is as good as random: at hand, while a digest takes longer than all else here. */
static void mark_of(uint8_t mark[MARK_BYTES], const X509 *leaf)
{
    const ASN1_BIT_STRING *signature = NULL;
    int length = 0;

    X509_get0_signature(&signature, NULL, leaf);
    length = signature == NULL ? 0 : ASN1_STRING_length(signature);
    memset(mark, 0, MARK_BYTES);
    if (length >= MARK_BYTES)
        memcpy(mark, ASN1_STRING_get0_data(signature) + length - MARK_BYTES, MARK_BYTES);
}

/* A client can choose its certificate, but only one that an accepted CA issued is ever kept. */
static struct place *row_of(struct eca_verdicts *verdicts, const uint8_t *mark)
{
    uint64_t number;

    memcpy(&number, mark, sizeof number);
    return verdicts->places + number % verdicts->rows * PLACES;
}

/* The mark only finds the row: that it is the same certificate, every byte says. */
static bool answers(const struct kept_verdict *kept, const uint8_t *mark, const struct eca_path_question *question)
{
    return kept != NULL && memcmp(kept->mark, mark, sizeof kept->mark) == 0 && kept->purposes == question->purposes
           && kept->policies == question->policies && question->now >= kept->judged_at
           && question->now <= kept->good_until
           && (kept->seen == question->leaf || X509_cmp(kept->verdict.certificate.x509, question->leaf) == 0);
}

/* Gives the object seen before, for its owner to free; held, its address can be nothing else's. */
static X509 *see(struct kept_verdict *kept, X509 *leaf)
{
    X509 *const before = kept->seen;

    if (before == leaf || X509_up_ref(leaf) != 1)
        return NULL;
    kept->seen = leaf;
    return before;
}

static struct kept_verdict *find(struct eca_verdicts *verdicts, const uint8_t *mark,
                                 const struct eca_path_question *question)
{
    struct place *row = row_of(verdicts, mark);
    struct kept_verdict *found = NULL;
    X509 *before = NULL;

    pthread_mutex_lock(&verdicts->lock);
    for (size_t i = 0; i < PLACES && found == NULL; i++) {
        if (!answers(row[i].verdict, mark, question))
            continue;
        found = row[i].verdict;
        row[i].used = ++verdicts->clock;
        atomic_fetch_add(&found->holders, 1);
    }
    if (found != NULL)
        before = see(found, question->leaf);
    pthread_mutex_unlock(&verdicts->lock);
    if (before != NULL)
        X509_free(before);
    return found;
}

static void keep(struct eca_verdicts *verdicts, struct kept_verdict *kept)
{
    struct place *row = row_of(verdicts, kept->mark);
    struct place *place = row;
    struct kept_verdict *before;

    atomic_fetch_add(&kept->holders, 1);
    pthread_mutex_lock(&verdicts->lock);
    for (size_t i = 1; i < PLACES; i++) {
        if (row[i].used < place->used)
            place = &row[i];
    }
    before = place->verdict;
    *place = (struct place){ .verdict = kept, .used = ++verdicts->clock };
    pthread_mutex_unlock(&verdicts->lock);
    release(before);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* Its path's first end, and soon enough for a clock that was set. */
static int64_t end_of(STACK_OF(X509) * path, int64_t now)
{
    int64_t end = now + REMEMBERED_SECONDS;

    for (int i = 0; i < sk_X509_num(path); i++) {
        const int64_t ends = seconds_of(X509_get0_notAfter(sk_X509_value(path, i)));

        end = ends < end ? ends : end;
    }
    return end;
}

static struct kept_verdict *judge(const struct eca_verdicts *verdicts, const uint8_t *mark,
                                  const struct eca_path_question *question)
{
    struct kept_verdict *kept = calloc(1, sizeof *kept);
    struct eca_verdict *verdict = kept == NULL ? NULL : &kept->verdict;

    if (kept == NULL)
        return NULL;
    atomic_init(&kept->holders, 1);
    memcpy(kept->mark, mark, sizeof kept->mark);
    kept->purposes = question->purposes;
    kept->policies = question->policies;
    kept->judged_at = question->now;
    if (eca_certificate_open(&verdict->certificate, question->leaf, &verdict->detail))
        verdict->fact = eca_path_judge(verdicts->anchors, question, &verdict->path, &verdict->detail);
    else
        verdict->fact = ECA_CERTIFICATE_MALFORMED;
    if (verdict->path != NULL)
        kept->good_until = end_of(verdict->path, question->now);
    return kept;
}

struct eca_verdict *eca_verdicts_judge(struct eca_verdicts *verdicts, const struct eca_path_question *question)
{
    uint8_t mark[MARK_BYTES];
    struct kept_verdict *kept = NULL;

    mark_of(mark, question->leaf);
    kept = find(verdicts, mark, question);
    if (kept != NULL)
        return &kept->verdict;
    kept = judge(verdicts, mark, question);
    if (kept == NULL)
        return NULL;
    if (kept->verdict.path != NULL)
        keep(verdicts, kept);
    return &kept->verdict;
}
