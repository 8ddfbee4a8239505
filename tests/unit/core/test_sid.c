/* SPDX-License-Identifier: Apache-2.0 */
#include "sid.h"

#include "rows.h"

#include <string.h>

#define ALICE "S-1-5-21-294026126-3378245018-1203103949-1001"

/* MS-DTYP 2.4.2.2, by hand: 294026126 = 0x11867b8e, 3378245018 = 0xc95bed9a, 1203103949 = 0x47b5e8cd, 1001 = 0x3e9 */
#define ALICE_BINARY \
    "\x01\x05\0\0\0\0\0\x05" "\x15\0\0\0" "\x8e\x7b\x86\x11" "\x9a\xed\x5b\xc9" "\xcd\xe8\xb5\x47" "\xe9\x03\0\0"

static void test_parse_text_shapes_are_those_of_rule_8(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice text;
        bool valid;
    } rows[] = {
        { "an ordinary account", SLICE(ALICE), true },
        { "one sub-authority", SLICE("S-1-5-18"), true },
        { "fifteen of them", SLICE("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15"), true },
        { "the longest there is", SLICE("S-1-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-"
          "4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-4294967295-"
          "4294967295"), true },
        { "zero is a number", SLICE("S-1-0-0"), true },
        { "sixteen", SLICE("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"), false },
        { "no sub-authority", SLICE("S-1-5"), false },
        { "empty", SLICE(""), false },
        { "only the beginning", SLICE("S-1-"), false },
        { "2^32", SLICE("S-1-5-4294967296"), false },
        { "an authority of 2^32: written in hexadecimal by MS-DTYP, never assigned", SLICE("S-1-4294967296-1"), false },
        { "2^64 + 1 must not wrap to 1", SLICE("S-1-5-18446744073709551617"), false },
        { "leading zero", SLICE("S-1-5-021"), false },
        { "leading zero in the authority", SLICE("S-1-05-21"), false },
        { "lower case", SLICE("s-1-5-18"), false },
        { "another revision", SLICE("S-2-5-18"), false },
        { "empty number", SLICE("S-1-5--18"), false },
        { "dash at the end", SLICE("S-1-5-18-"), false },
        { "negative", SLICE("S-1-5--1"), false },
        { "plus", SLICE("S-1-5-+18"), false },
        { "space in front", SLICE(" S-1-5-18"), false },
        { "line feed behind", SLICE("S-1-5-18\n"), false },
        { "NUL behind, as a C programmer would encode it", SLICE("S-1-5-18\0"), false },
        { "NUL inside, somebody else behind it", SLICE("S-1-5-18\0-500"), false },
        { "hexadecimal", SLICE("S-1-0x5-18"), false },
        { "a filter", SLICE("S-1-5-18)(objectClass=*"), false },
        { "much longer than the room", SLICE("S-1-5-1111111111111111111111111111111111111111111111111111111111111111"
          "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
          "1111111111111111111111111111111111111111"), false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[ECA_SID_TEXT_MAX];

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_sid_parse_text(text, rows[i].text), rows[i].valid);
        if (rows[i].valid) {
            assert_int_equal(strlen(text), rows[i].text.length);
            assert_memory_equal(text, rows[i].text.bytes, rows[i].text.length);
        }
    }
}

static void test_to_binary_known_sids_have_the_bytes_of_ms_dtyp(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        struct eca_slice binary;
    } rows[] = {
        { "an account", ALICE, SLICE(ALICE_BINARY) },
        { "Local System", "S-1-5-18", SLICE("\x01\x01\0\0\0\0\0\x05\x12\0\0\0") },
        { "the order of the authority's bytes", "S-1-66051-1", SLICE("\x01\x01\0\0\0\x01\x02\x03\x01\0\0\0") },
        { "no SID", "S-1-5", SLICE("") },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t binary[ECA_SID_BINARY_MAX];

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_sid_to_binary(binary, rows[i].text), rows[i].binary.length);
        assert_memory_equal(binary, rows[i].binary.bytes, rows[i].binary.length);
    }
}

static void test_to_text_binary_must_be_exactly_one_sid(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice binary;
        const char *text; /* NULL: refused */
    } rows[] = {
        { "an account", SLICE(ALICE_BINARY), ALICE },
        { "every bit of a sub-authority", SLICE("\x01\x01\0\0\0\0\0\x05\xff\xff\xff\xff"), "S-1-5-4294967295" },
        { "nothing", SLICE(""), NULL },
        { "cut", SLICE("\x01\x01\0\0\0\0\0\x05\x12\0\0"), NULL },
        { "one byte behind", SLICE("\x01\x01\0\0\0\0\0\x05\x12\0\0\0\0"), NULL },
        { "count says two, one is there", SLICE("\x01\x02\0\0\0\0\0\x05\x12\0\0\0"), NULL },
        { "no sub-authority", SLICE("\x01\x00\0\0\0\0\0\x05"), NULL },
        { "sixteen sub-authorities", SLICE("\x01\x10\0\0\0\0\0\x05"
          "1234123412341234123412341234123412341234123412341234123412341234"), NULL },
        { "revision 2", SLICE("\x02\x01\0\0\0\0\0\x05\x12\0\0\0"), NULL },
        { "an authority of 2^32", SLICE("\x01\x01\0\x01\0\0\0\0\x12\0\0\0"), NULL },
        { "an authority of 2^40", SLICE("\x01\x01\x01\0\0\0\0\0\x12\0\0\0"), NULL },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[ECA_SID_TEXT_MAX];

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_sid_to_text(text, rows[i].binary), rows[i].text != NULL);
        if (rows[i].text != NULL)
            assert_string_equal(text, rows[i].text);
    }
}

static void test_to_text_longest_binary_fits(void **state)
{
    uint8_t binary[ECA_SID_BINARY_MAX], again[ECA_SID_BINARY_MAX];
    char text[ECA_SID_TEXT_MAX];
    (void)state;

    memset(binary, 0xff, sizeof binary);
    memcpy(binary, "\x01\x0f\0\0", 4);
    assert_true(eca_sid_to_text(text, (struct eca_slice){ binary, sizeof binary }));
    assert_int_equal(eca_sid_to_binary(again, text), sizeof binary);
    assert_memory_equal(again, binary, sizeof binary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_text_shapes_are_those_of_rule_8),
        cmocka_unit_test(test_to_binary_known_sids_have_the_bytes_of_ms_dtyp),
        cmocka_unit_test(test_to_text_binary_must_be_exactly_one_sid),
        cmocka_unit_test(test_to_text_longest_binary_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
