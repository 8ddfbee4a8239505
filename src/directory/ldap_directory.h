/* SPDX-License-Identifier: Apache-2.0 */
/* Active Directory through LDAP. */
#ifndef ECA_LDAP_DIRECTORY_H
#define ECA_LDAP_DIRECTORY_H

#include "choice.h"
#include "directory.h"

#define ECA_LDAP_URLS_MAX 16
#define ECA_LDAP_URL_MAX 288 /* scheme, host name of 253 bytes, port, NUL */

enum eca_ldap_bind {
    ECA_LDAP_BIND_GSSAPI,    /* over ldap://, signed and sealed */
    ECA_LDAP_BIND_SIMPLE,    /* over ldaps://, or ldap:// with StartTLS */
    ECA_LDAP_BIND_ANONYMOUS, /* the same, without a name */
};

extern const struct eca_choice eca_ldap_bind_choices[];

/* Texts are borrowed and must live as long as the directory. */
struct eca_ldap_settings {
    const char *urls[ECA_LDAP_URLS_MAX]; /* checked by eca_ldap_url_check(), in order of preference */
    size_t url_count;
    const char *base; /* NULL: the server's defaultNamingContext */
    enum eca_ldap_bind bind;
    const char *bind_name;       /* simple: DN, UPN or DOMAIN\user */
    const char *bind_password;   /* simple: never empty */
    const char *ca_file;         /* PEM; NULL: the system's store */
    const char *extra_attribute; /* read into eca_account.attribute, or NULL */
    int connections;             /* at most so many open handles, idle or in use; also the most callers at a time */
    /*
     * gssapi: makes the calling thread's next GSSAPI initiation use the service account's
     * credentials (gss_krb5_ccache_name); release_credentials undoes it. Both on the calling thread.
     * False: no credentials now, *unavailable says whether that is an outage.
     */
    bool (*use_credentials)(void *context, bool *unavailable, void **hold, struct eca_error *err);
    void (*release_credentials)(void *context, void *hold);
    void *credentials_context;
};

/*
 * Where this directory can be: ldap://, ldaps://, gc:// or gcs://, host name, optional port, nothing else; or dns: or
 * gc: and a domain.
 */
bool eca_ldap_url_check(const char *url, struct eca_error *err);

/*
 * Makes the directory; connects nowhere yet. Call in the process that uses it, never before a fork. NULL with
 * `err` when out of memory or the CA file cannot be read.
 */
struct eca_directory *eca_ldap_directory_open(const struct eca_ldap_settings *settings, struct eca_error *err);

#endif
