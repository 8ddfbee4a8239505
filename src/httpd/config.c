/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: creation, inheritance and the table of directives, all from directives.def. */
#include "config.h"

#include "service.h"
#include "set_directives.h"

#include <apr_strings.h>
#include <openssl/objects.h>

static const struct eca_purposes *default_purposes(apr_pool_t *pool)
{
    struct eca_purposes *purposes = apr_pcalloc(pool, sizeof *purposes);

    purposes->accepted[purposes->count++] = OBJ_nid2obj(NID_client_auth);
    return purposes;
}

static const struct eca_mapping_setting *default_mapping(apr_pool_t *pool)
{
    struct eca_mapping_setting *setting = apr_pcalloc(pool, sizeof *setting);

    eca_mapping_policy_strong(&setting->policy);
    return setting;
}

void *eca_policy_create(apr_pool_t *pool, char *path)
{
    struct eca_policy *policy = apr_pcalloc(pool, sizeof *policy);

    (void)path;
#define ECA_POLICY(member, type, initial, name, arguments, help) policy->member = initial;
#define ECA_OBSERVED(member, type, initial, name, arguments, owner) policy->member = initial;
#include "directives.def"
#undef ECA_POLICY
#undef ECA_OBSERVED
    return policy;
}

void *eca_policy_merge(apr_pool_t *pool, void *base, void *over)
{
    const struct eca_policy *outer = base, *inner = over;
    struct eca_policy *merged = apr_pmemdup(pool, outer, sizeof *outer);

    if (ECA_IS_SET(inner, remote_user))
        merged->remote_user_attribute = inner->remote_user_attribute;
#define ECA_POLICY(member, type, initial, name, arguments, help)                                                       \
    if (ECA_IS_SET(inner, member))                                                                                     \
        merged->member = inner->member;
#define ECA_OBSERVED(member, type, initial, name, arguments, owner)                                                    \
    if (ECA_IS_SET(inner, member))                                                                                     \
        merged->member = inner->member;
#include "directives.def"
#undef ECA_POLICY
#undef ECA_OBSERVED
    merged->set |= inner->set;
    return merged;
}

void *eca_server_config_create(apr_pool_t *pool, server_rec *server)
{
    struct eca_server_config *config = apr_pcalloc(pool, sizeof *config);

    (void)server;
#define ECA_SERVER(member, type, initial, name, arguments, help) config->member = initial;
#include "directives.def"
#undef ECA_SERVER
    config->sections = apr_array_make(pool, 2, sizeof(struct eca_section));
    config->header_names = apr_array_make(pool, 2, sizeof(const char *));
    config->certificate_headers = apr_array_make(pool, 2, sizeof(const char *));
    config->accounts = eca_account_cache_new(pool);
    config->shared_tickets = eca_ticket_share_new(pool);
    config->ocsp_answers = eca_ocsp_cache_new(pool);
    config->service = apr_pcalloc(pool, sizeof *config->service);
    return config;
}

void *eca_server_config_merge(apr_pool_t *pool, void *base, void *over)
{
    const struct eca_server_config *outer = base, *inner = over;
    struct eca_server_config *merged = apr_pmemdup(pool, outer, sizeof *outer);

    merged->sections = inner->sections;
    merged->header_names = apr_array_append(pool, outer->header_names, inner->header_names);
    merged->certificate_headers = apr_array_append(pool, outer->certificate_headers, inner->certificate_headers);
    merged->proxy_section_verifies |= inner->proxy_section_verifies;
    if (inner->extra_attribute != NULL)
        merged->extra_attribute = inner->extra_attribute;
    if (inner->set != 0 || inner->extra_attribute != NULL)
        merged->service = inner->service;
#define ECA_SERVER(member, type, initial, name, arguments, help)                                                       \
    if (ECA_IS_SET(inner, member))                                                                                     \
        merged->member = inner->member;
#include "directives.def"
#undef ECA_SERVER
    merged->set |= inner->set;
    return merged;
}

const struct eca_policy *eca_policy_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &eas_certauth_module);
}

struct eca_server_config *eca_server_config_of(const server_rec *server)
{
    return ap_get_module_config(server->module_config, &eas_certauth_module);
}

#define POLICY_CONTEXT (RSRC_CONF | ACCESS_CONF)
#define OBSERVED_CONTEXT (RSRC_CONF | OR_ALL)

const command_rec eca_directives[] = {
#define ECA_POLICY(member, type, initial, name, arguments, help)                                                       \
    AP_INIT_##arguments(name, set_##member, NULL, POLICY_CONTEXT, help),
#define ECA_SERVER(member, type, initial, name, arguments, help)                                                       \
    AP_INIT_##arguments(name, set_##member, NULL, RSRC_CONF, help),
#define ECA_OBSERVED(member, type, initial, name, arguments, owner)                                                    \
    AP_INIT_##arguments(name, set_##member, (void *)(owner), OBSERVED_CONTEXT, "see " owner),
#include "directives.def"
#undef ECA_POLICY
#undef ECA_SERVER
#undef ECA_OBSERVED
    { NULL }
};
