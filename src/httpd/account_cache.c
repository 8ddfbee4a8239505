/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of accounts and the one of misses beside it: how they are made, and what may be believed of them. */
#include "account_cache.h"

#include "config.h"
#include "opened_records.h"
#include "socache.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_log.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unixd.h>

APLOG_USE_MODULE(eas_certauth);

#define MUTEX_TYPE "eas-cache"
#define ACCOUNTS_BYTES 67108864
#define MISSES_BYTES 4194304
#define RECORD_BYTES_USUAL 300
#define REMOTE_HELPERS 4
#define REMOTE_QUEUE 256
#define PROBE_INTERVAL apr_time_from_sec(2)
#define SHUTDOWN_PATIENCE apr_time_from_msec(500)
#define SECRET_FILE_MAX 4096
#define SECRET_FILE_MIN 32
#define QUIET_SECONDS 60
#define OPENED_PLACES 1024 /* half a megabyte of a child when all are used */

/* Strangers' certificates fill `misses` and never push out an account. */
struct eca_account_cache {
    bool prepared; /* and below: zeroed without a section of ours, or with EASCache none */
    struct eca_socache accounts, misses;
    apr_global_mutex_t *mutex;
    struct eca_job_pool *jobs; /* of this child, for a provider that may be elsewhere */
    struct eca_account_seal *seal;
    struct eca_opened_records *opened; /* of this child */
    struct eca_cache_ttl ttl;
    bool remote;
    apr_uint32_t last_told; /* when an error was last written to the log */
};

struct eca_account_cache *eca_account_cache_new(apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(struct eca_account_cache));
}

int eca_account_cache_register(apr_pool_t *pool)
{
    return ap_mutex_register(pool, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0) == APR_SUCCESS ? OK
                                                                                         : HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t close_seal(void *seal)
{
    eca_account_seal_close(seal);
    return APR_SUCCESS;
}

/* The digest of the file's content, so that any encoding of enough random bytes will do. */
static bool read_secret(uint8_t *secret, apr_pool_t *temporary, const char *path, struct eca_error *err)
{
    const apr_fileperms_t others = APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_WREAD | APR_FPROT_WWRITE;
    uint8_t content[SECRET_FILE_MAX + 1];
    apr_size_t length = sizeof content;
    apr_file_t *file = NULL;
    apr_finfo_t info = { 0 };

    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, temporary) != APR_SUCCESS)
        return eca_error_set(err, "EASCacheKeyFile: %s cannot be read", path);
    if (apr_file_info_get(&info, APR_FINFO_PROT, file) != APR_SUCCESS || (info.protection & others) != 0) {
        apr_file_close(file);
        return eca_error_set(err, "EASCacheKeyFile: %s can be read by others; chmod 600 it", path);
    }
    if (apr_file_read(file, content, &length) != APR_SUCCESS)
        length = 0;
    apr_file_close(file);
    if (length >= SECRET_FILE_MIN && length <= SECRET_FILE_MAX)
        SHA256(content, length, secret);
    explicit_bzero(content, sizeof content);
    return (length >= SECRET_FILE_MIN && length <= SECRET_FILE_MAX)
           || eca_error_set(err, "EASCacheKeyFile: %s holds no %d to %d bytes; write it with openssl rand -hex 32",
                            path, SECRET_FILE_MIN, SECRET_FILE_MAX);
}

static bool make_secret(struct eca_account_cache *cache, apr_pool_t *pool, apr_pool_t *temporary, const char *path,
                        struct eca_error *err)
{
    uint8_t secret[ECA_ACCOUNT_RECORD_SECRET_BYTES];

    if (path != NULL && !read_secret(secret, temporary, path, err))
        return false;
    if (path == NULL && RAND_bytes(secret, sizeof secret) != 1)
        return eca_error_set(err, "no random bytes for the cache");
    cache->seal = eca_account_seal_open(secret);
    explicit_bzero(secret, sizeof secret);
    if (cache->seal == NULL)
        return eca_error_set(err, "libcrypto has no HMAC with SHA-256");
    apr_pool_cleanup_register(pool, cache->seal, close_seal, apr_pool_cleanup_null);
    return true;
}

/* shmcb's default would be half a megabyte, and its file's name the same for both. */
static const char *shmcb_arguments(apr_pool_t *pool, const char *given, const char *name, int bytes)
{
    const char *size = given == NULL ? NULL : strrchr(given, '(');

    if (given == NULL || *given == '\0')
        return apr_psprintf(pool, "%s(%d)", ap_runtime_dir_relative(pool, name), bytes);
    if (strcmp(name, "eas-accounts") == 0)
        return given;
    return apr_psprintf(pool, "%.*s-misses(%d)", (int)(size == NULL ? strlen(given) : (size_t)(size - given)), given,
                        bytes);
}

