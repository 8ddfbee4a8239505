/* SPDX-License-Identifier: Apache-2.0 */
/* What a look-up found, as a sealed record for a cache that others may be able to write to. */
#ifndef ECA_ACCOUNT_RECORD_H
#define ECA_ACCOUNT_RECORD_H

#include "access.h"
#include "account.h"
#include "mapping.h"

#define ECA_ACCOUNT_RECORD_MAX 448
#define ECA_ACCOUNT_RECORD_KEY_BYTES 32    /* of the cache: the certificate and all that a finding depends on */
#define ECA_ACCOUNT_RECORD_SECRET_BYTES 32 /* of the MAC */
#define ECA_ACCOUNT_RECORD_SKEW 60         /* seconds by which another node's clock may be ahead */

/* The answer of eca_mapping_decide() over a complete search; the account's state is judged anew each time. */
struct eca_finding {
    enum eca_account_fact fact; /* USABLE: found; or NOT_FOUND, AMBIGUOUS, WEAK, PREDATED, SID_MISMATCH */
    enum eca_mapping_kind kind; /* that found it, or would have */
    struct eca_account account; /* of USABLE */
    struct eca_error detail;    /* of the others: the sentence for the log, cut where it does not fit */
    int64_t found_at;           /* seconds since 1970 */
};

/* The secret of a cache made ready for MACs, once: that takes longer than a MAC. Threads: any number, read-only. */
struct eca_account_seal;

/* NULL when out of memory. The secret is copied, and wiped with the seal. */
struct eca_account_seal *eca_account_seal_open(const uint8_t secret[ECA_ACCOUNT_RECORD_SECRET_BYTES]);
void eca_account_seal_close(struct eca_account_seal *seal); /* NULL is allowed */

/* What a record is bound to. */
struct eca_account_record_form {
    const uint8_t *key; /* ECA_ACCOUNT_RECORD_KEY_BYTES */
    const struct eca_account_seal *seal;
    enum eca_remote_user remote; /* part of what `key` was made from */
};

/*
 * Writes the record; its length, or 0 when it does not fit (a DN, UPN and name of some 300 bytes together): then it is
 * not kept, and the next request asks the directory again.
 *
 *   version  fact  kind  sid-length   4 × uint8
 *   found_at                          int64         all numbers big-endian
 *   userAccountControl, computed      2 × uint32
 *   accountExpires                    int64
 *   lengths of the texts              4 × uint16
 *   SID, sAMAccountName, userPrincipalName, DN, and the attribute of EASRemoteUser; or the sentence
 *   HMAC-SHA-256 over the cache's key and all of the above, 32 bytes
 */
size_t eca_account_record_write(uint8_t out[ECA_ACCOUNT_RECORD_MAX], const struct eca_finding *finding,
                                const struct eca_account_record_form *form);

/*
 * Reads one. False for everything that write() would not have written for this very key and secret, or that comes from
 * the future by more than ECA_ACCOUNT_RECORD_SKEW: to the caller that is no record. Threads: any, for both.
 */
bool eca_account_record_read(struct eca_finding *out, struct eca_slice record,
                             const struct eca_account_record_form *form, int64_t now);

/*
 * The same for a record whose every byte has been read before, under this very key and secret, without computing its
 * MAC again.
 */
bool eca_account_record_read_again(struct eca_finding *out, struct eca_slice record,
                                   const struct eca_account_record_form *form, int64_t now);

#endif
