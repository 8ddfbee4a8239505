/* SPDX-License-Identifier: Apache-2.0 */
/* From the name of a group to its SID, and from an account to the SIDs of all its groups. */
#include "ldap_groups.h"

#include "ldap_clock.h"
#include "ldap_filter.h"

#include <apr_strings.h>
#include <string.h>

#define KEPT_FOR apr_time_from_sec(3600)
#define FILTER_MAX 2048

struct sid {
    uint8_t bytes[ECA_SID_BINARY_MAX];
    size_t length;
};

static bool find_kept(struct eca_ldap_groups *groups, const char *name, struct sid *out)
{
    const apr_time_t now = eca_ldap_clock();
    bool found = false;

    pthread_mutex_lock(&groups->lock);
    for (size_t i = 0; i < ECA_LDAP_GROUPS_KEPT && !found; i++) {
        const struct eca_ldap_group *group = &groups->kept[i];

        found = group->until > now && strcmp(group->name, name) == 0;
        if (found) {
            memcpy(out->bytes, group->sid, group->sid_length);
            out->length = group->sid_length;
        }
    }
    pthread_mutex_unlock(&groups->lock);
    return found;
}

static void keep(struct eca_ldap_groups *groups, const char *name, const struct sid *sid)
{
    struct eca_ldap_group *group;

    pthread_mutex_lock(&groups->lock);
    group = &groups->kept[groups->next++ % ECA_LDAP_GROUPS_KEPT];
    apr_cpystrn(group->name, name, sizeof group->name);
    memcpy(group->sid, sid->bytes, sid->length);
    group->sid_length = sid->length;
    group->until = eca_ldap_clock() + KEPT_FOR;
    pthread_mutex_unlock(&groups->lock);
}

/* The directory's comparison folds more than we believe: the name is compared again. */
static bool is_named(LDAP *ld, LDAPMessage *entry, const char *name)
{
    struct berval **values = ldap_get_values_len(ld, entry, "sAMAccountName");
    const bool named = values != NULL && values[0] != NULL
                       && eca_slice_equal_ascii_nocase(
                           (struct eca_slice){ (const uint8_t *)values[0]->bv_val, values[0]->bv_len },
                           eca_slice_from_text(name));

    ldap_value_free_len(values);
    return named;
}

/* The SID of the one entry of an answer; length 0 when there is none, or more than one. */
static void read_group(struct sid *out, LDAP *ld, LDAPMessage *answer, const char *name)
{
    LDAPMessage *entry = ldap_first_entry(ld, answer);
    struct berval **values = NULL;

    out->length = 0;
    if (entry == NULL || ldap_next_entry(ld, entry) != NULL || (name != NULL && !is_named(ld, entry, name)))
        return;
    values = ldap_get_values_len(ld, entry, "objectSid");
    if (values != NULL && values[0] != NULL && values[0]->bv_len <= sizeof out->bytes) {
        memcpy(out->bytes, values[0]->bv_val, values[0]->bv_len);
        out->length = values[0]->bv_len;
    }
    ldap_value_free_len(values);
}

