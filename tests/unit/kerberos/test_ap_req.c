/* SPDX-License-Identifier: Apache-2.0 */
#include "ap_req.h"

#include "acceptor.h"
#include "made_up_creds.h"
#include "make_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gssapi/gssapi.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CLIENT "alice@" TEST_REALM
#define SERVER "HTTP/exch.example.test@" TEST_REALM
#define TOKEN_MAX 16384
#define LONG_NAME 3000
#define CLIENT_MAX (LONG_NAME + sizeof "@" TEST_REALM)

static const struct ticket_recipe recipe = { .client = CLIENT, .server = SERVER, .service_key = 0x11,
                                             .session_key = 0x22 };

struct bench {
    krb5_context context;
    struct eca_ticket *ticket;
    char folder[64];
    char keytab[128];
};

static int set_up(void **state)
{
    struct bench *const bench = calloc(1, sizeof *bench);
    struct ticket_recipe today = recipe;
    krb5_creds creds;

    assert_non_null(bench);
    assert_int_equal(krb5_init_context(&bench->context), 0);
    make_folder(bench->folder);
    (void)snprintf(bench->keytab, sizeof bench->keytab, "%s/keytab", bench->folder);
    add_to_keytab(bench->context, bench->keytab, SERVER, recipe.service_key);
    today.end = (int64_t)time(NULL) + 3600;
    make_ticket(bench->context, &today, &creds);
    bench->ticket = eca_ticket_create(&creds);
    assert_non_null(bench->ticket);
    krb5_free_cred_contents(bench->context, &creds);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *const bench = *state;

    eca_ticket_release(bench->ticket);
    remove_folder(bench->folder);
    krb5_free_context(bench->context);
    free(bench);
    return 0;
}

/* The token's bytes; returns how many. */
static size_t make_token_for(struct eca_ticket *ticket, int64_t *stamp, uint8_t *out)
{
    struct eca_error err = { .text = "" };
    struct eca_strbuf text;
    char memory[TOKEN_MAX];
    int length = 0;

    eca_strbuf_init(&text, memory, sizeof memory);
    assert_true(eca_ap_req_make(&text, ticket, stamp, &err));
    assert_string_equal(err.text, "");
    assert_false(text.overflow);
    assert_int_equal(text.length, eca_ap_req_text_length(ticket, stamp != NULL));
    length = EVP_DecodeBlock(out, (const uint8_t *)memory, (int)text.length);
    assert_true(length > 0);
    length -= memory[text.length - 1] == '=';
    length -= memory[text.length - 2] == '=';
    return (size_t)length;
}

static size_t make_token(const struct bench *bench, uint8_t *out)
{
    return make_token_for(bench->ticket, NULL, out);
}

/* Steps into an element: its tag must be this one and its length reach exactly to the end. */
static void enter(const uint8_t **at, const uint8_t *end, uint8_t tag)
{
    const uint8_t *const p = *at;
    size_t length = 0;
    size_t header = 2;

    assert_true(end - p > 4);
    assert_int_equal(p[0], tag);
    length = p[1];
    if (p[1] & 0x80) {
        length = 0;
        for (size_t i = 0; i < (p[1] & 0x7fu); i++)
            length = length << 8 | p[header++];
        assert_true(length > 0x7f);
    }
    assert_int_equal((size_t)(end - p) - header, length);
    *at = p + header;
}

static void pass(const uint8_t **at, const void *expected, size_t length)
{
    assert_memory_equal(*at, expected, length);
    *at += length;
}

