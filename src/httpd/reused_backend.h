/* SPDX-License-Identifier: Apache-2.0 */
/* The backends of a child process whose connections may be kept, and which of them have proven that they may. */
#ifndef ECA_REUSED_BACKEND_H
#define ECA_REUSED_BACKEND_H

#include <apr_time.h>
#include <httpd.h>
#include <mod_proxy.h>
#include <stdbool.h>

struct eca_reused_backends;

/* One worker of mod_proxy's. Lives as long as the child; threads: any. */
struct eca_reused_backend;

/* `pool` is the child's. NULL when out of memory. */
struct eca_reused_backends *eca_reused_backends_open(apr_pool_t *pool, server_rec *server);

/* The same one for the same worker; NULL when there are 64 already, or memory is short: its connections are not kept.
 */
struct eca_reused_backend *eca_reused_backend_of(struct eca_reused_backends *backends, const proxy_worker *worker);

/* The worker that keeps connections, NULL unless a probe of the last hour proved that it may. */
proxy_worker *eca_reused_backend_worker(const struct eca_reused_backend *backend, apr_time_t now);

enum eca_backend_proof {
    ECA_BACKEND_PROVEN,     /* both answers of a probe: it is good for an hour */
    ECA_BACKEND_UNANSWERED, /* it says nothing about the backend: again in a minute */
    ECA_BACKEND_EARLY,      /* a user's answer is eca_backend_reuse_is_early(): nothing is kept before a probe */
    ECA_BACKEND_DISPROVEN,  /* an answer without proof: nothing is kept for the rest of the child's life */
};

/*
 * Whether a probe is due, which it is from 5 minutes before the last one's hour is over. True for one caller, which
 * makes it and says what came of it.
 */
bool eca_reused_backend_claim_probe(struct eca_reused_backend *backend, apr_time_t now);

/* What a probe, or a user's answer, says. True when it is news: it changes something. */
bool eca_reused_backend_conclude(struct eca_reused_backend *backend, enum eca_backend_proof proof, apr_time_t now);

#endif