/* A DN is looked at, a name is searched; both are nobody's when they find none or two. */
static enum eca_ldap_fault ask_for_group(struct sid *out, struct eca_ldap_connection *connection, const char *base,
                                         const char *name, apr_time_t until, struct eca_error *err)
{
    static const char *const attributes[] = { "objectSid", "sAMAccountName", NULL };
    char memory[FILTER_MAX];
    struct eca_strbuf filter;
    LDAPMessage *answer = NULL;
    bool truncated = false;
    enum eca_ldap_fault fault;

    eca_strbuf_init(&filter, memory, sizeof memory);
    eca_strbuf_text(&filter, "(&(objectClass=group)");
    eca_ldap_filter_equal(&filter, strchr(name, '=') != NULL ? "distinguishedName" : "sAMAccountName",
                          eca_slice_from_text(name));
    eca_strbuf_text(&filter, ")");
    if (filter.overflow) {
        eca_error_set(err, "the name of a group in Require eas-group is too long");
        return ECA_LDAP_FINAL;
    }
    fault = eca_ldap_connection_search(
        connection,
        &(struct eca_ldap_query){
            .base = base, .scope = LDAP_SCOPE_SUBTREE, .filter = memory, .attributes = attributes, .size_limit = 2 },
        until, &answer, &truncated, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    read_group(out, connection->ld, answer, strchr(name, '=') != NULL ? NULL : name);
    ldap_msgfree(answer);
    return ECA_LDAP_OK;
}

static enum eca_ldap_fault resolve(struct sid *out, struct eca_ldap_groups *groups,
                                   struct eca_ldap_connection *connection, const char *base, const char *name,
                                   apr_time_t until, struct eca_error *unknown, struct eca_error *err)
{
    char checked[ECA_SID_TEXT_MAX];
    enum eca_ldap_fault fault = ECA_LDAP_OK;

    if (eca_sid_parse_text(checked, eca_slice_from_text(name))) {
        out->length = eca_sid_to_binary(out->bytes, checked);
        return ECA_LDAP_OK;
    }
    if (find_kept(groups, name, out))
        return ECA_LDAP_OK;
    fault = ask_for_group(out, connection, base, name, until, err);
    if (fault == ECA_LDAP_OK && out->length > 0)
        keep(groups, name, out);
    else if (fault == ECA_LDAP_OK)
        eca_error_set(unknown, "there is no group \"%s\", or more than one", name);
    return fault;
}

static bool holds_one(struct berval *const *values, const struct sid *wanted, size_t count)
{
    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        for (size_t j = 0; j < count; j++) {
            if (wanted[j].length > 0 && values[i]->bv_len == wanted[j].length
                && memcmp(values[i]->bv_val, wanted[j].bytes, wanted[j].length) == 0)
                return true;
        }
    }
    return false;
}

/* By SID: an account that was moved or renamed since it was found is still the same. */
static enum eca_ldap_fault read_token_groups(struct eca_ldap_connection *connection, const struct eca_account *account,
                                             const struct sid *wanted, size_t count, apr_time_t until, bool *member,
                                             struct eca_error *err)
{
    static const char *const attributes[] = { "tokenGroups", NULL };
    char base[ECA_SID_TEXT_MAX + 8];
    struct berval **values = NULL;
    LDAPMessage *answer = NULL, *entry;
    bool truncated = false;
    enum eca_ldap_fault fault;

    (void)apr_snprintf(base, sizeof base, "<SID=%s>", account->sid);
    fault = eca_ldap_connection_search(
        connection,
        &(struct eca_ldap_query){
            .base = base, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=user)", .attributes = attributes },
        until, &answer, &truncated, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    entry = ldap_first_entry(connection->ld, answer);
    if (entry != NULL)
        values = ldap_get_values_len(connection->ld, entry, "tokenGroups");
    *member = holds_one(values, wanted, count);
    ldap_value_free_len(values);
    ldap_msgfree(answer);
    return ECA_LDAP_OK;
}

enum eca_ldap_fault eca_ldap_groups_is_member(struct eca_ldap_groups *groups, struct eca_ldap_connection *connection,
                                              const char *base, const struct eca_account *account,
                                              const char *const *names, size_t count, apr_time_t until, bool *member,
                                              struct eca_error *unknown, struct eca_error *err)
{
    struct sid wanted[ECA_DIRECTORY_GROUPS_MAX];

    *member = false;
    for (size_t i = 0; i < count && i < ECA_DIRECTORY_GROUPS_MAX; i++) {
        const enum eca_ldap_fault fault = resolve(&wanted[i], groups, connection, base, names[i], until, unknown, err);

        if (fault != ECA_LDAP_OK)
            return fault;
    }
    if (account->sid[0] == '\0')
        return ECA_LDAP_OK;
    return read_token_groups(connection, account, wanted,
                             count < ECA_DIRECTORY_GROUPS_MAX ? count : ECA_DIRECTORY_GROUPS_MAX, until, member, err);
}
