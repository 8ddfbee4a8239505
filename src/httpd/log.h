/* SPDX-License-Identifier: Apache-2.0 */
/* The decision line: key=value, the same keys in the same order. */
#ifndef ECA_LOG_H
#define ECA_LOG_H

#include "request_context.h"

/*
 * Writes the line of the request's reason. INFO for a grant and for `credentials-required`, NOTICE for a
 * refusal; ERR for what an administrator must repair, but only the first of each reason per minute and
 * child: the next line at ERR says how many came in between, which are at INFO.
 */
void eca_log_decision(struct eca_request *request);

/*
 * Says that kept accounts serve while the directory does not answer: WARN, once a minute and child, with how many
 * requests there were in between, and the directory's failure so far in `detail`.
 */
void eca_log_stale(const struct eca_request *request);

/*
 * The backend answered `status` to a request whose Authorization header is so long that this may be why: WARN, once a
 * minute and child.
 */
void eca_log_big_token(const struct eca_request *request, int status);

#endif
