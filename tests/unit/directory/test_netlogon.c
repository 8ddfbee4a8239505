/* SPDX-License-Identifier: Apache-2.0 */
#include "netlogon.h"

#include "rows.h"

#include <string.h>

#define FIXED "\x17\0\0\0\xfd\xf3\0\0" "0123456789abcdef" /* opcode 23, flags, GUID */
#define FOREST "\7example\4test\0"                       /* at 24 */
#define NAMES FOREST "\xc0\x18" "\3dc1\xc0\x18" "\7EXAMPLE\0" "\3DC1\0" "\0" "\4Main\0"

static const struct {
    const char *why;
    struct eca_slice answer;
    const char *site; /* NULL: false */
} rows[] = {
    { "the client's site, after the domain controller's own", SLICE(FIXED NAMES "\6Branch\0"), "Branch" },
    { "the same as a pointer to the domain controller's", SLICE(FIXED NAMES "\xc0\x3d"), "Main" },
    { "more behind it (next closest site, version)", SLICE(FIXED NAMES "\6Branch\0\4Near\0\5\0\0\0"), "Branch" },
    { "a client in no site", SLICE(FIXED NAMES "\0"), NULL },
    { "a name of two labels is no site", SLICE(FIXED NAMES "\1a\1b\0"), NULL },
    { "a byte that DNS would have to escape", SLICE(FIXED NAMES "\3a%s\0"), NULL },
    { "a site too long for its room", SLICE(FIXED NAMES "\x11" "abcdefghijklmnopq\0"), NULL },
    { "the answer of an NT 4 controller", SLICE("\x13\0" NAMES NAMES), NULL },
    { "cut in the fixed part", SLICE("\x17\0\0\0\xfd"), NULL },
    { "nothing behind the fixed part", SLICE(FIXED), NULL },
    { "cut before the client's site", SLICE(FIXED NAMES), NULL },
    { "cut in a label", SLICE(FIXED NAMES "\6Bra"), NULL },
    { "a pointer to itself", SLICE(FIXED "\xc0\x18"), NULL },
    { "a pointer behind the end", SLICE(FIXED NAMES "\xc0\xff"), NULL },
};

static void test_client_site_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char site[17] = "untouched";

        SAY_WHY(&rows[i]);
        assert_int_equal(eca_netlogon_client_site(site, sizeof site, rows[i].answer), rows[i].site != NULL);
        assert_string_equal(site, rows[i].site != NULL ? rows[i].site : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_client_site_rows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
