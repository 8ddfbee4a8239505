/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening cache records: whoever can write to the cache must not be able to choose a mailbox. */
#include "account_record.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define MAC_BYTES 32
#define TEXTS 4
#define HEADER_BYTES (4 + 8 + 4 + 4 + 8 + 2 * TEXTS)

/* Where writing or reading is; a step that does not fit sets `failed`, and later ones do nothing. */
struct cursor {
    uint8_t *out;
    struct eca_slice in;
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
        memcpy(cursor->out + cursor->at, bytes, length);
    cursor->at += length;
}

static void put_number(struct cursor *cursor, uint64_t number, size_t width)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> (8 * (width - 1 - i)));
    put(cursor, bytes, width);
}

static struct eca_slice take(struct cursor *cursor, size_t length)
{
    struct eca_slice taken = { cursor->in.bytes + cursor->at, length };

    if (cursor->failed || length > cursor->end - cursor->at) {
        cursor->failed = true;
        return (struct eca_slice){ NULL, 0 };
    }
    cursor->at += length;
    return taken;
}

static uint64_t take_number(struct cursor *cursor, size_t width)
{
    const struct eca_slice bytes = take(cursor, width);
    uint64_t number = 0;

    for (size_t i = 0; i < bytes.length; i++)
        number = number << 8 | bytes.bytes[i];
    return number;
}

struct eca_account_seal {
    EVP_MAC_CTX *keyed; /* copied for each MAC */
};

struct eca_account_seal *eca_account_seal_open(const uint8_t secret[ECA_ACCOUNT_RECORD_SECRET_BYTES])
{
    struct eca_account_seal *seal = calloc(1, sizeof *seal);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
                                      OSSL_PARAM_construct_end() };

    if (seal != NULL && hmac != NULL)
        seal->keyed = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (seal != NULL && seal->keyed != NULL
        && EVP_MAC_init(seal->keyed, secret, ECA_ACCOUNT_RECORD_SECRET_BYTES, parameters) == 1)
        return seal;
    eca_account_seal_close(seal);
    return NULL;
}

void eca_account_seal_close(struct eca_account_seal *seal)
{
    if (seal != NULL)
        EVP_MAC_CTX_free(seal->keyed);
    free(seal);
}

static bool make_mac(uint8_t mac[MAC_BYTES], struct eca_slice content, const struct eca_account_record_form *form)
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(form->seal->keyed);
    size_t length = 0;
    const bool made = context != NULL && EVP_MAC_update(context, form->key, ECA_ACCOUNT_RECORD_KEY_BYTES) == 1
                      && EVP_MAC_update(context, content.bytes, content.length) == 1
                      && EVP_MAC_final(context, mac, &length, MAC_BYTES) == 1 && length == MAC_BYTES;

    EVP_MAC_CTX_free(context);
    return made;
}

/* What may be kept: the outcomes of a mapping, never an outage. */
static bool is_kept(enum eca_account_fact fact)
{
    switch (fact) {
    case ECA_ACCOUNT_USABLE:
    case ECA_ACCOUNT_NOT_FOUND:
    case ECA_ACCOUNT_AMBIGUOUS:
    case ECA_ACCOUNT_WEAK:
    case ECA_ACCOUNT_PREDATED:
    case ECA_ACCOUNT_SID_MISMATCH:
        return true;
    default:
        return false;
    }
}

/* The member of an account that a form of EASRemoteUser needs beside the names; *size stays 0 for the others. */
static char *extra_of(struct eca_account *account, enum eca_remote_user form, size_t *size)
{
    switch (form) {
    case ECA_REMOTE_USER_MAIL:
        *size = sizeof account->mail;
        return account->mail;
    case ECA_REMOTE_USER_NETBIOS:
        *size = sizeof account->netbios;
        return account->netbios;
    case ECA_REMOTE_USER_ATTRIBUTE:
        *size = sizeof account->attribute;
        return account->attribute;
    case ECA_REMOTE_USER_UPN:
    case ECA_REMOTE_USER_SAM_ACCOUNT_NAME:
        break;
    }
    return NULL;
}

/* The texts in their order; of a refusal the sentence alone. */
static void list_texts(struct eca_slice texts[TEXTS], const struct eca_finding *finding, enum eca_remote_user form)
{
    struct eca_account *account = (struct eca_account *)(uintptr_t)&finding->account;
    size_t size = 0;
    const char *extra = extra_of(account, form, &size);

    memset(texts, 0, TEXTS * sizeof texts[0]);
    if (finding->fact != ECA_ACCOUNT_USABLE) {
        texts[0] = eca_slice_from_text(finding->detail.text);
        if (texts[0].length > ECA_ACCOUNT_RECORD_MAX - HEADER_BYTES - MAC_BYTES)
            texts[0].length = ECA_ACCOUNT_RECORD_MAX - HEADER_BYTES - MAC_BYTES;
        return;
    }
    texts[0] = eca_slice_from_text(account->sam_account_name);
    texts[1] = eca_slice_from_text(account->upn);
    texts[2] = eca_slice_from_text(account->dn);
    if (size > 0)
        texts[3] = eca_slice_from_text(extra);
}

