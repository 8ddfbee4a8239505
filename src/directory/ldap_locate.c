/* SPDX-License-Identifier: Apache-2.0 */
/* From what the administrator wrote to a list of servers. */
#include "ldap_locate.h"

#include "ldap_clock.h"
#include "ldap_url.h"
#include "srv.h"

#include <apr_strings.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a TTL may ask for: neither a question for each request nor the list of yesterday. */
#define LIFETIME_MIN apr_time_from_sec(5)
#define LIFETIME_MAX apr_time_from_sec(3600)

/* Where DNS lists them: SERVICE SITE near DOMAIN, and SERVICE everywhere DOMAIN. */
struct kind {
    const char *prefix; /* of the source, before the domain */
    const char *scheme; /* of the servers */
    const char *service, *near, *everywhere;
};

static const struct kind domain_controllers = { "dns:", "ldap", "_ldap._tcp.", "._sites.dc._msdcs.", "dc._msdcs." };
static const struct kind global_catalogs = { "gc:", "gc", "_gc._tcp.", "._sites.", "" };

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool eca_ldap_source_is_domain(const char *source)
{
    return begins_with(source, "dns:") || (begins_with(source, "gc:") && !begins_with(source, "gc://"));
}

bool eca_ldap_source_is_catalog(const char *source)
{
    return begins_with(source, "gc:") || begins_with(source, "gcs:");
}

/* The domain itself or a name below it. */
static bool is_inside(const char *host, const char *domain)
{
    const size_t host_length = strlen(host), domain_length = strlen(domain);

    if (host_length < domain_length || strcasecmp(host + host_length - domain_length, domain) != 0)
        return false;
    return host_length == domain_length || host[host_length - domain_length - 1] == '.';
}

static bool is_listed(const struct eca_ldap_located *located, const char *url)
{
    for (size_t i = 0; i < located->count; i++) {
        if (strcasecmp(located->servers[i].url, url) == 0)
            return true;
    }
    return false;
}

static void add_server(struct eca_ldap_located *out, const char *url, size_t source)
{
    if (out->count == ECA_LDAP_SERVERS_MAX || is_listed(out, url))
        return;
    apr_cpystrn(out->servers[out->count].url, url, sizeof out->servers[out->count].url);
    out->servers[out->count++].source = source;
}

/* Chance for the weights; when there is none the first one is as good. */
static uint32_t draw(void *context, uint32_t most)
{
    uint32_t number = 0;

    (void)context;
    return RAND_bytes((unsigned char *)&number, sizeof number) == 1 ? number % (most + 1) : 0;
}

static void use_lifetime(struct eca_ldap_located *out, uint32_t ttl)
{
    apr_interval_time_t lifetime = apr_time_from_sec((apr_int64_t)ttl);

    if (lifetime < LIFETIME_MIN)
        lifetime = LIFETIME_MIN;
    if (lifetime > LIFETIME_MAX)
        lifetime = LIFETIME_MAX;
    if (out->lifetime == 0 || lifetime < out->lifetime)
        out->lifetime = lifetime;
}

static void add_answer(struct eca_ldap_located *out, struct eca_srv_answer *answer, const struct kind *kind,
                       const char *domain, size_t source, struct eca_error *err)
{
    char url[ECA_LDAP_URL_MAX];

    eca_srv_order(answer, draw, NULL);
    for (size_t i = 0; i < answer->count; i++) {
        const struct eca_srv_record *record = &answer->records[i];

        if (!is_inside(record->target, domain)) {
            eca_error_set(err, "DNS names %s for %s%s; a host outside that domain is not used", record->target,
                          kind->prefix, domain);
            continue;
        }
        (void)snprintf(url, sizeof url, "%s://%s:%u", kind->scheme, record->target, (unsigned)record->port);
        add_server(out, url, source);
    }
    use_lifetime(out, answer->ttl);
}

static void ask(struct eca_ldap_located *out, const char *name, const struct kind *kind, const char *domain,
                size_t source, struct eca_error *err)
{
    struct eca_srv_answer answer;

    if (eca_srv_query(&answer, name, err))
        add_answer(out, &answer, kind, domain, source, err);
}

/* Those of the site first; the others follow, because a site may have lost all of its own. */
static void add_domain(struct eca_ldap_located *out, const char *text, size_t source, const char *site,
                       apr_time_t until, struct eca_error *err)
{
    const struct kind *kind = begins_with(text, "dns:") ? &domain_controllers : &global_catalogs;
    const char *domain = text + strlen(kind->prefix);
    char name[2 * ECA_LDAP_HOST_MAX];

    if (site[0] != '\0') {
        (void)snprintf(name, sizeof name, "%s%s%s%s", kind->service, site, kind->near, domain);
        ask(out, name, kind, domain, source, err);
    }
    if (eca_ldap_clock_left(until) == 0)
        return;
    (void)snprintf(name, sizeof name, "%s%s%s", kind->service, kind->everywhere, domain);
    ask(out, name, kind, domain, source, err);
}

void eca_ldap_locate(struct eca_ldap_located *out, const char *const *sources, size_t count, const char *site,
                     apr_time_t until, struct eca_error *err)
{
    *out = (struct eca_ldap_located){ .complete = true };
    for (size_t i = 0; i < count; i++) {
        const size_t before = out->count;

        if (eca_ldap_source_is_domain(sources[i]))
            add_domain(out, sources[i], i, site, until, err);
        else
            add_server(out, sources[i], i);
        if (out->count == before)
            out->complete = false;
    }
}
