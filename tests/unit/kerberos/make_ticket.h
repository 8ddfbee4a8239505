/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets as a KDC would issue them, and keytabs that open them: no KDC is needed to test what is done with either. */
#ifndef ECA_MAKE_TICKET_H
#define ECA_MAKE_TICKET_H

#include <krb5.h>

#include <stddef.h>
#include <stdint.h>

#define TEST_REALM "EXAMPLE.TEST"

/* What is in the ticket. Names are full principals. */
struct ticket_recipe {
    const char *client;
    const char *server;
    uint8_t service_key; /* the byte that AES256 keys are made of */
    uint8_t session_key;
    krb5_enctype session_type; /* of that; 0: AES256 */
    krb5_flags flags;
    int64_t end;
    const char *sid; /* in a PAC; NULL: without one */
};

/* What a session key can be: of the types that libcrypto does, and of those that are left to libkrb5. */
extern const struct session_type {
    const char *why;
    krb5_enctype type;
    unsigned length; /* of the key, bytes */
} session_types[5];

/* An AES256 key of 32 equal bytes; free with krb5_free_keyblock_contents(). */
void make_key(krb5_context context, uint8_t byte, krb5_keyblock *out);

/* Free with krb5_free_cred_contents(). */
void make_ticket(krb5_context context, const struct ticket_recipe *recipe, krb5_creds *out);

/* Adds a key of `principal` to the keytab at `path`. */
void add_to_keytab(krb5_context context, const char *path, const char *principal, uint8_t key);

/* The same of any type, made by chance. */
void add_key_to_keytab(krb5_context context, const char *path, const char *principal, krb5_enctype type);

/* A new folder under /tmp in out[64], and an end to it with the one file `keytab` inside. */
void make_folder(char *out);
void remove_folder(const char *folder);

#endif
