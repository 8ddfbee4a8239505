/* SPDX-License-Identifier: Apache-2.0 */
/* An account as the directory describes it. */
#ifndef ECA_ACCOUNT_H
#define ECA_ACCOUNT_H

#include "choice.h"
#include "error.h"
#include "sid.h"

#include <stddef.h>
#include <stdint.h>

#define ECA_ACCOUNT_DN_MAX 2048
#define ECA_ACCOUNT_NAME_MAX 257 /* sAMAccountName: 256 by schema */
#define ECA_ACCOUNT_UPN_MAX 1025
#define ECA_ACCOUNT_MAIL_MAX 257
#define ECA_ACCOUNT_DOMAIN_MAX 256
#define ECA_ACCOUNT_NETBIOS_MAX 65
#define ECA_ACCOUNT_ATTRIBUTE_MAX 1025

/* NUL-terminated texts, "" where the directory has no value. All are UTF-8 without control characters. */
struct eca_account {
    char dn[ECA_ACCOUNT_DN_MAX];
    char sid[ECA_SID_TEXT_MAX];
    char sam_account_name[ECA_ACCOUNT_NAME_MAX];
    char upn[ECA_ACCOUNT_UPN_MAX];
    char mail[ECA_ACCOUNT_MAIL_MAX];
    char domain[ECA_ACCOUNT_DOMAIN_MAX];       /* DNS name of its domain, lower case, from the DN */
    char netbios[ECA_ACCOUNT_NETBIOS_MAX];     /* NetBIOS name of its domain */
    char attribute[ECA_ACCOUNT_ATTRIBUTE_MAX]; /* the extra attribute that EASRemoteUser names */
    uint32_t user_account_control;             /* MS-ADTS 2.2.16 */
    uint32_t user_account_control_computed;    /* msDS-User-Account-Control-Computed */
    int64_t account_expires;                   /* FILETIME as stored: 0 and 2^63-1 mean never */
    int64_t when_created;                      /* seconds since 1970, UTC; 0 when not readable */
};

/* Where its texts are: offsets of all of them, those of dn, sid and upn first. */
#define ECA_ACCOUNT_TEXTS 8
extern const size_t eca_account_texts[ECA_ACCOUNT_TEXTS];

enum eca_account_state {
    ECA_ACCOUNT_STATE_ACTIVE,
    ECA_ACCOUNT_STATE_DISABLED,
    ECA_ACCOUNT_STATE_EXPIRED,
    ECA_ACCOUNT_STATE_LOCKED,
};

/* Empty texts and zeros; of the 5 KiB that texts may take it touches their first bytes. Threads: any. */
void eca_account_clear(struct eca_account *out);

/* Copies what it says, not what may be behind its texts' ends. Threads: any. */
void eca_account_copy(struct eca_account *out, const struct eca_account *account);

/* Disabled before expired before locked; `now` in seconds since 1970. Threads: any. */
enum eca_account_state eca_account_judge_state(const struct eca_account *account, int64_t now);

/* Whether two answers of one directory are one account: the SID says so, and without any SID the sAMAccountName. */
bool eca_account_is_same(const struct eca_account *a, const struct eca_account *b);

/* "Account is sensitive and cannot be delegated" (UF_NOT_DELEGATED). */
bool eca_account_is_sensitive(const struct eca_account *account);

/* What REMOTE_USER becomes (EASRemoteUser). */
enum eca_remote_user {
    ECA_REMOTE_USER_UPN, /* without a userPrincipalName: sAMAccountName@domain */
    ECA_REMOTE_USER_SAM_ACCOUNT_NAME,
    ECA_REMOTE_USER_NETBIOS, /* DOMAIN\sAMAccountName */
    ECA_REMOTE_USER_MAIL,
    ECA_REMOTE_USER_ATTRIBUTE,
};

/* Every form but the attribute's, which is named itself. */
extern const struct eca_choice eca_remote_user_choices[];

#define ECA_REMOTE_USER_MAX 1360

/*
 * Writes the name into `out`; false with a sentence naming the missing attribute when the
 * account has none, or when it does not fit.
 */
bool eca_account_remote_user(struct eca_strbuf *out, const struct eca_account *account, enum eca_remote_user form,
                             struct eca_error *err);

/*
 * The DNS name of the domain from the DC components at the end of a DN ("…,DC=example,DC=test"
 * → "example.test", lower case); false when it has none or it does not fit.
 */
bool eca_account_domain_from_dn(struct eca_strbuf *out, const char *dn);

#endif
