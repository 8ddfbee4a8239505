/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a directory URL. */
#ifndef ECA_LDAP_URL_H
#define ECA_LDAP_URL_H

#include "error.h"

#include <stdbool.h>

#define ECA_LDAP_HOST_MAX 254
#define ECA_LDAP_PORT_MAX 6

struct eca_ldap_url {
    bool tls; /* ldaps://, gcs:// */
    char host[ECA_LDAP_HOST_MAX];
    char port[ECA_LDAP_PORT_MAX]; /* decimal; the scheme's when the URL has none */
};

/* False with the sentence for the administrator when it is anything but scheme, host name and port. Threads: any. */
bool eca_ldap_url_parse(struct eca_ldap_url *out, const char *text, struct eca_error *err);

#endif
