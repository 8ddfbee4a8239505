/* SPDX-License-Identifier: Apache-2.0 */
/* The service tickets of a child process: a chained hash table and one list in the order of use, under one mutex. */
#include "ticket_cache.h"

#include "hot.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next_in_bucket;
    struct entry *newer;
    struct entry *older;
    struct eca_ticket *ticket;
    uint64_t hash;
    size_t key_length;
    char key[]; /* SID, NUL, SPN */
};

#define SERVICES_MAX 32   /* whose SPNs are told apart; a configuration has one or a few */
#define DISTRUST_PAUSE 60 /* seconds: one node of a backend with an old key must not empty the cache all the time */

/* What the backends have said of a service's tickets. */
struct service {
    char *spn;
    int64_t worked;        /* when the newest ticket that was accepted had been issued */
    int64_t refused;       /* tickets issued until then are not given out */
    int64_t next_distrust; /* not before that moment `refused` is raised again */
};

struct eca_ticket_cache {
    pthread_mutex_t mutex;
    struct service services[SERVICES_MAX];
    size_t next_service; /* whose place the next new one takes */
    size_t capacity;
    size_t count;
    struct entry *newest;
    struct entry *oldest;
    size_t bucket_count; /* a power of two */
    struct entry *buckets[];
};

/* A key as the caller has it: two texts, not yet one. */
struct key {
    const char *sid;
    const char *spn;
    size_t sid_size; /* with its NUL */
    size_t spn_length;
    uint64_t hash;
};

/* FNV-1a: nobody outside chooses SIDs or SPNs, so it need not withstand an attacker. */
static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

ECA_HOT static struct key make_key(const char *sid, const char *spn)
{
    struct key key = { .sid = sid, .spn = spn, .sid_size = strlen(sid) + 1, .spn_length = strlen(spn) };

    key.hash = hash_bytes(UINT64_C(0xcbf29ce484222325), sid, key.sid_size);
    key.hash = hash_bytes(key.hash, spn, key.spn_length);
    return key;
}

static bool has_key(const struct entry *entry, const struct key *key)
{
    return entry->hash == key->hash && entry->key_length == key->sid_size + key->spn_length
           && memcmp(entry->key, key->sid, key->sid_size) == 0
           && memcmp(entry->key + key->sid_size, key->spn, key->spn_length) == 0;
}

