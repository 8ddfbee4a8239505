/* SPDX-License-Identifier: Apache-2.0 */
#include "make_entry.h"

#include <string.h>

static size_t position(struct made_entry *made, const char *name)
{
    size_t at = 0;

    while (at < made->entry.count && strcmp(made->entry.attributes[at].name, name) != 0)
        at++;
    if (at == made->entry.count) {
        made->entry.attributes[at] = (struct eca_ldap_attribute){ .name = name, .values = made->lists[at] };
        made->lists[at][0] = NULL;
        made->entry.count++;
    }
    return at;
}

void made_entry_add(struct made_entry *made, const char *name, struct eca_slice value)
{
    const size_t at = position(made, name);
    size_t count = 0;

    while (made->lists[at][count] != NULL)
        count++;
    made->values[at][count] = (struct berval){ .bv_len = value.length, .bv_val = (char *)(uintptr_t)value.bytes };
    made->lists[at][count] = &made->values[at][count];
    made->lists[at][count + 1] = NULL;
}

void made_entry_add_text(struct made_entry *made, const char *name, const char *text)
{
    made_entry_add(made, name, eca_slice_from_text(text));
}

void made_entry_rename(struct made_entry *made, const char *name, const char *spelling)
{
    made->entry.attributes[position(made, name)].name = spelling;
}

void made_entry_clear(struct made_entry *made, const char *name)
{
    made->lists[position(made, name)][0] = NULL;
}
