/* SPDX-License-Identifier: Apache-2.0 */
/* Lists together: those that one source gave, and those of all sources as requests look into them. */
#ifndef ECA_CRL_SET_H
#define ECA_CRL_SET_H

#include "crl.h"
#include "revocation.h"

#define ECA_CRL_SET_MAX 64   /* lists of one source */
#define ECA_CRL_VIEW_MAX 256 /* lists in use */

/* Zeroed it is empty. One thread at a time. */
struct eca_crl_set {
    struct eca_crl *lists[ECA_CRL_SET_MAX];
    size_t count;
};

/* Takes the list over; one beyond the maximum is let go. */
void eca_crl_set_add(struct eca_crl_set *set, struct eca_crl *crl);

/*
 * `set` becomes `by`, which is empty then. A list of before that is later than its successor stays: whoever can answer
 * for a server must not bring back the day before a card was revoked. The same list read again stays what it is, too.
 */
void eca_crl_set_replace(struct eca_crl_set *set, struct eca_crl_set *by);

void eca_crl_set_clear(struct eca_crl_set *set);

/* What requests look into: of lists of the same kind the latest, each with its delta. Immutable once paired. */
struct eca_crl_view;

struct eca_crl_view *eca_crl_view_open(void); /* empty; NULL when out of memory */
void eca_crl_view_add(struct eca_crl_view *view, const struct eca_crl_set *set);
void eca_crl_view_pair(struct eca_crl_view *view);
struct eca_crl_view *eca_crl_view_hold(struct eca_crl_view *view);
void eca_crl_view_release(struct eca_crl_view *view); /* takes NULL */

enum eca_crl_view_remark { /* in the order in which they come */
                           ECA_CRL_VIEW_NOTHING,
                           ECA_CRL_VIEW_ENDS_SOON, /* within a day and the last quarter of its life */
                           ECA_CRL_VIEW_GRACE,     /* it has ended */
};

struct eca_crl_view_answer {
    struct eca_error sentence;       /* with REVOKED and UNKNOWN */
    enum eca_crl_view_remark remark; /* the first time for each list */
    struct eca_error about;          /* with a remark */
};

/* Times in seconds since 1970, `grace` in seconds. Threads: any. */
enum eca_revocation eca_crl_view_check(struct eca_crl_view *view, X509 *certificate, X509 *issuer, int64_t now,
                                       int64_t grace, struct eca_crl_view_answer *out);

#endif
