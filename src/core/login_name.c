/* SPDX-License-Identifier: Apache-2.0 */
/* A user name as somebody typed it, before it reaches the directory. */
#include "login_name.h"

#include "utf8.h"

#include <string.h>

#define LOGIN_NAME_MAX 1024

/* The part before the last "@" and the part after it; false when one of them is empty. */
static bool split_upn(struct eca_slice upn, struct eca_slice *name, struct eca_slice *suffix)
{
    const uint8_t *at = memrchr(upn.bytes, '@', upn.length);

    if (at == NULL)
        return false;
    *name = (struct eca_slice){ upn.bytes, (size_t)(at - upn.bytes) };
    *suffix = (struct eca_slice){ at + 1, upn.length - name->length - 1 };
    return name->length > 0 && suffix->length > 0;
}

/*
 * login = domain "\" user / name "@" suffix / user
 * The first backslash and the last "@" divide: neither a NetBIOS name nor a DNS name holds one.
 */
bool eca_login_name_parse(struct eca_login_name *out, struct eca_slice text)
{
    struct eca_slice name, suffix;
    const uint8_t *backslash;

    *out = (struct eca_login_name){ .user = text };
    if (text.length == 0 || text.length > LOGIN_NAME_MAX || !eca_utf8_is_clean(text))
        return false;
    backslash = memchr(text.bytes, '\\', text.length);
    if (backslash != NULL) {
        out->domain = (struct eca_slice){ text.bytes, (size_t)(backslash - text.bytes) };
        out->user = (struct eca_slice){ backslash + 1, text.length - out->domain.length - 1 };
        return out->domain.length > 0 && out->user.length > 0;
    }
    out->is_upn = memchr(text.bytes, '@', text.length) != NULL;
    return !out->is_upn || split_upn(text, &name, &suffix);
}

static bool is_text(struct eca_slice value, const char *text)
{
    return eca_slice_equal_ascii_nocase(value, eca_slice_from_text(text));
}

bool eca_login_name_means(const struct eca_login_name *login, const struct eca_account *account)
{
    struct eca_slice name, suffix;

    if (!login->is_upn) {
        if (login->domain.bytes != NULL && !is_text(login->domain, account->netbios)
            && !is_text(login->domain, account->domain))
            return false;
        return is_text(login->user, account->sam_account_name);
    }
    if (is_text(login->user, account->upn))
        return true;
    return split_upn(login->user, &name, &suffix) && is_text(name, account->sam_account_name)
           && is_text(suffix, account->domain);
}
