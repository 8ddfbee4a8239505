/* SPDX-License-Identifier: Apache-2.0 */
#include "session_key.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#define USAGE KRB5_KEYUSAGE_AP_REQ_AUTH
#define TEXT_MAX 300
#define SEALED_MAX (TEXT_MAX + 28)

static krb5_context context;

static const struct {
    const char *why;
    krb5_enctype type;
    unsigned length;
} types[] = {
    { "aes128", ENCTYPE_AES128_CTS_HMAC_SHA1_96, 16 },
    { "aes256", ENCTYPE_AES256_CTS_HMAC_SHA1_96, 32 },
};

static uint8_t key_bytes[32] = "0123456789abcdef0123456789abcde";

static krb5_keyblock key_of(size_t type)
{
    return (krb5_keyblock){ .enctype = types[type].type, .length = types[type].length, .contents = key_bytes };
}

static krb5_data data_of(uint8_t *bytes, size_t length)
{
    return (krb5_data){ .data = (char *)bytes, .length = (unsigned)length };
}

/* A text of every length around the blocks of the cipher, and of an authenticator's. */
static const size_t lengths[] = { 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 200, 299, 300 };

static void test_seal_libkrb5_opens_it(void **state)
{
    (void)state;

    for (size_t type = 0; type < COUNT(types); type++) {
        krb5_keyblock block = key_of(type);
        struct eca_session_key *key = eca_session_key_open(&block, USAGE, true);

        SAY_WHY(&types[type]);
        assert_non_null(key);
        for (size_t i = 0; i < 2 * COUNT(lengths); i++) { /* the second time with what the first one left */
            const size_t length = lengths[i % COUNT(lengths)];
            uint8_t text[TEXT_MAX], sealed[SEALED_MAX], opened[SEALED_MAX];
            krb5_data plain = data_of(memset(text, 't', sizeof text), length);
            krb5_enc_data out = { .ciphertext = data_of(sealed, sizeof sealed) };
            krb5_data back = data_of(opened, sizeof opened);

            assert_int_equal(eca_session_key_seal(key, &plain, &out), 0);
            assert_int_equal(out.ciphertext.length, length + 28);
            assert_int_equal(out.enctype, types[type].type);
            assert_int_equal(krb5_c_decrypt(context, &block, USAGE, NULL, &out, &back), 0);
            assert_int_equal(back.length, length);
            assert_memory_equal(opened, text, length);
        }
        eca_session_key_close(key);
    }
}

static void test_seal_the_same_text_twice_is_not_the_same(void **state)
{
    krb5_keyblock block = key_of(1);
    struct eca_session_key *key = eca_session_key_open(&block, USAGE, true);
    uint8_t text[64] = { 0 }, first[92], second[92];
    krb5_data plain = data_of(text, sizeof text);
    krb5_enc_data one = { .ciphertext = data_of(first, sizeof first) };
    krb5_enc_data two = { .ciphertext = data_of(second, sizeof second) };
    (void)state;

    assert_int_equal(eca_session_key_seal(key, &plain, &one), 0);
    assert_int_equal(eca_session_key_seal(key, &plain, &two), 0);
    for (size_t block_at = 0; block_at + 16 <= sizeof first; block_at += 16)
        assert_memory_not_equal(first + block_at, second + block_at, 16);
    eca_session_key_close(key);
}

static void test_seal_too_little_room_is_an_error(void **state)
{
    krb5_keyblock block = key_of(1);
    struct eca_session_key *key = eca_session_key_open(&block, USAGE, true);
    uint8_t text[64] = { 0 }, sealed[64 + 27];
    krb5_data plain = data_of(text, sizeof text);
    krb5_enc_data out = { .ciphertext = data_of(sealed, sizeof sealed) };
    (void)state;

    assert_int_equal(eca_session_key_seal(key, &plain, &out), KRB5_BAD_MSIZE);
    eca_session_key_close(key);
}

static void test_unseal_what_libkrb5_sealed(void **state)
{
    (void)state;

    for (size_t type = 0; type < COUNT(types); type++) {
        krb5_keyblock block = key_of(type);
        struct eca_session_key *key = eca_session_key_open(&block, USAGE, false);

        SAY_WHY(&types[type]);
        assert_non_null(key);
        for (size_t i = 0; i < 2 * COUNT(lengths); i++) {
            const size_t length = lengths[i % COUNT(lengths)];
            uint8_t text[TEXT_MAX], sealed[SEALED_MAX], opened[SEALED_MAX];
            krb5_data plain = data_of(memset(text, 't', sizeof text), length);
            krb5_enc_data out = { .ciphertext = data_of(sealed, sizeof sealed) };
            krb5_data back = data_of(opened, length + 16); /* as long as what is decrypted */

            assert_int_equal(krb5_c_encrypt(context, &block, USAGE, NULL, &plain, &out), 0);
            assert_int_equal(eca_session_key_unseal(key, &out, &back), 0);
            assert_int_equal(back.length, length);
            assert_memory_equal(opened, text, length);
        }
        eca_session_key_close(key);
    }
}

