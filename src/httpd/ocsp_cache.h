/* SPDX-License-Identifier: Apache-2.0 */
/* What OCSP responders answered, for all children of this machine. */
#ifndef ECA_OCSP_CACHE_H
#define ECA_OCSP_CACHE_H

#include "ocsp.h"

#include <httpd.h>

/* One for the whole server: a member of its configuration. Always shmcb: only httpd's own processes write it. */
struct eca_ocsp_cache;

/* With the moment at which it came, microseconds since 1970. */
struct eca_ocsp_kept {
    struct eca_ocsp_answer answer;
    apr_time_t asked;
};

struct eca_ocsp_cache *eca_ocsp_cache_new(apr_pool_t *pool);

/* pre_config: makes its mutex known to the Mutex directive. */
int eca_ocsp_cache_register(apr_pool_t *pool);

/* check_config, when a server says EASRevocation ocsp. False with `err`, also without mod_socache_shmcb. */
bool eca_ocsp_cache_prepare(struct eca_ocsp_cache *cache, apr_pool_t *pool, apr_pool_t *temporary,
                            struct eca_error *err);

/* post_config: makes the memory. False with `err`. */
bool eca_ocsp_cache_open(struct eca_ocsp_cache *cache, apr_pool_t *pool, server_rec *main_server,
                         struct eca_error *err);

/* child_init. */
void eca_ocsp_cache_join(struct eca_ocsp_cache *cache, apr_pool_t *pool);

/* Both: any thread; what fails is as if nothing was kept. */
bool eca_ocsp_cache_find(struct eca_ocsp_cache *cache, const uint8_t key[ECA_OCSP_KEY_BYTES],
                         struct eca_ocsp_kept *out);
void eca_ocsp_cache_store(struct eca_ocsp_cache *cache, const uint8_t key[ECA_OCSP_KEY_BYTES],
                          const struct eca_ocsp_kept *kept);

#endif
