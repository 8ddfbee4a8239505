/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of what a search found: one account, or the reason why none. */
#include "mapping.h"

#include <string.h>

/* Longer values would be cut by the sentence, and an administrator must not store half of one. */
#define SHOWN_VALUE_MAX 384

/* What found which candidates; bit i is candidate i. */
struct finding {
    const struct eca_mapping_key *deciding; /* NULL: no key found anybody */
    uint32_t by_deciding;                   /* found by the deciding kind */
    uint32_t by_strong;                     /* found by any configured strong kind */
};

static unsigned count_bits(uint32_t set)
{
    unsigned count = 0;

    for (; set != 0; set &= set - 1)
        count++;
    return count;
}

static size_t first_bit(uint32_t set)
{
    size_t bit = 0;

    while (bit < 31 && (set >> bit & 1) == 0)
        bit++;
    return bit;
}

static uint32_t found_by_key(const struct eca_candidates *candidates, size_t key)
{
    uint32_t set = 0;

    for (size_t i = 0; i < candidates->count; i++) {
        if ((candidates->items[i].matched >> key & 1) != 0)
            set |= (uint32_t)1 << i;
    }
    return set;
}

/* Keys stand in the order of EASMapping, those not configured last: the first that found anybody decides (rule 1). */
static struct finding find(const struct eca_mapping_keys *keys, const struct eca_candidates *candidates)
{
    struct finding finding = { .deciding = NULL };

    for (size_t i = 0; i < keys->count; i++) {
        const struct eca_mapping_key *key = &keys->keys[i];
        const uint32_t set = found_by_key(candidates, i);

        if (finding.deciding == NULL && set != 0)
            finding.deciding = key;
        if (finding.deciding != NULL && key->kind == finding.deciding->kind)
            finding.by_deciding |= set;
        if (key->configured && eca_mapping_describe(key->kind)->strong)
            finding.by_strong |= set;
    }
    return finding;
}

/* The candidate whose SID is not the certificate's (rule 3), or NULL. An account without a SID is another one. */
static const struct eca_candidate *find_other_sid(const struct eca_candidates *candidates, uint32_t set,
                                                  const char *sid)
{
    for (size_t i = 0; sid[0] != '\0' && i < candidates->count; i++) {
        if ((set >> i & 1) != 0 && strcmp(candidates->items[i].account.sid, sid) != 0)
            return &candidates->items[i];
    }
    return NULL;
}

static enum eca_account_fact refuse_ambiguous(const struct eca_candidates *candidates, uint32_t set, const char *kind,
                                              struct eca_error *err)
{
    const size_t first = first_bit(set);
    const size_t second = first_bit(set & (set - 1));

    (void)eca_error_set(err, "%s finds %u accounts, among them %.120s and %.120s", kind, count_bits(set),
                        candidates->items[first].account.sam_account_name,
                        candidates->items[second].account.sam_account_name);
    return ECA_ACCOUNT_AMBIGUOUS;
}

static enum eca_account_fact refuse_truncated(struct eca_error *err)
{
    (void)eca_error_set(err, "the directory found more accounts than it gave");
    return ECA_ACCOUNT_AMBIGUOUS;
}

static enum eca_account_fact refuse_weak(const struct eca_mapping_keys *keys, const char *kind,
                                         const struct eca_account *account, struct eca_error *err)
{
    const char *name = account->sam_account_name;

    if (keys->strong_value[0] == '\0')
        (void)eca_error_set(err, "only %s names the account %.64s, and EASMapping does not hold it", kind, name);
    else if (strlen(keys->strong_value) > SHOWN_VALUE_MAX)
        (void)eca_error_set(err,
                            "only %s names the account %.64s, and EASMapping does not hold it; its "
                            "altSecurityIdentities value for issuer-serial is too long to show here",
                            kind, name);
    else
        (void)eca_error_set(err, "only %s names %.64s; store altSecurityIdentities: %s", kind, name,
                            keys->strong_value);
    return ECA_ACCOUNT_WEAK;
}

/*
 * Rule 5. An account whose age is not known may be younger. The subtraction cannot
 * overflow: a certificate's notBefore lies between the years 0 and 9999.
 */
static bool predates(const struct eca_mapping_keys *keys, const struct eca_account *account, int64_t backdating)
{
    if (backdating == ECA_MAPPING_BACKDATING_ANY)
        return false;
    return account->when_created <= 0 || account->when_created - keys->not_before > backdating;
}

static enum eca_account_fact judge(const struct finding *finding, const struct eca_mapping_keys *keys,
                                   const struct eca_candidates *candidates, int64_t backdating, struct eca_error *err)
{
    const struct eca_mapping_kind_row *row = eca_mapping_describe(finding->deciding->kind);
    const struct eca_account *account = &candidates->items[first_bit(finding->by_deciding)].account;
    const struct eca_candidate *other = find_other_sid(
        candidates, finding->by_deciding | (row->strong ? finding->by_strong : 0), keys->sid);

    if (other != NULL) {
        (void)eca_error_set(err, "the certificate carries %s, and the account %.64s that it finds is %s", keys->sid,
                            other->account.sam_account_name,
                            other->account.sid[0] == '\0' ? "without a SID" : other->account.sid);
        return ECA_ACCOUNT_SID_MISMATCH;
    }
    if (candidates->truncated)
        return refuse_truncated(err);
    if (count_bits(finding->by_deciding) > 1)
        return refuse_ambiguous(candidates, finding->by_deciding, row->name, err);
    if (count_bits(finding->by_strong) > 1)
        return refuse_ambiguous(candidates, finding->by_strong, "strong mapping", err);
    if (!finding->deciding->configured)
        return refuse_weak(keys, row->name, account, err);
    if (!row->strong && predates(keys, account, backdating)) {
        (void)eca_error_set(err,
                            account->when_created <= 0
                                ? "when the account %.64s that %s names was created is not known: it may be younger "
                                  "than the certificate"
                                : "the certificate is older than the account %.64s that %s names",
                            account->sam_account_name, row->name);
        return ECA_ACCOUNT_PREDATED;
    }
    return ECA_ACCOUNT_USABLE;
}

struct eca_mapping_outcome eca_mapping_decide(const struct eca_mapping_keys *keys,
                                              const struct eca_candidates *candidates, int64_t backdating,
                                              struct eca_error *err)
{
    const struct finding finding = find(keys, candidates);
    struct eca_mapping_outcome outcome = { .fact = ECA_ACCOUNT_NOT_FOUND };

    if (finding.deciding != NULL) {
        outcome.kind = finding.deciding->kind;
        outcome.chosen = first_bit(finding.by_deciding);
        outcome.fact = judge(&finding, keys, candidates, backdating, err);
    } else if (candidates->truncated) {
        outcome.fact = refuse_truncated(err);
    } else if (keys->count == 0) {
        (void)eca_error_set(err, "the certificate holds nothing that EASMapping looks for");
    } else {
        (void)eca_error_set(err, "no account has any of the certificate's mapping values");
    }
    return outcome;
}
