/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending what runs for a server. */
#include "service.h"

#include "check_revocation.h"
#include "gssproxy.h"
#include "hot.h"
#include "ldap_tls.h"
#include "open_directory.h"
#include "password_file.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <http_log.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unixd.h>

APLOG_USE_MODULE(eas_certauth);

#define KERBEROS_HELPERS 16
#define KERBEROS_AT_ONCE 2 /* a KDC that needs a second for an answer gets the question from libkrb5 once more */
#define QUEUE_MAX 1024
#define PROBE_INTERVAL apr_time_from_sec(2)
#define TICKETS_MAX 4096
#define REFUSALS_MAX 1024
#define VERDICTS_MAX 2048
#define MAINTENANCE_TIME apr_time_from_sec(10)
#define SHUTDOWN_PATIENCE apr_time_from_msec(500)

static apr_status_t close_anchors(void *anchors)
{
    eca_trust_anchors_close(anchors);
    return APR_SUCCESS;
}

static apr_status_t wipe_password(void *password)
{
    explicit_bzero(password, ECA_PASSWORD_FILE_MAX);
    return APR_SUCCESS;
}

static bool read_password(apr_pool_t *pool, struct eca_service *service, const char *path, struct eca_error *err)
{
    char *password = apr_pcalloc(pool, ECA_PASSWORD_FILE_MAX);

    apr_pool_cleanup_register(pool, password, wipe_password, apr_pool_cleanup_null);
    service->bind_password = password;
    return eca_password_file_read(password, path, err);
}

/* A child reads the keytab again whenever it gets a new ticket, so its user must own it, and nobody else may read it.
 */
static bool check_keytab_file(apr_pool_t *pool, const char *path, struct eca_error *err)
{
    const uid_t child = getuid() == 0 ? ap_unixd_config.user_id : getuid();
    const apr_fileperms_t others = APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_GEXECUTE | APR_FPROT_WREAD
                                   | APR_FPROT_WWRITE | APR_FPROT_WEXECUTE;
    apr_finfo_t info = { 0 };

    if (apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_USER | APR_FINFO_PROT, pool) != APR_SUCCESS)
        return eca_error_set(err, "EASKerberosKeytab: %s does not exist or cannot be reached", path);
    if (info.filetype != APR_REG)
        return eca_error_set(err, "EASKerberosKeytab: %s is not a file", path);
    if ((info.protection & others) != 0)
        return eca_error_set(err, "EASKerberosKeytab: %s can be read by others; chmod 600 it", path);
    if (info.user != child)
        return eca_error_set(err, "EASKerberosKeytab: %s does not belong to httpd's user %s; chown it", path,
                             ap_unixd_config.user_name != NULL ? ap_unixd_config.user_name : "");
    return true;
}

static bool check_keytab(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err)
{
    struct eca_service_credential *trial = NULL;

    if (!check_keytab_file(pool, config->kerberos_keytab, err))
        return false;
    trial = eca_service_credential_open(config->kerberos_keytab, config->kerberos_principal, err);
    if (trial == NULL)
        return false;
    eca_service_credential_close(trial);
    return true;
}

static bool read_anchors(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err)
{
    struct eca_service *service = config->service;

    service->anchors = eca_trust_anchors_open((const char *const *)config->trusted_issuers->elts,
                                              (size_t)config->trusted_issuers->nelts, err);
    if (service->anchors == NULL)
        return false;
    apr_pool_cleanup_register(pool, service->anchors, close_anchors, apr_pool_cleanup_null);
    return true;
}

