/* SPDX-License-Identifier: Apache-2.0 */
/* The words that a directive's argument can be, and what each means: read from a configuration, and written again. */
#ifndef ECA_CHOICE_H
#define ECA_CHOICE_H

#include <stdbool.h>

struct eca_choice {
    const char *name; /* NULL ends a list */
    int value;
};

/* The value of a word, ASCII case ignored; false when it is none of them. Threads: any. */
bool eca_choice_find(const struct eca_choice *choices, const char *name, int *value);

/* The word for a value, or NULL when none means it. Threads: any. */
const char *eca_choice_name(const struct eca_choice *choices, int value);

#endif
