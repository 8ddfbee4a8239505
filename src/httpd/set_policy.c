/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of a section; what depends on several directives is checked in section.c. */
#include "argument.h"
#include "set_directives.h"

#include <ap_provider.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <openssl/objects.h>

APLOG_USE_MODULE(eas_certauth);

const struct eca_choice eca_delegation_choices[] = {
    { "kerberos", ECA_DELEGATION_KERBEROS },
    { "header", ECA_DELEGATION_HEADER },
    { "none", ECA_DELEGATION_NONE },
    { NULL, 0 },
};

const struct eca_choice eca_basic_delegation_choices[] = {
    { "same", ECA_BASIC_DELEGATION_SAME },
    { "passthrough", ECA_BASIC_DELEGATION_PASSTHROUGH },
    { NULL, 0 },
};

const struct eca_choice eca_backend_reuse_choices[] = {
    { "Off", ECA_BACKEND_REUSE_OFF },
    { "verified", ECA_BACKEND_REUSE_VERIFIED },
    { NULL, 0 },
};

/* The setter of a directive with one word of a table. */
#define SET_CHOICE(member, type, choices)                                                                              \
    const char *set_##member(cmd_parms *cmd, void *config, const char *argument)                                       \
    {                                                                                                                  \
        struct eca_policy *policy = config;                                                                            \
        int value = 0;                                                                                                 \
        const char *problem = eca_argument_choose(cmd, argument, choices, &value);                                     \
                                                                                                                       \
        policy->member = (type)value;                                                                                  \
        ECA_SET(policy, member);                                                                                       \
        return problem;                                                                                                \
    }

SET_CHOICE(authenticate, enum eca_authenticate, eca_authenticate_choices)

static const char *add_basic_provider(cmd_parms *cmd, struct eca_policy *policy, const char *name)
{
    const authn_provider *provider = ap_lookup_provider(AUTHN_PROVIDER_GROUP, name, AUTHN_PROVIDER_VERSION);
    apr_array_header_t *list = policy->basic_providers != NULL
                                   ? apr_array_copy(cmd->pool, policy->basic_providers)
                                   : apr_array_make(cmd->pool, 2, sizeof(struct eca_basic_provider));

    if (ap_cstr_casecmp(name, "backend") == 0)
        return "ECA1070: EASBasicProvider backend does not exist yet; write directory, or a provider of httpd's";
    if (provider == NULL || provider->check_password == NULL)
        return apr_psprintf(cmd->pool,
                            "ECA1071: EASBasicProvider: httpd has no provider \"%s\" that checks passwords; write "
                            "directory, or load its module (a2enmod authn_file for file), or write "
                            "<AuthnProviderAlias> before this line",
                            name);
    APR_ARRAY_PUSH(list, struct eca_basic_provider) = (struct eca_basic_provider){ name, provider };
    policy->basic_providers = list;
    return NULL;
}

/* Providers are found where httpd's own AuthBasicProvider finds them: among those that were there before its line. */
const char *set_basic_providers(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    const bool directory = ap_cstr_casecmp(argument, "directory") == 0;
    const bool again = ECA_IS_SET(policy, basic_providers);

    if (again && (directory || policy->basic_providers == NULL))
        return "ECA1072: EASBasicProvider directory stands alone; remove it, or the others";
    ECA_SET(policy, basic_providers);
    return directory ? NULL : add_basic_provider(cmd, policy, argument);
}

static apr_status_t free_object(void *object)
{
    ASN1_OBJECT_free(object);
    return APR_SUCCESS;
}

