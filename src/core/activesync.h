/* SPDX-License-Identifier: Apache-2.0 */
/* The query of an ActiveSync request, plain or base64 (MS-ASHTTP 2.2.1.1.1), for logs and variables. */
#ifndef ECA_ACTIVESYNC_H
#define ECA_ACTIVESYNC_H

#include "strbuf.h"

#define ECA_ACTIVESYNC_COMMAND_MAX 32 /* with their NUL, as the next */
#define ECA_ACTIVESYNC_TEXT_MAX 256
#define ECA_ACTIVESYNC_ROOM_MAX 1024

/*
 * NUL-terminated printable texts in the caller's memory, NULL when not said, cut to their longest, control characters
 * and bytes that are not UTF-8 replaced by "?". For people to read: nothing is ever decided by them.
 */
struct eca_activesync {
    const char *command; /* "Sync", "Ping" …; a number for an unknown code */
    const char *user;
    const char *device_id; /* hexadecimal when it is not printable */
    const char *device_type;
    const char *protocol_version; /* from a base64 query; a plain one has it in a header */
};

/* Bytes for all texts of a query that long; at most ECA_ACTIVESYNC_ROOM_MAX. Threads: any, as for the next. */
size_t eca_activesync_room(size_t query_length);

/*
 * Reads the query string (without "?") into `memory`, which has eca_activesync_room() bytes; false when it is neither
 * form, with *out all NULL. Longer than 4096 bytes is neither form.
 */
bool eca_activesync_parse_query(struct eca_activesync *out, struct eca_slice query, char *memory);

#endif
