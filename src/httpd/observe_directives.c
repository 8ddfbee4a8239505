/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives of other modules that decide whether a section is ours and whether it can be safe. httpd calls every
 * module that knows a directive's name; these only take note, and the module that owns the
 * directive carries it out.
 */
#include "set_directives.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>

/* Without its owner the directive is as unknown as if we had never heard of it. */
static const char *require_owner(cmd_parms *cmd)
{
    if (ap_find_linked_module(cmd->info) != NULL)
        return NULL;
    return apr_psprintf(cmd->pool,
                        "Invalid command '%s', perhaps misspelled or defined by a module not included in the server "
                        "configuration",
                        cmd->cmd->name);
}

static bool lists_word(cmd_parms *cmd, const char *arguments, const char *wanted)
{
    while (*arguments != '\0') {
        const char *word = ap_getword_conf(cmd->temp_pool, &arguments);

        if (ap_cstr_casecmp(*word == '+' ? word + 1 : word, wanted) == 0)
            return true;
    }
    return false;
}

#define OBSERVE(policy, member, observed)                                                                              \
    do {                                                                                                               \
        (policy)->member = (observed);                                                                                 \
        (policy)->set |= 1U << ECA_BIT_##member;                                                                       \
    } while (0)

const char *set_auth_type_is_ours(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    struct eca_section *section = NULL;

    OBSERVE(policy, auth_type_is_ours, lists_word(cmd, argument, "EASCert"));
    /* A .htaccess is read in a request, which has no section to check and no server to change. */
    if (policy->auth_type_is_ours && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_RUN_MPM) {
        section = apr_array_push(eca_server_config_of(cmd->server)->sections);
        *section = (struct eca_section){
            .server = cmd->server, .policy = policy, .vector = cmd->context, .path = cmd->path, .line = cmd->directive
        };
    }
    return require_owner(cmd);
}

const char *set_ssl_verify_client(cmd_parms *cmd, void *config, const char *argument)
{
    struct eca_policy *policy = config;
    enum eca_ssl_verify verify = ECA_SSL_VERIFY_OTHER;

    if (lists_word(cmd, argument, "none"))
        verify = ECA_SSL_VERIFY_NONE;
    else if (lists_word(cmd, argument, "optional_no_ca"))
        verify = ECA_SSL_VERIFY_OPTIONAL_NO_CA;
    OBSERVE(policy, ssl_verify_client, verify);
    return require_owner(cmd);
}

const char *set_ssl_user_name(cmd_parms *cmd, void *config, const char *argument)
{
    (void)argument;
    OBSERVE((struct eca_policy *)config, ssl_user_name, 1);
    return require_owner(cmd);
}

const char *set_ssl_fake_basic(cmd_parms *cmd, void *config, const char *argument)
{
    /* An option without a sign replaces all that is inherited. */
    const bool replaces = *argument != '+' && *argument != '-';

    if (lists_word(cmd, argument, "FakeBasicAuth"))
        OBSERVE((struct eca_policy *)config, ssl_fake_basic, 1);
    else if (replaces || lists_word(cmd, argument, "-FakeBasicAuth"))
        OBSERVE((struct eca_policy *)config, ssl_fake_basic, 0);
    return require_owner(cmd);
}

const char *set_auth_basic_fake(cmd_parms *cmd, void *config, const char *argument)
{
    OBSERVE((struct eca_policy *)config, auth_basic_fake, !lists_word(cmd, argument, "off"));
    return require_owner(cmd);
}

const char *set_ssl_proxy_verify(cmd_parms *cmd, void *config, const char *argument)
{
    const ap_directive_t *section = cmd->directive->parent;
    const bool required = lists_word(cmd, argument, "require");

    OBSERVE((struct eca_policy *)config, ssl_proxy_verify, required);
    if (required && section != NULL && ap_cstr_casecmpn(section->directive, "<Proxy", 6) == 0)
        eca_server_config_of(cmd->server)->proxy_section_verifies = true;
    return require_owner(cmd);
}
