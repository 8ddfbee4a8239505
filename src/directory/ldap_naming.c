/* SPDX-License-Identifier: Apache-2.0 */
/* The rootDSE and the partitions, read once per directory. */
#include "ldap_naming.h"

#include "ldap_filter.h"
#include "netlogon.h"

#include <apr_strings.h>
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

/* What a rootDSE says; "" where it does not. */
struct root {
    char context[ECA_ACCOUNT_DN_MAX];
    char configuration[ECA_ACCOUNT_DN_MAX];
};

static enum eca_ldap_fault read_root(struct root *root, struct eca_ldap_connection *connection, apr_time_t until,
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
    enum eca_ldap_fault fault = eca_ldap_connection_search(connection, &query, until, &answer, &truncated, err);

    if (fault != ECA_LDAP_OK)
        return fault;
    entry = ldap_first_entry(connection->ld, answer);
    if (entry == NULL || !read_text(root->context, sizeof root->context, connection->ld, entry, attributes[0]))
        root->context[0] = '\0';
    if (entry == NULL
        || !read_text(root->configuration, sizeof root->configuration, connection->ld, entry, attributes[1]))
        root->configuration[0] = '\0';
    ldap_msgfree(answer);
    return ECA_LDAP_OK;
}

/* A server that is no domain controller, or knows no sites, says nothing: then we are nowhere near anybody. */
static void read_site(struct eca_ldap_naming *naming, struct eca_ldap_connection *connection, const char *domain,
                      apr_time_t until)
{
    static const char *const attributes[] = { "netlogon", NULL };
    char filter[ECA_ACCOUNT_DOMAIN_MAX * 3 + 64];
    const struct eca_ldap_query query = {
        .base = "",
        .scope = LDAP_SCOPE_BASE,
        .filter = filter,
        .attributes = attributes,
    };
    struct eca_error ignored = { .text = "" };
    struct berval **values = NULL;
    LDAPMessage *answer = NULL, *entry;
    struct eca_strbuf text;
    bool truncated = false;

    eca_strbuf_init(&text, filter, sizeof filter);
    eca_strbuf_text(&text, "(&");
    eca_ldap_filter_equal(&text, "DnsDomain", eca_slice_from_text(domain));
    eca_strbuf_text(&text, "(NtVer=" ECA_NETLOGON_VERSION "))");
    if (domain[0] == '\0'
        || eca_ldap_connection_search(connection, &query, until, &answer, &truncated, &ignored) != ECA_LDAP_OK)
        return;
    entry = ldap_first_entry(connection->ld, answer);
    if (entry != NULL)
        values = ldap_get_values_len(connection->ld, entry, attributes[0]);
    if (values != NULL && values[0] != NULL)
        (void)eca_netlogon_client_site(naming->site, sizeof naming->site,
                                       (struct eca_slice){ (const uint8_t *)values[0]->bv_val, values[0]->bv_len });
    ldap_value_free_len(values);
    ldap_msgfree(answer);
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

static enum eca_ldap_fault read_all(struct eca_ldap_naming *naming, struct eca_ldap_connection *connection,
                                    const char *base, apr_time_t until, struct eca_error *err)
{
    char own[ECA_ACCOUNT_DOMAIN_MAX];
    struct root root = { .context = "" };
    enum eca_ldap_fault fault = read_root(&root, connection, until, err);

    if (fault != ECA_LDAP_OK)
        return fault;
    if (base == NULL && root.context[0] == '\0') {
        eca_error_set(err, "%s: no defaultNamingContext: is it a domain controller? EASDirectoryBase can name the base",
                      connection->url);
        return ECA_LDAP_UNUSABLE;
    }
    (void)apr_cpystrn(naming->base, base == NULL ? root.context : base, sizeof naming->base);
    memcpy(naming->configuration, root.configuration, sizeof naming->configuration);
    domain_of(naming->domain, naming->base);
    write_root(naming);
    domain_of(own, root.context);
    read_site(naming, connection, own, until);
    return root.configuration[0] == '\0' ? ECA_LDAP_OK
                                         : read_domains(naming, connection, root.configuration, until, err);
}

enum eca_ldap_fault eca_ldap_naming_read(struct eca_ldap_naming **out, struct eca_ldap_connection *connection,
                                         const char *base, apr_time_t until, struct eca_error *err)
{
    struct eca_ldap_naming *naming = calloc(1, sizeof *naming);
    enum eca_ldap_fault fault = ECA_LDAP_FINAL;

    if (naming == NULL)
        eca_error_set(err, "out of memory");
    else if (base != NULL && strlen(base) >= sizeof naming->base)
        eca_error_set(err, "EASDirectoryBase is too long");
    else
        fault = read_all(naming, connection, base, until, err);
    if (fault == ECA_LDAP_OK)
        *out = naming;
    else
        free(naming);
    return fault;
}

const char *eca_ldap_naming_netbios(const struct eca_ldap_naming *naming, const char *dns)
{
    for (size_t i = 0; i < naming->domain_count; i++) {
        if (strcasecmp(naming->domains[i].dns, dns) == 0)
            return naming->domains[i].netbios;
    }
    return "";
}
