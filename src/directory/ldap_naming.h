/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain controller says about itself: its base, and the names of the forest's domains. */
#ifndef ECA_LDAP_NAMING_H
#define ECA_LDAP_NAMING_H

#include "ldap_connection.h"
#include "ldap_locate.h"

#define ECA_LDAP_DOMAINS_MAX 64

/* Immutable once read; shared by threads. Domains beyond the maximum have no NetBIOS name here. */
struct eca_ldap_naming {
    char base[ECA_ACCOUNT_DN_MAX];
    char domain[ECA_ACCOUNT_DOMAIN_MAX];    /* DNS name of the base's domain, "" when the base has none */
    char root[ECA_ACCOUNT_DN_MAX];          /* DN of that domain, which groups are searched below; else the base */
    char configuration[ECA_ACCOUNT_DN_MAX]; /* DN of the forest's configuration partition, "" when there is none */
    char site[ECA_LDAP_SITE_MAX];           /* that the server counts us to, "" when it does not say */
    size_t domain_count;
    struct {
        char dns[ECA_ACCOUNT_DOMAIN_MAX];
        char netbios[ECA_ACCOUNT_NETBIOS_MAX];
    } domains[ECA_LDAP_DOMAINS_MAX];
};

/*
 * Reads the rootDSE (MS-ADTS 3.1.1.3.2), the site and, where they may be read, the crossRef objects of CN=Partitions.
 * `base` NULL: defaultNamingContext. *out is freed with free().
 */
enum eca_ldap_fault eca_ldap_naming_read(struct eca_ldap_naming **out, struct eca_ldap_connection *connection,
                                         const char *base, apr_time_t until, struct eca_error *err);

/* The NetBIOS name of a domain, "" when unknown. */
const char *eca_ldap_naming_netbios(const struct eca_ldap_naming *naming, const char *dns);

#endif
