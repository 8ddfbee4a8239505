/* SPDX-License-Identifier: Apache-2.0 */
/* Its state first, then what the section needs of it. */
#include "account_judge.h"

enum eca_account_fact eca_account_judge(const struct eca_account *account, const struct eca_account_needs *needs,
                                        int64_t now, struct eca_error *err)
{
    char memory[ECA_REMOTE_USER_MAX];
    struct eca_strbuf name;

    switch (eca_account_judge_state(account, now)) {
    case ECA_ACCOUNT_STATE_DISABLED:
        return ECA_ACCOUNT_DISABLED;
    case ECA_ACCOUNT_STATE_EXPIRED:
        return ECA_ACCOUNT_EXPIRED;
    case ECA_ACCOUNT_STATE_LOCKED:
        return ECA_ACCOUNT_LOCKED;
    case ECA_ACCOUNT_STATE_ACTIVE:
        break;
    }
    if (needs->kerberos && account->domain[0] == '\0') {
        (void)eca_error_set(err,
                            "the domain of its Kerberos realm is not known: its DN has no domain components, or the "
                            "account file no domain = line");
        return ECA_ACCOUNT_INCOMPLETE;
    }
    if (needs->kerberos && account->sid[0] == '\0') {
        (void)eca_error_set(err,
                            "it has no SID, by which its Kerberos ticket would be known; write sid = in the account "
                            "file");
        return ECA_ACCOUNT_INCOMPLETE;
    }
    eca_strbuf_init(&name, memory, sizeof memory);
    return eca_account_remote_user(&name, account, needs->remote_user, err) ? ECA_ACCOUNT_USABLE
                                                                            : ECA_ACCOUNT_INCOMPLETE;
}
