/* SPDX-License-Identifier: Apache-2.0 */
/* Header values around the tokens of src/kerberos. */
#include "negotiate.h"

#include "ap_rep.h"
#include "ap_req.h"
#include "hot.h"

#include <apr_tables.h>
#include <string.h>

static const char scheme[] = ECA_NEGOTIATE;

static apr_status_t release_ticket(void *data)
{
    struct eca_proof *proof = data;

    eca_ticket_release(proof->ticket);
    return APR_SUCCESS;
}

struct eca_proof *eca_negotiate_new_proof(apr_pool_t *pool)
{
    struct eca_proof *proof = apr_pcalloc(pool, sizeof *proof);

    apr_pool_cleanup_register(pool, proof, release_ticket, apr_pool_cleanup_null);
    return proof;
}

ECA_HOT const char *eca_negotiate_make_token(apr_pool_t *pool, struct eca_ticket *ticket, struct eca_proof *proof,
                                             struct eca_error *err)
{
    const size_t size = sizeof scheme + eca_ap_req_text_length(ticket, proof != NULL);
    struct eca_strbuf out;

    eca_strbuf_init(&out, apr_palloc(pool, size), size);
    eca_strbuf_text(&out, scheme);
    if (!eca_ap_req_make(&out, ticket, proof != NULL ? &proof->stamp : NULL, err))
        return NULL;
    if (proof != NULL) {
        eca_ticket_release(proof->ticket);
        proof->ticket = eca_ticket_hold(ticket);
    }
    return out.text;
}

struct search {
    const struct eca_proof *proof;
    struct eca_error *err;
    bool proven;
};

ECA_HOT static int check_header(void *data, const char *name, const char *value)
{
    struct search *search = data;
    const size_t length = sizeof scheme - 1;

    (void)name;
    if (ap_cstr_casecmpn(value, scheme, length) == 0) {
        search->err->text[0] = '\0'; /* the last one's problem is as good as any */
        search->proven = eca_ap_rep_check(search->proof->ticket, search->proof->stamp, value + length, search->err);
    }
    return !search->proven;
}

ECA_HOT bool eca_negotiate_is_proven(const apr_table_t *headers, const struct eca_proof *proof, struct eca_error *err)
{
    struct search search = { .proof = proof, .err = err };

    if (proof->ticket == NULL)
        return eca_error_set(err, "it was asked without a token");
    apr_table_do(check_header, &search, headers, "WWW-Authenticate", NULL);
    return search.proven || eca_error_set(err, "it has no WWW-Authenticate: Negotiate with an AP-REP");
}
