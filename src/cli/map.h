/* SPDX-License-Identifier: Apache-2.0 */
/* eas-certauth map: certificates in, what they say and the keys they yield out. */
#ifndef ECA_MAP_H
#define ECA_MAP_H

#include "look_up.h"

#include <stddef.h>

enum eca_exit { ECA_EXIT_READ = 0, ECA_EXIT_REFUSED = 1, ECA_EXIT_USAGE = 2 };

enum eca_map_form { ECA_MAP_TEXT, ECA_MAP_JSON, ECA_MAP_POWERSHELL };

struct eca_map_request {
    enum eca_map_form form;
    const char *identity;        /* of the account in PowerShell's command; NULL: a comment says what to fill in */
    struct eca_look_up *look_up; /* NULL: no directory is asked */
};

/*
 * Prints every certificate of every file to standard output; "-" is standard input. The worst of: READ; REFUSED when
 * one is malformed, or would be refused where a directory is asked; USAGE when a file cannot be read or holds no
 * certificate (said on standard error).
 */
enum eca_exit eca_map_files(const struct eca_map_request *request, const char *const *files, size_t count);

#endif
