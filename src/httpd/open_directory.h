/* SPDX-License-Identifier: Apache-2.0 */
/* From EASDirectory to the directory that is asked. */
#ifndef ECA_OPEN_DIRECTORY_H
#define ECA_OPEN_DIRECTORY_H

#include "config.h"
#include "directory.h"

#define ECA_DIRECTORY_FILE "file:"

bool eca_directory_url_is_file(const char *url);

/* The path of the account file that is this server's directory, or NULL. */
const char *eca_directory_file(const struct eca_server_config *config);

/* In the parent: whether the account file, if there is one, is sound and can be read by the children. */
bool eca_open_directory_check(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err);

/*
 * In the child: makes the directory; connects nowhere. What a later reading of an account file comes to is logged for
 * `server`. NULL with `err`.
 */
struct eca_directory *eca_open_directory(const struct eca_server_config *config, server_rec *server,
                                         struct eca_error *err);

#endif
