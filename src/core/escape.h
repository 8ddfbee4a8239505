/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign values for people to read: in a log line, a header or a page. */
#ifndef ECA_ESCAPE_H
#define ECA_ESCAPE_H

#include "strbuf.h"

#define ECA_ESCAPE_PAIR_MAX 1024 /* bytes of an escaped value in eca_escape_pair() */

/*
 * Appends `value` so that it cannot end a line or move a cursor: printable ASCII and valid UTF-8 pass, control
 * characters (C0, DEL and C1, which terminals obey) and bytes that are not UTF-8 become \xHH. At most `limit`
 * bytes are written; what does not fit is cut between characters and ends in "...".
 * Any bytes are accepted. Threads: any. Errors: `out->overflow`.
 */
void eca_escape_text(struct eca_strbuf *out, struct eca_slice value, size_t limit);

/* Whether a character of valid UTF-8 is one of C0, DEL or C1. Threads: any. */
bool eca_escape_is_control(struct eca_slice character);

/* Whether eca_escape_text() would at most cut it: it is printable ASCII, as nearly every value. Threads: any. */
bool eca_escape_is_plain(struct eca_slice value);

/*
 * Appends " key=value", the value escaped as above (so hand in the raw one), quote and backslash as \x22 and \x5c,
 * and in double quotes when it is empty or holds a space, a quote or "=". Nothing when `value` is NULL.
 *
 * key: a constant of ours, NUL-terminated, not escaped.
 */
void eca_escape_pair(struct eca_strbuf *out, const char *key, const char *value);

#endif
