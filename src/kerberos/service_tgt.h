/* SPDX-License-Identifier: Apache-2.0 */
/* One generation of the service account's ticket-granting ticket; what service_credential.h does not show of it. */
#ifndef ECA_SERVICE_TGT_H
#define ECA_SERVICE_TGT_H

#include "service_credential.h"

#include <stdint.h>

/* Asks the KDC (AS exchange, RFC 4120 3.1) with the keytab's key. On DONE *out has one reference. Blocks. */
enum eca_kerberos_answer eca_service_tgt_request(const char *keytab, const char *principal,
                                                 struct eca_service_tgt **out, struct eca_error *err);

struct eca_service_tgt *eca_service_tgt_hold(struct eca_service_tgt *tgt);

/* Seconds since 1970. */
int64_t eca_service_tgt_start(const struct eca_service_tgt *tgt);
int64_t eca_service_tgt_end(const struct eca_service_tgt *tgt);

#endif
