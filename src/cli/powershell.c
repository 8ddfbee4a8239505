/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting for PowerShell: what comes from a certificate must stay a value there. */
#include "powershell.h"

#include "escape.h"

#include <stdio.h>
#include <string.h>

/*
 * A verbatim string: PowerShell ends it at ' and also at U+2018, U+2019, U+201A and U+201B (its language specification,
 * 2.3.5.2); doubled they stand for themselves. In UTF-8 the four are E2 80 98 to E2 80 9B.
 */
static void print_quoted(const char *text)
{
    (void)putchar('\'');
    for (; *text != '\0'; text++) {
        const unsigned char *at = (const unsigned char *)text;

        if (at[0] == '\'') {
            (void)fputs("''", stdout);
        } else if (at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x98 && at[2] <= 0x9b) {
            (void)printf("%.3s%.3s", text, text);
            text += 2;
        } else {
            (void)putchar(*text);
        }
    }
    (void)putchar('\'');
}

static void print_comment(const char *file, const char *what)
{
    char memory[512];
    struct eca_strbuf name;

    eca_strbuf_init(&name, memory, sizeof memory);
    eca_escape_text(&name, eca_slice_from_text(file), sizeof memory - 1);
    (void)printf("# %s: %s\n", name.text, what);
}

bool eca_powershell_print(const char *file, const char *value, const char *identity)
{
    if (value[0] == '\0') {
        print_comment(file, "this certificate has no issuer and serial that can be stored");
        return false;
    }
    if (identity == NULL)
        print_comment(file, "put the account's sAMAccountName in the place of ACCOUNT");
    (void)fputs("Set-ADUser -Identity ", stdout);
    print_quoted(identity != NULL ? identity : "ACCOUNT");
    (void)fputs(" -Add @{'altSecurityIdentities'=", stdout);
    print_quoted(value);
    (void)fputs("}\n", stdout);
    return true;
}
