/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a certificate's revocation, whoever says it. */
#ifndef ECA_REVOCATION_H
#define ECA_REVOCATION_H

#include "error.h"

#include <stdint.h>

enum eca_revocation {
    ECA_REVOCATION_GOOD,
    ECA_REVOCATION_REVOKED,
    ECA_REVOCATION_UNKNOWN, /* nobody could say: no list, an old one, no answer */
};

#define ECA_REVOCATION_TIME_BYTES 32

/* "2026-11-22T03:14Z" of seconds since 1970. */
void eca_revocation_write_time(char out[ECA_REVOCATION_TIME_BYTES], int64_t seconds);

/* "revoked since 2026-11-22T03:14Z, keyCompromise"; `why` is a CRLReason (RFC 5280 5.3.1) or -1. */
void eca_revocation_say(struct eca_error *err, int64_t since, int why);

#endif
