/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that says why something failed: the first and deepest one wins. */
#ifndef ECA_ERROR_H
#define ECA_ERROR_H

#include <stdbool.h>

#define ECA_ERROR_MAX 512

/* Start with { .text = "" }. Never holds a password, key or ticket. */
struct eca_error {
    char text[ECA_ERROR_MAX];
};

/*
 * Writes the sentence unless one is there already; cuts it at ECA_ERROR_MAX - 1 bytes.
 * Returns false, so that `return eca_error_set(err, …)` ends a function.
 */
bool eca_error_set(struct eca_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
