/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that somebody else owns, and text built in memory that the caller owns. */
#ifndef ECA_STRBUF_H
#define ECA_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Valid as long as its owner, never NUL-terminated; an absent value is { NULL, 0 }. */
struct eca_slice {
    const uint8_t *bytes;
    size_t length;
};

/*
 * Once a piece did not fit, `overflow` stays set and later pieces are ignored, so one
 * check at the end is enough. `text` is NUL-terminated at all times once
 * eca_strbuf_init() ran; `capacity` includes the NUL and is at least 1.
 */
struct eca_strbuf {
    char *text;
    size_t capacity;
    size_t length;
    bool overflow;
};

/* Starts an empty text in `memory`. Threads: any, on their own buffers, like all below. */
void eca_strbuf_init(struct eca_strbuf *out, char *memory, size_t capacity);

/* Appends `length` bytes, all or nothing. */
void eca_strbuf_append(struct eca_strbuf *out, const void *bytes, size_t length);

/* Appends a NUL-terminated text. */
void eca_strbuf_text(struct eca_strbuf *out, const char *text);

/* Appends the bytes as hexadecimal, two digits each, lower case. */
void eca_strbuf_hex(struct eca_strbuf *out, struct eca_slice bytes);

/* Appends the bytes in base64 (RFC 4648 4), padded, all or nothing. */
void eca_strbuf_base64(struct eca_strbuf *out, struct eca_slice bytes);

/* The text itself; NULL of an empty one, and of NULL. */
const char *eca_text_or_null(const char *text);

/* A slice over a NUL-terminated text, which must outlive it; NULL gives the absent value. */
struct eca_slice eca_slice_from_text(const char *text);

/* Every byte equal. */
bool eca_slice_equal(struct eca_slice a, struct eca_slice b);

/* Equal when ASCII letters are compared without case and every other byte exactly (mapping rule 6). */
bool eca_slice_equal_ascii_nocase(struct eca_slice a, struct eca_slice b);

#endif
