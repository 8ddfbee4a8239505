/* SPDX-License-Identifier: Apache-2.0 */
#include "make_ticket.h"

#include "sid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KVNO 3
#define PAC_BUFFER 24    /* where the only buffer of the PAC starts */
#define SID_OFFSET 20    /* in that buffer */
#define PAC_UPN_DNS_INFO 12

const struct session_type session_types[] = {
    { "AES256", ENCTYPE_AES256_CTS_HMAC_SHA1_96, 32 },
    { "AES128", ENCTYPE_AES128_CTS_HMAC_SHA1_96, 16 },
    { "AES256 with SHA-2", ENCTYPE_AES256_CTS_HMAC_SHA384_192, 32 },
    { "AES128 with SHA-2", ENCTYPE_AES128_CTS_HMAC_SHA256_128, 16 },
    { "RC4", ENCTYPE_ARCFOUR_HMAC, 16 },
};

/* DER from its end: an element is closed by writing tag and length before all since `end`. */
struct der {
    uint8_t memory[4096];
    size_t start;
};

static void put(struct der *der, const void *bytes, size_t length)
{
    assert_true(length <= der->start);
    der->start -= length;
    memcpy(der->memory + der->start, bytes, length);
}

static void close_element(struct der *der, uint8_t tag, size_t end)
{
    const size_t length = end - der->start;
    const uint8_t header[] = { tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length };

    put(der, header, sizeof header);
}

static void put_element(struct der *der, uint8_t tag, const void *bytes, size_t length)
{
    const size_t end = der->start;

    put(der, bytes, length);
    close_element(der, tag, end);
}

/* [n] of a SEQUENCE, with one primitive inside. */
static void put_field(struct der *der, uint8_t number, uint8_t tag, const void *bytes, size_t length)
{
    const size_t end = der->start;

    put_element(der, tag, bytes, length);
    close_element(der, (uint8_t)(0xa0 + number), end);
}

static void put_number(struct der *der, uint8_t number, uint8_t value)
{
    put_field(der, number, 0x02, &value, 1);
}

static void put_time(struct der *der, uint8_t number, int64_t when)
{
    const time_t seconds = (time_t)when;
    struct tm parts;
    char text[32];

    assert_non_null(gmtime_r(&seconds, &parts));
    put_field(der, number, 0x18, text, strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts));
}

/* PrincipalName = SEQUENCE { [0] INTEGER, [1] SEQUENCE OF GeneralString } */
static void put_name(struct der *der, uint8_t number, krb5_const_principal name)
{
    const size_t end = der->start;

    for (krb5_int32 i = name->length; i > 0; i--)
        put_element(der, 0x1b, name->data[i - 1].data, name->data[i - 1].length);
    close_element(der, 0x30, end);
    close_element(der, 0xa1, end);
    put_number(der, 0, KRB5_NT_PRINCIPAL);
    close_element(der, 0x30, end);
    close_element(der, (uint8_t)(0xa0 + number), end);
}

/* PACTYPE with one buffer (MS-PAC 2.3, 2.10); returns its length. */
static size_t write_pac(uint8_t *out, const char *sid)
{
    uint8_t *const buffer = out + PAC_BUFFER;
    const size_t length = eca_sid_to_binary(buffer + SID_OFFSET, sid);

    assert_true(length > 0);
    memset(out, 0, PAC_BUFFER + SID_OFFSET);
    out[0] = 1;
    out[8] = PAC_UPN_DNS_INFO;
    out[12] = (uint8_t)(SID_OFFSET + length);
    out[16] = PAC_BUFFER;
    buffer[8] = 2;
    buffer[16] = (uint8_t)length;
    buffer[18] = SID_OFFSET;
    return PAC_BUFFER + SID_OFFSET + length;
}

static void put_authorization_data(struct der *der, const char *sid)
{
    static const uint8_t type[] = { 0x00, KRB5_AUTHDATA_WIN2K_PAC };
    const size_t end = der->start;
    uint8_t pac[PAC_BUFFER + SID_OFFSET + ECA_SID_BINARY_MAX];
    const size_t length = write_pac(pac, sid);

    put_field(der, 1, 0x04, pac, length);
    put_field(der, 0, 0x02, type, sizeof type);
    close_element(der, 0x30, end);
    close_element(der, 0x30, end);
    close_element(der, 0xaa, end);
}

/* EncryptedData's and EncryptionKey's likeness: SEQUENCE { [0] type, [1] key } */
static void put_key(struct der *der, uint8_t number, const krb5_keyblock *key)
{
    const size_t end = der->start;

    put_field(der, 1, 0x04, key->contents, key->length);
    put_number(der, 0, (uint8_t)key->enctype);
    close_element(der, 0x30, end);
    close_element(der, (uint8_t)(0xa0 + number), end);
}

/* EncTicketPart, RFC 4120 5.3 */
static void put_inner(struct der *der, const struct ticket_recipe *recipe, krb5_const_principal client,
                      const krb5_keyblock *session)
{
    const uint8_t flags[] = { 0, (uint8_t)((uint32_t)recipe->flags >> 24), (uint8_t)(recipe->flags >> 16), 0, 0 };
    const size_t end = der->start;
    size_t inner = 0;

    if (recipe->sid != NULL)
        put_authorization_data(der, recipe->sid);
    put_time(der, 7, recipe->end);
    put_time(der, 5, recipe->end - 7200);
    inner = der->start;
    put_field(der, 1, 0x04, "", 0);
    put_number(der, 0, 1);
    close_element(der, 0x30, inner);
    close_element(der, 0xa4, inner);
    put_name(der, 3, client);
    put_field(der, 2, 0x1b, client->realm.data, client->realm.length);
    put_key(der, 1, session);
    put_field(der, 0, 0x03, flags, sizeof flags);
    close_element(der, 0x30, end);
    close_element(der, 0x63, end);
}

