/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening with an AES session key whose derived keys are ready: AES in CTS mode with HMAC-SHA1-96. */
#ifndef ECA_SESSION_KEY_H
#define ECA_SESSION_KEY_H

#include <krb5.h>
#include <stdbool.h>

#define ECA_SESSION_KEY_AROUND 28 /* bytes by which a sealed text is longer */

/* How many random bytes are a key of this type, as they are (RFC 3962 6); 0 for those that are left to libkrb5. */
size_t eca_session_key_bytes(krb5_enctype type);

/* For one usage (RFC 4120 7.5.1) and one direction. One thread at a time; wiped when it is closed. */
struct eca_session_key;

/*
 * Derives what is needed from `key` (RFC 3961 5.1). NULL for every other encryption type than aes128-cts-hmac-sha1-96
 * and aes256-cts-hmac-sha1-96, and when out of memory: libkrb5 knows them all. `seals`: to seal, else to open.
 */
struct eca_session_key *eca_session_key_open(const krb5_keyblock *key, krb5_keyusage usage, bool seals);
bool eca_session_key_is_for(const struct eca_session_key *key, krb5_keyusage usage);
void eca_session_key_close(struct eca_session_key *key); /* NULL is allowed */

/*
 * RFC 3961 5.3 with RFC 3962: the same bytes that krb5_k_encrypt() and krb5_k_decrypt() make and take, in a third of
 * the time: these expand their keys anew for each. `out->ciphertext` and `out` are the caller's, as long as
 * krb5_c_encrypt_length() says or as the ciphertext; out->length becomes that of the plain text. 0 or libkrb5's error:
 * KRB5KRB_AP_ERR_BAD_INTEGRITY when it was not sealed with this key and usage.
 */
krb5_error_code eca_session_key_seal(struct eca_session_key *key, const krb5_data *plain, krb5_enc_data *out);
krb5_error_code eca_session_key_unseal(struct eca_session_key *key, const krb5_enc_data *sealed, krb5_data *out);

#endif
