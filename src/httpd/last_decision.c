/* SPDX-License-Identifier: Apache-2.0 */
/* One record in a connection's memory, written once: requests that still run may point into it. */
#include "last_decision.h"

#include "handshake.h"
#include "peer_certificate.h"

#include <apr_strings.h>
#include <string.h>

#define BELIEVED apr_time_from_sec(1)
#define TEXTS_MAX 640
#define TEXTS_BEFORE_ACCOUNT 4

struct eca_last_decision {
    X509 *leaf; /* held, so that nothing else gets its address; NULL: not believed again */
    apr_time_t decided;
    /* Two records with the same bytes from here on say the same. */
    const struct eca_server_config *config;
    struct eca_policy policy; /* it points at nothing but the configuration's memory */
    uint8_t cache_key[ECA_ACCOUNT_RECORD_KEY_BYTES];
    int64_t account_expires; /* when it was created is in no cache */
    uint32_t user_account_control, user_account_control_computed;
    uint32_t kind, length;
    char texts[]; /* `length` bytes: the user's name, the certificate's, the account's, each with its NUL */
};

#define SAID offsetof(struct eca_last_decision, config)

/* ---- use --------------------------------------------------------------------------------- */

/* Padding that differs costs a look-up, no more. NOLINTBEGIN(bugprone-suspicious-memory-comparison, cert-*) */
static bool has_same_settings(const struct eca_last_decision *last, const struct eca_request *request)
{
    return last->config == request->config && memcmp(&last->policy, request->policy, sizeof last->policy) == 0;
}

static bool says_the_same(const struct eca_last_decision *last, const struct eca_last_decision *record)
{
    return last->length == record->length
           && memcmp((const char *)last + SAID, (const char *)record + SAID, sizeof *last + last->length - SAID) == 0;
}
/* NOLINTEND(bugprone-suspicious-memory-comparison, cert-*) */

static bool is_believed(const struct eca_last_decision *last, const struct eca_connection *connection,
                        const struct eca_request *request)
{
    const apr_time_t age = request->r->request_time - last->decided;

    return last->leaf != NULL && last->leaf == SSL_get0_peer_certificate(connection->ssl) && age >= 0 && age < BELIEVED
           && has_same_settings(last, request);
}

static const char *take_text(const char **at)
{
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}

/* The connection's memory outlives the request's, so what variables say stays there; r->user is httpd's own. */
static void read_texts(struct eca_request *request, const char *at)
{
    struct eca_request_texts *texts = &request->texts;

    request->r->user = apr_pstrdup(request->r->pool, take_text(&at));
    texts->sha256 = take_text(&at);
    texts->sha1 = take_text(&at);
    texts->serial = take_text(&at);
    texts->dn = eca_text_or_null(take_text(&at));
    request->sid = take_text(&at);
    texts->sid = eca_text_or_null(request->sid);
    texts->upn = eca_text_or_null(take_text(&at));
}

bool eca_last_decision_use(struct eca_request *request)
{
    const struct eca_connection *connection = eca_handshake_connection(request->r->connection);
    struct eca_last_decision *last = connection == NULL ? NULL : connection->last;

    if (last == NULL || !is_believed(last, connection, request))
        return false;
    read_texts(request, last->texts);
    request->facts.certificate = ECA_CERTIFICATE_GOOD;
    request->facts.account = ECA_ACCOUNT_USABLE;
    request->mapped = true;
    request->kind = (enum eca_mapping_kind)last->kind;
    request->cache = "hit";
    request->cache_key = last->cache_key;
    request->remembered = true;
    return true;
}

void eca_last_decision_recall(struct eca_request *request)
{
    const struct eca_last_decision *last = eca_handshake_connection(request->r->connection)->last;
    struct eca_account *account = &request->work->account;
    const char *at = last->texts;

    for (size_t i = 0; i < TEXTS_BEFORE_ACCOUNT; i++)
        (void)take_text(&at);
    for (size_t i = 0; i < ECA_ACCOUNT_TEXTS; i++) {
        const char *text = take_text(&at);

        memcpy((char *)account + eca_account_texts[i], text, (size_t)(at - text));
    }
    account->account_expires = last->account_expires;
    account->user_account_control = last->user_account_control;
    account->user_account_control_computed = last->user_account_control_computed;
}

