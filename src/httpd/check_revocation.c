/* SPDX-License-Identifier: Apache-2.0 */
/* Lists are fetched by helpers; requests look into what is in memory. */
#include "check_revocation.h"

#include "ask_responder.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <http_log.h>
#include <ldap.h>
#include <stdlib.h>
#include <string.h>

APLOG_USE_MODULE(eas_certauth);

#define HELPERS 4
#define QUEUE_MAX 64
#define PROBE_INTERVAL apr_time_from_sec(2)
#define SHUTDOWN_PATIENCE apr_time_from_msec(500)
#define LIST_ATTRIBUTE "certificateRevocationList"

/* Of a child, for one server: lives as long as its service. */
struct eca_revocation_sources {
    struct eca_responders *responders; /* this and `crls`: NULL when they are not asked */
    struct eca_crl_store *crls;
    struct eca_job_pool *jobs;
    struct eca_directory *directory;
    server_rec *server;
    apr_interval_time_t directory_timeout;
};

/* ---- at start ---------------------------------------------------------------------------- */

bool eca_check_revocation_config(apr_pool_t *pool, const struct eca_server_config *config, struct eca_error *err)
{
    if (config->crls != NULL && config->revocation == 0)
        return eca_error_set(err, "EASCRL without EASRevocation is never looked at; write EASRevocation crl");
    if (config->crls != NULL && (config->revocation & ECA_REVOCATION_BY_CRL) == 0)
        return eca_error_set(err, "EASCRL wants EASRevocation crl; ocsp alone looks at no list");
    if (config->ocsp_responder != NULL && (config->revocation & ECA_REVOCATION_BY_OCSP) == 0)
        return eca_error_set(err, "EASOCSPResponder wants EASRevocation ocsp");
    for (int i = 0; config->crls != NULL && i < config->crls->nelts; i++) {
        const char *source = APR_ARRAY_IDX(config->crls, i, const char *);
        apr_finfo_t info;

        if (strstr(source, "://") == NULL && apr_stat(&info, source, APR_FINFO_TYPE, pool) != APR_SUCCESS)
            return eca_error_set(err, "EASCRL: %s does not exist or cannot be reached", source);
    }
    return true;
}

/* ---- what the store asks for ------------------------------------------------------------- */

static bool copy_value(const struct eca_directory_values *values, uint8_t **bytes, size_t *length,
                       struct eca_error *err)
{
    if (values->count != 1)
        return eca_error_set(err, "the directory has no such entry, or no list in it");
    *bytes = malloc(values->items[0].length + 1);
    if (*bytes == NULL)
        return eca_error_set(err, "out of memory");
    memcpy(*bytes, values->items[0].bytes, values->items[0].length);
    *length = values->items[0].length;
    return true;
}

/*
 * ldap:///DN?certificateRevocationList?base?… as AD CS writes it (RFC 4516): the directory of EASDirectory is asked,
 * never a host that a certificate names.
 */
static bool read_ldap(void *context, const char *url, uint8_t **bytes, size_t *length, struct eca_error *err)
{
    const struct eca_revocation_sources *revocation = context;
    const struct eca_directory_operations *operations = revocation->directory->operations;
    struct eca_directory_values values = { .items = NULL };
    LDAPURLDesc *parts = NULL;
    bool read = false;

    if (operations->read_values == NULL)
        return eca_error_set(err, "EASDirectory is a file, which holds no lists");
    if (ldap_url_parse(url, &parts) != LDAP_URL_SUCCESS)
        return eca_error_set(err, "the URL cannot be read");
    if (parts->lud_dn == NULL || parts->lud_dn[0] == '\0'
        || (parts->lud_attrs != NULL && parts->lud_attrs[0] != NULL
            && strncasecmp(parts->lud_attrs[0], LIST_ATTRIBUTE, strlen(LIST_ATTRIBUTE)) != 0
            && strncasecmp(parts->lud_attrs[0], "deltaRevocationList", strlen("deltaRevocationList")) != 0))
        eca_error_set(err, "the URL names no entry, or another attribute than " LIST_ATTRIBUTE);
    else
        read = operations->read_values(revocation->directory, parts->lud_dn,
                                       parts->lud_attrs == NULL || parts->lud_attrs[0] == NULL ? LIST_ATTRIBUTE
                                                                                               : parts->lud_attrs[0],
                                       apr_time_now() + revocation->directory_timeout, &values, err)
                   == ECA_DIRECTORY_ANSWERED
               && copy_value(&values, bytes, length, err);
    eca_directory_values_free(&values);
    ldap_free_urldesc(parts);
    return read;
}

