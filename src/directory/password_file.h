/* SPDX-License-Identifier: Apache-2.0 */
/* The password of a simple bind, from its file. */
#ifndef ECA_PASSWORD_FILE_H
#define ECA_PASSWORD_FILE_H

#include "error.h"

#define ECA_PASSWORD_FILE_MAX 1024 /* bytes of a password, NUL included */

/*
 * The first line of the file, without its end, into out[ECA_PASSWORD_FILE_MAX], which the caller wipes. False with a
 * sentence that names the file when it cannot be read, or its first line is empty or too long.
 */
bool eca_password_file_read(char *out, const char *path, struct eca_error *err);

#endif