size_t eca_account_record_write(uint8_t out[ECA_ACCOUNT_RECORD_MAX], const struct eca_finding *finding,
                                const struct eca_account_record_form *form)
{
    struct cursor cursor = { .out = out, .end = ECA_ACCOUNT_RECORD_MAX - MAC_BYTES };
    const bool found = finding->fact == ECA_ACCOUNT_USABLE;
    uint8_t sid[ECA_SID_BINARY_MAX];
    const size_t sid_length = found && finding->account.sid[0] != '\0' ? eca_sid_to_binary(sid, finding->account.sid)
                                                                       : 0;
    struct eca_slice texts[TEXTS];

    if (!is_kept(finding->fact))
        return 0;
    list_texts(texts, finding, form->remote);
    put_number(&cursor, VERSION, 1);
    put_number(&cursor, (uint64_t)finding->fact, 1);
    put_number(&cursor, (uint64_t)finding->kind, 1);
    put_number(&cursor, sid_length, 1);
    put_number(&cursor, (uint64_t)finding->found_at, 8);
    put_number(&cursor, found ? finding->account.user_account_control : 0, 4);
    put_number(&cursor, found ? finding->account.user_account_control_computed : 0, 4);
    put_number(&cursor, found ? (uint64_t)finding->account.account_expires : 0, 8);
    for (size_t i = 0; i < TEXTS; i++)
        put_number(&cursor, texts[i].length, 2);
    put(&cursor, sid, sid_length);
    for (size_t i = 0; i < TEXTS; i++)
        put(&cursor, texts[i].bytes, texts[i].length);
    if (cursor.failed || !make_mac(out + cursor.at, (struct eca_slice){ out, cursor.at }, form))
        return 0;
    return cursor.at + MAC_BYTES;
}

/* A text of the record into a member; it must fit, and hold no NUL that would shorten it. */
static void take_text(struct cursor *cursor, char *out, size_t size, size_t length)
{
    const struct eca_slice text = take(cursor, length);

    if (cursor->failed || length >= size || (length > 0 && memchr(text.bytes, '\0', length) != NULL)) {
        cursor->failed = true;
        return;
    }
    if (length > 0)
        memcpy(out, text.bytes, length);
    out[length] = '\0';
}

static void take_account(struct cursor *cursor, struct eca_account *account, size_t sid_length,
                         const size_t lengths[TEXTS], enum eca_remote_user form)
{
    const struct eca_slice sid = take(cursor, sid_length);
    size_t size = 0;
    char *extra = extra_of(account, form, &size);
    char memory[ECA_ACCOUNT_DOMAIN_MAX];
    struct eca_strbuf domain;

    if (sid_length > 0 && (cursor->failed || !eca_sid_to_text(account->sid, sid)))
        cursor->failed = true;
    take_text(cursor, account->sam_account_name, sizeof account->sam_account_name, lengths[0]);
    take_text(cursor, account->upn, sizeof account->upn, lengths[1]);
    take_text(cursor, account->dn, sizeof account->dn, lengths[2]);
    if (size > 0)
        take_text(cursor, extra, size, lengths[3]);
    else if (lengths[3] != 0)
        cursor->failed = true;
    eca_strbuf_init(&domain, memory, sizeof memory);
    if (eca_account_domain_from_dn(&domain, account->dn))
        memcpy(account->domain, memory, domain.length + 1);
}

static bool take_finding(struct cursor *cursor, struct eca_finding *out, enum eca_remote_user form)
{
    const uint64_t version = take_number(cursor, 1), fact = take_number(cursor, 1), kind = take_number(cursor, 1);
    const size_t sid_length = (size_t)take_number(cursor, 1);
    size_t lengths[TEXTS] = { 0 };

    out->found_at = (int64_t)take_number(cursor, 8);
    out->account.user_account_control = (uint32_t)take_number(cursor, 4);
    out->account.user_account_control_computed = (uint32_t)take_number(cursor, 4);
    out->account.account_expires = (int64_t)take_number(cursor, 8);
    for (size_t i = 0; i < TEXTS; i++)
        lengths[i] = (size_t)take_number(cursor, 2);
    if (cursor->failed || version != VERSION || kind >= ECA_MAPPING_KINDS || !is_kept((enum eca_account_fact)fact))
        return false;
    out->fact = (enum eca_account_fact)fact;
    out->kind = (enum eca_mapping_kind)kind;
    if (out->fact == ECA_ACCOUNT_USABLE)
        take_account(cursor, &out->account, sid_length, lengths, form);
    else
        take_text(cursor, out->detail.text, sizeof out->detail.text, lengths[0]);
    return !cursor->failed && cursor->at == cursor->end;
}

static bool has_length(struct eca_slice record)
{
    return record.length >= HEADER_BYTES + MAC_BYTES && record.length <= ECA_ACCOUNT_RECORD_MAX;
}

bool eca_account_record_read_again(struct eca_finding *out, struct eca_slice record,
                                   const struct eca_account_record_form *form, int64_t now)
{
    struct cursor cursor = { .in = record };

    if (!has_length(record))
        return false;
    cursor.end = record.length - MAC_BYTES;
    eca_account_clear(&out->account);
    out->detail.text[0] = '\0';
    return take_finding(&cursor, out, form->remote) && out->found_at >= 0
           && out->found_at <= now + ECA_ACCOUNT_RECORD_SKEW;
}

bool eca_account_record_read(struct eca_finding *out, struct eca_slice record,
                             const struct eca_account_record_form *form, int64_t now)
{
    const struct eca_slice content = { record.bytes, record.length - MAC_BYTES };
    uint8_t mac[MAC_BYTES];

    return has_length(record) && make_mac(mac, content, form)
           && CRYPTO_memcmp(mac, record.bytes + content.length, MAC_BYTES) == 0
           && eca_account_record_read_again(out, record, form, now);
}
