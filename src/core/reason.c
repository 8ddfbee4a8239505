/* SPDX-License-Identifier: Apache-2.0 */
/* The table of outcomes. */
#include "reason.h"

static const struct eca_reason_row rows[] = {
#define ECA_REASON(symbol, name, status, iis, class, message, sentence)                                                \
    [ECA_REASON_##symbol] = { name, status, iis, ECA_CLASS_##class, message, sentence },
#include "reason.def"
#undef ECA_REASON
};

unsigned eca_reason_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const struct eca_reason_row *eca_reason_describe(enum eca_reason reason)
{
    /* A number that is no reason can only come from a defect. */
    return &rows[(unsigned)reason < eca_reason_count() ? reason : ECA_REASON_INTERNAL_ERROR];
}
