/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_eas_certauth: ActiveSync clients with a certificate, and the account it belongs to, handed on to the backend.
 *
 * The way of one request, in the order of the functions below:
 *
 *   certificate → trust → mapping → account → access decision    authenticate()   check_authn
 *   Require                                                      authorize()      check_authz
 *   ticket or header for the backend                             delegate()       fixups
 *   written into the request that mod_proxy sends                eca_delegate_write_headers()
 *   the backend's answer, judged before it passes                backend.c, backend_reuse.c
 */
#include "backend.h"
#include "backend_reuse.h"
#include "basic.h"
#include "client_headers.h"
#include "config.h"
#include "delegate.h"
#include "dump.h"
#include "find_account.h"
#include "handshake.h"
#include "hot.h"
#include "last_decision.h"
#include "peer_certificate.h"
#include "require.h"
#include "respond.h"
#include "check_revocation.h"

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <mod_proxy.h>
#include <mod_ssl_openssl.h>

/* Configuration is read and checked in the parent, what runs is made in each child. */

static int pre_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary)
{
    (void)log;
    (void)temporary;
    eca_backend_reuse_register();
    return eca_account_cache_register(pool) == OK && eca_ticket_share_register(pool) == OK
               ? eca_ocsp_cache_register(pool)
               : HTTP_INTERNAL_SERVER_ERROR;
}

