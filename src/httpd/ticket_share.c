/* SPDX-License-Identifier: Apache-2.0 */
/* The shared tickets: how their memory and key are made, and what is believed of a record. */
#include "ticket_share.h"

#include "service.h"
#include "socache.h"
#include "ticket_record.h"

#include <apr_strings.h>
#include <http_log.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

APLOG_USE_MODULE(eas_certauth);

#define MUTEX_TYPE "eas-tickets"
#define BYTES 33554432
#define RECORD_BYTES_USUAL 4096

struct eca_ticket_share {
    bool prepared;
    bool wanted; /* a section delegates with Kerberos */
    struct eca_socache tickets;
    apr_global_mutex_t *mutex;
    uint8_t secret[ECA_TICKET_RECORD_SECRET_BYTES];
};

struct eca_ticket_share *eca_ticket_share_new(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(struct eca_ticket_share));
}

int eca_ticket_share_register(apr_pool_t *pool)
{
    return ap_mutex_register(pool, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS ? OK
                                                                                         : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t wipe_secret(void *secret)
{
    OPENSSL_cleanse(secret, ECA_TICKET_RECORD_SECRET_BYTES);
    return APR_SUCCESS;
}

bool eca_ticket_share_prepare(struct eca_ticket_share *share, apr_pool_t *pool, apr_pool_t *temporary,
                              struct eca_error *err)
{
    share->wanted = true;
    if (ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb", AP_SOCACHE_PROVIDER_VERSION) == NULL)
        return true;
    apr_pool_cleanup_register(pool, share->secret, wipe_secret, apr_pool_cleanup_null);
    if (RAND_bytes(share->secret, sizeof share->secret) != 1)
        return eca_error_set(err, "no random bytes for the shared tickets");
    share->prepared = eca_socache_create(
        &share->tickets, pool, temporary, "shmcb",
        apr_psprintf(temporary, "%s(%d)", ap_runtime_dir_relative(temporary, "eas-tickets"), BYTES - 1), err);
    return share->prepared;
}

static apr_status_t destroy_tickets(void *data)
{
    struct eca_ticket_share *share = data;

    share->tickets.provider->destroy(share->tickets.instance, share->tickets.server);
    return APR_SUCCESS;
}

bool eca_ticket_share_open(struct eca_ticket_share *share, apr_pool_t *pool, server_rec *main_server,
                           struct eca_error *err)
{
    static struct ap_socache_hints hints = { ECA_TICKET_RECORD_KEY_BYTES, RECORD_BYTES_USUAL, 0 };
    char words[120];
    apr_status_t status = APR_SUCCESS;

    if (share->wanted && !share->prepared)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, main_server,
                     "ECA1080: mod_socache_shmcb is not loaded: children do not share Kerberos tickets, each asks the "
                     "KDC for every user");
    if (!share->prepared)
        return true;
    share->tickets.server = main_server;
    status = ap_global_mutex_create(&share->mutex, NULL, MUTEX_TYPE, NULL, main_server, pool, 0);
    if (status != APR_SUCCESS)
        return eca_error_set(err, "the mutex of the shared tickets cannot be made: see the Mutex directive");
    share->tickets.mutex = share->mutex;
    status = share->tickets.provider->init(share->tickets.instance, "eas-tickets", &hints, main_server, pool);
    if (status != APR_SUCCESS)
        return eca_error_set(err, "the memory for shared tickets (%d bytes) cannot be made: %s", BYTES,
                             apr_strerror(status, words, sizeof words));
    apr_pool_cleanup_register(pool, share, destroy_tickets, apr_pool_cleanup_null);
    return true;
}

void eca_ticket_share_join(struct eca_ticket_share *share, apr_pool_t *pool)
{
    if (share->mutex != NULL)
        (void)apr_global_mutex_child_init(&share->mutex, apr_global_mutex_lockfile(share->mutex), pool);
    share->tickets.mutex = share->mutex;
}

/* What one call needs: the cache's key, a pool, and room for a record. */
struct call {
    struct eca_ticket_share *share;
    struct eca_ticket_record_form form;
    uint8_t key[ECA_TICKET_RECORD_KEY_BYTES];
    apr_pool_t *pool;
    uint8_t *record;
};

static bool begin(struct call *call, const struct eca_service *service, const char *sid, const char *spn)
{
    const struct eca_slice scope = { service->ticket_scope, sizeof service->ticket_scope };

    *call = (struct call){ .share = service->share };
    if (call->share == NULL || !call->share->prepared || !eca_ticket_record_key(call->key, scope, sid, spn)
        || apr_pool_create(&call->pool, NULL) != APR_SUCCESS)
        return false;
    call->form = (struct eca_ticket_record_form){ call->share->secret, call->key };
    call->record = malloc(ECA_TICKET_RECORD_MAX);
    if (call->record != NULL)
        return true;
    apr_pool_destroy(call->pool);
    return false;
}

static void end(struct call *call)
{
    free(call->record);
    apr_pool_destroy(call->pool);
}

struct eca_ticket *eca_ticket_share_find(const struct eca_service *service, const char *sid, const char *spn)
{
    size_t length = ECA_TICKET_RECORD_MAX;
    struct eca_ticket *ticket = NULL;
    apr_status_t status = APR_SUCCESS;
    struct call call;

    if (!begin(&call, service, sid, spn))
        return NULL;
    status = eca_socache_retrieve(&call.share->tickets, (struct eca_slice){ call.key, sizeof call.key }, call.record,
                                  &length, call.pool);
    if (status == APR_SUCCESS)
        ticket = eca_ticket_record_open((struct eca_slice){ call.record, length }, &call.form,
                                        apr_time_sec(apr_time_now()));
    end(&call);
    return ticket;
}

void eca_ticket_share_store(const struct eca_service *service, const char *sid, const char *spn,
                            const struct eca_ticket *ticket)
{
    size_t length = 0;
    struct call call;

    if (!begin(&call, service, sid, spn))
        return;
    length = eca_ticket_record_seal(call.record, ticket, &call.form);
    if (length > 0)
        (void)eca_socache_store(&call.share->tickets, (struct eca_slice){ call.key, sizeof call.key },
                                (struct eca_slice){ call.record, length }, apr_time_from_sec(eca_ticket_end(ticket)),
                                call.pool);
    end(&call);
}

void eca_ticket_share_remove(const struct eca_service *service, const char *sid, const char *spn)
{
    struct call call;

    if (!begin(&call, service, sid, spn))
        return;
    (void)eca_socache_remove(&call.share->tickets, (struct eca_slice){ call.key, sizeof call.key }, call.pool);
    end(&call);
}
