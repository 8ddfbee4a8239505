/* SPDX-License-Identifier: Apache-2.0 */
/* How a Kerberos exchange ended, in the words the rest of the module decides by. */
#ifndef ECA_KERBEROS_ANSWER_H
#define ECA_KERBEROS_ANSWER_H

enum eca_kerberos_answer {
    ECA_KERBEROS_DONE,
    ECA_KERBEROS_UNAVAILABLE,   /* no KDC answered */
    ECA_KERBEROS_MISCONFIGURED, /* keytab, principal, SPN, clock, encryption types, or delegation not set up */
    ECA_KERBEROS_REFUSED,       /* the KDC will not delegate: KDC_ERR_BADOPTION or KDC_ERR_POLICY, cause unknown here */
    ECA_KERBEROS_ACCOUNT_UNKNOWN,   /* no such account for the KDC */
    ECA_KERBEROS_ACCOUNT_REFUSED,   /* disabled, expired or locked as the KDC sees it (KDC_ERR_CLIENT_REVOKED) */
    ECA_KERBEROS_ACCOUNT_EXPIRED,   /* it has expired, or its password has or must be changed */
    ECA_KERBEROS_IDENTITY_MISMATCH, /* the ticket is another account's */
    ECA_KERBEROS_FAILED,            /* a defect */
};

#endif
