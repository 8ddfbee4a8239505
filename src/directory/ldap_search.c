/* SPDX-License-Identifier: Apache-2.0 */
/* The filter, the attributes, and the judgement of every entry that comes back. */
#include "ldap_search.h"

#include "ldap_message.h"

#include <string.h>

static bool implies_name(const struct eca_ldap_search *search, const char *domain)
{
    struct eca_slice name;

    for (size_t i = 0; search->keys != NULL && i < search->keys->count; i++) {
        if (eca_mapping_key_implicit_name(&search->keys->keys[i], domain, &name))
            return true;
    }
    return search->login != NULL && search->login->is_upn
           && eca_mapping_key_implicit_name(
               &(const struct eca_mapping_key){ .kind = ECA_MAPPING_UPN, .value = search->login->user }, domain, &name);
}

/* The domain whose name a UPN may end with; all UPNs of one certificate end alike, or it is refused. */
static const char *domain_of(const struct eca_ldap_search *search, const struct eca_ldap_naming *naming)
{
    for (size_t i = 0; search->whole_forest && i < naming->domain_count; i++) {
        if (implies_name(search, naming->domains[i].dns))
            return naming->domains[i].dns;
    }
    return naming->domain;
}

/* Empty when there is nothing to search by; false when it does not fit. */
static bool write_filter(struct eca_ldap_search *search, const char *domain)
{
    struct eca_strbuf filter;

    eca_strbuf_init(&filter, search->filter, sizeof search->filter);
    if (search->keys != NULL)
        (void)eca_ldap_filter_keys(&filter, search->keys, domain, search->configured_only);
    else
        eca_ldap_filter_login(&filter, search->login, domain);
    return !filter.overflow;
}

static bool needs_certificates(const struct eca_mapping_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        if (keys->keys[i].kind == ECA_MAPPING_CERTIFICATE)
            return true;
    }
    return false;
}

/* Judges one entry; adds it when it really is one of those asked for. */
static bool add_entry(struct eca_ldap_search *search, const struct eca_ldap_naming *naming,
                      const struct eca_ldap_entry *entry, struct eca_error *err)
{
    struct eca_candidate *candidate = &search->found.items[search->found.count];
    const char *netbios;
    bool belongs;

    if (!eca_ldap_entry_account(&candidate->account, entry, search->extra_attribute, err))
        return false;
    netbios = eca_ldap_naming_netbios(naming, candidate->account.domain);
    memcpy(candidate->account.netbios, netbios, strlen(netbios) + 1);
    candidate->matched = 0;
    if (search->keys == NULL)
        belongs = eca_login_name_means(search->login, &candidate->account);
    else if (eca_ldap_entry_match(&candidate->matched, entry, &candidate->account, search->keys, err))
        belongs = candidate->matched != 0;
    else
        return false;
    if (belongs)
        search->found.count++;
    return true;
}

static bool add_message(struct eca_ldap_search *search, const struct eca_ldap_naming *naming, LDAP *ld,
                        LDAPMessage *message, struct eca_error *err)
{
    struct eca_ldap_message read;
    bool added;

    if (!eca_ldap_message_open(&read, ld, message, err))
        return false;
    added = add_entry(search, naming, &read.entry, err);
    eca_ldap_message_close(&read);
    return added;
}

/* References in the answer are not entries and so are skipped. */
static enum eca_ldap_fault read_answer(struct eca_ldap_search *search, const struct eca_ldap_naming *naming, LDAP *ld,
                                       LDAPMessage *answer, struct eca_error *err)
{
    search->found.count = 0;
    for (LDAPMessage *message = ldap_first_entry(ld, answer); message != NULL; message = ldap_next_entry(ld, message)) {
        if (search->found.count == ECA_MAPPING_CANDIDATES_MAX) {
            search->found.truncated = true;
            return ECA_LDAP_OK;
        }
        if (!add_message(search, naming, ld, message, err))
            return ECA_LDAP_FINAL;
    }
    return ECA_LDAP_OK;
}

static enum eca_ldap_fault search_once(struct eca_ldap_search *search, struct eca_ldap_connection *connection,
                                       const struct eca_ldap_naming *naming, apr_time_t until, struct eca_error *err)
{
    const char *const extra = search->extra_attribute;
    const bool certificates = needs_certificates(search->keys);
    const char *const attributes[] = {
        "objectSid",
        "sAMAccountName",
        "userPrincipalName",
        "mail",
        "altSecurityIdentities",
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "whenCreated",
        certificates ? "userCertificate" : extra,
        certificates ? extra : NULL,
        NULL,
    };
    const struct eca_ldap_query query = {
        .base = naming->base,
        .scope = LDAP_SCOPE_SUBTREE,
        .filter = search->filter,
        .attributes = attributes,
        .size_limit = ECA_MAPPING_CANDIDATES_MAX,
    };
    LDAPMessage *answer = NULL;
    enum eca_ldap_fault fault;

    search->found.count = 0;
    search->found.truncated = false;
    if (!write_filter(search, domain_of(search, naming))) {
        eca_error_set(err, "the search filter is longer than %d bytes", ECA_LDAP_FILTER_MAX);
        return ECA_LDAP_FINAL;
    }
    if (search->filter[0] == '\0')
        return ECA_LDAP_OK;
    fault = eca_ldap_connection_search(connection, &query, until, &answer, &search->found.truncated, err);
    if (fault == ECA_LDAP_OK) {
        fault = read_answer(search, naming, connection->ld, answer, err);
        ldap_msgfree(answer);
    }
    return fault;
}

/*
 * Keys that are not configured only name a refusal or locate a stored certificate. Where they find a crowd (one
 * mail address for many accounts), they are left out, so that the crowd hides nobody.
 */
enum eca_ldap_fault eca_ldap_search_run(struct eca_ldap_search *search, struct eca_ldap_connection *connection,
                                        const struct eca_ldap_naming *naming, apr_time_t until, struct eca_error *err)
{
    enum eca_ldap_fault fault;

    search->configured_only = false;
    fault = search_once(search, connection, naming, until, err);
    if (fault != ECA_LDAP_OK || search->keys == NULL || !search->found.truncated)
        return fault;
    search->configured_only = true;
    return search_once(search, connection, naming, until, err);
}
