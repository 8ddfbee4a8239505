/* SPDX-License-Identifier: Apache-2.0 */
/* ldap://HOST[:PORT] and its like, dns:DOMAIN and gc:DOMAIN, nothing else. */
#include "ldap_url.h"

#include "ldap_locate.h"

#include <string.h>

#define DOMAIN_MAX 160

static const struct scheme {
    const char *text;
    bool tls;
    const char *port;
} schemes[] = {
    { "ldap://", false, "389" },
    { "ldaps://", true, "636" },
    { "gc://", false, "3268" },
    { "gcs://", true, "3269" },
};

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-'
           || byte == '.' || byte == '_';
}

/* 1 to 65535, no leading zero. */
static bool is_port(const char *text)
{
    unsigned long number = 0;

    if (text[0] < '1' || text[0] > '9' || strlen(text) >= ECA_LDAP_PORT_MAX)
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (unsigned long)(*text - '0');
    return *text == '\0' && number <= 65535;
}

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncmp(text, schemes[i].text, strlen(schemes[i].text)) == 0)
            return &schemes[i];
    }
    return NULL;
}

/* url = ("ldap" / "ldaps" / "gc" / "gcs") "://" host [":" port] */
bool eca_ldap_url_parse(struct eca_ldap_url *out, const char *text, struct eca_error *err)
{
    const struct scheme *scheme = find_scheme(text);
    struct eca_ldap_url url = { .tls = scheme != NULL && scheme->tls };
    const char *host = NULL;
    size_t length = 0;

    if (scheme == NULL)
        return eca_error_set(err, "\"%s\" does not begin with ldap://, ldaps://, gc://, gcs://, dns: or gc:", text);
    host = text + strlen(scheme->text);
    while (is_host_byte(host[length]))
        length++;
    if (length == 0 || length >= sizeof url.host || host[0] == '-' || host[0] == '.')
        return eca_error_set(err, "\"%s\" has no host name after the scheme", text);
    memcpy(url.host, host, length);
    memcpy(url.port, scheme->port, strlen(scheme->port) + 1);

    if (host[length] == ':') {
        if (!is_port(host + length + 1))
            return eca_error_set(err, "\"%s\" has no port number from 1 to 65535 after the colon, or more follows it",
                                 text);
        memcpy(url.port, host + length + 1, strlen(host + length + 1) + 1);
    } else if (host[length] != '\0') {
        return eca_error_set(err, "\"%s\" holds more than scheme, host name and port: end it after \"%.*s\"", text,
                             (int)(host + length - text), text);
    }
    *out = url;
    return true;
}

/* domain = host, which leaves room for "_ldap._tcp.SITE._sites.dc._msdcs." in front of it */
static bool check_domain(const char *text, struct eca_error *err)
{
    const char *domain = text + strcspn(text, ":") + 1;
    size_t length = 0;

    while (is_host_byte(domain[length]))
        length++;
    if (length == 0 || length > DOMAIN_MAX || domain[0] == '-' || domain[0] == '.' || domain[length] != '\0')
        return eca_error_set(err, "\"%s\" is not %.*s and the DNS name of a domain, %.*sexample.com", text,
                             (int)(domain - text), text, (int)(domain - text), text);
    return true;
}

bool eca_ldap_url_check(const char *url, struct eca_error *err)
{
    struct eca_ldap_url parts;

    return eca_ldap_source_is_domain(url) ? check_domain(url, err) : eca_ldap_url_parse(&parts, url, err);
}
