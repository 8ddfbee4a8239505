/* SPDX-License-Identifier: Apache-2.0 */
/* The access decision: a total table, every enum value named, no default. */
#include "access.h"

#include "hot.h"

#include <stddef.h>

const struct eca_choice eca_authenticate_choices[] = {
    { "certificate", ECA_AUTHENTICATE_CERTIFICATE },
    { "basic", ECA_AUTHENTICATE_BASIC },
    { "certificate-or-basic", ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC },
    { "certificate-and-basic", ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC },
    { NULL, 0 },
};

bool eca_access_wants_certificate(enum eca_authenticate policy)
{
    return policy != ECA_AUTHENTICATE_BASIC;
}

bool eca_access_wants_password(const struct eca_access_facts *facts)
{
    switch (facts->policy) {
    case ECA_AUTHENTICATE_CERTIFICATE:
        return false;
    case ECA_AUTHENTICATE_BASIC:
        return true;
    case ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC:
        return facts->certificate == ECA_CERTIFICATE_ABSENT;
    case ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC:
        return facts->certificate == ECA_CERTIFICATE_GOOD && facts->account == ECA_ACCOUNT_USABLE;
    }
    return false;
}

/* `absent`: what a missing password means, which alone depends on whether a certificate came. */
static enum eca_reason decide_password(enum eca_password_fact password, enum eca_reason absent,
                                       enum eca_reason other_account)
{
    switch (password) {
    case ECA_PASSWORD_ABSENT:
        return absent;
    case ECA_PASSWORD_EMPTY:
    case ECA_PASSWORD_REJECTED:
        return ECA_REASON_PASSWORD_REJECTED;
    case ECA_PASSWORD_ACCEPTED:
        return ECA_REASON_GRANTED;
    case ECA_PASSWORD_OTHER_ACCOUNT:
        return other_account;
    case ECA_PASSWORD_INCOMPLETE:
        return ECA_REASON_ACCOUNT_INCOMPLETE;
    case ECA_PASSWORD_DIRECTORY_UNAVAILABLE:
        return ECA_REASON_DIRECTORY_UNAVAILABLE;
    case ECA_PASSWORD_DIRECTORY_FAILED:
        return ECA_REASON_INTERNAL_ERROR;
    }
    return ECA_REASON_INTERNAL_ERROR;
}

/* Without a certificate there is no account that a user name could differ from: a defect. */
static enum eca_reason decide_password_alone(enum eca_password_fact password)
{
    return decide_password(password, ECA_REASON_CREDENTIALS_REQUIRED, ECA_REASON_INTERNAL_ERROR);
}

static enum eca_reason decide_usable(const struct eca_access_facts *facts)
{
    switch (facts->policy) {
    case ECA_AUTHENTICATE_CERTIFICATE:
    case ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC:
        return ECA_REASON_GRANTED;
    case ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC:
        return decide_password(facts->password, ECA_REASON_PASSWORD_REQUIRED, ECA_REASON_USER_MISMATCH);
    case ECA_AUTHENTICATE_BASIC:
        break;
    }
    return ECA_REASON_INTERNAL_ERROR;
}

static enum eca_reason decide_account(const struct eca_access_facts *facts)
{
    switch (facts->account) {
    case ECA_ACCOUNT_USABLE:
        return decide_usable(facts);
    case ECA_ACCOUNT_NOT_FOUND:
        return ECA_REASON_ACCOUNT_NOT_FOUND;
    case ECA_ACCOUNT_AMBIGUOUS:
        return ECA_REASON_ACCOUNT_AMBIGUOUS;
    case ECA_ACCOUNT_WEAK:
        return ECA_REASON_MAPPING_WEAK;
    case ECA_ACCOUNT_PREDATED:
        return ECA_REASON_MAPPING_PREDATES_ACCOUNT;
    case ECA_ACCOUNT_SID_MISMATCH:
        return ECA_REASON_SID_MISMATCH;
    case ECA_ACCOUNT_DISABLED:
        return ECA_REASON_ACCOUNT_DISABLED;
    case ECA_ACCOUNT_EXPIRED:
        return ECA_REASON_ACCOUNT_EXPIRED;
    case ECA_ACCOUNT_LOCKED:
        return ECA_REASON_ACCOUNT_LOCKED;
    case ECA_ACCOUNT_INCOMPLETE:
        return ECA_REASON_ACCOUNT_INCOMPLETE;
    case ECA_ACCOUNT_DIRECTORY_UNAVAILABLE:
        return ECA_REASON_DIRECTORY_UNAVAILABLE;
    case ECA_ACCOUNT_NOT_ASKED: /* nobody looked a good certificate up */
    case ECA_ACCOUNT_DIRECTORY_FAILED:
        return ECA_REASON_INTERNAL_ERROR;
    }
    return ECA_REASON_INTERNAL_ERROR;
}

static enum eca_reason decide_certificate(const struct eca_access_facts *facts)
{
    switch (facts->certificate) {
    case ECA_CERTIFICATE_ABSENT:
        if (facts->policy == ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC)
            return decide_password_alone(facts->password);
        return ECA_REASON_CERTIFICATE_REQUIRED;
    case ECA_CERTIFICATE_MALFORMED:
        return ECA_REASON_CERTIFICATE_MALFORMED;
    case ECA_CERTIFICATE_UNTRUSTED:
        return ECA_REASON_CERTIFICATE_UNTRUSTED;
    case ECA_CERTIFICATE_PURPOSE:
        return ECA_REASON_CERTIFICATE_PURPOSE;
    case ECA_CERTIFICATE_EXPIRED:
        return ECA_REASON_CERTIFICATE_EXPIRED;
    case ECA_CERTIFICATE_NOT_YET_VALID:
        return ECA_REASON_CERTIFICATE_NOT_YET_VALID;
    case ECA_CERTIFICATE_REVOKED:
        return ECA_REASON_CERTIFICATE_REVOKED;
    case ECA_CERTIFICATE_REVOCATION_UNKNOWN:
        return ECA_REASON_REVOCATION_UNAVAILABLE;
    case ECA_CERTIFICATE_GOOD:
        return decide_account(facts);
    }
    return ECA_REASON_INTERNAL_ERROR;
}

ECA_HOT enum eca_reason eca_access_decide(const struct eca_access_facts *facts)
{
    switch (facts->policy) {
    case ECA_AUTHENTICATE_BASIC:
        return decide_password_alone(facts->password);
    case ECA_AUTHENTICATE_CERTIFICATE:
    case ECA_AUTHENTICATE_CERTIFICATE_OR_BASIC:
    case ECA_AUTHENTICATE_CERTIFICATE_AND_BASIC:
        return decide_certificate(facts);
    }
    return ECA_REASON_INTERNAL_ERROR;
}
