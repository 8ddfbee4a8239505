/* SPDX-License-Identifier: Apache-2.0 */
/* The writing of an AP-REQ, framed for GSS-API and SPNEGO; krb5_mk_req_extended() derives keys anew for each. */
#include "token_form.h"

#include "hot.h"
#include "kerberos_der.h"
#include "spnego.h"

#include <errno.h>
#include <gssapi/gssapi.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CHECKSUM_TYPE_GSS 0x8003
#define MICROSECONDS_BYTES 3
#define SEQUENCE_BYTES 4
#define AUTHENTICATOR_MAX 320 /* around the names: some 200 bytes with a sub-key of 32 */
#define AROUND_TICKET_MAX 384 /* confounder and checksum of the authenticator, the AP-REQ's own fields, framing */
#define AROUND_NAME_MAX 8     /* tags and lengths of one component */

static const uint8_t ap_req_id[] = { 0x01, 0x00 }; /* TOK_ID, RFC 4121 4.1 */

/* SEQUENCE { [0] type, [1] OCTET STRING }: EncryptionKey and Checksum (RFC 4120 5.2.9). */
static void put_typed_bytes(struct eca_der_writer *der, unsigned field, int64_t type, const void *bytes, size_t length)
{
    const size_t end = der->start;

    eca_kerberos_put_bytes(der, 1, ECA_TAG_OCTET_STRING, bytes, length);
    eca_kerberos_put_integer(der, 0, type);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

/* RFC 4120 5.2.2 */
static void put_name(struct eca_der_writer *der, unsigned field, krb5_const_principal name)
{
    const size_t end = der->start;

    for (krb5_int32 i = name->length; i > 0; i--)
        eca_der_put_element(der, ECA_TAG_GENERAL_STRING, name->data[i - 1].data, name->data[i - 1].length);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 1, end);
    eca_kerberos_put_integer(der, 0, name->type);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, (uint8_t)(ECA_TAG_CONTEXT + field), end);
}

/*
 * RFC 4121 4.1.1: Lgth 16, Bnd 16 zero bytes (no channel binding: EASBackendReuse has connections of its own), Flags
 * GSS_C_CONF_FLAG and GSS_C_INTEG_FLAG, as MIT's gss_init_sec_context() sets when nothing is asked for.
 */
static void put_checksum(struct eca_der_writer *der, unsigned field, bool mutual)
{
    const uint8_t checksum[24] = { 16, [20] = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | (mutual ? GSS_C_MUTUAL_FLAG : 0) };

    put_typed_bytes(der, field, CHECKSUM_TYPE_GSS, checksum, sizeof checksum);
}

/* RFC 4120 5.5.1, with blanks; where they are goes into `form`: each is the last of what is put with it. */
static void put_authenticator(struct eca_der_writer *der, const krb5_creds *creds, bool mutual,
                              struct eca_token_form *form)
{
    static const uint8_t blank[ECA_TOKEN_SUBKEY_MAX];
    const size_t end = der->start;

    form->sequence_at = der->start - SEQUENCE_BYTES;
    eca_kerberos_put_integer(der, 7, ECA_TOKEN_SEQUENCE_MIN);
    form->subkey_at = der->start - form->subkey_length;
    put_typed_bytes(der, 6, creds->keyblock.enctype, blank, form->subkey_length);
    form->time_at = der->start - ECA_KERBEROS_TIME_LENGTH;
    eca_kerberos_put_time(der, 5, 0);
    form->microseconds_at = der->start - MICROSECONDS_BYTES;
    eca_kerberos_put_integer(der, 4, ECA_TOKEN_MICROSECONDS_MIN);
    put_checksum(der, 3, mutual);
    put_name(der, 2, creds->client);
    eca_kerberos_put_bytes(der, 1, ECA_TAG_GENERAL_STRING, creds->client->realm.data, creds->client->realm.length);
    eca_kerberos_put_integer(der, 0, 5);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_AUTHENTICATOR, end);
    form->sequence_at -= der->start;
    form->subkey_at -= der->start;
    form->time_at -= der->start;
    form->microseconds_at -= der->start;
}

/* RFC 4120 5.5.1; the authenticator's ciphertext is between der->start and `end`. */
static void put_ap_req(struct eca_der_writer *der, const krb5_creds *creds, bool mutual, size_t end)
{
    const uint8_t options[] = { 0, mutual ? 0x20 : 0, 0, 0, 0 };
    size_t ticket_end = 0;

    eca_der_close(der, ECA_TAG_OCTET_STRING, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 2, end);
    eca_kerberos_put_integer(der, 0, creds->keyblock.enctype);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 4, end);
    ticket_end = der->start;
    eca_der_put(der, creds->ticket.data, creds->ticket.length);
    eca_der_close(der, ECA_TAG_CONTEXT + 3, ticket_end);
    eca_kerberos_put_bytes(der, 2, ECA_TAG_BIT_STRING, options, sizeof options);
    eca_kerberos_put_integer(der, 1, 14);
    eca_kerberos_put_integer(der, 0, 5);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_AP_REQ, end);
}

/* [APPLICATION 0] { krb5, 01 00, AP-REQ } (RFC 4121 4.1), in SPNEGO. */
static void put_frame(struct eca_der_writer *der, size_t end)
{
    eca_der_put(der, ap_req_id, sizeof ap_req_id);
    eca_der_put(der, eca_krb5_mechanism, sizeof eca_krb5_mechanism);
    eca_der_close(der, ECA_TAG_GSS_INITIAL, end);
    eca_spnego_close(der, end);
}

static size_t authenticator_max(const krb5_creds *creds)
{
    size_t bytes = AUTHENTICATOR_MAX + creds->client->realm.length;

    for (krb5_int32 i = 0; i < creds->client->length; i++)
        bytes += creds->client->data[i].length + AROUND_NAME_MAX;
    return bytes;
}

