/* SPDX-License-Identifier: Apache-2.0 */
/* DER backwards. */
#include "der_writer.h"

#include "hot.h"

#include <string.h>

#define TAG_INTEGER 0x02

void eca_der_writer_init(struct eca_der_writer *der, uint8_t *memory, size_t size)
{
    der->memory = memory;
    der->start = size;
    der->overflow = false;
}

void eca_der_put(struct eca_der_writer *der, const void *bytes, size_t length)
{
    if (der->overflow || length > der->start) {
        der->overflow = true;
        return;
    }
    der->start -= length;
    if (length > 0)
        memcpy(der->memory + der->start, bytes, length);
}

ECA_HOT void eca_der_close(struct eca_der_writer *der, uint8_t tag, size_t end)
{
    const size_t length = end - der->start;
    const uint8_t low = (uint8_t)length;

    if (length <= 0x7f)
        eca_der_put(der, (const uint8_t[]){ tag, low }, 2);
    else if (length <= 0xff)
        eca_der_put(der, (const uint8_t[]){ tag, 0x81, low }, 3);
    else if (length <= 0xffff)
        eca_der_put(der, (const uint8_t[]){ tag, 0x82, (uint8_t)(length >> 8), low }, 4);
    else
        der->overflow = true;
}

void eca_der_put_element(struct eca_der_writer *der, uint8_t tag, const void *bytes, size_t length)
{
    const size_t end = der->start;

    eca_der_put(der, bytes, length);
    eca_der_close(der, tag, end);
}

/* Bytes are put until what is left says nothing more than the sign, which the last byte's highest bit says too. */
void eca_der_put_integer(struct eca_der_writer *der, int64_t value)
{
    const size_t end = der->start;
    uint8_t byte = 0;

    do {
        byte = (uint8_t)value;
        eca_der_put(der, &byte, 1);
        value >>= 8;
    } while ((value != 0 || byte > 0x7f) && (value != -1 || byte <= 0x7f));
    eca_der_close(der, TAG_INTEGER, end);
}
