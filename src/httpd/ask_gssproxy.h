/* SPDX-License-Identifier: Apache-2.0 */
/* The token stage without a keytab: gssproxy's daemon makes each token, and nothing is kept. */
#ifndef ECA_ASK_GSSPROXY_H
#define ECA_ASK_GSSPROXY_H

#include "request_context.h"

/* As eca_get_token() and eca_get_token_again(), and both wait for the daemon. */
enum eca_reason eca_ask_gssproxy(struct eca_request *request);
bool eca_ask_gssproxy_again(struct eca_request *request, request_rec *r);

#endif
