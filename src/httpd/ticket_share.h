/* SPDX-License-Identifier: Apache-2.0 */
/* Users' tickets for all children of this machine, sealed, so that a new child does not ask the KDC again. */
#ifndef ECA_TICKET_SHARE_H
#define ECA_TICKET_SHARE_H

#include "ticket.h"

#include <httpd.h>

struct eca_service;

/* One for the whole server: a member of its configuration. Always shmcb: tickets never leave the machine. */
struct eca_ticket_share;

struct eca_ticket_share *eca_ticket_share_new(apr_pool_t *pool);

/* pre_config: makes its mutex known to the Mutex directive. */
int eca_ticket_share_register(apr_pool_t *pool);

/*
 * check_config, when a section delegates with Kerberos: a key that is nowhere but in memory, another one at each start
 * and reload. False with `err`. Without mod_socache_shmcb nothing is shared, and post_config says so.
 */
bool eca_ticket_share_prepare(struct eca_ticket_share *share, apr_pool_t *pool, apr_pool_t *temporary,
                              struct eca_error *err);

/* post_config: makes the memory. False with `err`. */
bool eca_ticket_share_open(struct eca_ticket_share *share, apr_pool_t *pool, server_rec *main_server,
                           struct eca_error *err);

/* child_init. */
void eca_ticket_share_join(struct eca_ticket_share *share, apr_pool_t *pool);

/*
 * The ticket that another child, or this one, got for this account, service and service account: one reference; or
 * NULL. Threads: any, for all three. Nobody is refused when one of them fails: the KDC is asked instead.
 */
struct eca_ticket *eca_ticket_share_find(const struct eca_service *service, const char *sid, const char *spn);

/* Keeps one to its end; not one of more than 16 KiB. */
void eca_ticket_share_store(const struct eca_service *service, const char *sid, const char *spn,
                            const struct eca_ticket *ticket);

/* The backend refused it. */
void eca_ticket_share_remove(const struct eca_service *service, const char *sid, const char *spn);

#endif
