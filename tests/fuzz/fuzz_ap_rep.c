/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend's proof. Any bytes as the token: no AP-REP, since nobody but the KDC and the backend has the key. With a
 * first byte of 1 the rest is sealed with that very key in a well-formed AP-REP, so that what reads its inside is
 * reached; only the right time proves anything.
 */
#include "ap_rep.h"

#include "fuzz.h"
#include "kerberos_der.h"

#include <krb5.h>
#include <openssl/evp.h>
#include <string.h>

#define STAMP 1700000000000042
#define INSIDE_MAX 2048
#define TOKEN_MAX (INSIDE_MAX + 256)

static krb5_context context;
static struct eca_ticket *ticket;

static void set_up(void)
{
    static char letter[] = "x";
    static uint8_t key[32] = { 1, 2, 3 };
    static krb5_data part = { .data = letter, .length = 1 };
    static krb5_principal_data name = { .realm = { .data = letter, .length = 1 }, .data = &part, .length = 1 };
    krb5_creds creds = { .client = &name, .server = &name };

    creds.keyblock = (krb5_keyblock){ .enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .length = 32, .contents = key };
    creds.ticket = part;
    MUST(krb5_init_context(&context) == 0);
    ticket = eca_ticket_create(&creds);
    MUST(ticket != NULL);
}

static size_t seal(const uint8_t *inside, size_t length, struct eca_der_writer *der)
{
    const size_t end = der->start;
    const krb5_data plain = { .data = (char *)inside, .length = (unsigned)length };
    krb5_enc_data sealed = { .magic = 0 };
    size_t size = 0;

    MUST(krb5_c_encrypt_length(context, ENCTYPE_AES256_CTS_HMAC_SHA1_96, length, &size) == 0);
    der->start -= size;
    sealed.ciphertext = (krb5_data){ .data = (char *)der->memory + der->start, .length = (unsigned)size };
    MUST(eca_ticket_encrypt(ticket, context, KRB5_KEYUSAGE_AP_REP_ENCPART, &plain, &sealed) == 0);
    eca_der_close(der, ECA_TAG_OCTET_STRING, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 2, end);
    eca_kerberos_put_integer(der, 0, ENCTYPE_AES256_CTS_HMAC_SHA1_96);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_CONTEXT + 2, end);
    eca_kerberos_put_integer(der, 1, 15);
    eca_kerberos_put_integer(der, 0, 5);
    eca_der_close(der, ECA_TAG_SEQUENCE, end);
    eca_der_close(der, ECA_TAG_AP_REP, end);
    eca_der_put(der, "\x02\x00", 2);
    eca_der_put(der, eca_krb5_mechanism, ECA_KRB5_MECHANISM_BYTES);
    eca_der_close(der, ECA_TAG_GSS_INITIAL, end);
    MUST(!der->overflow);
    return end - der->start;
}

/* The fields that prove something, as they stand in DER. */
static const char stamp_fields[] = "\xa0\x11\x18\x0f"
                                   "20231114221320Z"
                                   "\xa1\x03\x02\x01\x2a";
#define STAMP_FIELDS (sizeof stamp_fields - 1)

static bool holds_stamp(const uint8_t *inside, size_t length)
{
    return memmem(inside, length, stamp_fields, STAMP_FIELDS) != NULL;
}

/* Nothing but these fields in their frame. */
static bool is_bare_proof(const uint8_t *inside, size_t length)
{
    return length == STAMP_FIELDS + 4 && memcmp(inside, "\x7b\x1a\x30\x18", 4) == 0
           && memcmp(inside + 4, stamp_fields, STAMP_FIELDS) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t memory[TOKEN_MAX];
    char text[TOKEN_MAX * 2];
    struct eca_der_writer der;
    struct eca_error err = { .text = "" };
    const bool is_sealed = length > 0 && bytes[0] == 1;

    if (ticket == NULL)
        set_up();
    if (length > INSIDE_MAX)
        return 0;
    eca_der_writer_init(&der, memory, sizeof memory);
    if (is_sealed)
        (void)seal(bytes + 1, length - 1, &der);
    else
        eca_der_put(&der, bytes, length);
    (void)EVP_EncodeBlock((unsigned char *)text, memory + der.start, (int)(sizeof memory - der.start));
    if (eca_ap_rep_check(ticket, STAMP, text, &err))
        MUST(is_sealed && holds_stamp(bytes + 1, length - 1));
    else
        MUST(err.text[0] != '\0' && !(is_sealed && is_bare_proof(bytes + 1, length - 1)));
    return 0;
}
