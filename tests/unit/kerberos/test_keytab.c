/* SPDX-License-Identifier: Apache-2.0 */
#include "keytab.h"

#include "make_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_PROXY "HTTP/proxy.example.test@" TEST_REALM
#define SVC "svc-eas@" TEST_REALM
#define OTHER "svc-other@" TEST_REALM
#define ELSEWHERE "svc-eas@ELSEWHERE.TEST"

static void test_choose_any_keytab_gives_the_account(void **state)
{
    static const struct {
        const char *why;
        const char *entries[4];
        const char *wanted;
        const char *chosen; /* NULL: none */
        const char *says;
    } rows[] = {
        { "the only one", { SVC }, NULL, SVC, NULL },
        { "AD gives no ticket to a service name: the account behind it", { HTTP_PROXY, SVC }, NULL, SVC, NULL },
        { "the first of two accounts", { HTTP_PROXY, OTHER, SVC }, NULL, OTHER, NULL },
        { "ktpass writes the SPN alone, set as the account's UPN", { HTTP_PROXY }, NULL, HTTP_PROXY, NULL },
        { "a machine account", { "host/proxy.example.test@" TEST_REALM, "PROXY$@" TEST_REALM }, NULL,
          "PROXY$@" TEST_REALM, NULL },
        { "asked for by its full name", { OTHER, SVC }, SVC, SVC, NULL },
        { "asked for without realm", { OTHER, SVC }, "svc-eas", SVC, NULL },
        { "asked for, a service name", { SVC, HTTP_PROXY }, "HTTP/proxy.example.test", HTTP_PROXY, NULL },
        { "the same name in two realms", { ELSEWHERE, SVC }, SVC, SVC, NULL },
        { "the same, whichever comes first", { ELSEWHERE, SVC }, "svc-eas", ELSEWHERE, NULL },
        { "not there: what is there, each name once", { SVC, SVC, HTTP_PROXY }, "svc-proxy", NULL,
          "holds keys of " SVC ", " HTTP_PROXY },
        { "there, in another realm", { SVC }, ELSEWHERE, NULL, "holds no key of " ELSEWHERE },
        { "another case is another name", { SVC }, "SVC-EAS", NULL, "holds no key" },
        { "no name at all", { SVC }, "a@b@c", NULL, "EASKerberosPrincipal a@b@c" },
    };
    krb5_context context = NULL;
    (void)state;

    assert_int_equal(krb5_init_context(&context), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        krb5_principal chosen = NULL;
        char *name = NULL;
        char folder[64];
        char path[128];

        print_message("  %s\n", rows[i].why);
        make_folder(folder);
        (void)snprintf(path, sizeof path, "%s/keytab", folder);
        for (size_t e = 0; e < 4 && rows[i].entries[e] != NULL; e++)
            add_to_keytab(context, path, rows[i].entries[e], (uint8_t)e);
        chosen = eca_keytab_choose(context, path, rows[i].wanted, &err);
        if (rows[i].chosen != NULL) {
            assert_non_null(chosen);
            assert_int_equal(krb5_unparse_name(context, chosen, &name), 0);
            assert_string_equal(name, rows[i].chosen);
            assert_string_equal(err.text, "");
        } else {
            assert_null(chosen);
            assert_non_null(strstr(err.text, rows[i].says));
        }
        krb5_free_unparsed_name(context, name);
        krb5_free_principal(context, chosen);
        remove_folder(folder);
    }
    krb5_free_context(context);
}