static void tell(void *context, enum eca_crl_news news, const char *sentence)
{
    server_rec *server = ((struct eca_revocation_sources *)context)->server;

    switch (news) {
    case ECA_CRL_NEWS_FAILED:
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA2030: EASRevocation: %s; what was read before serves as long as it is valid", sentence);
        break;
    case ECA_CRL_NEWS_ENDS_SOON:
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, "ECA2031: EASRevocation: %s and there is no newer one yet",
                     sentence);
        break;
    case ECA_CRL_NEWS_GRACE:
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "ECA2032: EASRevocation: %s and serves by EASRevocationGrace", sentence);
        break;
    }
}

/* ---- helpers ----------------------------------------------------------------------------- */

struct fetch_job {
    struct eca_job job;
    struct eca_crl_store *crls;
};

static void run_fetch(struct eca_job *job)
{
    while (eca_crl_store_fetch(((struct fetch_job *)job)->crls))
        continue;
    job->succeeded = true; /* one dead server says nothing of the others */
}

static void destroy_fetch(struct eca_job *job)
{
    free(job);
}

/* As many helpers as there is to do: one silent server must not keep the others waiting. */
static void start_fetches(const struct eca_revocation_sources *revocation)
{
    const size_t due = eca_crl_store_due(revocation->crls);

    for (size_t i = 0; i < due && i < HELPERS; i++) {
        struct fetch_job *fetch = calloc(1, sizeof *fetch);

        if (fetch == NULL)
            return;
        fetch->crls = revocation->crls;
        fetch->job = (struct eca_job){ .run = run_fetch, .destroy = destroy_fetch };
        (void)eca_job_pool_start(revocation->jobs, &fetch->job);
    }
}

static bool open_lists(struct eca_revocation_sources *revocation, const struct eca_service *service,
                       const struct eca_server_config *config)
{
    const struct eca_crl_settings settings = {
        .sources = config->crls == NULL ? NULL : (const char *const *)config->crls->elts,
        .source_count = config->crls == NULL ? 0 : (size_t)config->crls->nelts,
        .keep_in = config->crl_cache,
        .refresh = apr_time_from_sec(config->crl_refresh),
        .grace = apr_time_from_sec(config->revocation_grace),
        .anchors = service->anchors,
        .read_ldap = read_ldap,
        .tell = tell,
        .context = revocation,
    };

    revocation->crls = eca_crl_store_open(&settings);
    revocation->jobs = eca_job_pool_create(HELPERS, QUEUE_MAX, PROBE_INTERVAL);
    return revocation->crls != NULL && revocation->jobs != NULL;
}

bool eca_check_revocation_open(struct eca_service *service, const struct eca_server_config *config, server_rec *server,
                               struct eca_error *err)
{
    struct eca_revocation_sources *revocation = NULL;
    bool opened = true;

    if (config->revocation == 0 || service->anchors == NULL || service->directory == NULL)
        return true;
    revocation = calloc(1, sizeof *revocation);
    if (revocation == NULL)
        return eca_error_set(err, "out of memory");
    *revocation = (struct eca_revocation_sources){ .directory = service->directory,
                                                   .server = server,
                                                   .directory_timeout = apr_time_from_msec(config->directory_timeout) };
    service->revocation = revocation;
    if ((config->revocation & ECA_REVOCATION_BY_CRL) != 0)
        opened = open_lists(revocation, service, config);
    if ((config->revocation & ECA_REVOCATION_BY_OCSP) != 0) {
        revocation->responders = eca_responders_open(config->ocsp_answers, config->ocsp_responder,
                                                     apr_time_from_sec(config->crl_refresh), server);
        opened = opened && revocation->responders != NULL;
    }
    return opened || eca_error_set(err, "out of memory");
}

bool eca_check_revocation_close(struct eca_service *service)
{
    struct eca_revocation_sources *revocation = service->revocation;
    bool idle = true;

    if (revocation == NULL)
        return true;
    idle = revocation->jobs == NULL || eca_job_pool_close(revocation->jobs, SHUTDOWN_PATIENCE);
    idle = eca_responders_close(revocation->responders) && idle;
    if (!idle)
        return false;
    eca_crl_store_close(revocation->crls);
    service->revocation = NULL;
    free(revocation);
    return true;
}

/* ---- a request --------------------------------------------------------------------------- */

