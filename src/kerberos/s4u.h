/* SPDX-License-Identifier: Apache-2.0 */
/* A service ticket in a user's name: S4U2Self and S4U2Proxy (MS-SFU), the identity checked in between. */
#ifndef ECA_S4U_H
#define ECA_S4U_H

#include "account.h"
#include "krb5_error.h"
#include "service_credential.h"
#include "ticket.h"

/*
 * Gets a ticket for `account` (sAMAccountName@REALM of its own domain, as a full principal) to `spn`
 * ("HTTP/exch.example.test", realm optional) and checks that the evidence ticket's PAC carries the account's SID.
 * On DONE *out is a ticket with one reference. On anything else `err` says what to look at, which setting
 * to change where that is known, and *refusal what the KDC said. S4U2Self's ticket need not be forwardable:
 * resource-based delegation takes it so, and only the KDC knows of that. Blocks, up to 27 s per frozen KDC: helper
 * threads only.
 */
enum eca_kerberos_answer eca_s4u_get_ticket(struct eca_service_credential *credential,
                                            const struct eca_account *account, const char *spn, struct eca_ticket **out,
                                            struct eca_krb5_refusal *refusal, struct eca_error *err);

#endif
