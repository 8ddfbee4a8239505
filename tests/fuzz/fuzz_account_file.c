/* SPDX-License-Identifier: Apache-2.0 */
/* An account file; what it holds is asked for by every kind of key, taken from the text itself. */
#include "account_file_parse.h"

#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

static void ask(const struct eca_account_file *file, struct eca_slice value)
{
    static struct eca_mapping_keys keys;
    static struct eca_candidates found;

    keys.count = 0;
    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++)
        keys.keys[keys.count++] = (struct eca_mapping_key){ .kind = (enum eca_mapping_kind)kind, .value = value };
    eca_account_file_find_by_keys(file, &keys, &found);
    MUST(found.count <= ECA_MAPPING_CANDIDATES_MAX);
    for (size_t i = 0; i < found.count; i++) {
        MUST(found.items[i].matched != 0 && found.items[i].matched >> keys.count == 0);
        MUST(found.items[i].account.sam_account_name[0] != '\0');
        for (size_t j = 0; j < i; j++)
            MUST(strcmp(found.items[i].account.sam_account_name, found.items[j].account.sam_account_name) != 0);
    }
}

static void log_in(const struct eca_account_file *file, struct eca_slice value)
{
    static struct eca_account account;
    struct eca_login_name login;

    if (eca_login_name_parse(&login, value) && eca_account_file_find_by_login(file, &login, &account))
        MUST(eca_login_name_means(&login, &account));
}

/* Everything behind an equals sign, up to the end of its line. */
static void ask_for_values(const struct eca_account_file *file, struct eca_slice text)
{
    const uint8_t *end = text.bytes + text.length;

    for (const uint8_t *at = text.bytes; at < end; at++) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));

        if (*at != '=' || line_end == NULL)
            continue;
        at += at + 1 < line_end && at[1] == ' ' ? 2 : 1;
        ask(file, (struct eca_slice){ at, (size_t)(line_end - at) });
        log_in(file, (struct eca_slice){ at, (size_t)(line_end - at) });
        at = line_end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool initialised;
    const struct eca_slice text = { bytes, length };
    struct eca_error err = { .text = "" };
    struct eca_account_file *file;

    if (!initialised)
        MUST(apr_initialize() == APR_SUCCESS);
    initialised = true;
    file = eca_account_file_parse(text, "department", &err);
    MUST((file == NULL) == (err.text[0] != '\0'));
    if (file != NULL)
        ask_for_values(file, text);
    eca_account_file_close(file);
    return 0;
}
