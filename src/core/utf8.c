/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: the check that every foreign text passes before it is compared, searched for or shown. */
#include "utf8.h"

static bool is_within(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/*
 * UTF8-1 = %x00-7F                                            RFC 3629 section 4
 * UTF8-2 = %xC2-DF UTF8-tail
 * UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) / %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
 * UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) / %xF4 %x80-8F 2( UTF8-tail )
 */
size_t eca_utf8_first(struct eca_slice text)
{
    static const struct {
        uint8_t lead_low, lead_high;
        uint8_t second_low, second_high;
        size_t length;
    } forms[] = {
        { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };

    if (text.length == 0)
        return 0;
    if (text.bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!is_within(text.bytes[0], forms[i].lead_low, forms[i].lead_high))
            continue;
        if (text.length < forms[i].length || !is_within(text.bytes[1], forms[i].second_low, forms[i].second_high))
            return 0;
        for (size_t tail = 2; tail < forms[i].length; tail++) {
            if (!is_within(text.bytes[tail], 0x80, 0xbf))
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

bool eca_utf8_is_valid(struct eca_slice text)
{
    while (text.length > 0) {
        const size_t length = eca_utf8_first(text);

        if (length == 0)
            return false;
        text.bytes += length;
        text.length -= length;
    }
    return true;
}

bool eca_utf8_is_clean(struct eca_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < 0x20 || text.bytes[i] == 0x7f)
            return false;
    }
    return eca_utf8_is_valid(text);
}

static uint8_t tail(uint32_t character, unsigned shift)
{
    return (uint8_t)(0x80 | ((character >> shift) & 0x3f));
}

bool eca_utf8_append(struct eca_strbuf *out, uint32_t character)
{
    uint8_t bytes[4];
    size_t length = 0;

    if (character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
        return false;
    if (character < 0x80) {
        bytes[length++] = (uint8_t)character;
    } else if (character < 0x800) {
        bytes[length++] = (uint8_t)(0xc0 | (character >> 6));
        bytes[length++] = tail(character, 0);
    } else if (character < 0x10000) {
        bytes[length++] = (uint8_t)(0xe0 | (character >> 12));
        bytes[length++] = tail(character, 6);
        bytes[length++] = tail(character, 0);
    } else {
        bytes[length++] = (uint8_t)(0xf0 | (character >> 18));
        bytes[length++] = tail(character, 12);
        bytes[length++] = tail(character, 6);
        bytes[length++] = tail(character, 0);
    }
    eca_strbuf_append(out, bytes, length);
    return true;
}
