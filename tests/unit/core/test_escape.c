/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

#include "rows.h"

#include <string.h>

static void test_text_hostile_bytes_cannot_end_a_line(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice value;
        size_t limit;
        const char *text;
    } rows[] = {
        { "printable ASCII", SLICE("alice@example.test ~!"), 100, "alice@example.test ~!" },
        { "UTF-8", SLICE("\xc5\x81ukasz"), 100, "\xc5\x81ukasz" },
        { "a forged log line", SLICE("x\r\nECA4000 reason=granted"), 100, "x\\x0d\\x0aECA4000 reason=granted" },
        { "quote and backslash are for whoever quotes", SLICE("a\"b\\c"), 100, "a\"b\\c" },
        { "NUL, ESC and DEL", SLICE("\0\x1b[2J\x7f"), 100, "\\x00\\x1b[2J\\x7f" },
        { "CSI as C1, which terminals obey too", SLICE("\xc2\x9b" "2J"), 100, "\\xc2\\x9b2J" },
        { "the last C1, and the first letter behind", SLICE("\xc2\x9f\xc2\xa1"), 100, "\\xc2\\x9f\xc2\xa1" },
        { "Latin-1", SLICE("caf\xe9"), 100, "caf\\xe9" },
        { "overlong slash", SLICE("\xc0\xaf"), 100, "\\xc0\\xaf" },
        { "empty", SLICE(""), 100, "" },
        { "exactly the limit", SLICE("abcdef"), 6, "abcdef" },
        { "one more", SLICE("abcdefg"), 6, "abc..." },
        { "not in the middle of an escape", SLICE("ab\n\n"), 9, "ab\\x0a..." },
        { "an escape that does not fit before the dots", SLICE("ab\ncdefgh"), 8, "ab..." },
        { "not in the middle of a character", SLICE("a\xe2\x82\xac" "bcd"), 6, "a..." },
        { "a limit below the dots", SLICE("abc"), 2, ".." },
        { "no room at all", SLICE("abc"), 0, "" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[128];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        eca_escape_text(&out, rows[i].value, rows[i].limit);
        assert_false(out.overflow);
        assert_string_equal(memory, rows[i].text);
        assert_true(out.length <= rows[i].limit);
    }
}

static void test_pair_values_are_quoted_where_a_reader_needs_it(void **state)
{
    static const struct {
        const char *why;
        const char *value;
        const char *text;
    } rows[] = {
        { "a word", "alice", " key=alice" },
        { "absent", NULL, "" },
        { "empty", "", " key=\"\"" },
        { "a space", "a b", " key=\"a b\"" },
        { "an equals sign would begin another pair", "CN=x", " key=\"CN=x\"" },
        { "a quote", "a\"b", " key=\"a\\x22b\"" },
        { "a forged pair", "x reason=granted", " key=\"x reason=granted\"" },
        { "a quote that would end the value", "x\" reason=\"granted", " key=\"x\\x22 reason=\\x22granted\"" },
        { "a backslash before the closing quote", "a b\\", " key=\"a b\\x5c\"" },
        { "a backslash needs no quotes", "EXAMPLE\\alice", " key=EXAMPLE\\x5calice" },
        { "a line feed", "a\nb", " key=a\\x0ab" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char memory[128];
        struct eca_strbuf out;

        SAY_WHY(&rows[i]);
        eca_strbuf_init(&out, memory, sizeof memory);
        eca_escape_pair(&out, "key", rows[i].value);
        assert_string_equal(memory, rows[i].text);
    }
}

static void test_pair_long_value_is_cut_and_closed(void **state)
{
    char value[4096], memory[4096];
    struct eca_strbuf out;
    (void)state;

    memset(value, ' ', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    eca_strbuf_init(&out, memory, sizeof memory);
    eca_escape_pair(&out, "k", value);
    assert_int_equal(out.length, strlen(" k=\"\"") + ECA_ESCAPE_PAIR_MAX);
    assert_string_equal(memory + out.length - 4, "...\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_hostile_bytes_cannot_end_a_line),
        cmocka_unit_test(test_pair_values_are_quoted_where_a_reader_needs_it),
        cmocka_unit_test(test_pair_long_value_is_cut_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
