/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for path tests, made at run time from recipes. */
#ifndef MAKE_PATH_H
#define MAKE_PATH_H

#include "path.h"

#include <openssl/evp.h>
#include <stdbool.h>

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define DAY 86400
#define CA_EXTENSIONS "critical,CA:TRUE", "critical,keyCertSign,cRLSign"

enum key { KEY_ROOT, KEY_ISSUING, KEY_STRANGE, KEY_LEAF, KEY_WEAK, KEY_TINY, KEY_RSA, KEYS };

/* What a certificate is made of; zeroed members get something ordinary. */
struct recipe {
    const char *subject;
    const char *issuer;
    enum key key;
    enum key signer;
    const char *basic_constraints;
    const char *key_usage;
    const char *extended_key_usage;
    const char *critical_oid; /* an extension nobody knows, marked critical */
    const char *policies; /* certificatePolicies */
    const char *template; /* the value of Microsoft's template extension, in hexadecimal */
    const char *name_constraints;
    const char *alternative_names; /* subjectAltName */
    bool sha1, md5; /* signed with it instead of SHA-256 */
    void (*change)(X509 *); /* what else is done to it before it is signed */
    void (*damage)(X509 *); /* and after */
    long begins, ends; /* days from NOW; both 0: from -100 to 100 */
};


/* Of every test program: keys before the first certificate, and their end. */
int make_path_keys(void **state);
int free_path_keys(void **state);

EVP_PKEY *make_path_key(enum key key);

/* To be freed by the caller. */
X509 *make_path_certificate(const struct recipe *recipe);

/* A list that ends with NULL, as certificates; to be freed with its members. */
STACK_OF(X509) *make_path_chain(const struct recipe *const *recipes);

/* A file of PEM certificates (NULL: none), then `text`; its name goes to `path`, of 32 bytes; the caller unlinks it. */
void make_path_file(char *path, const struct recipe *const *recipes, const char *text);

/* Anchors made of such a file. */
struct eca_trust_anchors *make_path_anchors(const struct recipe *const *recipes);

#endif
