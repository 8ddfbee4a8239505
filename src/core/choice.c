/* SPDX-License-Identifier: Apache-2.0 */
/* Words and what they mean. */
#include "choice.h"

#include "strbuf.h"

#include <stddef.h>

bool eca_choice_find(const struct eca_choice *choices, const char *name, int *value)
{
    for (; choices->name != NULL; choices++) {
        if (eca_slice_equal_ascii_nocase(eca_slice_from_text(choices->name), eca_slice_from_text(name))) {
            *value = choices->value;
            return true;
        }
    }
    return false;
}

const char *eca_choice_name(const struct eca_choice *choices, int value)
{
    while (choices->name != NULL && choices->value != value)
        choices++;
    return choices->name;
}
