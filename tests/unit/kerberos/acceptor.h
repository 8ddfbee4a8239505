/* SPDX-License-Identifier: Apache-2.0 */
/* MIT's acceptor, as a backend would use it. */
#ifndef ECA_ACCEPTOR_H
#define ECA_ACCEPTOR_H

#include "strbuf.h"

#include <gssapi/gssapi.h>

#define ACCEPTED_NAME_MAX 64

/*
 * GSS_S_COMPLETE when the token is taken with the keytab at `keytab`, without a replay cache: then
 * name[ACCEPTED_NAME_MAX] is the initiator's. What goes back is put into *answer unless that is NULL; free its value
 * with free().
 */
OM_uint32 accept_token(const char *keytab, struct eca_slice token, char *name, gss_buffer_desc *answer);

#endif
