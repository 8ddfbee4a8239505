/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a certificate's revocation, whoever says it. */
#ifndef ECA_REVOCATION_H
#define ECA_REVOCATION_H

enum eca_revocation {
    ECA_REVOCATION_GOOD,
    ECA_REVOCATION_REVOKED,
    ECA_REVOCATION_UNKNOWN, /* nobody could say: no list, an old one, no answer */
};

#endif
