/* SPDX-License-Identifier: Apache-2.0 */
/* Domain controllers or an account file, with what each of them needs. */
#include "open_directory.h"

#include "catalog_directory.h"
#include "file_directory.h"
#include "ldap_locate.h"
#include "service.h"
#include "thread_credential.h"

#include <apr_file_info.h>
#include <http_log.h>
#include <string.h>
#include <unixd.h>

APLOG_USE_MODULE(eas_certauth);

bool eca_directory_url_is_file(const char *url)
{
    return strncmp(url, ECA_DIRECTORY_FILE, strlen(ECA_DIRECTORY_FILE)) == 0;
}

const char *eca_directory_file(const struct eca_server_config *config)
{
    const char *first = config->directory_urls == NULL ? "" : APR_ARRAY_IDX(config->directory_urls, 0, const char *);

    return eca_directory_url_is_file(first) ? first + strlen(ECA_DIRECTORY_FILE) : NULL;
}

/* Not access(): at start we are root. */
static bool can_child_read(const apr_finfo_t *info)
{
    if (getuid() != 0 || info->user == ap_unixd_config.user_id)
        return getuid() != 0 || (info->protection & APR_FPROT_UREAD) != 0;
    if (info->group == ap_unixd_config.group_id)
        return (info->protection & APR_FPROT_GREAD) != 0;
    return (info->protection & APR_FPROT_WREAD) != 0;
}

bool eca_open_directory_check(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err)
{
    const struct eca_file_settings settings = { .path = eca_directory_file(config) };
    struct eca_directory *trial = NULL;
    apr_finfo_t info = { 0 };

    if (settings.path == NULL)
        return true;
    trial = eca_file_directory_open(&settings, err);
    if (trial == NULL)
        return false;
    trial->operations->close(trial);
    return (apr_stat(&info, settings.path, APR_FINFO_OWNER | APR_FINFO_PROT, pool) == APR_SUCCESS
            && can_child_read(&info))
           || eca_error_set(err,
                            "%s cannot be read by httpd's user %s, who reads it again when it changes; chmod 644 it",
                            settings.path, ap_unixd_config.user_name != NULL ? ap_unixd_config.user_name : "");
}

static bool use_credentials(void *context, bool *unavailable, void **hold, struct eca_error *err)
{
    struct eca_service *service = context;

    *unavailable = false;
    if (service->gssproxy) /* its client library sees to it, on any thread */
        return true;
    return service->credential != NULL ? eca_thread_credential_use(service->credential, unavailable, hold, err)
                                       : eca_error_set(err, "%s", service->keytab_failure);
}

static void release_credentials(void *context, void *hold)
{
    if (!((const struct eca_service *)context)->gssproxy)
        eca_thread_credential_release(hold);
}

static struct eca_directory *open_ldap(const struct eca_server_config *config, struct eca_error *err)
{
    struct eca_ldap_settings settings = {
        .base = config->directory_base,
        .bind = config->directory_bind.method,
        .bind_name = config->directory_bind.name,
        .bind_password = config->service->bind_password,
        .ca_file = config->directory_ca_file,
        .extra_attribute = config->extra_attribute,
        .connections = config->directory_connections,
        .use_credentials = use_credentials,
        .release_credentials = release_credentials,
        .credentials_context = config->service,
    };

    settings.url_count = (size_t)config->directory_urls->nelts;
    for (size_t i = 0; i < settings.url_count; i++)
        settings.urls[i] = APR_ARRAY_IDX(config->directory_urls, (int)i, const char *);
    return eca_ldap_source_is_catalog(settings.urls[0]) ? eca_catalog_directory_open(&settings, err)
                                                        : eca_ldap_directory_open(&settings, err);
}

static void tell_of_file(void *context, size_t count, const char *problem)
{
    server_rec *server = context;

    if (problem == NULL)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                     "ECA3020: EASDirectory: the changed file holds %" APR_SIZE_T_FMT
                     " accounts, which are used from now on",
                     count);
    else
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, server,
                     "ECA3021: EASDirectory: %s; the accounts read before stay in use", problem);
}

static struct eca_directory *open_file(const struct eca_server_config *config, server_rec *server,
                                       struct eca_error *err)
{
    const struct eca_file_settings settings = {
        .path = eca_directory_file(config),
        .extra_attribute = config->extra_attribute,
        .tell = tell_of_file,
        .tell_context = server,
    };

    return eca_file_directory_open(&settings, err);
}

struct eca_directory *eca_open_directory(const struct eca_server_config *config, server_rec *server,
                                         struct eca_error *err)
{
    return eca_directory_file(config) != NULL ? open_file(config, server, err) : open_ldap(config, err);
}
