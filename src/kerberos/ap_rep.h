/* SPDX-License-Identifier: Apache-2.0 */
/* The proof that a backend has processed one very token: its AP-REP (RFC 4120 3.2.4). */
#ifndef ECA_AP_REP_H
#define ECA_AP_REP_H

#include "ticket.h"

#define ECA_AP_REP_TEXT_MAX 4096 /* characters of base64; an AP-REP has some 200 bytes */

/*
 * `text` is what follows "Negotiate " in the answer's WWW-Authenticate: a NegTokenResp (RFC 4178 4.2.2) or a bare krb5
 * token, in base64. True when it holds an AP-REP made with the key of `ticket` for the token whose eca_ap_req_make()
 * gave `stamp`: nobody can make that without having opened this token. False with `err`. Contacts nobody; worker
 * threads call it.
 */
bool eca_ap_rep_check(struct eca_ticket *ticket, int64_t stamp, const char *text, struct eca_error *err);

#endif
