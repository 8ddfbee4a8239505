/* SPDX-License-Identifier: Apache-2.0 */
#include "pac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ALICE "S-1-5-21-2612238570-2432606714-1510613622-1103"
#define ALICE_BYTES "\x01\x05\0\0\0\0\0\x05\x15\0\0\0\xea\x98\xb3\x9b\xfa\xa1\xfe\x90\x76\x22\x0a\x5a\x4f\x04\0\0"
#define HEADER "\0\0\x14\0\0\0\x14\0" /* no UPN, no DNS domain name */
#define SLICE(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* On the heap at an odd address and to the byte, so that the sanitizers see alignment and overruns. */
static bool read_copy(char *out, struct eca_slice buffer, struct eca_error *err)
{
    uint8_t *const memory = malloc(buffer.length + 1);
    bool good = false;

    assert_non_null(memory);
    memcpy(memory + 1, buffer.bytes, buffer.length);
    good = eca_pac_read_upn_dns_info(out, (struct eca_slice){ memory + 1, buffer.length }, err);
    free(memory);
    return good;
}

static void test_read_upn_dns_info_valid_buffer_gives_sid(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice buffer;
        const char *sid;
    } rows[] = {
        { "the SID right behind the header",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x14\0" ALICE_BYTES), ALICE },
        { "padding before it, names behind it: offsets count, not order",
          SLICE(HEADER "\x02\0\0\0" "\x02\0\x34\0" "\x1c\0\x18\0" "\0\0\0\0" ALICE_BYTES "a\0"), ALICE },
        { "an odd offset", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x15\0" "x" ALICE_BYTES), ALICE },
        { "other flags beside ours (1: the UPN was constructed)",
          SLICE(HEADER "\x03\0\0\0" "\0\0\x14\0" "\x1c\0\x14\0" ALICE_BYTES), ALICE },
        { "the shortest SID", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x0c\0\x14\0" "\x01\x01\0\0\0\0\0\x01\0\0\0\0"),
          "S-1-1-0" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sid[ECA_SID_TEXT_MAX] = "";
        struct eca_error err = { .text = "" };

        print_message("  %s\n", rows[i].why);
        assert_true(read_copy(sid, rows[i].buffer, &err));
        assert_string_equal(sid, rows[i].sid);
        assert_string_equal(err.text, "");
    }
}

static void test_read_upn_dns_info_hostile_buffer_fails_with_sentence(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice buffer;
        const char *says;
    } rows[] = {
        { "nothing", SLICE(""), "0 bytes" },
        { "one byte less than a header", SLICE(HEADER "\x02\0\0"), "11 bytes" },
        { "it ends in the flags", SLICE(HEADER "\x02"), "9 bytes" },
        { "a DC of before November 2021",
          SLICE(HEADER "\0\0\0\0" "\0\0\x14\0" "\x1c\0\x14\0" ALICE_BYTES), "KB5008380" },
        { "the flag alone", SLICE(HEADER "\x02\0\0\0"), "12 bytes" },
        { "one byte less than an extended header", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x14"), "19 bytes" },
        { "the SID starts at the end", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x14\0"), "outside" },
        { "the SID starts behind the end",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\xff\xff" ALICE_BYTES), "outside" },
        { "the SID ends one byte behind the end",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x15\0" ALICE_BYTES), "outside" },
        { "offset and length whose sum is small again in 16 bits",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\xf0\xff\x24\0" ALICE_BYTES), "outside" },
        { "the SID inside the header", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x1c\0\x04\0" ALICE_BYTES), "outside" },
        { "an empty SID", SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\0\0\x14\0" ALICE_BYTES), "no SID" },
        { "a length that is not the SID's own",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x18\0\x14\0" ALICE_BYTES), "no SID" },
        { "revision 2",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x0c\0\x14\0" "\x02\x01\0\0\0\0\0\x01\0\0\0\0"), "no SID" },
        { "255 sub-authorities",
          SLICE(HEADER "\x02\0\0\0" "\0\0\x14\0" "\x0c\0\x14\0" "\x01\xff\0\0\0\0\0\x01\0\0\0\0"), "no SID" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sid[ECA_SID_TEXT_MAX] = "";
        struct eca_error err = { .text = "" };

        print_message("  %s\n", rows[i].why);
        assert_false(read_copy(sid, rows[i].buffer, &err));
        assert_non_null(strstr(err.text, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_upn_dns_info_valid_buffer_gives_sid),
        cmocka_unit_test(test_read_upn_dns_info_hostile_buffer_fails_with_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
