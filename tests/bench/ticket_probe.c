/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a child keeps of its users, as requests fill it, for so many users that no KDC could serve them in a test. Of
 * the query:
 *
 *   sid=SID&spn=SPN    whose ticket, which is there already, the made-up users' tickets are like
 *   first=N&count=N    these users: each gets a ticket of its own, a token from it, and is refused another service
 *
 * Answers JSON: for how many all of that went well.
 */
#include "probe.h"

#include "ap_req.h"
#include "service.h"
#include "ticket_share.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <util_script.h>

#define TOKEN_MAX 65536
#define REFUSAL_SECONDS 60
#define OTHER_SPN "HTTP/other.example.test"

/* The same ticket in another user's name and with another key. */
static struct eca_ticket *make_alike(const struct eca_ticket *model, int number)
{
    krb5_creds creds = *eca_ticket_creds(model);
    krb5_principal_data client = *creds.client;
    uint8_t key[64] = { 0 };
    char name[32];
    krb5_data part = { .data = name, .length = (unsigned)apr_snprintf(name, sizeof name, "user%06d", number) };

    if (creds.keyblock.length > sizeof key)
        return NULL;
    memcpy(key, creds.keyblock.contents, creds.keyblock.length);
    memcpy(key, &number, sizeof number);
    client.data = &part;
    client.length = 1;
    creds.client = &client;
    creds.keyblock.contents = key;
    return eca_ticket_create(&creds);
}

static bool make_token(char *memory, struct eca_ticket *ticket)
{
    struct eca_error err = { .text = "" };
    struct eca_strbuf out;

    eca_strbuf_init(&out, memory, TOKEN_MAX);
    return eca_ap_req_make(&out, ticket, NULL, &err);
}

/* What get_ticket.c and delegate.c do for a new user, and for one whom the KDC refuses. */
static bool serve(const struct eca_service *service, struct eca_ticket *model, const char *spn, int number,
                  char *memory)
{
    const int64_t now = apr_time_sec(apr_time_now());
    struct eca_ticket *const made = make_alike(model, number);
    struct eca_ticket *found = NULL;
    struct eca_error why = { .text = "made up" };
    char sid[ECA_SID_TEXT_MAX];
    bool good = made != NULL;

    apr_snprintf(sid, sizeof sid, "S-1-5-21-1111111111-2222222222-3333333333-%d", 1000 + number);
    if (!good)
        return false;
    eca_ticket_cache_store(service->tickets, sid, spn, made);
    eca_ticket_share_store(service, sid, spn, made);
    eca_ticket_release(made);
    found = eca_ticket_cache_find(service->tickets, sid, spn, now, 0);
    good = found != NULL && make_token(memory, found);
    eca_ticket_release(found);
    found = eca_ticket_share_find(service, sid, spn);
    good = good && found != NULL;
    eca_ticket_release(found);
    eca_refusals_store(service->refusals, sid, OTHER_SPN, ECA_REASON_DELEGATION_NOT_ALLOWED, &why,
                       now + REFUSAL_SECONDS);
    return good;
}

int eca_ticket_probe_handle(request_rec *r)
{
    const struct eca_service *const service = eca_server_config_of(r->server)->service;
    struct eca_ticket *model = NULL;
    apr_table_t *query = NULL;
    const char *sid = NULL, *spn = NULL, *first = NULL, *count = NULL;
    char *memory = NULL;
    int good = 0;

    ap_args_to_table(r, &query);
    sid = apr_table_get(query, "sid");
    spn = apr_table_get(query, "spn");
    first = apr_table_get(query, "first");
    count = apr_table_get(query, "count");
    if (sid == NULL || spn == NULL || first == NULL || count == NULL)
        return HTTP_BAD_REQUEST;
    model = eca_ticket_cache_find(service->tickets, sid, spn, apr_time_sec(apr_time_now()), 0);
    memory = malloc(TOKEN_MAX);
    for (int i = 0; model != NULL && memory != NULL && i < atoi(count); i++)
        good += serve(service, model, spn, atoi(first) + i, memory);
    /* The oldest goes first, and this one is to stay. */
    if (model != NULL)
        eca_ticket_cache_store(service->tickets, sid, spn, model);
    eca_ticket_release(model);
    free(memory);
    ap_set_content_type(r, "application/json");
    ap_rprintf(r, "{\"good\": %d}\n", good);
    return OK;
}
