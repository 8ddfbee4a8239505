/* SPDX-License-Identifier: Apache-2.0 */
/* From a good certificate to its account. */
#ifndef ECA_FIND_ACCOUNT_H
#define ECA_FIND_ACCOUNT_H

#include "request_context.h"

/*
 * Sets request->facts.account (and, for a malformed key value, facts.certificate) and request->work->account. Waits for
 * the directory at most EASDirectoryTimeout, on a condition, while a helper does the look-up.
 */
void eca_find_account(struct eca_request *request);

/* The same again, past what the cache knew of this certificate (request->cache_key), which is forgotten. */
void eca_find_account_anew(struct eca_request *request);

/* What an account found by certificate or name is worth now: its state, and what EASRemoteUser and the delegation need.
 */
enum eca_account_fact eca_judge_account(struct eca_request *request, const struct eca_account *account);

#endif