static int check_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *main_server)
{
    (void)log;
    return eca_config_check(pool, temporary, main_server) ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static int post_config(apr_pool_t *pool, apr_pool_t *log, apr_pool_t *temporary, server_rec *main_server)
{
    (void)log;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    eca_config_warn(pool, temporary, main_server);
    return eca_config_open_cache(pool, main_server) ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

static void child_init(apr_pool_t *pool, server_rec *main_server)
{
    for (server_rec *server = main_server; server != NULL; server = server->next)
        eca_service_start(pool, eca_server_config_of(server), server);
    eca_account_cache_join(pool, main_server);
    eca_ticket_share_join(eca_server_config_of(main_server)->shared_tickets, pool);
    eca_ocsp_cache_join(eca_server_config_of(main_server)->ocsp_answers, pool);
}

/*
 * A requirement that does not look at the user (an address, an environment variable) is judged before anybody is
 * authenticated; what it refuses has a reason too.
 */
ECA_HOT static int check_access(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_access_checker_ex();
    const ap_LINK_access_checker_ex_t *links = (const ap_LINK_access_checker_ex_t *)hooks->elts;
    int status = DECLINED;

    if (!eca_request_is_ours(r) || ap_satisfies(r) == SATISFY_ANY)
        return DECLINED;
    for (int i = 0; i < hooks->nelts && status == DECLINED; i++) {
        if (links[i].pFunc != check_access)
            status = links[i].pFunc(r);
    }
    if (status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN)
        return status;
    return eca_respond(eca_request_begin(r), r, ECA_REASON_NOT_AUTHORIZED);
}

/* Whatever the administrator left open (SSLUserName, Require all granted), our sections are authenticated. */
static int force_authn(request_rec *r)
{
    return eca_request_is_ours(r) ? OK : DECLINED;
}

static bool can_decide(struct eca_request *request, enum eca_reason *reason)
{
    const char *problem = eca_policy_contradiction(request->policy, request->config);

    *reason = ECA_REASON_INTERNAL_ERROR;
    if (problem == NULL && (!request->config->in_use || !request->service->prepared))
        problem = "AuthType EASCert comes from where it cannot be checked at start; write it in a section of this "
                  "virtual host, not in .htaccess";
    if (problem == NULL && request->service->failure != NULL) {
        problem = request->service->failure;
        *reason = ECA_REASON_DIRECTORY_UNAVAILABLE;
    }
    if (problem != NULL)
        eca_error_set(&request->work->detail, "%s", problem);
    return problem == NULL;
}

static void name_user(struct eca_request *request)
{
    const struct eca_account *account = &request->work->account;
    char memory[ECA_REMOTE_USER_MAX];
    struct eca_strbuf name;

    eca_strbuf_init(&name, memory, sizeof memory);
    eca_account_remote_user(&name, account, request->policy->remote_user, &request->work->detail);
    request->r->user = apr_pstrdup(request->r->pool, name.text);
    request->sid = apr_pstrdup(request->r->pool, account->sid);
}

static enum eca_reason decide(struct eca_request *request)
{
    enum eca_reason reason = ECA_REASON_INTERNAL_ERROR;

    if (eca_last_decision_use(request))
        return eca_access_decide(&request->facts);
    (void)eca_request_open_work(request);
    if (!can_decide(request, &reason))
        return reason;
    eca_peer_certificate_read(request);
    eca_check_revocation(request);
    eca_find_account(request);
    eca_basic_check(request);
    reason = eca_access_decide(&request->facts);
    if (reason == ECA_REASON_GRANTED)
        name_user(request);
    return reason;
}

ECA_HOT static int authenticate(request_rec *r)
{
    struct eca_request *request = NULL;
    enum eca_reason reason = ECA_REASON_INTERNAL_ERROR;

    if (!eca_request_is_ours(r))
        return DECLINED;
    r->user = NULL;
    r->no_cache = 1; /* mod_cache answers before anybody is authenticated: it must keep nothing of ours */
    request = eca_request_begin(r);
    reason = decide(request);
    if (reason != ECA_REASON_GRANTED)
        return eca_respond(request, r, reason);
    r->ap_auth_type = apr_pstrdup(r->pool, "EASCert");
    eca_request_set_variables(request, r);
    eca_last_decision_keep(request);
    return OK;
}

/* Who is known and still may not come in gets 403: a 401 would make the device ask for a password that cannot help. */
static int refuse_if_denied(request_rec *r, int status)
{
    struct eca_request *request = eca_request_find(r);

    if (request == NULL || request->decided)
        return status;
    if (status == OK && request->work != NULL) /* what one line said against it, another has overruled */
        request->work->detail.text[0] = '\0';
    if (status == HTTP_INTERNAL_SERVER_ERROR && request->authorization_unavailable)
        return eca_respond(request, r, ECA_REASON_DIRECTORY_UNAVAILABLE);
    if (status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN)
        return status;
    return eca_respond(request, r, ECA_REASON_NOT_AUTHORIZED);
}

ECA_HOT static int authorize(request_rec *r)
{
    const apr_array_header_t *hooks = ap_hook_get_auth_checker();
    const ap_LINK_auth_checker_t *links = (const ap_LINK_auth_checker_t *)hooks->elts;
    int status = DECLINED;

    if (!eca_request_is_ours(r))
        return DECLINED;
    for (int i = 0; i < hooks->nelts && status == DECLINED; i++) {
        if (links[i].pFunc != authorize)
            status = links[i].pFunc(r);
    }
    return refuse_if_denied(r, status);
}

static int note_auth_failure(request_rec *r, const char *type)
{
    if (ap_cstr_casecmp(type, "EASCert") != 0)
        return DECLINED;
    if (eca_policy_of(r)->authenticate != ECA_AUTHENTICATE_CERTIFICATE)
        eca_respond_ask_for_password(r);
    return OK;
}

/* A request that reached a backend's section without our authentication: an ErrorDocument, Satisfy Any. */
static int refuse_unauthenticated(request_rec *r, const struct eca_request *earlier)
{
    struct eca_request *request = NULL;

    if (earlier == NULL && r->main != NULL) /* looked up before its own request was authenticated: nothing is sent */
        return HTTP_FORBIDDEN;
    if (earlier != NULL && earlier->reason != ECA_REASON_GRANTED)
        return eca_reason_describe(earlier->reason)->status;
    request = eca_request_begin(r);
    eca_error_set(eca_request_detail(request),
                  "nobody authenticated this request (Satisfy Any, or an internal redirect)");
    return eca_respond(request, r, ECA_REASON_INTERNAL_ERROR);
}

ECA_HOT static int delegate(request_rec *r)
{
    struct eca_request *request = NULL;

    if (!eca_request_is_ours(r))
        return DECLINED;
    r->no_cache = 1; /* also of a request that httpd made of another */
    request = eca_request_find(r);
    if (request != NULL && !request->decided) /* by a sub-request that only looks something up, nothing is decided */
        return request->r == r ? eca_respond(request, r, eca_delegate_prepare(request)) : DECLINED;
    if (request != NULL)
        eca_request_set_variables(request, r);
    if (!eca_delegate_is_proxied(r))
        return DECLINED;
    if (request == NULL || request->reason != ECA_REASON_GRANTED || !eca_delegate_again(request, r))
        return refuse_unauthenticated(r, request);
    return DECLINED;
}

static void register_hooks(apr_pool_t *pool)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(eca_dump_print, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ssl, init_server, eca_handshake_init_server, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ssl, pre_handshake, eca_handshake_begin, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(eca_client_headers_remove, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_access_ex(check_access, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(authenticate, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authz(authorize, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(delegate, NULL, NULL, APR_HOOK_LAST);
    APR_OPTIONAL_HOOK(proxy, fixups, eca_delegate_write_headers, NULL, NULL, APR_HOOK_LAST);
    APR_OPTIONAL_HOOK(proxy, request_status, eca_backend_judge_status, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_log_transaction(eca_backend_reuse_probe, NULL, NULL, APR_HOOK_LAST);
    eca_backend_register_filter();
    eca_require_register(pool);
}

/* clang-format off */
AP_DECLARE_MODULE(eas_certauth) = {
    STANDARD20_MODULE_STUFF,
    eca_policy_create,
    eca_policy_merge,
    eca_server_config_create,
    eca_server_config_merge,
    eca_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
/* clang-format on */
