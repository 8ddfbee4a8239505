/* SPDX-License-Identifier: Apache-2.0 */
/* Four ways to write a certificate into a header: each is undone down to base64, and that to DER. */
#include "header_certificate.h"

#include <string.h>

const struct eca_choice eca_header_format_choices[] = { { "rfc9440", ECA_HEADER_FORMAT_RFC9440 },
                                                        { "pem", ECA_HEADER_FORMAT_PEM },
                                                        { "pem-urlencoded", ECA_HEADER_FORMAT_PEM_URLENCODED },
                                                        { "base64-der", ECA_HEADER_FORMAT_BASE64_DER },
                                                        { NULL, 0 } };

static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
static const char end_line[] = "-----END CERTIFICATE-----";

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct eca_slice trim(struct eca_slice text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* The six bits of a character of base64's alphabet (RFC 4648 4), or -1. */
static int bits_of(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+')
        return 62;
    return byte == '/' ? 63 : -1;
}

/* `rest` begins with the character. The likely cause may stand behind it: padding is found first. */
static bool refuse_character(struct eca_slice rest, struct eca_error *err)
{
    if (memchr(rest.bytes, ',', rest.length) != NULL)
        return eca_error_set(err, "it holds a comma: it was sent twice, or is a list");
    if (memchr(rest.bytes, '-', rest.length) != NULL)
        return eca_error_set(err, "a line of PEM stands where only base64 may: more than one certificate, or another "
                                  "format than the configured one");
    return eca_error_set(err, "byte 0x%02x is no base64: cut, damaged, or another format than the configured one",
                         rest.bytes[0]);
}

static size_t count_padding(struct eca_slice text)
{
    size_t count = 0;

    while (count < 2 && count < text.length && text.bytes[text.length - 1 - count] == '=')
        count++;
    return count;
}

/* `out` may be where `text` is: what is written is always behind what is read. */
static bool decode_base64(struct eca_slice *der, uint8_t *out, struct eca_slice text, struct eca_error *err)
{
    const size_t padding = count_padding(text);
    size_t written = 0;
    unsigned pending = 0;

    for (size_t i = 0; i + padding < text.length; i++) {
        const int bits = bits_of(text.bytes[i]);

        if (bits < 0)
            return refuse_character((struct eca_slice){ text.bytes + i, text.length - i }, err);
        pending = pending << 6 | (unsigned)bits;
        if (i % 4 != 0)
            out[written++] = (uint8_t)(pending >> (6 - i % 4 * 2));
    }
    if (text.length % 4 != 0)
        return eca_error_set(err, "its base64 is cut short");
    if (padding > 0 && (pending & (padding == 1 ? 0x3U : 0xfU)) != 0)
        return eca_error_set(err, "its base64 has bits set that mean nothing");
    if (written == 0)
        return eca_error_set(err, "it holds no certificate");
    *der = (struct eca_slice){ out, written };
    return true;
}

static bool decode_byte_sequence(struct eca_slice *der, uint8_t *memory, struct eca_slice text, struct eca_error *err)
{
    if (text.length < 2 || text.bytes[0] != ':' || text.bytes[text.length - 1] != ':')
        return eca_error_set(err, "it is no byte sequence of RFC 8941: base64 between two colons");
    return decode_base64(der, memory, (struct eca_slice){ text.bytes + 1, text.length - 2 }, err);
}

static bool begins_with(struct eca_slice text, const char *line)
{
    return text.length >= strlen(line) && memcmp(text.bytes, line, strlen(line)) == 0;
}

/* BEGIN line, base64 with blanks anywhere, END line. `memory` may be where `text` is. */
static bool decode_pem(struct eca_slice *der, uint8_t *memory, struct eca_slice text, struct eca_error *err)
{
    const size_t begin = sizeof begin_line - 1, end = sizeof end_line - 1;
    size_t length = 0;

    if (!begins_with(text, begin_line))
        return eca_error_set(err, "it does not begin with %s", begin_line);
    if (text.length < begin + end || !begins_with((struct eca_slice){ text.bytes + text.length - end, end }, end_line))
        return eca_error_set(err, "it does not end with %s: cut, or something follows", end_line);
    for (size_t i = begin; i < text.length - end; i++) {
        if (!is_blank(text.bytes[i]))
            memory[length++] = text.bytes[i];
    }
    return decode_base64(der, memory, (struct eca_slice){ memory, length }, err);
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool decode_urlencoded(struct eca_slice *der, uint8_t *memory, struct eca_slice text, struct eca_error *err)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        const bool escaped = text.bytes[i] == '%';
        const int high = escaped && text.length - i > 2 ? digit_of(text.bytes[i + 1]) : -1;
        const int low = high >= 0 ? digit_of(text.bytes[i + 2]) : -1;

        if (escaped && low < 0)
            return eca_error_set(err, "a percent sign without two hexadecimal digits: cut, or not URL-encoded");
        memory[length++] = (uint8_t)(escaped ? high << 4 | low : text.bytes[i]);
        if (escaped)
            i += 2;
    }
    return decode_pem(der, memory, trim((struct eca_slice){ memory, length }), err);
}

bool eca_header_certificate_decode(struct eca_slice *der, uint8_t *memory, enum eca_header_format format,
                                   struct eca_slice text, struct eca_error *err)
{
    text = trim(text);
    if (text.length > ECA_HEADER_CERTIFICATE_MAX)
        return eca_error_set(err, "it is longer than %d bytes", ECA_HEADER_CERTIFICATE_MAX);
    switch (format) {
    case ECA_HEADER_FORMAT_RFC9440:
        return decode_byte_sequence(der, memory, text, err);
    case ECA_HEADER_FORMAT_PEM:
        return decode_pem(der, memory, text, err);
    case ECA_HEADER_FORMAT_PEM_URLENCODED:
        return decode_urlencoded(der, memory, text, err);
    case ECA_HEADER_FORMAT_BASE64_DER:
        return decode_base64(der, memory, text, err);
    }
    return eca_error_set(err, "unknown format");
}
