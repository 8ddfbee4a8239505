/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3962 by libcrypto's AES, CTS and HMAC, keyed once. */
#include "session_key.h"

#include "hot.h"
#include "thread_random.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16 /* the confounder's, too */
#define KEY_MAX 32
#define MAC_BYTES (ECA_SESSION_KEY_AROUND - BLOCK) /* of SHA-1's 20 */
#define SHA1_BYTES 20
#define SHA1_BLOCK 64
#define FOR_SEALING 0xaa /* RFC 3961 5.3 */
#define FOR_CHECKING 0x55

struct eca_session_key {
    krb5_enctype type;
    krb5_keyusage usage;
    EVP_CIPHER_CTX *cipher;
    EVP_MD_CTX *inner, *outer; /* after the checking key with ipad and opad of RFC 2104 */
    EVP_MD_CTX *digest;        /* a copy of one of them */
};

struct algorithm {
    krb5_enctype type;
    size_t key_length;
    const char *cbc; /* which the derivation uses */
    const char *cts;
};

static const struct algorithm algorithms[] = {
    { ENCTYPE_AES128_CTS_HMAC_SHA1_96, 16, "AES-128-CBC", "AES-128-CBC-CTS" },
    { ENCTYPE_AES256_CTS_HMAC_SHA1_96, 32, "AES-256-CBC", "AES-256-CBC-CTS" },
};

static const struct algorithm *find_algorithm(const krb5_keyblock *key)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (algorithms[i].type == key->enctype && algorithms[i].key_length == key->length)
            return &algorithms[i];
    }
    return NULL;
}

size_t eca_session_key_bytes(krb5_enctype type)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (algorithms[i].type == type)
            return algorithms[i].key_length;
    }
    return 0;
}

/* DK(key, usage | purpose), RFC 3961 5.1 */
static bool derive(uint8_t out[KEY_MAX], const struct algorithm *algorithm, const krb5_keyblock *key,
                   krb5_keyusage usage, uint8_t purpose)
{
    const uint32_t number = (uint32_t)usage;
    uint8_t constant[] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number,
                           purpose };
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, (char *)(uintptr_t)algorithm->cbc, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->contents, key->length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_CONSTANT, constant, sizeof constant),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_KRB5KDF, NULL);
    EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    const bool derived = context != NULL && EVP_KDF_derive(context, out, algorithm->key_length, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return derived;
}

static bool ready_cipher(struct eca_session_key *key, const struct algorithm *algorithm, const uint8_t *derived,
                         bool seals)
{
    static const uint8_t no_state[BLOCK];
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_CIPHER_PARAM_CTS_MODE, (char[]){ OSSL_CIPHER_CTS_MODE_CS3 }, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_CIPHER *cts = EVP_CIPHER_fetch(NULL, algorithm->cts, NULL);

    key->cipher = cts == NULL ? NULL : EVP_CIPHER_CTX_new();
    if (key->cipher != NULL
        && EVP_CipherInit_ex2(key->cipher, cts, derived, no_state, seals ? 1 : 0, parameters) != 1) {
        EVP_CIPHER_CTX_free(key->cipher);
        key->cipher = NULL;
    }
    EVP_CIPHER_free(cts);
    return key->cipher != NULL;
}

/* SHA-1 that has digested the key with this pad; NULL when out of memory. */
static EVP_MD_CTX *digest_pad(const EVP_MD *sha1, const struct algorithm *algorithm, const uint8_t *derived,
                              uint8_t pad)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t block[SHA1_BLOCK];
    bool done = false;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = pad ^ (i < algorithm->key_length ? derived[i] : 0);
    done = context != NULL && EVP_DigestInit_ex2(context, sha1, NULL) == 1
           && EVP_DigestUpdate(context, block, sizeof block) == 1;
    explicit_bzero(block, sizeof block);
    if (done)
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

static bool ready_mac(struct eca_session_key *key, const struct algorithm *algorithm, const uint8_t *derived)
{
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);

    if (sha1 == NULL)
        return false;
    key->inner = digest_pad(sha1, algorithm, derived, 0x36);
    key->outer = digest_pad(sha1, algorithm, derived, 0x5c);
    key->digest = EVP_MD_CTX_new();
    EVP_MD_free(sha1);
    return key->inner != NULL && key->outer != NULL && key->digest != NULL;
}

struct eca_session_key *eca_session_key_open(const krb5_keyblock *key, krb5_keyusage usage, bool seals)
{
    const struct algorithm *algorithm = find_algorithm(key);
    struct eca_session_key *ready = algorithm == NULL ? NULL : calloc(1, sizeof *ready);
    uint8_t derived[KEY_MAX];
    bool done = false;