static struct entry **bucket_of(struct eca_ticket_cache *cache, uint64_t hash)
{
    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

ECA_HOT static struct entry *find_entry(struct eca_ticket_cache *cache, const struct key *key)
{
    struct entry *entry = *bucket_of(cache, key->hash);

    while (entry != NULL && !has_key(entry, key))
        entry = entry->next_in_bucket;
    return entry;
}

static void list_remove(struct eca_ticket_cache *cache, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void list_put_first(struct eca_ticket_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void remove_entry(struct eca_ticket_cache *cache, struct entry *entry)
{
    struct entry **link = bucket_of(cache, entry->hash);

    while (*link != entry)
        link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
    list_remove(cache, entry);
    cache->count--;
    eca_ticket_release(entry->ticket);
    free(entry);
}

static struct entry *add_entry(struct eca_ticket_cache *cache, const struct key *key)
{
    struct entry **const bucket = bucket_of(cache, key->hash);
    struct entry *const entry = calloc(1, sizeof *entry + key->sid_size + key->spn_length);

    if (entry == NULL)
        return NULL;
    entry->hash = key->hash;
    entry->key_length = key->sid_size + key->spn_length;
    memcpy(entry->key, key->sid, key->sid_size);
    memcpy(entry->key + key->sid_size, key->spn, key->spn_length);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    list_put_first(cache, entry);
    cache->count++;
    return entry;
}

static struct service *find_service(struct eca_ticket_cache *cache, const char *spn)
{
    for (size_t i = 0; i < SERVICES_MAX; i++) {
        if (cache->services[i].spn != NULL && strcmp(cache->services[i].spn, spn) == 0)
            return &cache->services[i];
    }
    return NULL;
}

static struct service *add_service(struct eca_ticket_cache *cache, const char *spn)
{
    struct service *const service = &cache->services[cache->next_service];

    cache->next_service = (cache->next_service + 1) % SERVICES_MAX;
    free(service->spn);
    *service = (struct service){ .spn = strdup(spn), .refused = -1 };
    return service->spn != NULL ? service : NULL;
}

static bool is_distrusted(struct eca_ticket_cache *cache, const char *spn, const struct eca_ticket *ticket)
{
    const struct service *const service = find_service(cache, spn);

    return service != NULL && eca_ticket_issued(ticket) <= service->refused;
}

struct eca_ticket_cache *eca_ticket_cache_open(size_t capacity)
{
    struct eca_ticket_cache *cache = NULL;
    size_t buckets = 1;

    if (capacity > SIZE_MAX / 4 / sizeof cache->buckets[0])
        return NULL;
    while (buckets < capacity)
        buckets *= 2;
    cache = calloc(1, sizeof *cache + buckets * sizeof cache->buckets[0]);
    if (cache == NULL)
        return NULL;
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) {
        free(cache);
        return NULL;
    }
    cache->capacity = capacity;
    cache->bucket_count = buckets;
    return cache;
}

void eca_ticket_cache_close(struct eca_ticket_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->oldest != NULL)
        remove_entry(cache, cache->oldest);
    for (size_t i = 0; i < SERVICES_MAX; i++)
        free(cache->services[i].spn);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

ECA_HOT struct eca_ticket *eca_ticket_cache_find(struct eca_ticket_cache *cache, const char *sid, const char *spn,
                                                 int64_t now, int64_t margin)
{
    const struct key key = make_key(sid, spn);
    struct eca_ticket *ticket = NULL;
    struct entry *entry = NULL;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, &key);
    if (entry != NULL && (eca_ticket_end(entry->ticket) - margin <= now || is_distrusted(cache, spn, entry->ticket))) {
        remove_entry(cache, entry);
    } else if (entry != NULL) {
        list_remove(cache, entry);
        list_put_first(cache, entry);
        ticket = eca_ticket_hold(entry->ticket);
    }
    pthread_mutex_unlock(&cache->mutex);
    return ticket;
}

void eca_ticket_cache_store(struct eca_ticket_cache *cache, const char *sid, const char *spn, struct eca_ticket *ticket)
{
    const struct key key = make_key(sid, spn);
    struct entry *entry = NULL;

    if (cache->capacity == 0)
        return;
    /* Before the exchange: both may be the same ticket. */
    eca_ticket_hold(ticket);
    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, &key);
    if (entry != NULL)
        remove_entry(cache, entry);
    else if (cache->count == cache->capacity)
        remove_entry(cache, cache->oldest);
    entry = add_entry(cache, &key);
    if (entry != NULL)
        entry->ticket = ticket;
    pthread_mutex_unlock(&cache->mutex);
    if (entry == NULL)
        eca_ticket_release(ticket);
}

ECA_HOT void eca_ticket_cache_confirm(struct eca_ticket_cache *cache, const char *spn, int64_t issued)
{
    struct service *service = NULL;

    pthread_mutex_lock(&cache->mutex);
    service = find_service(cache, spn);
    if (service == NULL)
        service = add_service(cache, spn);
    if (service != NULL && service->worked < issued)
        service->worked = issued;
    pthread_mutex_unlock(&cache->mutex);
}

/* Newer tickets are accepted and this one is not: the service has another key since, and refuses all of its age. */
static void distrust(struct eca_ticket_cache *cache, const char *spn, const struct eca_ticket *ticket, int64_t now)
{
    struct service *const service = find_service(cache, spn);
    const int64_t issued = eca_ticket_issued(ticket);

    if (service == NULL || issued >= service->worked || issued <= service->refused || now < service->next_distrust)
        return;
    service->refused = issued;
    service->next_distrust = now + DISTRUST_PAUSE;
}

void eca_ticket_cache_drop(struct eca_ticket_cache *cache, const char *sid, const char *spn, uint64_t number,
                           int64_t now)
{
    const struct key key = make_key(sid, spn);
    struct entry *entry = NULL;

    pthread_mutex_lock(&cache->mutex);
    entry = find_entry(cache, &key);
    if (entry != NULL && eca_ticket_number(entry->ticket) == number) {
        distrust(cache, spn, entry->ticket, now);
        remove_entry(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
}
