/* SPDX-License-Identifier: Apache-2.0 */
#include "der_writer.h"

#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* Expectations are X.690's own rules, written out. */
static void test_put_integer_is_as_short_as_it_can_be(void **state)
{
    static const struct {
        const char *why;
        int64_t value;
        struct eca_slice bytes;
    } rows[] = {
        { "zero has one byte", 0, SLICE("\x02\x01\x00") },
        { "largest of one byte", 127, SLICE("\x02\x01\x7f") },
        { "a highest bit would be a sign", 128, SLICE("\x02\x02\x00\x80") },
        { "two bytes", 0x7fff, SLICE("\x02\x02\x7f\xff") },
        { "a sequence number", 0x3fffffff, SLICE("\x02\x04\x3f\xff\xff\xff") },
        { "four bytes and a zero", 0xffffffff, SLICE("\x02\x05\x00\xff\xff\xff\xff") },
        { "minus one", -1, SLICE("\x02\x01\xff") },
        { "smallest of one byte", -128, SLICE("\x02\x01\x80") },
        { "one less", -129, SLICE("\x02\x02\xff\x7f") },
        { "the largest of all", INT64_MAX, SLICE("\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff") },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t memory[16];
        struct eca_der_writer der;

        SAY_WHY(&rows[i]);
        eca_der_writer_init(&der, memory, sizeof memory);
        eca_der_put_integer(&der, rows[i].value);
        assert_false(der.overflow);
        assert_int_equal(sizeof memory - der.start, rows[i].bytes.length);
        assert_memory_equal(memory + der.start, rows[i].bytes.bytes, rows[i].bytes.length);
    }
}

static void test_close_writes_shortest_length(void **state)
{
    static const struct {
        const char *why;
        size_t length;
        struct eca_slice header;
        bool overflow;
    } rows[] = {
        { "nothing inside", 0, SLICE("\x30\x00"), false },
        { "the longest short form", 127, SLICE("\x30\x7f"), false },
        { "one length byte", 128, SLICE("\x30\x81\x80"), false },
        { "its end", 255, SLICE("\x30\x81\xff"), false },
        { "two length bytes", 256, SLICE("\x30\x82\x01\x00"), false },
        { "their end", 65535, SLICE("\x30\x82\xff\xff"), false },
        { "too long for a header", 65536, SLICE(""), true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const size_t size = rows[i].length + 4;
        uint8_t *const memory = malloc(size);
        uint8_t *const content = calloc(1, rows[i].length + 1);
        struct eca_der_writer der;

        SAY_WHY(&rows[i]);
        assert_non_null(memory);
        assert_non_null(content);
        eca_der_writer_init(&der, memory, size);
        eca_der_put(&der, content, rows[i].length);
        eca_der_close(&der, 0x30, size);
        assert_int_equal(der.overflow, rows[i].overflow);
        if (!rows[i].overflow) {
            assert_int_equal(size - der.start, rows[i].length + rows[i].header.length);
            assert_memory_equal(memory + der.start, rows[i].header.bytes, rows[i].header.length);
        }
        free(content);
        free(memory);
    }
}

static void test_put_too_much_overflows_and_stays_so(void **state)
{
    uint8_t memory[4] = { 1, 2, 3, 4 };
    struct eca_der_writer der;
    (void)state;

    eca_der_writer_init(&der, memory, sizeof memory);
    eca_der_put(&der, "abcde", 5);
    assert_true(der.overflow);
    eca_der_put_element(&der, 0x04, "a", 1);
    assert_true(der.overflow);
    assert_memory_equal(memory, "\1\2\3\4", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_integer_is_as_short_as_it_can_be),
        cmocka_unit_test(test_close_writes_shortest_length),
        cmocka_unit_test(test_put_too_much_overflows_and_stays_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