/* Out of SPNEGO and GSS-API: what is left is the AP-REQ. */
static krb5_data unwrap(const uint8_t *token, size_t length)
{
    static const uint8_t spnego[] = { 6, 6, 0x2b, 6, 1, 5, 5, 2 };
    static const uint8_t types[] = { 0xa0, 13, 0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2 };
    static const uint8_t krb5[] = { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 1, 0 };
    const uint8_t *const end = token + length;

    enter(&token, end, 0x60);
    pass(&token, spnego, sizeof spnego);
    enter(&token, end, 0xa0);
    enter(&token, end, 0x30);
    pass(&token, types, sizeof types);
    enter(&token, end, 0xa2);
    enter(&token, end, 0x04);
    enter(&token, end, 0x60);
    pass(&token, krb5, sizeof krb5);
    assert_int_equal(token[0], 0x6e);
    return (krb5_data){ .data = (char *)token, .length = (unsigned)(end - token) };
}

static void test_make_any_ticket_is_wrapped_in_valid_der(void **state)
{
    uint8_t token[TOKEN_MAX];

    (void)unwrap(token, make_token(*state, token));
}

static void test_make_authenticator_carries_gss_checksum(void **state)
{
    static const uint8_t checksum[24] = { 16, [20] = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG };
    const struct bench *const bench = *state;
    krb5_authenticator *authenticator = NULL;
    krb5_auth_context auth = NULL;
    krb5_keytab keytab = NULL;
    krb5_flags options = 0;
    uint8_t token[TOKEN_MAX];
    krb5_data ap_req = unwrap(token, make_token(bench, token));

    assert_int_equal(krb5_kt_resolve(bench->context, bench->keytab, &keytab), 0);
    assert_int_equal(krb5_auth_con_init(bench->context, &auth), 0);
    /* Without a replay cache: that one is the backend's. */
    assert_int_equal(krb5_auth_con_setflags(bench->context, auth, 0), 0);
    assert_int_equal(krb5_rd_req(bench->context, &auth, &ap_req, NULL, keytab, &options, NULL), 0);
    assert_int_equal(options & AP_OPTS_MUTUAL_REQUIRED, 0);
    assert_int_equal(krb5_auth_con_getauthenticator(bench->context, auth, &authenticator), 0);
    assert_int_equal(authenticator->checksum->checksum_type, 0x8003);
    assert_int_equal(authenticator->checksum->length, sizeof checksum);
    assert_memory_equal(authenticator->checksum->contents, checksum, sizeof checksum);
    assert_int_not_equal(authenticator->seq_number, 0);
    assert_non_null(authenticator->subkey);
    assert_int_equal(authenticator->subkey->enctype, ENCTYPE_AES256_CTS_HMAC_SHA1_96);
    krb5_free_authenticator(bench->context, authenticator);
    krb5_auth_con_free(bench->context, auth);
    krb5_kt_close(bench->context, keytab);
}

static void test_make_any_type_of_session_key_is_accepted_with_a_subkey_of_the_same(void **state)
{
    const struct bench *const bench = *state;

    for (size_t i = 0; i < sizeof session_types / sizeof session_types[0]; i++) {
        const struct session_type *row = &session_types[i];
        struct ticket_recipe typed = recipe;
        struct bench one = *bench;
        krb5_keyblock *subkey = NULL;
        krb5_auth_context auth = NULL;
        krb5_keytab keytab = NULL;
        uint8_t token[TOKEN_MAX];
        krb5_data ap_req;
        krb5_creds creds;

        print_message("  %s\n", row->why);
        typed.session_type = row->type;
        typed.end = (int64_t)time(NULL) + 3600;
        make_ticket(bench->context, &typed, &creds);
        one.ticket = eca_ticket_create(&creds);
        krb5_free_cred_contents(bench->context, &creds);
        assert_non_null(one.ticket);
        ap_req = unwrap(token, make_token(&one, token));
        assert_int_equal(krb5_kt_resolve(bench->context, bench->keytab, &keytab), 0);
        assert_int_equal(krb5_auth_con_init(bench->context, &auth), 0);
        assert_int_equal(krb5_auth_con_setflags(bench->context, auth, 0), 0);
        assert_int_equal(krb5_rd_req(bench->context, &auth, &ap_req, NULL, keytab, NULL, NULL), 0);
        assert_int_equal(krb5_auth_con_getrecvsubkey(bench->context, auth, &subkey), 0);
        assert_int_equal(subkey->enctype, row->type);
        assert_int_equal(subkey->length, row->length);
        krb5_free_keyblock(bench->context, subkey);
        krb5_auth_con_free(bench->context, auth);
        krb5_kt_close(bench->context, keytab);
        eca_ticket_release(one.ticket);
    }
}

