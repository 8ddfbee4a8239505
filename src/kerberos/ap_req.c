/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage before the request goes out: one AP-REQ for one request, framed for GSS-API and SPNEGO. Written here,
 * because krb5_mk_req_extended() derives the session key's keys anew for each.
 */
#include "ap_req.h"

#include "hot.h"
#include "kerberos_der.h"
#include "session_key.h"
#include "spnego.h"
#include "thread_context.h"
#include "thread_random.h"

#include <gssapi/gssapi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECKSUM_TYPE_GSS 0x8003
#define SUBKEY_MAX 64
#define AUTHENTICATOR_MAX 320 /* around the names: some 200 bytes with a sub-key of 32 */
#define AROUND_TICKET_MAX 384 /* confounder and checksum of the authenticator, the AP-REQ's own fields, framing */
#define USUAL_BYTES 6144      /* with tickets of some fifty groups; malloc() takes longer than writing a token */
#define AROUND_NAME_MAX 8     /* tags and lengths of one component */

/* What makes one token differ from the next. */
struct fresh {
    int64_t stamp;
    uint32_t sequence;
    krb5_keyblock subkey;
    uint8_t subkey_bytes[SUBKEY_MAX];
};

static const uint8_t ap_req_id[] = { 0x01, 0x00 }; /* TOK_ID, RFC 4121 4.1 */

static int64_t now_in_microseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A sub-key like the session key, and a sequence number of 30 bits: some acceptors take a larger one for negative. */
static krb5_error_code refresh(krb5_context context, struct eca_ticket *ticket, struct fresh *fresh)
{
    const krb5_enctype type = eca_ticket_creds(ticket)->keyblock.enctype;
    uint8_t seed[SUBKEY_MAX + sizeof fresh->sequence];
    krb5_data random = { .data = (char *)seed + sizeof fresh->sequence };
    krb5_error_code code = 0;
    size_t bytes = eca_session_key_bytes(type);
    size_t length = bytes;

    if (bytes == 0)
        code = krb5_c_keylengths(context, type, &bytes, &length);
    if (code != 0 || bytes > SUBKEY_MAX || length > SUBKEY_MAX)
        return code != 0 ? code : KRB5_BAD_KEYSIZE;
    if (!eca_thread_random_take(seed, sizeof fresh->sequence + bytes))
        return KRB5_CRYPTO_INTERNAL;
    random.length = (unsigned)bytes;
    memcpy(&fresh->sequence, seed, sizeof fresh->sequence);
    fresh->sequence &= 0x3fffffff;
    fresh->subkey = (krb5_keyblock){ .enctype = type, .length = (unsigned)length, .contents = fresh->subkey_bytes };
    if (eca_session_key_bytes(type) == bytes)
        memcpy(fresh->subkey_bytes, random.data, bytes);
    else
        code = krb5_c_random_to_key(context, type, &random, &fresh->subkey);
    explicit_bzero(seed, sizeof seed);
    fresh->stamp = eca_ticket_take_stamp(ticket, now_in_microseconds());
    return code;
}

/* ECA_TAG_SEQUENCE { [0] type, [1] OCTET STRING }: EncryptionKey and Checksum (RFC 4120 5.2.9). */
ECA_HOT static void put_typed_bytes(struct eca_der_writer *der, unsigned field, int64_t type, const void *bytes,
                                    size_t length)
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

/* RFC 4120 5.5.1 */
static void put_authenticator(struct eca_der_writer *der, krb5_const_principal client, const struct fresh *fresh,
                              bool mutual)
{
    const size_t end = der->start;

    eca_kerberos_put_integer(der, 7, fresh->sequence);
    put_typed_bytes(der, 6, fresh->subkey.enctype, fresh->subkey.contents, fresh->subkey.length);
    eca_kerberos_put_time(der, 5, (time_t)(fresh->stamp / 1000000));
    eca_kerberos_put_integer(der, 4, fresh->stamp % 1000000);
    put_checksum(der, 3, mutual);
    put_name(der, 2, client);
    eca_kerberos_put_bytes(der, 1, ECA_TAG_GENERAL_STRING, client->realm.data, client->realm.length);
    eca_kerberos_put_integer(der, 0, 5);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_AUTHENTICATOR, end);
}

/* RFC 4120 5.5.1; the authenticator's ciphertext is in place already, where the memory ends. */
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

static size_t token_max(const krb5_creds *creds)
{
    return authenticator_max(creds) + AROUND_TICKET_MAX + creds->ticket.length;
}

