/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EASBackendReuse verified: connections that carry one user's request after another's, kept apart from all others, and
 * each answer on them believed only with the proof that the backend has opened this very request's token.
 */
#ifndef ECA_BACKEND_REUSE_H
#define ECA_BACKEND_REUSE_H

#include "negotiate.h"
#include "request_context.h"
#include "reused_backend.h"

/* The variable that makes mod_proxy close a connection after its request. */
#define ECA_NO_KEEPALIVE "proxy-nokeepalive"

/* One request and the backend it is sent to, in r->pool. */
struct eca_backend_use {
    struct eca_proof *proof;
    bool is_allowed;                    /* nobody said proxy-nokeepalive before us */
    bool unproven;                      /* it went out on a kept connection, and its answer has yet to be proven */
    struct eca_reused_backend *backend; /* NULL: its connection cannot be kept. Below: what a probe needs */
    request_rec *r;
    proxy_worker *worker;
    proxy_server_conf *conf;
    const char *url;
};

/* pre_config: stands before mod_proxy's handlers, when there is a mod_proxy. Registers the probe's filter, too. */
void eca_backend_reuse_register(void);

/* Makes request->use when its section says `verified`. */
void eca_backend_reuse_begin(struct eca_request *request);

/*
 * Whether the answer, of this status, may pass: it came on a connection of its own, or it is proven. Otherwise nothing
 * is kept any more for this backend, which an ERR says once; when eca_backend_reuse_is_early(), not before another
 * probe.
 */
bool eca_backend_reuse_is_proven(struct eca_request *request, request_rec *r, int status);

/*
 * Statuses of a server that fails, or does not like a request's size or form: it says so before it looks at tickets,
 * and what stands in front of it never does.
 */
bool eca_backend_reuse_is_early(int status);

/* log_transaction: once the device has its answer, asks the backend for a proof, if one is due. */
int eca_backend_reuse_probe(request_rec *r);

#endif
