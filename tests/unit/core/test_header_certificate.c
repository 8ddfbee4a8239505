/* SPDX-License-Identifier: Apache-2.0 */
/* The four formats of a certificate in a header. Values are of RFC 4648 10 and RFC 9440; no certificate is needed. */
#include "header_certificate.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define ENCODED_BEGIN "-----BEGIN%20CERTIFICATE-----"
#define ENCODED_END "-----END%20CERTIFICATE-----"
#define RFC9440 ECA_HEADER_FORMAT_RFC9440
#define PEM ECA_HEADER_FORMAT_PEM
#define ENCODED ECA_HEADER_FORMAT_PEM_URLENCODED
#define TRUSTED "TRUSTED CERTIFICATE-----"
#define DER ECA_HEADER_FORMAT_BASE64_DER

/* Memory of exactly the text's length: a sanitizer sees every byte too many. */
static bool decode(char *out, size_t *length, enum eca_header_format format, struct eca_slice text,
                   struct eca_error *err)
{
    uint8_t *copy = malloc(text.length + 1), *memory = malloc(text.length + 1);
    struct eca_slice der = { NULL, 0 };
    bool done;

    assert_true(copy != NULL && memory != NULL);
    memcpy(copy + 1, text.bytes, text.length);
    done = eca_header_certificate_decode(&der, memory + 1, format, (struct eca_slice){ copy + 1, text.length }, err);
    *length = der.length;
    if (done && der.length < 64)
        memcpy(out, der.bytes, der.length);
    free(copy);
    free(memory);
    return done;
}

static void test_decode_each_format_gives_bytes(void **state)
{
    static const struct {
        const char *why;
        enum eca_header_format format;
        struct eca_slice text;
        struct eca_slice der;
    } rows[] = {
        { "RFC 4648: two signs of padding", DER, SLICE("Zg=="), SLICE("f") },
        { "one", DER, SLICE("Zm8="), SLICE("fo") },
        { "none", DER, SLICE("Zm9v"), SLICE("foo") },
        { "more than a group", DER, SLICE("Zm9vYg=="), SLICE("foob") },
        { "all bits, and the alphabet's last two", DER, SLICE("/+++AP//"), SLICE("\xff\xef\xbe\x00\xff\xff") },
        { "blanks around a header's value", DER, SLICE(" \tZm9v "), SLICE("foo") },
        { "byte sequence", RFC9440, SLICE(":Zm9vYmE=:"), SLICE("fooba") },
        { "as nginx folds it: line end and tab", PEM, SLICE(BEGIN "\n\tZm9v\n\tYmFy\n\t" END "\n"), SLICE("foobar") },
        { "as httpd unfolds that: blanks", PEM, SLICE(BEGIN " Zm9v YmFy " END), SLICE("foobar") },
        { "Windows' line ends", PEM, SLICE(BEGIN "\r\nZm9vYmFy\r\n" END "\r\n"), SLICE("foobar") },
        { "on one line", PEM, SLICE(BEGIN "Zm9v" END), SLICE("foo") },
        { "lines cut where no group ends", PEM, SLICE(BEGIN " Zm 9vY mFy " END), SLICE("foobar") },
        { "nginx's escapes", ENCODED, SLICE(ENCODED_BEGIN "%0A%2F%2B%2B%2BAA%3D%3D%0A" ENCODED_END "%0A"),
          SLICE("\xff\xef\xbe\x00") },
        { "small hexadecimal digits", ENCODED, SLICE(ENCODED_BEGIN "%0a%2f%2b++" ENCODED_END),
          SLICE("\xff\xef\xbe") },
        { "a plus sign left as it is, no blank", ENCODED, SLICE(ENCODED_BEGIN "%0A/+++%0A" ENCODED_END),
          SLICE("\xff\xef\xbe") },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        char der[64];
        size_t length = 0;

        SAY_WHY(&rows[i]);
        assert_true(decode(der, &length, rows[i].format, rows[i].text, &err));
        assert_string_equal(err.text, "");
        assert_int_equal(length, rows[i].der.length);
        assert_memory_equal(der, rows[i].der.bytes, length);
    }
}

