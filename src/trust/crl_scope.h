/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificates a list speaks of: its issuing distribution point (RFC 5280 5.2.5). */
#ifndef ECA_CRL_SCOPE_H
#define ECA_CRL_SCOPE_H

#include "crl.h"

#include <openssl/x509v3.h>

/* Appends the URLs that can be fetched. NULL is none. */
void eca_crl_points_add(struct eca_crl_points *out, const CRL_DIST_POINTS *points);

/* False with a sentence for a scope that is not supported. NULL: everything. */
bool eca_crl_scope_check(const ISSUING_DIST_POINT *scope, struct eca_error *err);

/* Whether a certificate of the list's issuer is in the scope. */
bool eca_crl_scope_covers(const ISSUING_DIST_POINT *scope, X509 *certificate);

/* The same bytes, or both absent. */
bool eca_crl_scope_equals(const ISSUING_DIST_POINT *a, const ISSUING_DIST_POINT *b);

#endif
