/* SPDX-License-Identifier: Apache-2.0 */
/* A Name in DER, as an issuer or a subject. */
#include "distinguished_name.h"

#include "fuzz.h"

#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

/* Outside quotes nothing may stand that could end a name; the quotes must be closed. */
static void check_text(const struct eca_strbuf *text)
{
    bool quoted = false;

    MUST(text->length > 0 && text->text[text->length] == '\0');
    for (size_t i = 0; i < text->length; i++) {
        if (text->text[i] == '"')
            quoted = !quoted;
        MUST(text->text[i] != '\r' && text->text[i] != '\n');
        MUST(quoted || (text->text[i] != '<' && text->text[i] != '>' && text->text[i] != ';'));
    }
    MUST(!quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const size_t capacities[] = { 8192, 64, 1 };
    const unsigned char *at = bytes;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)length);

    for (size_t i = 0; name != NULL && i < sizeof capacities / sizeof capacities[0]; i++) {
        static char memory[8192];
        struct eca_strbuf out;

        eca_strbuf_init(&out, memory, capacities[i]);
        if (eca_distinguished_name_write(&out, name))
            check_text(&out);
        MUST(out.length < capacities[i]);
    }
    X509_NAME_free(name);
    ERR_clear_error();
    return 0;
}