static void digest_text(EVP_MD_CTX *context, const char *text)
{
    EVP_DigestUpdate(context, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

/* Answers of one directory are not those of another: part of every cache key. */
static bool digest_directory(const struct eca_server_config *config, struct eca_error *err)
{
    const int method = config->directory_bind.method;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    if (done) {
        for (int i = 0; config->directory_urls != NULL && i < config->directory_urls->nelts; i++)
            digest_text(context, APR_ARRAY_IDX(config->directory_urls, i, const char *));
        digest_text(context, config->directory_base);
        EVP_DigestUpdate(context, &method, sizeof method);
        digest_text(context, config->directory_bind.name);
        digest_text(context, config->directory_ca_file);
        digest_text(context, config->extra_attribute);
        done = EVP_DigestFinal_ex(context, config->service->directory_digest, NULL) == 1;
    }
    EVP_MD_CTX_free(context);
    return done || eca_error_set(err, "libcrypto has no SHA-256");
}

/* Nor are tickets that one service account got another's. */
static bool digest_ticket_scope(const struct eca_server_config *config, struct eca_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    if (done) {
        digest_text(context, config->kerberos_keytab);
        digest_text(context, config->kerberos_principal);
        done = EVP_DigestFinal_ex(context, config->service->ticket_scope, NULL) == 1;
    }
    EVP_MD_CTX_free(context);
    return done || eca_error_set(err, "libcrypto has no SHA-256");
}

static bool check_ca_file(apr_pool_t *pool, const char *path, struct eca_error *err)
{
    apr_finfo_t info = { 0 };

    if (path == NULL)
        return true;
    if (apr_stat(&info, path, APR_FINFO_TYPE, pool) != APR_SUCCESS)
        return eca_error_set(err, "EASDirectoryCAFile: %s does not exist or cannot be reached", path);
    if (info.filetype != APR_REG)
        return eca_error_set(err, "EASDirectoryCAFile: %s is not a file", path);
    return eca_ldap_tls_check_ca_file(path, err);
}

bool eca_service_prepare(apr_pool_t *pool, const struct eca_server_config *config, bool needs_keytab,
                         struct eca_error *err)
{
    struct eca_service *service = config->service;

    if (needs_keytab && !check_keytab(pool, config, err))
        return false;
    if (service->prepared)
        return true;
    if (!check_ca_file(pool, config->directory_ca_file, err) || !eca_open_directory_check(pool, config, err)
        || !eca_check_revocation_config(pool, config, err))
        return false;
    if (config->directory_bind.method == ECA_LDAP_BIND_SIMPLE
        && !read_password(pool, service, config->directory_bind.file, err))
        return false;
    if (config->trusted_issuers != NULL && !read_anchors(pool, config, err))
        return false;
    service->prepared = digest_directory(config, err) && digest_ticket_scope(config, err);
    return service->prepared;
}

/* Helpers that are stuck in a library keep what they use: the process ends soon and takes it along. */
static apr_status_t stop_service(void *data)
{
    struct eca_service *service = data;
    const bool directory_idle = eca_job_pool_close(service->directory_jobs, SHUTDOWN_PATIENCE);
    const bool revocation_idle = eca_check_revocation_close(service);
    const bool kerberos_idle = eca_job_pool_close(service->kerberos_jobs, SHUTDOWN_PATIENCE);

    eca_verdicts_close(service->verdicts);
    if (!directory_idle || !kerberos_idle || !revocation_idle)
        return APR_SUCCESS;
    if (service->directory != NULL)
        service->directory->operations->close(service->directory);
    eca_nt_auth_close(service->nt_auth);
    eca_ticket_cache_close(service->tickets);
    eca_refusals_close(service->refusals);
    if (service->credential != NULL)
        eca_service_credential_close(service->credential);
    return APR_SUCCESS;
}

/* When it fails, only who needs it is refused: delegation, and the GSSAPI bind. */
static void open_keytab(apr_pool_t *pool, const struct eca_server_config *config)
{
    struct eca_service *service = config->service;
    struct eca_error err = { .text = "" };

    service->credential = eca_service_credential_open(config->kerberos_keytab, config->kerberos_principal, &err);
    if (service->credential == NULL)
        service->keytab_failure = apr_psprintf(pool, "EASKerberosKeytab, as httpd's user: %s", err.text);
}

void eca_service_start(apr_pool_t *pool, const struct eca_server_config *config, server_rec *server)
{
    struct eca_service *service = config->service;
    struct eca_error err = { .text = "" };

    if (config->directory_urls == NULL || service->directory_jobs != NULL)
        return;
    service->directory_jobs = eca_job_pool_create((unsigned)config->directory_connections, QUEUE_MAX, PROBE_INTERVAL);
    service->kerberos_jobs = eca_job_pool_create(KERBEROS_HELPERS, QUEUE_MAX, PROBE_INTERVAL);
    if (service->kerberos_jobs != NULL)
        eca_job_pool_limit(service->kerberos_jobs, KERBEROS_AT_ONCE);
    service->tickets = eca_ticket_cache_open(TICKETS_MAX);
    service->share = config->shared_tickets;
    service->refusals = eca_refusals_open(REFUSALS_MAX);
    service->reused = eca_reused_backends_open(pool, server);
    service->gssproxy = eca_gssproxy_is_used();
    if (!service->gssproxy)
        open_keytab(pool, config);
    service->directory = eca_open_directory(config, server, &err);
    if (service->anchors != NULL)
        service->verdicts = eca_verdicts_open(service->anchors, VERDICTS_MAX);
    (void)eca_check_revocation_open(service, config, server, &err);
    if (config->nt_auth)
        service->nt_auth = eca_nt_auth_open();
    if (service->directory_jobs == NULL || (config->nt_auth && service->nt_auth == NULL)
        || service->kerberos_jobs == NULL || service->tickets == NULL || service->refusals == NULL
        || (service->anchors != NULL && service->verdicts == NULL))
        eca_error_set(&err, "out of memory");
    if (err.text[0] != '\0')
        service->failure = apr_pstrdup(pool, err.text);
    /* Not a pre-cleanup: mod_http2 ends its threads, which may be in our hooks, in one of those. */
    apr_pool_cleanup_register(pool, service, stop_service, apr_pool_cleanup_null);
}

struct renew_job {
    struct eca_job job;
    struct eca_service_credential *credential;
};

static void run_renewal(struct eca_job *job)
{
    job->succeeded = eca_service_credential_renew(((struct renew_job *)job)->credential) != ECA_KERBEROS_UNAVAILABLE;
}

static void destroy_job(struct eca_job *job)
{
    free(job);
}

struct maintain_job {
    struct eca_job job;
    struct eca_directory *directory;
};

static void run_maintenance(struct eca_job *job)
{
    struct eca_directory *directory = ((struct maintain_job *)job)->directory;

    directory->operations->maintain(directory, apr_time_now() + MAINTENANCE_TIME);
    job->succeeded = false; /* it says nothing of the domain controllers */
}

ECA_HOT static void maintain_directory(const struct eca_service *service)
{
    static const char key[] = "maintenance";
    struct eca_directory *directory = service->directory;
    struct maintain_job *maintenance = NULL;

    if (directory == NULL || directory->operations->is_due == NULL || !directory->operations->is_due(directory))
        return;
    maintenance = calloc(1, sizeof *maintenance);
    if (maintenance == NULL)
        return;
    maintenance->directory = directory;
    maintenance->job = (struct eca_job){
        .run = run_maintenance, .destroy = destroy_job, .key = key, .key_length = sizeof key
    };
    (void)eca_job_pool_start(service->directory_jobs, &maintenance->job);
}

ECA_HOT void eca_service_renew_ahead(const struct eca_service *service)
{
    static const char key[] = "renewal";
    struct renew_job *renewal = NULL;

    maintain_directory(service);
    if (service->credential == NULL || !eca_service_credential_is_due(service->credential))
        return;
    renewal = calloc(1, sizeof *renewal);
    if (renewal == NULL)
        return;
    renewal->credential = service->credential;
    renewal->job = (struct eca_job){ .run = run_renewal, .destroy = destroy_job, .key = key, .key_length = sizeof key };
    (void)eca_job_pool_start(service->kerberos_jobs, &renewal->job);
}

bool eca_service_await(struct eca_job_pool *pool, struct eca_job **job, apr_time_t deadline, const char *server,
                       struct eca_error *err)
{
    const apr_time_t begun = apr_time_now();

    switch (eca_job_pool_run(pool, job, deadline)) {
    case ECA_JOB_DONE:
        return true;
    case ECA_JOB_TIMED_OUT:
        return eca_error_set(err, "%s did not answer within %d ms", server,
                             (int)apr_time_as_msec(apr_time_now() - begun));
    case ECA_JOB_REFUSED:
        break;
    }
    return eca_error_set(err, "%s did not answer a moment ago and is tried again every %d s", server,
                         (int)apr_time_sec(PROBE_INTERVAL));
}
