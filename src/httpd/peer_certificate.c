/* SPDX-License-Identifier: Apache-2.0 */
/* From the connection's certificate to the verdict of the trust stage. */
#include "peer_certificate.h"

#include "handshake.h"
#include "path.h"

static enum eca_certificate_fact judge(struct eca_request *request, X509 *x509)
{
    const struct eca_path_question question = {
        .leaf = x509,
        .chain = request->work->chain,
        .purposes = request->policy->purposes,
        .policies = request->policy->certificate_policies,
        .now = apr_time_sec(request->r->request_time),
    };

    return eca_path_judge(request->service->anchors, &question, NULL, &request->work->detail);
}

void eca_peer_certificate_read(struct eca_request *request)
{
    struct eca_request_work *work = request->work;
    X509 *x509 = NULL;

    request->facts.certificate = ECA_CERTIFICATE_ABSENT;
    if (!eca_access_wants_certificate(request->facts.policy))
        return;
    x509 = eca_handshake_peer_certificate(request->r->connection, &work->chain);
    if (x509 == NULL)
        return;
    if (eca_certificate_open(&work->certificate, x509, &work->detail))
        request->facts.certificate = judge(request, x509);
    else
        request->facts.certificate = ECA_CERTIFICATE_MALFORMED;
    X509_free(x509);
}