static void test_decode_hostile_values_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *why;
        enum eca_header_format format;
        struct eca_slice text;
        const char *said;
    } rows[] = {
        { "nothing", DER, SLICE(""), "no certificate" },
        { "blanks alone", DER, SLICE("  "), "no certificate" },
        { "padding alone", DER, SLICE("===="), "0x3d" },
        { "the same, with padding between", DER, SLICE("Zg==, Zg=="), "sent twice" },
        { "httpd joins two headers with a comma", DER, SLICE("Zm9v, Zm9v"), "sent twice" },
        { "two byte sequences", RFC9440, SLICE(":Zm9v:, :Zm9v:"), "sent twice" },
        { "a list without blank", RFC9440, SLICE(":Zm9v,Zm9v:"), "sent twice" },
        { "two PEM headers", PEM, SLICE(BEGIN " Zm9v " END ", " BEGIN " Zm9v " END), "sent twice" },
        { "a PEM with two certificates", PEM, SLICE(BEGIN " Zm9v " END " " BEGIN " Zm9v " END), "more than one" },
        { "with padding", PEM, SLICE(BEGIN " Zg== " END " " BEGIN " Zm9v " END), "more than one" },
        { "the same, encoded", ENCODED,
          SLICE(ENCODED_BEGIN "Zm9v" ENCODED_END "%0A" ENCODED_BEGIN "Zm9v" ENCODED_END),
          "more than one" },
        { "a chain's second certificate cut", PEM, SLICE(BEGIN " Zm9v " END " " BEGIN " Zm9v"), "does not end with" },
        { "text before", PEM, SLICE("subject=CN=alice " BEGIN " Zm9v " END), "does not begin with" },
        { "text behind", PEM, SLICE(BEGIN " Zm9v " END " x"), "does not end with" },
        { "one line for both", PEM, SLICE(BEGIN "---END CERTIFICATE-----"), "does not end with" },
        { "the two lines share their dashes", PEM, SLICE("-----BEGIN CERTIFICATE-----END CERTIFICATE-----"),
          "does not end with" },
        { "empty PEM", PEM, SLICE(BEGIN " " END), "no certificate" },
        { "a key", PEM, SLICE("-----BEGIN PRIVATE KEY----- Zm9v -----END PRIVATE KEY-----"), "does not begin with" },
        { "OpenSSL's trusted form", PEM, SLICE("-----BEGIN " TRUSTED " Zm9v -----END " TRUSTED),
          "does not begin with" },
        { "PEM headers", PEM, SLICE(BEGIN " Proc-Type: 4,ENCRYPTED Zm9v " END), "a comma" },
        { "base64 where PEM is configured", PEM, SLICE("Zm9v"), "does not begin with" },
        { "PEM where base64 is configured", DER, SLICE(BEGIN " Zm9v " END), "another format" },
        { "encoded PEM where PEM is configured", PEM, SLICE(ENCODED_BEGIN), "does not begin with" },
        { "escaped twice", ENCODED, SLICE("-----BEGIN%2520CERTIFICATE-----"), "does not begin with" },
        { "no colons", RFC9440, SLICE("Zm9v"), "between two colons" },
        { "one colon", RFC9440, SLICE(":"), "between two colons" },
        { "nothing between", RFC9440, SLICE("::"), "no certificate" },
        { "no end", RFC9440, SLICE(":Zm9v"), "between two colons" },
        { "a parameter behind", RFC9440, SLICE(":Zm9v:;a=1"), "between two colons" },
        { "blank within", RFC9440, SLICE(":Zm9v Zm9v:"), "0x20" },
        { "a text of RFC 8941", RFC9440, SLICE("\"Zm9v\""), "between two colons" },
        { "cut at one character", DER, SLICE("Zm9vY"), "cut short" },
        { "padding left out", DER, SLICE("Zg"), "cut short" },
        { "padding too long", DER, SLICE("Zm9v===="), "0x3d" },
        { "padding in the middle", DER, SLICE("Zg==Zm9v"), "0x3d" },
        { "bits behind the last byte", DER, SLICE("Zh=="), "mean nothing" },
        { "bits behind the last two bytes", DER, SLICE("Zm9="), "mean nothing" },
        { "base64url", DER, SLICE("__8="), "0x5f" },
        { "NUL", DER, SLICE("Zm9v\0m9v"), "0x00" },
        { "line end inside base64", DER, SLICE("Zm9v\nZm9v"), "0x0a" },
        { "8-bit", DER, SLICE("Zm9\xff"), "0xff" },
        { "HAProxy without a certificate's sample", DER, SLICE("-"), "another format" },
        { "nginx's variable that was not expanded", ENCODED, SLICE("$ssl_client_escaped_cert"), "does not begin with" },
        { "an escape cut off", ENCODED, SLICE(ENCODED_BEGIN "Zm9v%2"), "percent sign" },
        { "an escape of one character", ENCODED, SLICE("%"), "percent sign" },
        { "an escape that is none", ENCODED, SLICE("%zz%20"), "percent sign" },
        { "NUL, escaped", ENCODED, SLICE(ENCODED_BEGIN "Zm9v%00" ENCODED_END), "0x00" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        char der[64];
        size_t length = 0;

        SAY_WHY(&rows[i]);
        assert_false(decode(der, &length, rows[i].format, rows[i].text, &err));
        assert_int_equal(length, 0);
        if (strstr(err.text, rows[i].said) == NULL)
            fail_msg("said: %s", err.text);
    }
}

static void test_decode_length_is_bounded(void **state)
{
    char *text = malloc(ECA_HEADER_CERTIFICATE_MAX + 4);
    (void)state;

    assert_non_null(text);
    memset(text, 'A', ECA_HEADER_CERTIFICATE_MAX + 4);
    for (size_t more = 0; more <= 4; more += 4) {
        struct eca_error err = { .text = "" };
        char der[64];
        size_t length = 0;
        const bool fits = more == 0;

        assert_int_equal(decode(der, &length, DER,
                                (struct eca_slice){ (const uint8_t *)text, ECA_HEADER_CERTIFICATE_MAX + more }, &err),
                         fits);
        assert_int_equal(length, fits ? ECA_HEADER_CERTIFICATE_MAX / 4 * 3 : 0);
        assert_int_equal(strstr(err.text, "longer than") != NULL, !fits);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_each_format_gives_bytes),
        cmocka_unit_test(test_decode_hostile_values_are_refused_with_a_sentence),
        cmocka_unit_test(test_decode_length_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
