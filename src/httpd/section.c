/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the sections of a configuration and what stands in their way. */
#include "section.h"

#include "gssproxy.h"
#include "open_directory.h"
#include "service.h"

#include <apr_strings.h>
#include <mod_proxy.h>
#include <string.h>

const char *eca_policy_contradiction(const struct eca_policy *policy, const struct eca_server_config *config)
{
    const bool wants_certificate = eca_access_wants_certificate(policy->authenticate);

    if (policy->delegation == ECA_DELEGATION_UNSAID)
        return "EASDelegation is not set; write EASDelegation kerberos, header or none, or the backend asks the "
               "devices for passwords";
    if (policy->delegation == ECA_DELEGATION_HEADER && policy->basic_delegation == ECA_BASIC_DELEGATION_PASSTHROUGH)
        return "EASDelegation header does not go with EASBasicDelegation passthrough: a backend that trusts the "
               "header believes any password without it; write EASBasicDelegation same";
    if (config->directory_urls == NULL)
        return "EASDirectory is not set; write EASDirectory ldap://dc1.example.com";
    if (eca_directory_file(config) != NULL && policy->authenticate != ECA_AUTHENTICATE_CERTIFICATE
        && policy->basic_providers == NULL)
        return "EASDirectory file: holds no passwords; write EASAuthenticate certificate, or EASBasicProvider file and "
               "AuthUserFile";
    if (eca_directory_file(config) != NULL && config->nt_auth)
        return "EASDirectory file: has no NTAuthCertificates; write EASNTAuth Off";
    if (config->trusted_issuers == NULL
        && (wants_certificate || policy->ssl_verify_client == ECA_SSL_VERIFY_OPTIONAL_NO_CA))
        return "EASTrustedIssuers is not set; name the PEM file with the CAs of the client certificates";
    if (policy->certificate_source.header != NULL && config->trusted_proxies == NULL)
        return "EASCertificateSource header needs EASTrustedProxy; write the addresses of the load balancers, or every "
               "device could name itself";
    if (wants_certificate && policy->certificate_source.header == NULL
        && policy->ssl_verify_client == ECA_SSL_VERIFY_NONE)
        return "SSLVerifyClient none: no device will show a certificate; write SSLVerifyClient optional_no_ca";
    if (policy->ssl_fake_basic || policy->auth_basic_fake)
        return "SSLOptions FakeBasicAuth and AuthBasicFake write made-up passwords into the request and the log; "
               "remove them here";
    if (policy->ssl_user_name)
        return "SSLUserName names a user before anybody is authenticated; remove it here";
    if (policy->remote_user == ECA_REMOTE_USER_ATTRIBUTE
        && (config->extra_attribute == NULL
            || ap_cstr_casecmp(config->extra_attribute, policy->remote_user_attribute) != 0))
        return "EASRemoteUser names another attribute than the one of this virtual host; write it there";
    return NULL;
}

static bool covers(const struct proxy_alias *alias, const char *path)
{
    return alias->regex != NULL ? ap_regexec(alias->regex, path, 0, NULL, 0) == 0
                                : strncmp(path, alias->fake, strlen(alias->fake)) == 0;
}

/* The first that covers the section, or lies in it. "!" says what is not proxied. */
static const char *alias_for_path(const proxy_server_conf *proxy, const char *path)
{
    for (int i = 0; i < proxy->aliases->nelts; i++) {
        const struct proxy_alias *alias = &APR_ARRAY_IDX(proxy->aliases, i, struct proxy_alias);
        const bool excludes = strcmp(alias->real, "!") == 0;

        if (covers(alias, path))
            return excludes ? NULL : alias->real;
        if (!excludes && alias->regex == NULL && strncmp(path, alias->fake, strlen(path)) == 0)
            return alias->real;
    }
    return NULL;
}

static const char *find_backend(const struct eca_section *section, const server_rec *server)
{
    module *proxy = ap_find_linked_module("mod_proxy.c");
    const proxy_dir_conf *directory = NULL;

    if (proxy == NULL || section->path == NULL)
        return NULL;
    directory = ap_get_module_config(section->vector, proxy);
    if (directory != NULL && directory->alias_set && directory->alias != NULL)
        return directory->alias->real;
    return alias_for_path(ap_get_module_config(server->module_config, proxy), section->path);
}

bool eca_section_needs_kerberos(const struct eca_served_section *served)
{
    return served->policy->delegation == ECA_DELEGATION_KERBEROS
           || (served->config->directory_bind.method == ECA_LDAP_BIND_GSSAPI
               && eca_directory_file(served->config) == NULL);
}

static const char *find_problem(apr_pool_t *pool, const struct eca_served_section *served)
{
    const char *problem = eca_policy_contradiction(served->policy, served->config);
    const bool kerberos = eca_section_needs_kerberos(served);
    struct eca_error err = { .text = "" };

    if (problem != NULL)
        return problem;
    if (served->policy->delegation == ECA_DELEGATION_KERBEROS && served->policy->delegation_spn == NULL
        && served->backend != NULL && strncmp(served->backend, "balancer:", 9) == 0)
        return "the backend is a balancer; write EASDelegationSPN HTTP/name, the account that all its members run as";
    if (kerberos && eca_gssproxy_is_used() && !eca_gssproxy_is_alone())
        return "GSS_USE_PROXY is set and GSSPROXY_BEHAVIOR is not REMOTE_ONLY: whom gssproxy refuses would be shown to "
               "the backend as whoever httpd's user has credentials of; write export GSSPROXY_BEHAVIOR=REMOTE_ONLY "
               "beside it";
    if (!eca_service_prepare(pool, served->config, kerberos && !eca_gssproxy_is_used(), &err))
        return apr_pstrdup(pool, err.text);
    return NULL;
}

static void add_sections(apr_array_header_t *all, apr_pool_t *pool, const apr_array_header_t *sections,
                         server_rec *server)
{
    void *outer = ap_get_module_config(server->lookup_defaults, &eas_certauth_module);

    for (int i = 0; i < sections->nelts; i++) {
        const struct eca_section *section = &APR_ARRAY_IDX(sections, i, struct eca_section);
        struct eca_served_section *served = apr_array_push(all);

        *served = (struct eca_served_section){
            .section = section,
            .server = server,
            .config = eca_server_config_of(server),
            .policy = eca_policy_merge(pool, outer, (void *)section->policy),
            .backend = find_backend(section, server),
            .name = section->path != NULL ? section->path : "(whole server)",
        };
        served->problem = find_problem(pool, served);
    }
}

apr_array_header_t *eca_section_collect(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server)
{
    const apr_array_header_t *everywhere = eca_server_config_of(main_server)->sections;
    apr_array_header_t *all = apr_array_make(temporary, 4, sizeof(struct eca_served_section));

    for (server_rec *server = main_server; server != NULL; server = server->next) {
        add_sections(all, pool, everywhere, server);
        if (server != main_server)
            add_sections(all, pool, eca_server_config_of(server)->sections, server);
    }
    return all;
}
