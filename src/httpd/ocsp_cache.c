/* SPDX-License-Identifier: Apache-2.0 */
/* Records of fixed layout in memory that httpd's processes share. */
#include "ocsp_cache.h"

#include "socache.h"

#include <apr_strings.h>
#include <string.h>

#define MUTEX_TYPE "eas-ocsp"
#define BYTES 16777216 /* room for 100,000 answers */

struct eca_ocsp_cache {
    bool prepared;
    struct eca_socache answers;
    apr_global_mutex_t *mutex;
};

struct eca_ocsp_cache *eca_ocsp_cache_new(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(struct eca_ocsp_cache));
}

int eca_ocsp_cache_register(apr_pool_t *pool)
{
    return ap_mutex_register(pool, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS ? OK
                                                                                         : HTTP_INTERNAL_SERVER_ERROR;
}

bool eca_ocsp_cache_prepare(struct eca_ocsp_cache *cache, apr_pool_t *pool, apr_pool_t *temporary,
                            struct eca_error *err)
{
    if (ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb", AP_SOCACHE_PROVIDER_VERSION) == NULL)
        return eca_error_set(err, "EASRevocation ocsp keeps answers in mod_socache_shmcb; load it (a2enmod "
                                  "socache_shmcb)");
    cache->prepared = eca_socache_create(
        &cache->answers, pool, temporary, "shmcb",
        apr_psprintf(temporary, "%s(%d)", ap_runtime_dir_relative(temporary, "eas-ocsp"), BYTES - 1), err);
    return cache->prepared;
}

static apr_status_t destroy_answers(void *data)
{
    struct eca_ocsp_cache *cache = data;

    cache->answers.provider->destroy(cache->answers.instance, cache->answers.server);
    return APR_SUCCESS;
}

bool eca_ocsp_cache_open(struct eca_ocsp_cache *cache, apr_pool_t *pool, server_rec *main_server, struct eca_error *err)
{
    static struct ap_socache_hints hints = { ECA_OCSP_KEY_BYTES, sizeof(struct eca_ocsp_kept), 0 };
    char words[120];
    apr_status_t status = APR_SUCCESS;

    if (!cache->prepared)
        return true;
    cache->answers.server = main_server;
    status = ap_global_mutex_create(&cache->mutex, NULL, MUTEX_TYPE, NULL, main_server, pool, 0);
    if (status == APR_SUCCESS)
        status = cache->answers.provider->init(cache->answers.instance, MUTEX_TYPE, &hints, main_server, pool);
    if (status != APR_SUCCESS)
        return eca_error_set(err, "the memory for OCSP answers (%d bytes) and its mutex cannot be made: %s", BYTES,
                             apr_strerror(status, words, sizeof words));
    cache->answers.mutex = cache->mutex;
    apr_pool_cleanup_register(pool, cache, destroy_answers, apr_pool_cleanup_null);
    return true;
}

void eca_ocsp_cache_join(struct eca_ocsp_cache *cache, apr_pool_t *pool)
{
    if (cache->mutex != NULL)
        (void)apr_global_mutex_child_init(&cache->mutex, apr_global_mutex_lockfile(cache->mutex), pool);
    cache->answers.mutex = cache->mutex;
}

bool eca_ocsp_cache_find(struct eca_ocsp_cache *cache, const uint8_t key[ECA_OCSP_KEY_BYTES], struct eca_ocsp_kept *out)
{
    size_t length = sizeof *out;
    apr_pool_t *pool = NULL;
    bool found = false;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return false;
    found = eca_socache_retrieve(&cache->answers, (struct eca_slice){ key, ECA_OCSP_KEY_BYTES }, (uint8_t *)out,
                                 &length, pool)
                == APR_SUCCESS
            && length == sizeof *out;
    apr_pool_destroy(pool);
    return found;
}

void eca_ocsp_cache_store(struct eca_ocsp_cache *cache, const uint8_t key[ECA_OCSP_KEY_BYTES],
                          const struct eca_ocsp_kept *kept)
{
    apr_pool_t *pool = NULL;
    struct eca_ocsp_kept record;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return;
    memset(&record, 0, sizeof record); /* padding included: memory that others read */
    record.answer = kept->answer;
    record.asked = kept->asked;
    (void)eca_socache_store(&cache->answers, (struct eca_slice){ key, ECA_OCSP_KEY_BYTES },
                            (struct eca_slice){ (const uint8_t *)&record, sizeof record },
                            apr_time_from_sec(kept->answer.next_update), pool);
    apr_pool_destroy(pool);
}
