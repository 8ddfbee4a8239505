/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a request: where it comes from and what it is worth. */
#ifndef ECA_PEER_CERTIFICATE_H
#define ECA_PEER_CERTIFICATE_H

#include "request_context.h"

/*
 * Sets request->facts.certificate and, when there is one, request->work->certificate. Every request is judged anew:
 * an open connection outlives a certificate.
 */
void eca_peer_certificate_read(struct eca_request *request);

#endif
