/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that stop httpd at start, with one line that says what to write instead. */
#include "config.h"

#include "gssproxy.h"
#include "section.h"

#include <apr_uri.h>
#include <http_log.h>

APLOG_USE_MODULE(eas_certauth);

static bool refuse(const struct eca_served_section *served, const char *problem)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, served->server, "ECA1020: %s line %d, section %s: %s",
                 served->section->line->filename, served->section->line->line_num, served->name, problem);
    return false;
}

/* A section outside every virtual host need not work on each of them; where it does not, its requests are refused. */
static bool is_served_somewhere(const apr_array_header_t *all, const struct eca_section *section)
{
    for (int i = 0; i < all->nelts; i++) {
        const struct eca_served_section *served = &APR_ARRAY_IDX(all, i, struct eca_served_section);

        if (served->section == section && served->problem == NULL)
            return true;
    }
    return false;
}

/* The last one is a virtual host, where there are any: more likely the one that was meant. */
static bool check_problems(const apr_array_header_t *all)
{
    for (int i = all->nelts - 1; i >= 0; i--) {
        const struct eca_served_section *served = &APR_ARRAY_IDX(all, i, struct eca_served_section);

        if (served->problem != NULL && !is_served_somewhere(all, served->section))
            return refuse(served, served->problem);
    }
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
    const struct eca_served_section *all = (const struct eca_served_section *)sections->elts;

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

static bool asks_responders(const apr_array_header_t *all)
{
    for (int i = 0; i < all->nelts; i++) {
        if ((APR_ARRAY_IDX(all, i, struct eca_served_section).config->revocation & ECA_REVOCATION_BY_OCSP) != 0)
            return true;
    }
    return false;
}

static bool check_cache(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server, bool tickets, bool ocsp)
{
    const struct eca_server_config *config = eca_server_config_of(main_server);
    struct eca_error err = { .text = "" };

    if (eca_account_cache_prepare(pool, temporary, config, &err)
        && (!tickets || eca_ticket_share_prepare(config->shared_tickets, pool, temporary, &err))
        && (!ocsp || eca_ocsp_cache_prepare(config->ocsp_answers, pool, temporary, &err)))
        return true;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server, "ECA1023: %s", err.text);
    return false;
}

static bool keeps_tickets(const apr_array_header_t *all)
{
    if (eca_gssproxy_is_used())
        return false;
    for (int i = 0; i < all->nelts; i++) {
        if (APR_ARRAY_IDX(all, i, struct eca_served_section).policy->delegation == ECA_DELEGATION_KERBEROS)
            return true;
    }
    return false;
}

bool eca_config_check(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server)
{
    const apr_array_header_t *all = NULL;

    for (server_rec *server = main_server; server != NULL; server = server->next)
        eca_server_config_of(server)->in_use = eca_server_config_of(server)->sections->nelts > 0
                                               || eca_server_config_of(main_server)->sections->nelts > 0;
    all = eca_section_collect(pool, temporary, main_server);
    return check_problems(all) && check_passthrough(temporary, all)
           && (all->nelts == 0 || check_cache(pool, temporary, main_server, keeps_tickets(all), asks_responders(all)));
}

bool eca_config_open_cache(apr_pool_t *pool, server_rec *main_server)
{
    struct eca_error err = { .text = "" };

    if (eca_account_cache_open(pool, main_server, &err)
        && eca_ticket_share_open(eca_server_config_of(main_server)->shared_tickets, pool, main_server, &err)
        && eca_ocsp_cache_open(eca_server_config_of(main_server)->ocsp_answers, pool, main_server, &err))
        return true;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server, "ECA1024: %s", err.text);
    return false;
}
