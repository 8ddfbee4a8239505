/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of a server: what owns state. */
#include "argument.h"
#include "ldap_locate.h"
#include "open_directory.h"
#include "set_directives.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <http_core.h>

/* The argument as a path at the end of a list of the server's. */
static const char *add_path(cmd_parms *cmd, apr_array_header_t **list, const char *argument)
{
    const char *path = NULL;
    const char *problem = eca_argument_path(cmd, argument, &path);

    if (*list == NULL)
        *list = apr_array_make(cmd->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(*list, const char *) = path;
    return problem;
}

const char *set_trusted_issuers(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, trusted_issuers);
    return add_path(cmd, &server->trusted_issuers, argument);
}

const char *set_nt_auth(cmd_parms *cmd, void *config, int on)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    server->nt_auth = on;
    ECA_SET(server, nt_auth);
    return NULL;
}

/* Everybody is nobody in particular: a network of all addresses would believe what every device says. */
static bool read_network(apr_pool_t *pool, const char *argument, apr_ipsubnet_t **network)
{
    char *address = apr_pstrdup(pool, argument);
    char *bits = strchr(address, '/');
    struct in6_addr ignored;

    if (bits != NULL) {
        *bits++ = '\0';
        if (*bits == '\0' || strlen(bits) > 3 || bits[strspn(bits, "0123456789")] != '\0'
            || bits[strspn(bits, "0")] == '\0')
            return false;
    }
    if (inet_pton(AF_INET, address, &ignored) != 1 && inet_pton(AF_INET6, address, &ignored) != 1)
        return false;
    return apr_ipsubnet_create(network, address, bits, pool) == APR_SUCCESS;
}

const char *set_trusted_proxies(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    struct eca_trusted_proxy *proxy = NULL;
    apr_ipsubnet_t *network = NULL;

    (void)config;
    if (!read_network(cmd->pool, argument, &network))
        return apr_psprintf(cmd->pool,
                            "ECA1064: EASTrustedProxy \"%s\" is no address or network; write 192.0.2.7, 192.0.2.0/28 "
                            "or 2001:db8::/64",
                            argument);
    if (server->trusted_proxies == NULL)
        server->trusted_proxies = apr_array_make(cmd->pool, 2, sizeof *proxy);
    proxy = apr_array_push(server->trusted_proxies);
    *proxy = (struct eca_trusted_proxy){ argument, network };
    ECA_SET(server, trusted_proxies);
    return NULL;
}

/* An account file stands alone: two answers of different kinds would not say whose account it is. */
static const char *check_directory(cmd_parms *cmd, const apr_array_header_t *urls, const char **url)
{
    struct eca_error err = { .text = "" };
    const char *path = *url;
    const char *problem = NULL;

    if (!eca_directory_url_is_file(*url) && !eca_ldap_url_check(*url, &err))
        return apr_psprintf(cmd->pool, "ECA1015: EASDirectory: %s", err.text);
    if (urls->nelts == ECA_LDAP_URLS_MAX)
        return apr_psprintf(cmd->pool, "ECA1016: EASDirectory takes at most %d URLs", ECA_LDAP_URLS_MAX);
    if (urls->nelts > 0
        && (eca_directory_url_is_file(*url) || eca_directory_url_is_file(APR_ARRAY_IDX(urls, 0, const char *))))
        return "ECA1050: EASDirectory file:PATH stands alone; write one file, or domain controllers";
    if (urls->nelts > 0
        && eca_ldap_source_is_catalog(*url) != eca_ldap_source_is_catalog(APR_ARRAY_IDX(urls, 0, const char *)))
        return "ECA1051: EASDirectory: global catalogs (gc:) and domain controllers cannot stand together; the domain "
               "controllers that a global catalog needs are found by DNS";
    if (!eca_directory_url_is_file(*url))
        return NULL;
    problem = eca_argument_path(cmd, path + strlen(ECA_DIRECTORY_FILE), &path);
    if (problem == NULL)
        *url = apr_pstrcat(cmd->pool, ECA_DIRECTORY_FILE, path, NULL);
    return problem;
}