static void test_make_token_is_accepted_as_the_user(void **state)
{
    const struct bench *const bench = *state;
    uint8_t token[TOKEN_MAX];
    char name[ACCEPTED_NAME_MAX] = "";
    const size_t length = make_token(bench, token);

    assert_int_equal(accept_token(bench->keytab, (struct eca_slice){ token, length }, name, NULL), GSS_S_COMPLETE);
    assert_string_equal(name, CLIENT);
    token[length - 1] ^= 1;
    assert_int_not_equal(accept_token(bench->keytab, (struct eca_slice){ token, length }, name, NULL), GSS_S_COMPLETE);
}

/* DER writes numbers as short as they are, and tokens have numbers that chance and the clock choose. */
static void test_make_many_gives_different_tokens_of_one_length(void **state)
{
    uint8_t last[TOKEN_MAX] = { 0 };
    const size_t length = make_token(*state, last);

    for (int i = 0; i < 1000; i++) {
        uint8_t token[TOKEN_MAX] = { 0 };

        assert_int_equal(make_token(*state, token), length);
        assert_memory_not_equal(token, last, length);
        memcpy(last, token, length);
    }
}

static void test_make_too_long_overflows_and_says_length(void **state)
{
    const struct bench *const bench = *state;
    const size_t length = eca_ap_req_text_length(bench->ticket, false);
    const size_t capacities[] = { 1, 12, length / 2, length - 1, length };

    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        char *const memory = malloc(capacities[i]);
        struct eca_error err = { .text = "" };
        struct eca_strbuf out;

        assert_non_null(memory);
        eca_strbuf_init(&out, memory, capacities[i]);
        assert_false(eca_ap_req_make(&out, bench->ticket, NULL, &err));
        assert_true(out.overflow);
        assert_string_equal(out.text, "");
        assert_non_null(strstr(err.text, "does not fit"));
        free(memory);
    }
}

static void test_make_appends_behind_what_is_there(void **state)
{
    const struct bench *const bench = *state;
    struct eca_error err = { .text = "" };
    char memory[TOKEN_MAX];
    struct eca_strbuf out;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_strbuf_text(&out, "Negotiate ");
    assert_true(eca_ap_req_make(&out, bench->ticket, NULL, &err));
    assert_memory_equal(memory, "Negotiate YII", 13);
    assert_int_equal(strlen(memory), out.length);
}

static void write_client(char client[CLIENT_MAX], size_t name_length)
{
    memset(client, 'n', name_length);
    strcpy(client + name_length, "@" TEST_REALM);
}

static struct eca_ticket *make_ticket_of(const struct bench *bench, size_t name_length)
{
    struct ticket_recipe named = recipe;
    char client[CLIENT_MAX];
    struct eca_ticket *ticket = NULL;
    krb5_creds creds;

    write_client(client, name_length);
    named.client = client;
    named.end = (int64_t)time(NULL) + 3600;
    make_ticket(bench->context, &named, &creds);
    ticket = eca_ticket_create(&creds);
    krb5_free_cred_contents(bench->context, &creds);
    assert_non_null(ticket);
    return ticket;
}

