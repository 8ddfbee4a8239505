/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs in distribution points (RFC 5280 4.2.1.13 and 4.2.1.15). */
#include "crl.h"
#include "crl_scope.h"

#include <string.h>

static bool is_fetched(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "ldap://", 7) == 0;
}

static void add_url(struct eca_crl_points *out, const ASN1_IA5STRING *text)
{
    const size_t length = (size_t)ASN1_STRING_length(text);
    char *url = out->urls[out->count < ECA_CRL_POINTS_MAX ? out->count : 0];

    if (out->count == ECA_CRL_POINTS_MAX || length == 0 || length >= ECA_CRL_URL_MAX)
        return;
    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = ASN1_STRING_get0_data(text)[i];

        if (byte <= ' ' || byte >= 0x7f)
            return; /* no URL, and nothing for a log or a request line */
    }
    memcpy(url, ASN1_STRING_get0_data(text), length);
    url[length] = '\0';
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->urls[i], url) == 0)
            return;
    }
    out->count += is_fetched(url);
}

void eca_crl_points_add(struct eca_crl_points *out, const CRL_DIST_POINTS *points)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        const GENERAL_NAMES *names = point->distpoint != NULL && point->distpoint->type == 0
                                         ? point->distpoint->name.fullname
                                         : NULL;

        if (point->CRLissuer != NULL || point->reasons != NULL) /* of another issuer, or for some reasons only */
            continue;
        for (int j = 0; j < sk_GENERAL_NAME_num(names); j++) {
            if (sk_GENERAL_NAME_value(names, j)->type == GEN_URI)
                add_url(out, sk_GENERAL_NAME_value(names, j)->d.uniformResourceIdentifier);
        }
    }
}

void eca_crl_points_of(X509 *certificate, struct eca_crl_points *out)
{
    static const int extensions[] = { NID_crl_distribution_points, NID_freshest_crl };

    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, extensions[i], NULL, NULL);

        eca_crl_points_add(out, points);
        CRL_DIST_POINTS_free(points);
    }
}
