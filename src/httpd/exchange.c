/* SPDX-License-Identifier: Apache-2.0 */
/* From a KDC's answer to the request's reason. */
#include "exchange.h"

#include "explain_refusal.h"
#include "find_account.h"

#include <string.h>

#define ACCOUNT_REFUSAL_SECONDS 60 /* an account that the KDC refuses */
#define SETTING_REFUSAL_SECONDS 5  /* what an administrator is about to repair */

/* Before the directory is asked: a bare refusal is the administrator's to mend unless the account is marked. */
static enum eca_reason translate_answer(const struct eca_request *request, enum eca_kerberos_answer answer)
{
    switch (answer) {
    case ECA_KERBEROS_DONE:
        return ECA_REASON_GRANTED;
    case ECA_KERBEROS_UNAVAILABLE:
        return ECA_REASON_KDC_UNAVAILABLE;
    case ECA_KERBEROS_MISCONFIGURED:
        return ECA_REASON_DELEGATION_MISCONFIGURED;
    case ECA_KERBEROS_REFUSED:
        return eca_account_is_sensitive(&request->work->account) ? ECA_REASON_DELEGATION_NOT_ALLOWED
                                                                 : ECA_REASON_DELEGATION_MISCONFIGURED;
    case ECA_KERBEROS_ACCOUNT_UNKNOWN:
        return ECA_REASON_ACCOUNT_NOT_FOUND;
    case ECA_KERBEROS_ACCOUNT_REFUSED:
        return ECA_REASON_ACCOUNT_DISABLED;
    case ECA_KERBEROS_ACCOUNT_EXPIRED:
        return ECA_REASON_ACCOUNT_EXPIRED;
    case ECA_KERBEROS_IDENTITY_MISMATCH:
        return ECA_REASON_DELEGATED_IDENTITY_MISMATCH;
    case ECA_KERBEROS_FAILED:
        break;
    }
    return ECA_REASON_INTERNAL_ERROR;
}

/*
 * What the KDC knows nothing of, or takes for somebody else, may have another name since it was looked up: true when a
 * second look finds the same account under another one, and it may still come in.
 */
static bool is_renamed(struct eca_request *request, enum eca_kerberos_answer answer)
{
    const bool is_kept = request->cache != NULL && strcmp(request->cache, "miss") != 0;
    const struct eca_account earlier = request->work->account;

    if (!is_kept || (answer != ECA_KERBEROS_IDENTITY_MISMATCH && answer != ECA_KERBEROS_ACCOUNT_UNKNOWN))
        return false;
    eca_find_account_anew(request);
    if (eca_access_decide(&request->facts) == ECA_REASON_GRANTED
        && eca_account_is_same(&earlier, &request->work->account)
        && (strcmp(earlier.sam_account_name, request->work->account.sam_account_name) != 0
            || strcmp(earlier.domain, request->work->account.domain) != 0))
        return true;
    request->work->account = earlier; /* about whom the decision is */
    return false;
}

static void remember(const struct eca_request *request, enum eca_reason reason)
{
    const int seconds = reason == ECA_REASON_DELEGATION_MISCONFIGURED ? SETTING_REFUSAL_SECONDS
                                                                      : ACCOUNT_REFUSAL_SECONDS;

    if (reason == ECA_REASON_KDC_UNAVAILABLE || reason == ECA_REASON_INTERNAL_ERROR)
        return;
    eca_refusals_store(request->service->refusals, request->sid, request->spn, reason, &request->work->detail,
                       apr_time_sec(apr_time_now()) + seconds);
}

static enum eca_kerberos_answer ask(struct eca_request *request, struct eca_exchange *exchange, struct eca_error *why)
{
    why->text[0] = '\0';
    exchange->refusal.code = 0;
    return exchange->ask(request, exchange, why);
}

enum eca_reason eca_exchange_run(struct eca_request *request, struct eca_exchange *exchange)
{
    enum eca_reason reason = ECA_REASON_GRANTED;
    enum eca_kerberos_answer answer = ECA_KERBEROS_DONE;
    struct eca_error why;

    if (eca_refusals_find(request->service->refusals, request->sid, request->spn, apr_time_sec(apr_time_now()), &reason,
                          eca_request_detail(request)))
        return reason;
    answer = ask(request, exchange, &why);
    if (is_renamed(request, answer))
        answer = ask(request, exchange, &why);
    reason = translate_answer(request, answer);
    if (reason == ECA_REASON_GRANTED)
        return reason;
    if (exchange->delegate != NULL)
        eca_explain_refusal(request, exchange, &reason, &why);
    request->work->detail = why;
    remember(request, reason);
    return reason;
}