static void test_choose_unusable_file_fails_with_sentence(void **state)
{
    static const struct {
        const char *why;
        const char *content; /* NULL: no file */
        size_t length;
        const char *says;
    } rows[] = {
        { "missing", NULL, 0, "cannot be read" },
        { "empty", "", 0, "" },
        { "a text", "BEGIN", 5, "no keytab" },
        { "a keytab without entries", "\x05\x02", 2, "empty" },
        { "an entry that promises more than there is", "\x05\x02\0\0\x7f\xff" "abc", 9, "" },
    };
    krb5_context context = NULL;
    (void)state;

    assert_int_equal(krb5_init_context(&context), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        char folder[64];
        char path[128];

        print_message("  %s\n", rows[i].why);
        make_folder(folder);
        (void)snprintf(path, sizeof path, "%s/keytab", folder);
        if (rows[i].content != NULL) {
            FILE *const file = fopen(path, "wb");

            assert_non_null(file);
            assert_int_equal(fwrite(rows[i].content, 1, rows[i].length, file), rows[i].length);
            fclose(file);
        }
        assert_null(eca_keytab_choose(context, path, NULL, &err));
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, rows[i].says));
        remove_folder(folder);
    }
    krb5_free_context(context);
}

static void test_lacks_aes_looks_at_the_chosen_account_alone(void **state)
{
    enum { RC4 = ENCTYPE_ARCFOUR_HMAC, AES128 = ENCTYPE_AES128_CTS_HMAC_SHA1_96,
           AES256 = ENCTYPE_AES256_CTS_HMAC_SHA1_96, AES_SHA2 = ENCTYPE_AES256_CTS_HMAC_SHA384_192 };
    static const struct {
        const char *why;
        struct {
            const char *principal;
            krb5_enctype type;
        } entries[3];
        const char *wanted;
        bool lacks;
    } rows[] = {
        { "what samba-tool writes", { { SVC, AES256 }, { SVC, AES128 }, { SVC, RC4 } }, NULL, false },
        { "RC4 alone", { { SVC, RC4 } }, NULL, true },
        { "RC4 first", { { SVC, RC4 }, { SVC, AES128 } }, NULL, false },
        { "AES with SHA-2", { { SVC, AES_SHA2 } }, NULL, false },
        { "the AES key is another account's", { { SVC, RC4 }, { OTHER, AES256 } }, NULL, true },
        { "the chosen one has it", { { SVC, RC4 }, { OTHER, AES256 } }, "svc-other", false },
        { "one that is not there is told elsewhere", { { SVC, RC4 } }, "svc-proxy", false },
        { "no file", { { NULL } }, NULL, false },
    };
    krb5_context context = NULL;
    (void)state;

    assert_int_equal(krb5_init_context(&context), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        char folder[64];
        char path[128];

        print_message("  %s\n", rows[i].why);
        make_folder(folder);
        (void)snprintf(path, sizeof path, "%s/keytab", folder);
        for (size_t e = 0; e < 3 && rows[i].entries[e].principal != NULL; e++)
            add_key_to_keytab(context, path, rows[i].entries[e].principal, rows[i].entries[e].type);
        assert_int_equal(eca_keytab_lacks_aes(path, rows[i].wanted, &err), rows[i].lacks);
        assert_true(!rows[i].lacks || strstr(err.text, "/keytab holds no AES key of " SVC) != NULL);
        assert_true(rows[i].lacks || err.text[0] == '\0');
        remove_folder(folder);
    }
    krb5_free_context(context);
}

static void test_open_path_with_a_type_is_a_path(void **state)
{
    krb5_context context = NULL;
    krb5_keytab keytab = NULL;
    char name[64] = "";
    (void)state;

    assert_int_equal(krb5_init_context(&context), 0);
    assert_int_equal(eca_keytab_open(context, "MEMORY:x", &keytab), 0);
    assert_int_equal(krb5_kt_get_name(context, keytab, name, sizeof name), 0);
    assert_string_equal(name, "FILE:MEMORY:x");
    krb5_kt_close(context, keytab);
    krb5_free_context(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose_any_keytab_gives_the_account),
        cmocka_unit_test(test_choose_unusable_file_fails_with_sentence),
        cmocka_unit_test(test_lacks_aes_looks_at_the_chosen_account_alone),
        cmocka_unit_test(test_open_path_with_a_type_is_a_path),
    };

    /* No default realm: a name without one must take the keytab's. */
    setenv("KRB5_CONFIG", "/dev/null", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
