/* SPDX-License-Identifier: Apache-2.0 */
/* Sections as requests will meet them: on which server, with which policy, before which backend. */
#ifndef ECA_SECTION_H
#define ECA_SECTION_H

#include "config.h"

struct eca_served_section {
    const struct eca_section *section;
    server_rec *server; /* that serves it: a section outside every virtual host is served by all of them */
    const struct eca_server_config *config;
    const struct eca_policy *policy; /* with what the section inherits */
    const char *backend;             /* URL, or NULL */
    const char *name;                /* for messages */
    const char *problem;             /* why it cannot be carried out there, or NULL */
};

/*
 * Every section that says AuthType EASCert, once for each server that serves it; the service of those without a
 * problem is prepared (`pool` is the configuration's). An array of struct eca_served_section, from `temporary`.
 */
apr_array_header_t *eca_section_collect(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server);

/* Whether the module needs the service account's credentials for it, to delegate or to log on to the directory. */
bool eca_section_needs_kerberos(const struct eca_served_section *served);

#endif
