/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the configuration: every directive as the list of its arguments. */
#include "dump.h"

#include "escape.h"
#include "section.h"
#include "set_directives.h"
#include "utf8.h"

#include <apr_strings.h>
#include <http_core.h>
#include <jansson.h>
#include <openssl/objects.h>

#define VERSION 1 /* of the document; eas-certauth reads this one */

static void add(json_t *arguments, const char *text)
{
    char escaped[MAX_STRING_LEN];
    struct eca_strbuf out;

    if (text == NULL)
        return;
    eca_strbuf_init(&out, escaped, sizeof escaped);
    if (!eca_utf8_is_valid(eca_slice_from_text(text))) { /* JSON knows nothing else */
        eca_escape_text(&out, eca_slice_from_text(text), sizeof escaped - 1);
        text = escaped;
    }
    (void)json_array_append_new(arguments, json_string(text));
}

static void add_number(json_t *arguments, const char *prefix, apr_int64_t number)
{
    char text[64];

    (void)apr_snprintf(text, sizeof text, "%s%" APR_INT64_T_FMT, prefix, number);
    add(arguments, text);
}

/*
 * One function for each row of directives.def: a row without one does not compile. These make it for the shapes that
 * many have in common; dump_<member>() of its own is for what has another.
 */
#define DUMP(member, type)                                                                                             \
    static void dump_##member(json_t *arguments, const struct eca_served_section *served, type value)
#define DUMP_TEXT(member)                                                                                              \
    DUMP(member, const char *)                                                                                         \
    {                                                                                                                  \
        (void)served;                                                                                                  \
        add(arguments, value);                                                                                         \
    }
#define DUMP_TEXTS(member)                                                                                             \
    DUMP(member, const apr_array_header_t *)                                                                           \
    {                                                                                                                  \
        (void)served;                                                                                                  \
        for (int i = 0; value != NULL && i < value->nelts; i++)                                                        \
            add(arguments, APR_ARRAY_IDX(value, i, const char *));                                                     \
    }
#define DUMP_NUMBER(member)                                                                                            \
    DUMP(member, apr_int64_t)                                                                                          \
    {                                                                                                                  \
        (void)served;                                                                                                  \
        add_number(arguments, "", value);                                                                              \
    }
#define DUMP_ON_OFF(member)                                                                                            \
    DUMP(member, int)                                                                                                  \
    {                                                                                                                  \
        (void)served;                                                                                                  \
        add(arguments, value ? "On" : "Off");                                                                          \
    }
#define DUMP_CHOICE(member, choices)                                                                                   \
    DUMP(member, int)                                                                                                  \
    {                                                                                                                  \
        (void)served;                                                                                                  \
        add(arguments, eca_choice_name(choices, value));                                                               \
    }

DUMP_CHOICE(authenticate, eca_authenticate_choices)

DUMP(basic_providers, const apr_array_header_t *)
{
    (void)served;
    if (value == NULL)
        add(arguments, "directory");
    for (int i = 0; value != NULL && i < value->nelts; i++)
        add(arguments, APR_ARRAY_IDX(value, i, struct eca_basic_provider).name);
}

DUMP(purposes, const struct eca_purposes *)
{
    char number[MAX_STRING_LEN];

    (void)served;
    if (value->any)
        add(arguments, "any");
    for (size_t i = 0; i < value->count; i++) {
        const int nid = OBJ_obj2nid(value->accepted[i]);

        (void)OBJ_obj2txt(number, sizeof number, value->accepted[i], 1);
        add(arguments, nid == NID_undef ? number : OBJ_nid2sn(nid));
    }
}

DUMP(certificate_policies, const struct eca_certificate_policies *)
{
    char number[MAX_STRING_LEN];

    (void)served;
    for (size_t i = 0; value != NULL && i < value->count; i++) {
        (void)OBJ_obj2txt(number, sizeof number, value->accepted[i], 1);
        add(arguments, number);
    }
}

DUMP(certificate_source, struct eca_certificate_source)
{
    (void)served;
    add(arguments, value.header == NULL ? "tls" : "header");
    add(arguments, value.header);
    if (value.header != NULL)
        add(arguments, eca_choice_name(eca_header_format_choices, (int)value.format));
}

DUMP(mapping, const struct eca_mapping_setting *)
{
    (void)served;
    for (size_t i = 0; i < value->policy.count; i++) {
        const char *kind = eca_mapping_describe(value->policy.kinds[i])->name;
        char with_file[MAX_STRING_LEN];

        (void)apr_snprintf(with_file, sizeof with_file, "%s=%s", kind, value->sid_uri_file);
        add(arguments, value->policy.kinds[i] == ECA_MAPPING_SID_URI && value->sid_uri_file != NULL ? with_file : kind);
    }
}

DUMP(backdating, apr_int64_t)
{
    (void)served;
    if (value == ECA_MAPPING_BACKDATING_ANY)
        add(arguments, "any");
    else
        add_number(arguments, "", value);
}

DUMP(remote_user, enum eca_remote_user)
{
    add(arguments, value == ECA_REMOTE_USER_ATTRIBUTE ? served->policy->remote_user_attribute
                                                      : eca_choice_name(eca_remote_user_choices, (int)value));
}

DUMP_CHOICE(delegation, eca_delegation_choices)
DUMP_CHOICE(basic_delegation, eca_basic_delegation_choices)
DUMP_TEXT(delegation_spn)

DUMP(delegation_headers, const apr_array_header_t *)
{
    (void)served;
    if (value == NULL) {
        add(arguments, "X-Remote-User");
        add(arguments, "%{REMOTE_USER}");
    }
    for (int i = 0; value != NULL && i < value->nelts; i++) {
        add(arguments, APR_ARRAY_IDX(value, i, struct eca_delegation_header).name);
        add(arguments, APR_ARRAY_IDX(value, i, struct eca_delegation_header).text);
    }
}

