/* SPDX-License-Identifier: Apache-2.0 */
#include "der.h"

#include "rows.h"

#include <string.h>

static void test_take_elements_only_in_their_one_der_form(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice bytes;
        bool taken;
        size_t content;
        size_t rest;
    } rows[] = {
        { "two bytes and one behind", SLICE("\x04\x02" "ab" "c"), true, 2, 1 },
        { "empty", SLICE("\x04\x00"), true, 0, 0 },
        { "another tag", SLICE("\x0c\x01" "a"), false, 0, 3 },
        { "the constructed form of the tag", SLICE("\x24\x01" "a"), false, 0, 3 },
        { "nothing", SLICE(""), false, 0, 0 },
        { "a tag alone", SLICE("\x04"), false, 0, 1 },
        { "one byte short", SLICE("\x04\x02" "a"), false, 0, 3 },
        { "indefinite length", SLICE("\x04\x80" "ab\0\0"), false, 0, 6 },
        { "long form for a short length", SLICE("\x04\x81\x01" "a"), false, 0, 4 },
        { "long form cut", SLICE("\x04\x81"), false, 0, 2 },
        { "two length bytes, cut", SLICE("\x04\x82\x01"), false, 0, 3 },
        { "two length bytes for less than 256", SLICE("\x04\x82\x00\x80"), false, 0, 4 },
        { "four length bytes", SLICE("\x04\x84\xff\xff\xff\xff"), false, 0, 6 },
        { "the reserved length byte", SLICE("\x04\xff"), false, 0, 2 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_slice rest = rows[i].bytes;
        struct eca_slice content = { NULL, 0 };

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_der_take(&rest, ECA_DER_OCTET_STRING, &content), rows[i].taken);
        assert_int_equal(content.length, rows[i].content);
        assert_int_equal(rest.length, rows[i].rest);
    }
}

static void test_take_long_forms_at_their_borders(void **state)
{
    static const struct {
        const char *why;
        const char *header;
        size_t header_length;
        size_t length;
    } rows[] = {
        { "127, the last short one", "\x04\x7f", 2, 127 },
        { "128, the first with one byte", "\x04\x81\x80", 3, 128 },
        { "255, the last with one byte", "\x04\x81\xff", 3, 255 },
        { "256, the first with two", "\x04\x82\x01\x00", 4, 256 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[300] = { 0 };
        struct eca_slice rest = { bytes, rows[i].header_length + rows[i].length };
        struct eca_slice content;

        SAY_WHY(&rows[i]);
        memcpy(bytes, rows[i].header, rows[i].header_length);
        assert_true(eca_der_take(&rest, ECA_DER_OCTET_STRING, &content));
        assert_int_equal(content.length, rows[i].length);
        assert_ptr_equal(content.bytes, bytes + rows[i].header_length);
        assert_int_equal(rest.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_elements_only_in_their_one_der_form),
        cmocka_unit_test(test_take_long_forms_at_their_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
