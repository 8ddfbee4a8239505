/* SPDX-License-Identifier: Apache-2.0 */
/* A token as a form: all of it that is the same in every token made from one ticket is written once. */
#ifndef ECA_TOKEN_FORM_H
#define ECA_TOKEN_FORM_H

#include "strbuf.h"

#include <krb5.h>

#define ECA_TOKEN_SUBKEY_MAX 64
#define ECA_TOKEN_REST_MAX 2

/* Numbers from here on have one length in DER, so all tokens of a ticket have one. */
#define ECA_TOKEN_MICROSECONDS_MIN 0x8000 /* of 999,999: three bytes */
#define ECA_TOKEN_SEQUENCE_MIN 0x20000000 /* four bytes, also for acceptors that take 31 bits for negative */
#define ECA_TOKEN_SEQUENCE_MASK 0x3fffffff

/* What goes into the blanks of one token. */
struct eca_token_blanks {
    int64_t stamp; /* microseconds since 1970 */
    uint32_t sequence;
    uint8_t subkey[ECA_TOKEN_SUBKEY_MAX];
};

/*
 * Immutable. A token's bytes are the head, then the authenticator's ciphertext (RFC 4120 5.5.1). The head is kept in
 * base64 up to its last whole group of three bytes; the rest of it is encoded with the ciphertext.
 */
struct eca_token_form {
    size_t size;                                             /* of all this memory */
    size_t seed_length;                                      /* random bytes for a sub-key */
    size_t subkey_length;                                    /* of it */
    size_t plain_length;                                     /* of the authenticator */
    size_t sealed_length;                                    /* of its ciphertext */
    size_t sequence_at, subkey_at, time_at, microseconds_at; /* in the authenticator */
    size_t rest_length;
    size_t text_length; /* of the head in base64 */
    uint8_t rest[ECA_TOKEN_REST_MAX];
    uint8_t bytes[]; /* the authenticator with empty blanks, then the head's text */
};

/*
 * For tokens with the names and the ticket of `creds`, which are copied; `mutual`: such as ask for an answer. 0 or
 * libkrb5's error; *out is freed with eca_token_form_free(), which wipes it. Threads: any.
 */
krb5_error_code eca_token_form_create(krb5_context context, const krb5_creds *creds, bool mutual,
                                      struct eca_token_form **out);
void eca_token_form_free(struct eca_token_form *form); /* NULL is allowed */

/* Writes the authenticator, plain_length bytes, to `plain`. False for blanks of another length. Threads: any. */
bool eca_token_form_fill(const struct eca_token_form *form, const struct eca_token_blanks *blanks, uint8_t *plain);

/* Characters of the whole token in base64. */
size_t eca_token_form_text_length(const struct eca_token_form *form);

/*
 * Appends the token in base64, all or nothing. `sealed`: ECA_TOKEN_REST_MAX bytes to be overwritten, then the
 * ciphertext, sealed_length bytes.
 */
void eca_token_form_write(const struct eca_token_form *form, struct eca_strbuf *out, uint8_t *sealed);

#endif