static void test_unseal_anything_else_is_refused_and_gives_nothing(void **state)
{
    static const uint8_t zeros[SEALED_MAX];
    krb5_keyblock block = key_of(1);
    struct eca_session_key *key = eca_session_key_open(&block, USAGE, false);
    uint8_t text[40], sealed[68], opened[SEALED_MAX];
    krb5_data plain = data_of(memset(text, 't', sizeof text), sizeof text);
    krb5_enc_data out = { .ciphertext = data_of(sealed, sizeof sealed) };
    (void)state;

    assert_int_equal(krb5_c_encrypt(context, &block, USAGE, NULL, &plain, &out), 0);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        krb5_data back = data_of(memset(opened, 0, sizeof opened), sizeof opened);

        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(eca_session_key_unseal(key, &out, &back), KRB5KRB_AP_ERR_BAD_INTEGRITY);
        assert_memory_equal(opened, zeros, sizeof opened);
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (unsigned shorter = 0; shorter < sizeof sealed; shorter++) {
        krb5_data back = data_of(opened, sizeof opened);

        out.ciphertext.length = shorter;
        assert_int_not_equal(eca_session_key_unseal(key, &out, &back), 0);
    }
    out.ciphertext.length = sizeof sealed;
    for (unsigned room = 0; room < sizeof text + 16; room++) {
        krb5_data back = data_of(opened, room);

        assert_int_equal(eca_session_key_unseal(key, &out, &back), KRB5_BAD_MSIZE);
    }
    eca_session_key_close(key);
}

static void test_unseal_another_usage_key_or_type_is_refused(void **state)
{
    static const struct {
        const char *why;
        krb5_keyusage usage;
        uint8_t first_byte;
        krb5_enctype said;
        krb5_error_code code;
    } rows[] = {
        { "as it was sealed", USAGE, '0', ENCTYPE_AES256_CTS_HMAC_SHA1_96, 0 },
        { "another usage", USAGE + 1, '0', ENCTYPE_AES256_CTS_HMAC_SHA1_96, KRB5KRB_AP_ERR_BAD_INTEGRITY },
        { "another key", USAGE, '1', ENCTYPE_AES256_CTS_HMAC_SHA1_96, KRB5KRB_AP_ERR_BAD_INTEGRITY },
        { "another type than the key's", USAGE, '0', ENCTYPE_AES128_CTS_HMAC_SHA1_96, KRB5_BAD_ENCTYPE },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        krb5_keyblock block = key_of(1);
        uint8_t text[40] = { 0 }, sealed[68], opened[68];
        krb5_data plain = data_of(text, sizeof text), back = data_of(opened, sizeof opened);
        krb5_enc_data out = { .ciphertext = data_of(sealed, sizeof sealed) };
        struct eca_session_key *key = NULL;

        SAY_WHY(&rows[i]);
        assert_int_equal(krb5_c_encrypt(context, &block, USAGE, NULL, &plain, &out), 0);
        key_bytes[0] = rows[i].first_byte;
        key = eca_session_key_open(&block, rows[i].usage, false);
        key_bytes[0] = '0';
        out.enctype = rows[i].said;
        assert_true(eca_session_key_is_for(key, rows[i].usage));
        assert_int_equal(eca_session_key_unseal(key, &out, &back), rows[i].code);
        eca_session_key_close(key);
    }
}

static void test_bytes_and_around_are_as_libkrb5_says(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(types); i++) {
        size_t random_length = 0, key_length = 0, sealed_length = 0;

        SAY_WHY(&types[i]);
        assert_int_equal(krb5_c_keylengths(context, types[i].type, &random_length, &key_length), 0);
        assert_int_equal(eca_session_key_bytes(types[i].type), random_length);
        assert_int_equal(eca_session_key_bytes(types[i].type), key_length);
        assert_int_equal(krb5_c_encrypt_length(context, types[i].type, 200, &sealed_length), 0);
        assert_int_equal(200 + ECA_SESSION_KEY_AROUND, sealed_length);
    }
    assert_int_equal(eca_session_key_bytes(ENCTYPE_AES256_CTS_HMAC_SHA384_192), 0);
}

static void test_open_other_types_are_left_to_libkrb5(void **state)
{
    static const struct {
        const char *why;
        krb5_enctype type;
        unsigned length;
    } rows[] = {
        { "RC4", ENCTYPE_ARCFOUR_HMAC, 16 },
        { "AES with SHA-2", ENCTYPE_AES128_CTS_HMAC_SHA256_128, 16 },
        { "AES with SHA-2, longer", ENCTYPE_AES256_CTS_HMAC_SHA384_192, 32 },
        { "a key too short for its type", ENCTYPE_AES256_CTS_HMAC_SHA1_96, 16 },
        { "a key too long for its type", ENCTYPE_AES128_CTS_HMAC_SHA1_96, 32 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const krb5_keyblock block = { .enctype = rows[i].type, .length = rows[i].length, .contents = key_bytes };

        SAY_WHY(&rows[i]);
        assert_null(eca_session_key_open(&block, USAGE, true));
    }
    eca_session_key_close(NULL);
}

static int open_context(void **state)
{
    (void)state;
    return (int)krb5_init_context(&context);
}

static int close_context(void **state)
{
    (void)state;
    krb5_free_context(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_libkrb5_opens_it),
        cmocka_unit_test(test_seal_the_same_text_twice_is_not_the_same),
        cmocka_unit_test(test_seal_too_little_room_is_an_error),
        cmocka_unit_test(test_unseal_what_libkrb5_sealed),
        cmocka_unit_test(test_unseal_anything_else_is_refused_and_gives_nothing),
        cmocka_unit_test(test_unseal_another_usage_key_or_type_is_refused),
        cmocka_unit_test(test_bytes_and_around_are_as_libkrb5_says),
        cmocka_unit_test(test_open_other_types_are_left_to_libkrb5),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
