/* SPDX-License-Identifier: Apache-2.0 */
/* One setter per row of directives.def, called by httpd while it reads its configuration. */
#ifndef ECA_SET_DIRECTIVES_H
#define ECA_SET_DIRECTIVES_H

#include "config.h"

/* The words of directives that only httpd knows. */
extern const struct eca_choice eca_delegation_choices[];
extern const struct eca_choice eca_basic_delegation_choices[];
extern const struct eca_choice eca_backend_reuse_choices[];
extern const struct eca_choice eca_revocation_choices[]; /* bits, but for "off" */
extern const struct eca_choice eca_revocation_failure_choices[];

/* Marks a member as set here, so that it is inherited by inner sections and not overwritten by outer ones. */
#define ECA_SET(config, member) ((config)->set |= 1U << ECA_BIT_##member)

/*
 * As httpd's command handlers: `config` is the section's struct eca_policy, the argument is the pool's.
 * NULL is success, anything else the sentence httpd prints after the directive's name.
 */
#define ECA_SETTER_TAKE1(member) const char *set_##member(cmd_parms *cmd, void *config, const char *argument);
#define ECA_SETTER_ITERATE(member) ECA_SETTER_TAKE1(member)
#define ECA_SETTER_RAW_ARGS(member) ECA_SETTER_TAKE1(member)
#define ECA_SETTER_FLAG(member) const char *set_##member(cmd_parms *cmd, void *config, int on);
#define ECA_SETTER_TAKE123(member)                                                                                     \
    const char *set_##member(cmd_parms *cmd, void *config, const char *first, const char *second, const char *third);

#define ECA_POLICY(member, type, initial, name, arguments, help) ECA_SETTER_##arguments(member)
#define ECA_SERVER(member, type, initial, name, arguments, help) ECA_SETTER_##arguments(member)
#define ECA_OBSERVED(member, type, initial, name, arguments, owner) ECA_SETTER_##arguments(member)
#include "directives.def"
#undef ECA_POLICY
#undef ECA_SERVER
#undef ECA_OBSERVED

#endif
