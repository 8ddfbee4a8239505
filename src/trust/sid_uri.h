/* SPDX-License-Identifier: Apache-2.0 */
/* EASMapping sid-uri=FILE: whose word a SID in a URI is. */
#ifndef ECA_SID_URI_H
#define ECA_SID_URI_H

#include "mapping.h"
#include "path.h"

/*
 * `policy` as it applies to `leaf`: without the kind sid-uri unless one of `issuers` stands behind the certificate (the
 * URI can be a requester's own choice elsewhere). `issuers` NULL: every accepted issuer does. The rest as in
 * eca_path_judge().
 */
struct eca_mapping_policy eca_sid_uri_policy(const struct eca_mapping_policy *policy,
                                             const struct eca_trust_anchors *issuers, X509 *leaf,
                                             STACK_OF(X509) * chain, int64_t now);

#endif
