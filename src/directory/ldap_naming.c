/* SPDX-License-Identifier: Apache-2.0 */
/* The rootDSE and the partitions, read once per directory. */
#include "ldap_naming.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The attribute's first value as text; false when it has none or does not fit. */
static bool read_text(char *out, size_t capacity, LDAP *ld, LDAPMessage *entry, const char *name)
{
    struct berval **values = ldap_get_values_len(ld, entry, name);
    bool read = false;

    if (values != NULL && values[0] != NULL && values[0]->bv_len < capacity
        && memchr(values[0]->bv_val, '\0', values[0]->bv_len) == NULL) {
        memcpy(out, values[0]->bv_val, values[0]->bv_len);
        out[values[0]->bv_len] = '\0';
        read = true;
    }
    ldap_value_free_len(values);
    return read;
}

static bool domain_of(char out[ECA_ACCOUNT_DOMAIN_MAX], const char *dn)
{
    struct eca_strbuf domain;

    eca_strbuf_init(&domain, out, ECA_ACCOUNT_DOMAIN_MAX);
    if (eca_account_domain_from_dn(&domain, dn))
        return true;
    out[0] = '\0';
    return false;
}

static void add_domain(struct eca_ldap_naming *naming, LDAP *ld, LDAPMessage *entry)
{
    const size_t at = naming->domain_count;
    char dn[ECA_ACCOUNT_DN_MAX];

    if (at < ECA_LDAP_DOMAINS_MAX && read_text(dn, sizeof dn, ld, entry, "nCName")
        && domain_of(naming->domains[at].dns, dn)
        && read_text(naming->domains[at].netbios, sizeof naming->domains[at].netbios, ld, entry, "nETBIOSName"))
        naming->domain_count++;
}

static enum eca_ldap_fault read_domains(struct eca_ldap_naming *naming, struct eca_ldap_connection *connection,
                                        const char *configuration, apr_time_t until, struct eca_error *err)
{
    static const char *const attributes[] = { "nCName", "nETBIOSName", NULL };
    char base[ECA_ACCOUNT_DN_MAX + sizeof "CN=Partitions,"];
    const struct eca_ldap_query query = {
        .base = base,
        .scope = LDAP_SCOPE_ONELEVEL,
        .filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
        .attributes = attributes,
    };
    struct eca_error unreadable = { .text = "" };
    LDAPMessage *answer = NULL;
    bool truncated = false;
    enum eca_ldap_fault fault = ECA_LDAP_OK;

    (void)snprintf(base, sizeof base, "CN=Partitions,%s", configuration);
    fault = eca_ldap_connection_search(connection, &query, until, &answer, &truncated, &unreadable);
    if (fault == ECA_LDAP_UNUSABLE)
        return ECA_LDAP_OK; /* only DOMAIN\user needs these names */
    if (fault != ECA_LDAP_OK) {
        eca_error_set(err, "%s", unreadable.text);
        return fault;
    }
    for (LDAPMessage *entry = ldap_first_entry(connection->ld, answer); entry != NULL;
         entry = ldap_next_entry(connection->ld, entry))
        add_domain(naming, connection->ld, entry);
    ldap_msgfree(answer);
    return ECA_LDAP_OK;
}

/* *configuration is "" when the server has none: not an Active Directory. */
static enum eca_ldap_fault read_root(struct eca_ldap_naming *naming, char configuration[ECA_ACCOUNT_DN_MAX],
                                     struct eca_ldap_connection *connection, const char *base, apr_time_t until,
                                     struct eca_error *err)
{
    static const char *const attributes[] = { "defaultNamingContext", "configurationNamingContext", NULL };
    const struct eca_ldap_query query = {
        .base = "",
        .scope = LDAP_SCOPE_BASE,
        .filter = "(objectClass=*)",
        .attributes = attributes,
    };
    LDAPMessage *answer = NULL, *entry;
    bool truncated = false;
    bool found;
    enum eca_ldap_fault fault = eca_ldap_connection_search(connection, &query, until, &answer, &truncated, err);

    if (fault != ECA_LDAP_OK)
        return fault;
    entry = ldap_first_entry(connection->ld, answer);
    found = entry != NULL
            && (base != NULL || read_text(naming->base, sizeof naming->base, connection->ld, entry, attributes[0]));
    if (entry == NULL || !read_text(configuration, ECA_ACCOUNT_DN_MAX, connection->ld, entry, attributes[1]))
        configuration[0] = '\0';
    ldap_msgfree(answer);
    if (found)
        return ECA_LDAP_OK;
    eca_error_set(err, "%s: no defaultNamingContext: is it a domain controller? EASDirectoryBase can name the base",
                  connection->url);
    return ECA_LDAP_UNUSABLE;
}

/* "example.test" → "DC=example,DC=test" */
static void write_root(struct eca_ldap_naming *naming)
{
    struct eca_strbuf root;

    eca_strbuf_init(&root, naming->root, sizeof naming->root);
    eca_strbuf_text(&root, naming->domain[0] == '\0' ? naming->base : "DC=");
    for (const char *at = naming->domain; *at != '\0'; at++) {
        if (*at == '.')
            eca_strbuf_text(&root, ",DC=");
        else
            eca_strbuf_append(&root, at, 1);
    }
}

enum eca_ldap_fault eca_ldap_naming_read(struct eca_ldap_naming **out, struct eca_ldap_connection *connection,
                                         const char *base, apr_time_t until, struct eca_error *err)
{
    char configuration[ECA_ACCOUNT_DN_MAX] = "";
    struct eca_ldap_naming *naming = calloc(1, sizeof *naming);
    enum eca_ldap_fault fault;

    if (naming == NULL || (base != NULL && strlen(base) >= sizeof naming->base)) {
        eca_error_set(err, naming == NULL ? "out of memory" : "EASDirectoryBase is too long");
        free(naming);
        return ECA_LDAP_FINAL;
    }
    if (base != NULL)
        memcpy(naming->base, base, strlen(base) + 1);
    fault = read_root(naming, configuration, connection, base, until, err);
    if (fault == ECA_LDAP_OK && configuration[0] != '\0')
        fault = read_domains(naming, connection, configuration, until, err);
    if (fault != ECA_LDAP_OK) {
        free(naming);
        return fault;
    }
    domain_of(naming->domain, naming->base);
    write_root(naming);
    *out = naming;
    return ECA_LDAP_OK;
}

const char *eca_ldap_naming_netbios(const struct eca_ldap_naming *naming, const char *dns)
{
    for (size_t i = 0; i < naming->domain_count; i++) {
        if (strcasecmp(naming->domains[i].dns, dns) == 0)
            return naming->domains[i].netbios;
    }
    return "";
}
