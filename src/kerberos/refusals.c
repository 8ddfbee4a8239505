/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals in a table of fixed size: each key has one place, and who comes later has it. */
#include "refusals.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 32   /* SHA-256 of SID, NUL and SPN */
#define NAMES_MAX 1023 /* bytes of both together */

struct refusal {
    uint8_t key[KEY_BYTES];
    int64_t until; /* 0: nothing is here */
    enum eca_reason reason;
    struct eca_error why;
};

struct eca_refusals {
    pthread_mutex_t mutex;
    size_t capacity;
    struct refusal places[];
};

struct eca_refusals *eca_refusals_open(size_t capacity)
{
    struct eca_refusals *refusals = NULL;

    if (capacity == 0 || capacity > SIZE_MAX / 2 / sizeof refusals->places[0])
        return NULL;
    refusals = calloc(1, sizeof *refusals + capacity * sizeof refusals->places[0]);
    if (refusals == NULL)
        return NULL;
    if (pthread_mutex_init(&refusals->mutex, NULL) != 0) {
        free(refusals);
        return NULL;
    }
    refusals->capacity = capacity;
    return refusals;
}

void eca_refusals_close(struct eca_refusals *refusals)
{
    if (refusals == NULL)
        return;
    pthread_mutex_destroy(&refusals->mutex);
    free(refusals);
}

/* False when it cannot be made, or the names are absurd. */
static bool make_key(uint8_t key[KEY_BYTES], const char *sid, const char *spn)
{
    EVP_MD_CTX *context = NULL;
    bool made = false;

    if (strlen(sid) + strlen(spn) > NAMES_MAX)
        return false;
    context = EVP_MD_CTX_new();
    made = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
           && EVP_DigestUpdate(context, sid, strlen(sid) + 1) == 1 && EVP_DigestUpdate(context, spn, strlen(spn)) == 1
           && EVP_DigestFinal_ex(context, key, NULL) == 1;
    EVP_MD_CTX_free(context);
    return made;
}

static struct refusal *place_of(struct eca_refusals *refusals, const uint8_t key[KEY_BYTES])
{
    uint64_t number = 0;

    memcpy(&number, key, sizeof number);
    return &refusals->places[number % refusals->capacity];
}

void eca_refusals_store(struct eca_refusals *refusals, const char *sid, const char *spn, enum eca_reason reason,
                        const struct eca_error *why, int64_t until)
{
    uint8_t key[KEY_BYTES];
    struct refusal *place = NULL;

    if (!make_key(key, sid, spn))
        return;
    pthread_mutex_lock(&refusals->mutex);
    place = place_of(refusals, key);
    memcpy(place->key, key, sizeof place->key);
    place->until = until;
    place->reason = reason;
    place->why = *why;
    pthread_mutex_unlock(&refusals->mutex);
}

bool eca_refusals_find(struct eca_refusals *refusals, const char *sid, const char *spn, int64_t now,
                       enum eca_reason *reason, struct eca_error *why)
{
    uint8_t key[KEY_BYTES];
    const struct refusal *place = NULL;
    bool found = false;

    if (!make_key(key, sid, spn))
        return false;
    pthread_mutex_lock(&refusals->mutex);
    place = place_of(refusals, key);
    found = now < place->until && memcmp(place->key, key, sizeof key) == 0;
    if (found) {
        *reason = place->reason;
        *why = place->why;
    }
    pthread_mutex_unlock(&refusals->mutex);
    return found;
}
