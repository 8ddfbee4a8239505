/* SPDX-License-Identifier: Apache-2.0 */
/* The query string of a request, and the same bytes as the binary structure inside a base64 one. */
#include "activesync.h"
#include "escape.h"
#include "utf8.h"

#include "fuzz.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

static void check_text(const char *text, size_t capacity, bool read)
{
    MUST(memchr(text, '\0', capacity) != NULL);
    MUST(eca_utf8_is_clean(eca_slice_from_text(text)));
    MUST(read || text[0] == '\0');
}

static void check_query(struct eca_slice query)
{
    struct eca_activesync out;
    bool read;

    memset(&out, 0xa5, sizeof out);
    read = eca_activesync_parse_query(&out, query);
    check_text(out.command, sizeof out.command, read);
    check_text(out.user, sizeof out.user, read);
    check_text(out.device_id, sizeof out.device_id, read);
    check_text(out.device_type, sizeof out.device_type, read);
    check_text(out.protocol_version, sizeof out.protocol_version, read);
}

/* What is logged of it: one line, and a quote never stands without its backslash. */
static void check_escaped(struct eca_slice value, size_t limit)
{
    static char memory[8192];
    struct eca_strbuf out;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_escape_text(&out, value, limit);
    MUST(out.overflow || out.length <= limit);
    MUST(eca_utf8_is_clean((struct eca_slice){ (uint8_t *)memory, out.length }));
    for (size_t i = 0; i < out.length; i++) {
        MUST(memory[i] != '"');
        if (memory[i] == '\\') {
            i++;
            MUST(memory[i] == '"' || memory[i] == '\\' || memory[i] == 'x');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned char base64[8192];
    const struct eca_slice query = { bytes, length };

    check_query(query);
    check_escaped(query, length % 100);
    check_escaped(query, 8000);
    if (length < 4096) {
        const int encoded = EVP_EncodeBlock(base64, bytes, (int)length);

        check_query((struct eca_slice){ base64, (size_t)encoded });
    }
    return 0;
}
