/* SPDX-License-Identifier: Apache-2.0 */
/* Removing forged identity headers before anything reads them. */
#include "client_headers.h"

#include "config.h"
#include "hot.h"

#include <http_config.h>

static const char *const always_ours[] = { "X-EAS-Reason", "X-Remote-User", "X-WebObjects-Remote-User" };

/* Not tolower(): that one depends on the locale of the server. */
static char fold(char byte)
{
    if (byte == '_')
        return '-';
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

ECA_HOT static bool is_same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if (fold(*a) != fold(*b))
            return false;
    }
    return *a == *b;
}

static bool is_one_of(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (is_same_name(name, APR_ARRAY_IDX(names, i, const char *)))
            return true;
    }
    return false;
}

/* Certificates that were taken out of a request's headers. */
struct taken {
    apr_table_t *values;
    bool untrusted; /* the peer may not send any */
};

static const char taken_key[] = "eas_certauth_sent_certificates";

static struct taken *find_taken(const request_rec *r)
{
    void *taken = NULL;

    while (r->main != NULL) /* a redirected request has the pool of its first */
        r = r->main;
    apr_pool_userdata_get(&taken, taken_key, r->pool);
    return taken;
}

static bool is_trusted_proxy(const struct eca_server_config *config, const conn_rec *connection)
{
    const apr_array_header_t *proxies = config->trusted_proxies;

    for (int i = 0; proxies != NULL && i < proxies->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(proxies, i, struct eca_trusted_proxy).network, connection->client_addr))
            return true;
    }
    return false;
}

static struct taken *begin_taking(request_rec *r, const struct eca_server_config *config)
{
    struct taken *taken = find_taken(r);

    if (taken != NULL)
        return taken;
    taken = apr_pcalloc(r->pool, sizeof *taken);
    taken->values = apr_table_make(r->pool, 1);
    taken->untrusted = !is_trusted_proxy(config, r->connection);
    apr_pool_userdata_setn(taken, taken_key, NULL, r->pool);
    return taken;
}

/* Another spelling of the name is nobody's: a load balancer replaces only the one it knows. */
static void take_certificates(request_rec *r, const struct eca_server_config *config)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in), *names = config->certificate_headers;

    for (int i = 0; names->nelts > 0 && i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);
        struct taken *taken = is_one_of(names, header->key) ? begin_taking(r, config) : NULL;

        if (taken != NULL && !taken->untrusted)
            apr_table_addn(taken->values, header->key, header->val);
    }
}

static int count_value(void *data, const char *name, const char *value)
{
    struct eca_sent_certificate *sent = data;

    (void)name;
    sent->more_than_once = sent->value != NULL;
    sent->value = value;
    return !sent->more_than_once;
}

struct eca_sent_certificate eca_client_headers_certificate(const request_rec *r, const char *name)
{
    const struct taken *taken = find_taken(r);
    struct eca_sent_certificate sent = { .value = NULL };

    if (taken == NULL)
        return sent;
    apr_table_do(count_value, &sent, taken->values, name, NULL);
    if (taken->untrusted)
        sent.peer = r->connection->client_ip;
    return sent;
}

static bool is_ours(const struct eca_server_config *config, const char *name)
{
    for (size_t i = 0; i < sizeof always_ours / sizeof always_ours[0]; i++) {
        if (is_same_name(name, always_ours[i]))
            return true;
    }
    return is_one_of(config->header_names, name) || is_one_of(config->certificate_headers, name);
}

ECA_HOT int eca_client_headers_remove(request_rec *r)
{
    const struct eca_server_config *config = eca_server_config_of(r->server);
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);

    if (!config->in_use && config->certificate_headers->nelts == 0)
        return DECLINED;
    take_certificates(r, config);
    for (int i = headers->nelts - 1; i >= 0; i--) {
        const char *name = APR_ARRAY_IDX(headers, i, apr_table_entry_t).key;

        if (!is_ours(config, name))
            continue;
        apr_table_unset(r->headers_in, name);
        if (i > headers->nelts) /* unset removes every entry of that name at once */
            i = headers->nelts;
    }
    return DECLINED;
}
