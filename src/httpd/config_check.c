/* SPDX-License-Identifier: Apache-2.0 */
/* The checks at start: what cannot work is refused, what will hurt later is warned of once. */
#include "config.h"

#include "service.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_proxy.h>

APLOG_USE_MODULE(eas_certauth);

#define PING_SECONDS 3600
#define ISSUER_WARNING_DAYS 60

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
    if (config->trusted_issuers == NULL
        && (wants_certificate || policy->ssl_verify_client == ECA_SSL_VERIFY_OPTIONAL_NO_CA))
        return "EASTrustedIssuers is not set; name the PEM file with the CAs of the client certificates";
    if (wants_certificate && policy->ssl_verify_client == ECA_SSL_VERIFY_NONE)
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

/* A section as a request will see it, and what it is proxied to. */
struct checked_section {
    const struct eca_section *section;
    const struct eca_server_config *config;
    const struct eca_policy *policy;
    const char *backend; /* URL, or NULL */
    const char *name;    /* for messages */
};

static const char *alias_for_path(const proxy_server_conf *proxy, const char *path)
{
    for (int i = 0; i < proxy->aliases->nelts; i++) {
        const struct proxy_alias *alias = &APR_ARRAY_IDX(proxy->aliases, i, struct proxy_alias);
        const size_t length = strlen(alias->fake);

        if (alias->regex == NULL
            && (strncmp(path, alias->fake, length) == 0 || strncmp(path, alias->fake, strlen(path)) == 0))
            return alias->real;
    }
    return NULL;
}

static const char *find_backend(const struct eca_section *section)
{
    module *proxy = ap_find_linked_module("mod_proxy.c");
    const proxy_dir_conf *directory = NULL;

    if (proxy == NULL || section->path == NULL)
        return NULL;
    directory = ap_get_module_config(section->vector, proxy);
    if (directory != NULL && directory->alias_set && directory->alias != NULL)
        return directory->alias->real;
    return alias_for_path(ap_get_module_config(section->server->module_config, proxy), section->path);
}

static struct checked_section resolve_section(apr_pool_t *pool, const struct eca_section *section)
{
    void *outer = ap_get_module_config(section->server->lookup_defaults, &eas_certauth_module);

    return (struct checked_section){
        .section = section,
        .config = eca_server_config_of(section->server),
        .policy = eca_policy_merge(pool, outer, (void *)section->policy),
        .backend = find_backend(section),
        .name = section->path != NULL ? section->path : "(whole server)",
    };
}

static bool refuse(const struct checked_section *checked, const char *message)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, checked->section->server, "ECA1020: %s line %d, section %s: %s",
                 checked->section->line->filename, checked->section->line->line_num, checked->name, message);
    return false;
}

static bool needs_keytab(const struct checked_section *checked)
{
    return checked->policy->delegation == ECA_DELEGATION_KERBEROS
           || checked->config->directory_bind.method == ECA_LDAP_BIND_GSSAPI;
}

static bool check_section(apr_pool_t *pool, const struct checked_section *checked)
{
    const char *problem = eca_policy_contradiction(checked->policy, checked->config);
    struct eca_error err = { .text = "" };

    if (problem != NULL)
        return refuse(checked, problem);
    if (checked->policy->delegation == ECA_DELEGATION_KERBEROS && checked->policy->delegation_spn == NULL
        && checked->backend != NULL && strncmp(checked->backend, "balancer:", 9) == 0)
        return refuse(checked, "the backend is a balancer; write EASDelegationSPN HTTP/name, the account that all its "
                               "members run as");
    if (!eca_service_prepare(pool, checked->config, needs_keytab(checked), &err))
        return refuse(checked, err.text);
    return true;
}

static bool same_backend(apr_pool_t *pool, const char *a, const char *b)
{
    apr_uri_t left, right;

    return a != NULL && b != NULL && apr_uri_parse(pool, a, &left) == APR_SUCCESS
           && apr_uri_parse(pool, b, &right) == APR_SUCCESS && left.hostinfo != NULL && right.hostinfo != NULL
           && ap_cstr_casecmp(left.hostinfo, right.hostinfo) == 0;
}

/* A trusting backend believes any password when its header is missing: no other section may send it one. */
static bool check_passthrough(apr_pool_t *pool, const apr_array_header_t *sections)
{
    const struct checked_section *all = (const struct checked_section *)sections->elts;

    for (int i = 0; i < sections->nelts; i++) {
        for (int j = 0; j < sections->nelts; j++) {
            if (all[i].policy->delegation == ECA_DELEGATION_HEADER
                && all[j].policy->basic_delegation == ECA_BASIC_DELEGATION_PASSTHROUGH
                && same_backend(pool, all[i].backend, all[j].backend))
                return refuse(&all[j], "EASBasicDelegation passthrough sends passwords to a backend that another "
                                       "section reaches with EASDelegation header; it would believe any password");
        }
    }
    return true;
}

static apr_array_header_t *collect_sections(apr_pool_t *pool, server_rec *main_server)
{
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(struct checked_section));

    for (server_rec *server = main_server; server != NULL; server = server->next) {
        const apr_array_header_t *sections = eca_server_config_of(server)->sections;

        for (int i = 0; i < sections->nelts; i++)
            APR_ARRAY_PUSH(all, struct checked_section) = resolve_section(
                pool, &APR_ARRAY_IDX(sections, i, struct eca_section));
    }
    return all;
}

