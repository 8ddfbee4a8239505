/* SPDX-License-Identifier: Apache-2.0 */
/* `apache2ctl -t -D DUMP_EAS`: the effective configuration of each section, for people and for eas-certauth. */
#ifndef ECA_DUMP_H
#define ECA_DUMP_H

#include <httpd.h>

/*
 * test_config hook: with -D DUMP_EAS, prints one JSON document to standard output (docs/directives.md has its shape).
 * Runs only when the configuration is good. Of files that hold secrets it prints the names; what they hold is never
 * looked at.
 */
void eca_dump_print(apr_pool_t *pool, server_rec *main_server);

#endif
