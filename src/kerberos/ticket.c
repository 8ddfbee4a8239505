/* SPDX-License-Identifier: Apache-2.0 */
/* A service ticket as one block of memory, so that wiping it takes neither libkrb5 nor a krb5_context. */
#include "ticket.h"

#include "hot.h"
#include "session_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Behind `parts` (the components of both names) come the bytes that everything above points to. */
struct eca_ticket {
    atomic_uint references;
    uint64_t number;
    atomic_int_least64_t renewal;    /* when it is to be tried next */
    atomic_int_least64_t stamp;      /* the last one given */
    pthread_mutex_t lock;            /* of these, NULL before their first use: what is made of the rest */
    struct eca_token_form *forms[2]; /* for tokens that ask for no answer, and for those that do */
    struct eca_session_key *sealing, *opening;
    krb5_key key; /* of a type that those do not know */
    size_t size;
    krb5_creds creds;
    krb5_principal_data client;
    krb5_principal_data server;
    krb5_data parts[];
};

#define RENEW_AHEAD_MAX 300 /* seconds */
#define RENEW_AHEAD_PART 5  /* of the lifetime: a fifth */
#define RENEW_ATTEMPTS 5    /* in that time, when they fail */

/* The last number given; 0 is no ticket's. */
static atomic_uint_least64_t last_number;

static size_t count_parts(krb5_const_principal name)
{
    return (size_t)name->length;
}

static size_t count_bytes(krb5_const_principal name)
{
    size_t bytes = name->realm.length;

    for (krb5_int32 i = 0; i < name->length; i++)
        bytes += name->data[i].length;
    return bytes;
}

static void *copy_bytes(uint8_t **free_space, const void *bytes, size_t length)
{
    uint8_t *const copy = *free_space;

    if (length > 0)
        memcpy(copy, bytes, length);
    *free_space += length;
    return copy;
}

static void copy_name(krb5_principal_data *out, krb5_data *parts, uint8_t **free_space, krb5_const_principal name)
{
    *out = *name;
    out->realm.data = copy_bytes(free_space, name->realm.data, name->realm.length);
    out->data = parts;
    for (krb5_int32 i = 0; i < name->length; i++) {
        parts[i] = name->data[i];
        parts[i].data = copy_bytes(free_space, name->data[i].data, name->data[i].length);
    }
}

static int64_t renew_ahead(const struct eca_ticket *ticket)
{
    const int64_t part = (eca_ticket_end(ticket) - eca_ticket_issued(ticket)) / RENEW_AHEAD_PART;

    return part < RENEW_AHEAD_MAX ? part : RENEW_AHEAD_MAX;
}

struct eca_ticket *eca_ticket_create(const krb5_creds *creds)
{
    const size_t parts = count_parts(creds->client) + count_parts(creds->server);
    const size_t size = sizeof(struct eca_ticket) + parts * sizeof(krb5_data) + count_bytes(creds->client)
                        + count_bytes(creds->server) + creds->keyblock.length + creds->ticket.length;
    struct eca_ticket *const ticket = calloc(1, size);
    uint8_t *free_space = NULL;

    if (ticket == NULL)
        return NULL;
    if (pthread_mutex_init(&ticket->lock, NULL) != 0) {
        free(ticket);
        return NULL;
    }
    free_space = (uint8_t *)&ticket->parts[parts];
    atomic_init(&ticket->references, 1);
    ticket->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    ticket->size = size;
    ticket->creds = *creds;
    ticket->creds.addresses = NULL;
    ticket->creds.authdata = NULL;
    memset(&ticket->creds.second_ticket, 0, sizeof ticket->creds.second_ticket);
    copy_name(&ticket->client, ticket->parts, &free_space, creds->client);
    copy_name(&ticket->server, ticket->parts + count_parts(creds->client), &free_space, creds->server);
    ticket->creds.client = &ticket->client;
    ticket->creds.server = &ticket->server;
    ticket->creds.keyblock.contents = copy_bytes(&free_space, creds->keyblock.contents, creds->keyblock.length);
    ticket->creds.ticket.data = copy_bytes(&free_space, creds->ticket.data, creds->ticket.length);
    atomic_init(&ticket->renewal, eca_ticket_end(ticket) - renew_ahead(ticket));
    return ticket;
}

struct eca_ticket *eca_ticket_hold(struct eca_ticket *ticket)
{
    atomic_fetch_add_explicit(&ticket->references, 1, memory_order_relaxed);
    return ticket;
}

void eca_ticket_release(struct eca_ticket *ticket)
{
    if (ticket == NULL || atomic_fetch_sub_explicit(&ticket->references, 1, memory_order_acq_rel) > 1)
        return;
    eca_session_key_close(ticket->sealing);
    eca_session_key_close(ticket->opening);
    eca_token_form_free(ticket->forms[false]);
    eca_token_form_free(ticket->forms[true]);
    krb5_k_free_key(NULL, ticket->key); /* wipes what was derived, too; it has no use for a context */
    (void)pthread_mutex_destroy(&ticket->lock);
    explicit_bzero(ticket, ticket->size);
    free(ticket);
}

