/* SPDX-License-Identifier: Apache-2.0 */
/* DER elements, one at a time. */
#include "der.h"

#include "hot.h"

/*
 * length = %x00-7F                 short form              X.690 section 8.1.3
 *        / %x81 %x80-FF            long form, shortest that holds the number (10.1)
 *        / %x82 2OCTET             at least 256
 * Longer forms cannot occur below ECA_CERTIFICATE_DER_MAX.
 */
ECA_HOT bool eca_der_take(struct eca_slice *rest, enum eca_der_tag tag, struct eca_slice *content)
{
    const uint8_t *bytes = rest->bytes;
    size_t header = 2;
    size_t length;

    if (rest->length < 2 || bytes[0] != tag)
        return false;
    length = bytes[1];
    if (length >= 0x80) {
        header = length == 0x81 ? 3 : 4;
        if (length > 0x82 || length == 0x80 || rest->length < header)
            return false;
        length = header == 3 ? bytes[2] : (size_t)bytes[2] << 8 | bytes[3];
        if (length < (header == 3 ? 0x80u : 0x100u))
            return false;
    }
    if (length > rest->length - header)
        return false;
    *content = (struct eca_slice){ bytes + header, length };
    rest->bytes += header + length;
    rest->length -= header + length;
    return true;
}
