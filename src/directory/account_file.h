/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and mappings that a text file names, held in memory: filled once, then only read. */
#ifndef ECA_ACCOUNT_FILE_H
#define ECA_ACCOUNT_FILE_H

#include "login_name.h"
#include "mapping.h"
#include "name_pattern.h"

#define ECA_ACCOUNT_FILE_BYTES_MAX ((size_t)16 << 20)
#define ECA_ACCOUNT_FILE_ACCOUNTS_MAX 100000
#define ECA_ACCOUNT_FILE_PATTERNS_MAX 1000

struct eca_account_file;

/*
 * What a mapping value is. Values of one of them are compared with ASCII letters without case, every other byte exact;
 * SIDs and digests are not text and are compared exactly.
 */
enum eca_account_value {
    ECA_ACCOUNT_VALUE_NAME, /* the account's own */
    ECA_ACCOUNT_VALUE_UPN,
    ECA_ACCOUNT_VALUE_MAIL,
    ECA_ACCOUNT_VALUE_SID,         /* binary */
    ECA_ACCOUNT_VALUE_MAPPING,     /* "X509:…" as in altSecurityIdentities */
    ECA_ACCOUNT_VALUE_CERTIFICATE, /* the SHA-256 of the DER */
};

/* One account; texts live as long as the file they were read from, "" where there is none. */
struct eca_file_account {
    const char *name, *upn, *mail, *sid, *attribute;
    int64_t account_expires; /* FILETIME, 0 never */
    int64_t when_created;    /* seconds since 1970, 0 not said */
    bool disabled;
};

/* Empty; NULL when out of memory. */
struct eca_account_file *eca_account_file_create(void);

/* With every text that was copied for it. NULL is allowed. */
void eca_account_file_close(struct eca_account_file *file);

/* A copy that lives as long as the file, NUL-terminated. */
const char *eca_account_file_copy(struct eca_account_file *file, struct eca_slice text);

/* What all accounts have in common; texts made by eca_account_file_copy(). */
void eca_account_file_set_domain(struct eca_account_file *file, const char *domain);
void eca_account_file_set_netbios(struct eca_account_file *file, const char *netbios);

/* An account without anything; NULL with `err` when there are too many. To be filled by whoever reads the file. */
struct eca_file_account *eca_account_file_add(struct eca_account_file *file, const char *name, struct eca_error *err);

/* Whether an account can be found by that value already. */
bool eca_account_file_has(const struct eca_account_file *file, enum eca_account_value kind, struct eca_slice value);

/* Makes the account findable by a value; several accounts may have the same, then all of them are found. */
void eca_account_file_index(struct eca_account_file *file, const struct eca_file_account *account,
                            enum eca_account_value kind, struct eca_slice value);

/* The same by a pattern, which is copied. False with `err` when there are too many. */
bool eca_account_file_index_pattern(struct eca_account_file *file, const struct eca_file_account *account,
                                    const struct eca_name_pattern *pattern, struct eca_error *err);

/*
 * The accounts that any of the keys belongs to, and which keys these are. A pattern counts as a value of the kind
 * issuer-subject, and only where no account has that very value: one-to-one goes before many-to-one. A stored
 * certificate needs no other key that leads to it. Threads: any, once the file is filled; the same for those below.
 */
void eca_account_file_find_by_keys(const struct eca_account_file *file, const struct eca_mapping_keys *keys,
                                   struct eca_candidates *out);

/* The one account a login name means; false for none and for more than one. */
bool eca_account_file_find_by_login(const struct eca_account_file *file, const struct eca_login_name *login,
                                    struct eca_account *out);

size_t eca_account_file_count(const struct eca_account_file *file);

#endif