static bool create(struct eca_account_cache *cache, apr_pool_t *pool, apr_pool_t *temporary, const char *setting,
                   struct eca_error *err)
{
    const char *colon = strchr(setting, ':');
    const char *provider = colon == NULL ? setting : apr_pstrmemdup(temporary, setting, (apr_size_t)(colon - setting));
    const char *accounts = colon == NULL ? NULL : colon + 1;
    const char *misses = accounts;

    cache->remote = eca_socache_is_remote(provider);
    if (strcmp(provider, "shmcb") == 0) {
        misses = shmcb_arguments(temporary, accounts, "eas-misses", MISSES_BYTES);
        accounts = shmcb_arguments(temporary, accounts, "eas-accounts", ACCOUNTS_BYTES - 1);
    } else if (strcmp(provider, "dbm") == 0 && accounts != NULL) {
        misses = apr_pstrcat(temporary, accounts, "-misses", NULL);
    }
    return eca_socache_create(&cache->accounts, pool, temporary, provider, accounts, err)
           && eca_socache_create(&cache->misses, pool, temporary, provider, misses, err);
}

bool eca_account_cache_prepare(apr_pool_t *pool, apr_pool_t *temporary, const struct eca_server_config *main_config,
                               struct eca_error *err)
{
    struct eca_account_cache *cache = main_config->accounts;

    cache->ttl = main_config->cache_ttl;
    if (strcmp(main_config->cache, "none") == 0)
        return true;
    if (!create(cache, pool, temporary, main_config->cache, err))
        return false;
    if (cache->remote && main_config->cache_key_file == NULL)
        return eca_error_set(err,
                             "EASCache %s needs EASCacheKeyFile: whoever can write to that cache could choose a "
                             "mailbox; write 32 random bytes into a file, the same on all nodes",
                             main_config->cache);
    cache->prepared = make_secret(cache, pool, temporary, main_config->cache_key_file, err);
    return cache->prepared;
}

static apr_status_t destroy_caches(void *data)
{
    struct eca_account_cache *cache = data;

    cache->accounts.provider->destroy(cache->accounts.instance, cache->accounts.server);
    cache->misses.provider->destroy(cache->misses.instance, cache->misses.server);
    return APR_SUCCESS;
}

static bool open_one(struct eca_socache *one, const char *name, apr_pool_t *pool, server_rec *server,
                     struct eca_error *err)
{
    static struct ap_socache_hints hints = { ECA_ACCOUNT_RECORD_KEY_BYTES, RECORD_BYTES_USUAL, 0 };
    char words[120];
    apr_status_t status;

    one->server = server;
    status = one->provider->init(one->instance, name, &hints, server, pool);
    return status == APR_SUCCESS
           || eca_error_set(err, "EASCache: the cache %s cannot be made: %s", name,
                            apr_strerror(status, words, sizeof words));
}

bool eca_account_cache_open(apr_pool_t *pool, server_rec *main_server, struct eca_error *err)
{
    struct eca_account_cache *cache = eca_server_config_of(main_server)->accounts;
    const bool needs_mutex = cache->prepared && (cache->accounts.provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0;

    if (!cache->prepared)
        return true;
    if (needs_mutex
        && ap_global_mutex_create(&cache->mutex, NULL, MUTEX_TYPE, NULL, main_server, pool, 0) != APR_SUCCESS)
        return eca_error_set(err, "EASCache: its mutex cannot be made; see the Mutex directive");
    cache->accounts.mutex = cache->misses.mutex = cache->mutex;
    if (!open_one(&cache->accounts, "eas-accounts", pool, main_server, err)
        || !open_one(&cache->misses, "eas-misses", pool, main_server, err))
        return false;
    apr_pool_cleanup_register(pool, cache, destroy_caches, apr_pool_cleanup_null);
    return true;
}

static apr_status_t stop_jobs(void *data)
{
    (void)eca_job_pool_close(data, SHUTDOWN_PATIENCE);
    return APR_SUCCESS;
}

void eca_account_cache_join(apr_pool_t *pool, server_rec *main_server)
{
    struct eca_account_cache *cache = eca_server_config_of(main_server)->accounts;

    if (!cache->prepared)
        return;
    if (cache->mutex != NULL)
        (void)apr_global_mutex_child_init(&cache->mutex, apr_global_mutex_lockfile(cache->mutex), pool);
    cache->accounts.mutex = cache->misses.mutex = cache->mutex;
    cache->opened = eca_opened_records_make(pool, OPENED_PLACES);
    cache->prepared = cache->opened != NULL;
    if (!cache->remote || !cache->prepared)
        return;
    cache->jobs = eca_job_pool_create(REMOTE_HELPERS, REMOTE_QUEUE, PROBE_INTERVAL);
    cache->prepared = cache->jobs != NULL;
    cache->accounts.jobs = cache->misses.jobs = cache->jobs;
    if (cache->jobs != NULL)
        apr_pool_cleanup_register(pool, cache->jobs, stop_jobs, apr_pool_cleanup_null);
}

/* The caller goes on without: an error of a cache is nobody's refusal. */
static void tell(struct eca_account_cache *cache, request_rec *r, const char *doing, apr_status_t status)
{
    const apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());
    const apr_uint32_t last = apr_atomic_read32(&cache->last_told);

    if (status == APR_SUCCESS || status == APR_NOTFOUND || (last != 0 && now - last < QUIET_SECONDS)
        || apr_atomic_cas32(&cache->last_told, now, last) != last)
        return;
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, status, r,
                  "ECA3030: EASCache: %s failed; accounts are looked up in the directory instead (told once a minute)",
                  doing);
}

