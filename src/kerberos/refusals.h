/* SPDX-License-Identifier: Apache-2.0 */
/* What a KDC refused a moment ago, so that it is not asked the same for every request. */
#ifndef ECA_REFUSALS_H
#define ECA_REFUSALS_H

#include "error.h"
#include "reason.h"

#include <stddef.h>
#include <stdint.h>

struct eca_refusals;

/* Place for about `capacity` refusals; a new one may take another's place. NULL when out of memory. */
struct eca_refusals *eca_refusals_open(size_t capacity);

/* No other call may be under way. NULL is allowed. */
void eca_refusals_close(struct eca_refusals *refusals);

/* Keeps why this account gets no ticket to this service, until `until` (seconds since 1970). Threads: any. */
void eca_refusals_store(struct eca_refusals *refusals, const char *sid, const char *spn, enum eca_reason reason,
                        const struct eca_error *why, int64_t until);

/* False when nothing is known, or no longer. Threads: any. */
bool eca_refusals_find(struct eca_refusals *refusals, const char *sid, const char *spn, int64_t now,
                       enum eca_reason *reason, struct eca_error *why);

#endif
