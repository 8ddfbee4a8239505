/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage of every value that a stranger chose: made fit to be read. */
#include "escape.h"

#include "hot.h"
#include "utf8.h"

#include <string.h>

static const char dots[] = "...";

/* What one character of the value becomes. */
struct piece {
    size_t taken;  /* bytes of the value */
    size_t length; /* bytes in `text` */
    char text[8];  /* two bytes of C1 need the most: \xc2\x9b */
};

bool eca_escape_is_control(struct eca_slice character)
{
    const uint8_t *bytes = character.bytes;

    return bytes[0] < 0x20 || bytes[0] == 0x7f || (character.length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

static bool is_quoting(struct eca_slice character)
{
    return character.bytes[0] == '"' || character.bytes[0] == '\\';
}

/* `in_quotes`: quote and backslash, too: httpd doubles a backslash it logs, so one before a quote would not protect it.
 */
static struct piece next_piece(struct eca_slice value, bool in_quotes)
{
    const size_t valid = eca_utf8_first(value);
    const struct eca_slice character = { value.bytes, valid == 0 ? 1 : valid };
    struct piece piece = { .taken = character.length };

    if (valid == 0 || eca_escape_is_control(character) || (in_quotes && is_quoting(character))) {
        for (size_t i = 0; i < character.length; i++) {
            static const char hex[] = "0123456789abcdef";

            piece.text[piece.length++] = '\\';
            piece.text[piece.length++] = 'x';
            piece.text[piece.length++] = hex[character.bytes[i] >> 4];
            piece.text[piece.length++] = hex[character.bytes[i] & 15];
        }
        return piece;
    }
    memcpy(piece.text, character.bytes, character.length);
    piece.length = character.length;
    return piece;
}

static struct eca_slice after(struct eca_slice value, size_t taken)
{
    return (struct eca_slice){ value.bytes + taken, value.length - taken };
}

/* Whether the escaped value has more than `limit` bytes; looks no further than it must. */
static bool is_longer(struct eca_slice value, size_t limit, bool in_quotes)
{
    while (value.length > 0) {
        const struct piece piece = next_piece(value, in_quotes);

        if (piece.length > limit)
            return true;
        limit -= piece.length;
        value = after(value, piece.taken);
    }
    return false;
}

ECA_HOT bool eca_escape_is_plain(struct eca_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] < 0x20 || value.bytes[i] > 0x7e)
            return false;
    }
    return true;
}

static bool is_plain(struct eca_slice value, bool in_quotes)
{
    return eca_escape_is_plain(value)
           && (!in_quotes || value.length == 0
               || (memchr(value.bytes, '"', value.length) == NULL && memchr(value.bytes, '\\', value.length) == NULL));
}

static void escape(struct eca_strbuf *out, struct eca_slice value, size_t limit, bool in_quotes)
{
    const size_t dots_length = limit < sizeof dots - 1 ? limit : sizeof dots - 1;
    bool cut = false;
    size_t room = 0;

    if (value.length <= limit && is_plain(value, in_quotes)) {
        eca_strbuf_append(out, value.bytes, value.length);
        return;
    }
    cut = is_longer(value, limit, in_quotes);
    room = cut ? limit - dots_length : limit;
    while (value.length > 0 && !out->overflow) {
        const struct piece piece = next_piece(value, in_quotes);

        if (piece.length > room)
            break;
        eca_strbuf_append(out, piece.text, piece.length);
        room -= piece.length;
        value = after(value, piece.taken);
    }
    if (cut)
        eca_strbuf_append(out, dots, dots_length);
}

void eca_escape_text(struct eca_strbuf *out, struct eca_slice value, size_t limit)
{
    escape(out, value, limit, false);
}

void eca_escape_pair(struct eca_strbuf *out, const char *key, const char *value)
{
    bool quoted;

    if (value == NULL)
        return;
    quoted = value[0] == '\0' || strpbrk(value, " \"=") != NULL;
    eca_strbuf_text(out, " ");
    eca_strbuf_text(out, key);
    eca_strbuf_text(out, quoted ? "=\"" : "=");
    escape(out, eca_slice_from_text(value), ECA_ESCAPE_PAIR_MAX, true);
    if (quoted)
        eca_strbuf_text(out, "\"");
}
