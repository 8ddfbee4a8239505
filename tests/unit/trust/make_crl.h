/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists made at run time from recipes. */
#ifndef MAKE_CRL_H
#define MAKE_CRL_H

#include "make_path.h"

#include <stddef.h>
#include <stdint.h>

/* What a list is made of; zeroed members get something ordinary. */
struct list_recipe {
    const char *issuer; /* NULL: "Issuing" */
    enum key signer;
    long number; /* 0: no number */
    long base;   /* not 0: a delta list */
    const char *scope;    /* issuingDistributionPoint in the words of OpenSSL's configuration, critical */
    const char *unknown;  /* a critical extension nobody knows */
    const char *freshest; /* in the words of OpenSSL's configuration */
    long begins, ends;    /* days from NOW; both 0: from -1 to 1 */
    bool endless, sha1;
    long revoked[4]; /* serial numbers, ends with 0 */
    int why;         /* of all of them, a CRLReason; 0: none said */
    bool foreign_entry; /* its entries name another issuer */
    long more;          /* so many serial numbers from 1000000 on */
    const char *serial; /* one more, in hexadecimal */
};

/* DER, to be freed with OPENSSL_free(). */
size_t make_crl(uint8_t **out, const struct list_recipe *recipe);

/* The same in PEM, appended to `bio`'s memory. */
void make_crl_pem(BIO *bio, const struct list_recipe *recipe);

#endif
