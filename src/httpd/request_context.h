/* SPDX-License-Identifier: Apache-2.0 */
/* What the module knows of one request, from the first look at it to the answer. */
#ifndef ECA_REQUEST_CONTEXT_H
#define ECA_REQUEST_CONTEXT_H

#include "access.h"
#include "activesync.h"
#include "certificate.h"
#include "config.h"
#include "service.h"

#include <httpd.h>

/* Opened when it is first needed; in a pool of its own that ends with the decision. */
struct eca_request_work {
    apr_pool_t *pool;
    struct eca_verdict *verdict;               /* released with the pool; NULL when no certificate was looked at */
    const struct eca_certificate *certificate; /* the verdict's; NULL when none was shown or it cannot be read */
    STACK_OF(X509) * chain;                    /* borrowed from the connection */
    const char *login_name;                    /* as typed, NULL without Basic */
    const char *password;                      /* wiped with the pool */
    struct eca_error detail;                   /* the sentence for the decision line */
    struct eca_account account;                /* .sid "" until an account is known */
};

/* As variables say them: fit to be read. NULL: not said, or not known yet. */
struct eca_request_texts {
    struct eca_activesync query;
    const char *sha256, *sha1, *serial; /* of the certificate */
    const char *dn, *sid, *upn;         /* of the account */
};

/* In r->pool, which a Ping holds for an hour: kept small. One thread at a time. */
struct eca_backend_use;

struct eca_request {
    request_rec *r;
    const ap_conf_vector_t *governing; /* what it was begun under */
    struct eca_backend_use *use;       /* kerberos with EASBackendReuse verified only */
    enum eca_reason reason;
    bool decided;                   /* `reason` is final and logged */
    bool ended;                     /* the work is gone, and is not opened again */
    bool described;                 /* the variables of query, certificate and account are written */
    bool authorization_unavailable; /* the directory could not say what Require asks */
    bool mapped;                    /* `kind` led to the account, or would have */
    bool remembered;                /* by the connection: no certificate was looked at, no account looked for */
    const struct eca_policy *policy;
    const struct eca_server_config *config;
    struct eca_service *service;
    struct eca_request_work *work; /* NULL until it is opened, and once decided */
    struct eca_access_facts facts;
    enum eca_mapping_kind kind;
    struct eca_request_texts texts;
    const char *cache;     /* "hit", "miss" or "stale", NULL when no account was looked for */
    uint8_t *cache_key;    /* ECA_ACCOUNT_RECORD_KEY_BYTES, with `cache` */
    const char *sid;       /* of the account, once known */
    const char *spn;       /* of the backend, kerberos only */
    const char *principal; /* of the account, through gssproxy only */
    const char *token;     /* the header for the first attempt, then NULL */
    apr_size_t token_length;
    apr_uint64_t ticket_number; /* which ticket it was made from */
    apr_int64_t ticket_issued;  /* and when the KDC issued that */
    apr_table_t *identity;      /* header only: name → value to send */
};

/* Whether AuthType EASCert governs this request: asked of httpd once, then known by its context. */
bool eca_request_is_ours(request_rec *r);

/* Makes the context and reads what the request says of itself in its query, and of its protocol. Never NULL. */
struct eca_request *eca_request_begin(request_rec *r);

/*
 * request->work, opened when it is not: with the Basic user, and with the account that the connection remembers. NULL
 * once it has ended.
 */
struct eca_request_work *eca_request_open_work(struct eca_request *request);

/* Where the sentence for the decision line goes, in work that has not ended: it is opened for it. */
struct eca_error *eca_request_detail(struct eca_request *request);

/*
 * The context that was decided under the very configuration that governs `r`: its own, or that of the request it was
 * redirected from or is a part of, for which httpd does not authenticate again. NULL when there is none.
 */
struct eca_request *eca_request_find(const request_rec *r);

/* The same, of a request that AuthType EASCert governs; NULL of any other one. */
struct eca_request *eca_request_of(request_rec *r);

/* Ends the work for good: closes the certificate, wipes the password. Harmless a second time. */
void eca_request_end_work(struct eca_request *request);

/* Writes the EAS_… variables that are known by now into the environment of `r`. */
void eca_request_set_variables(struct eca_request *request, request_rec *r);

/* How the identity goes to the backend: "kerberos", "passthrough", "header" or "none". */
const char *eca_request_delegation(const struct eca_request *request);

/* What was shown and looked at: "certificate", "basic", "certificate+basic"; NULL for nothing. */
const char *eca_request_method(const struct eca_request *request);

#endif
