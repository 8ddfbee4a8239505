/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping of a certificate whose SID URI may not count. */
#include "sid_uri.h"

static bool is_behind(const struct eca_trust_anchors *issuers, X509 *leaf, STACK_OF(X509) * chain, int64_t now)
{
    static const struct eca_purposes any = { .any = true };
    const struct eca_path_question question = { .leaf = leaf, .chain = chain, .purposes = &any, .now = now };
    struct eca_error ignored = { .text = "" };

    return eca_path_judge(issuers, &question, NULL, &ignored) == ECA_CERTIFICATE_GOOD;
}

struct eca_mapping_policy eca_sid_uri_policy(const struct eca_mapping_policy *policy,
                                             const struct eca_trust_anchors *issuers, X509 *leaf,
                                             STACK_OF(X509) * chain, int64_t now)
{
    struct eca_mapping_policy without = { .count = 0 };

    if (issuers == NULL || is_behind(issuers, leaf, chain, now))
        return *policy;
    for (size_t i = 0; i < policy->count; i++) {
        if (policy->kinds[i] != ECA_MAPPING_SID_URI)
            (void)eca_mapping_policy_add(&without, policy->kinds[i]);
    }
    return without;
}
