/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a password without leaving copies of it. */
#include "password_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool eca_password_file_read(char *out, const char *path, struct eca_error *err)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = 0;

    if (file < 0)
        return eca_error_set(err, "EASDirectoryBind: %s cannot be read", path);
    do {
        got = read(file, out + length, ECA_PASSWORD_FILE_MAX - length);
        length += got > 0 ? (size_t)got : 0;
    } while (got > 0 && length < ECA_PASSWORD_FILE_MAX && memchr(out, '\n', length) == NULL);
    (void)close(file);
    if (got < 0)
        return eca_error_set(err, "EASDirectoryBind: %s cannot be read", path);
    if (length == ECA_PASSWORD_FILE_MAX && memchr(out, '\n', length) == NULL)
        return eca_error_set(err, "EASDirectoryBind: the first line of %s is longer than any password", path);
    out[length < ECA_PASSWORD_FILE_MAX ? length : length - 1] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] != '\0'
           || eca_error_set(err,
                            "EASDirectoryBind: %s holds no password in its first line: an LDAP bind with an "
                            "empty one is an anonymous bind",
                            path);
}
