/* SPDX-License-Identifier: Apache-2.0 */
/* The delegation stage. */
#include "delegate.h"

#include "backend.h"
#include "exchange.h"
#include "get_token.h"
#include "hot.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(eas_certauth);

ECA_HOT static const char *backend_url(const request_rec *r)
{
    static const char scheme[] = "proxy:";
    const char *url = NULL;

    if (r->filename != NULL && strncmp(r->filename, scheme, sizeof scheme - 1) == 0)
        url = r->filename + sizeof scheme - 1;
    else if (r->handler != NULL && strncmp(r->handler, scheme, sizeof scheme - 1) == 0)
        url = r->handler + sizeof scheme - 1;
    if (url != NULL && strncmp(url, "unix:", 5) == 0 && strchr(url, '|') != NULL)
        url = strchr(url, '|') + 1;
    return url;
}

bool eca_delegate_is_proxied(const request_rec *r)
{
    return backend_url(r) != NULL;
}

/* Other schemes of mod_proxy (ajp, h2, fcgi …) do not run its fixups hook: the identity would not be written. */
static bool can_carry_identity(const request_rec *r)
{
    static const char *const schemes[] = { "http:", "https:", "balancer:" };
    const char *url = backend_url(r);

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (ap_cstr_casecmpn(url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return false;
}

/* With a balancer the member is chosen after fixups, so its host cannot be known here. */
static const char *find_spn(const struct eca_policy *policy, const request_rec *r)
{
    char *host = NULL;
    apr_uri_t uri;

    if (policy->delegation_spn != NULL)
        return policy->delegation_spn;
    if (apr_uri_parse(r->pool, backend_url(r), &uri) != APR_SUCCESS || uri.hostname == NULL || uri.scheme == NULL
        || strcmp(uri.scheme, "balancer") == 0)
        return NULL;
    host = apr_pstrdup(r->pool, uri.hostname);
    ap_str_tolower(host);
    return strlen(host) < ECA_SPN_MAX - sizeof "HTTP/" ? apr_pstrcat(r->pool, "HTTP/", host, NULL) : NULL;
}

static enum eca_reason prepare_kerberos(struct eca_request *request)
{
    request->spn = find_spn(request->policy, request->r);
    if (request->spn != NULL)
        return eca_get_token(request);
    eca_error_set(eca_request_detail(request), "the backend's name is not known; write EASDelegationSPN HTTP/name");
    return ECA_REASON_DELEGATION_MISCONFIGURED;
}

/* Without a usable value a trusting backend would believe whatever the client says. */
static bool add_identity(struct eca_request *request, const char *name, const char *value, const char *problem)
{
    if (problem != NULL || value == NULL || *value == '\0' || *ap_scan_http_field_content(value) != '\0')
        return eca_error_set(eca_request_detail(request), "EASDelegationHeader %s has no usable value: %s", name,
                             problem != NULL ? problem : "empty, or with control characters");
    apr_table_setn(request->identity, name, value);
    return true;
}

static enum eca_reason prepare_headers(struct eca_request *request)
{
    const apr_array_header_t *headers = request->policy->delegation_headers;
    bool good = true;

    request->identity = apr_table_make(request->r->pool, 2);
    if (headers == NULL)
        good = add_identity(request, "X-Remote-User", request->r->user, NULL);
    for (int i = 0; headers != NULL && i < headers->nelts && good; i++) {
        const struct eca_delegation_header *header = &APR_ARRAY_IDX(headers, i, struct eca_delegation_header);
        const char *problem = NULL;
        const char *value = ap_expr_str_exec(request->r, header->value, &problem);

        good = add_identity(request, header->name, value, problem);
    }
    return good ? ECA_REASON_GRANTED : ECA_REASON_ACCOUNT_INCOMPLETE;
}

/* The client's own credentials are for us alone; what logs or expressions could still see of them goes too. */
static void forget_credentials(request_rec *r)
{
    const char *value = apr_table_get(r->headers_in, "Authorization");

    if (value == NULL)
        return;
    explicit_bzero((char *)value, strlen(value));
    apr_table_unset(r->headers_in, "Authorization");
}

enum eca_reason eca_delegate_prepare(struct eca_request *request)
{
    const char *delegation = eca_request_delegation(request);
    enum eca_reason reason = ECA_REASON_GRANTED;

    if (!eca_delegate_is_proxied(request->r) || strcmp(delegation, "none") == 0)
        return ECA_REASON_GRANTED;
    if (!can_carry_identity(request->r)) {
        eca_error_set(eca_request_detail(request), "the backend is not reached by http or https");
        return ECA_REASON_DELEGATION_MISCONFIGURED;
    }
    if (request->r->method_number == M_TRACE) { /* the answer is the request as the backend got it */
        eca_error_set(eca_request_detail(request),
                      "TRACE would bring the device the token or header that tells who it is");
        return ECA_REASON_NOT_AUTHORIZED;
    }
    if (strcmp(delegation, "passthrough") != 0)
        forget_credentials(request->r);
    if (strcmp(delegation, "kerberos") == 0)
        reason = prepare_kerberos(request);
    else if (strcmp(delegation, "header") == 0)
        reason = prepare_headers(request);
    if (reason == ECA_REASON_GRANTED)
        eca_backend_guard(request, request->r);
    return reason;
}

/* To the very service that was granted. */
static bool get_token_again(struct eca_request *request, request_rec *r)
{
    const char *spn = find_spn(request->policy, r);

    return spn != NULL && strcmp(spn, request->spn) == 0 && eca_get_token_again(request, r);
}

bool eca_delegate_again(struct eca_request *request, request_rec *r)
{
    /* Granted where nothing went to a backend: there is nothing to show one now. */
    if (request->spn == NULL && request->identity == NULL && request->policy->delegation != ECA_DELEGATION_NONE
        && strcmp(eca_request_delegation(request), "passthrough") != 0)
        return false;
    if (request->spn != NULL && !get_token_again(request, r))
        return false;
    eca_backend_guard(request, r);
    return true;
}

bool eca_delegate_has_token(struct eca_request *request, request_rec *r)
{
    return request->token != NULL || get_token_again(request, r);
}

static const char *next_token(struct eca_request *request, request_rec *r)
{
    const char *token = NULL;

    if (!eca_delegate_has_token(request, r))
        return NULL;
    token = request->token;
    request->token = NULL;
    return token;
}

static int write_identity(void *headers, const char *name, const char *value)
{
    apr_table_setn(headers, name, value);
    return 1;
}

ECA_HOT int eca_delegate_write_headers(request_rec *r)
{
    struct eca_request *request = eca_request_of(r);
    const char *token = NULL;

    if (request == NULL)
        return DECLINED;
    if (request->reason != ECA_REASON_GRANTED || strcmp(eca_request_delegation(request), "passthrough") != 0)
        apr_table_unset(r->headers_in, "Authorization");
    if (request->reason != ECA_REASON_GRANTED)
        return DECLINED;
    if (request->identity != NULL)
        apr_table_do(write_identity, r->headers_in, request->identity, NULL);
    if (request->spn != NULL)
        token = next_token(request, r);
    if (token != NULL)
        apr_table_setn(r->headers_in, "Authorization", token);
    return DECLINED;
}
