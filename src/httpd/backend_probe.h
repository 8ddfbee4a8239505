/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a backend looks at each token, tried where a wrong answer harms nobody. */
#ifndef ECA_BACKEND_PROBE_H
#define ECA_BACKEND_PROBE_H

#include "backend_reuse.h"

/* The filters, and a pre_connection hook. */
void eca_backend_probe_register(void);

/*
 * Sends two OPTIONS with two tokens of the request's user, on one connection that nobody else uses: proven when both
 * answers are. Otherwise `err` says what was wrong. Takes at most some 10 s, however slow the backend is.
 */
enum eca_backend_proof eca_backend_probe(struct eca_request *request, struct eca_error *err);

#endif
