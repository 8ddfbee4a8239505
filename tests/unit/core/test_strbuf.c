/* SPDX-License-Identifier: Apache-2.0 */
#include "strbuf.h"

#include "rows.h"

#include <string.h>

static void test_append_any_lengths_keeps_what_fits(void **state)
{
    static const struct {
        const char *why;
        size_t capacity;
        const char *first;
        const char *second;
        const char *text;
        bool overflow;
    } rows[] = {
        { "room for all and the NUL", 7, "abc", "def", "abcdef", false },
        { "one short: the piece is left out whole", 6, "abc", "def", "abc", true },
        { "only the NUL fits", 1, "a", "", "", true },
        { "nothing needs no room", 1, "", "", "", false },
        { "after an overflow a piece that would fit is ignored", 4, "abcd", "e", "", true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[16];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        memset(memory, 'x', sizeof memory);
        eca_strbuf_init(&out, memory, rows[i].capacity);
        eca_strbuf_text(&out, rows[i].first);
        eca_strbuf_text(&out, rows[i].second);
        assert_string_equal(memory, rows[i].text);
        assert_int_equal(out.length, strlen(rows[i].text));
        assert_int_equal(out.overflow, rows[i].overflow);
        assert_int_equal(memory[rows[i].capacity], 'x');
    }
}

static void test_append_length_near_size_max_overflows(void **state)
{
    char memory[8];
    struct eca_strbuf out;
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_strbuf_text(&out, "abc");
    eca_strbuf_append(&out, "x", SIZE_MAX - 1);
    assert_true(out.overflow);
    assert_string_equal(memory, "abc");
}

static void test_append_embedded_nul_is_kept(void **state)
{
    char memory[8];
    struct eca_strbuf out;
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_strbuf_append(&out, "a\0b", 3);
    assert_int_equal(out.length, 3);
    assert_memory_equal(memory, "a\0b", 4);
}

static void test_hex_any_bytes_two_lower_case_digits_each(void **state)
{
    const struct eca_slice bytes = SLICE("\x00\x0f\xa0\xff");
    char memory[16];
    struct eca_strbuf out;
    (void)state;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_strbuf_hex(&out, bytes);
    assert_string_equal(memory, "000fa0ff");
    eca_strbuf_init(&out, memory, 8);
    eca_strbuf_hex(&out, bytes);
    assert_true(out.overflow);
    assert_string_equal(memory, "000fa0");
}

/* The vectors of RFC 4648, section 10. */
static void test_base64_any_bytes_as_rfc_4648(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice bytes;
        const char *text;
    } rows[] = {
        { "nothing", SLICE(""), "" },
        { "two of padding", SLICE("f"), "Zg==" },
        { "one of padding", SLICE("fo"), "Zm8=" },
        { "none", SLICE("foo"), "Zm9v" },
        { "several", SLICE("foobar"), "Zm9vYmFy" },
        { "the last two letters", SLICE("\xfb\xff"), "+/8=" },
    };
    char memory[16];
    struct eca_strbuf out;
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        eca_strbuf_base64(&out, rows[i].bytes);
        assert_string_equal(memory, rows[i].text);
        assert_int_equal(out.length, strlen(rows[i].text));
    }
    eca_strbuf_init(&out, memory, 4);
    eca_strbuf_base64(&out, (struct eca_slice)SLICE("foo"));
    assert_true(out.overflow);
    assert_string_equal(memory, "");
}

static void test_slice_from_text_null_is_absent(void **state)
{
    (void)state;

    assert_null(eca_slice_from_text(NULL).bytes);
    assert_int_equal(eca_slice_from_text(NULL).length, 0);
    assert_non_null(eca_slice_from_text("").bytes);
    assert_int_equal(eca_slice_from_text("abc").length, 3);
}

static void test_equal_pairs_compare_as_rule_6_says(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice a, b;
        bool exact, nocase;
    } rows[] = {
        { "the same", SLICE("alice"), SLICE("alice"), true, true },
        { "case of ASCII letters, both ends of the alphabet", SLICE("AZaz"), SLICE("azAZ"), false, true },
        { "the neighbours of the letters are no letters: @ and `", SLICE("@"), SLICE("`"), false, false },
        { "[ and {", SLICE("["), SLICE("{"), false, false },
        { "an accent that AD folds", SLICE("j\xc3\xbcrgen"), SLICE("jurgen"), false, false },
        { "case of a letter that is not ASCII", SLICE("\xc3\x9c"), SLICE("\xc3\xbc"), false, false },
        { "width that AD folds", SLICE("\xef\xbd\x81"), SLICE("a"), false, false },
        { "spaces that Samba folds", SLICE("a  b"), SLICE("a b"), false, false },
        { "a NUL where Samba cuts", SLICE("bob\0x"), SLICE("bob"), false, false },
        { "a NUL and something else behind it", SLICE("bob\0x"), SLICE("bob\0y"), false, false },
        { "a prefix", SLICE("bo"), SLICE("bob"), false, false },
        { "absent and empty", { NULL, 0 }, SLICE(""), true, true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_slice_equal(rows[i].a, rows[i].b), rows[i].exact);
        assert_int_equal(eca_slice_equal_ascii_nocase(rows[i].a, rows[i].b), rows[i].nocase);
        assert_int_equal(eca_slice_equal_ascii_nocase(rows[i].b, rows[i].a), rows[i].nocase);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_any_lengths_keeps_what_fits),
        cmocka_unit_test(test_append_length_near_size_max_overflows),
        cmocka_unit_test(test_append_embedded_nul_is_kept),
        cmocka_unit_test(test_hex_any_bytes_two_lower_case_digits_each),
        cmocka_unit_test(test_base64_any_bytes_as_rfc_4648),
        cmocka_unit_test(test_slice_from_text_null_is_absent),
        cmocka_unit_test(test_equal_pairs_compare_as_rule_6_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
