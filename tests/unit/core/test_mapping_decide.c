/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping.h"

#include "rows.h"

#include <stdio.h>
#include <string.h>

#define SID_A "S-1-5-21-1-2-3-1001"
#define SID_B "S-1-5-21-1-2-3-1002"
#define NOT_BEFORE 1700000000
#define STRONG_VALUE "X509:<I>CN=CA<SR>01"

/* A key of the row: kind, and whether EASMapping holds it. */
#define ON(kind) { ECA_MAPPING_##kind, true }
#define OFF(kind) { ECA_MAPPING_##kind, false }

/* Bits of `matched`. */
#define K0 1u
#define K1 2u
#define K2 4u

struct row {
    const char *why;
    struct {
        enum eca_mapping_kind kind;
        bool configured;
    } keys[3];
    size_t key_count;
    const char *sid; /* that the certificate carries */
    struct {
        const char *sid;
        uint64_t matched;
        int64_t age; /* seconds that the account is older than the certificate */
    } found[3];
    size_t found_count;
    bool truncated;
    int64_t backdating;
    enum eca_account_fact fact;
    size_t chosen;
    enum eca_mapping_kind kind;
};

static void check(const struct row *row)
{
    static struct eca_mapping_keys keys;
    static struct eca_candidates candidates;
    struct eca_mapping_outcome outcome;
    struct eca_error err = { .text = "" };

    SAY_WHY(row);
    memset(&keys, 0, sizeof keys);
    memset(&candidates, 0, sizeof candidates);
    for (size_t i = 0; i < row->key_count; i++)
        keys.keys[keys.count++]
            = (struct eca_mapping_key){ .kind = row->keys[i].kind, .configured = row->keys[i].configured, .rank = i };
    (void)snprintf(keys.sid, sizeof keys.sid, "%s", row->sid);
    (void)snprintf(keys.strong_value, sizeof keys.strong_value, "%s", STRONG_VALUE);
    keys.not_before = NOT_BEFORE;
    for (size_t i = 0; i < row->found_count; i++) {
        struct eca_candidate *candidate = &candidates.items[candidates.count++];

        (void)snprintf(candidate->account.sid, sizeof candidate->account.sid, "%s", row->found[i].sid);
        (void)snprintf(candidate->account.sam_account_name, sizeof candidate->account.sam_account_name, "user%zu", i);
        candidate->account.when_created = NOT_BEFORE - row->found[i].age;
        candidate->matched = row->found[i].matched;
    }
    candidates.truncated = row->truncated;
    outcome = eca_mapping_decide(&keys, &candidates, row->backdating, &err);
    assert_int_equal(outcome.fact, row->fact);
    assert_int_equal(err.text[0] == '\0', row->fact == ECA_ACCOUNT_USABLE);
    if (row->fact == ECA_ACCOUNT_USABLE)
        assert_int_equal(outcome.chosen, row->chosen);
    if (row->fact == ECA_ACCOUNT_USABLE || row->fact == ECA_ACCOUNT_WEAK || row->fact == ECA_ACCOUNT_PREDATED)
        assert_int_equal(outcome.kind, row->kind);
    if (row->fact == ECA_ACCOUNT_WEAK)
        assert_non_null(strstr(err.text, STRONG_VALUE));
}

