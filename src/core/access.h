/* SPDX-License-Identifier: Apache-2.0 */
/* The access decision: facts in, one reason out. */
#ifndef ECA_ACCESS_H
#define ECA_ACCESS_H

#include "choice.h"
#include "reason.h"

#include <stdbool.h>

/* What a section asks for (EASAuthenticate). */
enum eca_authenticate {
    ECA_AUTHENTICATE_CERTIFICATE,
    ECA_AUTHENTICATE_BASIC,
    ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC,
    ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC,
};

extern const struct eca_choice eca_authenticate_choices[];

/* What the peer certificate is worth. */
enum eca_certificate_fact {
    ECA_CERTIFICATE_ABSENT,
    ECA_CERTIFICATE_MALFORMED,
    ECA_CERTIFICATE_UNTRUSTED,
    ECA_CERTIFICATE_PURPOSE,
    ECA_CERTIFICATE_EXPIRED,
    ECA_CERTIFICATE_NOT_YET_VALID,
    ECA_CERTIFICATE_REVOKED,
    ECA_CERTIFICATE_REVOCATION_UNKNOWN, /* nobody could say whether it is */
    ECA_CERTIFICATE_GOOD,
};

/* Which account a good certificate belongs to, and its state. */
enum eca_account_fact {
    ECA_ACCOUNT_NOT_ASKED, /* nobody looked: no good certificate */
    ECA_ACCOUNT_USABLE,
    ECA_ACCOUNT_NOT_FOUND,
    ECA_ACCOUNT_AMBIGUOUS,
    ECA_ACCOUNT_WEAK,
    ECA_ACCOUNT_PREDATED,
    ECA_ACCOUNT_SID_MISMATCH,
    ECA_ACCOUNT_DISABLED,
    ECA_ACCOUNT_EXPIRED,
    ECA_ACCOUNT_LOCKED,
    ECA_ACCOUNT_INCOMPLETE,
    ECA_ACCOUNT_DIRECTORY_UNAVAILABLE,
    ECA_ACCOUNT_DIRECTORY_FAILED, /* a defect or a contradiction, not an outage */
};

/* What came of the user name and password, where the policy asks for them. */
enum eca_password_fact {
    ECA_PASSWORD_ABSENT, /* none came, or nobody looked */
    ECA_PASSWORD_EMPTY,
    ECA_PASSWORD_REJECTED,      /* wrong, or the account is unknown, disabled, expired … : one answer for all */
    ECA_PASSWORD_ACCEPTED,      /* and, where a certificate was shown too, the same account */
    ECA_PASSWORD_OTHER_ACCOUNT, /* the name is not the certificate's account; the password was not tried */
    ECA_PASSWORD_INCOMPLETE,    /* right, but the account lacks what EASRemoteUser or the delegation needs */
    ECA_PASSWORD_DIRECTORY_UNAVAILABLE,
    ECA_PASSWORD_DIRECTORY_FAILED,
};

struct eca_access_facts {
    enum eca_authenticate policy;
    enum eca_certificate_fact certificate;
    enum eca_account_fact account;
    enum eca_password_fact password;
};

/* Whether the certificate counts under this policy at all. */
bool eca_access_wants_certificate(enum eca_authenticate policy);

/*
 * Whether the password has to be looked at, given the other facts: under `basic` always;
 * under `certificate-or-basic` only when no certificate was shown (a refused one stays
 * refused whatever password comes with it); under `certificate-and-basic` only when the
 * certificate's account is usable.
 */
bool eca_access_wants_password(const struct eca_access_facts *facts);

/*
 * The reason for these facts; total over every combination of values, also those that
 * cannot occur (a good certificate nobody looked up is ECA_REASON_INTERNAL_ERROR, never
 * granted). Threads: any. No errors.
 */
enum eca_reason eca_access_decide(const struct eca_access_facts *facts);

#endif
