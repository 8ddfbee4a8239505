/* SPDX-License-Identifier: Apache-2.0 */
/* From a certificate to the one account it belongs to: keys to search by, and the judgement of what was found. */
#ifndef ECA_MAPPING_H
#define ECA_MAPPING_H

#include "access.h"
#include "account.h"
#include "certificate.h"

#define ECA_MAPPING_KEYS_MAX 64 /* as many as bits in eca_candidate.matched */
#define ECA_MAPPING_EMAILS_MAX 16
#define ECA_MAPPING_TEXT_MAX 32768
#define ECA_MAPPING_VALUE_MAX 4096 /* of one key, NUL included; a longer name, serial or SKI makes no key */
#define ECA_MAPPING_CANDIDATES_MAX 8
#define ECA_MAPPING_BACKDATING_ANY INT64_MAX /* EASCertificateBackdating any */

enum eca_mapping_kind {
    ECA_MAPPING_SID,
    ECA_MAPPING_SID_URI,
    ECA_MAPPING_ISSUER_SERIAL,
    ECA_MAPPING_SKI,
    ECA_MAPPING_SHA1_PUKEY,
    ECA_MAPPING_ISSUER_SID,
    ECA_MAPPING_CERTIFICATE,
    ECA_MAPPING_UPN,
    ECA_MAPPING_EMAIL,
    ECA_MAPPING_CN,
    ECA_MAPPING_ISSUER_SUBJECT,
    ECA_MAPPING_SUBJECT,
    ECA_MAPPING_RFC822,
    ECA_MAPPING_KINDS, /* how many there are */
};

struct eca_mapping_kind_row {
    const char *name; /* as EASMapping and EAS_MAPPING spell it */
    bool strong;
    bool in_strong_set;    /* part of `EASMapping strong` */
    const char *attribute; /* of the directory, that holds the value */
    bool searched;         /* false: read and compared only, the account is located by other kinds */
};

const struct eca_mapping_kind_row *eca_mapping_describe(enum eca_mapping_kind kind);

/* Kind by name, ASCII case ignored; false when unknown. "strong" is not a kind. */
bool eca_mapping_kind_by_name(enum eca_mapping_kind *out, const char *name);

/* EASMapping: kinds in the order in which they are tried, each at most once. */
struct eca_mapping_policy {
    enum eca_mapping_kind kinds[ECA_MAPPING_KINDS];
    size_t count;
};

/* The default, `EASMapping strong`. */
void eca_mapping_policy_strong(struct eca_mapping_policy *out);

/* Adds a kind at the end; false when it is there already. */
bool eca_mapping_policy_add(struct eca_mapping_policy *policy, enum eca_mapping_kind kind);

struct eca_mapping_key {
    enum eca_mapping_kind kind;
    bool configured;        /* false: looked for only to name the refusal (mapping-weak) */
    size_t rank;            /* position of the kind in EASMapping; kinds not configured come last */
    struct eca_slice value; /* a binary SID for objectSid, the SHA-256 of the DER for userCertificate, else text */
};

/*
 * Keys in the order of EASMapping, and after them weak ones that are not configured. A
 * value made of the certificate's bytes lives in `text`, so the struct is copied by
 * eca_mapping_keys_build() alone, never by assignment.
 */
struct eca_mapping_keys {
    struct eca_mapping_key keys[ECA_MAPPING_KEYS_MAX];
    size_t count;
    char sid[ECA_SID_TEXT_MAX];               /* the SID the certificate carries and that has a veto (rule 3), or "" */
    char strong_value[ECA_MAPPING_VALUE_MAX]; /* altSecurityIdentities to store for a strong mapping, or "" */
    int64_t not_before;                       /* of the certificate: rule 5 */
    char text[ECA_MAPPING_TEXT_MAX];
    size_t text_length;
};

/*
 * Makes the keys of `certificate` under `policy`. The SID of the URI counts only when
 * `sid-uri` is configured. False: a value that would be used as a configured key is not
 * allowed (rules 4, 7, 8: control characters, bad UTF-8, empty, over-long, two different
 * UPNs, extension and URI disagree), which makes the certificate malformed; `err` says
 * which. No key at all is true with count 0. Threads: any.
 */
bool eca_mapping_keys_build(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                            const struct eca_mapping_policy *policy, struct eca_error *err);

/*
 * Rule 6, comparing again: whether a value that the directory returned for the kind's
 * attribute is the key: ASCII letters without case, every other byte exact; a SID every byte; a certificate by its
 * SHA-256.
 */
bool eca_mapping_key_equals(const struct eca_mapping_key *key, struct eca_slice value);

/*
 * A UPN whose suffix is the domain's own DNS name also names the account with that
 * sAMAccountName (MS-ADTS 5.1.1.1.1, implicit UPN): gives the part before the last "@" when the suffix
 * is `domain`, ASCII case ignored; false for other kinds and suffixes.
 */
bool eca_mapping_key_implicit_name(const struct eca_mapping_key *key, const char *domain, struct eca_slice *name);

/*
 * A certificate that is stored with an account counts only where a UPN, an e-mail address or the CN, configured or
 * not, leads to that account: gives `matched` (bit i: keys[i]) without the bits that do not count.
 */
uint64_t eca_mapping_keys_located(const struct eca_mapping_keys *keys, uint64_t matched);

/* An account the directory returned, and which of the keys really are its own. */
struct eca_candidate {
    struct eca_account account;
    uint64_t matched; /* bit i: keys[i] compared equal, explicitly or as an implicit UPN, and is located */
};

struct eca_candidates {
    struct eca_candidate items[ECA_MAPPING_CANDIDATES_MAX];
    size_t count;
    bool truncated; /* the directory had more: nobody is chosen */
};

struct eca_mapping_outcome {
    enum eca_account_fact fact; /* USABLE means found; the account's state is not judged here */
    size_t chosen;              /* index of the candidate when USABLE */
    enum eca_mapping_kind kind; /* that found it, when USABLE, WEAK or PREDATED */
};

/*
 * Rules 1, 2, 3 and 5 over what was found: the first configured kind that found an account
 * decides; a carried SID has a veto, over that account and, when the deciding kind is strong, over
 * every account that a strong key found; more than one account for the deciding kind, strong keys
 * finding different ones, or more than the directory gave is ambiguous; a weak match needs a
 * certificate not older than the account by more than `backdating` seconds. Two candidates
 * are two accounts; those with nothing matched are ignored. `err` receives the sentence for the
 * log when the fact is not USABLE. Threads: any.
 */
struct eca_mapping_outcome eca_mapping_decide(const struct eca_mapping_keys *keys,
                                              const struct eca_candidates *candidates, int64_t backdating,
                                              struct eca_error *err);

#endif