static bool open_record(struct eca_finding *out, const struct eca_account_cache *cache, struct eca_slice record,
                        const struct eca_account_record_form *form)
{
    const int64_t now = apr_time_sec(apr_time_now());

    if (eca_opened_records_has(cache->opened, form->key, record))
        return eca_account_record_read_again(out, record, form, now);
    if (!eca_account_record_read(out, record, form, now))
        return false;
    eca_opened_records_keep(cache->opened, form->key, record);
    return true;
}

static bool read_from(struct eca_finding *out, struct eca_account_cache *cache, struct eca_socache *one, request_rec *r,
                      const struct eca_account_record_form *form)
{
    const struct eca_slice key = { form->key, ECA_ACCOUNT_RECORD_KEY_BYTES };
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
    size_t length = sizeof record;
    const apr_status_t status = eca_socache_retrieve(one, key, record, &length, r->pool);

    tell(cache, r, "reading", status);
    return status == APR_SUCCESS && open_record(out, cache, (struct eca_slice){ record, length }, form);
}

enum eca_cache_age eca_account_cache_find(struct eca_finding *out, request_rec *r, const uint8_t *key,
                                          enum eca_remote_user form)
{
    struct eca_account_cache *cache = eca_server_config_of(r->server)->accounts;
    const struct eca_account_record_form bound = { key, cache->seal, form };
    const int64_t now = apr_time_sec(apr_time_now());

    if (!cache->prepared)
        return ECA_CACHE_NONE;
    if (read_from(out, cache, &cache->accounts, r, &bound) && out->fact == ECA_ACCOUNT_USABLE) {
        if (now - out->found_at < cache->ttl.found)
            return ECA_CACHE_FRESH;
        return now - out->found_at < cache->ttl.found + cache->ttl.stale ? ECA_CACHE_STALE : ECA_CACHE_NONE;
    }
    if (read_from(out, cache, &cache->misses, r, &bound) && out->fact != ECA_ACCOUNT_USABLE
        && now - out->found_at < cache->ttl.notfound)
        return ECA_CACHE_FRESH;
    return ECA_CACHE_NONE;
}

void eca_account_cache_remove(request_rec *r, const uint8_t *key)
{
    struct eca_account_cache *cache = eca_server_config_of(r->server)->accounts;

    if (cache->prepared)
        tell(cache, r, "removing",
             eca_socache_remove(&cache->accounts, (struct eca_slice){ key, ECA_ACCOUNT_RECORD_KEY_BYTES }, r->pool));
}

void eca_account_cache_store(request_rec *r, const uint8_t *key, enum eca_remote_user form, struct eca_finding *finding)
{
    struct eca_account_cache *cache = eca_server_config_of(r->server)->accounts;
    const struct eca_account_record_form bound = { key, cache->seal, form };
    const bool found = finding->fact == ECA_ACCOUNT_USABLE;
    const int lifetime = found ? cache->ttl.found + cache->ttl.stale : cache->ttl.notfound;
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];
    size_t length = 0;

    if (!cache->prepared)
        return;
    if (!found) /* what the directory no longer says must not serve while it is silent */
        eca_account_cache_remove(r, key);
    if (lifetime == 0)
        return;
    finding->found_at = apr_time_sec(apr_time_now());
    length = eca_account_record_write(record, finding, &bound);
    if (length > 0)
        tell(cache, r, "storing",
             eca_socache_store(
                 found ? &cache->accounts : &cache->misses, (struct eca_slice){ key, ECA_ACCOUNT_RECORD_KEY_BYTES },
                 (struct eca_slice){ record, length }, apr_time_now() + apr_time_from_sec(lifetime), r->pool));
}
