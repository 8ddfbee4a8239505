/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include "rows.h"

static void test_first_sequences_have_the_length_of_rfc_3629(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        size_t length;
    } rows[] = {
        { "nothing", SLICE(""), 0 },
        { "ASCII, more behind it", SLICE("ab"), 1 },
        { "NUL is a character", SLICE("\0"), 1 },
        { "U+0080, the first of two bytes", SLICE("\xc2\x80"), 2 },
        { "U+07FF, the last of two", SLICE("\xdf\xbf"), 2 },
        { "U+0800, the first of three", SLICE("\xe0\xa0\x80"), 3 },
        { "U+D7FF, before the surrogates", SLICE("\xed\x9f\xbf"), 3 },
        { "U+E000, behind the surrogates", SLICE("\xee\x80\x80"), 3 },
        { "U+FFFF, the last of three", SLICE("\xef\xbf\xbf"), 3 },
        { "U+10000, the first of four", SLICE("\xf0\x90\x80\x80"), 4 },
        { "U+10FFFF, the last", SLICE("\xf4\x8f\xbf\xbf"), 4 },
        { "a tail alone", SLICE("\x80"), 0 },
        { "overlong slash, two bytes", SLICE("\xc0\xaf"), 0 },
        { "overlong NUL", SLICE("\xc0\x80"), 0 },
        { "overlong U+007F", SLICE("\xc1\xbf"), 0 },
        { "overlong in three bytes", SLICE("\xe0\x9f\xbf"), 0 },
        { "overlong in four bytes", SLICE("\xf0\x8f\xbf\xbf"), 0 },
        { "the first surrogate", SLICE("\xed\xa0\x80"), 0 },
        { "the last surrogate", SLICE("\xed\xbf\xbf"), 0 },
        { "U+110000", SLICE("\xf4\x90\x80\x80"), 0 },
        { "a lead that is none", SLICE("\xf5\x80\x80\x80"), 0 },
        { "0xff", SLICE("\xff"), 0 },
        { "cut after the lead", SLICE("\xc3"), 0 },
        { "cut in the tail", SLICE("\xe2\x82"), 0 },
        { "second byte is no tail", SLICE("\xc3("), 0 },
        { "third byte is no tail", SLICE("\xe2\x82("), 0 },
        { "fourth byte is a lead", SLICE("\xf0\x9f\x98\xc3"), 0 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_utf8_first(rows[i].text), rows[i].length);
    }
}

static void test_is_clean_texts_are_judged_by_rule_7(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        bool valid, clean;
    } rows[] = {
        { "empty", SLICE(""), true, true },
        { "a name", SLICE("\xc5\x81ukasz Nowak"), true, true },
        { "NUL inside", SLICE("a\0b"), true, false },
        { "line feed", SLICE("a\nb"), true, false },
        { "0x1f, the last control", SLICE("\x1f"), true, false },
        { "a space is none", SLICE(" "), true, true },
        { "0x7e", SLICE("~"), true, true },
        { "DEL", SLICE("\x7f"), true, false },
        { "Latin-1 at the end", SLICE("ab\xe9"), false, false },
        { "valid, then overlong", SLICE("\xc3\xa9\xc0\x80"), false, false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_utf8_is_valid(rows[i].text), rows[i].valid);
        assert_int_equal(eca_utf8_is_clean(rows[i].text), rows[i].clean);
    }
}

/* What is written is read back as one character, and the borders of the forms are where RFC 3629 puts them. */
static void test_append_every_character_is_one_valid_sequence(void **state)
{
    (void)state;

    for (uint32_t character = 0; character <= 0x110010; character++) {
        const bool surrogate = character >= 0xd800 && character < 0xe000;
        const bool valid = character < 0x110000 && !surrogate;
        const size_t length = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        char memory[8];
        struct eca_strbuf out;

        eca_strbuf_init(&out, memory, sizeof memory);
        if (eca_utf8_append(&out, character) != valid || out.length != (valid ? length : 0)
            || (valid && eca_utf8_first((struct eca_slice){ (uint8_t *)memory, out.length }) != length))
            fail_msg("U+%04X", (unsigned)character);
    }
}

static void test_append_known_characters_have_their_bytes(void **state)
{
    static const struct {
        const char *why;
        uint32_t character;
        const char *bytes;
    } rows[] = {
        { "L with stroke", 0x141, "\xc5\x81" },
        { "euro sign", 0x20ac, "\xe2\x82\xac" },
        { "grinning face", 0x1f600, "\xf0\x9f\x98\x80" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[8];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        assert_true(eca_utf8_append(&out, rows[i].character));
        assert_string_equal(memory, rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_sequences_have_the_length_of_rfc_3629),
        cmocka_unit_test(test_is_clean_texts_are_judged_by_rule_7),
        cmocka_unit_test(test_append_every_character_is_one_valid_sequence),
        cmocka_unit_test(test_append_known_characters_have_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