const char *set_directory_urls(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    const char *problem = NULL;

    (void)config;
    if (server->directory_urls == NULL)
        server->directory_urls = apr_array_make(cmd->pool, 2, sizeof(const char *));
    problem = check_directory(cmd, server->directory_urls, &argument);
    if (problem == NULL)
        APR_ARRAY_PUSH(server->directory_urls, const char *) = argument;
    ECA_SET(server, directory_urls);
    return problem;
}

const char *set_directory_base(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    if (strchr(argument, '=') == NULL)
        return apr_psprintf(cmd->pool, "ECA1017: EASDirectoryBase \"%s\" is not a DN; write DC=example,DC=com",
                            argument);
    server->directory_base = argument;
    ECA_SET(server, directory_base);
    return NULL;
}

const char *set_directory_bind(cmd_parms *cmd, void *config, const char *first, const char *second, const char *third)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    int value = 0;
    const char *problem = eca_argument_choose(cmd, first, eca_ldap_bind_choices, &value);

    (void)config;
    if (problem != NULL)
        return problem;
    if ((value == ECA_LDAP_BIND_SIMPLE) != (third != NULL) || (value != ECA_LDAP_BIND_SIMPLE && second != NULL))
        return "ECA1018: EASDirectoryBind is gssapi or anonymous alone, or simple with a name and the file that holds "
               "the password";
    server->directory_bind = (struct eca_bind_setting){ .method = (enum eca_ldap_bind)value, .name = second };
    ECA_SET(server, directory_bind);
    return third == NULL ? NULL : eca_argument_path(cmd, third, &server->directory_bind.file);
}

const char *set_directory_ca_file(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, directory_ca_file);
    return eca_argument_path(cmd, argument, &server->directory_ca_file);
}

const char *set_directory_timeout(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, directory_timeout);
    return eca_argument_number(cmd, argument, 100, 60000, &server->directory_timeout);
}

const char *set_directory_connections(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, directory_connections);
    return eca_argument_number(cmd, argument, 1, 64, &server->directory_connections);
}

const char *set_cache(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    server->cache = argument;
    ECA_SET(server, cache);
    return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

const char *set_cache_key_file(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    ECA_SET(server, cache_key_file);
    return problem != NULL ? problem : eca_argument_path(cmd, argument, &server->cache_key_file);
}

const char *set_cache_ttl(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_cache_ttl *ttl = &eca_server_config_of(cmd->server)->cache_ttl;
    const struct {
        const char *name;
        int maximum, *value;
    } rows[] = { { "found=", 86400, &ttl->found },
                 { "notfound=", 3600, &ttl->notfound },
                 { "stale=", 604800, &ttl->stale } };
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    ECA_SET(eca_server_config_of(cmd->server), cache_ttl);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && problem == NULL; i++) {
        const size_t length = strlen(rows[i].name);

        if (strncmp(argument, rows[i].name, length) == 0)
            return eca_argument_number(cmd, argument + length, 0, rows[i].maximum, rows[i].value);
    }
    return problem != NULL ? problem
                           : apr_psprintf(cmd->pool, "ECA1022: %s \"%s\" is none of found=S, notfound=S and stale=S",
                                          cmd->cmd->name, argument);
}

const char *set_kerberos_keytab(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, kerberos_keytab);
    return eca_argument_path(cmd, argument, &server->kerberos_keytab);
}

const char *set_kerberos_principal(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    server->kerberos_principal = argument;
    ECA_SET(server, kerberos_principal);
    return NULL;
}

const char *set_kerberos_timeout(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_server_config *server = eca_server_config_of(cmd->server);

    (void)config;
    ECA_SET(server, kerberos_timeout);
    return eca_argument_number(cmd, argument, 100, 60000, &server->kerberos_timeout);
}
