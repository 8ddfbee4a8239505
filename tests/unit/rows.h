/* SPDX-License-Identifier: Apache-2.0 */
/* What every table of test rows is written with. */
#ifndef ROWS_H
#define ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* A slice over a literal, inner NULs included, its own NUL not. */
#define SLICE(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Printed before the assertions of a row, so that the last line names the one that failed. */
#define SAY_WHY(row) print_message("  %s\n", (row)->why)

#endif