    if (ready == NULL)
        return NULL;
    ready->type = key->enctype;
    ready->usage = usage;
    done = derive(derived, algorithm, key, usage, FOR_SEALING) && ready_cipher(ready, algorithm, derived, seals)
           && derive(derived, algorithm, key, usage, FOR_CHECKING) && ready_mac(ready, algorithm, derived);
    explicit_bzero(derived, sizeof derived);
    if (done)
        return ready;
    eca_session_key_close(ready);
    return NULL;
}

bool eca_session_key_is_for(const struct eca_session_key *key, krb5_keyusage usage)
{
    return key->usage == usage;
}

void eca_session_key_close(struct eca_session_key *key)
{
    if (key == NULL)
        return;
    EVP_CIPHER_CTX_free(key->cipher);
    EVP_MD_CTX_free(key->inner);
    EVP_MD_CTX_free(key->outer);
    EVP_MD_CTX_free(key->digest);
    free(key);
}

ECA_HOT static bool digest(struct eca_session_key *key, const EVP_MD_CTX *begun, uint8_t out[SHA1_BYTES],
                           const uint8_t *text, size_t length)
{
    return EVP_MD_CTX_copy_ex(key->digest, begun) == 1 && EVP_DigestUpdate(key->digest, text, length) == 1
           && EVP_DigestFinal_ex(key->digest, out, NULL) == 1;
}

/*
 * HMAC-SHA1 (RFC 2104). EVP_MAC does the same through more layers: with cold caches, as a request finds them, it takes
 * half as long again.
 */
ECA_HOT static bool make_mac(struct eca_session_key *key, uint8_t mac[SHA1_BYTES], const uint8_t *text, size_t length)
{
    return digest(key, key->inner, mac, text, length) && digest(key, key->outer, mac, mac, SHA1_BYTES);
}

/*
 * In place, from no state on: libcrypto takes one text for each initialisation. Without one named, it begins with the
 * state of the first again; named, it would first ask itself at length how long that is.
 */
ECA_HOT static bool run_cipher(struct eca_session_key *key, uint8_t *text, size_t length)
{
    int written = 0;

    return EVP_CipherInit_ex2(key->cipher, NULL, NULL, NULL, -1, NULL) == 1
           && EVP_CipherUpdate(key->cipher, text, &written, text, (int)length) == 1 && (size_t)written == length;
}

ECA_HOT krb5_error_code eca_session_key_seal(struct eca_session_key *key, const krb5_data *plain, krb5_enc_data *out)
{
    uint8_t *text = (uint8_t *)out->ciphertext.data;
    const size_t length = BLOCK + (size_t)plain->length;
    uint8_t mac[SHA1_BYTES];

    if (out->ciphertext.length < length + MAC_BYTES)
        return KRB5_BAD_MSIZE;
    if (!eca_thread_random_take(text, BLOCK))
        return KRB5_CRYPTO_INTERNAL;
    if (plain->length > 0)
        memcpy(text + BLOCK, plain->data, plain->length);
    if (!make_mac(key, mac, text, length) || !run_cipher(key, text, length)) {
        explicit_bzero(text, length);
        return KRB5_CRYPTO_INTERNAL;
    }
    memcpy(text + length, mac, MAC_BYTES);
    out->enctype = key->type;
    out->kvno = 0;
    out->ciphertext.length = (unsigned)(length + MAC_BYTES);
    return 0;
}

ECA_HOT krb5_error_code eca_session_key_unseal(struct eca_session_key *key, const krb5_enc_data *sealed, krb5_data *out)
{
    const uint8_t *ciphertext = (const uint8_t *)sealed->ciphertext.data;
    uint8_t *text = (uint8_t *)out->data;
    size_t length = sealed->ciphertext.length;
    uint8_t mac[SHA1_BYTES];

    if (sealed->enctype != key->type)
        return KRB5_BAD_ENCTYPE;
    if (length < BLOCK + MAC_BYTES || out->length < length - MAC_BYTES)
        return KRB5_BAD_MSIZE;
    length -= MAC_BYTES;
    memcpy(text, ciphertext, length);
    if (!run_cipher(key, text, length) || !make_mac(key, mac, text, length)) {
        explicit_bzero(text, length);
        return KRB5_CRYPTO_INTERNAL;
    }
    if (CRYPTO_memcmp(mac, ciphertext + length, MAC_BYTES) != 0) {
        explicit_bzero(text, length);
        return KRB5KRB_AP_ERR_BAD_INTEGRITY;
    }
    out->length = (unsigned)(length - BLOCK);
    memmove(text, text + BLOCK, out->length);
    return 0;
}