/* The authenticator's own bytes, with empty blanks. */
static krb5_error_code draw_authenticator(krb5_context context, const krb5_creds *creds, bool mutual,
                                          struct eca_token_form *form, struct eca_der_writer *plain)
{
    const krb5_enctype type = creds->keyblock.enctype;
    const size_t size = plain->start;
    krb5_error_code code = krb5_c_keylengths(context, type, &form->seed_length, &form->subkey_length);

    if (code != 0 || form->seed_length > ECA_TOKEN_SUBKEY_MAX || form->subkey_length > ECA_TOKEN_SUBKEY_MAX)
        return code != 0 ? code : KRB5_BAD_KEYSIZE;
    put_authenticator(plain, creds, mutual, form);
    form->plain_length = size - plain->start;
    if (plain->overflow)
        return KRB5_PARSE_MALFORMED;
    return krb5_c_encrypt_length(context, type, form->plain_length, &form->sealed_length);
}

/* All of the token that goes before the authenticator's ciphertext. */
static krb5_error_code draw_head(const krb5_creds *creds, bool mutual, const struct eca_token_form *form,
                                 struct eca_der_writer *token, struct eca_slice *out)
{
    const size_t size = token->start;

    if (form->sealed_length > size)
        return KRB5_PARSE_MALFORMED;
    token->start -= form->sealed_length;
    put_ap_req(token, creds, mutual, size);
    put_frame(token, size);
    *out = (struct eca_slice){ token->memory + token->start, size - form->sealed_length - token->start };
    return token->overflow ? KRB5_PARSE_MALFORMED : 0;
}

static struct eca_token_form *put_together(const struct eca_token_form *draft, const uint8_t *plain,
                                           struct eca_slice head)
{
    const size_t rest_length = head.length % 3;
    const size_t whole = head.length - rest_length;
    const size_t text_length = whole / 3 * 4;
    const size_t size = sizeof *draft + draft->plain_length + text_length + 1; /* EVP_EncodeBlock() ends with NUL */
    struct eca_token_form *form = malloc(size);

    if (form == NULL)
        return NULL;
    *form = *draft;
    form->size = size;
    form->text_length = text_length;
    form->rest_length = rest_length;
    memcpy(form->rest, head.bytes + whole, rest_length);
    memcpy(form->bytes, plain, form->plain_length);
    (void)EVP_EncodeBlock(form->bytes + form->plain_length, head.bytes, (int)whole);
    return form;
}

krb5_error_code eca_token_form_create(krb5_context context, const krb5_creds *creds, bool mutual,
                                      struct eca_token_form **out)
{
    const size_t plain_size = authenticator_max(creds);
    const size_t size = plain_size + AROUND_TICKET_MAX + creds->ticket.length;
    uint8_t *memory = malloc(plain_size + size);
    struct eca_token_form draft = { .size = 0 };
    struct eca_slice head = { NULL, 0 };
    struct eca_der_writer plain, token;
    krb5_error_code code = 0;

    *out = NULL;
    if (memory == NULL)
        return ENOMEM;
    eca_der_writer_init(&plain, memory, plain_size);
    eca_der_writer_init(&token, memory + plain_size, size);
    code = draw_authenticator(context, creds, mutual, &draft, &plain);
    if (code == 0)
        code = draw_head(creds, mutual, &draft, &token, &head);
    if (code == 0) {
        *out = put_together(&draft, memory + plain.start, head);
        code = *out != NULL ? 0 : ENOMEM;
    }
    explicit_bzero(memory, plain_size + size);
    free(memory);
    return code;
}

void eca_token_form_free(struct eca_token_form *form)
{
    if (form == NULL)
        return;
    explicit_bzero(form, form->size);
    free(form);
}

ECA_HOT static void write_number(uint8_t *out, size_t bytes, uint32_t number)
{
    for (; bytes > 0; number >>= 8)
        out[--bytes] = (uint8_t)number;
}

ECA_HOT bool eca_token_form_fill(const struct eca_token_form *form, const struct eca_token_blanks *blanks,
                                 uint8_t *plain)
{
    const uint32_t microseconds = (uint32_t)(blanks->stamp % 1000000);

    if (blanks->stamp < 0 || microseconds < ECA_TOKEN_MICROSECONDS_MIN || blanks->sequence < ECA_TOKEN_SEQUENCE_MIN
        || blanks->sequence > ECA_TOKEN_SEQUENCE_MASK)
        return false;
    memcpy(plain, form->bytes, form->plain_length);
    memcpy(plain + form->subkey_at, blanks->subkey, form->subkey_length);
    write_number(plain + form->sequence_at, SEQUENCE_BYTES, blanks->sequence);
    write_number(plain + form->microseconds_at, MICROSECONDS_BYTES, microseconds);
    return eca_kerberos_write_time((char *)plain + form->time_at, (time_t)(blanks->stamp / 1000000));
}

ECA_HOT size_t eca_token_form_text_length(const struct eca_token_form *form)
{
    return form->text_length + (form->rest_length + form->sealed_length + 2) / 3 * 4;
}

ECA_HOT void eca_token_form_write(const struct eca_token_form *form, struct eca_strbuf *out, uint8_t *sealed)
{
    uint8_t *const tail = sealed + ECA_TOKEN_REST_MAX - form->rest_length;

    if (eca_token_form_text_length(form) >= out->capacity - out->length) {
        out->overflow = true;
        return;
    }
    memcpy(tail, form->rest, form->rest_length);
    eca_strbuf_append(out, form->bytes + form->plain_length, form->text_length);
    eca_strbuf_base64(out, (struct eca_slice){ tail, form->rest_length + form->sealed_length });
}
