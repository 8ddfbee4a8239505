/* SPDX-License-Identifier: Apache-2.0 */
/* What the directory says of an account that takes part in a delegation: the user, the service account, the backend's.
 */
#ifndef ECA_PRINCIPAL_H
#define ECA_PRINCIPAL_H

#include "account.h"

/* How to find it. All texts are borrowed. */
struct eca_principal_query {
    enum {
        ECA_PRINCIPAL_BY_SID,
        ECA_PRINCIPAL_BY_NAME, /* sAMAccountName; a name with a slash is what ktpass makes of a userPrincipalName */
        ECA_PRINCIPAL_BY_SPN,  /* without realm; HOST/ stands for HTTP/, as in AD (sPNMappings) */
    } by;
    const char *name;
    const char *domain; /* its DNS name, any case, or "": any */
    const char *target; /* the SPN that delegates_to_target is about, without realm */
};

enum eca_principal_state {
    ECA_PRINCIPAL_UNKNOWN, /* nobody was asked who could know */
    ECA_PRINCIPAL_MISSING, /* no such account */
    ECA_PRINCIPAL_FOUND,
    ECA_PRINCIPAL_AMBIGUOUS, /* more than one account */
};

/* Everything after `state` is of one that was FOUND. */
struct eca_principal {
    enum eca_principal_state state;
    struct eca_account account;
    bool must_change_password; /* pwdLastSet is 0 */
    bool has_spn;              /* any servicePrincipalName */
    bool delegates_to_any;     /* msDS-AllowedToDelegateTo has a value */
    bool delegates_to_target;  /* and one of them is the target */
    bool names_delegates;      /* msDS-AllowedToActOnBehalfOfOtherIdentity is set: resource-based delegation */
    uint32_t encryption_types; /* msDS-SupportedEncryptionTypes, 0: not set */
    bool is_protected;         /* in Protected Users; the caller finds out */
};

#endif
