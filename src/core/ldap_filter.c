/* SPDX-License-Identifier: Apache-2.0 */
/* LDAP search filters: the only place where a value meets filter syntax. */
#include "ldap_filter.h"

#include <string.h>

static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')
           || (byte != 0 && strchr("-._@:=,<>' +/", byte) != NULL);
}

/*
 * assertionvalue = *(normal / escaped)        RFC 4515 section 3
 * escaped        = "\" hex hex
 * We escape more than the grammar asks for: a reader of the log sees what was sent.
 */
static void append_value(struct eca_strbuf *out, struct eca_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        const struct eca_slice byte = { value.bytes + i, 1 };

        if (is_plain(*byte.bytes)) {
            eca_strbuf_append(out, byte.bytes, byte.length);
        } else {
            eca_strbuf_text(out, "\\");
            eca_strbuf_hex(out, byte);
        }
    }
}

void eca_ldap_filter_equal(struct eca_strbuf *out, const char *attribute, struct eca_slice value)
{
    eca_strbuf_text(out, "(");
    eca_strbuf_text(out, attribute);
    eca_strbuf_text(out, "=");
    append_value(out, value);
    eca_strbuf_text(out, ")");
}

/* A key's own attribute, and for a UPN of the searched domain the account name it implies. */
static void append_key(struct eca_strbuf *out, const struct eca_mapping_key *key, const char *domain)
{
    struct eca_slice name;

    eca_ldap_filter_equal(out, eca_mapping_describe(key->kind)->attribute, key->value);
    if (eca_mapping_key_implicit_name(key, domain, &name))
        eca_ldap_filter_equal(out, "sAMAccountName", name);
}

static void begin_users(struct eca_strbuf *out)
{
    eca_strbuf_text(out, "(&(objectCategory=person)(objectClass=user)(|");
}

static void end_users(struct eca_strbuf *out)
{
    eca_strbuf_text(out, "))");
}

static bool is_searched(const struct eca_mapping_key *key, bool configured_only)
{
    return eca_mapping_describe(key->kind)->searched && (key->configured || !configured_only);
}

bool eca_ldap_filter_keys(struct eca_strbuf *out, const struct eca_mapping_keys *keys, const char *domain,
                          bool configured_only)
{
    bool any = false;

    for (size_t i = 0; i < keys->count; i++)
        any = any || is_searched(&keys->keys[i], configured_only);
    if (!any)
        return false;
    begin_users(out);
    for (size_t i = 0; i < keys->count; i++) {
        if (is_searched(&keys->keys[i], configured_only))
            append_key(out, &keys->keys[i], domain);
    }
    end_users(out);
    return true;
}

void eca_ldap_filter_login(struct eca_strbuf *out, const struct eca_login_name *login, const char *domain)
{
    const struct eca_mapping_key upn = { .kind = ECA_MAPPING_UPN, .value = login->user };

    begin_users(out);
    if (login->is_upn)
        append_key(out, &upn, domain);
    else
        eca_ldap_filter_equal(out, "sAMAccountName", login->user);
    end_users(out);
}
