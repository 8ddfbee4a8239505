/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate revocation list (RFC 5280 section 5): checked when it is read, then only looked into. */
#ifndef ECA_CRL_H
#define ECA_CRL_H

#include "error.h"

#include <openssl/x509.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECA_CRL_BYTES_MAX ((size_t)64 * 1024 * 1024) /* of a file or an answer */
#define ECA_CRLS_IN_FILE_MAX 16
#define ECA_CRL_URL_MAX 1024
#define ECA_CRL_POINTS_MAX 8 /* URLs of one certificate or list that are looked at */

/* URLs out of distribution points: http and ldap only, others are not used. */
struct eca_crl_points {
    char urls[ECA_CRL_POINTS_MAX][ECA_CRL_URL_MAX];
    size_t count;
};

/* Immutable; held by any number of owners. */
struct eca_crl;

enum eca_crl_entry {
    ECA_CRL_ENTRY_NONE,    /* not in this list */
    ECA_CRL_ENTRY_REVOKED, /* on hold included */
    ECA_CRL_ENTRY_REMOVED, /* delta lists only: no longer on hold */
};

/*
 * Reads the lists in `bytes`, DER (one) or PEM, and keeps at most `capacity`. Each must be signed by one of `issuers`
 * (name, cRLSign, a signature of at least 112 bits of security) and be dated before `now` + 5 minutes. Refused with a
 * sentence: indirect lists, lists for some reasons or attribute certificates only, critical extensions nobody knows, no
 * nextUpdate, more than one for DER. Whether it is out of date is not judged. Returns how many; 0 with `err`. Threads:
 * any.
 */
size_t eca_crl_read(struct eca_crl **out, size_t capacity, const uint8_t *bytes, size_t length,
                    STACK_OF(X509) * issuers, int64_t now, struct eca_error *err);

struct eca_crl *eca_crl_hold(struct eca_crl *crl);
void eca_crl_release(struct eca_crl *crl); /* takes NULL */

/* Whether it speaks of this certificate, which `issuer` (of a verified path) has issued: name, key and scope. */
bool eca_crl_covers(const struct eca_crl *crl, X509 *certificate, X509 *issuer);

/* What it says of a certificate it covers; *since (seconds since 1970) and *why, a CRLReason or -1, with REVOKED. */
enum eca_crl_entry eca_crl_find(const struct eca_crl *crl, X509 *certificate, int64_t *since, int *why);

bool eca_crl_is_delta(const struct eca_crl *crl);

/* Whether `delta` may be applied to `base`: the same issuer, key and scope, and numbers that fit (RFC 5280 5.2.4). */
bool eca_crl_applies(const struct eca_crl *delta, const struct eca_crl *base);

int64_t eca_crl_this_update(const struct eca_crl *crl); /* seconds since 1970 */
int64_t eca_crl_next_update(const struct eca_crl *crl);

/* Whether both are lists of the same issuer, key, scope and kind, and `earlier` (date, then number) is not the later
 * one. */
bool eca_crl_replaces(const struct eca_crl *later, const struct eca_crl *earlier);

/* The very same list, every byte. */
bool eca_crl_is_same(const struct eca_crl *a, const struct eca_crl *b);

/* True once for each stage of its life, 1, 2 …: what there is to say of it is said once. */
bool eca_crl_tell_once(struct eca_crl *crl, int stage);

/* "CN=Example Issuing CA", for the log. */
const char *eca_crl_issuer(const struct eca_crl *crl);

/* Where delta lists are (freshest CRL), in the list itself. */
void eca_crl_freshest(const struct eca_crl *crl, struct eca_crl_points *out);

/* The distribution points of a certificate, of whole lists and of delta lists; appended. */
void eca_crl_points_of(X509 *certificate, struct eca_crl_points *out);

#endif
