/* SPDX-License-Identifier: Apache-2.0 */
/* Security identifiers as text and in the binary form of objectSid and PACs (MS-DTYP 2.4.2). */
#ifndef ECA_SID_H
#define ECA_SID_H

#include "strbuf.h"

#define ECA_SID_TEXT_MAX 192  /* "S-1-" and 16 numbers, NUL included */
#define ECA_SID_BINARY_MAX 68 /* 8 + 15 × 4 */

/*
 * Checks `text` against S-1-<digits>(-<digits>){1,15}, no leading zeros, each number below
 * 2^32, and copies it NUL-terminated to out[ECA_SID_TEXT_MAX]. False for anything else: MS-DTYP
 * 2.4.2.1 writes an authority from 2^32 on in hexadecimal, but none was ever assigned. Threads: any.
 */
bool eca_sid_parse_text(char *out, struct eca_slice text);

/* Checked text to binary, into out[ECA_SID_BINARY_MAX]; returns the length, 0 when `text` is no SID. */
size_t eca_sid_to_binary(uint8_t *out, const char *text);

/* Binary to text, into out[ECA_SID_TEXT_MAX]; false when `binary` is no SID of exactly its length. */
bool eca_sid_to_text(char *out, struct eca_slice binary);

#endif