static void test_decide_order_of_kinds_rule_1(void **state)
{
    static const struct row rows[] = {
        { "one key, one account", { ON(SID) }, 1, SID_A, { { SID_A, K0, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0,
          ECA_MAPPING_SID },
        { "nobody came back", { ON(SID) }, 1, SID_A, { { "", 0, 0 } }, 0, false, 0, ECA_ACCOUNT_NOT_FOUND, 0, 0 },
        { "no key at all", { ON(SID) }, 0, "", { { "", 0, 0 } }, 0, false, 0, ECA_ACCOUNT_NOT_FOUND, 0, 0 },
        { "the server believed in a match, we do not", { ON(SKI) }, 1, "", { { SID_A, 0, 0 } }, 1, false, 0,
          ECA_ACCOUNT_NOT_FOUND, 0, 0 },
        { "somebody we do not believe in beside the right one", { ON(SKI) }, 1, "",
          { { SID_B, 0, 0 }, { SID_A, K0, 0 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 1, ECA_MAPPING_SKI },
        { "a bit behind the last key is no match", { ON(SKI) }, 1, "", { { SID_A, K1, 0 } }, 1, false, 0,
          ECA_ACCOUNT_NOT_FOUND, 0, 0 },
        { "the first kind found nobody, the second decides", { ON(SKI), ON(ISSUER_SERIAL) }, 2, "",
          { { SID_A, K1, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_ISSUER_SERIAL },
        { "all kinds agree: the first is named", { ON(SKI), ON(ISSUER_SERIAL), ON(UPN) }, 3, "",
          { { SID_A, K0 | K1 | K2, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SKI },
        { "the order of the answer does not matter", { ON(SKI), ON(UPN) }, 2, "",
          { { SID_B, K1, 0 }, { SID_A, K0, 0 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 1, ECA_MAPPING_SKI },
        { "weak first, strong behind finds another: the first decides", { ON(UPN), ON(SKI) }, 2, "",
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_UPN },
        { "strong first, an unconfigured weak key finds another", { ON(SKI), OFF(UPN) }, 2, "",
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SKI },
        { "nobody asked for the other strong key", { ON(SKI), OFF(ISSUER_SERIAL) }, 2, "",
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SKI },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void test_decide_more_than_one_account_rule_2(void **state)
{
    static const struct row rows[] = {
        { "one key, two accounts", { ON(SKI) }, 1, "", { { SID_A, K0, 0 }, { SID_B, K0, 0 } }, 2, false, 0,
          ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "two values of one kind, two accounts", { ON(ISSUER_SERIAL), ON(ISSUER_SERIAL) }, 2, "",
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "the same of a weak kind", { ON(UPN), ON(UPN) }, 2, "", { { SID_A, K0, 9 }, { SID_B, K1, 9 } }, 2, false, 0,
          ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "two values of one kind, one account", { ON(ISSUER_SERIAL), ON(ISSUER_SERIAL) }, 2, "",
          { { SID_A, K0 | K1, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_ISSUER_SERIAL },
        { "two strong kinds, two accounts", { ON(SKI), ON(ISSUER_SERIAL) }, 2, "",
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "UPN and implicit UPN, two accounts", { ON(UPN) }, 1, "", { { SID_A, K0, 9 }, { SID_B, K0, 9 } }, 2, false,
          0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "the deciding kind is weak, the strong ones behind contradict each other",
          { ON(UPN), ON(SKI), ON(ISSUER_SERIAL) }, 3, "", { { SID_A, K0 | K1, 9 }, { SID_B, K2, 0 } }, 2, false, 0,
          ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "the directory had more", { ON(SKI) }, 1, "", { { SID_A, K0, 0 } }, 1, true, 0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "the directory had more, and what it gave does not match", { ON(SKI) }, 1, "", { { SID_A, 0, 0 } }, 1, true,
          0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
        { "two by a weak key that is not configured: not mapping-weak, whose would it be?", { OFF(UPN) }, 1, "",
          { { SID_A, K0, 0 }, { SID_B, K0, 0 } }, 2, false, 0, ECA_ACCOUNT_AMBIGUOUS, 0, 0 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void test_decide_carried_sid_has_a_veto_rule_3(void **state)
{
    static const struct row rows[] = {
        { "a strong match of another SID", { ON(SKI) }, 1, SID_A, { { SID_B, K0, 0 } }, 1, false, 0,
          ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "a weak match of another SID", { ON(UPN) }, 1, SID_A, { { SID_B, K0, 9 } }, 1, false, 0,
          ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "a match of its own SID", { ON(SKI) }, 1, SID_A, { { SID_A, K0, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0,
          ECA_MAPPING_SKI },
        { "sid finds A, another strong key B: a mismatch, not only ambiguous", { ON(SID), ON(SKI) }, 2, SID_A,
          { { SID_A, K0, 0 }, { SID_B, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "the same in the other order", { ON(SKI), ON(SID) }, 2, SID_A, { { SID_A, K1, 0 }, { SID_B, K0, 0 } }, 2,
          false, 0, ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "sid finds A, a weak key B: the first decides", { ON(SID), ON(UPN) }, 2, SID_A,
          { { SID_A, K0, 0 }, { SID_B, K1, 9 } }, 2, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SID },
        { "weak first finds B, sid A: never an account with another SID", { ON(UPN), ON(SID) }, 2, SID_A,
          { { SID_B, K0, 9 }, { SID_A, K1, 0 } }, 2, false, 0, ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "the account's SID could not be read", { ON(SKI) }, 1, SID_A, { { "", K0, 0 } }, 1, false, 0,
          ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "another SID and more in the directory: the mismatch is certain", { ON(SKI) }, 1, SID_A,
          { { SID_B, K0, 0 } }, 1, true, 0, ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "an account that was made again: no advice to store a value", { ON(SID), OFF(UPN) }, 2, SID_A,
          { { SID_B, K1, 9 } }, 1, false, 0, ECA_ACCOUNT_SID_MISMATCH, 0, 0 },
        { "another SID that nothing matched", { ON(SID) }, 1, SID_A, { { SID_B, 0, 0 }, { SID_A, K0, 0 } }, 2, false,
          0, ECA_ACCOUNT_USABLE, 1, ECA_MAPPING_SID },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void test_decide_weak_matches_rule_5(void **state)
{
    static const struct row rows[] = {
        { "only a weak key that is not configured", { ON(SKI), OFF(UPN) }, 2, "", { { SID_A, K1, 9 } }, 1, false, 0,
          ECA_ACCOUNT_WEAK, 0, ECA_MAPPING_UPN },
        { "the same, older than the account: still mapping-weak", { OFF(UPN) }, 1, "", { { SID_A, K0, -9 } }, 1, false,
          0, ECA_ACCOUNT_WEAK, 0, ECA_MAPPING_UPN },
        { "configured, the account is older", { ON(UPN) }, 1, "", { { SID_A, K0, 9 } }, 1, false, 0,
          ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_UPN },
        { "of the same second", { ON(UPN) }, 1, "", { { SID_A, K0, 0 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0,
          ECA_MAPPING_UPN },
        { "the account is a second younger", { ON(UPN) }, 1, "", { { SID_A, K0, -1 } }, 1, false, 0,
          ECA_ACCOUNT_PREDATED, 0, ECA_MAPPING_UPN },
        { "as much younger as backdating allows", { ON(UPN) }, 1, "", { { SID_A, K0, -60 } }, 1, false, 60,
          ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_UPN },
        { "one more", { ON(UPN) }, 1, "", { { SID_A, K0, -61 } }, 1, false, 60, ECA_ACCOUNT_PREDATED, 0,
          ECA_MAPPING_UPN },
        { "backdating any", { ON(UPN) }, 1, "", { { SID_A, K0, -1000000000 } }, 1, false, ECA_MAPPING_BACKDATING_ANY,
          ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_UPN },
        { "whenCreated could not be read", { ON(UPN) }, 1, "", { { SID_A, K0, NOT_BEFORE } }, 1, false, 0,
          ECA_ACCOUNT_PREDATED, 0, ECA_MAPPING_UPN },
        { "could not be read, but nobody cares", { ON(UPN) }, 1, "", { { SID_A, K0, NOT_BEFORE } }, 1, false,
          ECA_MAPPING_BACKDATING_ANY, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_UPN },
        { "a strong match may be older than the account", { ON(SKI) }, 1, "", { { SID_A, K0, -9 } }, 1, false, 0,
          ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SKI },
        { "strong and weak agree: strength is that of the first", { ON(SKI), ON(UPN) }, 2, "",
          { { SID_A, K0 | K1, -9 } }, 1, false, 0, ECA_ACCOUNT_USABLE, 0, ECA_MAPPING_SKI },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void test_decide_weak_sentence_never_shows_half_a_value(void **state)
{
    static struct eca_mapping_keys keys;
    static struct eca_candidates candidates;
    struct eca_error err = { .text = "" };
    (void)state;

    keys.count = 1;
    keys.keys[0].kind = ECA_MAPPING_UPN;
    candidates.count = 1;
    candidates.items[0].matched = 1;
    memset(candidates.items[0].account.sam_account_name, 'a', ECA_ACCOUNT_NAME_MAX - 1);
    for (size_t length = 0; length < 600; length++) {
        memset(keys.strong_value, 'v', length);
        keys.strong_value[length] = '\0';
        err.text[0] = '\0';
        assert_int_equal(eca_mapping_decide(&keys, &candidates, 0, &err).fact, ECA_ACCOUNT_WEAK);
        assert_int_equal(strstr(err.text, "vv") != NULL, length > 1 && strstr(err.text, keys.strong_value) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide_order_of_kinds_rule_1),
        cmocka_unit_test(test_decide_more_than_one_account_rule_2),
        cmocka_unit_test(test_decide_carried_sid_has_a_veto_rule_3),
        cmocka_unit_test(test_decide_weak_matches_rule_5),
        cmocka_unit_test(test_decide_weak_sentence_never_shows_half_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
