/* SPDX-License-Identifier: Apache-2.0 */
/* SPNEGO (RFC 4178) around a Kerberos token, as `Negotiate` wants it. */
#ifndef ECA_SPNEGO_H
#define ECA_SPNEGO_H

#include "der_writer.h"

/* Makes the GSS-API token that was written since `start` was `end` the mechToken of an initial SPNEGO token. */
void eca_spnego_close(struct eca_der_writer *der, size_t end);

/* How many bytes that adds, at most. */
#define ECA_SPNEGO_MAX 64

#endif
