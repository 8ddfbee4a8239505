/* SPDX-License-Identifier: Apache-2.0 */
/* What will hurt later, told once at start. */
#include "config.h"

#include "gssproxy.h"
#include "keytab.h"
#include "section.h"
#include "service.h"

#include <ap_mpm.h>
#include <http_log.h>
#include <mod_proxy.h>

APLOG_USE_MODULE(eas_certauth);

#define PING_SECONDS 3600
#define ISSUER_WARNING_DAYS 60

static const char balancer_scheme[] = "balancer:";

static void warn_of_tls(const struct eca_served_section *served)
{
    const struct eca_policy *outer = ap_get_module_config(served->server->lookup_defaults, &eas_certauth_module);
    server_rec *server = served->server;

    if (!eca_access_wants_certificate(served->policy->authenticate)
        || served->policy->certificate_source.header != NULL)
        return;
    if (served->policy->ssl_verify_client == ECA_SSL_VERIFY_UNSAID)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, server,
            "ECA1031: section %s: SSLVerifyClient is not set, no device will be asked for a certificate; write "
            "SSLVerifyClient optional_no_ca on the virtual host",
            served->name);
    else if (outer->ssl_verify_client == ECA_SSL_VERIFY_UNSAID)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA1032: section %s: SSLVerifyClient inside a section asks in the middle of a connection: mail "
                     "with attachments gets 413 and HTTP/2 fails; move it to the virtual host",
                     served->name);
}

/* The time mod_proxy gives a backend: the worker's own, the server's ProxyTimeout, or Timeout. */
static apr_interval_time_t timeout_of(const proxy_worker *worker, const proxy_server_conf *proxy,
                                      const server_rec *server)
{
    if (worker != NULL && worker->s->timeout_set)
        return worker->s->timeout;
    return proxy->timeout_set ? proxy->timeout : server->timeout;
}

static bool is_behind(const char *url, const char *name)
{
    return ap_cstr_casecmpn(url, name, strlen(name)) == 0;
}

/* That of the least patient member: a balancer's own timeout is for waiting until one is free. */
static apr_interval_time_t balancer_timeout(const char *url, const proxy_server_conf *proxy, const server_rec *server)
{
    apr_interval_time_t least = apr_time_from_sec(PING_SECONDS);

    for (int i = 0; i < proxy->balancers->nelts; i++) {
        const proxy_balancer *balancer = &APR_ARRAY_IDX(proxy->balancers, i, proxy_balancer);

        for (int j = 0; is_behind(url, balancer->s->name) && j < balancer->workers->nelts; j++) {
            const apr_interval_time_t one = timeout_of(APR_ARRAY_IDX(balancer->workers, j, proxy_worker *), proxy,
                                                       server);

            least = one < least ? one : least;
        }
    }
    return least;
}

static apr_interval_time_t backend_timeout(const char *url, const server_rec *server)
{
    const proxy_server_conf *proxy = ap_get_module_config(server->module_config, ap_find_linked_module("mod_proxy.c"));

    if (is_behind(url, balancer_scheme))
        return balancer_timeout(url, proxy, server);
    for (int i = 0; i < proxy->workers->nelts; i++) {
        const proxy_worker *worker = &APR_ARRAY_IDX(proxy->workers, i, proxy_worker);

        if (worker->s->timeout_set && is_behind(url, worker->s->name_ex))
            return worker->s->timeout;
    }
    return timeout_of(NULL, proxy, server);
}

static void warn_of_backend(const struct eca_served_section *served)
{
    server_rec *server = served->server;
    apr_interval_time_t timeout = 0;

    if (served->backend == NULL)
        return;
    if (strncmp(served->backend, "https:", 6) == 0 && !served->policy->ssl_proxy_verify
        && !served->config->proxy_section_verifies)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, server,
            "ECA1033: section %s: the backend's certificate is not verified, whoever stands in between reads the "
            "mail; write SSLProxyVerify require",
            served->name);
    timeout = backend_timeout(served->backend, server);
    if (timeout < apr_time_from_sec(PING_SECONDS))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA1034: section %s: the proxy waits %d s for an answer but a Ping lasts up to an hour; add "
                     "timeout=3660 to %s",
                     served->name, (int)apr_time_sec(timeout),
                     is_behind(served->backend, balancer_scheme) ? "each BalancerMember" : "ProxyPass");
}

static void warn_of_mapping(const struct eca_served_section *served)
{
    const struct eca_mapping_policy *mapping = &served->policy->mapping->policy;

    for (size_t i = 0; i < mapping->count; i++) {
        if (!eca_mapping_describe(mapping->kinds[i])->strong)
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, served->server,
                         "ECA1035: section %s: EASMapping %s accepts a name that a certificate's requester may have "
                         "chosen (KB5014754); use strong kinds",
                         served->name, eca_mapping_describe(mapping->kinds[i])->name);
    }
}

static void warn_of_issuers(const struct eca_served_section *served)
{
    const int64_t limit = apr_time_sec(apr_time_now()) + (int64_t)ISSUER_WARNING_DAYS * 86400;
    struct eca_error ending = { .text = "" };

    if (served->config->service->anchors != NULL
        && eca_trust_anchors_ending_before(served->config->service->anchors, limit, &ending))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, served->server,
                     "ECA1036: EASTrustedIssuers: %s ended or ends within %d days", ending.text, ISSUER_WARNING_DAYS);
}

static void warn_of_keytab(const struct eca_served_section *served)
{
    const struct eca_server_config *config = served->config;
    struct eca_error lack = { .text = "" };

    if (eca_section_needs_kerberos(served)
        && eca_keytab_lacks_aes(config->kerberos_keytab, config->kerberos_principal, &lack))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, served->server,
                     "ECA1081: EASKerberosKeytab: %s, and domain controllers take no RC4 any more; set "
                     "msDS-SupportedEncryptionTypes of the account to 24, give it a new password and export the keytab "
                     "again",
                     lack.text);
}

static void warn_of_gssproxy(const struct eca_served_section *served)
{
    if (served->policy->delegation != ECA_DELEGATION_KERBEROS)
        return;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, served->server,
                 "ECA1082: section %s: GSS_USE_PROXY is set: gssproxy makes each token, EASKerberosKeytab is not read, "
                 "and whose ticket the KDC gives is not checked by SID",
                 served->name);
    if (served->policy->backend_reuse == ECA_BACKEND_REUSE_VERIFIED)
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, served->server,
            "ECA1083: section %s: EASBackendReuse verified is as Off: without the ticket, which gssproxy keeps to "
            "itself, no answer can be proven",
            served->name);
}

static void warn_of_revocation(const struct eca_served_section *served)
{
    if (eca_access_wants_certificate(served->policy->authenticate) && served->config->revocation == 0)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, served->server,
                     "ECA1038: section %s: EASRevocation is off: a lost phone's certificate is good until it ends; "
                     "write EASRevocation crl, or disable the account",
                     served->name);
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

void eca_config_warn(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server)
{
    const apr_array_header_t *all = eca_section_collect(pool, temporary, main_server);

    for (int i = 0; i < all->nelts; i++) {
        const struct eca_served_section *served = &APR_ARRAY_IDX(all, i, struct eca_served_section);

        if (served->problem != NULL)
            continue;
        warn_of_tls(served);
        warn_of_backend(served);
        warn_of_mapping(served);
        warn_of_issuers(served);
        if (!eca_gssproxy_is_used())
            warn_of_keytab(served);
        else
            warn_of_gssproxy(served);
        warn_of_revocation(served);
    }
    if (all->nelts > 0)
        warn_of_workers(main_server);
}
