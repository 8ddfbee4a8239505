/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 allows it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef ECA_UTF8_H
#define ECA_UTF8_H

#include "strbuf.h"

/* Length of the character that `text` begins with, 1 to 4; 0 when `text` is empty or begins with none. Threads: any. */
size_t eca_utf8_first(struct eca_slice text);

/* All of it valid. The empty text is. */
bool eca_utf8_is_valid(struct eca_slice text);

/*
 * Mapping rule 7: valid, and no control character (a byte under 0x20, or 0x7f). The empty
 * text is clean too: whether it is allowed, the caller knows.
 */
bool eca_utf8_is_clean(struct eca_slice text);

/* Appends one character; false, with nothing appended, for a surrogate or above U+10FFFF. */
bool eca_utf8_append(struct eca_strbuf *out, uint32_t character);

#endif
