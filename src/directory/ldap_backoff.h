/* SPDX-License-Identifier: Apache-2.0 */
/* When a server that failed is tried again: one request at a time, after a while that doubles. */
#ifndef ECA_LDAP_BACKOFF_H
#define ECA_LDAP_BACKOFF_H

#include <apr_time.h>
#include <stdbool.h>

#define ECA_LDAP_BACKOFF_FIRST apr_time_from_sec(1)
#define ECA_LDAP_BACKOFF_MAX apr_time_from_sec(30)

/* Zeroed: a server nothing is said against. The caller holds a lock around each call; `now` is of any one clock. */
struct eca_ldap_backoff {
    apr_time_t until;         /* not to be tried before; 0: it answers */
    apr_interval_time_t wait; /* the last one */
    bool probing;             /* one request is trying it */
};

enum eca_ldap_turn {
    ECA_LDAP_TURN_USE,   /* it answers */
    ECA_LDAP_TURN_PROBE, /* the caller, and nobody else, tries whether it is back: failed() or succeeded() has to follow
                          */
    ECA_LDAP_TURN_SKIP,
};

enum eca_ldap_turn eca_ldap_backoff_take_turn(struct eca_ldap_backoff *backoff, apr_time_t now);

/* 1, 2, 4 … 30 s from now. */
void eca_ldap_backoff_failed(struct eca_ldap_backoff *backoff, apr_time_t now);

void eca_ldap_backoff_succeeded(struct eca_ldap_backoff *backoff);

#endif
