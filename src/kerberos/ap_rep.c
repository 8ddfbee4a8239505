/* SPDX-License-Identifier: Apache-2.0 */
/* One AP-REP, out of its frames and opened. */
#include "ap_rep.h"

#include "der.h"
#include "hot.h"
#include "kerberos_der.h"
#include "thread_context.h"

#include <openssl/evp.h>
#include <string.h>

#define TOKEN_MAX (ECA_AP_REP_TEXT_MAX / 4 * 3)
#define NEG_TOKEN_RESP (ECA_TAG_CONTEXT + 1)

static bool take(struct eca_slice *rest, unsigned tag, struct eca_slice *content)
{
    return eca_der_take(rest, (enum eca_der_tag)tag, content);
}

/* One field of a SEQUENCE: [field] { tag }. */
static bool take_field(struct eca_slice *rest, unsigned field, unsigned tag, struct eca_slice *content)
{
    struct eca_slice outer = { NULL, 0 };

    return take(rest, ECA_TAG_CONTEXT + field, &outer) && take(&outer, tag, content) && outer.length == 0;
}

/* An INTEGER of one byte, as protocol numbers are. */
ECA_HOT static bool take_number(struct eca_slice *rest, unsigned field, int *out)
{
    struct eca_slice number = { NULL, 0 };

    if (!take_field(rest, field, ECA_DER_INTEGER, &number) || number.length != 1 || number.bytes[0] > 127)
        return false;
    *out = number.bytes[0];
    return true;
}

/* NegTokenResp = [1] SEQUENCE { negState [0], supportedMech [1], responseToken [2], mechListMIC [3] }, all optional */
static bool leave_spnego(struct eca_slice *token)
{
    struct eca_slice response = { NULL, 0 };
    struct eca_slice fields = { NULL, 0 };
    struct eca_slice passed = { NULL, 0 };

    if (token->length > 0 && token->bytes[0] != NEG_TOKEN_RESP)
        return true;
    if (!take(token, NEG_TOKEN_RESP, &response) || !take(&response, ECA_TAG_SEQUENCE, &fields))
        return false;
    (void)take(&fields, ECA_TAG_CONTEXT, &passed);
    (void)take(&fields, ECA_TAG_CONTEXT + 1, &passed);
    return take_field(&fields, 2, ECA_TAG_OCTET_STRING, token);
}

/* [APPLICATION 0] { krb5, 02 00, AP-REP }; RFC 4121 4.1 */
static bool leave_gss(struct eca_slice *token)
{
    static const uint8_t ap_rep_id[] = { 0x02, 0x00 };
    struct eca_slice inner = { NULL, 0 };
    const size_t header = ECA_KRB5_MECHANISM_BYTES + sizeof ap_rep_id;

    if (!take(token, ECA_TAG_GSS_INITIAL, &inner) || inner.length < header
        || memcmp(inner.bytes, eca_krb5_mechanism, ECA_KRB5_MECHANISM_BYTES) != 0
        || memcmp(inner.bytes + ECA_KRB5_MECHANISM_BYTES, ap_rep_id, sizeof ap_rep_id) != 0)
        return false;
    *token = (struct eca_slice){ inner.bytes + header, inner.length - header };
    return true;
}

/*
 * AP-REP        = [APPLICATION 15] SEQUENCE { pvno [0] 5, msg-type [1] 15, enc-part [2] EncryptedData }
 * EncryptedData = SEQUENCE { etype [0], kvno [1] OPTIONAL, cipher [2] OCTET STRING }
 */
static bool find_cipher(struct eca_slice token, int *type, struct eca_slice *cipher)
{
    struct eca_slice message = { NULL, 0 };
    struct eca_slice fields = { NULL, 0 };
    struct eca_slice sealed = { NULL, 0 };
    struct eca_slice passed = { NULL, 0 };
    int version = 0;
    int kind = 0;

    if (!leave_spnego(&token) || !leave_gss(&token) || !take(&token, ECA_TAG_AP_REP, &message)
        || !take(&message, ECA_TAG_SEQUENCE, &fields) || !take_number(&fields, 0, &version)
        || !take_number(&fields, 1, &kind) || !take_field(&fields, 2, ECA_TAG_SEQUENCE, &sealed) || version != 5
        || kind != 15 || !take_number(&sealed, 0, type))
        return false;
    (void)take(&sealed, ECA_TAG_CONTEXT + 1, &passed);
    return take_field(&sealed, 2, ECA_TAG_OCTET_STRING, cipher);
}

/* EncAPRepPart = [APPLICATION 27] SEQUENCE { ctime [0], cusec [1], … }: the authenticator's own time. */
static bool has_stamp(struct eca_slice plain, int64_t stamp)
{
    uint8_t memory[64];
    struct eca_der_writer expected;
    struct eca_slice part = { NULL, 0 };
    struct eca_slice fields = { NULL, 0 };

    eca_der_writer_init(&expected, memory, sizeof memory);
    eca_kerberos_put_integer(&expected, 1, stamp % 1000000);
    eca_kerberos_put_time(&expected, 0, (time_t)(stamp / 1000000));
    if (expected.overflow || !take(&plain, ECA_TAG_ENC_AP_REP, &part) || !take(&part, ECA_TAG_SEQUENCE, &fields))
        return false;
    return fields.length >= sizeof memory - expected.start
           && memcmp(fields.bytes, memory + expected.start, sizeof memory - expected.start) == 0;
}

static bool check_token(struct eca_ticket *ticket, int64_t stamp, struct eca_slice token, struct eca_error *err)
{
    krb5_context context = eca_thread_context(err);
    krb5_enc_data sealed = { .magic = 0 };
    struct eca_slice cipher = { NULL, 0 };
    uint8_t opened[TOKEN_MAX];
    krb5_data plain = { .data = (char *)opened };
    int type = 0;
    bool good = false;

    if (context == NULL)
        return false;
    if (!find_cipher(token, &type, &cipher))
        return eca_error_set(err, "what the backend sent as Negotiate holds no AP-REP");
    sealed.enctype = type;
    sealed.ciphertext = (krb5_data){ .data = (char *)cipher.bytes, .length = (unsigned)cipher.length };
    plain.length = (unsigned)cipher.length;
    if (eca_ticket_decrypt(ticket, context, KRB5_KEYUSAGE_AP_REP_ENCPART, &sealed, &plain) != 0)
        return eca_error_set(err, "the AP-REP is not sealed with the key of this request's ticket");
    good = has_stamp((struct eca_slice){ opened, plain.length }, stamp);
    explicit_bzero(opened, cipher.length); /* it may hold a sub-key */
    return good || eca_error_set(err, "the AP-REP answers another token");
}

ECA_HOT bool eca_ap_rep_check(struct eca_ticket *ticket, int64_t stamp, const char *text, struct eca_error *err)
{
    uint8_t token[TOKEN_MAX];
    const size_t length = strlen(text);
    int bytes = 0;

    if (length > ECA_AP_REP_TEXT_MAX || length % 4 != 0 || length == 0)
        return eca_error_set(err, "what the backend sent as Negotiate is not base64 of at most %d characters",
                             ECA_AP_REP_TEXT_MAX);
    bytes = EVP_DecodeBlock(token, (const unsigned char *)text, (int)length);
    if (bytes < 0)
        return eca_error_set(err, "what the backend sent as Negotiate is not base64");
    return check_token(ticket, stamp, (struct eca_slice){ token, (size_t)bytes }, err);
}
