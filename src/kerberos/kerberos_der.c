/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of Kerberos messages. */
#include "kerberos_der.h"

const uint8_t eca_krb5_mechanism[ECA_KRB5_MECHANISM_BYTES] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                               0xf7, 0x12, 0x01, 0x02, 0x02 };

void eca_kerberos_put_integer(struct eca_der_writer *der, unsigned field, int64_t value)
{
    const size_t end = der->start;

    eca_der_put_integer(der, value);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

void eca_kerberos_put_bytes(struct eca_der_writer *der, unsigned field, enum eca_kerberos_tag tag, const void *bytes,
                            size_t length)
{
    const size_t end = der->start;

    eca_der_put_element(der, (uint8_t)tag, bytes, length);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

void eca_kerberos_put_time(struct eca_der_writer *der, unsigned field, time_t seconds)
{
    struct tm parts;
    char text[16] = "";

    if (gmtime_r(&seconds, &parts) == NULL || strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts) != 15)
        der->overflow = true;
    eca_kerberos_put_bytes(der, field, ECA_TAG_GENERALIZED_TIME, text, 15);
}
