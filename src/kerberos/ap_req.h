/* SPDX-License-Identifier: Apache-2.0 */
/* One token for one request: an AP-REQ as a GSS-API initial token (RFC 4121 4.1) inside SPNEGO (RFC 4178 4.2.1). */
#ifndef ECA_AP_REQ_H
#define ECA_AP_REQ_H

#include "strbuf.h"
#include "ticket.h"

/*
 * Appends the base64 of a fresh token to `out`: "YII…", what follows "Negotiate " (RFC 4559). Every call
 * gives another token (time, sub-key and sequence number). Never contacts anybody and never blocks: worker threads
 * call it; it keeps one krb5_context per thread. False with `err`, also when it does not fit.
 */
bool eca_ap_req_make(struct eca_strbuf *out, const struct eca_ticket *ticket, struct eca_error *err);

/* Characters that are enough for any token made from this ticket. */
size_t eca_ap_req_text_max(const struct eca_ticket *ticket);

#endif
