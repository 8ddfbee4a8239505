/* SPDX-License-Identifier: Apache-2.0 */
/* Security identifiers, text and binary. */
#include "sid.h"

#include <string.h>

#define SUB_AUTHORITIES_MAX 15

struct numbers {
    uint32_t authority;
    uint32_t sub[SUB_AUTHORITIES_MAX];
    size_t sub_count;
};

/* number = "0" / ( %x31-39 *9DIGIT ), below 2^32 */
static bool take_number(struct eca_slice *rest, uint32_t *out)
{
    uint64_t number = 0;
    size_t digits = 0;

    while (digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9') {
        number = number * 10 + (uint64_t)(rest->bytes[digits] - '0');
        if (number > UINT32_MAX)
            return false;
        digits++;
    }
    if (digits == 0 || (digits > 1 && rest->bytes[0] == '0'))
        return false;
    *out = (uint32_t)number;
    rest->bytes += digits;
    rest->length -= digits;
    return true;
}

/*
 * SID = "S-1-" number 1*15( "-" number )        MS-DTYP 2.4.2.1
 * MS-DTYP writes an authority of 2^32 and more in hexadecimal. None was ever assigned: refused.
 */
static bool read_numbers(struct numbers *out, struct eca_slice text)
{
    out->sub_count = 0;
    if (text.length < 4 || memcmp(text.bytes, "S-1-", 4) != 0)
        return false;
    text.bytes += 4;
    text.length -= 4;
    if (!take_number(&text, &out->authority))
        return false;
    while (text.length > 0) {
        if (text.bytes[0] != '-' || out->sub_count == SUB_AUTHORITIES_MAX)
            return false;
        text.bytes++;
        text.length--;
        if (!take_number(&text, &out->sub[out->sub_count++]))
            return false;
    }
    return out->sub_count > 0;
}

bool eca_sid_parse_text(char *out, struct eca_slice text)
{
    struct numbers numbers;

    if (text.length >= ECA_SID_TEXT_MAX || !read_numbers(&numbers, text))
        return false;
    memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
    return true;
}

/*
 * Revision (1), count (1), authority (6, big-endian), then the sub-authorities (4 each,
 * little-endian): MS-DTYP 2.4.2.2.
 */
size_t eca_sid_to_binary(uint8_t *out, const char *text)
{
    struct numbers numbers;
    uint8_t *end = out + 8;

    if (!read_numbers(&numbers, eca_slice_from_text(text)))
        return 0;
    out[0] = 1;
    out[1] = (uint8_t)numbers.sub_count;
    out[2] = 0;
    out[3] = 0;
    for (unsigned i = 0; i < 4; i++)
        out[4 + i] = (uint8_t)(numbers.authority >> (24 - 8 * i));
    for (size_t i = 0; i < numbers.sub_count; i++) {
        for (unsigned shift = 0; shift < 32; shift += 8)
            *end++ = (uint8_t)(numbers.sub[i] >> shift);
    }
    return (size_t)(end - out);
}

static void append_number(struct eca_strbuf *out, uint32_t number)
{
    char digits[11]; /* a hyphen and ten digits, from the end: every cached account passes here */
    size_t start = sizeof digits;

    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    digits[--start] = '-';
    eca_strbuf_append(out, digits + start, sizeof digits - start);
}

bool eca_sid_to_text(char *out, struct eca_slice binary)
{
    const uint8_t *bytes = binary.bytes;
    struct eca_strbuf text;

    eca_strbuf_init(&text, out, ECA_SID_TEXT_MAX);
    if (binary.length < 12 || bytes[0] != 1 || bytes[1] > SUB_AUTHORITIES_MAX
        || binary.length != 8 + (size_t)bytes[1] * 4 || bytes[2] != 0 || bytes[3] != 0)
        return false;
    eca_strbuf_text(&text, "S-1");
    append_number(&text, (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7]);
    for (size_t at = 8; at < binary.length; at += 4)
        append_number(&text, (uint32_t)bytes[at + 3] << 24 | (uint32_t)bytes[at + 2] << 16
                                 | (uint32_t)bytes[at + 1] << 8 | bytes[at]);
    return true;
}
