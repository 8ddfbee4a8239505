/* SPDX-License-Identifier: Apache-2.0 */
/* The backend of a delegated request: its connection, and what of its answer may reach the device. */
#ifndef ECA_BACKEND_H
#define ECA_BACKEND_H

#include "request_context.h"

#define ECA_HEADERS_TOO_LARGE 431 /* RFC 6585 5 */

/*
 * Makes mod_proxy close the connection after `r`, which carries an identity, unless backend_reuse.h keeps it; judges
 * the answer before it goes out.
 */
void eca_backend_guard(struct eca_request *request, request_rec *r);

/* Whether what mod_proxy passes on is an answer, not an error bucket: its way to say that the backend broke. */
bool eca_backend_answer_came(const apr_bucket_brigade *brigade);

/* mod_proxy's request_status hook: an answer that ProxyErrorOverride swallowed. */
int eca_backend_judge_status(int *status, request_rec *r);

/* Registers the output filter that judges the answer. */
void eca_backend_register_filter(void);

#endif
