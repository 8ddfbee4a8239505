/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a request and its variables. */
#include "request_context.h"

#include "escape.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#define VARIABLE_MAX 256

bool eca_request_is_ours(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type != NULL && ap_cstr_casecmp(type, "EASCert") == 0;
}

static apr_status_t end_work(void *data)
{
    struct eca_request_work *work = data;

    eca_verdict_release(work->verdict);
    if (work->password != NULL)
        explicit_bzero((char *)work->password, strlen(work->password));
    return APR_SUCCESS;
}

void eca_request_end_work(struct eca_request *request)
{
    if (request->work != NULL)
        apr_pool_destroy(request->work->pool);
    request->work = NULL;
}

static void read_query(struct eca_request *request)
{
    const char *query = request->r->args;
    const char *version = apr_table_get(request->r->headers_in, "MS-ASProtocolVersion");
    struct eca_activesync *out = &request->work->query;

    eca_activesync_parse_query(out, eca_slice_from_text(query));
    if (out->protocol_version[0] == '\0' && version != NULL)
        apr_cpystrn(out->protocol_version, version, sizeof out->protocol_version);
}

/* ap_get_basic_auth_pw() declines for our AuthType and would set an unverified r->user. */
static void read_basic(struct eca_request *request)
{
    const char *name = NULL, *password = NULL;

    if (ap_get_basic_auth_components(request->r, &name, &password) != APR_SUCCESS)
        return;
    request->work->login_name = apr_pstrdup(request->work->pool, name);
    request->work->password = apr_pstrdup(request->work->pool, password);
    explicit_bzero((char *)password, strlen(password));
}

struct eca_request *eca_request_begin(request_rec *r)
{
    struct eca_request *request = apr_pcalloc(r->pool, sizeof *request);
    apr_pool_t *pool = NULL;

    apr_pool_create(&pool, r->pool);
    apr_pool_tag(pool, "eas_certauth_work");
    request->r = r;
    request->policy = eca_policy_of(r);
    request->config = eca_server_config_of(r->server);
    request->service = request->config->service;
    request->facts.policy = request->policy->authenticate;
    request->reason = ECA_REASON_INTERNAL_ERROR;
    request->work = apr_pcalloc(pool, sizeof *request->work);
    request->work->pool = pool;
    apr_pool_cleanup_register(pool, request->work, end_work, apr_pool_cleanup_null);
    ap_set_module_config(r->request_config, &eas_certauth_module, request);
    read_query(request);
    read_basic(request);
    return request;
}

struct eca_request *eca_request_find(const request_rec *r)
{
    const ap_conf_vector_t *governing = r->per_dir_config;

    for (; r != NULL && r->per_dir_config == governing; r = r->prev != NULL ? r->prev : r->main) {
        struct eca_request *request = ap_get_module_config(r->request_config, &eas_certauth_module);

        if (request != NULL)
            return request;
    }
    return NULL;
}

/* `name` is a constant. */
static void set_variable(request_rec *r, const char *name, const char *value)
{
    char memory[VARIABLE_MAX * 4 + 4];
    struct eca_strbuf text;

    if (value == NULL || *value == '\0')
        return;
    eca_strbuf_init(&text, memory, sizeof memory);
    eca_escape_text(&text, eca_slice_from_text(value), VARIABLE_MAX);
    apr_table_setn(r->subprocess_env, name, apr_pstrmemdup(r->pool, text.text, text.length));
}

static void set_hex_variable(request_rec *r, const char *name, const uint8_t *bytes, size_t length)
{
    char memory[2 * VARIABLE_MAX];
    struct eca_strbuf text;

    eca_strbuf_init(&text, memory, sizeof memory);
    eca_strbuf_hex(&text, (struct eca_slice){ bytes, length });
    set_variable(r, name, text.text);
}

/* One of our own words. */
static void set_word(request_rec *r, const char *name, const char *word)
{
    if (word != NULL)
        apr_table_setn(r->subprocess_env, name, word);
}

static void set_certificate_variables(const struct eca_request *request, request_rec *r)
{
    const struct eca_certificate *certificate = request->work->certificate;

    if (certificate == NULL)
        return;
    set_hex_variable(r, "EAS_CERTIFICATE_SHA256", certificate->sha256, sizeof certificate->sha256);
    set_hex_variable(r, "EAS_CERTIFICATE_SHA1", certificate->sha1, sizeof certificate->sha1);
    set_hex_variable(r, "EAS_CERTIFICATE_SERIAL", certificate->serial.bytes, certificate->serial.length);
}

static void set_account_variables(const struct eca_request *request, request_rec *r)
{
    const struct eca_account *account = &request->work->account;

    set_variable(r, "EAS_ACCOUNT_DN", account->dn);
    set_variable(r, "EAS_ACCOUNT_SID", account->sid);
    set_variable(r, "EAS_ACCOUNT_UPN", account->upn);
}

static void set_query_variables(const struct eca_request *request, request_rec *r)
{
    const struct eca_activesync *query = &request->work->query;

    set_variable(r, "EAS_COMMAND", query->command);
    set_variable(r, "EAS_USER", query->user);
    set_variable(r, "EAS_DEVICE_ID", query->device_id);
    set_variable(r, "EAS_DEVICE_TYPE", query->device_type);
    set_variable(r, "EAS_PROTOCOL_VERSION", query->protocol_version);
}

const char *eca_request_method(const struct eca_request *request)
{
    const bool certificate = request->facts.certificate != ECA_CERTIFICATE_ABSENT;
    const bool basic = request->facts.password != ECA_PASSWORD_ABSENT;

    if (certificate)
        return basic ? "certificate+basic" : "certificate";
    return basic ? "basic" : NULL;
}

const char *eca_request_delegation(const struct eca_request *request)
{
    const struct eca_policy *policy = request->policy;
    const bool password_only = request->facts.certificate == ECA_CERTIFICATE_ABSENT;

    if (password_only && policy->basic_delegation == ECA_BASIC_DELEGATION_PASSTHROUGH)
        return "passthrough";
    switch (policy->delegation) {
    case ECA_DELEGATION_KERBEROS:
        return "kerberos";
    case ECA_DELEGATION_HEADER:
        return "header";
    case ECA_DELEGATION_NONE:
    case ECA_DELEGATION_UNSAID:
        break;
    }
    return "none";
}

void eca_request_set_variables(struct eca_request *request, request_rec *r)
{
    if (request->work != NULL && !request->described) {
        set_query_variables(request, r);
        set_certificate_variables(request, r);
        set_account_variables(request, r);
        request->described = true;
    }
    if (request->mapped) {
        const struct eca_mapping_kind_row *kind = eca_mapping_describe(request->kind);

        set_word(r, "EAS_MAPPING", kind->name);
        set_word(r, "EAS_MAPPING_STRENGTH", kind->strong ? "strong" : "weak");
    }
    set_word(r, "EAS_CACHE", request->cache);
    set_word(r, "EAS_METHOD", eca_request_method(request));
    set_word(r, "EAS_DELEGATION", eca_request_delegation(request));
    set_word(r, "EAS_REASON", eca_reason_describe(request->reason)->name);
}
