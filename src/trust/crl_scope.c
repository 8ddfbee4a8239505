/* SPDX-License-Identifier: Apache-2.0 */
/* The issuing distribution point: what is refused, and what is covered. */
#include "crl_scope.h"

#include <string.h>

bool eca_crl_scope_check(const ISSUING_DIST_POINT *scope, struct eca_error *err)
{
    if (scope == NULL)
        return true;
    if (scope->indirectCRL > 0)
        return eca_error_set(err, "it is an indirect CRL (for certificates of other issuers); these are not supported");
    if (scope->onlysomereasons != NULL)
        return eca_error_set(err, "it is a CRL for some reasons only; these are not supported");
    if (scope->onlyattr > 0)
        return eca_error_set(err, "it is a CRL of attribute certificates");
    if (scope->onlyuser > 0 && scope->onlyCA > 0)
        return eca_error_set(err, "it contradicts itself: for users' certificates only and for CAs' only");
    if (scope->distpoint != NULL && scope->distpoint->type != 0)
        return eca_error_set(err, "its distribution point is a relative name; these are not supported");
    return true;
}

static bool names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
        for (int j = 0; j < sk_GENERAL_NAME_num(b); j++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0)
                return true;
        }
    }
    return false;
}

/* A list for one distribution point speaks of the certificates that name it. */
static bool is_named(const GENERAL_NAMES *names, X509 *certificate)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    bool named = false;

    for (int i = 0; i < sk_DIST_POINT_num(points) && !named; i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

        named = name != NULL && name->type == 0 && names_meet(names, name->name.fullname);
    }
    CRL_DIST_POINTS_free(points);
    return named;
}

bool eca_crl_scope_covers(const ISSUING_DIST_POINT *scope, X509 *certificate)
{
    bool is_ca = false;

    if (scope == NULL)
        return true;
    is_ca = X509_check_ca(certificate) > 0;
    if ((scope->onlyuser > 0 && is_ca) || (scope->onlyCA > 0 && !is_ca))
        return false;
    return scope->distpoint == NULL || is_named(scope->distpoint->name.fullname, certificate);
}

bool eca_crl_scope_equals(const ISSUING_DIST_POINT *a, const ISSUING_DIST_POINT *b)
{
    uint8_t *left = NULL, *right = NULL;
    const int left_length = a == NULL ? 0 : i2d_ISSUING_DIST_POINT(a, &left);
    const int right_length = b == NULL ? 0 : i2d_ISSUING_DIST_POINT(b, &right);
    const bool equal = left_length >= 0 && left_length == right_length
                       && (left_length == 0 || memcmp(left, right, (size_t)left_length) == 0);

    OPENSSL_free(left);
    OPENSSL_free(right);
    return equal;
}
