/* SPDX-License-Identifier: Apache-2.0 */
/* The ticket stage: the user's ticket to the backend, from what is kept or from the KDC. */
#ifndef ECA_GET_TICKET_H
#define ECA_GET_TICKET_H

#include "exchange.h"
#include "request_context.h"
#include "ticket.h"

/*
 * The ticket of request->sid's account to request->spn (shorter than ECA_SPN_MAX). GRANTED: *out is held for the
 * caller. Otherwise why not, with the sentence in request->work->detail. What the KDC refused a moment ago is not asked
 * again. Waits for a KDC at most EASKerberosTimeout, on a condition, while a helper talks to it. A ticket that ends
 * soon is given out, and a helper sees to the next one.
 */
enum eca_reason eca_get_ticket(struct eca_request *request, struct eca_ticket **out);

/* Which ticket the request's token was made from, for what the backend says to it. */
void eca_get_ticket_note(struct eca_request *request, const struct eca_ticket *ticket);

/* The backend answered 401 to it: this ticket is not used again. */
void eca_get_ticket_refused(const struct eca_request *request);

/* The backend did what was asked. */
void eca_get_ticket_accepted(const struct eca_request *request);

#endif
