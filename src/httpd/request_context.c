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
    const struct eca_request *request = ap_get_module_config(r->request_config, &eas_certauth_module);
    const char *type = NULL;

    if (request != NULL && request->governing == r->per_dir_config)
        return true;
    type = ap_auth_type(r);
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

/* Most of it is room for texts: zeroing all of that would cost more than many a hook. */
static struct eca_request_work *begin_work(apr_pool_t *pool)
{
    struct eca_request_work *work = apr_palloc(pool, sizeof *work);

    memset(work, 0, offsetof(struct eca_request_work, detail));
    work->pool = pool;
    work->detail.text[0] = '\0';
    eca_account_clear(&work->account);
    return work;
}

struct eca_request *eca_request_begin(request_rec *r)
{
    struct eca_request *request = apr_pcalloc(r->pool, sizeof *request);
    apr_pool_t *pool = NULL;

    apr_pool_create(&pool, r->pool);
    apr_pool_tag(pool, "eas_certauth_work");
    request->r = r;
    request->governing = r->per_dir_config;
    request->policy = eca_policy_of(r);
    request->config = eca_server_config_of(r->server);
    request->service = request->config->service;
    request->facts.policy = request->policy->authenticate;
    request->reason = ECA_REASON_INTERNAL_ERROR;
    request->work = begin_work(pool);
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

#define OUR_PREFIX "EAS_"

static const char reason_variable[] = "EAS_REASON";

/*
 * The environment of a request, and how a variable of ours gets into it: apr_table_setn() compares a name with all that
 * begin alike, so it is used only where there is something to replace.
 */
struct environment {
    apr_table_t *table;
    apr_pool_t *pool;
    void (*put)(apr_table_t *table, const char *name, const char *value);
};

static bool is_like_ours(const char *name)
{
    return (*name | 0x20) == 'e' && ap_cstr_casecmpn(name, OUR_PREFIX, sizeof OUR_PREFIX - 1) == 0;
}

static struct environment open_environment(request_rec *r)
{
    struct environment to = { r->subprocess_env, r->pool, apr_table_addn };
    const apr_array_header_t *entries = apr_table_elts(to.table);

    for (int i = 0; i < entries->nelts && to.put == apr_table_addn; i++) {
        if (is_like_ours(APR_ARRAY_IDX(entries, i, apr_table_entry_t).key))
            to.put = apr_table_setn;
    }
    return to;
}

/* `name` is a constant. */
static void set_variable(const struct environment *to, const char *name, const char *value)
{
    const struct eca_slice given = eca_slice_from_text(value);
    struct eca_strbuf text;

    if (given.length == 0)
        return;
    if (given.length <= VARIABLE_MAX && eca_escape_is_plain(given)) { /* nearly every one is */
        to->put(to->table, name, apr_pstrmemdup(to->pool, value, given.length));
        return;
    }
    eca_strbuf_init(&text, apr_palloc(to->pool, VARIABLE_MAX + 1), VARIABLE_MAX + 1);
    eca_escape_text(&text, given, VARIABLE_MAX);
    to->put(to->table, name, text.text);
}

static const char *make_hex(apr_pool_t *pool, const uint8_t *bytes, size_t length)
{
    const size_t size = 2 * length + 1;
    struct eca_strbuf text;

    eca_strbuf_init(&text, apr_palloc(pool, size), size);
    eca_strbuf_hex(&text, (struct eca_slice){ bytes, length });
    return text.text;
}

/* Whoever made the certificate has chosen its length, too. */
static const char *make_serial(apr_pool_t *pool, struct eca_slice serial)
{
    const size_t shown = (VARIABLE_MAX - 3) / 2;

    if (2 * serial.length <= VARIABLE_MAX)
        return serial.length > 0 ? make_hex(pool, serial.bytes, serial.length) : NULL;
    return apr_pstrcat(pool, make_hex(pool, serial.bytes, shown), "...", NULL);
}

/* One of our own words. */
static void set_word(const struct environment *to, const char *name, const char *word)
{
    if (word != NULL)
        to->put(to->table, name, word);
}

static void set_certificate_variables(const struct environment *to, struct eca_request *request)
{
    const struct eca_certificate *certificate = request->work->certificate;
    struct eca_certificate_texts *shown = &request->shown;

    if (certificate != NULL && shown->sha256 == NULL) {
        shown->sha256 = make_hex(request->r->pool, certificate->sha256, sizeof certificate->sha256);
        shown->sha1 = make_hex(request->r->pool, certificate->sha1, sizeof certificate->sha1);
        shown->serial = make_serial(request->r->pool, certificate->serial);
    }
    set_word(to, "EAS_CERTIFICATE_SHA256", shown->sha256);
    set_word(to, "EAS_CERTIFICATE_SHA1", shown->sha1);
    set_word(to, "EAS_CERTIFICATE_SERIAL", shown->serial);
}

static void set_account_variables(const struct environment *to, const struct eca_request *request)
{
    const struct eca_account *account = &request->work->account;

    set_variable(to, "EAS_ACCOUNT_DN", account->dn);
    set_variable(to, "EAS_ACCOUNT_SID", account->sid);
    set_variable(to, "EAS_ACCOUNT_UPN", account->upn);
}

static void set_query_variables(const struct environment *to, const struct eca_request *request)
{
    const struct eca_activesync *query = &request->work->query;

    set_variable(to, "EAS_COMMAND", query->command);
    set_variable(to, "EAS_USER", query->user);
    set_variable(to, "EAS_DEVICE_ID", query->device_id);
    set_variable(to, "EAS_DEVICE_TYPE", query->device_type);
    set_variable(to, "EAS_PROTOCOL_VERSION", query->protocol_version);
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

static void set_words(const struct environment *to, const struct eca_request *request)
{
    if (request->mapped) {
        const struct eca_mapping_kind_row *kind = eca_mapping_describe(request->kind);

        set_word(to, "EAS_MAPPING", kind->name);
        set_word(to, "EAS_MAPPING_STRENGTH", kind->strong ? "strong" : "weak");
    }
    set_word(to, "EAS_CACHE", request->cache);
    set_word(to, "EAS_METHOD", eca_request_method(request));
    set_word(to, "EAS_DELEGATION", eca_request_delegation(request));
    set_word(to, reason_variable, eca_reason_describe(request->reason)->name);
}

/* Written by us a moment ago, it stands at the end, or nearly so. */
static void change_reason(request_rec *r, const char *word)
{
    const apr_array_header_t *entries = apr_table_elts(r->subprocess_env);

    for (int i = entries->nelts - 1; i >= 0; i--) {
        apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i, apr_table_entry_t);

        if (entry->key == reason_variable) {
            entry->val = (char *)(uintptr_t)word;
            return;
        }
    }
    apr_table_setn(r->subprocess_env, reason_variable, word);
}

void eca_request_set_variables(struct eca_request *request, request_rec *r)
{
    struct environment to;

    if (request->described && r == request->r) { /* only that has changed since */
        change_reason(r, eca_reason_describe(request->reason)->name);
        return;
    }
    to = open_environment(r);
    if (request->work != NULL) {
        set_query_variables(&to, request);
        set_certificate_variables(&to, request);
        set_account_variables(&to, request);
        request->described = true;
    }
    set_words(&to, request);
}
