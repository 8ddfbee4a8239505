/* SPDX-License-Identifier: Apache-2.0 */
/* From the connection's certificate to the verdict of the trust stage. */
#include "peer_certificate.h"

#include "client_headers.h"
#include "handshake.h"

#include <string.h>

/* Whatever else the device shows: what cannot be judged is not good. */
static void judge(struct eca_request *request, X509 *x509)
{
    const struct eca_path_question question = {
        .leaf = x509,
        .chain = request->work->chain,
        .purposes = request->policy->purposes,
        .policies = request->policy->certificate_policies,
        .now = apr_time_sec(request->r->request_time),
    };
    struct eca_verdict *verdict = eca_verdicts_judge(request->service->verdicts, &question);

    request->facts.certificate = ECA_CERTIFICATE_MALFORMED;
    if (verdict == NULL) {
        eca_error_set(&request->work->detail, "out of memory");
        return;
    }
    request->work->verdict = verdict;
    request->facts.certificate = verdict->fact;
    if (verdict->certificate.x509 != NULL)
        request->work->certificate = &verdict->certificate;
    if (verdict->detail.text[0] != '\0')
        eca_error_set(&request->work->detail, "%s", verdict->detail.text);
}

static X509 *decode(struct eca_request *request, const char *text)
{
    const struct eca_certificate_source *source = &request->policy->certificate_source;
    uint8_t *memory = apr_palloc(request->work->pool, strlen(text) + 1);
    struct eca_slice der = { NULL, 0 };
    struct eca_error err = { .text = "" };
    X509 *x509 = NULL;

    if (eca_header_certificate_decode(&der, memory, source->format, eca_slice_from_text(text), &err))
        x509 = eca_certificate_read_der(der, &err);
    if (x509 == NULL)
        eca_error_set(&request->work->detail, "%s: %s", source->header, err.text);
    return x509;
}

/*
 * The certificate that a TLS server in front saw: nothing of it was judged there. Whatever else the header holds is
 * MALFORMED: a request must not pass for one without a certificate because somebody damaged it.
 */
static X509 *read_header(struct eca_request *request)
{
    const char *name = request->policy->certificate_source.header;
    const struct eca_sent_certificate sent = eca_client_headers_certificate(request->r, name);

    if (sent.peer != NULL)
        eca_error_set(&request->work->detail, "%s came from %s, which EASTrustedProxy does not name", name, sent.peer);
    if (sent.value == NULL || sent.value[strspn(sent.value, " \t")] == '\0')
        return NULL;
    request->facts.certificate = ECA_CERTIFICATE_MALFORMED;
    if (!sent.more_than_once)
        return decode(request, sent.value);
    eca_error_set(&request->work->detail, "%s was sent more than once", name);
    return NULL;
}

static X509 *read_connection(struct eca_request *request)
{
    if (!eca_handshake_was_made(request->r->connection))
        eca_error_set(&request->work->detail,
                      "mod_ssl did not end TLS for this connection: write SSLEngine on for its virtual host, or "
                      "EASCertificateSource header where a load balancer ends TLS");
    return eca_handshake_peer_certificate(request->r->connection, &request->work->chain);
}

void eca_peer_certificate_read(struct eca_request *request)
{
    const bool in_header = request->policy->certificate_source.header != NULL;
    X509 *x509 = NULL;

    request->facts.certificate = ECA_CERTIFICATE_ABSENT;
    if (!eca_access_wants_certificate(request->facts.policy))
        return;
    if (in_header)
        x509 = read_header(request);
    else
        x509 = read_connection(request);
    if (x509 == NULL)
        return;
    judge(request, x509);
    if (in_header)
        X509_free(x509);
}