static void encrypt(krb5_context context, const krb5_keyblock *key, const struct der *der, krb5_enc_data *out)
{
    const krb5_data plain = { .data = (char *)der->memory + der->start,
                              .length = (unsigned)(sizeof der->memory - der->start) };
    size_t length = 0;

    assert_int_equal(krb5_c_encrypt_length(context, key->enctype, plain.length, &length), 0);
    out->ciphertext.data = malloc(length);
    out->ciphertext.length = (unsigned)length;
    assert_non_null(out->ciphertext.data);
    assert_int_equal(krb5_c_encrypt(context, key, KRB5_KEYUSAGE_KDC_REP_TICKET, NULL, &plain, out), 0);
}

/* Ticket, RFC 4120 5.3 */
static void put_ticket(struct der *der, krb5_const_principal server, const krb5_enc_data *sealed)
{
    const size_t end = der->start;

    put_field(der, 2, 0x04, sealed->ciphertext.data, sealed->ciphertext.length);
    put_number(der, 1, KVNO);
    put_number(der, 0, ENCTYPE_AES256_CTS_HMAC_SHA1_96);
    close_element(der, 0x30, end);
    close_element(der, 0xa3, end);
    put_name(der, 2, server);
    put_field(der, 1, 0x1b, server->realm.data, server->realm.length);
    put_number(der, 0, 5);
    close_element(der, 0x30, end);
    close_element(der, 0x61, end);
}

void make_key(krb5_context context, uint8_t byte, krb5_keyblock *out)
{
    uint8_t bytes[32];
    const krb5_keyblock key = { .enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .length = sizeof bytes, .contents = bytes };

    memset(bytes, byte, sizeof bytes);
    assert_int_equal(krb5_copy_keyblock_contents(context, &key, out), 0);
}

/* Of any type, made of equal bytes. */
static void make_session_key(krb5_context context, const struct ticket_recipe *recipe, krb5_keyblock *out)
{
    uint8_t bytes[64];
    size_t random_length = 0;
    size_t length = 0;
    krb5_data random = { .data = memset(bytes, recipe->session_key, sizeof bytes) };

    if (recipe->session_type == 0) {
        make_key(context, recipe->session_key, out);
        return;
    }
    assert_int_equal(krb5_c_keylengths(context, recipe->session_type, &random_length, &length), 0);
    random.length = (unsigned)random_length;
    *out = (krb5_keyblock){ .enctype = recipe->session_type, .length = (unsigned)length, .contents = malloc(length) };
    assert_non_null(out->contents);
    assert_int_equal(krb5_c_random_to_key(context, recipe->session_type, &random, out), 0);
}

void make_ticket(krb5_context context, const struct ticket_recipe *recipe, krb5_creds *out)
{
    struct der inner = { .start = sizeof inner.memory };
    struct der outer = { .start = sizeof outer.memory };
    krb5_enc_data sealed = { .magic = 0 };
    krb5_keyblock service = { .magic = 0 };

    memset(out, 0, sizeof *out);
    assert_int_equal(krb5_parse_name(context, recipe->client, &out->client), 0);
    assert_int_equal(krb5_parse_name(context, recipe->server, &out->server), 0);
    make_session_key(context, recipe, &out->keyblock);
    make_key(context, recipe->service_key, &service);
    put_inner(&inner, recipe, out->client, &out->keyblock);
    encrypt(context, &service, &inner, &sealed);
    put_ticket(&outer, out->server, &sealed);
    out->ticket.length = (unsigned)(sizeof outer.memory - outer.start);
    out->ticket.data = malloc(out->ticket.length);
    assert_non_null(out->ticket.data);
    memcpy(out->ticket.data, outer.memory + outer.start, out->ticket.length);
    out->ticket_flags = recipe->flags;
    out->times.authtime = (krb5_timestamp)(recipe->end - 7200);
    out->times.endtime = (krb5_timestamp)recipe->end;
    free(sealed.ciphertext.data);
    krb5_free_keyblock_contents(context, &service);
}

/* The key goes with it. */
static void add_entry(krb5_context context, const char *path, const char *principal, krb5_keyblock key)
{
    krb5_keytab_entry entry = { .vno = KVNO, .key = key };
    krb5_keytab keytab = NULL;
    char name[128];

    (void)snprintf(name, sizeof name, "FILE:%s", path);
    assert_int_equal(krb5_kt_resolve(context, name, &keytab), 0);
    assert_int_equal(krb5_parse_name(context, principal, &entry.principal), 0);
    assert_int_equal(krb5_kt_add_entry(context, keytab, &entry), 0);
    krb5_free_keytab_entry_contents(context, &entry);
    krb5_kt_close(context, keytab);
}

void add_to_keytab(krb5_context context, const char *path, const char *principal, uint8_t key)
{
    krb5_keyblock block;

    make_key(context, key, &block);
    add_entry(context, path, principal, block);
}

void add_key_to_keytab(krb5_context context, const char *path, const char *principal, krb5_enctype type)
{
    krb5_keyblock block;

    assert_int_equal(krb5_c_make_random_key(context, type, &block), 0);
    add_entry(context, path, principal, block);
}

void make_folder(char *out)
{
    strcpy(out, "/tmp/eca-kerberos-XXXXXX");
    assert_non_null(mkdtemp(out));
}

void remove_folder(const char *folder)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/keytab", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}
