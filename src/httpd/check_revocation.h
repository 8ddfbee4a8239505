/* SPDX-License-Identifier: Apache-2.0 */
/* EASRevocation: what says whether a certificate is revoked, and asking it on each request. */
#ifndef ECA_CHECK_REVOCATION_H
#define ECA_CHECK_REVOCATION_H

#include "request_context.h"

/* In the parent: whether what EASCRL names is there. Threads: one. */
bool eca_check_revocation_config(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err);

/* In the child, after its directory: makes what the server's EASRevocation wants; asks nobody. False with `err`. */
bool eca_check_revocation_open(struct eca_service *service, const struct eca_server_config *config, server_rec *server,
                               struct eca_error *err);

/* False when a helper was left behind: what it uses must stay. */
bool eca_check_revocation_close(struct eca_service *service);

/*
 * Judges a good certificate and the intermediates above it: it stays GOOD, or becomes REVOKED or REVOCATION_UNKNOWN. On
 * every request, from memory; only where there is no answer yet does it wait for the network, at most
 * ECA_REVOCATION_WAIT.
 */
void eca_check_revocation(struct eca_request *request);

#define ECA_REVOCATION_WAIT apr_time_from_sec(4)

#endif
