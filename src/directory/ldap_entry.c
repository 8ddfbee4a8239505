/* SPDX-License-Identifier: Apache-2.0 */
/* One entry judged: complete or not an account, and which keys are really its own. */
#include "ldap_entry.h"

#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RANGE_OPTION ";range="

static struct eca_slice slice_of(const struct berval *value)
{
    return (struct eca_slice){ (const uint8_t *)value->bv_val, value->bv_len };
}

static const struct eca_ldap_attribute *find(const struct eca_ldap_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->count; i++) {
        if (strcasecmp(entry->attributes[i].name, name) == 0)
            return &entry->attributes[i];
    }
    return NULL;
}

static bool has_value(const struct eca_ldap_attribute *attribute)
{
    return attribute != NULL && attribute->values != NULL && attribute->values[0] != NULL;
}

struct berval *const *eca_ldap_entry_values(const struct eca_ldap_entry *entry, const char *name)
{
    const struct eca_ldap_attribute *attribute = find(entry, name);

    return has_value(attribute) ? attribute->values : NULL;
}

/* The attribute's value, { NULL, 0 } when there is none; false for a second one. */
static bool read_single(struct eca_slice *out, const struct eca_ldap_entry *entry, const char *name,
                        struct eca_error *err)
{
    const struct eca_ldap_attribute *attribute = find(entry, name);

    *out = (struct eca_slice){ NULL, 0 };
    if (!has_value(attribute))
        return true;
    if (attribute->values[1] != NULL)
        return eca_error_set(err, "the directory entry %s cannot be used: %s has more than one value", entry->dn, name);
    *out = slice_of(attribute->values[0]);
    return true;
}

static bool copy_text(char *out, size_t capacity, struct eca_slice text, const char *dn, const char *name,
                      struct eca_error *err)
{
    if (text.length >= capacity)
        return eca_error_set(err, "the directory entry %s cannot be used: %s is longer than %zu bytes", dn, name,
                             capacity - 1);
    if (!eca_utf8_is_clean(text))
        return eca_error_set(
            err, "the directory entry %s cannot be used: %s holds a control character or invalid UTF-8", dn, name);
    if (text.length > 0)
        memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
    return true;
}

static bool read_text(char *out, size_t capacity, const struct eca_ldap_entry *entry, const char *name,
                      struct eca_error *err)
{
    struct eca_slice value;

    return read_single(&value, entry, name, err) && copy_text(out, capacity, value, entry->dn, name, err);
}

static bool absent(const struct eca_ldap_entry *entry, const char *name, struct eca_error *err)
{
    return eca_error_set(err,
                         "the directory entry %s cannot be used: %s is absent: may the bind account read it, and is "
                         "this no global catalog?",
                         entry->dn, name);
}

static bool read_number(int64_t *out, const struct eca_ldap_entry *entry, const char *name, struct eca_error *err)
{
    struct eca_slice value;

    if (!read_single(&value, entry, name, err))
        return false;
    if (value.bytes == NULL)
        return absent(entry, name, err);
    if (!eca_ldap_parse_integer(out, value))
        return eca_error_set(err, "the directory entry %s cannot be used: %s is not a number", entry->dn, name);
    return true;
}

/* A 32-bit set, which AD writes as a signed number. */
static bool read_flags(uint32_t *out, const struct eca_ldap_entry *entry, const char *name, struct eca_error *err)
{
    int64_t number = 0;

    if (!read_number(&number, entry, name, err))
        return false;
    if (number < INT32_MIN || number > (int64_t)UINT32_MAX)
        return eca_error_set(err, "the directory entry %s cannot be used: %s does not fit into 32 bits", entry->dn,
                             name);
    *out = (uint32_t)number;
    return true;
}

static bool read_sid(char *out, const struct eca_ldap_entry *entry, struct eca_error *err)
{
    struct eca_slice value;

    if (!read_single(&value, entry, "objectSid", err))
        return false;
    if (value.bytes == NULL)
        return absent(entry, "objectSid", err);
    if (!eca_sid_to_text(out, value))
        return eca_error_set(err, "the directory entry %s cannot be used: objectSid is no SID", entry->dn);
    return true;
}

