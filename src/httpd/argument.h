/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that many directives have in common; each function gives NULL or the sentence httpd prints. */
#ifndef ECA_ARGUMENT_H
#define ECA_ARGUMENT_H

#include "choice.h"

#include <httpd.h>
#include <http_config.h>

/* The value of a name, ASCII case ignored; otherwise a sentence that lists the choices. */
const char *eca_argument_choose(cmd_parms *cmd, const char *argument, const struct eca_choice *choices, int *value);

/* A decimal number within bounds. */
const char *eca_argument_number(cmd_parms *cmd, const char *argument, int minimum, int maximum, int *value);

/* A path, relative ones to ServerRoot. Whether there is a file is not looked at. */
const char *eca_argument_path(cmd_parms *cmd, const char *argument, const char **path);

#endif
