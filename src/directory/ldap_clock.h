/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines inside this room: microseconds on a clock that nobody sets. */
#ifndef ECA_LDAP_CLOCK_H
#define ECA_LDAP_CLOCK_H

#include <apr_time.h>
#include <sys/time.h>
#include <time.h>

#define ECA_LDAP_WAIT_MAX apr_time_from_sec(24 * 3600)

static inline apr_time_t eca_ldap_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

/* The moment of a deadline that is absolute and apr_time_now() based. */
static inline apr_time_t eca_ldap_clock_from_wall(apr_time_t deadline)
{
    const apr_time_t wall = apr_time_now();

    if (deadline <= wall)
        return eca_ldap_clock();
    return eca_ldap_clock() + (deadline - wall < ECA_LDAP_WAIT_MAX ? deadline - wall : ECA_LDAP_WAIT_MAX);
}

/* What is left until then, never below 0. */
static inline apr_interval_time_t eca_ldap_clock_left(apr_time_t until)
{
    const apr_time_t now = eca_ldap_clock();

    return until > now ? until - now : 0;
}

/* The same for libldap, never 0: it would take that for "look once" or for "no limit". */
static inline struct timeval eca_ldap_clock_timeval(apr_time_t until)
{
    const apr_interval_time_t left = eca_ldap_clock_left(until);
    const apr_interval_time_t wait = left > 1000 ? left : 1000;

    return (struct timeval){ .tv_sec = (time_t)apr_time_sec(wait), .tv_usec = (suseconds_t)apr_time_usec(wait) };
}

#endif
