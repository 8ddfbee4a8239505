/* SPDX-License-Identifier: Apache-2.0 */
/* What look-ups found, kept in a cache of httpd's (any socache provider) for all children, and on request all nodes. */
#ifndef ECA_ACCOUNT_CACHE_H
#define ECA_ACCOUNT_CACHE_H

#include "account_record.h"

#include <httpd.h>

struct eca_server_config;

/* One for the whole server: a member of its configuration. */
struct eca_account_cache;

struct eca_account_cache *eca_account_cache_new(apr_pool_t *pool);

/* pre_config: makes its mutex known to the Mutex directive. */
int eca_account_cache_register(apr_pool_t *pool);

/*
 * check_config, as root: EASCache, EASCacheKeyFile and EASCacheTTL of the main server. False with the sentence for the
 * administrator. Without a section of ours nothing is made.
 */
bool eca_account_cache_prepare(apr_pool_t *pool, apr_pool_t *temporary, const struct eca_server_config *main_config,
                               struct eca_error *err);

/* post_config: makes the cache; what was in the one of an earlier start is gone. False with `err`. */
bool eca_account_cache_open(apr_pool_t *pool, server_rec *main_server, struct eca_error *err);

/* child_init. */
void eca_account_cache_join(apr_pool_t *pool, server_rec *main_server);

enum eca_cache_age {
    ECA_CACHE_NONE,  /* there is nothing, or nothing that may be believed */
    ECA_CACHE_FRESH, /* as good as asking */
    ECA_CACHE_STALE, /* found, and young enough to serve while the directory does not answer */
};

/*
 * Looks for a finding under `key` (ECA_ACCOUNT_RECORD_KEY_BYTES), for an EASRemoteUser of this form. A provider on
 * another machine is waited for at most a quarter of a second, and not at all after it failed; an error is told once a
 * minute and is ECA_CACHE_NONE. Threads: any, for all three.
 */
enum eca_cache_age eca_account_cache_find(struct eca_finding *out, request_rec *r, const uint8_t *key,
                                          enum eca_remote_user form);

/* Keeps a finding; found_at is set to now. What does not fit is not kept. */
void eca_account_cache_store(request_rec *r, const uint8_t *key, enum eca_remote_user form,
                             struct eca_finding *finding);

/* Takes it out again. */
void eca_account_cache_remove(request_rec *r, const uint8_t *key);

#endif
