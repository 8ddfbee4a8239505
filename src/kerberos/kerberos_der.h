/* SPDX-License-Identifier: Apache-2.0 */
/* What AP-REQ and AP-REP are made of (RFC 4120 5.2 and 5.5, RFC 4121 4.1). */
#ifndef ECA_KERBEROS_DER_H
#define ECA_KERBEROS_DER_H

#include "der_writer.h"

#include <time.h>

enum eca_kerberos_tag {
    ECA_TAG_BIT_STRING = 0x03,
    ECA_TAG_OCTET_STRING = 0x04,
    ECA_TAG_GENERALIZED_TIME = 0x18,
    ECA_TAG_GENERAL_STRING = 0x1b,
    ECA_TAG_SEQUENCE = 0x30,
    ECA_TAG_GSS_INITIAL = 0x60,   /* [APPLICATION 0]: InitialContextToken, RFC 2743 3.1 */
    ECA_TAG_TICKET = 0x61,        /* [APPLICATION 1] */
    ECA_TAG_AUTHENTICATOR = 0x62, /* [APPLICATION 2] */
    ECA_TAG_AP_REQ = 0x6e,        /* [APPLICATION 14] */
    ECA_TAG_AP_REP = 0x6f,        /* [APPLICATION 15] */
    ECA_TAG_ENC_AP_REP = 0x7b,    /* [APPLICATION 27]: EncAPRepPart */
    ECA_TAG_CONTEXT = 0xa0,       /* [0]; the others follow */
};

/* 1.2.840.113554.1.2.2 (RFC 4121) as an element. */
#define ECA_KRB5_MECHANISM_BYTES 11
extern const uint8_t eca_krb5_mechanism[ECA_KRB5_MECHANISM_BYTES];

/* [field] { one primitive }. Threads: any, on their own writers, like all below. */
void eca_kerberos_put_bytes(struct eca_der_writer *der, unsigned field, enum eca_kerberos_tag tag, const void *bytes,
                            size_t length);

/* [field] INTEGER */
void eca_kerberos_put_integer(struct eca_der_writer *der, unsigned field, int64_t value);

#define ECA_KERBEROS_TIME_LENGTH 15

/* A KerberosTime's characters (RFC 4120 5.2.3), without NUL. False for years that four digits cannot say. */
bool eca_kerberos_write_time(char out[ECA_KERBEROS_TIME_LENGTH], time_t seconds);

/* [field] KerberosTime; an overflow for those years. */
void eca_kerberos_put_time(struct eca_der_writer *der, unsigned field, time_t seconds);

#endif
