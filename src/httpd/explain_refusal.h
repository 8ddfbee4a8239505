/* SPDX-License-Identifier: Apache-2.0 */
/* After a KDC's refusal that has several causes: the directory is asked which. */
#ifndef ECA_EXPLAIN_REFUSAL_H
#define ECA_EXPLAIN_REFUSAL_H

#include "exchange.h"
#include "refusal_cause.h"

/*
 * The refusal of a ticket for request->work->account to request->spn, asked for by exchange->delegate. When the code
 * hides its cause and the directory shows it, *reason and *why become those of the cause; otherwise both stay. Waits
 * for the directory at most EASDirectoryTimeout, on a condition, while a helper looks. Refusals are remembered, so this
 * is not done for every request.
 */
void eca_explain_refusal(const struct eca_request *request, const struct eca_exchange *exchange,
                         enum eca_reason *reason, struct eca_error *why);

#endif
