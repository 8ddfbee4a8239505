/* SPDX-License-Identifier: Apache-2.0 */
/* The command that an administrator pastes into PowerShell. */
#ifndef ECA_POWERSHELL_H
#define ECA_POWERSHELL_H

#include <stdbool.h>

/*
 * Prints the Set-ADUser line that stores `value` (altSecurityIdentities) with an account; `identity` NULL: a comment
 * before it says what to put in. False, with a comment instead, when there is no value. `file` is for comments.
 */
bool eca_powershell_print(const char *file, const char *value, const char *identity);

#endif