/* ---- keep -------------------------------------------------------------------------------- */

static bool is_said_as_it_is(const char *said, const char *text)
{
    return strcmp(said != NULL ? said : "", text) == 0;
}

/* A name that is cut, or escaped, for the variables would need to be written twice: one in many thousands. */
static bool has_plain_names(const struct eca_request *request)
{
    const struct eca_account *account = &request->work->account;
    const struct eca_request_texts *texts = &request->texts;

    return is_said_as_it_is(texts->dn, account->dn) && is_said_as_it_is(texts->sid, account->sid)
           && is_said_as_it_is(texts->upn, account->upn);
}

static bool may_be_kept(const struct eca_request *request)
{
    return !request->remembered && request->facts.certificate == ECA_CERTIFICATE_GOOD
           && request->facts.password == ECA_PASSWORD_ABSENT && request->cache != NULL
           && strcmp(request->cache, "hit") == 0 && request->policy->certificate_source.header == NULL
           && request->service->revocation == NULL && request->texts.serial != NULL && has_plain_names(request);
}

static bool write_text(struct eca_last_decision *record, const char *text)
{
    const size_t length = strlen(text) + 1;

    if (length > TEXTS_MAX - record->length)
        return false;
    memcpy(record->texts + record->length, text, length);
    record->length += (uint32_t)length;
    return true;
}

/* NULL: it does not fit. */
static struct eca_last_decision *make_record(const struct eca_request *request)
{
    struct eca_last_decision *record = apr_pcalloc(request->work->pool, sizeof *record + TEXTS_MAX);
    const struct eca_account *account = &request->work->account;
    const struct eca_request_texts *texts = &request->texts;
    bool fits = true;

    record->decided = request->r->request_time;
    record->config = request->config;
    memcpy(&record->policy, request->policy, sizeof record->policy); /* its padding, too */
    memcpy(record->cache_key, request->cache_key, sizeof record->cache_key);
    record->account_expires = account->account_expires;
    record->user_account_control = account->user_account_control;
    record->user_account_control_computed = account->user_account_control_computed;
    record->kind = (uint32_t)request->kind;
    fits = write_text(record, request->r->user) && write_text(record, texts->sha256) && write_text(record, texts->sha1)
           && write_text(record, texts->serial);
    for (size_t i = 0; i < ECA_ACCOUNT_TEXTS && fits; i++)
        fits = write_text(record, (const char *)account + eca_account_texts[i]);
    return fits ? record : NULL;
}

static apr_status_t release(void *data)
{
    struct eca_last_decision *last = data;

    X509_free(last->leaf);
    last->leaf = NULL;
    return APR_SUCCESS;
}

static void attach(struct eca_connection *connection, const struct eca_last_decision *record, apr_pool_t *pool)
{
    struct eca_last_decision *last = apr_pmemdup(pool, record, sizeof *record + record->length);

    last->leaf = SSL_get1_peer_certificate(connection->ssl);
    apr_pool_cleanup_register(pool, last, release, apr_pool_cleanup_null);
    connection->last = last;
}

void eca_last_decision_keep(struct eca_request *request)
{
    struct eca_connection *connection = eca_handshake_connection(request->r->connection);
    const struct eca_last_decision *record = NULL;
    struct eca_last_decision *last = connection == NULL ? NULL : connection->last;

    if (connection == NULL || !may_be_kept(request))
        return;
    record = make_record(request);
    if (record == NULL)
        return;
    if (last == NULL)
        attach(connection, record, request->r->connection->pool);
    else if (last->leaf == SSL_get0_peer_certificate(connection->ssl) && says_the_same(last, record))
        last->decided = record->decided;
}

void eca_last_decision_forget(struct eca_request *request)
{
    const struct eca_connection *connection = eca_handshake_connection(request->r->connection);

    if (connection != NULL && connection->last != NULL)
        (void)release(connection->last);
}

void eca_last_decision_read_certificate(struct eca_request *request)
{
    if (request->remembered)
        eca_peer_certificate_read(request);
    request->remembered = false;
}
