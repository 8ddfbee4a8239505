/* SPDX-License-Identifier: Apache-2.0 */
/* `Negotiate` (RFC 4559) with a backend: the token of a request, and the proof in its answer. */
#ifndef ECA_NEGOTIATE_H
#define ECA_NEGOTIATE_H

#include "ticket.h"

#include <httpd.h>

#define ECA_NEGOTIATE "Negotiate " /* before the token, in a header's value */

/* What an answer's AP-REP is checked with. One thread at a time. */
struct eca_proof {
    struct eca_ticket *ticket; /* held; NULL before the first token */
    int64_t stamp;
};

/* The ticket that it will hold is released with `pool`. */
struct eca_proof *eca_negotiate_new_proof(apr_pool_t *pool);

/*
 * The value of an Authorization header with a fresh token, in `pool`. With `proof` it asks the backend for mutual
 * authentication, and `proof` is from now on about this token. NULL with `err`.
 */
const char *eca_negotiate_make_token(apr_pool_t *pool, struct eca_ticket *ticket, struct eca_proof *proof,
                                     struct eca_error *err);

/* Whether one of the WWW-Authenticate headers is the token's own AP-REP. False with `err`. */
bool eca_negotiate_is_proven(const apr_table_t *headers, const struct eca_proof *proof, struct eca_error *err);

#endif
