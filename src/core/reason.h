/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome of a request: exactly one reason, and what it means in HTTP, to IIS and in the log. */
#ifndef ECA_REASON_H
#define ECA_REASON_H

enum eca_reason {
#define ECA_REASON(symbol, name, status, iis, class, message, sentence) ECA_REASON_##symbol,
#include "reason.def"
#undef ECA_REASON
};

/* How a failure is to be taken: a phone must never read an outage as a wrong password. */
enum eca_reason_class {
    ECA_CLASS_GRANTED,
    ECA_CLASS_ABSENT,      /* something was not shown: 401, or 403 where only a certificate would do */
    ECA_CLASS_REJECTED,    /* shown and refused: 403, or 401 for a password */
    ECA_CLASS_UNAVAILABLE, /* cannot be decided or done now: 503 with Retry-After, 502 */
    ECA_CLASS_INTERNAL,    /* a defect: 500 */
};

struct eca_reason_row {
    const char *name; /* "certificate-expired": fixed, configurations and log searches rely on it */
    int status;       /* HTTP */
    const char *iis;  /* IIS' status and sub-status for the same, "-" where it has none */
    enum eca_reason_class class;
    const char *message;  /* id of the decision line in the error log */
    const char *sentence; /* for the error body, plain ASCII, ends with a full stop */
};

/* The row of a reason, static and never NULL. Threads: any. */
const struct eca_reason_row *eca_reason_describe(enum eca_reason reason);

/* How many reasons there are: they are numbered from 0. */
unsigned eca_reason_count(void);

#endif
