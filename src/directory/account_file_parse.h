/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an account file (docs/file-directory.md). */
#ifndef ECA_ACCOUNT_FILE_PARSE_H
#define ECA_ACCOUNT_FILE_PARSE_H

#include "account_file.h"

/*
 * Reads a whole text. `extra_attribute` (may be NULL) is the one attribute.NAME that is kept. NULL with a sentence
 * that begins with the line's number ("line 12: …") and says what to write instead; nothing is passed over. Threads:
 * any.
 */
struct eca_account_file *eca_account_file_parse(struct eca_slice text, const char *extra_attribute,
                                                struct eca_error *err);

#endif
