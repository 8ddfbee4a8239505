/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a request and its variables. */
#include "request_context.h"

#include "escape.h"
#include "hot.h"
#include "last_decision.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#define VARIABLE_MAX 256

ECA_HOT bool eca_request_is_ours(request_rec *r)
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
    request->ended = true;
}

/* A copy that is fit to be read; NULL of an empty one. */
ECA_HOT static const char *show(apr_pool_t *pool, const char *value)
{
    const struct eca_slice given = eca_slice_from_text(value);
    struct eca_strbuf text;

    if (given.length == 0)
        return NULL;
    if (given.length <= VARIABLE_MAX && eca_escape_is_plain(given)) /* nearly every one is */
        return apr_pstrmemdup(pool, value, given.length);
    eca_strbuf_init(&text, apr_palloc(pool, VARIABLE_MAX + 1), VARIABLE_MAX + 1);
    eca_escape_text(&text, given, VARIABLE_MAX);
    return text.text;
}

ECA_HOT static void read_query(struct eca_request *request)
{
    const char *version = apr_table_get(request->r->headers_in, "MS-ASProtocolVersion");
    const struct eca_slice text = eca_slice_from_text(request->r->args);
    struct eca_activesync *query = &request->texts.query;
    apr_pool_t *pool = request->r->pool;

    if (text.length > 0)
        (void)eca_activesync_parse_query(query, text, apr_palloc(pool, eca_activesync_room(text.length)));
    if (query->protocol_version == NULL && version != NULL)
        query->protocol_version = show(pool, version);
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
static struct eca_request_work *make_work(apr_pool_t *parent)
{
    struct eca_request_work *work = NULL;
    apr_pool_t *pool = NULL;

    apr_pool_create(&pool, parent);
    apr_pool_tag(pool, "eas_certauth_work");
    work = apr_palloc(pool, sizeof *work);
    memset(work, 0, offsetof(struct eca_request_work, detail));
    work->pool = pool;
    work->detail.text[0] = '\0';
    eca_account_clear(&work->account);
    apr_pool_cleanup_register(pool, work, end_work, apr_pool_cleanup_null);
    return work;
}

struct eca_request_work *eca_request_open_work(struct eca_request *request)
{
    if (request->work != NULL || request->ended)
        return request->work;
    request->work = make_work(request->r->pool);
    read_basic(request);
    if (request->remembered)
        eca_last_decision_recall(request);
    return request->work;
}

struct eca_error *eca_request_detail(struct eca_request *request)
{
    return &eca_request_open_work(request)->detail;
}

ECA_HOT struct eca_request *eca_request_begin(request_rec *r)
{
    struct eca_request *request = apr_pcalloc(r->pool, sizeof *request);

    request->r = r;
    request->governing = r->per_dir_config;
    request->policy = eca_policy_of(r);
    request->config = eca_server_config_of(r->server);
    request->service = request->config->service;
    request->facts.policy = request->policy->authenticate;
    request->reason = ECA_REASON_INTERNAL_ERROR;
    ap_set_module_config(r->request_config, &eas_certauth_module, request);
    read_query(request);
    return request;
}

ECA_HOT struct eca_request *eca_request_find(const request_rec *r)
{
    const ap_conf_vector_t *governing = r->per_dir_config;

    for (; r != NULL && r->per_dir_config == governing; r = r->prev != NULL ? r->prev : r->main) {
        struct eca_request *request = ap_get_module_config(r->request_config, &eas_certauth_module);

        if (request != NULL)
            return request;
    }
    return NULL;
}

ECA_HOT struct eca_request *eca_request_of(request_rec *r)
{
    return eca_request_is_ours(r) ? eca_request_find(r) : NULL;
}

#define OUR_PREFIX "EAS_"

static const char reason_variable[] = "EAS_REASON";

/*
 * The environment of a request, and how a variable of ours gets into it: apr_table_setn() compares a name with all that
 * begin alike, so it is used only where there is something to replace.
 */
struct environment {
    apr_table_t *table;
    void (*put)(apr_table_t *table, const char *name, const char *value);
};

static bool is_like_ours(const char *name)
{
    return (*name | 0x20) == 'e' && ap_cstr_casecmpn(name, OUR_PREFIX, sizeof OUR_PREFIX - 1) == 0;
}

static struct environment open_environment(request_rec *r)
{
    struct environment to = { r->subprocess_env, apr_table_addn };
    const apr_array_header_t *entries = apr_table_elts(to.table);

    for (int i = 0; i < entries->nelts && to.put == apr_table_addn; i++) {
        if (is_like_ours(APR_ARRAY_IDX(entries, i, apr_table_entry_t).key))
            to.put = apr_table_setn;
    }
    return to;
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

/* What the work has found so far. */
static void show_work(struct eca_request_texts *texts, const struct eca_request_work *work, apr_pool_t *pool)
{
    const struct eca_certificate *certificate = work->certificate;

    if (certificate != NULL) {
        texts->sha256 = make_hex(pool, certificate->sha256, sizeof certificate->sha256);
        texts->sha1 = make_hex(pool, certificate->sha1, sizeof certificate->sha1);
        texts->serial = make_serial(pool, certificate->serial);
    }
    texts->dn = show(pool, work->account.dn);
    texts->sid = show(pool, work->account.sid);
    texts->upn = show(pool, work->account.upn);
}

static void set_variable(const struct environment *to, const char *name, const char *value)
{
    if (value != NULL)
        to->put(to->table, name, value);
}

static void set_texts(const struct environment *to, const struct eca_request_texts *texts)
{
    set_variable(to, "EAS_COMMAND", texts->query.command);
    set_variable(to, "EAS_USER", texts->query.user);
    set_variable(to, "EAS_DEVICE_ID", texts->query.device_id);
    set_variable(to, "EAS_DEVICE_TYPE", texts->query.device_type);
    set_variable(to, "EAS_PROTOCOL_VERSION", texts->query.protocol_version);
    set_variable(to, "EAS_CERTIFICATE_SHA256", texts->sha256);
    set_variable(to, "EAS_CERTIFICATE_SHA1", texts->sha1);
    set_variable(to, "EAS_CERTIFICATE_SERIAL", texts->serial);
    set_variable(to, "EAS_ACCOUNT_DN", texts->dn);
    set_variable(to, "EAS_ACCOUNT_SID", texts->sid);
    set_variable(to, "EAS_ACCOUNT_UPN", texts->upn);
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

        set_variable(to, "EAS_MAPPING", kind->name);
        set_variable(to, "EAS_MAPPING_STRENGTH", kind->strong ? "strong" : "weak");
    }
    set_variable(to, "EAS_CACHE", request->cache);
    set_variable(to, "EAS_METHOD", eca_request_method(request));
    set_variable(to, "EAS_DELEGATION", eca_request_delegation(request));
    set_variable(to, reason_variable, eca_reason_describe(request->reason)->name);
}

/* A page found by mod_dir or mod_negotiation brings what was written for its look-up, too, and in front. */
static void change_reason(request_rec *r, const char *word)
{
    const apr_array_header_t *entries = apr_table_elts(r->subprocess_env);
    bool found = false;

    for (int i = 0; i < entries->nelts; i++) {
        apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i, apr_table_entry_t);

        if (entry->key != reason_variable)
            continue;
        entry->val = (char *)(uintptr_t)word;
        found = true;
    }
    if (!found)
        apr_table_setn(r->subprocess_env, reason_variable, word);
}

ECA_HOT void eca_request_set_variables(struct eca_request *request, request_rec *r)
{
    struct environment to;

    if (request->described && r == request->r) { /* only that has changed since */
        change_reason(r, eca_reason_describe(request->reason)->name);
        return;
    }
    if (request->work != NULL)
        show_work(&request->texts, request->work, request->r->pool);
    to = open_environment(r);
    set_texts(&to, &request->texts);
    set_words(&to, request);
    request->described = request->described || r == request->r;
}
