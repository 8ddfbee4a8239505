/* SPDX-License-Identifier: Apache-2.0 */
/* What the trust stage makes of a certificate, remembered while it is good: verifying signatures costs 60 µs and more.
 */
#ifndef ECA_VERDICT_H
#define ECA_VERDICT_H

#include "certificate.h"
#include "path.h"

/* Read-only once it was given out. */
struct eca_verdict {
    struct eca_certificate certificate; /* .x509 NULL when MALFORMED */
    enum eca_certificate_fact fact;
    STACK_OF(X509) * path;   /* GOOD: from the certificate to its trust anchor, both included; else NULL */
    struct eca_error detail; /* the sentence when not GOOD */
};

/* Good verdicts of a child process: bounded, each at most for five minutes and never beyond the end of its path. */
struct eca_verdicts;

/* Room for at least `capacity` verdicts (10 KiB each); `anchors` must live as long. NULL when out of memory. */
struct eca_verdicts *eca_verdicts_open(const struct eca_trust_anchors *anchors, size_t capacity);

/* No other call may be under way; verdicts still held live on until released. NULL is allowed. */
void eca_verdicts_close(struct eca_verdicts *verdicts);

/*
 * Reads and judges `question->leaf`, or remembers: the very same certificate (every byte) and the same requirements (by
 * address: they belong to the configuration). Held for the caller. NULL when out of memory. Threads: any.
 */
struct eca_verdict *eca_verdicts_judge(struct eca_verdicts *verdicts, const struct eca_path_question *question);

/* NULL is allowed. Threads: any. */
void eca_verdict_release(struct eca_verdict *verdict);

#endif
