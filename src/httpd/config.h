/* SPDX-License-Identifier: Apache-2.0 */
/* What the directives said: the policy of a section and the settings of a server. */
#ifndef ECA_CONFIG_H
#define ECA_CONFIG_H

#include "access.h"
#include "account.h"
#include "account_cache.h"
#include "header_certificate.h"
#include "crl_store.h"
#include "ldap_directory.h"
#include "mapping.h"
#include "ocsp_cache.h"
#include "path.h"
#include "ticket_share.h"

#include <ap_expr.h>
#include <http_config.h>
#include <httpd.h>
#include <mod_auth.h>

enum eca_delegation { ECA_DELEGATION_UNSAID, ECA_DELEGATION_KERBEROS, ECA_DELEGATION_HEADER, ECA_DELEGATION_NONE };
enum eca_basic_delegation { ECA_BASIC_DELEGATION_SAME, ECA_BASIC_DELEGATION_PASSTHROUGH };
enum eca_backend_reuse { ECA_BACKEND_REUSE_OFF, ECA_BACKEND_REUSE_VERIFIED };
enum eca_ssl_verify { ECA_SSL_VERIFY_UNSAID, ECA_SSL_VERIFY_NONE, ECA_SSL_VERIFY_OPTIONAL_NO_CA, ECA_SSL_VERIFY_OTHER };

/* EASRevocation: bits. */
#define ECA_REVOCATION_BY_CRL 1U
#define ECA_REVOCATION_BY_OCSP 2U

/* EASMapping, with the issuers of `sid-uri=FILE` (NULL: every accepted issuer controls that URI). */
struct eca_mapping_setting {
    struct eca_mapping_policy policy;
    const char *sid_uri_file;
    struct eca_trust_anchors *sid_uri_issuers;
};

/* EASCertificateSource: NULL is the TLS connection, otherwise the header that a TLS server in front writes. */
struct eca_certificate_source {
    const char *header;
    enum eca_header_format format;
};

/* One argument of EASTrustedProxy. */
struct eca_trusted_proxy {
    const char *text; /* as written */
    apr_ipsubnet_t *network;
};

/* EASDirectoryBind; the password is read from the file when httpd starts. */
struct eca_bind_setting {
    enum eca_ldap_bind method;
    const char *name;
    const char *file;
};

/* One name of EASBasicProvider; no list at all is the directory. */
struct eca_basic_provider {
    const char *name;
    const authn_provider *provider;
};

/* EASCacheTTL, seconds. */
struct eca_cache_ttl {
    int found, notfound, stale;
};

/* One pair of EASDelegationHeader. */
struct eca_delegation_header {
    const char *name;
    const char *text; /* the expression as written */
    const ap_expr_info_t *value;
};

enum eca_policy_bit {
#define ECA_POLICY(member, type, initial, name, arguments, help) ECA_BIT_##member,
#define ECA_OBSERVED(member, type, initial, name, arguments, owner) ECA_BIT_##member,
#include "directives.def"
#undef ECA_POLICY
#undef ECA_OBSERVED
};

enum eca_server_bit {
#define ECA_SERVER(member, type, initial, name, arguments, help) ECA_BIT_##member,
#include "directives.def"
#undef ECA_SERVER
};

#define ECA_IS_SET(config, member) (((config)->set & (1U << ECA_BIT_##member)) != 0)

/* Of a section, merged by httpd in request threads: plain values and pointers to what never changes. */
struct eca_policy {
    unsigned set;
    const char *remote_user_attribute; /* goes with remote_user */
#define ECA_POLICY(member, type, initial, name, arguments, help) type member;
#define ECA_OBSERVED(member, type, initial, name, arguments, owner) type member;
#include "directives.def"
#undef ECA_POLICY
#undef ECA_OBSERVED
};

/* A section that says AuthType EASCert, remembered for the checks at start. */
struct eca_section {
    server_rec *server;
    const struct eca_policy *policy;
    const ap_conf_vector_t *vector;
    const char *path;           /* as written: "/Microsoft-Server-ActiveSync"; NULL outside a section */
    const ap_directive_t *line; /* of its AuthType */
};

struct eca_service;

struct eca_server_config {
    unsigned set;
#define ECA_SERVER(member, type, initial, name, arguments, help) type member;
#include "directives.def"
#undef ECA_SERVER
    apr_array_header_t *sections;            /* of struct eca_section, this server's own */
    apr_array_header_t *header_names;        /* const char *: what its sections hand identities on with */
    apr_array_header_t *certificate_headers; /* const char *: what its sections read certificates from */
    bool in_use;                             /* it has sections of ours, its own or the main server's */
    bool proxy_section_verifies;             /* a <Proxy> section says SSLProxyVerify require */
    const char *extra_attribute;             /* the attribute that EASRemoteUser names in its sections, or NULL */
    struct eca_account_cache *accounts;      /* one for the whole server, and so are the shared tickets */
    struct eca_ticket_share *shared_tickets;
    struct eca_ocsp_cache *ocsp_answers;
    struct eca_service *service; /* what runs for it; one for all servers that set nothing of their own */
};

extern module AP_MODULE_DECLARE_DATA eas_certauth_module;
extern const command_rec eca_directives[];

void *eca_policy_create(apr_pool_t *pool, char *path);
void *eca_policy_merge(apr_pool_t *pool, void *base, void *over);
void *eca_server_config_create(apr_pool_t *pool, server_rec *server);
void *eca_server_config_merge(apr_pool_t *pool, void *base, void *over);

const struct eca_policy *eca_policy_of(const request_rec *r);
struct eca_server_config *eca_server_config_of(const server_rec *server);

/*
 * Why this policy cannot be carried out, or NULL: the same rules at start and, because
 * sections are merged per request, for each request.
 */
const char *eca_policy_contradiction(const struct eca_policy *policy, const struct eca_server_config *config);

/*
 * check_config: refuses what cannot work (false, and one ERR line that says what to write
 * instead) and prepares each section's service. Runs for `apachectl configtest` too.
 */
bool eca_config_check(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server);

/* post_config, once the configuration stands: makes the cache; false with one ERR line. */
bool eca_config_open_cache(apr_pool_t *pool, server_rec *main_server);

/* post_config: warns of what will hurt later, once at start. */
void eca_config_warn(apr_pool_t *pool, apr_pool_t *temporary, server_rec *main_server);

#endif
