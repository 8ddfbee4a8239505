/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage before the request goes out: the form of the ticket's tokens, filled in for one request. */
#include "ap_req.h"

#include "hot.h"
#include "kerberos_der.h"
#include "session_key.h"
#include "thread_context.h"
#include "thread_random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USUAL_BYTES 1024 /* some 450 with names of twenty characters; malloc() takes longer than writing a token */

static int64_t now_in_microseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What one token is made with. */
struct making {
    krb5_context context;
    struct eca_ticket *ticket;
    const struct eca_token_form *form;
};

/* Any bytes are a key of the types that libcrypto does; for the others libkrb5 makes one of them. */
ECA_HOT static krb5_error_code make_subkey(const struct making *making, uint8_t *seed, uint8_t *out)
{
    const krb5_enctype type = eca_ticket_creds(making->ticket)->keyblock.enctype;
    const size_t length = making->form->subkey_length;
    krb5_data random = { .data = (char *)seed, .length = (unsigned)making->form->seed_length };
    krb5_keyblock subkey = { .enctype = type, .length = (unsigned)length, .contents = out };

    if (eca_session_key_bytes(type) == 0)
        return krb5_c_random_to_key(making->context, type, &random, &subkey);
    memcpy(out, seed, length);
    return 0;
}

ECA_HOT static krb5_error_code refresh(const struct making *making, struct eca_token_blanks *out)
{
    uint8_t seed[sizeof out->sequence + ECA_TOKEN_SUBKEY_MAX];
    krb5_error_code code = 0;

    if (!eca_thread_random_take(seed, sizeof out->sequence + making->form->seed_length))
        return KRB5_CRYPTO_INTERNAL;
    memcpy(&out->sequence, seed, sizeof out->sequence);
    out->sequence = (out->sequence & ECA_TOKEN_SEQUENCE_MASK) | ECA_TOKEN_SEQUENCE_MIN;
    code = make_subkey(making, seed + sizeof out->sequence, out->subkey);
    explicit_bzero(seed, sizeof seed);
    out->stamp = eca_ticket_take_stamp(making->ticket, now_in_microseconds());
    return code;
}

/* The authenticator, filled in at `plain`, goes sealed to `out`. */
ECA_HOT static krb5_error_code seal(const struct making *making, uint8_t *plain, uint8_t *out, int64_t *stamp)
{
    const size_t length = making->form->sealed_length;
    const krb5_data text = { .data = (char *)plain, .length = (unsigned)making->form->plain_length };
    krb5_enc_data sealed = { .ciphertext = { .data = (char *)out, .length = (unsigned)length } };
    struct eca_token_blanks blanks = { .stamp = 0 };
    krb5_error_code code = refresh(making, &blanks);

    if (code == 0 && !eca_token_form_fill(making->form, &blanks, plain))
        code = KRB5_PARSE_MALFORMED;
    explicit_bzero(blanks.subkey, sizeof blanks.subkey);
    if (code != 0)
        return code;
    if (stamp != NULL)
        *stamp = blanks.stamp;
    code = eca_ticket_encrypt(making->ticket, making->context, KRB5_KEYUSAGE_AP_REQ_AUTH, &text, &sealed);
    return code == 0 && sealed.ciphertext.length != length ? KRB5_PARSE_MALFORMED : code;
}

/* Behind each other in `memory`: the authenticator, room for the head's rest, the ciphertext. */
ECA_HOT static krb5_error_code write_token(const struct making *making, struct eca_strbuf *out, int64_t *stamp)
{
    const struct eca_token_form *form = making->form;
    const size_t size = form->plain_length + ECA_TOKEN_REST_MAX + form->sealed_length;
    uint8_t usual[USUAL_BYTES];
    uint8_t *memory = size <= sizeof usual ? usual : malloc(size);
    krb5_error_code code = 0;

    if (memory == NULL)
        return ENOMEM;
    code = seal(making, memory, memory + form->plain_length + ECA_TOKEN_REST_MAX, stamp);
    if (code == 0)
        eca_token_form_write(form, out, memory + form->plain_length);
    explicit_bzero(memory, form->plain_length);
    if (memory != usual)
        free(memory);
    return code;
}

static bool fail(krb5_context context, krb5_error_code code, struct eca_error *err)
{
    const char *const message = krb5_get_error_message(context, code);

    eca_error_set(err, "no AP-REQ: %s", message);
    krb5_free_error_message(context, message);
    return false;
}

ECA_HOT static krb5_error_code find_form(struct making *making, bool mutual)
{
    const krb5_data *data = &eca_ticket_creds(making->ticket)->ticket;

    if (data->length == 0 || (uint8_t)data->data[0] != ECA_TAG_TICKET)
        return KRB5KRB_AP_ERR_BADVERSION;
    if (eca_ticket_end(making->ticket) <= now_in_microseconds() / 1000000)
        return KRB5KRB_AP_ERR_TKT_EXPIRED;
    return eca_ticket_form(making->ticket, making->context, mutual, &making->form);
}

ECA_HOT size_t eca_ap_req_text_length(struct eca_ticket *ticket, bool mutual)
{
    struct eca_error ignored = { .text = "" };
    krb5_context context = eca_thread_context(&ignored);
    const struct eca_token_form *form = NULL;

    return context != NULL && eca_ticket_form(ticket, context, mutual, &form) == 0 ? eca_token_form_text_length(form)
                                                                                   : 0;
}

ECA_HOT bool eca_ap_req_make(struct eca_strbuf *out, struct eca_ticket *ticket, int64_t *stamp, struct eca_error *err)
{
    struct making making = { .context = eca_thread_context(err), .ticket = ticket };
    krb5_error_code code = 0;

    if (making.context == NULL)
        return false;
    code = find_form(&making, stamp != NULL);
    if (code == 0)
        code = write_token(&making, out, stamp);
    if (code != 0)
        return fail(making.context, code, err);
    return !out->overflow
           || eca_error_set(err, "the token of %zu characters does not fit into the header",
                            eca_token_form_text_length(making.form));
}
