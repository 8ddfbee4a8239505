/* SPDX-License-Identifier: Apache-2.0 */
/* An account's state, and the names it goes by. */
#include "account.h"

#include <string.h>
#include <strings.h>

/* MS-ADTS 2.2.16 userAccountControl bits */
#define UF_ACCOUNTDISABLE 0x00000002u
#define UF_LOCKOUT 0x00000010u /* only in the computed attribute */
#define UF_NOT_DELEGATED 0x00100000u

/* FILETIME counts 100 ns steps since 1601-01-01 (MS-DTYP 2.3.3). */
#define FILETIME_PER_SECOND 10000000
#define FILETIME_EPOCH 11644473600 /* seconds from 1601 to 1970 */

const struct eca_choice eca_remote_user_choices[] = {
    { "upn", ECA_REMOTE_USER_UPN },
    { "samaccountname", ECA_REMOTE_USER_SAM_ACCOUNT_NAME },
    { "netbios", ECA_REMOTE_USER_NETBIOS },
    { "mail", ECA_REMOTE_USER_MAIL },
    { NULL, 0 },
};

const size_t eca_account_texts[ECA_ACCOUNT_TEXTS] = {
    offsetof(struct eca_account, dn),      offsetof(struct eca_account, sid),
    offsetof(struct eca_account, upn),     offsetof(struct eca_account, sam_account_name),
    offsetof(struct eca_account, mail),    offsetof(struct eca_account, domain),
    offsetof(struct eca_account, netbios), offsetof(struct eca_account, attribute),
};

void eca_account_clear(struct eca_account *out)
{
    for (size_t i = 0; i < ECA_ACCOUNT_TEXTS; i++)
        ((char *)out)[eca_account_texts[i]] = '\0';
    out->user_account_control = out->user_account_control_computed = 0;
    out->account_expires = out->when_created = 0;
}

void eca_account_copy(struct eca_account *out, const struct eca_account *account)
{
    for (size_t i = 0; i < ECA_ACCOUNT_TEXTS; i++) {
        const char *text = (const char *)account + eca_account_texts[i];

        memcpy((char *)out + eca_account_texts[i], text, strlen(text) + 1);
    }
    out->user_account_control = account->user_account_control;
    out->user_account_control_computed = account->user_account_control_computed;
    out->account_expires = account->account_expires;
    out->when_created = account->when_created;
}

static bool has_expired(int64_t account_expires, int64_t now)
{
    if (account_expires == 0 || account_expires == INT64_MAX)
        return false;
    return account_expires / FILETIME_PER_SECOND - FILETIME_EPOCH <= now;
}

enum eca_account_state eca_account_judge_state(const struct eca_account *account, int64_t now)
{
    if ((account->user_account_control & UF_ACCOUNTDISABLE) != 0)
        return ECA_ACCOUNT_STATE_DISABLED;
    if (has_expired(account->account_expires, now))
        return ECA_ACCOUNT_STATE_EXPIRED;
    if ((account->user_account_control_computed & UF_LOCKOUT) != 0)
        return ECA_ACCOUNT_STATE_LOCKED;
    return ECA_ACCOUNT_STATE_ACTIVE;
}

bool eca_account_is_same(const struct eca_account *a, const struct eca_account *b)
{
    if (a->sid[0] != '\0' || b->sid[0] != '\0')
        return strcmp(a->sid, b->sid) == 0;
    return a->sam_account_name[0] != '\0' && strcasecmp(a->sam_account_name, b->sam_account_name) == 0;
}

bool eca_account_is_sensitive(const struct eca_account *account)
{
    return (account->user_account_control & UF_NOT_DELEGATED) != 0;
}

static bool write_single(struct eca_strbuf *out, const char *value, const char *attribute, struct eca_error *err)
{
    if (value[0] == '\0')
        return eca_error_set(err, "the account has no %s", attribute);
    eca_strbuf_text(out, value);
    return true;
}

static bool write_pair(struct eca_strbuf *out, const char *first, const char *separator, const char *second)
{
    eca_strbuf_text(out, first);
    eca_strbuf_text(out, separator);
    eca_strbuf_text(out, second);
    return true;
}