bool eca_config_check(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server)
{
    const apr_array_header_t *sections = collect_sections(temporary, main_server);

    for (server_rec *server = main_server; server != NULL; server = server->next)
        eca_server_config_of(server)->in_use = eca_server_config_of(server)->sections->nelts > 0
                                               || eca_server_config_of(main_server)->sections->nelts > 0;
    for (int i = 0; i < sections->nelts; i++) {
        if (!check_section(pool, &APR_ARRAY_IDX(sections, i, struct checked_section)))
            return false;
    }
    return check_passthrough(temporary, sections);
}

static void warn_of_tls(const struct checked_section *checked)
{
    const struct eca_policy *outer = ap_get_module_config(checked->section->server->lookup_defaults,
                                                          &eas_certauth_module);
    server_rec *server = checked->section->server;

    if (!eca_access_wants_certificate(checked->policy->authenticate))
        return;
    if (checked->policy->ssl_verify_client == ECA_SSL_VERIFY_UNSAID)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, server,
            "ECA1031: section %s: SSLVerifyClient is not set, no device will be asked for a certificate; write "
            "SSLVerifyClient optional_no_ca on the virtual host",
            checked->name);
    else if (outer->ssl_verify_client == ECA_SSL_VERIFY_UNSAID)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA1032: section %s: SSLVerifyClient inside a section asks in the middle of a connection: mail "
                     "with attachments gets 413 and HTTP/2 fails; move it to the virtual host",
                     checked->name);
}

/* The time mod_proxy gives the backend: the worker's own, the server's ProxyTimeout, or Timeout. */
static apr_interval_time_t backend_timeout(const struct checked_section *checked)
{
    server_rec *server = checked->section->server;
    const proxy_server_conf *proxy = ap_get_module_config(server->module_config, ap_find_linked_module("mod_proxy.c"));

    for (int i = 0; i < proxy->workers->nelts; i++) {
        const proxy_worker *worker = &APR_ARRAY_IDX(proxy->workers, i, proxy_worker);

        if (worker->s->timeout_set && strncmp(checked->backend, worker->s->name_ex, strlen(worker->s->name_ex)) == 0)
            return worker->s->timeout;
    }
    return proxy->timeout_set ? proxy->timeout : server->timeout;
}

static void warn_of_backend(const struct checked_section *checked)
{
    server_rec *server = checked->section->server;

    if (checked->backend == NULL)
        return;
    if (strncmp(checked->backend, "https:", 6) == 0 && !checked->policy->ssl_proxy_verify)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, server,
            "ECA1033: section %s: the backend's certificate is not verified, whoever stands in between reads the "
            "mail; write SSLProxyVerify require",
            checked->name);
    if (strncmp(checked->backend, "balancer:", 9) != 0 && backend_timeout(checked) < apr_time_from_sec(PING_SECONDS))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA1034: section %s: the proxy waits %d s for an answer but a Ping lasts up to an hour; add "
                     "timeout=3660 to ProxyPass",
                     checked->name, (int)apr_time_sec(backend_timeout(checked)));
}

static void warn_of_mapping(const struct checked_section *checked)
{
    const struct eca_mapping_policy *mapping = &checked->policy->mapping->policy;

    for (size_t i = 0; i < mapping->count; i++) {
        if (!eca_mapping_describe(mapping->kinds[i])->strong)
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, checked->section->server,
                         "ECA1035: section %s: EASMapping %s accepts a name that a certificate's requester may have "
                         "chosen (KB5014754); use strong kinds",
                         checked->name, eca_mapping_describe(mapping->kinds[i])->name);
    }
}

static void warn_of_issuers(const struct checked_section *checked)
{
    const int64_t limit = apr_time_sec(apr_time_now()) + (int64_t)ISSUER_WARNING_DAYS * 86400;
    struct eca_error ending = { .text = "" };

    if (checked->config->service->anchors != NULL
        && eca_trust_anchors_ending_before(checked->config->service->anchors, limit, &ending))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, checked->section->server,
                     "ECA1036: EASTrustedIssuers: %s ended or ends within %d days", ending.text, ISSUER_WARNING_DAYS);
}

static void warn_of_workers(server_rec *server)
{
    int processes = 0, threads = 0;

    if (ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes) == APR_SUCCESS
        && ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) == APR_SUCCESS && threads > 0 && processes * threads <= 150)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA1037: MaxRequestWorkers %d: each device holds one for its Ping, up to an hour; raise it above "
                     "the number of devices",
                     processes * threads);
}

void eca_config_warn(apr_pool_t *temporary, server_rec *main_server)
{
    const apr_array_header_t *sections = collect_sections(temporary, main_server);

    for (int i = 0; i < sections->nelts; i++) {
        const struct checked_section *checked = &APR_ARRAY_IDX(sections, i, struct checked_section);

        warn_of_tls(checked);
        warn_of_backend(checked);
        warn_of_mapping(checked);
        warn_of_issuers(checked);
    }
    if (sections->nelts > 0)
        warn_of_workers(main_server);
}
