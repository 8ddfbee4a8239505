/* SPDX-License-Identifier: Apache-2.0 */
/* The keytab: opened by path, and read for the service account's name. */
#include "keytab.h"

#include "krb5_error.h"
#include "strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was seen while going through the entries. */
struct search {
    krb5_principal wanted; /* NULL: no name was given */
    bool any_realm;
    krb5_principal account; /* the first that matches */
    krb5_principal service; /* the first service name, when none was given */
    struct eca_strbuf names;
    krb5_principal last_listed;
};

krb5_error_code eca_keytab_open(krb5_context context, const char *path, krb5_keytab *out)
{
    krb5_error_code code = ENOMEM;
    char *name = NULL;

    /* With the type said, a colon in the path cannot choose another. */
    if (asprintf(&name, "FILE:%s", path) >= 0) {
        code = krb5_kt_resolve(context, name, out);
        free(name);
    }
    return code;
}

static bool matches(krb5_context context, const struct search *search, krb5_const_principal name)
{
    if (search->wanted == NULL)
        return name->length == 1;
    return search->any_realm ? krb5_principal_compare_any_realm(context, search->wanted, name)
                             : krb5_principal_compare(context, search->wanted, name);
}

/* A keytab holds one entry per key: a name is listed once for all its keys. */
static void list_name(krb5_context context, struct search *search, krb5_const_principal name)
{
    char *text = NULL;

    if (search->last_listed != NULL && krb5_principal_compare(context, search->last_listed, name))
        return;
    krb5_free_principal(context, search->last_listed);
    search->last_listed = NULL;
    if (krb5_copy_principal(context, name, &search->last_listed) != 0 || krb5_unparse_name(context, name, &text) != 0)
        return;
    if (search->names.length > 0)
        eca_strbuf_text(&search->names, ", ");
    eca_strbuf_text(&search->names, text);
    krb5_free_unparsed_name(context, text);
}

static krb5_error_code look_at(krb5_context context, struct search *search, krb5_const_principal name)
{
    list_name(context, search, name);
    if (search->account == NULL && matches(context, search, name))
        return krb5_copy_principal(context, name, &search->account);
    if (search->service == NULL && search->wanted == NULL)
        return krb5_copy_principal(context, name, &search->service);
    return 0;
}

static krb5_error_code read_entries(krb5_context context, krb5_keytab keytab, struct search *search)
{
    krb5_keytab_entry entry;
    krb5_kt_cursor cursor = NULL;
    krb5_error_code code = krb5_kt_start_seq_get(context, keytab, &cursor);

    if (code != 0)
        return code;
    while (code == 0 && (code = krb5_kt_next_entry(context, keytab, &entry, &cursor)) == 0) {
        code = look_at(context, search, entry.principal);
        krb5_free_keytab_entry_contents(context, &entry);
    }
    (void)krb5_kt_end_seq_get(context, keytab, &cursor);
    if (code == KRB5_KT_END && search->names.length > 0)
        code = 0;
    return code;
}

static krb5_error_code parse_wanted(krb5_context context, const char *wanted, struct search *search)
{
    krb5_error_code code = 0;

    if (wanted == NULL)
        return 0;
    code = krb5_parse_name_flags(context, wanted, KRB5_PRINCIPAL_PARSE_NO_DEF_REALM, &search->wanted);
    search->any_realm = code == 0 && search->wanted->realm.length == 0;
    return code;
}

/* Takes it out of `search`. */
static krb5_principal take_found(struct search *search)
{
    krb5_principal *const from = search->account != NULL ? &search->account : &search->service;
    const krb5_principal found = *from;

    *from = NULL;
    return found;
}

krb5_principal eca_keytab_choose(krb5_context context, const char *path, const char *wanted, struct eca_error *err)
{
    const struct eca_krb5_exchange exchange = { .step = ECA_KRB5_STEP_KEYTAB, .keytab = path };
    char names[320];
    struct search search = { .wanted = NULL };
    krb5_principal found = NULL;
    krb5_keytab keytab = NULL;
    krb5_error_code code = 0;

    eca_strbuf_init(&search.names, names, sizeof names);
    code = parse_wanted(context, wanted, &search);
    if (code != 0) {
        eca_error_set(err, "EASKerberosPrincipal %s is not a principal's name", wanted);
        goto out;
    }
    code = eca_keytab_open(context, path, &keytab);
    if (code == 0)
        code = read_entries(context, keytab, &search);
    if (code != 0) {
        (void)eca_krb5_error_from_context(&exchange, context, code, err);
        goto out;
    }
    found = take_found(&search);
    if (found == NULL)
        eca_error_set(err, "%s: holds no key of %s; it holds keys of %s%s", path, wanted, names,
                      search.names.overflow ? " …" : "");
out:
    krb5_free_principal(context, search.last_listed);
    krb5_free_principal(context, search.service);
    krb5_free_principal(context, search.account);
    krb5_free_principal(context, search.wanted);
    if (keytab != NULL)
        (void)krb5_kt_close(context, keytab);
    return found;
}

static bool is_aes(krb5_enctype type)
{
    return type == ENCTYPE_AES128_CTS_HMAC_SHA1_96 || type == ENCTYPE_AES256_CTS_HMAC_SHA1_96
           || type == ENCTYPE_AES128_CTS_HMAC_SHA256_128 || type == ENCTYPE_AES256_CTS_HMAC_SHA384_192;
}

/* libkrb5's error when the file cannot be read to its end. */
static krb5_error_code find_aes(krb5_context context, krb5_keytab keytab, krb5_const_principal principal, bool *found)
{
    krb5_keytab_entry entry;
    krb5_kt_cursor cursor = NULL;
    krb5_error_code code = krb5_kt_start_seq_get(context, keytab, &cursor);

    *found = false;
    if (code != 0)
        return code;
    while ((code = krb5_kt_next_entry(context, keytab, &entry, &cursor)) == 0) {
        *found = *found || (is_aes(entry.key.enctype) && krb5_principal_compare(context, entry.principal, principal));
        krb5_free_keytab_entry_contents(context, &entry);
    }
    (void)krb5_kt_end_seq_get(context, keytab, &cursor);
    return code == KRB5_KT_END ? 0 : code;
}

bool eca_keytab_lacks_aes(const char *path, const char *wanted, struct eca_error *err)
{
    struct eca_error ignored = { .text = "" };
    krb5_context context = NULL;
    krb5_principal principal = NULL;
    krb5_keytab keytab = NULL;
    char *name = NULL;
    bool found = true;

    if (krb5_init_context(&context) != 0)
        return false;
    principal = eca_keytab_choose(context, path, wanted, &ignored);
    if (principal == NULL || eca_keytab_open(context, path, &keytab) != 0
        || find_aes(context, keytab, principal, &found) != 0)
        found = true;
    if (!found && krb5_unparse_name(context, principal, &name) == 0)
        eca_error_set(err, "%s holds no AES key of %s", path, name);
    krb5_free_unparsed_name(context, name);
    if (keytab != NULL)
        (void)krb5_kt_close(context, keytab);
    krb5_free_principal(context, principal);
    krb5_free_context(context);
    return !found;
}
