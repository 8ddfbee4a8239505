/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens from tickets; gssproxy's are made in ask_gssproxy.c. */
#include "get_token.h"

#include "ask_gssproxy.h"
#include "backend_reuse.h"
#include "get_ticket.h"
#include "hot.h"

/* The header's value, for `r`; false with `err`. */
ECA_HOT static bool make_token(struct eca_request *request, request_rec *r, struct eca_ticket *ticket,
                               struct eca_error *err)
{
    struct eca_proof *proof = request->use != NULL ? request->use->proof : NULL;

    eca_get_ticket_note(request, ticket);
    request->token = eca_negotiate_make_token(r->pool, ticket, proof, err);
    if (request->token == NULL)
        return false;
    request->token_length = strlen(request->token);
    return true;
}

/* *is_over: the ticket was good for a while and has ended since; the clock was set, or the machine stood still. */
ECA_HOT static enum eca_reason use_ticket(struct eca_request *request, bool *is_over, struct eca_error *err)
{
    struct eca_ticket *ticket = NULL;
    enum eca_reason reason = eca_get_ticket(request, &ticket);

    *is_over = false;
    if (reason != ECA_REASON_GRANTED)
        return reason;
    eca_backend_reuse_begin(request);
    if (!make_token(request, request->r, ticket, err)) {
        *is_over = eca_ticket_end(ticket) <= apr_time_sec(apr_time_now());
        reason = ECA_REASON_INTERNAL_ERROR;
    }
    eca_ticket_release(ticket);
    return reason;
}

ECA_HOT static enum eca_reason from_ticket(struct eca_request *request)
{
    const struct eca_service *service = request->service;
    struct eca_error err = { .text = "" };
    enum eca_reason reason = ECA_REASON_GRANTED;
    bool is_over = false;

    if (service->credential == NULL) {
        eca_error_set(eca_request_detail(request), "%s", service->keytab_failure);
        return ECA_REASON_DELEGATION_MISCONFIGURED;
    }
    reason = use_ticket(request, &is_over, &err);
    if (is_over)
        reason = use_ticket(request, &is_over, &err);
    if (reason == ECA_REASON_INTERNAL_ERROR)
        eca_error_set(eca_request_detail(request), "%s", err.text);
    return reason;
}

static bool from_ticket_again(struct eca_request *request, request_rec *r)
{
    struct eca_ticket *ticket = eca_ticket_cache_find(request->service->tickets, request->sid, request->spn,
                                                      apr_time_sec(apr_time_now()), 0);
    struct eca_error ignored = { .text = "" };
    bool made = false;

    if (ticket == NULL)
        return false;
    made = make_token(request, r, ticket, &ignored);
    eca_ticket_release(ticket);
    return made;
}

ECA_HOT enum eca_reason eca_get_token(struct eca_request *request)
{
    return request->service->gssproxy ? eca_ask_gssproxy(request) : from_ticket(request);
}

bool eca_get_token_again(struct eca_request *request, request_rec *r)
{
    return request->service->gssproxy ? eca_ask_gssproxy_again(request, r) : from_ticket_again(request, r);
}
