/* SPDX-License-Identifier: Apache-2.0 */
/* What every exchange with a KDC has in common: what its answer means for the request, and how long a refusal stands.
 */
#ifndef ECA_EXCHANGE_H
#define ECA_EXCHANGE_H

#include "krb5_error.h"
#include "request_context.h"

#define ECA_SPN_MAX 600

struct eca_exchange {
    /* Asks on a helper. On anything but DONE sets `why`, and what follows as far as it is known. */
    enum eca_kerberos_answer (*ask)(struct eca_request *request, struct eca_exchange *exchange, struct eca_error *why);
    void *out; /* ask()'s own */
    struct eca_krb5_refusal refusal;
    const char *delegate; /* the service account's principal, which asked */
};

/*
 * Asks about request->work->account and request->spn (shorter than ECA_SPN_MAX), unless the same was refused a moment
 * ago; a second time when the account has another name since it was looked up. GRANTED, or why not, with the sentence
 * in request->work->detail; a refusal is explained with the directory's help.
 */
enum eca_reason eca_exchange_run(struct eca_request *request, struct eca_exchange *exchange);

#endif
