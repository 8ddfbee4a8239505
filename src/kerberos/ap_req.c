/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage before the request goes out: one AP-REQ for one request, framed for GSS-API and SPNEGO. */
#include "ap_req.h"

#include <gssapi/gssapi.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHECKSUM_TYPE_GSS 0x8003
#define AP_REQ_MAX 0x100000   /* no backend takes a header of this size, and three length bytes are enough */
#define AROUND_TICKET_MAX 768 /* framing, authenticator with sub-key and checksum, padding: some 330 bytes */
#define AROUND_NAME_MAX 8     /* tags and lengths of one component */
#define FRAMING_MAX 80        /* everything around the AP-REQ takes 66 bytes at most */

/* DER written from its end: whatever comes next is put in front, when its length is known. */
struct token {
    uint8_t *memory;
    size_t size;
    size_t start; /* of what is written; it ends with the memory */
};

/*
 * RFC 4121 4.1.1: Lgth 16, Bnd 16 zero bytes (no channel binding: EASBackendReuse has connections of its own), Flags
 * GSS_C_CONF_FLAG and GSS_C_INTEG_FLAG, as MIT's gss_init_sec_context() sets when nothing is asked for.
 */
static const char gss_checksum[24] = { 16, [20] = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG };

/* 1.2.840.113554.1.2.2 (RFC 4121) and, behind it, TOK_ID of an AP-REQ (4.1) */
static const uint8_t krb5_mechanism[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t ap_req_id[] = { 0x01, 0x00 };

/* 1.3.6.1.5.5.2 (RFC 4178) */
static const uint8_t spnego_mechanism[] = { 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02 };

static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool context_key_made;

static void free_context(void *context)
{
    krb5_free_context(context);
}

static void make_context_key(void)
{
    context_key_made = pthread_key_create(&context_key, free_context) == 0;
}

/* When the module is unloaded: a thread that ends later must not call free_context(), which is gone by then. */
__attribute__((destructor)) static void delete_context_key(void)
{
    if (context_key_made)
        (void)pthread_key_delete(context_key);
}

/* This thread's context: making one reads krb5.conf and takes longer than everything else here. */
static krb5_context thread_context(struct eca_error *err)
{
    krb5_context context = NULL;
    krb5_error_code code = 0;

    pthread_once(&context_once, make_context_key);
    if (!context_key_made) {
        eca_error_set(err, "no thread-specific memory for a krb5_context");
        return NULL;
    }
    context = pthread_getspecific(context_key);
    if (context != NULL)
        return context;
    code = krb5_init_context(&context);
    if (code != 0) {
        eca_error_set(err, "krb5.conf cannot be read (%s)", krb5_get_error_message(NULL, code));
        return NULL;
    }
    if (pthread_setspecific(context_key, context) != 0) {
        krb5_free_context(context);
        eca_error_set(err, "no memory for a krb5_context");
        return NULL;
    }
    return context;
}

static bool token_open(struct token *token, size_t size)
{
    token->memory = malloc(size);
    token->size = size;
    token->start = size;
    return token->memory != NULL;
}

static void token_close(struct token *token)
{
    if (token->memory != NULL)
        explicit_bzero(token->memory, token->size);
    free(token->memory);
}

static bool put(struct token *token, const void *bytes, size_t length)
{
    if (length > token->start)
        return false;
    token->start -= length;
    memcpy(token->memory + token->start, bytes, length);
    return true;
}

/* Tag and length in front of all that is written so far. */
static bool put_header(struct token *token, uint8_t tag)
{
    const size_t length = token->size - token->start;
    const uint8_t high = (uint8_t)(length >> 16);
    const uint8_t middle = (uint8_t)(length >> 8);
    const uint8_t low = (uint8_t)length;

    if (length <= 0x7f)
        return put(token, (const uint8_t[]){ tag, low }, 2);
    if (length <= 0xff)
        return put(token, (const uint8_t[]){ tag, 0x81, low }, 3);
    if (length <= 0xffff)
        return put(token, (const uint8_t[]){ tag, 0x82, middle, low }, 4);
    return length <= 0xffffff && put(token, (const uint8_t[]){ tag, 0x83, high, middle, low }, 5);
}

/*
 * [APPLICATION 0] { spnego, [0] NegTokenInit }                    RFC 2743 3.1, RFC 4178 4.2
 * NegTokenInit = SEQUENCE { [0] mechTypes SEQUENCE { krb5 }, [2] mechToken OCTET STRING }
 * mechToken    = [APPLICATION 0] { krb5, 01 00, AP-REQ }          RFC 4121 4.1
 */
static bool frame(struct token *token, const krb5_data *ap_req)
{
    static const uint8_t mech_types[] = { 0xa0, 2 + sizeof krb5_mechanism, 0x30, sizeof krb5_mechanism };

    bool good = put(token, ap_req->data, ap_req->length);

    good = good && put(token, ap_req_id, sizeof ap_req_id);
    good = good && put(token, krb5_mechanism, sizeof krb5_mechanism);
    good = good && put_header(token, 0x60);
    good = good && put_header(token, 0x04);
    good = good && put_header(token, 0xa2);
    good = good && put(token, krb5_mechanism, sizeof krb5_mechanism);
    good = good && put(token, mech_types, sizeof mech_types);
    good = good && put_header(token, 0x30);
    good = good && put_header(token, 0xa0);
    good = good && put(token, spnego_mechanism, sizeof spnego_mechanism);
    return good && put_header(token, 0x60);
}

/* On success the caller wipes and frees ap_req->data. */
static krb5_error_code make_ap_req(krb5_context context, const struct eca_ticket *ticket, krb5_data *ap_req)
{
    krb5_data checksum = { .data = (char *)gss_checksum, .length = sizeof gss_checksum };
    krb5_auth_context auth = NULL;
    krb5_error_code code = krb5_auth_con_init(context, &auth);

    if (code != 0)
        return code;
    code = krb5_auth_con_setflags(context, auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE);
    if (code == 0)
        code = krb5_auth_con_set_req_cksumtype(context, auth, CHECKSUM_TYPE_GSS);
    /* libkrb5 only reads the credentials: it copies the key, decodes the ticket and gives the name back. */
    if (code == 0)
        code = krb5_mk_req_extended(context, &auth, AP_OPTS_USE_SUBKEY, &checksum,
                                    (krb5_creds *)eca_ticket_creds(ticket), ap_req);
    krb5_auth_con_free(context, auth);
    return code;
}

static bool append_base64(struct eca_strbuf *out, const struct token *token, struct eca_error *err)
{
    const size_t length = token->size - token->start;
    const size_t text_length = (length + 2) / 3 * 4;
    unsigned char *const text = malloc(text_length + 1);

    if (text == NULL)
        return eca_error_set(err, "no memory for a token of %zu bytes", length);
    EVP_EncodeBlock(text, token->memory + token->start, (int)length);
    eca_strbuf_append(out, text, text_length);
    explicit_bzero(text, text_length);
    free(text);
    return out->overflow ? eca_error_set(err, "the token of %zu characters does not fit into the header", text_length)
                         : true;
}

size_t eca_ap_req_text_max(const struct eca_ticket *ticket)
{
    const krb5_creds *creds = eca_ticket_creds(ticket);
    size_t bytes = AROUND_TICKET_MAX + creds->ticket.length + creds->client->realm.length;

    for (krb5_int32 i = 0; i < creds->client->length; i++)
        bytes += creds->client->data[i].length + AROUND_NAME_MAX;
    return (bytes + 2) / 3 * 4;
}

bool eca_ap_req_make(struct eca_strbuf *out, const struct eca_ticket *ticket, struct eca_error *err)
{
    krb5_context context = thread_context(err);
    krb5_data ap_req = { .data = NULL };
    struct token token = { .memory = NULL };
    krb5_error_code code = 0;
    bool good = false;

    if (context == NULL)
        return false;
    code = make_ap_req(context, ticket, &ap_req);
    if (code != 0) {
        const char *const message = krb5_get_error_message(context, code);

        eca_error_set(err, "no AP-REQ: %s", message);
        krb5_free_error_message(context, message);
        return false;
    }
    if (ap_req.length > AP_REQ_MAX)
        good = eca_error_set(err, "the AP-REQ has %u bytes", ap_req.length);
    else if (!token_open(&token, ap_req.length + FRAMING_MAX) || !frame(&token, &ap_req))
        good = eca_error_set(err, "no memory for an AP-REQ of %u bytes", ap_req.length);
    else
        good = append_base64(out, &token, err);
    token_close(&token);
    explicit_bzero(ap_req.data, ap_req.length);
    krb5_free_data_contents(context, &ap_req);
    return good;
}
