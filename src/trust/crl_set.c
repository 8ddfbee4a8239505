/* SPDX-License-Identifier: Apache-2.0 */
/* Which of many lists counts. */
#include "crl_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#define DAY 86400

void eca_crl_set_add(struct eca_crl_set *set, struct eca_crl *crl)
{
    if (set->count < ECA_CRL_SET_MAX)
        set->lists[set->count++] = crl;
    else
        eca_crl_release(crl);
}

void eca_crl_set_clear(struct eca_crl_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        eca_crl_release(set->lists[i]);
    set->count = 0;
}

void eca_crl_set_replace(struct eca_crl_set *set, struct eca_crl_set *by)
{
    for (size_t i = 0; i < by->count; i++) {
        for (size_t j = 0; j < set->count; j++) {
            if (!eca_crl_is_same(set->lists[j], by->lists[i])
                && (!eca_crl_replaces(set->lists[j], by->lists[i]) || eca_crl_replaces(by->lists[i], set->lists[j])))
                continue;
            eca_crl_release(by->lists[i]);
            by->lists[i] = eca_crl_hold(set->lists[j]);
        }
    }
    eca_crl_set_clear(set);
    *set = *by;
    by->count = 0;
}

struct listed {
    struct eca_crl *whole, *delta; /* `delta` may be NULL */
};

struct eca_crl_view {
    atomic_uint holders;
    size_t count, delta_count;
    struct listed lists[ECA_CRL_VIEW_MAX];
    struct eca_crl *deltas[ECA_CRL_VIEW_MAX];
};

struct eca_crl_view *eca_crl_view_open(void)
{
    struct eca_crl_view *view = calloc(1, sizeof *view);

    if (view != NULL)
        atomic_init(&view->holders, 1);
    return view;
}

struct eca_crl_view *eca_crl_view_hold(struct eca_crl_view *view)
{
    atomic_fetch_add(&view->holders, 1);
    return view;
}

void eca_crl_view_release(struct eca_crl_view *view)
{
    if (view == NULL || atomic_fetch_sub(&view->holders, 1) != 1)
        return;
    for (size_t i = 0; i < view->count; i++)
        eca_crl_release(view->lists[i].whole);
    for (size_t i = 0; i < view->delta_count; i++)
        eca_crl_release(view->deltas[i]);
    free(view);
}

static void add_whole(struct eca_crl_view *view, struct eca_crl *crl)
{
    for (size_t i = 0; i < view->count; i++) {
        if (eca_crl_replaces(crl, view->lists[i].whole)) {
            eca_crl_release(view->lists[i].whole);
            view->lists[i].whole = eca_crl_hold(crl);
            return;
        }
        if (eca_crl_replaces(view->lists[i].whole, crl))
            return;
    }
    if (view->count < ECA_CRL_VIEW_MAX)
        view->lists[view->count++].whole = eca_crl_hold(crl);
}

void eca_crl_view_add(struct eca_crl_view *view, const struct eca_crl_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!eca_crl_is_delta(set->lists[i]))
            add_whole(view, set->lists[i]);
        else if (view->delta_count < ECA_CRL_VIEW_MAX)
            view->deltas[view->delta_count++] = eca_crl_hold(set->lists[i]);
    }
}

void eca_crl_view_pair(struct eca_crl_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        struct listed *listed = &view->lists[i];

        for (size_t j = 0; j < view->delta_count; j++) {
            if (eca_crl_applies(view->deltas[j], listed->whole)
                && (listed->delta == NULL || eca_crl_this_update(view->deltas[j]) > eca_crl_this_update(listed->delta)))
                listed->delta = view->deltas[j];
        }
    }
}

/* ---- a question -------------------------------------------------------------------------- */

/* A delta that has ended says nothing any more; the whole list does until it ends itself. */
static bool is_revoked(const struct listed *listed, X509 *certificate, int64_t now, int64_t *since, int *why)
{
    enum eca_crl_entry entry = ECA_CRL_ENTRY_NONE;

    if (listed->delta != NULL && eca_crl_next_update(listed->delta) >= now)
        entry = eca_crl_find(listed->delta, certificate, since, why);
    if (entry != ECA_CRL_ENTRY_NONE)
        return entry == ECA_CRL_ENTRY_REVOKED;
    return eca_crl_find(listed->whole, certificate, since, why) == ECA_CRL_ENTRY_REVOKED;
}

static void remark(const struct listed *listed, int64_t now, struct eca_crl_view_answer *out)
{
    const int64_t end = eca_crl_next_update(listed->whole);
    const int64_t life = end - eca_crl_this_update(listed->whole);
    const enum eca_crl_view_remark stage = end < now ? ECA_CRL_VIEW_GRACE : ECA_CRL_VIEW_ENDS_SOON;
    char when[ECA_REVOCATION_TIME_BYTES];

    if (end - now > DAY || end - now > life / 4 || !eca_crl_tell_once(listed->whole, (int)stage))
        return;
    eca_revocation_write_time(when, end);
    out->remark = stage;
    eca_error_set(&out->about, "the CRL of %s %s %s", eca_crl_issuer(listed->whole),
                  stage == ECA_CRL_VIEW_GRACE ? "ended at" : "ends at", when);
}

enum eca_revocation eca_crl_view_check(struct eca_crl_view *view, X509 *certificate, X509 *issuer, int64_t now,
                                       int64_t grace, struct eca_crl_view_answer *out)
{
    const struct listed *ended = NULL;
    bool good = false;
    char when[ECA_REVOCATION_TIME_BYTES];

    for (size_t i = 0; i < view->count; i++) {
        const struct listed *listed = &view->lists[i];
        int64_t since = 0;
        int why = -1;

        if (!eca_crl_covers(listed->whole, certificate, issuer))
            continue;
        if (is_revoked(listed, certificate, now, &since, &why)) {
            eca_revocation_say(&out->sentence, since, why);
            return ECA_REVOCATION_REVOKED;
        }
        if (eca_crl_next_update(listed->whole) + grace < now) {
            ended = listed;
            continue;
        }
        good = true;
        remark(listed, now, out);
    }
    if (good)
        return ECA_REVOCATION_GOOD;
    if (ended != NULL) {
        eca_revocation_write_time(when, eca_crl_next_update(ended->whole));
        eca_error_set(&out->sentence, "the CRL of %s ended at %s and there is no newer one",
                      eca_crl_issuer(ended->whole), when);
    } else {
        eca_error_set(&out->sentence, "there is no CRL of the certificate's issuer");
    }
    return ECA_REVOCATION_UNKNOWN;
}
