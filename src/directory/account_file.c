/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of a file: an index by value, and a short list of patterns. */
#include "account_file.h"

#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

/* MS-ADTS 2.2.16 */
#define UF_ACCOUNTDISABLE 0x00000002u

struct owner {
    const struct eca_file_account *account;
    struct owner *next;
};

struct pattern_owner {
    struct eca_name_pattern pattern;
    const struct eca_file_account *account;
};

struct eca_account_file {
    apr_pool_t *pool;
    const char *domain, *netbios;
    size_t count;
    apr_hash_t *owners;           /* kind and folded value → struct owner */
    apr_array_header_t *patterns; /* of struct pattern_owner */
};

/* A key of `owners`. */
struct index_key {
    uint8_t bytes[1 + ECA_MAPPING_VALUE_MAX];
    size_t length;
};

struct eca_account_file *eca_account_file_create(void)
{
    struct eca_account_file *file = NULL;
    apr_pool_t *pool = NULL;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return NULL;
    file = apr_pcalloc(pool, sizeof *file);
    file->pool = pool;
    file->domain = "";
    file->netbios = "";
    file->owners = apr_hash_make(pool);
    file->patterns = apr_array_make(pool, 4, sizeof(struct pattern_owner));
    return file;
}

void eca_account_file_close(struct eca_account_file *file)
{
    if (file != NULL)
        apr_pool_destroy(file->pool);
}

const char *eca_account_file_copy(struct eca_account_file *file, struct eca_slice text)
{
    return apr_pstrmemdup(file->pool, (const char *)text.bytes, text.length);
}

void eca_account_file_set_domain(struct eca_account_file *file, const char *domain)
{
    file->domain = domain;
}

void eca_account_file_set_netbios(struct eca_account_file *file, const char *netbios)
{
    file->netbios = netbios;
}

size_t eca_account_file_count(const struct eca_account_file *file)
{
    return file->count;
}

/* False for a value that is too long for anything to equal it. */
static bool make_key(struct index_key *out, enum eca_account_value kind, struct eca_slice value)
{
    const bool is_text = kind != ECA_ACCOUNT_VALUE_SID && kind != ECA_ACCOUNT_VALUE_CERTIFICATE;

    if (value.length > ECA_MAPPING_VALUE_MAX)
        return false;
    out->bytes[0] = (uint8_t)kind;
    out->length = 1 + value.length;
    for (size_t i = 0; i < value.length; i++) {
        const uint8_t byte = value.bytes[i];

        out->bytes[1 + i] = is_text && byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
    }
    return true;
}

static struct owner *find_owners(const struct eca_account_file *file, enum eca_account_value kind,
                                 struct eca_slice value)
{
    struct index_key key;

    return make_key(&key, kind, value) ? apr_hash_get(file->owners, key.bytes, (apr_ssize_t)key.length) : NULL;
}

bool eca_account_file_has(const struct eca_account_file *file, enum eca_account_value kind, struct eca_slice value)
{
    return find_owners(file, kind, value) != NULL;
}

void eca_account_file_index(struct eca_account_file *file, const struct eca_file_account *account,
                            enum eca_account_value kind, struct eca_slice value)
{
    struct index_key key;
    struct owner *first = find_owners(file, kind, value);
    struct owner *added = NULL;

    for (const struct owner *owner = first; owner != NULL; owner = owner->next) {
        if (owner->account == account) /* said twice */
            return;
    }
    if (!make_key(&key, kind, value))
        return;
    added = apr_palloc(file->pool, sizeof *added);
    *added = (struct owner){ .account = account, .next = first };
    apr_hash_set(file->owners, apr_pmemdup(file->pool, key.bytes, key.length), (apr_ssize_t)key.length, added);
}

struct eca_file_account *eca_account_file_add(struct eca_account_file *file, const char *name, struct eca_error *err)
{
    struct eca_file_account *account = NULL;

    if (file->count == ECA_ACCOUNT_FILE_ACCOUNTS_MAX) {
        eca_error_set(err, "more than %d accounts", ECA_ACCOUNT_FILE_ACCOUNTS_MAX);
        return NULL;
    }
    account = apr_palloc(file->pool, sizeof *account);
    *account = (struct eca_file_account){ .name = name, .upn = "", .mail = "", .sid = "", .attribute = "" };
    file->count++;
    eca_account_file_index(file, account, ECA_ACCOUNT_VALUE_NAME, eca_slice_from_text(name));
    return account;
}

bool eca_account_file_index_pattern(struct eca_account_file *file, const struct eca_file_account *account,
                                    const struct eca_name_pattern *pattern, struct eca_error *err)
{
    struct pattern_owner *added = NULL;

    if (file->patterns->nelts == ECA_ACCOUNT_FILE_PATTERNS_MAX)
        return eca_error_set(err, "more than %d patterns", ECA_ACCOUNT_FILE_PATTERNS_MAX);
    added = apr_array_push(file->patterns);
    added->account = account;
    added->pattern.issuer = eca_slice_from_text(eca_account_file_copy(file, pattern->issuer));
    added->pattern.subject = eca_slice_from_text(eca_account_file_copy(file, pattern->subject));
    return true;
}

/* Lengths were checked when the file was read. */
static void copy_text(char *out, size_t capacity, const char *text)
{
    apr_cpystrn(out, text, capacity);
}

