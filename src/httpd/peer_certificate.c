/* SPDX-License-Identifier: Apache-2.0 */
/* From the connection's certificate to the verdict of the trust stage. */
#include "peer_certificate.h"

#include "handshake.h"

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

void eca_peer_certificate_read(struct eca_request *request)
{
    X509 *x509 = NULL;

    request->facts.certificate = ECA_CERTIFICATE_ABSENT;
    if (!eca_access_wants_certificate(request->facts.policy))
        return;
    x509 = eca_handshake_peer_certificate(request->r->connection, &request->work->chain);
    if (x509 == NULL)
        return;
    judge(request, x509);
    X509_free(x509);
}
