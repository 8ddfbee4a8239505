/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening ticket records: whoever sees the shared memory learns no session key and can plant no ticket. */
#include "ticket_record.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HEADER_BYTES (1 + 8)
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define FRAME_BYTES (HEADER_BYTES + NONCE_BYTES + TAG_BYTES)
#define COMPONENTS_MAX 16
#define KEY_MAX 64 /* bytes of a session key; AES256 has 32 */

static const char purpose[] = "eas-certauth ticket";

/* Where writing or reading is; a step that does not fit sets `failed`, and later ones do nothing. */
struct cursor {
    uint8_t *bytes;
    size_t at, end;
    bool failed;
};

static void put(struct cursor *cursor, const void *bytes, size_t length)
{
    if (cursor->failed || length > cursor->end - cursor->at) {
        cursor->failed = true;
        return;
    }
    if (length > 0)
        memcpy(cursor->bytes + cursor->at, bytes, length);
    cursor->at += length;
}

static void put_number(struct cursor *cursor, uint64_t number, size_t width)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> (8 * (width - 1 - i)));
    put(cursor, bytes, width);
}

static void put_text(struct cursor *cursor, const void *bytes, size_t length)
{
    put_number(cursor, length, 4);
    put(cursor, bytes, length);
}

static void put_name(struct cursor *cursor, krb5_const_principal name)
{
    put_number(cursor, (uint32_t)name->type, 4);
    put_number(cursor, (uint32_t)name->length, 4);
    put_text(cursor, name->realm.data, name->realm.length);
    for (krb5_int32 i = 0; i < name->length; i++)
        put_text(cursor, name->data[i].data, name->data[i].length);
}

static void put_creds(struct cursor *cursor, const krb5_creds *creds)
{
    put_number(cursor, (uint32_t)creds->ticket_flags, 4);
    put_number(cursor, (uint32_t)creds->is_skey, 4);
    put_number(cursor, (uint32_t)creds->times.authtime, 4);
    put_number(cursor, (uint32_t)creds->times.starttime, 4);
    put_number(cursor, (uint32_t)creds->times.renew_till, 4);
    put_number(cursor, (uint32_t)creds->keyblock.enctype, 4);
    put_name(cursor, creds->client);
    put_name(cursor, creds->server);
    put_text(cursor, creds->keyblock.contents, creds->keyblock.length);
    put_text(cursor, creds->ticket.data, creds->ticket.length);
}

static uint8_t *take(struct cursor *cursor, size_t length)
{
    uint8_t *const taken = cursor->bytes + cursor->at;

    if (cursor->failed || length > cursor->end - cursor->at) {
        cursor->failed = true;
        return NULL;
    }
    cursor->at += length;
    return taken;
}

static uint64_t take_number(struct cursor *cursor, size_t width)
{
    const uint8_t *const bytes = take(cursor, width);
    uint64_t number = 0;

    for (size_t i = 0; bytes != NULL && i < width; i++)
        number = number << 8 | bytes[i];
    return number;
}

static krb5_data take_text(struct cursor *cursor)
{
    const size_t length = (size_t)take_number(cursor, 4);

    return (krb5_data){ .data = (char *)take(cursor, length), .length = cursor->failed ? 0 : (unsigned)length };
}

/* `parts` has COMPONENTS_MAX. */
static void take_name(struct cursor *cursor, krb5_principal_data *name, krb5_data *parts)
{
    const uint32_t type = (uint32_t)take_number(cursor, 4);
    const uint32_t count = (uint32_t)take_number(cursor, 4);

    if (count > COMPONENTS_MAX)
        cursor->failed = true;
    *name = (krb5_principal_data){ .type = (krb5_int32)type, .data = parts };
    name->realm = take_text(cursor);
    for (uint32_t i = 0; i < count && !cursor->failed; i++)
        parts[i] = take_text(cursor);
    name->length = cursor->failed ? 0 : (krb5_int32)count;
}

/* A ticket out of the plaintext, into which its parts point until they are copied. */
static struct eca_ticket *take_ticket(struct cursor *cursor, int64_t end)
{
    krb5_data client_parts[COMPONENTS_MAX], server_parts[COMPONENTS_MAX];
    krb5_principal_data client, server;
    krb5_creds creds = { .client = &client, .server = &server };
    krb5_data key;

    creds.ticket_flags = (krb5_flags)take_number(cursor, 4);
    creds.is_skey = take_number(cursor, 4) != 0;
    creds.times.authtime = (krb5_timestamp)take_number(cursor, 4);
    creds.times.starttime = (krb5_timestamp)take_number(cursor, 4);
    creds.times.renew_till = (krb5_timestamp)take_number(cursor, 4);
    creds.times.endtime = (krb5_timestamp)(uint32_t)end;
    creds.keyblock.enctype = (krb5_enctype)take_number(cursor, 4);
    take_name(cursor, &client, client_parts);
    take_name(cursor, &server, server_parts);
    key = take_text(cursor);
    creds.ticket = take_text(cursor);
    if (cursor->failed || cursor->at != cursor->end || key.length > KEY_MAX)
        return NULL;
    creds.keyblock.contents = (krb5_octet *)key.data;
    creds.keyblock.length = key.length;
    return eca_ticket_create(&creds);
}