static bool read_names(struct eca_account *out, const struct eca_ldap_entry *entry, const char *extra_attribute,
                       struct eca_error *err)
{
    struct eca_strbuf domain;

    if (!copy_text(out->dn, sizeof out->dn, eca_slice_from_text(entry->dn), "(its name cannot be shown)", "its DN", err)
        || !read_text(out->sam_account_name, sizeof out->sam_account_name, entry, "sAMAccountName", err)
        || !read_text(out->upn, sizeof out->upn, entry, "userPrincipalName", err)
        || !read_text(out->mail, sizeof out->mail, entry, "mail", err))
        return false;
    if (extra_attribute != NULL && !read_text(out->attribute, sizeof out->attribute, entry, extra_attribute, err))
        return false;
    if (out->sam_account_name[0] == '\0')
        return absent(entry, "sAMAccountName", err);
    eca_strbuf_init(&domain, out->domain, sizeof out->domain);
    if (!eca_account_domain_from_dn(&domain, entry->dn))
        out->domain[0] = '\0';
    return true;
}

static void read_creation(struct eca_account *out, const struct eca_ldap_entry *entry)
{
    struct eca_error ignored = { .text = "" };
    struct eca_slice value;

    if (!read_single(&value, entry, "whenCreated", &ignored) || value.bytes == NULL
        || !eca_ldap_parse_time(&out->when_created, value))
        out->when_created = 0;
}

bool eca_ldap_entry_account(struct eca_account *out, const struct eca_ldap_entry *entry, const char *extra_attribute,
                            struct eca_error *err)
{
    struct eca_account account = { .dn = "" };

    if (!read_names(&account, entry, extra_attribute, err) || !read_sid(account.sid, entry, err)
        || !read_flags(&account.user_account_control, entry, "userAccountControl", err)
        || !read_flags(&account.user_account_control_computed, entry, "msDS-User-Account-Control-Computed", err)
        || !read_number(&account.account_expires, entry, "accountExpires", err))
        return false;
    read_creation(&account, entry);
    *out = account;
    return true;
}

/* Whether an attribute of that name came with only some of its values (MS-ADTS 3.1.1.3.1.3.3). */
static bool came_in_part(const struct eca_ldap_entry *entry, const char *name)
{
    const size_t length = strlen(name);

    for (size_t i = 0; i < entry->count; i++) {
        const char *found = entry->attributes[i].name;

        if (strncasecmp(found, name, length) == 0
            && strncasecmp(found + length, RANGE_OPTION, strlen(RANGE_OPTION)) == 0)
            return true;
    }
    return false;
}

static bool holds_key(const struct eca_ldap_entry *entry, const struct eca_mapping_key *key)
{
    const struct eca_ldap_attribute *attribute = find(entry, eca_mapping_describe(key->kind)->attribute);

    if (!has_value(attribute))
        return false;
    for (size_t i = 0; attribute->values[i] != NULL; i++) {
        if (eca_mapping_key_equals(key, slice_of(attribute->values[i])))
            return true;
    }
    return false;
}

static bool implies_account(const struct eca_account *account, const struct eca_mapping_key *key)
{
    struct eca_slice name;

    return account->domain[0] != '\0' && eca_mapping_key_implicit_name(key, account->domain, &name)
           && eca_slice_equal_ascii_nocase(name, eca_slice_from_text(account->sam_account_name));
}

bool eca_ldap_entry_match(uint64_t *matched, const struct eca_ldap_entry *entry, const struct eca_account *account,
                          const struct eca_mapping_keys *keys, struct eca_error *err)
{
    uint64_t set = 0;

    for (size_t i = 0; i < keys->count; i++) {
        const struct eca_mapping_key *key = &keys->keys[i];
        const char *name = eca_mapping_describe(key->kind)->attribute;

        if (came_in_part(entry, name))
            return eca_error_set(err, "the directory entry %s cannot be used: %s has more values than one answer holds",
                                 entry->dn, name);
        if (holds_key(entry, key) || implies_account(account, key))
            set |= (uint64_t)1 << i;
    }
    *matched = eca_mapping_keys_located(keys, set);
    return true;
}
