/* SPDX-License-Identifier: Apache-2.0 */
/* A login name, and any bytes as a value of any kind. */
#include "ldap_filter.h"

#include "filter_shape.h"
#include "fuzz.h"

#include <string.h>

static char filter[ECA_LDAP_FILTER_MAX];

static void check_login(struct eca_slice text)
{
    struct eca_login_name login;
    struct eca_strbuf out;

    if (!eca_login_name_parse(&login, text))
        return;
    MUST(login.user.length > 0);
    MUST(login.user.bytes >= text.bytes && login.user.bytes + login.user.length <= text.bytes + text.length);
    eca_strbuf_init(&out, filter, sizeof filter);
    eca_ldap_filter_login(&out, &login, "example.test");
    MUST(!out.overflow);
    check_filter_shape(filter);
}

static void check_value(struct eca_slice value)
{
    static struct eca_mapping_keys keys;
    struct eca_strbuf out;

    for (unsigned kind = 0; kind < ECA_MAPPING_KINDS; kind++) {
        keys.count = 1;
        keys.keys[0] = (struct eca_mapping_key){ .kind = (enum eca_mapping_kind)kind, .value = value };
        eca_strbuf_init(&out, filter, sizeof filter);
        MUST(eca_ldap_filter_keys(&out, &keys, "example.test", false)
             == eca_mapping_describe((enum eca_mapping_kind)kind)->searched);
        if (!out.overflow && filter[0] != '\0')
            check_filter_shape(filter);
        MUST(strlen(filter) == out.length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    check_login((struct eca_slice){ bytes, length });
    check_value((struct eca_slice){ bytes, length });
    return 0;
}
