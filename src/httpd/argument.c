/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that many directives have in common. */
#include "argument.h"

#include <apr_strings.h>
#include <http_core.h>

const char *eca_argument_choose(cmd_parms *cmd, const char *argument, const struct eca_choice *choices, int *value)
{
    const char *list = "";

    if (eca_choice_find(choices, argument, value))
        return NULL;
    for (const struct eca_choice *choice = choices; choice->name != NULL; choice++)
        list = apr_pstrcat(cmd->pool, list, choice == choices ? "" : ", ", choice->name, NULL);
    return apr_psprintf(cmd->pool, "ECA1001: %s \"%s\" is unknown; write one of: %s", cmd->cmd->name, argument, list);
}

const char *eca_argument_number(cmd_parms *cmd, const char *argument, int minimum, int maximum, int *value)
{
    char *end = NULL;
    const apr_int64_t number = apr_strtoi64(argument, &end, 10);

    if (end == argument || *end != '\0' || number < minimum || number > maximum)
        return apr_psprintf(cmd->pool, "ECA1002: %s wants a number from %d to %d, not \"%s\"", cmd->cmd->name, minimum,
                            maximum, argument);
    *value = (int)number;
    return NULL;
}

const char *eca_argument_path(cmd_parms *cmd, const char *argument, const char **path)
{
    *path = ap_server_root_relative(cmd->pool, argument);
    if (*path == NULL)
        return apr_psprintf(cmd->pool, "ECA1003: %s: \"%s\" is not a usable path", cmd->cmd->name, argument);
    return NULL;
}