size_t eca_ap_req_text_max(const struct eca_ticket *ticket)
{
    return (token_max(eca_ticket_creds(ticket)) + 2) / 3 * 4;
}

/* The authenticator, written into `plain`, goes sealed to the end of the token. */
static krb5_error_code seal(krb5_context context, struct eca_ticket *ticket, const struct eca_der_writer *plain,
                            size_t plain_size, struct eca_der_writer *token)
{
    const krb5_data text = { .data = (char *)plain->memory + plain->start,
                             .length = (unsigned)(plain_size - plain->start) };
    krb5_enc_data sealed = { .magic = 0 };
    const krb5_enctype type = eca_ticket_creds(ticket)->keyblock.enctype;
    size_t length = text.length + ECA_SESSION_KEY_AROUND;
    krb5_error_code code = 0;

    if (eca_session_key_bytes(type) == 0)
        code = krb5_c_encrypt_length(context, type, text.length, &length);
    if (code != 0 || plain->overflow || length > token->start)
        return code != 0 ? code : KRB5_PARSE_MALFORMED;
    token->start -= length;
    sealed.ciphertext = (krb5_data){ .data = (char *)token->memory + token->start, .length = (unsigned)length };
    return eca_ticket_encrypt(ticket, context, KRB5_KEYUSAGE_AP_REQ_AUTH, &text, &sealed);
}

/* Behind each other in `memory`: the authenticator, then the token. */
static krb5_error_code write_token(krb5_context context, struct eca_ticket *ticket, int64_t *stamp, uint8_t *memory,
                                   struct eca_slice *out)
{
    const krb5_creds *creds = eca_ticket_creds(ticket);
    const size_t plain_size = authenticator_max(creds);
    const size_t size = token_max(creds);
    struct eca_der_writer plain;
    struct eca_der_writer token;
    struct fresh fresh;
    krb5_error_code code = refresh(context, ticket, &fresh);

    if (code != 0)
        return code;
    eca_der_writer_init(&plain, memory, plain_size);
    put_authenticator(&plain, creds->client, &fresh, stamp != NULL);
    explicit_bzero(fresh.subkey_bytes, sizeof fresh.subkey_bytes);
    eca_der_writer_init(&token, memory + plain_size, size);
    code = seal(context, ticket, &plain, plain_size, &token);
    put_ap_req(&token, creds, stamp != NULL, size);
    put_frame(&token, size);
    *out = (struct eca_slice){ token.memory + token.start, size - token.start };
    if (stamp != NULL)
        *stamp = fresh.stamp;
    return code == 0 && token.overflow ? KRB5_PARSE_MALFORMED : code;
}

static bool fail(krb5_context context, krb5_error_code code, struct eca_error *err)
{
    const char *const message = krb5_get_error_message(context, code);

    eca_error_set(err, "no AP-REQ: %s", message);
    krb5_free_error_message(context, message);
    return false;
}

static krb5_error_code check_ticket(const struct eca_ticket *ticket)
{
    const krb5_data *data = &eca_ticket_creds(ticket)->ticket;

    if (data->length == 0 || (uint8_t)data->data[0] != ECA_TAG_TICKET)
        return KRB5KRB_AP_ERR_BADVERSION;
    return eca_ticket_end(ticket) <= now_in_microseconds() / 1000000 ? KRB5KRB_AP_ERR_TKT_EXPIRED : 0;
}

ECA_HOT bool eca_ap_req_make(struct eca_strbuf *out, struct eca_ticket *ticket, int64_t *stamp, struct eca_error *err)
{
    const size_t size = authenticator_max(eca_ticket_creds(ticket)) + token_max(eca_ticket_creds(ticket));
    uint8_t usual[USUAL_BYTES];
    krb5_context context = eca_thread_context(err);
    krb5_error_code code = check_ticket(ticket);
    struct eca_slice token = { NULL, 0 };
    uint8_t *memory = NULL;

    if (context == NULL)
        return false;
    if (code != 0)
        return fail(context, code, err);
    memory = size <= sizeof usual ? usual : malloc(size);
    if (memory == NULL)
        return eca_error_set(err, "no memory for a token of %zu bytes", size);
    code = write_token(context, ticket, stamp, memory, &token);
    if (code == 0)
        eca_strbuf_base64(out, token);
    explicit_bzero(memory, size);
    if (memory != usual)
        free(memory);
    if (code != 0)
        return fail(context, code, err);
    return out->overflow ? eca_error_set(err, "the token of %zu bytes does not fit into the header", token.length)
                         : true;
}
