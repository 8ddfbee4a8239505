/* SPDX-License-Identifier: Apache-2.0 */
#include "ap_rep.h"

#include "acceptor.h"
#include "ap_req.h"
#include "kerberos_der.h"
#include "make_ticket.h"
#include "rows.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENT "alice@" TEST_REALM
#define SERVER "HTTP/exch.example.test@" TEST_REALM
#define TEXT_MAX 8192

struct bench {
    krb5_context context;
    struct eca_ticket *ticket;
    struct eca_ticket *other; /* another session key, the same service */
    char folder[64];
    char keytab[128];
};

static struct eca_ticket *new_ticket(krb5_context context, uint8_t session_key, krb5_enctype type)
{
    const struct ticket_recipe recipe = { .client = CLIENT, .server = SERVER, .service_key = 0x11,
                                          .session_key = session_key, .session_type = type,
                                          .end = (int64_t)time(NULL) + 3600 };
    struct eca_ticket *ticket = NULL;
    krb5_creds creds;

    make_ticket(context, &recipe, &creds);
    ticket = eca_ticket_create(&creds);
    assert_non_null(ticket);
    krb5_free_cred_contents(context, &creds);
    return ticket;
}

static int set_up(void **state)
{
    struct bench *const bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    assert_int_equal(krb5_init_context(&bench->context), 0);
    make_folder(bench->folder);
    (void)snprintf(bench->keytab, sizeof bench->keytab, "%s/keytab", bench->folder);
    add_to_keytab(bench->context, bench->keytab, SERVER, 0x11);
    bench->ticket = new_ticket(bench->context, 0x22, 0);
    bench->other = new_ticket(bench->context, 0x33, 0);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *const bench = *state;

    eca_ticket_release(bench->ticket);
    eca_ticket_release(bench->other);
    remove_folder(bench->folder);
    krb5_free_context(bench->context);
    free(bench);
    return 0;
}

/* Without SPNEGO around it: what an initiator that speaks Kerberos only would send. */
static struct eca_slice strip(struct eca_slice token)
{
    const size_t offered = 36; /* behind the list of mechanisms, where it stands for the first time */
    const uint8_t *const found = memmem(token.bytes + offered, token.length - offered, eca_krb5_mechanism,
                                        ECA_KRB5_MECHANISM_BYTES);
    const size_t header = 4; /* 60 82 and two length bytes */

    assert_non_null(found);
    assert_int_equal(found[-(int)header], 0x60);
    return (struct eca_slice){ found - header, token.length - (size_t)(found - header - token.bytes) };
}

/* EVP_DecodeBlock() takes padding for zero bytes, and MIT's acceptor a token with one more byte for none. */
static size_t decode(uint8_t *bytes, const char *text, size_t length)
{
    const int decoded = EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)length);

    assert_true(decoded > 0);
    return (size_t)decoded - (text[length - 1] == '=') - (text[length - 2] == '=');
}

/* What MIT's acceptor answers to a token made from `ticket`, in base64; returns its bytes' number. */
static size_t answer(const struct bench *bench, struct eca_ticket *ticket, bool raw, int64_t *stamp, char *out)
{
    char name[ACCEPTED_NAME_MAX] = "";
    gss_buffer_desc back = GSS_C_EMPTY_BUFFER;
    struct eca_error err = { .text = "" };
    struct eca_slice token = { NULL, 0 };
    uint8_t bytes[TEXT_MAX];
    char text[TEXT_MAX];
    struct eca_strbuf made;
    size_t length = 0;

    eca_strbuf_init(&made, text, sizeof text);
    assert_true(eca_ap_req_make(&made, ticket, stamp, &err));
    token = (struct eca_slice){ bytes, decode(bytes, text, made.length) };
    assert_int_equal(accept_token(bench->keytab, raw ? strip(token) : token, name, &back), GSS_S_COMPLETE);
    assert_string_equal(name, CLIENT);
    assert_in_range(back.length, 0, 1024);
    EVP_EncodeBlock((uint8_t *)out, back.value, (int)back.length);
    length = back.length;
    free(back.value);
    return length;
}

static void test_check_takes_acceptors_answer_to_this_token(void **state)
{
    const struct bench *const bench = *state;

    for (int raw = 0; raw <= 1; raw++) {
        struct eca_error err = { .text = "" };
        char text[TEXT_MAX];
        int64_t stamp = 0;

        (void)answer(bench, bench->ticket, raw, &stamp, text);
        assert_true(eca_ap_rep_check(bench->ticket, stamp, text, &err));
        assert_string_equal(err.text, "");
    }
}

