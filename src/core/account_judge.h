/* SPDX-License-Identifier: Apache-2.0 */
/* What an account that was found is worth to a section. */
#ifndef ECA_ACCOUNT_JUDGE_H
#define ECA_ACCOUNT_JUDGE_H

#include "access.h"
#include "account.h"

/* What the section needs of an account. */
struct eca_account_needs {
    enum eca_remote_user remote_user;
    bool kerberos; /* domain and SID, for a ticket in its name */
};

/*
 * USABLE, DISABLED, EXPIRED, LOCKED, or INCOMPLETE with the sentence that says what is missing. `now` in seconds since
 * 1970. Threads: any.
 */
enum eca_account_fact eca_account_judge(const struct eca_account *account, const struct eca_account_needs *needs,
                                        int64_t now, struct eca_error *err);

#endif
