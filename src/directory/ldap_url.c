/* SPDX-License-Identifier: Apache-2.0 */
/* ldap://HOST[:PORT] and ldaps://HOST[:PORT], nothing else. */
#include "ldap_url.h"

#include "ldap_directory.h"

#include <string.h>

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

/* url = ("ldap" / "ldaps") "://" host [":" port] */
bool eca_ldap_url_parse(struct eca_ldap_url *out, const char *text, struct eca_error *err)
{
    struct eca_ldap_url url = { .tls = false };
    const char *host = text;
    size_t length = 0;

    if (strncmp(text, "ldap://", 7) == 0) {
        host = text + 7;
    } else if (strncmp(text, "ldaps://", 8) == 0) {
        host = text + 8;
        url.tls = true;
    } else {
        return eca_error_set(err, "\"%s\" does not begin with ldap:// or ldaps://", text);
    }
    while (is_host_byte(host[length]))
        length++;
    if (length == 0 || length >= sizeof url.host || host[0] == '-' || host[0] == '.')
        return eca_error_set(err, "\"%s\" has no host name after the scheme", text);
    memcpy(url.host, host, length);
    memcpy(url.port, url.tls ? "636" : "389", 4);

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

bool eca_ldap_url_check(const char *url, struct eca_error *err)
{
    struct eca_ldap_url parts;

    return eca_ldap_url_parse(&parts, url, err);
}
