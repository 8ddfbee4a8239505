/* SPDX-License-Identifier: Apache-2.0 */
/* One table of places under one mutex. */
#include "opened_records.h"

#include <pthread.h>
#include <string.h>

struct place {
    size_t length; /* of the record, 0: none */
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
};

struct eca_opened_records {
    pthread_mutex_t lock;
    size_t count;
    struct place places[];
};

static apr_status_t end(void *opened)
{
    (void)pthread_mutex_destroy(&((struct eca_opened_records *)opened)->lock);
    return APR_SUCCESS;
}

struct eca_opened_records *eca_opened_records_make(apr_pool_t *pool, size_t places)
{
    struct eca_opened_records *opened = apr_pcalloc(pool, sizeof *opened + places * sizeof opened->places[0]);

    opened->count = places;
    if (pthread_mutex_init(&opened->lock, NULL) != 0)
        return NULL;
    apr_pool_cleanup_register(pool, opened, end, apr_pool_cleanup_null);
    return opened;
}

/* Keys begin with a digest's bytes. */
static struct place *place_of(struct eca_opened_records *opened, const uint8_t *key)
{
    uint64_t number;

    memcpy(&number, key, sizeof number);
    return &opened->places[number % opened->count];
}

bool eca_opened_records_has(struct eca_opened_records *opened, const uint8_t *key, struct eca_slice record)
{
    const struct place *place = place_of(opened, key);
    bool has = false;

    pthread_mutex_lock(&opened->lock);
    has = place->length > 0 && place->length == record.length && memcmp(place->key, key, sizeof place->key) == 0
          && memcmp(place->record, record.bytes, record.length) == 0;
    pthread_mutex_unlock(&opened->lock);
    return has;
}

void eca_opened_records_keep(struct eca_opened_records *opened, const uint8_t *key, struct eca_slice record)
{
    struct place *place = place_of(opened, key);

    if (record.length > sizeof place->record)
        return;
    pthread_mutex_lock(&opened->lock);
    place->length = record.length;
    memcpy(place->key, key, sizeof place->key);
    memcpy(place->record, record.bytes, record.length);
    pthread_mutex_unlock(&opened->lock);
}