DUMP_CHOICE(backend_reuse, eca_backend_reuse_choices)
DUMP_ON_OFF(rewrite_location)
DUMP_ON_OFF(reason_header)
DUMP_NUMBER(retry_after)

DUMP_TEXTS(trusted_issuers)
DUMP_ON_OFF(nt_auth)

DUMP(trusted_proxies, const apr_array_header_t *)
{
    (void)served;
    for (int i = 0; value != NULL && i < value->nelts; i++)
        add(arguments, APR_ARRAY_IDX(value, i, struct eca_trusted_proxy).text);
}

DUMP_TEXTS(directory_urls)

DUMP(revocation, unsigned)
{
    (void)served;
    for (const struct eca_choice *choice = eca_revocation_choices; choice->name != NULL; choice++) {
        if (((unsigned)choice->value & value) != 0 || (value == 0 && choice->value == 0))
            add(arguments, choice->name);
    }
}

DUMP_CHOICE(revocation_required, eca_revocation_failure_choices)
DUMP_NUMBER(revocation_grace)
DUMP_TEXTS(crls)
DUMP_TEXT(ocsp_responder)
DUMP_NUMBER(crl_refresh)

DUMP(crl_cache, const char *)
{
    (void)served;
    add(arguments, value == NULL ? "none" : value);
}

DUMP_TEXT(directory_base)

DUMP(directory_bind, struct eca_bind_setting)
{
    (void)served;
    add(arguments, eca_choice_name(eca_ldap_bind_choices, (int)value.method));
    add(arguments, value.name);
    add(arguments, value.file);
}

DUMP_TEXT(directory_ca_file)
DUMP_NUMBER(directory_timeout)
DUMP_NUMBER(directory_connections)
DUMP_TEXT(cache)
DUMP_TEXT(cache_key_file)

DUMP(cache_ttl, struct eca_cache_ttl)
{
    (void)served;
    add_number(arguments, "found=", value.found);
    add_number(arguments, "notfound=", value.notfound);
    add_number(arguments, "stale=", value.stale);
}

DUMP_TEXT(kerberos_keytab)
DUMP_TEXT(kerberos_principal)
DUMP_NUMBER(kerberos_timeout)

/* A new list under a directive's name. */
static json_t *add_list(json_t *directives, const char *name)
{
    json_t *arguments = json_array();

    (void)json_object_set_new(directives, name, arguments);
    return arguments;
}

static json_t *directives_of(const struct eca_served_section *served)
{
    json_t *directives = json_object();

#define ECA_POLICY(member, type, initial, name, arguments, help)                                                       \
    dump_##member(add_list(directives, name), served, served->policy->member);
#define ECA_SERVER(member, type, initial, name, arguments, help)                                                       \
    dump_##member(add_list(directives, name), served, served->config->member);
#include "directives.def"
#undef ECA_POLICY
#undef ECA_SERVER
    return directives;
}

/* Those that somebody wrote, here or farther out; the others are defaults. */
static json_t *names_of_set(const struct eca_served_section *served)
{
    json_t *names = json_array();

#define ECA_POLICY(member, type, initial, name, arguments, help)                                                       \
    if (ECA_IS_SET(served->policy, member))                                                                            \
        add(names, name);
#define ECA_SERVER(member, type, initial, name, arguments, help)                                                       \
    if (ECA_IS_SET(served->config, member))                                                                            \
        add(names, name);
#include "directives.def"
#undef ECA_POLICY
#undef ECA_SERVER
    return names;
}

static json_t *text_or_null(const char *text)
{
    json_t *list = json_array(), *value = NULL;

    add(list, text);
    value = json_incref(json_array_size(list) == 0 ? json_null() : json_array_get(list, 0));
    json_decref(list);
    return value;
}

/* "mail.example.com:443"; a server that listens everywhere has no port of its own. */
static const char *name_of_server(apr_pool_t *pool, const server_rec *server)
{
    const unsigned port = server->port != 0 || server->addrs == NULL ? server->port : server->addrs->host_port;

    return port == 0 ? server->server_hostname : apr_psprintf(pool, "%s:%u", server->server_hostname, port);
}

static json_t *section_of(apr_pool_t *pool, const struct eca_served_section *served)
{
    return json_pack("{s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "server",
                     text_or_null(name_of_server(pool, served->server)), "section", text_or_null(served->name), "file",
                     text_or_null(served->section->line->filename), "line", served->section->line->line_num, "backend",
                     text_or_null(served->backend), "problem", text_or_null(served->problem), "directives",
                     directives_of(served), "set", names_of_set(served));
}

static json_t *document(apr_pool_t *pool, server_rec *main_server)
{
    const apr_array_header_t *all = eca_section_collect(pool, pool, main_server);
    json_t *sections = json_array();

    for (int i = 0; i < all->nelts; i++)
        (void)json_array_append_new(sections, section_of(pool, &APR_ARRAY_IDX(all, i, struct eca_served_section)));
    return json_pack("{s:i, s:o}", "version", VERSION, "sections", sections);
}

/* A document that memory or disk cuts short is no JSON: its reader says so. */
void eca_dump_print(apr_pool_t *pool, server_rec *main_server)
{
    apr_file_t *out = NULL;
    json_t *json = NULL;
    char *text = NULL;

    if (!ap_exists_config_define("DUMP_EAS") || apr_file_open_stdout(&out, pool) != APR_SUCCESS)
        return;
    json = document(pool, main_server);
    text = json_dumps(json, JSON_INDENT(2));
    if (text != NULL)
        (void)apr_file_puts(apr_pstrcat(pool, text, "\n", NULL), out);
    free(text);
    json_decref(json);
}
