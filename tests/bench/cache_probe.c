/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of accounts as a request uses it, many times in one request. Of the query:
 *
 *   fill=N      stores the made-up accounts 0 to N-1
 *   find=N      looks for N of them, beginning with first=N
 *   longest=1   every record is as long as records can be; else one in ten is, and the others are ordinary
 *
 * Answers JSON: how many were stored or found again, bytes of their records, nanoseconds of one call.
 */
#include "probe.h"

#include "account_cache.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_script.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define DN "CN=Phone User %0*d,OU=Mobile,OU=Users,OU=Vienna,DC=corp,DC=example,DC=test"
#define NUMBER_WIDTH 6
#define ONE_IN 10
#define CALLS_MAX 1000000

/* What was done with the accounts of one request. */
struct tally {
    uint32_t *nanoseconds; /* of each call */
    size_t calls, good, bytes;
};

static int number_of(request_rec *r, const char *name)
{
    apr_table_t *query = NULL;
    const char *value = NULL;

    ap_args_to_table(r, &query);
    value = apr_table_get(query, name);
    return value == NULL ? 0 : atoi(value);
}

/* A SHA-256, as the module's own keys are. */
static void make_key(uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES], int number)
{
    SHA256((const uint8_t *)&number, sizeof number, key);
}

static size_t record_length(const struct eca_finding *finding)
{
    static const uint8_t zeros[ECA_ACCOUNT_RECORD_SECRET_BYTES];
    static struct eca_account_seal *seal;
    struct eca_account_record_form form = { zeros, seal, ECA_REMOTE_USER_UPN };
    uint8_t record[ECA_ACCOUNT_RECORD_MAX];

    if (seal == NULL)
        form.seal = seal = eca_account_seal_open(zeros);
    return eca_account_record_write(record, finding, &form);
}

/* Its name says which account it is; the DN of a long one fills the record up. Returns the record's length. */
static size_t make_finding(struct eca_finding *out, int number, bool longest)
{
    struct eca_account *account = &out->account;
    size_t length = 0;

    memset(out, 0, sizeof *out);
    out->fact = ECA_ACCOUNT_USABLE;
    out->kind = ECA_MAPPING_SID;
    account->user_account_control = 0x200;
    apr_snprintf(account->sid, sizeof account->sid, "S-1-5-21-1111111111-2222222222-3333333333-%d", 1000 + number);
    apr_snprintf(account->sam_account_name, sizeof account->sam_account_name, "phone%06d", number);
    apr_snprintf(account->upn, sizeof account->upn, "phone.user%06d@corp.example.test", number);
    apr_snprintf(account->dn, sizeof account->dn, DN, NUMBER_WIDTH, number);
    length = record_length(out);
    if (!longest)
        return length;
    apr_snprintf(account->dn, sizeof account->dn, DN, NUMBER_WIDTH + (int)(ECA_ACCOUNT_RECORD_MAX - length), number);
    return record_length(out);
}

static void fill(request_rec *r, struct tally *tally, int count, bool all_longest)
{
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    struct eca_finding finding;

    for (int number = 0; number < count; number++) {
        uint64_t begin = 0;

        tally->bytes += make_finding(&finding, number, all_longest || number % ONE_IN == 0);
        make_key(key, number);
        begin = eca_probe_now();
        eca_account_cache_store(r, key, ECA_REMOTE_USER_UPN, &finding);
        tally->nanoseconds[tally->calls++] = (uint32_t)(eca_probe_now() - begin);
        tally->good += finding.found_at != 0;
    }
}

static void find(request_rec *r, struct tally *tally, int first, int count)
{
    uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    struct eca_finding *found = apr_palloc(r->pool, sizeof *found);

    for (int number = first; number < first + count; number++) {
        enum eca_cache_age age = ECA_CACHE_NONE;
        uint64_t begin = 0;
        char name[16];

        make_key(key, number);
        apr_snprintf(name, sizeof name, "phone%06d", number);
        begin = eca_probe_now();
        age = eca_account_cache_find(found, r, key, ECA_REMOTE_USER_UPN);
        tally->nanoseconds[tally->calls++] = (uint32_t)(eca_probe_now() - begin);
        tally->good += age == ECA_CACHE_FRESH && strcmp(found->account.sam_account_name, name) == 0;
    }
}

int eca_cache_probe_handle(request_rec *r)
{
    const int to_store = number_of(r, "fill"), to_find = number_of(r, "find");
    struct tally tally = { .nanoseconds = NULL };
    struct eca_probe_spread spread;

    if (to_store < 0 || to_find < 0 || to_store > CALLS_MAX || to_find > CALLS_MAX)
        return HTTP_BAD_REQUEST;
    tally.nanoseconds = calloc((size_t)to_store + (size_t)to_find + 1, sizeof tally.nanoseconds[0]);
    if (tally.nanoseconds == NULL)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (to_store > 0)
        fill(r, &tally, to_store, number_of(r, "longest") == 1);
    else
        find(r, &tally, number_of(r, "first"), to_find);
    spread = eca_probe_spread_of(tally.nanoseconds, tally.calls);
    free(tally.nanoseconds);
    ap_set_content_type(r, "application/json");
    ap_rprintf(r,
               "{\"calls\": %" APR_SIZE_T_FMT ", \"good\": %" APR_SIZE_T_FMT ", \"bytes\": %" APR_SIZE_T_FMT
               ", \"median_ns\": %.0f, \"p99_ns\": %.0f}\n",
               tally.calls, tally.good, tally.bytes, spread.median, spread.p99);
    return OK;
}
