/* SPDX-License-Identifier: Apache-2.0 */
/* A section as httpd really uses it: what `apache2ctl -t -D DUMP_EAS` printed, read back. */
#ifndef ECA_EFFECTIVE_H
#define ECA_EFFECTIVE_H

#include "account_judge.h"
#include "mapping.h"
#include "path.h"

#include <jansson.h>

#define ECA_EFFECTIVE_FILE_MAX 4194304
#define ECA_EFFECTIVE_LIST_MAX 16 /* values of one directive */

struct eca_effective {
    json_t *document;          /* owns every text below */
    const json_t *directives;  /* of the section: name → array of arguments */
    const char *server, *name; /* of the section */
    enum eca_authenticate authenticate;
    struct eca_purposes purposes;
    struct eca_certificate_policies policies; /* count 0: any */
    struct eca_mapping_policy mapping;
    const char *sid_uri_file; /* NULL: every accepted issuer */
    int64_t backdating;
    struct eca_account_needs needs;
    const char *attribute; /* that EASRemoteUser names, or NULL */
};

/*
 * Reads the document and takes the section that is called `name` (NULL: any) on `server` (NULL: any),
 * "mail.example.com" or "mail.example.com:443"; those that httpd cannot carry out are passed over. False with a
 * sentence when the file cannot be used, or when there is no such section or more than one. To be closed in any case.
 */
bool eca_effective_open(struct eca_effective *out, const char *file, const char *server, const char *name,
                        struct eca_error *err);
void eca_effective_close(struct eca_effective *effective);

/* Argument number `at` of a directive, or NULL. */
const char *eca_effective_text(const struct eca_effective *effective, const char *directive, size_t at);

#endif
