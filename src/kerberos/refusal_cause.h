/* SPDX-License-Identifier: Apache-2.0 */
/* Why a KDC refused, where it does not say: from its code and from what the directory says of all who take part. */
#ifndef ECA_REFUSAL_CAUSE_H
#define ECA_REFUSAL_CAUSE_H

#include "krb5_error.h"
#include "principal.h"
#include "reason.h"

/* What the directory knows of them. One that is not FOUND explains nothing, but an SPN that is AMBIGUOUS does. */
struct eca_refusal_facts {
    struct eca_principal user;
    struct eca_principal delegate; /* the service account */
    struct eca_principal backend;  /* the account with the SPN */
    const char *spn;               /* of the backend, without realm */
    int64_t now;                   /* seconds since 1970 */
};

/* Whether the code has several causes, which the directory may tell apart. */
bool eca_refusal_cause_is_hidden(const struct eca_krb5_refusal *refusal);

/*
 * True when the facts explain the refusal: *reason is whose it is to mend, `err` which setting of which object.
 * False, with nothing written, when they do not: then what the KDC said has to do. Threads: any.
 */
bool eca_refusal_cause_find(const struct eca_krb5_refusal *refusal, const struct eca_refusal_facts *facts,
                            enum eca_reason *reason, struct eca_error *err);

#endif