static void test_check_takes_answers_of_any_type_of_session_key(void **state)
{
    const struct bench *const bench = *state;

    for (size_t i = 0; i < COUNT(session_types); i++) {
        struct eca_ticket *ticket = new_ticket(bench->context, 0x44, session_types[i].type);
        struct eca_error err = { .text = "" };
        char text[TEXT_MAX];
        int64_t stamp = 0;

        SAY_WHY(&session_types[i]);
        (void)answer(bench, ticket, false, &stamp, text);
        assert_true(eca_ap_rep_check(ticket, stamp, text, &err));
        assert_false(eca_ap_rep_check(ticket, stamp + 1, text, &err));
        eca_ticket_release(ticket);
    }
}

static void test_check_refuses_answers_to_others(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error err = { .text = "" };
    char first[TEXT_MAX];
    char second[TEXT_MAX];
    int64_t first_stamp = 0;
    int64_t second_stamp = 0;

    (void)answer(bench, bench->ticket, false, &first_stamp, first);
    (void)answer(bench, bench->ticket, false, &second_stamp, second);
    assert_int_not_equal(first_stamp, second_stamp);
    assert_false(eca_ap_rep_check(bench->ticket, second_stamp, first, &err));
    assert_non_null(strstr(err.text, "another token"));
    err.text[0] = '\0';
    assert_false(eca_ap_rep_check(bench->other, first_stamp, first, &err));
    assert_non_null(strstr(err.text, "not sealed with the key"));
}

/* An acceptor that was not asked for mutual authentication proves nothing. */
static void test_check_refuses_answer_without_ap_rep(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error err = { .text = "" };
    char text[TEXT_MAX];

    assert_true(answer(bench, bench->ticket, false, NULL, text) > 0);
    assert_false(eca_ap_rep_check(bench->ticket, 0, text, &err));
    assert_non_null(strstr(err.text, "no AP-REP"));
}

/* What stands behind the AP-REP (SPNEGO's own check sum of its mechanisms) proves nothing and may be anything. */
static void test_check_refuses_every_changed_or_cut_proof(void **state)
{
    const struct bench *const bench = *state;
    char text[TEXT_MAX];
    uint8_t bytes[TEXT_MAX];
    int64_t stamp = 0;
    const size_t length = answer(bench, bench->ticket, true, &stamp, text);

    (void)EVP_DecodeBlock(bytes, (uint8_t *)text, (int)strlen(text));
    for (size_t i = 0; i < length; i++) {
        struct eca_error err = { .text = "" };
        char changed[TEXT_MAX];

        bytes[i] ^= 0x40;
        EVP_EncodeBlock((uint8_t *)changed, bytes, (int)length);
        bytes[i] ^= 0x40;
        if (eca_ap_rep_check(bench->ticket, stamp, changed, &err))
            fail_msg("byte %zu of %zu changed", i, length);
        assert_string_not_equal(err.text, "");
        EVP_EncodeBlock((uint8_t *)changed, bytes, (int)i);
        assert_false(eca_ap_rep_check(bench->ticket, stamp, changed, &err));
    }
}

static void test_check_refuses_hostile_text(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        const char *says;
    } rows[] = {
        { "nothing", "", "base64" },
        { "not base64", "!!!!", "base64" },
        { "cut base64", "YII", "base64" },
        { "no DER", "AAAA", "no AP-REP" },
        { "indefinite length", "YIAGCSqGSIb3EgECAgIA", "no AP-REP" },
        { "a length beyond the end", "YIL//wYJKoZIhvcSAQIC", "no AP-REP" },
        { "a NegTokenResp that only says accept-completed", "oQcwBaADCgEA", "no AP-REP" },
        { "an NTLM challenge", "TlRMTVNTUAACAAAA", "no AP-REP" },
    };
    const struct bench *const bench = *state;
    char longest[ECA_AP_REP_TEXT_MAX + 5];
    struct eca_error err = { .text = "" };

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        err.text[0] = '\0';
        assert_false(eca_ap_rep_check(bench->ticket, 1, rows[i].text, &err));
        assert_non_null(strstr(err.text, rows[i].says));
    }
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    err.text[0] = '\0';
    assert_false(eca_ap_rep_check(bench->ticket, 1, longest, &err));
    assert_non_null(strstr(err.text, "at most 4096"));
    longest[ECA_AP_REP_TEXT_MAX] = '\0';
    err.text[0] = '\0';
    assert_false(eca_ap_rep_check(bench->ticket, 1, longest, &err));
    assert_non_null(strstr(err.text, "no AP-REP"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_takes_acceptors_answer_to_this_token),
        cmocka_unit_test(test_check_takes_answers_of_any_type_of_session_key),
        cmocka_unit_test(test_check_refuses_answers_to_others),
        cmocka_unit_test(test_check_refuses_answer_without_ap_rep),
        cmocka_unit_test(test_check_refuses_every_changed_or_cut_proof),
        cmocka_unit_test(test_check_refuses_hostile_text),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
