/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a revocation list (first byte even) or as an OCSP answer (odd), for the issuer and certificate that the
 * corpus was made with: nothing but what they signed says that a certificate is good.
 */
#include "crl_set.h"
#include "ocsp.h"
#include "revocation_input.h"

#include <openssl/x509.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *certificate_of(const uint8_t *der, size_t length)
{
    X509 *certificate = d2i_X509(NULL, &der, (long)length);

    if (certificate == NULL)
        abort();
    return certificate;
}

static void read_list(const uint8_t *data, size_t size, X509 *certificate, X509 *issuer)
{
    STACK_OF(X509) *issuers = sk_X509_new_null();
    struct eca_crl *lists[ECA_CRLS_IN_FILE_MAX];
    struct eca_crl_points points = { .count = 0 };
    struct eca_error err = { .text = "" };
    int64_t since = 0;
    size_t count;
    int why = 0;

    sk_X509_push(issuers, issuer);
    count = eca_crl_read(lists, ECA_CRLS_IN_FILE_MAX, data, size, issuers, REVOCATION_NOW, &err);
    if (count == 0 && err.text[0] == '\0')
        abort();
    for (size_t i = 0; i < count; i++) {
        if (eca_crl_covers(lists[i], certificate, issuer))
            (void)eca_crl_find(lists[i], certificate, &since, &why);
        eca_crl_freshest(lists[i], &points);
        eca_crl_release(lists[i]);
    }
    sk_X509_free(issuers);
}

static void read_answer(const uint8_t *data, size_t size, X509 *certificate, X509 *issuer)
{
    OCSP_REQUEST *request = eca_ocsp_request(certificate, issuer);
    struct eca_ocsp_answer answer = { .next_update = 0 };
    struct eca_error err = { .text = "" };

    if (!eca_ocsp_read(&answer, data, size, request, certificate, issuer, REVOCATION_NOW, &err) && err.text[0] == '\0')
        abort();
    OCSP_REQUEST_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static X509 *certificate, *issuer;

    if (certificate == NULL) {
        certificate = certificate_of(revocation_certificate, sizeof revocation_certificate);
        issuer = certificate_of(revocation_issuer, sizeof revocation_issuer);
    }
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        read_list(data + 1, size - 1, certificate, issuer);
    else
        read_answer(data + 1, size - 1, certificate, issuer);
    return 0;
}