/* Around groups of three bytes, where DER's lengths become longer, and in more memory than is usual. */
static void test_make_any_length_of_name_is_accepted(void **state)
{
    static const uint8_t ap_rep[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 2, 0 }; /* RFC 4121 4.1 */
    static const size_t name_lengths[] = { 1, 2, 3, 4, 20, 90, 91, 92, 93, 126, 127, 128, 256, 1000, LONG_NAME };
    const struct bench *const bench = *state;

    for (size_t i = 0; i < sizeof name_lengths / sizeof name_lengths[0]; i++) {
        struct eca_ticket *ticket = make_ticket_of(bench, name_lengths[i]);
        char client[CLIENT_MAX];

        write_client(client, name_lengths[i]);
        client[ACCEPTED_NAME_MAX - 1] = '\0';
        for (int mutual = 0; mutual <= 1; mutual++) {
            char name[ACCEPTED_NAME_MAX] = "";
            gss_buffer_desc back = GSS_C_EMPTY_BUFFER;
            int64_t stamp = 0;
            uint8_t token[TOKEN_MAX];
            const struct eca_slice made = { token, make_token_for(ticket, mutual ? &stamp : NULL, token) };

            print_message("  a name of %zu characters%s\n", name_lengths[i], mutual ? ", with an answer" : "");
            (void)unwrap(token, made.length);
            assert_int_equal(accept_token(bench->keytab, made, name, &back), GSS_S_COMPLETE);
            assert_string_equal(name, client);
            assert_int_equal(memmem(back.value, back.length, ap_rep, sizeof ap_rep) != NULL, mutual);
            free(back.value);
        }
        eca_ticket_release(ticket);
    }
}

static void test_make_unusable_ticket_fails_with_sentence(void **state)
{
    static const struct {
        const char *why;
        bool ticket;
        int64_t end;
        const char *says;
    } rows[] = {
        { "no ticket, 64 bytes of nothing", false, 4000000000, "no AP-REQ" },
        { "over since an hour", true, -3600, "expired" },
    };
    const struct bench *const bench = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_ticket *ticket = NULL;
        struct made_up_creds made;
        struct eca_strbuf out;
        char memory[TOKEN_MAX];

        print_message("  %s\n", rows[i].why);
        made_up_creds_init(&made, rows[i].end < 0 ? (int64_t)time(NULL) + rows[i].end : rows[i].end);
        if (rows[i].ticket)
            made.creds.ticket = eca_ticket_creds(bench->ticket)->ticket;
        ticket = eca_ticket_create(&made.creds);
        eca_strbuf_init(&out, memory, sizeof memory);
        assert_false(eca_ap_req_make(&out, ticket, NULL, &err));
        assert_non_null(strstr(err.text, rows[i].says));
        assert_int_equal(out.length, 0);
        eca_ticket_release(ticket);
    }
}

/* The ticket is everybody's, and what is made of it for the first token is made once. */
static void *make_many(void *ticket)
{
    char memory[TOKEN_MAX];
    int64_t stamp = 0;

    for (int i = 0; i < 200; i++) {
        struct eca_error err = { .text = "" };
        struct eca_strbuf out;

        eca_strbuf_init(&out, memory, sizeof memory);
        if (!eca_ap_req_make(&out, ticket, i % 2 == 0 ? NULL : &stamp, &err))
            return ticket;
    }
    return NULL;
}

static void test_make_one_new_ticket_many_threads(void **state)
{
    struct eca_ticket *ticket = make_ticket_of(*state, 5);
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_many, ticket), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = NULL;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    eca_ticket_release(ticket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make_any_ticket_is_wrapped_in_valid_der),
        cmocka_unit_test(test_make_authenticator_carries_gss_checksum),
        cmocka_unit_test(test_make_any_type_of_session_key_is_accepted_with_a_subkey_of_the_same),
        cmocka_unit_test(test_make_token_is_accepted_as_the_user),
        cmocka_unit_test(test_make_many_gives_different_tokens_of_one_length),
        cmocka_unit_test(test_make_too_long_overflows_and_says_length),
        cmocka_unit_test(test_make_appends_behind_what_is_there),
        cmocka_unit_test(test_make_any_length_of_name_is_accepted),
        cmocka_unit_test(test_make_unusable_ticket_fails_with_sentence),
        cmocka_unit_test(test_make_one_new_ticket_many_threads),
    };

    /* Whatever this machine's krb5.conf says is not what is tested. */
    setenv("KRB5_CONFIG", "/dev/null", 1);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
