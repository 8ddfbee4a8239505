/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that EASDirectory means now: URLs as they are, and those that DNS names for a domain, nearest first
 * (MS-ADTS 6.3.2.3 for the records' names).
 */
#ifndef ECA_LDAP_LOCATE_H
#define ECA_LDAP_LOCATE_H

#include "ldap_directory.h"

#define ECA_LDAP_SERVERS_MAX 32
#define ECA_LDAP_SITE_MAX 64 /* a DNS label and NUL */

struct eca_ldap_located {
    struct {
        char url[ECA_LDAP_URL_MAX];
        size_t source; /* which of the sources it came from */
    } servers[ECA_LDAP_SERVERS_MAX];
    size_t count;
    apr_interval_time_t lifetime; /* how long DNS says that this is so; 0 when DNS had no part in it */
    bool complete;                /* each source gave at least one */
};

/*
 * `sources` are checked by eca_ldap_url_check(). `site` "": not known. Asks DNS, one answer after the other, and stops
 * asking at `until` (of eca_ldap_clock()). Hosts outside the domain that was asked for are left out: forged or careless
 * DNS must not choose who is told passwords. `err`: why a source gave nothing. Blocks. Threads: any.
 */
void eca_ldap_locate(struct eca_ldap_located *out, const char *const *sources, size_t count, const char *site,
                     apr_time_t until, struct eca_error *err);

/* dns:DOMAIN or gc:DOMAIN: not a server, but where to find some. */
bool eca_ldap_source_is_domain(const char *source);

/* gc:DOMAIN, gc://HOST, gcs://HOST. */
bool eca_ldap_source_is_catalog(const char *source);

#endif