/* Waits while somebody is being asked and nobody has said it. */
static enum eca_revocation ask_lists(const struct eca_revocation_sources *revocation, X509 *certificate, X509 *issuer,
                                     apr_time_t deadline, struct eca_error *err)
{
    const int64_t now = apr_time_sec(apr_time_now());
    enum eca_revocation found;
    uint64_t seen;

    do {
        seen = eca_crl_store_fetches(revocation->crls);
        err->text[0] = '\0';
        found = eca_crl_store_check(revocation->crls, certificate, issuer, now, err);
        start_fetches(revocation);
    } while (found == ECA_REVOCATION_UNKNOWN && eca_crl_store_await(revocation->crls, seen, deadline));
    return found;
}

/*
 * The responder first: it knows of today. Lists when it cannot say; they are fetched while it is asked, and it gets
 * only a part of the time, or a silent one would leave none for them.
 */
static enum eca_revocation ask(const struct eca_revocation_sources *revocation, X509 *certificate, X509 *issuer,
                               apr_time_t deadline, struct eca_error *err)
{
    const apr_time_t now = apr_time_now();
    struct eca_error responder = { .text = "" }, lists = { .text = "" };
    enum eca_revocation found = ECA_REVOCATION_UNKNOWN;

    if (revocation->responders != NULL && revocation->crls != NULL) {
        (void)eca_crl_store_check(revocation->crls, certificate, issuer, apr_time_sec(now), &lists);
        start_fetches(revocation);
        found = eca_responders_ask(revocation->responders, certificate, issuer, now + (deadline - now) / 2, &responder);
    } else if (revocation->responders != NULL) {
        found = eca_responders_ask(revocation->responders, certificate, issuer, deadline, &responder);
    }
    if (found == ECA_REVOCATION_UNKNOWN && revocation->crls != NULL) {
        found = ask_lists(revocation, certificate, issuer, deadline, &lists);
        if (found == ECA_REVOCATION_REVOKED)
            responder.text[0] = '\0';
    } else {
        lists.text[0] = '\0';
    }
    if (found != ECA_REVOCATION_GOOD)
        eca_error_set(err, "%s%s%s", responder.text, responder.text[0] != '\0' && lists.text[0] != '\0' ? "; " : "",
                      lists.text);
    return found;
}

/*
 * The path ends at the first certificate that the administrator accepts by name. Nobody needs to vouch for that one, or
 * for those above it in his files, and nobody waits for it; but a list that says it is revoked is heard.
 */
static enum eca_revocation judge_anchors(const struct eca_service *service, X509 *anchor, struct eca_error *err)
{
    const int64_t now = apr_time_sec(apr_time_now());
    X509 *issuer = eca_trust_anchors_issuer(service->anchors, anchor);
    struct eca_error sentence = { .text = "" };

    for (int i = 0; issuer != NULL && i < ECA_CHAIN_MAX && service->revocation->crls != NULL; i++) {
        sentence.text[0] = '\0';
        if (eca_crl_store_check(service->revocation->crls, anchor, issuer, now, &sentence) == ECA_REVOCATION_REVOKED) {
            eca_error_set(err, "an issuer of the certificate is %s", sentence.text);
            return ECA_REVOCATION_REVOKED;
        }
        anchor = issuer;
        issuer = eca_trust_anchors_issuer(service->anchors, anchor);
    }
    return ECA_REVOCATION_GOOD;
}

static enum eca_revocation judge_path(const struct eca_request *request, struct eca_error *err)
{
    const struct eca_service *service = request->service;
    STACK_OF(X509) *path = request->work->verdict->path;
    const int last = sk_X509_num(path) - 1;
    const apr_time_t deadline = apr_time_now() + ECA_REVOCATION_WAIT;

    for (int i = 0; i < last; i++) {
        const enum eca_revocation found = ask(service->revocation, sk_X509_value(path, i), sk_X509_value(path, i + 1),
                                              deadline, err);

        if (found != ECA_REVOCATION_GOOD)
            return found;
    }
    return judge_anchors(service, sk_X509_value(path, last), err);
}

void eca_check_revocation(struct eca_request *request)
{
    struct eca_error sentence;

    if (request->facts.certificate != ECA_CERTIFICATE_GOOD || request->service->revocation == NULL)
        return;
    sentence.text[0] = '\0';
    switch (judge_path(request, &sentence)) {
    case ECA_REVOCATION_GOOD:
        return;
    case ECA_REVOCATION_REVOKED:
        request->facts.certificate = ECA_CERTIFICATE_REVOKED;
        break;
    case ECA_REVOCATION_UNKNOWN:
        if (!request->config->revocation_required)
            return;
        request->facts.certificate = ECA_CERTIFICATE_REVOCATION_UNKNOWN;
        break;
    }
    eca_error_set(&request->work->detail, "%s", sentence.text);
}
