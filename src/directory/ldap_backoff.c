/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one server between "answers" and "is left alone". */
#include "ldap_backoff.h"

enum eca_ldap_turn eca_ldap_backoff_take_turn(struct eca_ldap_backoff *backoff, apr_time_t now)
{
    if (backoff->until == 0)
        return ECA_LDAP_TURN_USE;
    if (backoff->probing || now < backoff->until)
        return ECA_LDAP_TURN_SKIP;
    backoff->probing = true;
    return ECA_LDAP_TURN_PROBE;
}

void eca_ldap_backoff_failed(struct eca_ldap_backoff *backoff, apr_time_t now)
{
    /* Requests that were under way when it failed say so one after the other: they count once. */
    if (backoff->until > now && !backoff->probing)
        return;
    backoff->wait = backoff->wait == 0 ? ECA_LDAP_BACKOFF_FIRST : backoff->wait * 2;
    if (backoff->wait > ECA_LDAP_BACKOFF_MAX)
        backoff->wait = ECA_LDAP_BACKOFF_MAX;
    backoff->until = now + backoff->wait;
    backoff->probing = false;
}

void eca_ldap_backoff_succeeded(struct eca_ldap_backoff *backoff)
{
    *backoff = (struct eca_ldap_backoff){ .until = 0 };
}