const char *set_purposes(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    struct eca_purposes *purposes = apr_pcalloc(cmd->pool, sizeof *purposes);
    ASN1_OBJECT *object = NULL;

    if (ECA_IS_SET(policy, purposes))
        *purposes = *policy->purposes;
    policy->purposes = purposes;
    ECA_SET(policy, purposes);
    if (ap_cstr_casecmp(argument, "any") == 0) {
        purposes->any = true;
        return NULL;
    }
    object = OBJ_txt2obj(argument, 0);
    if (object == NULL)
        return apr_psprintf(cmd->pool,
                            "ECA1004: %s \"%s\" is neither a known name nor an OID; write clientAuth, "
                            "1.3.6.1.4.1.311.20.2.2 or any",
                            cmd->cmd->name, argument);
    apr_pool_cleanup_register(cmd->pool, object, free_object, apr_pool_cleanup_null);
    if (purposes->count == ECA_PURPOSES_MAX)
        return apr_psprintf(cmd->pool, "ECA1005: %s takes at most %d purposes", cmd->cmd->name, ECA_PURPOSES_MAX);
    purposes->accepted[purposes->count++] = object;
    return NULL;
}

const char *set_certificate_policies(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    struct eca_certificate_policies *policies = apr_pcalloc(cmd->pool, sizeof *policies);
    ASN1_OBJECT *object = NULL;

    if (ECA_IS_SET(policy, certificate_policies) && policy->certificate_policies != NULL)
        *policies = *policy->certificate_policies;
    ECA_SET(policy, certificate_policies);
    policy->certificate_policies = NULL;
    if (ap_cstr_casecmp(argument, "any") == 0)
        return NULL;
    object = OBJ_txt2obj(argument, 1);
    if (object == NULL)
        return apr_psprintf(
            cmd->pool, "ECA1060: EASCertificatePolicy \"%s\" is no OID; write 1.3.6.1.4.1.99999.1, or any", argument);
    apr_pool_cleanup_register(cmd->pool, object, free_object, apr_pool_cleanup_null);
    if (policies->count == ECA_CERTIFICATE_POLICIES_MAX)
        return apr_psprintf(cmd->pool, "ECA1061: EASCertificatePolicy takes at most %d OIDs",
                            ECA_CERTIFICATE_POLICIES_MAX);
    policies->accepted[policies->count++] = object;
    policy->certificate_policies = policies;
    return NULL;
}

static apr_status_t close_anchors(void *anchors)
{
    eca_trust_anchors_close(anchors);
    return APR_SUCCESS;
}

static const char *read_sid_uri_issuers(cmd_parms *cmd, struct eca_mapping_setting *setting, const char *file)
{
    struct eca_error err = { .text = "" };
    const char *problem = eca_argument_path(cmd, file, &setting->sid_uri_file);

    if (problem != NULL)
        return problem;
    setting->sid_uri_issuers = eca_trust_anchors_open(&setting->sid_uri_file, 1, &err);
    if (setting->sid_uri_issuers == NULL)
        return apr_psprintf(cmd->pool, "ECA1006: %s sid-uri: %s", cmd->cmd->name, err.text);
    apr_pool_cleanup_register(cmd->pool, setting->sid_uri_issuers, close_anchors, apr_pool_cleanup_null);
    return NULL;
}

/* "sid, sid-uri, … or rfc822" */
static const char *list_kinds(apr_pool_t *pool)
{
    const char *list = eca_mapping_describe(0)->name;

    for (unsigned kind = 1; kind < ECA_MAPPING_KINDS; kind++)
        list = apr_pstrcat(pool, list, kind + 1 < ECA_MAPPING_KINDS ? ", " : " or ",
                           eca_mapping_describe((enum eca_mapping_kind)kind)->name, NULL);
    return list;
}

static const char *add_kind(cmd_parms *cmd, struct eca_mapping_setting *setting, const char *name)
{
    enum eca_mapping_kind kind;

    if (!eca_mapping_kind_by_name(&kind, name))
        return apr_psprintf(cmd->pool, "ECA1007: %s \"%s\" is not a kind of mapping; write strong, %s", cmd->cmd->name,
                            name, list_kinds(cmd->pool));
    if (!eca_mapping_policy_add(&setting->policy, kind))
        return apr_psprintf(cmd->pool, "ECA1008: %s names \"%s\" twice", cmd->cmd->name, name);
    return NULL;
}

