/* SPDX-License-Identifier: Apache-2.0 */
/* One line per decision. */
#include "log.h"

#include "distinguished_name.h"
#include "escape.h"
#include "hot.h"
#include "last_decision.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>

APLOG_USE_MODULE(eas_certauth);

#define LINE_MAX_BYTES 6144
#define REASONS_MAX 64
#define QUIET_SECONDS 60

/* Of this child: when each reason was last told as an error, and how many have been kept quiet since. */
struct told {
    apr_uint32_t last;
    apr_uint32_t quiet;
};

static struct told errors[REASONS_MAX], stale, big_token;

/* Whether this one is told; *quiet is how many were not since the last one. */
static bool tell(struct told *told, apr_uint32_t *quiet)
{
    const apr_uint32_t now = (apr_uint32_t)apr_time_sec(apr_time_now());
    const apr_uint32_t last = apr_atomic_read32(&told->last);

    *quiet = 0;
    if ((last != 0 && now - last < QUIET_SECONDS) || apr_atomic_cas32(&told->last, now, last) != last) {
        apr_atomic_inc32(&told->quiet);
        return false;
    }
    *quiet = apr_atomic_xchg32(&told->quiet, 0);
    return true;
}

static int choose_level(enum eca_reason reason, apr_uint32_t *quiet)
{
    switch (eca_reason_describe(reason)->class) {
    case ECA_CLASS_GRANTED:
        return APLOG_INFO;
    case ECA_CLASS_ABSENT:
        return reason == ECA_REASON_CERTIFICATE_REQUIRED ? APLOG_NOTICE : APLOG_INFO;
    case ECA_CLASS_REJECTED:
        if (reason != ECA_REASON_DELEGATED_IDENTITY_MISMATCH)
            return APLOG_NOTICE;
        break;
    case ECA_CLASS_UNAVAILABLE:
    case ECA_CLASS_INTERNAL:
        break;
    }
    return tell(&errors[reason], quiet) ? APLOG_ERR : APLOG_INFO;
}

static const char *id_of(request_rec *r)
{
    if (r->log_id == NULL)
        ap_run_generate_log_id(r->connection, r, &r->log_id);
    return r->log_id;
}

static void append_hex(struct eca_strbuf *line, const char *key, const uint8_t *bytes, size_t length)
{
    eca_strbuf_text(line, key);
    eca_strbuf_hex(line, (struct eca_slice){ bytes, length });
}

static void append_certificate(struct eca_strbuf *line, const struct eca_certificate *certificate)
{
    char issuer[256] = "";

    if (certificate == NULL)
        return;
    append_hex(line, " serial=", certificate->serial.bytes, certificate->serial.length);
    append_hex(line, " sha1=", certificate->sha1, sizeof certificate->sha1);
    eca_distinguished_name_show(issuer, sizeof issuer, X509_get_issuer_name(certificate->x509));
    eca_escape_pair(line, "issuer", issuer);
}

/* What is known while the request is being decided. */
static void append_work(struct eca_strbuf *line, struct eca_request *request)
{
    const struct eca_request_work *work = eca_request_open_work(request);
    const struct eca_request_texts *texts = &request->texts;
    const char *user = eca_text_or_null(work->account.sam_account_name);

    eca_last_decision_read_certificate(request);
    if (user == NULL)
        user = eca_text_or_null(work->login_name);
    eca_escape_pair(line, "user", user != NULL ? user : texts->query.user);
    eca_escape_pair(line, "device", texts->query.device_id);
    eca_escape_pair(line, "cmd", texts->query.command);
    append_certificate(line, work->certificate);
    eca_escape_pair(line, "account", eca_text_or_null(work->account.dn));
}

ECA_HOT void eca_log_decision(struct eca_request *request)
{
    const struct eca_reason_row *row = eca_reason_describe(request->reason);
    apr_uint32_t quiet = 0;
    const int level = choose_level(request->reason, &quiet);
    const bool told = APLOG_R_IS_LEVEL(request->r, level);
    const char *id = NULL;
    char memory[LINE_MAX_BYTES];
    struct eca_strbuf line;

    if (told || request->reason != ECA_REASON_GRANTED) /* a refusal's page names it, whatever the log keeps */
        id = id_of(request->r);
    if (!told)
        return;
    eca_strbuf_init(&line, memory, sizeof memory);
    eca_escape_pair(&line, "id", id);
    if (!request->ended)
        append_work(&line, request);
    eca_escape_pair(&line, "mapping", request->mapped ? eca_mapping_describe(request->kind)->name : NULL);
    eca_escape_pair(&line, "method", eca_request_method(request));
    eca_escape_pair(&line, "spn", request->spn);
    if (!request->ended)
        eca_escape_pair(&line, "detail", eca_text_or_null(request->work->detail.text));
    if (quiet > 0)
        eca_escape_pair(&line, "unreported", apr_ltoa(request->r->pool, (long)quiet));
    ap_log_rerror(APLOG_MARK, level, 0, request->r, "%s reason=%s status=%d iis=%s%s", row->message, row->name,
                  row->status, row->iis, line.text);
}

void eca_log_stale(const struct eca_request *request)
{
    apr_uint32_t quiet = 0;
    char memory[1024];
    struct eca_strbuf detail;

    if (!tell(&stale, &quiet))
        return;
    eca_strbuf_init(&detail, memory, sizeof memory);
    eca_escape_pair(&detail, "detail", request->work->detail.text);
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, request->r,
                  "ECA3031: the directory does not answer, accounts found earlier serve instead: unreported=%u%s",
                  quiet, detail.text);
}

void eca_log_big_token(const struct eca_request *request, int status)
{
    apr_uint32_t quiet = 0;

    if (!tell(&big_token, &quiet))
        return;
    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, request->r,
        "ECA6006: the backend answered %d to a request of %s with an Authorization header of %" APR_SIZE_T_FMT
        " bytes, which grows with the groups of the account: IIS takes headers up to MaxFieldLength and all of "
        "a request's together up to MaxRequestBytes, httpd up to LimitRequestFieldSize: unreported=%u",
        status, request->r->user, request->token_length, quiet);
}
