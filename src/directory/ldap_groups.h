/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an account is in a group, as the domain controller itself computes it. */
#ifndef ECA_LDAP_GROUPS_H
#define ECA_LDAP_GROUPS_H

#include "ldap_connection.h"

#include <pthread.h>

#define ECA_LDAP_GROUPS_KEPT 64
#define ECA_LDAP_GROUP_NAME_MAX 512

/* The SIDs of groups by the names that administrators wrote, found at first use. Zeroed it is empty. */
struct eca_ldap_groups {
    pthread_mutex_t lock;
    size_t next; /* to be overwritten */
    struct eca_ldap_group {
        char name[ECA_LDAP_GROUP_NAME_MAX];
        uint8_t sid[ECA_SID_BINARY_MAX];
        size_t sid_length;
        apr_time_t until; /* of eca_ldap_clock(): an hour */
    } kept[ECA_LDAP_GROUPS_KEPT];
};

/*
 * *member: whether tokenGroups of the account (MS-ADTS 3.1.1.4.5.19: nested groups, and the primary group) holds one of
 * the groups: SIDs, DNs, or sAMAccountNames below `base`. A group that does not exist, or a name that is not unique,
 * has no members; `unknown` then says so. Threads: any, each with its own connection.
 */
enum eca_ldap_fault eca_ldap_groups_is_member(struct eca_ldap_groups *groups, struct eca_ldap_connection *connection,
                                              const char *base, const struct eca_account *account,
                                              const char *const *names, size_t count, apr_time_t until, bool *member,
                                              struct eca_error *unknown, struct eca_error *err);

#endif