const char *set_mapping(cmd_parms *cmd, void *config, const char *argument)
{
    static const char sid_uri[] = "sid-uri=";
    struct eca_policy *policy = config;
    struct eca_mapping_setting *setting = apr_pcalloc(cmd->pool, sizeof *setting);
    struct eca_mapping_policy strong;
    const char *problem = NULL;

    if (ECA_IS_SET(policy, mapping))
        *setting = *policy->mapping;
    policy->mapping = setting;
    ECA_SET(policy, mapping);
    if (ap_cstr_casecmp(argument, "strong") != 0) {
        if (ap_cstr_casecmpn(argument, sid_uri, sizeof sid_uri - 1) != 0)
            return add_kind(cmd, setting, argument);
        problem = read_sid_uri_issuers(cmd, setting, argument + sizeof sid_uri - 1);
        return problem != NULL ? problem : add_kind(cmd, setting, "sid-uri");
    }
    eca_mapping_policy_strong(&strong);
    for (size_t i = 0; i < strong.count && problem == NULL; i++)
        problem = add_kind(cmd, setting, eca_mapping_describe(strong.kinds[i])->name);
    return problem;
}

#define BACKDATING_MAX APR_INT64_C(3162240000) /* a hundred years */

const char *set_backdating(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    char *end = NULL;

    ECA_SET(policy, backdating);
    policy->backdating = ECA_MAPPING_BACKDATING_ANY;
    if (ap_cstr_casecmp(argument, "any") == 0)
        return NULL;
    policy->backdating = apr_strtoi64(argument, &end, 10);
    if (end == argument || *end != '\0' || policy->backdating < 0 || policy->backdating > BACKDATING_MAX)
        return apr_psprintf(
            cmd->pool, "ECA1021: %s wants seconds, at most %" APR_INT64_T_FMT " (a hundred years), or any; not \"%s\"",
            cmd->cmd->name, BACKDATING_MAX, argument);
    return NULL;
}

/* An LDAP attribute description without options: RFC 4512 1.4, keystring. */
static bool is_attribute_name(const char *name)
{
    size_t length = 0;

    for (; name[length] != '\0'; length++) {
        if (!apr_isalnum(name[length]) && name[length] != '-')
            return false;
    }
    return length > 0 && length <= 64 && apr_isalpha(name[0]);
}

const char *set_remote_user(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    int value = ECA_REMOTE_USER_ATTRIBUTE;

    policy->remote_user_attribute = NULL;
    ECA_SET(policy, remote_user);
    if (!eca_choice_find(eca_remote_user_choices, argument, &value)) {
        if (!is_attribute_name(argument))
            return apr_psprintf(cmd->pool,
                                "ECA1009: %s \"%s\" is neither upn, samaccountname, netbios, mail nor the "
                                "name of an attribute",
                                cmd->cmd->name, argument);
        if (server->extra_attribute != NULL && ap_cstr_casecmp(server->extra_attribute, argument) != 0)
            return apr_psprintf(cmd->pool,
                                "ECA1010: %s names \"%s\" and \"%s\"; one virtual host can use one "
                                "attribute",
                                cmd->cmd->name, server->extra_attribute, argument);
        server->extra_attribute = policy->remote_user_attribute = argument;
    }
    policy->remote_user = (enum eca_remote_user)value;
    return NULL;
}

SET_CHOICE(delegation, enum eca_delegation, eca_delegation_choices)
SET_CHOICE(basic_delegation, enum eca_basic_delegation, eca_basic_delegation_choices)
SET_CHOICE(backend_reuse, enum eca_backend_reuse, eca_backend_reuse_choices)

const char *set_delegation_spn(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    const char *slash = strchr(argument, '/');

    if (slash == NULL || slash == argument || slash[1] == '\0' || strlen(argument) > 512
        || strcspn(argument, ":") < (size_t)(slash - argument)) /* a URL */
        return apr_psprintf(cmd->pool,
                            "ECA1011: %s \"%s\" is not a service principal name; write HTTP/host.example.com",
                            cmd->cmd->name, argument);
    policy->delegation_spn = argument;
    ECA_SET(policy, delegation_spn);
    return NULL;
}