int64_t eca_ticket_end(const struct eca_ticket *ticket)
{
    /* libkrb5 counts on through 2038 to 2106 in the same 32 bits. */
    return (int64_t)(uint32_t)ticket->creds.times.endtime;
}

int64_t eca_ticket_issued(const struct eca_ticket *ticket)
{
    const krb5_ticket_times *const times = &ticket->creds.times;

    return (int64_t)(uint32_t)(times->starttime != 0 ? times->starttime : times->authtime);
}

bool eca_ticket_claim_renewal(struct eca_ticket *ticket, int64_t now)
{
    int_least64_t renewal = atomic_load_explicit(&ticket->renewal, memory_order_relaxed);

    return now >= renewal
           && atomic_compare_exchange_strong_explicit(&ticket->renewal, &renewal,
                                                      now + renew_ahead(ticket) / RENEW_ATTEMPTS, memory_order_relaxed,
                                                      memory_order_relaxed);
}

/* With the ticket's lock. NULL: it is libkrb5's to do. */
static struct eca_session_key *session_key(const struct eca_ticket *ticket, struct eca_session_key **kept,
                                           krb5_keyusage usage, bool seals)
{
    if (*kept == NULL)
        *kept = eca_session_key_open(&ticket->creds.keyblock, usage, seals);
    return *kept != NULL && eca_session_key_is_for(*kept, usage) ? *kept : NULL;
}

/* With the ticket's lock. */
static krb5_error_code ready_key(struct eca_ticket *ticket, krb5_context context)
{
    return ticket->key != NULL ? 0 : krb5_k_create_key(context, &ticket->creds.keyblock, &ticket->key);
}

ECA_HOT krb5_error_code eca_ticket_encrypt(struct eca_ticket *ticket, krb5_context context, krb5_keyusage usage,
                                           const krb5_data *plain, krb5_enc_data *out)
{
    struct eca_session_key *key = NULL;
    krb5_error_code code = 0;

    (void)pthread_mutex_lock(&ticket->lock);
    key = session_key(ticket, &ticket->sealing, usage, true);
    code = key != NULL ? eca_session_key_seal(key, plain, out) : ready_key(ticket, context);
    if (key == NULL && code == 0)
        code = krb5_k_encrypt(context, ticket->key, usage, NULL, plain, out);
    (void)pthread_mutex_unlock(&ticket->lock);
    return code;
}

ECA_HOT krb5_error_code eca_ticket_decrypt(struct eca_ticket *ticket, krb5_context context, krb5_keyusage usage,
                                           const krb5_enc_data *sealed, krb5_data *out)
{
    struct eca_session_key *key = NULL;
    krb5_error_code code = 0;

    (void)pthread_mutex_lock(&ticket->lock);
    key = session_key(ticket, &ticket->opening, usage, false);
    code = key != NULL ? eca_session_key_unseal(key, sealed, out) : ready_key(ticket, context);
    if (key == NULL && code == 0)
        code = krb5_k_decrypt(context, ticket->key, usage, NULL, sealed, out);
    (void)pthread_mutex_unlock(&ticket->lock);
    return code;
}

ECA_HOT krb5_error_code eca_ticket_form(struct eca_ticket *ticket, krb5_context context, bool mutual,
                                        const struct eca_token_form **out)
{
    struct eca_token_form **kept = &ticket->forms[mutual];
    krb5_error_code code = 0;

    (void)pthread_mutex_lock(&ticket->lock);
    if (*kept == NULL)
        code = eca_token_form_create(context, &ticket->creds, mutual, kept);
    *out = *kept;
    (void)pthread_mutex_unlock(&ticket->lock);
    return code;
}

ECA_HOT static int64_t next_stamp(int64_t last, int64_t now)
{
    const int64_t stamp = now > last ? now : last + 1;

    return stamp % 1000000 < ECA_TOKEN_MICROSECONDS_MIN ? stamp + ECA_TOKEN_MICROSECONDS_MIN : stamp;
}

ECA_HOT int64_t eca_ticket_take_stamp(struct eca_ticket *ticket, int64_t now)
{
    int_least64_t last = atomic_load_explicit(&ticket->stamp, memory_order_relaxed);
    int_least64_t stamp = 0;

    do
        stamp = next_stamp(last, now);
    while (!atomic_compare_exchange_weak_explicit(&ticket->stamp, &last, stamp, memory_order_relaxed,
                                                  memory_order_relaxed));
    return stamp;
}

uint64_t eca_ticket_number(const struct eca_ticket *ticket)
{
    return ticket->number;
}

const krb5_creds *eca_ticket_creds(const struct eca_ticket *ticket)
{
    return &ticket->creds;
}
