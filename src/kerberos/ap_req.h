/* SPDX-License-Identifier: Apache-2.0 */
/* One token for one request: an AP-REQ as a GSS-API initial token (RFC 4121 4.1) inside SPNEGO (RFC 4178 4.2.1). */
#ifndef ECA_AP_REQ_H
#define ECA_AP_REQ_H

#include "strbuf.h"
#include "ticket.h"

/*
 * Appends the base64 of a fresh token to `out`: "YII…", what follows "Negotiate " (RFC 4559). Every call
 * gives another token (time, sub-key and sequence number). With `stamp` it asks for mutual authentication, and *stamp
 * is what eca_ap_rep_check() has to find in the answer. Never contacts anybody and never blocks: worker threads
 * call it. False with `err`, also when it does not fit.
 */
bool eca_ap_req_make(struct eca_strbuf *out, struct eca_ticket *ticket, int64_t *stamp, struct eca_error *err);

/* Characters of every token made from this ticket; `mutual`: with a stamp. 0 when eca_ap_req_make() fails as well. */
size_t eca_ap_req_text_length(struct eca_ticket *ticket, bool mutual);

#endif