/* Names that HTTP itself or the proxy needs, and the one that carries the ticket. */
static bool is_reserved_header(const char *name)
{
    static const char *const reserved[] = {
        "Authorization",       "Connection", "Content-Length", "Content-Type",      "Expect", "Host", "Keep-Alive",
        "Proxy-Authorization", "TE",         "Trailer",        "Transfer-Encoding", "Upgrade"
    };

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (ap_cstr_casecmp(name, reserved[i]) == 0)
            return true;
    }
    return false;
}

const char *set_certificate_source(cmd_parms *cmd, void *config, const char *first, const char *name,
                                   const char *format)
{
    struct eca_policy *policy = config;
    int value = 0;
    const char *problem = NULL;

    ECA_SET(policy, certificate_source);
    policy->certificate_source = (struct eca_certificate_source){ .header = NULL };
    if (ap_cstr_casecmp(first, "tls") == 0 && name == NULL)
        return NULL;
    if (ap_cstr_casecmp(first, "header") != 0 || format == NULL)
        return "ECA1062: EASCertificateSource is tls alone, or header with the header's name and its format: rfc9440, "
               "pem, pem-urlencoded or base64-der";
    if (*ap_scan_http_token(name) != '\0' || is_reserved_header(name))
        return apr_psprintf(cmd->pool, "ECA1063: EASCertificateSource cannot use the header name \"%s\"", name);
    problem = eca_argument_choose(cmd, format, eca_header_format_choices, &value);
    policy->certificate_source = (struct eca_certificate_source){ name, (enum eca_header_format)value };
    APR_ARRAY_PUSH(eca_server_config_of(cmd->server)->certificate_headers, const char *) = name;
    return problem;
}

const char *set_delegation_headers(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    apr_array_header_t *headers = apr_array_make(cmd->pool, 2, sizeof(struct eca_delegation_header));
    const char *problem = NULL;

    if (ECA_IS_SET(policy, delegation_headers))
        headers = apr_array_copy(cmd->pool, policy->delegation_headers);
    do {
        const char *name = ap_getword_conf(cmd->pool, &argument);
        const char *value = ap_getword_conf(cmd->pool, &argument);
        struct eca_delegation_header *header = apr_array_push(headers);

        if (*name == '\0' || *value == '\0')
            return "ECA1012: EASDelegationHeader wants pairs of a header name and an expression";
        if (*ap_scan_http_token(name) != '\0' || is_reserved_header(name))
            return apr_psprintf(cmd->pool, "ECA1013: EASDelegationHeader cannot use the header name \"%s\"", name);
        header->name = name;
        header->text = value;
        header->value = ap_expr_parse_cmd(cmd, value, AP_EXPR_FLAG_STRING_RESULT, &problem, NULL);
        if (problem != NULL)
            return apr_psprintf(cmd->pool, "ECA1014: EASDelegationHeader %s: %s", name, problem);
        APR_ARRAY_PUSH(eca_server_config_of(cmd->server)->header_names, const char *) = name;
    } while (*argument != '\0');
    policy->delegation_headers = headers;
    ECA_SET(policy, delegation_headers);
    return NULL;
}

const char *set_rewrite_location(cmd_parms *cmd, void *config, int on)
{
    struct eca_policy *policy = config;

    (void)cmd;
    policy->rewrite_location = on;
    ECA_SET(policy, rewrite_location);
    return NULL;
}

const char *set_reason_header(cmd_parms *cmd, void *config, int on)
{
    struct eca_policy *policy = config;

    (void)cmd;
    policy->reason_header = on;
    ECA_SET(policy, reason_header);
    return NULL;
}

const char *set_retry_after(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;

    ECA_SET(policy, retry_after);
    return eca_argument_number(cmd, argument, 1, 86400, &policy->retry_after);
}
