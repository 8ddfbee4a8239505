/* SPDX-License-Identifier: Apache-2.0 */
/* One NegTokenInit that offers Kerberos alone. */
#include "spnego.h"

#include "kerberos_der.h"

/* 1.3.6.1.5.5.2 (RFC 4178) */
static const uint8_t mechanism[] = { 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02 };

/*
 * [APPLICATION 0] { spnego, [0] NegTokenInit }                    RFC 2743 3.1, RFC 4178 4.2
 * NegTokenInit = ECA_TAG_SEQUENCE { [0] mechTypes ECA_TAG_SEQUENCE { krb5 }, [2] mechToken OCTET STRING }
 */
void eca_spnego_close(struct eca_der_writer *der, size_t end)
{
    static const uint8_t mech_types[] = { 0xa0, 2 + sizeof eca_krb5_mechanism, 0x30, sizeof eca_krb5_mechanism };

    eca_der_close(der, ECA_TAG_OCTET_STRING, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 2, end);
    eca_der_put(der, eca_krb5_mechanism, sizeof eca_krb5_mechanism);
    eca_der_put(der, mech_types, sizeof mech_types);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_CONTEXT, end);
    eca_der_put(der, mechanism, sizeof mechanism);
    eca_der_close(der, ECA_TAG_GSS_INITIAL, end);
}
