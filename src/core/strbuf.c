/* SPDX-License-Identifier: Apache-2.0 */
/* Slices and bounded texts: what every other stage is built with. */
#include "strbuf.h"

#include "hot.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

void eca_strbuf_init(struct eca_strbuf *out, char *memory, size_t capacity)
{
    out->text = memory;
    out->capacity = capacity;
    out->length = 0;
    out->overflow = false;
    memory[0] = '\0';
}

ECA_HOT void eca_strbuf_append(struct eca_strbuf *out, const void *bytes, size_t length)
{
    if (out->overflow || length >= out->capacity - out->length) {
        out->overflow = true;
        return;
    }
    if (length > 0)
        memcpy(out->text + out->length, bytes, length);
    out->length += length;
    out->text[out->length] = '\0';
}

ECA_HOT void eca_strbuf_text(struct eca_strbuf *out, const char *text)
{
    eca_strbuf_append(out, text, strlen(text));
}

void eca_strbuf_hex(struct eca_strbuf *out, struct eca_slice bytes)
{
    static const char digits[] = "0123456789abcdef";

    const size_t room = out->overflow ? 0 : (out->capacity - out->length - 1) / 2;
    const size_t count = bytes.length < room ? bytes.length : room;
    char *at = out->text + out->length;

    for (size_t i = 0; i < count; i++) {
        *at++ = digits[bytes.bytes[i] >> 4];
        *at++ = digits[bytes.bytes[i] & 15];
    }
    *at = '\0';
    out->length += 2 * count;
    out->overflow = out->overflow || count < bytes.length;
}

ECA_HOT void eca_strbuf_base64(struct eca_strbuf *out, struct eca_slice bytes)
{
    const size_t length = (bytes.length + 2) / 3 * 4;

    if (out->overflow || bytes.length > INT_MAX / 2 || length >= out->capacity - out->length) {
        out->overflow = true;
        return;
    }
    (void)EVP_EncodeBlock((unsigned char *)out->text + out->length, bytes.bytes, (int)bytes.length);
    out->length += length;
}

const char *eca_text_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? text : NULL;
}

struct eca_slice eca_slice_from_text(const char *text)
{
    return text == NULL ? (struct eca_slice){ NULL, 0 } : (struct eca_slice){ (const uint8_t *)text, strlen(text) };
}

bool eca_slice_equal(struct eca_slice a, struct eca_slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Not tolower(): that one depends on the locale of the server. */
static uint8_t ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

ECA_HOT bool eca_slice_equal_ascii_nocase(struct eca_slice a, struct eca_slice b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        if (ascii_lower(a.bytes[i]) != ascii_lower(b.bytes[i]))
            return false;
    }
    return true;
}
