/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a list, from a file or over HTTP, and the copy that is kept of what the network gave. */
#ifndef ECA_CRL_FETCH_H
#define ECA_CRL_FETCH_H

#include "error.h"

#include <apr_time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of these: *bytes belongs to the caller, free(). At most ECA_CRL_BYTES_MAX. False with a sentence. */

bool eca_crl_fetch_file(const char *path, uint8_t **bytes, size_t *length, struct eca_error *err);

/* GET; `patience` for the whole of it. Blocks. */
bool eca_crl_fetch_http(const char *url, apr_interval_time_t patience, uint8_t **bytes, size_t *length,
                        struct eca_error *err);

/* What was kept of `url` in `directory`; *when: the moment it was fetched. No sentence: there may be nothing. */
bool eca_crl_fetch_kept(const char *directory, const char *url, uint8_t **bytes, size_t *length, apr_time_t *when);

/* Keeps it, whole or not at all. */
bool eca_crl_fetch_keep(const char *directory, const char *url, const uint8_t *bytes, size_t length,
                        struct eca_error *err);

#endif
