/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that says why something failed. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool eca_error_set(struct eca_error *err, const char *format, ...)
{
    va_list arguments;

    if (err->text[0] != '\0')
        return false;
    va_start(arguments, format);
    (void)vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return false;
}
