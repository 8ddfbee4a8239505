/* SPDX-License-Identifier: Apache-2.0 */
/* The query string of a request, and the same bytes as the binary structure inside a base64 one. */
#include "activesync.h"
#include "escape.h"
#include "utf8.h"

#include "fuzz.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Escaping finds nothing to escape. */
static void check_is_fit_to_be_read(const char *text)
{
    char memory[512];
    struct eca_strbuf out;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_escape_text(&out, eca_slice_from_text(text), sizeof memory - 1);
    MUST(strcmp(memory, text) == 0);
}

static void check_text(const char *text, size_t longest, bool read)
{
    MUST(text == NULL || (read && text[0] != '\0' && strlen(text) < longest));
    if (text != NULL)
        check_is_fit_to_be_read(text);
}

static void check_query(struct eca_slice query)
{
    char *memory = malloc(eca_activesync_room(query.length));
    struct eca_activesync out;
    bool read;

    MUST(memory != NULL);
    memset(&out, 0xa5, sizeof out);
    read = eca_activesync_parse_query(&out, query, memory);
    check_text(out.command, ECA_ACTIVESYNC_COMMAND_MAX, read);
    check_text(out.user, ECA_ACTIVESYNC_TEXT_MAX, read);
    check_text(out.device_id, ECA_ACTIVESYNC_TEXT_MAX, read);
    check_text(out.device_type, ECA_ACTIVESYNC_TEXT_MAX, read);
    check_text(out.protocol_version, ECA_ACTIVESYNC_COMMAND_MAX, read);
    free(memory);
}

/* What a variable holds of it: one line of clean UTF-8. */
static void check_escaped_text(struct eca_slice value, size_t limit)
{
    static char memory[8192];
    struct eca_strbuf out;

    eca_strbuf_init(&out, memory, sizeof memory);
    eca_escape_text(&out, value, limit);
    MUST(out.overflow || out.length <= limit);
    MUST(eca_utf8_is_clean((struct eca_slice){ (uint8_t *)memory, out.length }));
}

/* What is logged of it: " k=" and a value that only its own closing quote can end. */
static void check_escaped_pair(struct eca_slice value)
{
    static char text[8192], memory[8192];
    struct eca_strbuf out;
    bool quoted = false;

    memcpy(text, value.bytes, value.length < sizeof text ? value.length : sizeof text - 1);
    text[value.length < sizeof text ? value.length : sizeof text - 1] = '\0';
    eca_strbuf_init(&out, memory, sizeof memory);
    eca_escape_pair(&out, "k", text);
    MUST(!out.overflow && memcmp(memory, " k=", 3) == 0);
    quoted = memory[3] == '"';
    MUST(!quoted || (out.length > 4 && memory[out.length - 1] == '"'));
    for (size_t i = quoted ? 4 : 3; i < out.length - (quoted ? 1 : 0); i++) {
        MUST(memory[i] != '"' && (quoted || (memory[i] != ' ' && memory[i] != '=')));
        MUST(memory[i] != '\\' || memory[i + 1] == 'x');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned char base64[8192];
    const struct eca_slice query = { bytes, length };

    check_query(query);
    check_escaped_text(query, length % 100);
    check_escaped_text(query, 8000);
    check_escaped_pair(query);
    if (length < 4096) {
        const int encoded = EVP_EncodeBlock(base64, bytes, (int)length);

        check_query((struct eca_slice){ base64, (size_t)encoded });
    }
    return 0;
}
