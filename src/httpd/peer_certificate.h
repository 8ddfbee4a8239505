/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a request: where it comes from and what it is worth. */
#ifndef ECA_PEER_CERTIFICATE_H
#define ECA_PEER_CERTIFICATE_H

#include "request_context.h"

/*
 * Sets request->facts.certificate and, when there is one, request->work->certificate. An open connection outlives a
 * certificate: requests are judged one by one, those within a second of another perhaps together (last_decision.h).
 */
void eca_peer_certificate_read(struct eca_request *request);

#endif
