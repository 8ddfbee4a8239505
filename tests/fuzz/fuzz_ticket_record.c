/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket records: the input is a record's plaintext, sealed here, because nothing gets past a wrong tag. */
#include "fuzz.h"
#include "ticket_record.h"

#include <openssl/evp.h>
#include <string.h>

#define HEADER 9
#define NONCE 12
#define TAG 16

static const char purpose[] = "eas-certauth ticket";
static const uint8_t key[ECA_TICKET_RECORD_KEY_BYTES], secret[ECA_TICKET_RECORD_SECRET_BYTES];

/* Version 1, the last end there is, a nonce of zeros. */
static void seal(uint8_t *record, const uint8_t *bytes, size_t length)
{
    EVP_CIPHER_CTX *const context = EVP_CIPHER_CTX_new();
    uint8_t *const text = record + HEADER + NONCE;
    int done = 0;

    memset(record, 0, HEADER + NONCE);
    record[0] = 1;
    memset(record + 5, 0xff, 4);
    MUST(context != NULL);
    MUST(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, secret, record + HEADER) == 1);
    MUST(EVP_EncryptUpdate(context, NULL, &done, (const uint8_t *)purpose, sizeof purpose) == 1);
    MUST(EVP_EncryptUpdate(context, NULL, &done, key, sizeof key) == 1);
    MUST(EVP_EncryptUpdate(context, NULL, &done, record, HEADER) == 1);
    MUST(length == 0 || EVP_EncryptUpdate(context, text, &done, bytes, (int)length) == 1);
    MUST(EVP_EncryptFinal_ex(context, text + length, &done) == 1);
    MUST(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG, text + length) == 1);
    EVP_CIPHER_CTX_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[ECA_TICKET_RECORD_MAX];
    const struct eca_ticket_record_form form = { secret, key };
    const size_t size = HEADER + NONCE + length + TAG;
    uint8_t *const record = malloc(size);
    struct eca_ticket *ticket = NULL;

    if (record == NULL || size > ECA_TICKET_RECORD_MAX) {
        free(record);
        return 0;
    }
    seal(record, bytes, length);
    ticket = eca_ticket_record_open((struct eca_slice){ record, size }, &form, 0);
    if (ticket != NULL)
        MUST(eca_ticket_record_seal(again, ticket, &form) == size);
    eca_ticket_release(ticket);
    free(record);
    return 0;
}
