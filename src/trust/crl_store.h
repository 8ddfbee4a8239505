/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation lists in use: where they come from, when they are fetched again, and what they say of a certificate.
 */
#ifndef ECA_CRL_STORE_H
#define ECA_CRL_STORE_H

#include "crl.h"
#include "path.h"
#include "revocation.h"

#include <apr_time.h>

#define ECA_CRL_SOURCES_MAX 64
#define ECA_CRL_FETCH_TIME apr_time_from_sec(5) /* for one list over the network */

enum eca_crl_news {
    ECA_CRL_NEWS_FAILED,    /* a source gave nothing usable; what it gave before serves on */
    ECA_CRL_NEWS_ENDS_SOON, /* a list in use ends within a day, and there is no later one */
    ECA_CRL_NEWS_GRACE,     /* a list in use has ended and serves by EASRevocationGrace */
};

/* Texts are borrowed and must live as long as the store. */
struct eca_crl_settings {
    const char *const *sources; /* EASCRL: paths of files and directories, http:// and ldap:// URLs */
    size_t source_count;        /* 0: the certificates' own distribution points */
    const char *keep_in;        /* directory in which what the network gave is kept, or NULL */
    apr_interval_time_t refresh, grace;
    const struct eca_trust_anchors *anchors; /* whose lists are believed, beside the issuers of verified paths */
    /* Reads an ldap:// URL (RFC 4516); *bytes is freed with free(). NULL: there is no directory that could be asked. */
    bool (*read_ldap)(void *context, const char *url, uint8_t **bytes, size_t *length, struct eca_error *err);
    /* Once for each change, not for each request. From any thread. */
    void (*tell)(void *context, enum eca_crl_news news, const char *sentence);
    void *context; /* of both */
};

struct eca_crl_store;

/* Reads what is in files and what was kept; asks nobody. NULL when out of memory. Make it in the child process. */
struct eca_crl_store *eca_crl_store_open(const struct eca_crl_settings *settings);

/* No other call may be under way. NULL is allowed. */
void eca_crl_store_close(struct eca_crl_store *store);

/*
 * What the lists in use say of a certificate that `issuer` (of a verified path) has issued; UNKNOWN and REVOKED with a
 * sentence. Looks into memory only. When UNKNOWN, the certificate's distribution points and its issuer are remembered
 * (at most ECA_CRL_SOURCES_MAX of each), so that a fetch can help. Threads: any.
 */
enum eca_revocation eca_crl_store_check(struct eca_crl_store *store, X509 *certificate, X509 *issuer, int64_t now,
                                        struct eca_error *err);

/* How many sources are due to be fetched. Never blocks. Threads: any. */
size_t eca_crl_store_due(struct eca_crl_store *store);

/* How many fetches have ended. Threads: any. */
uint64_t eca_crl_store_fetches(struct eca_crl_store *store);

/*
 * Waits until more fetches have ended than `seen`, at most until `deadline` (apr_time_now() based). False when none
 * has, or none is due or under way. Threads: any.
 */
bool eca_crl_store_await(struct eca_crl_store *store, uint64_t seen, apr_time_t deadline);

/* Fetches one source that is due, if there is one: false when there is none. Blocks; threads: any. */
bool eca_crl_store_fetch(struct eca_crl_store *store);

#endif
