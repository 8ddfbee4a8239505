/* SPDX-License-Identifier: Apache-2.0 */
/* What runs for a server: its trust anchors, directory, tickets and the helpers that talk to them. */
#ifndef ECA_SERVICE_H
#define ECA_SERVICE_H

#include "config.h"
#include "job_pool.h"
#include "nt_auth.h"
#include "refusals.h"
#include "reused_backend.h"
#include "service_credential.h"
#include "ticket_cache.h"
#include "verdict.h"

/* Immutable for workers once the child has started; everything in it is safe for any number of threads. */
struct eca_service {
    bool prepared;
    struct eca_trust_anchors *anchors;         /* NULL without EASTrustedIssuers */
    uint8_t directory_digest[32];              /* of everything that says which directory is asked, and how */
    struct eca_verdicts *verdicts;             /* of a child process, with `anchors` */
    uint8_t ticket_scope[32];                  /* of the keytab and principal that get tickets */
    const char *bind_password;                 /* NULL unless `simple` */
    struct eca_revocation_sources *revocation; /* NULL: off */
    struct eca_directory *directory;           /* this and below: of a child process, NULL when `failure` says why */
    struct eca_service_credential *credential; /* NULL when `keytab_failure` says why */
    const char *keytab_failure;
    bool gssproxy;               /* GSSAPI goes through it: there is no credential, and no ticket is kept */
    struct eca_nt_auth *nt_auth; /* NULL without EASNTAuth */
    struct eca_ticket_cache *tickets;
    struct eca_ticket_share *share; /* of the whole server */
    struct eca_refusals *refusals;
    struct eca_reused_backends *reused; /* NULL when out of memory: no connection is kept */
    struct eca_job_pool *directory_jobs;
    struct eca_job_pool *kerberos_jobs;
    const char *failure;
};

/*
 * In the parent, as root: reads what children inherit (trust anchors, the bind password) and tries what
 * they will read themselves (the keytab). Once per configuration, whatever the number of servers that share it. False
 * with `err`.
 */
bool eca_service_prepare(apr_pool_t *pool, const struct eca_server_config *config, bool needs_keytab,
                         struct eca_error *err);

/*
 * In the child, as its user: makes directory, credentials and helpers; connects nowhere. `pool` is the child's; what
 * has to be said later is logged for `server`.
 */
void eca_service_start(apr_pool_t *pool, const struct eca_server_config *config, server_rec *server);

/*
 * Has helpers get what is due, the service account's next ticket-granting ticket and what DNS says of the directory,
 * and waits for nothing. Worker threads.
 */
void eca_service_renew_ahead(const struct eca_service *service);

/*
 * Hands `*job` to the helpers and waits for it at most until `deadline`. True: *job has run and is released by the
 * caller. False: it was not done in time or not started, `err` says of which `server`, and *job is gone.
 */
bool eca_service_await(struct eca_job_pool *pool, struct eca_job **job, apr_time_t deadline, const char *server,
                       struct eca_error *err);

#endif
