/* SPDX-License-Identifier: Apache-2.0 */
/* A user name as somebody typed it: user, DOMAIN\user or user@domain. */
#ifndef ECA_LOGIN_NAME_H
#define ECA_LOGIN_NAME_H

#include "account.h"

/* Slices of the text it was parsed from. */
struct eca_login_name {
    struct eca_slice domain; /* before the backslash; absent otherwise */
    struct eca_slice user;   /* the rest, a UPN when is_upn */
    bool is_upn;             /* no backslash, and an "@" inside */
};

/*
 * False for a name that reaches no directory: empty parts, control characters, invalid UTF-8, more than
 * 1024 bytes. Threads: any.
 */
bool eca_login_name_parse(struct eca_login_name *out, struct eca_slice text);

/*
 * Whether the account is the one this name means, compared as rule 6 of the mapping says:
 * user = sAMAccountName; DOMAIN = its NetBIOS or DNS name; UPN = userPrincipalName or
 * sAMAccountName@domain.
 */
bool eca_login_name_means(const struct eca_login_name *login, const struct eca_account *account);

#endif
