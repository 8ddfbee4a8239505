/* SPDX-License-Identifier: Apache-2.0 */
/* The query of an ActiveSync request, plain or base64 (MS-ASHTTP 2.2.1.1.1), for logs and variables. */
#ifndef ECA_ACTIVESYNC_H
#define ECA_ACTIVESYNC_H

#include "strbuf.h"

#define ECA_ACTIVESYNC_TEXT_MAX 256

/*
 * NUL-terminated printable texts, "" when not said, cut to their room, control characters
 * and bytes that are not UTF-8 replaced by "?". For people to read: nothing is ever decided by them.
 */
struct eca_activesync {
    char command[32]; /* "Sync", "Ping" …; a number for an unknown code */
    char user[ECA_ACTIVESYNC_TEXT_MAX];
    char device_id[ECA_ACTIVESYNC_TEXT_MAX]; /* hexadecimal when it is not printable */
    char device_type[ECA_ACTIVESYNC_TEXT_MAX];
    char protocol_version[16]; /* from a base64 query; a plain one has it in a header */
};

/*
 * Reads the query string (without "?"); false when it is neither form, with *out all "".
 * Longer than 4096 bytes is neither form. Threads: any.
 */
bool eca_activesync_parse_query(struct eca_activesync *out, struct eca_slice query);

#endif
