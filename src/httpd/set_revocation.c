/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of EASRevocation and what belongs to it. */
#include "argument.h"
#include "set_directives.h"

#include <apr_strings.h>
#include <http_core.h>
#include <ldap.h>
#include <string.h>

const struct eca_choice eca_revocation_choices[] = {
    { "off", 0 },
    { "crl", ECA_REVOCATION_BY_CRL },
    { "ocsp", ECA_REVOCATION_BY_OCSP },
    { NULL, 0 },
};

const struct eca_choice eca_revocation_failure_choices[] = { { "deny", 1 }, { "allow", 0 }, { NULL, 0 } };

const char *set_revocation(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    const bool first = !ECA_IS_SET(server, revocation);
    int value = 0;
    const char *problem = eca_argument_choose(cmd, argument, eca_revocation_choices, &value);

    (void)config;
    ECA_SET(server, revocation);
    if (problem == NULL && !first && (value == 0 || server->revocation == 0))
        return "ECA1074: EASRevocation Off stands alone";
    server->revocation |= (unsigned)value;
    return problem;
}

const char *set_revocation_required(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, revocation_required);
    return eca_argument_choose(cmd, argument, eca_revocation_failure_choices, &server->revocation_required);
}

const char *set_revocation_grace(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, revocation_grace);
    return eca_argument_number(cmd, argument, 0, 2678400, &server->revocation_grace);
}

/* http://, and ldap:/// without a host: EASDirectory is asked, nobody else. */
static const char *check_url(cmd_parms *cmd, const char *url)
{
    LDAPURLDesc *parts = NULL;
    bool good = false;

    if (strncmp(url, "http://", 7) == 0)
        return strlen(url) < ECA_CRL_URL_MAX ? NULL : "ECA1075: EASCRL: the URL is too long";
    if (strncmp(url, "ldap:///", 8) == 0 && strlen(url) < ECA_CRL_URL_MAX
        && ldap_url_parse(url, &parts) == LDAP_URL_SUCCESS) {
        good = parts->lud_dn != NULL && parts->lud_dn[0] != '\0';
        ldap_free_urldesc(parts);
    }
    return good
               ? NULL
               : apr_psprintf(cmd->pool,
                              "ECA1076: EASCRL \"%s\": write a file, a directory, an http:// URL (a list is signed, it "
                              "needs no TLS) or ldap:///DN, which is read from EASDirectory",
                              url);
}

const char *set_crls(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    const char *source = argument;
    const char *problem = strstr(argument, "://") != NULL ? check_url(cmd, argument)
                                                          : eca_argument_path(cmd, argument, &source);

    (void)config;
    ECA_SET(server, crls);
    if (server->crls == NULL)
        server->crls = apr_array_make(cmd->pool, 2, sizeof(const char *));
    if (problem == NULL && server->crls->nelts == ECA_CRL_SOURCES_MAX)
        return apr_psprintf(cmd->pool, "ECA1077: EASCRL takes at most %d sources", ECA_CRL_SOURCES_MAX);
    APR_ARRAY_PUSH(server->crls, const char *) = source;
    return problem;
}

const char *set_ocsp_responder(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    struct eca_error err = { .text = "" };

    (void)config;
    ECA_SET(server, ocsp_responder);
    server->ocsp_responder = argument;
    return eca_ocsp_url_check(argument, &err) ? NULL
                                              : apr_psprintf(cmd->pool, "ECA1078: EASOCSPResponder %s", err.text);
}

const char *set_crl_refresh(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, crl_refresh);
    return eca_argument_number(cmd, argument, 1, 86400, &server->crl_refresh);
}

const char *set_crl_cache(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, crl_cache);
    server->crl_cache = NULL;
    return ap_cstr_casecmp(argument, "none") == 0 ? NULL : eca_argument_path(cmd, argument, &server->crl_cache);
}