/* Starts a cipher over `header` as it stands in the record; NULL when libcrypto cannot. */
static EVP_CIPHER_CTX *start_cipher(bool encrypt, const uint8_t *record, const struct eca_ticket_record_form *form)
{
    EVP_CIPHER_CTX *const context = EVP_CIPHER_CTX_new();
    int length = 0;

    if (context != NULL
        && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, form->secret, record + HEADER_BYTES, encrypt ? 1 : 0)
               == 1
        && EVP_CipherUpdate(context, NULL, &length, (const uint8_t *)purpose, sizeof purpose) == 1
        && EVP_CipherUpdate(context, NULL, &length, form->key, ECA_TICKET_RECORD_KEY_BYTES) == 1
        && EVP_CipherUpdate(context, NULL, &length, record, HEADER_BYTES) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/* Encrypts the plaintext of the record where it stands, and puts the tag behind it. */
static bool encrypt(uint8_t *record, size_t plain_length, const struct eca_ticket_record_form *form)
{
    uint8_t *const text = record + HEADER_BYTES + NONCE_BYTES;
    EVP_CIPHER_CTX *context = NULL;
    int length = 0;
    bool done = false;

    if (RAND_bytes(record + HEADER_BYTES, NONCE_BYTES) == 1)
        context = start_cipher(true, record, form);
    done = context != NULL && EVP_CipherUpdate(context, text, &length, text, (int)plain_length) == 1
           && EVP_CipherFinal_ex(context, text + length, &length) == 1
           && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text + plain_length) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

/* Into plain[record.length - FRAME_BYTES]. */
static bool decrypt(uint8_t *plain, struct eca_slice record, const struct eca_ticket_record_form *form)
{
    const size_t plain_length = record.length - FRAME_BYTES;
    const uint8_t *const text = record.bytes + HEADER_BYTES + NONCE_BYTES;
    EVP_CIPHER_CTX *const context = start_cipher(false, record.bytes, form);
    int length = 0;
    const bool done = context != NULL && EVP_CipherUpdate(context, plain, &length, text, (int)plain_length) == 1
                      && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                                             (void *)(uintptr_t)(text + plain_length))
                             == 1
                      && EVP_CipherFinal_ex(context, plain + length, &length) == 1;

    EVP_CIPHER_CTX_free(context);
    return done;
}

bool eca_ticket_record_key(uint8_t out[ECA_TICKET_RECORD_KEY_BYTES], struct eca_slice scope, const char *sid,
                           const char *spn)
{
    EVP_MD_CTX *const context = EVP_MD_CTX_new();
    const bool made = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
                      && EVP_DigestUpdate(context, scope.bytes, scope.length) == 1
                      && EVP_DigestUpdate(context, sid, strlen(sid) + 1) == 1
                      && EVP_DigestUpdate(context, spn, strlen(spn)) == 1
                      && EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context);
    return made;
}

size_t eca_ticket_record_seal(uint8_t out[ECA_TICKET_RECORD_MAX], const struct eca_ticket *ticket,
                              const struct eca_ticket_record_form *form)
{
    struct cursor header = { .bytes = out, .end = HEADER_BYTES };
    struct cursor plain = { .bytes = out + HEADER_BYTES + NONCE_BYTES, .end = ECA_TICKET_RECORD_MAX - FRAME_BYTES };

    put_number(&header, VERSION, 1);
    put_number(&header, (uint64_t)eca_ticket_end(ticket), 8);
    put_creds(&plain, eca_ticket_creds(ticket));
    if (!plain.failed && encrypt(out, plain.at, form))
        return plain.at + FRAME_BYTES;
    OPENSSL_cleanse(out, ECA_TICKET_RECORD_MAX);
    return 0;
}

struct eca_ticket *eca_ticket_record_open(struct eca_slice record, const struct eca_ticket_record_form *form,
                                          int64_t now)
{
    struct cursor header = { .bytes = (uint8_t *)(uintptr_t)record.bytes, .end = HEADER_BYTES };
    struct cursor plain = { .bytes = NULL };
    struct eca_ticket *ticket = NULL;
    uint64_t end = 0;

    if (record.length < FRAME_BYTES || record.length > ECA_TICKET_RECORD_MAX || take_number(&header, 1) != VERSION)
        return NULL;
    end = take_number(&header, 8);
    if (end > UINT32_MAX || (int64_t)end <= now)
        return NULL;
    plain.end = record.length - FRAME_BYTES;
    plain.bytes = malloc(plain.end + 1);
    if (plain.bytes == NULL)
        return NULL;
    if (decrypt(plain.bytes, record, form))
        ticket = take_ticket(&plain, (int64_t)end);
    OPENSSL_cleanse(plain.bytes, plain.end);
    free(plain.bytes);
    return ticket;
}
