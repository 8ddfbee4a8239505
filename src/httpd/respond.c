/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where a reason becomes an HTTP answer. */
#include "respond.h"

#include "hot.h"
#include "last_decision.h"
#include "log.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_core.h>

/* A refused upload below this is read to keep the connection; above it the connection ends instead. */
#define BODY_KEPT_MAX 65536

void eca_respond_ask_for_password(request_rec *r)
{
    const char *realm = ap_auth_name(r);

    apr_table_setn(
        r->err_headers_out, "WWW-Authenticate",
        apr_psprintf(r->pool, "Basic realm=\"%s\"", realm != NULL ? ap_escape_quotes(r->pool, realm) : "ActiveSync"));
}

/* With up to a quarter of jitter, so that devices do not come back together. */
static void set_retry_after(request_rec *r, int seconds)
{
    const int jitter = (int)ap_random_pick(0, (apr_uint32_t)seconds / 4);

    apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, seconds + jitter));
}

/* httpd would otherwise read a 20 MB mail to its end before it answers. */
static void avoid_reading_body(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    if (apr_table_get(r->headers_in, "Transfer-Encoding") != NULL
        || (length != NULL && apr_atoi64(length) > BODY_KEPT_MAX))
        r->connection->keepalive = AP_CONN_CLOSE;
}

/* The first line is the reason. */
static void set_body(request_rec *r, const char *id, const struct eca_reason_row *row)
{
    const char *const ours = apr_psprintf(r->pool, "%s\n<br>%s\n<br>IIS says %s for this. Request id: %s\n", row->name,
                                          row->sentence, row->iis, id != NULL ? ap_escape_html(r->pool, id) : "-");

    if (ap_response_code_string(r, ap_index_of_response(row->status)) == NULL)
        ap_custom_response(r, row->status, ours);
}

static int refuse(const struct eca_request *request, request_rec *r, const struct eca_reason_row *row)
{
    r->user = NULL;
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    if (request->policy->reason_header)
        apr_table_setn(r->err_headers_out, "X-EAS-Reason", row->name);
    if (row->status == HTTP_UNAUTHORIZED)
        eca_respond_ask_for_password(r);
    if (row->status == HTTP_SERVICE_UNAVAILABLE)
        set_retry_after(r, request->policy->retry_after);
    set_body(r, request->r->log_id, row);
    avoid_reading_body(r);
    return row->status;
}

ECA_HOT int eca_respond(struct eca_request *request, request_rec *r, enum eca_reason reason)
{
    const struct eca_reason_row *row = eca_reason_describe(reason);

    if (reason != ECA_REASON_GRANTED)
        eca_last_decision_forget(request);
    request->reason = reason;
    request->decided = true;
    eca_request_set_variables(request, r);
    eca_log_decision(request);
    eca_request_end_work(request);
    return reason == ECA_REASON_GRANTED ? OK : refuse(request, r, row);
}