static void write_account(struct eca_account *out, const struct eca_account_file *file,
                          const struct eca_file_account *account)
{
    memset(out, 0, sizeof *out);
    copy_text(out->sid, sizeof out->sid, account->sid);
    copy_text(out->sam_account_name, sizeof out->sam_account_name, account->name);
    copy_text(out->upn, sizeof out->upn, account->upn);
    copy_text(out->mail, sizeof out->mail, account->mail);
    copy_text(out->domain, sizeof out->domain, file->domain);
    copy_text(out->netbios, sizeof out->netbios, file->netbios);
    copy_text(out->attribute, sizeof out->attribute, account->attribute);
    out->user_account_control = account->disabled ? UF_ACCOUNTDISABLE : 0;
    out->account_expires = account->account_expires;
    out->when_created = account->when_created;
}

/* The accounts found so far, beside the candidates made of them. */
struct finding {
    const struct eca_account_file *file;
    const struct eca_file_account *accounts[ECA_MAPPING_CANDIDATES_MAX];
    struct eca_candidates *out;
};

static void add_match(struct finding *finding, const struct eca_file_account *account, size_t key)
{
    struct eca_candidates *out = finding->out;
    size_t i = 0;

    while (i < out->count && finding->accounts[i] != account)
        i++;
    if (i == ECA_MAPPING_CANDIDATES_MAX) {
        out->truncated = true;
        return;
    }
    if (i == out->count) {
        finding->accounts[i] = account;
        write_account(&out->items[i].account, finding->file, account);
        out->items[i].matched = 0;
        out->count++;
    }
    out->items[i].matched |= (uint64_t)1 << key;
}

static bool add_owners(struct finding *finding, enum eca_account_value kind, struct eca_slice value, size_t key)
{
    const struct owner *first = find_owners(finding->file, kind, value);

    for (const struct owner *owner = first; owner != NULL; owner = owner->next)
        add_match(finding, owner->account, key);
    return first != NULL;
}

static void add_fitting(struct finding *finding, struct eca_slice issuer_subject, size_t key)
{
    for (int i = 0; i < finding->file->patterns->nelts; i++) {
        const struct pattern_owner *owner = &APR_ARRAY_IDX(finding->file->patterns, i, struct pattern_owner);

        if (eca_name_pattern_fits(&owner->pattern, issuer_subject))
            add_match(finding, owner->account, key);
    }
}

static void add_upn(struct finding *finding, const struct eca_mapping_key *key, size_t number)
{
    struct eca_slice name;

    (void)add_owners(finding, ECA_ACCOUNT_VALUE_UPN, key->value, number);
    if (eca_mapping_key_implicit_name(key, finding->file->domain, &name))
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_NAME, name, number);
}

static void add_key(struct finding *finding, const struct eca_mapping_key *key, size_t number)
{
    switch (key->kind) {
    case ECA_MAPPING_SID:
    case ECA_MAPPING_SID_URI:
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_SID, key->value, number);
        break;
    case ECA_MAPPING_CERTIFICATE:
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_CERTIFICATE, key->value, number);
        break;
    case ECA_MAPPING_UPN:
        add_upn(finding, key, number);
        break;
    case ECA_MAPPING_EMAIL:
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_MAIL, key->value, number);
        break;
    case ECA_MAPPING_CN:
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_NAME, key->value, number);
        break;
    case ECA_MAPPING_ISSUER_SUBJECT:
        if (!add_owners(finding, ECA_ACCOUNT_VALUE_MAPPING, key->value, number))
            add_fitting(finding, key->value, number);
        break;
    case ECA_MAPPING_ISSUER_SERIAL:
    case ECA_MAPPING_SKI:
    case ECA_MAPPING_SHA1_PUKEY:
    case ECA_MAPPING_ISSUER_SID:
    case ECA_MAPPING_SUBJECT:
    case ECA_MAPPING_RFC822:
        (void)add_owners(finding, ECA_ACCOUNT_VALUE_MAPPING, key->value, number);
        break;
    case ECA_MAPPING_KINDS:
        break;
    }
}

void eca_account_file_find_by_keys(const struct eca_account_file *file, const struct eca_mapping_keys *keys,
                                   struct eca_candidates *out)
{
    struct finding finding = { .file = file, .out = out };

    out->count = 0;
    out->truncated = false;
    for (size_t i = 0; i < keys->count; i++)
        add_key(&finding, &keys->keys[i], i);
}

/* By its own name or by its UPN; both may be the same account. */
bool eca_account_file_find_by_login(const struct eca_account_file *file, const struct eca_login_name *login,
                                    struct eca_account *out)
{
    const struct eca_slice user = login->user;
    const uint8_t *at = login->is_upn ? memrchr(user.bytes, '@', user.length) : NULL;
    const struct eca_slice name = { user.bytes, at == NULL ? user.length : (size_t)(at - user.bytes) };
    const struct owner *lists[] = { find_owners(file, ECA_ACCOUNT_VALUE_NAME, name),
                                    find_owners(file, ECA_ACCOUNT_VALUE_UPN, user) };
    const struct eca_file_account *found = NULL;
    struct eca_account account;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct owner *owner = lists[i]; owner != NULL; owner = owner->next) {
            write_account(&account, file, owner->account);
            if (!eca_login_name_means(login, &account) || owner->account == found)
                continue;
            if (found != NULL)
                return false;
            found = owner->account;
        }
    }
    if (found != NULL)
        write_account(out, file, found);
    return found != NULL;
}