static bool write_upn(struct eca_strbuf *out, const struct eca_account *account, struct eca_error *err)
{
    if (account->upn[0] != '\0')
        return write_single(out, account->upn, "userPrincipalName", err);
    if (account->sam_account_name[0] == '\0' || account->domain[0] == '\0')
        return eca_error_set(err, "the account has no userPrincipalName, and no sAMAccountName with a domain");
    return write_pair(out, account->sam_account_name, "@", account->domain);
}

static bool write_netbios(struct eca_strbuf *out, const struct eca_account *account, struct eca_error *err)
{
    if (account->netbios[0] == '\0')
        return eca_error_set(err, "the NetBIOS name of the account's domain is not known");
    if (account->sam_account_name[0] == '\0')
        return eca_error_set(err, "the account has no sAMAccountName");
    return write_pair(out, account->netbios, "\\", account->sam_account_name);
}

static bool write_form(struct eca_strbuf *out, const struct eca_account *account, enum eca_remote_user form,
                       struct eca_error *err)
{
    switch (form) {
    case ECA_REMOTE_USER_UPN:
        return write_upn(out, account, err);
    case ECA_REMOTE_USER_SAM_ACCOUNT_NAME:
        return write_single(out, account->sam_account_name, "sAMAccountName", err);
    case ECA_REMOTE_USER_NETBIOS:
        return write_netbios(out, account, err);
    case ECA_REMOTE_USER_MAIL:
        return write_single(out, account->mail, "mail", err);
    case ECA_REMOTE_USER_ATTRIBUTE:
        return write_single(out, account->attribute, "value in the attribute that EASRemoteUser names", err);
    }
    return eca_error_set(err, "unknown form of the remote user");
}

bool eca_account_remote_user(struct eca_strbuf *out, const struct eca_account *account, enum eca_remote_user form,
                             struct eca_error *err)
{
    if (!write_form(out, account, form, err))
        return false;
    if (out->overflow)
        return eca_error_set(err, "the account's name is longer than %zu bytes", out->capacity - 1);
    return true;
}

/* The end of the component that `dn` begins with: the next comma that no backslash protects (RFC 4514 section 2.4). */
static const char *component_end(const char *dn)
{
    while (*dn != '\0' && *dn != ',') {
        if (*dn == '\\' && dn[1] != '\0')
            dn++;
        dn++;
    }
    return dn;
}

static bool is_label_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-'
           || byte == '_';
}

/* Appends one DNS label in lower case; false for bytes that no label has, an escape among them. */
static bool append_label(struct eca_strbuf *out, const char *label, const char *end)
{
    size_t start = 0;

    if (label == end)
        return false;
    if (out->length > 0)
        eca_strbuf_text(out, ".");
    start = out->length;
    eca_strbuf_append(out, label, (size_t)(end - label));
    for (size_t i = start; i < out->length; i++) {
        if (!is_label_byte(out->text[i]))
            return false;
        if (out->text[i] >= 'A' && out->text[i] <= 'Z')
            out->text[i] = (char)(out->text[i] | 0x20);
    }
    return true;
}

bool eca_account_domain_from_dn(struct eca_strbuf *out, const char *dn)
{
    char *memory = out->text;
    const size_t capacity = out->capacity;
    bool complete = true;

    eca_strbuf_init(out, memory, capacity);
    while (complete && *dn != '\0') {
        const char *end = component_end(dn);

        while (*dn == ' ')
            dn++;
        if ((dn[0] == 'D' || dn[0] == 'd') && (dn[1] == 'C' || dn[1] == 'c') && dn[2] == '=')
            complete = append_label(out, dn + 3, end);
        else
            eca_strbuf_init(out, memory, capacity); /* only the components at the end are the domain */
        dn = *end == ',' ? end + 1 : end;
    }
    if (complete && out->length > 0 && !out->overflow)
        return true;
    eca_strbuf_init(out, memory, capacity);
    return false;
}
