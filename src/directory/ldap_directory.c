/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a directory, carried out by domain controllers. */
#include "ldap_directory.h"

#include "ldap_clock.h"
#include "ldap_filter.h"
#include "ldap_groups.h"
#include "ldap_message.h"
#include "ldap_naming.h"
#include "ldap_servers.h"
#include "ldap_tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A CN ends at 64 characters by schema: no object can be called this. */
#define NOBODY "CN=nobody-nobody-nobody-nobody-nobody-nobody-nobody-nobody-nobody-nobody-nobody"

const struct eca_choice eca_ldap_bind_choices[] = {
    { "gssapi", ECA_LDAP_BIND_GSSAPI },
    { "simple", ECA_LDAP_BIND_SIMPLE },
    { "anonymous", ECA_LDAP_BIND_ANONYMOUS },
    { NULL, 0 },
};

struct eca_ldap_directory {
    struct eca_directory interface;
    struct eca_ldap_servers servers;
    struct eca_ldap_groups groups;
    pthread_mutex_t lock;
    struct eca_ldap_naming *naming; /* guarded by `lock` until it is set, immutable afterwards */
};

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err);
static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err);
static enum eca_directory_answer verify_password(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err);
static enum eca_directory_answer is_member(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err);
static void close_directory(struct eca_directory *interface);

static const struct eca_directory_operations operations = {
    .find_by_keys = find_by_keys,
    .find_by_login = find_by_login,
    .verify_password = verify_password,
    .is_member = is_member,
    .close = close_directory,
};

static struct eca_ldap_directory *ldap_directory(struct eca_directory *directory)
{
    return (struct eca_ldap_directory *)directory;
}

struct eca_directory *eca_ldap_directory_open(const struct eca_ldap_settings *settings, struct eca_error *err)
{
    struct eca_ldap_directory *directory;

    if (!eca_ldap_tls_check_ca_file(settings->ca_file, err))
        return NULL;
    directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    directory->interface.operations = &operations;
    if (!eca_ldap_servers_open(&directory->servers, settings, err))
        goto no_servers;
    if (pthread_mutex_init(&directory->lock, NULL) != 0)
        goto no_lock;
    if (pthread_mutex_init(&directory->groups.lock, NULL) == 0)
        return &directory->interface;
    pthread_mutex_destroy(&directory->lock);

no_lock:
    eca_ldap_servers_close(&directory->servers);
    eca_error_set(err, "out of memory");

no_servers:
    free(directory);
    return NULL;
}

static void close_directory(struct eca_directory *interface)
{
    struct eca_ldap_directory *directory = ldap_directory(interface);

    eca_ldap_servers_close(&directory->servers);
    pthread_mutex_destroy(&directory->groups.lock);
    pthread_mutex_destroy(&directory->lock);
    free(directory->naming);
    free(directory);
}

static const struct eca_ldap_naming *known_naming(struct eca_ldap_directory *directory)
{
    const struct eca_ldap_naming *naming;

    pthread_mutex_lock(&directory->lock);
    naming = directory->naming;
    pthread_mutex_unlock(&directory->lock);
    return naming;
}

static enum eca_ldap_fault ensure_naming(const struct eca_ldap_naming **out, struct eca_ldap_directory *directory,
                                         struct eca_ldap_connection *connection, apr_time_t until,
                                         struct eca_error *err)
{
    struct eca_ldap_naming *read = NULL;
    enum eca_ldap_fault fault;

    *out = known_naming(directory);
    if (*out != NULL)
        return ECA_LDAP_OK;
    fault = eca_ldap_naming_read(&read, connection, directory->servers.settings.base, until, err);
    if (fault != ECA_LDAP_OK)
        return fault;

    pthread_mutex_lock(&directory->lock);
    if (directory->naming == NULL) {
        directory->naming = read;
        read = NULL;
    }
    *out = directory->naming;
    pthread_mutex_unlock(&directory->lock);
    free(read); /* another thread was first */
    return ECA_LDAP_OK;
}

/* One search for accounts: by keys or by login name, the other is NULL. */
struct account_search {
    struct eca_ldap_directory *directory;
    const struct eca_mapping_keys *keys;
    const struct eca_login_name *login;
    bool configured_only; /* of the keys */
    struct eca_candidates found;
    char filter[ECA_LDAP_FILTER_MAX];
};

/* Empty when there is nothing to search by; false when it does not fit. */
static bool write_filter(struct account_search *search, const char *domain)
{
    struct eca_strbuf filter;

    eca_strbuf_init(&filter, search->filter, sizeof search->filter);
    if (search->keys != NULL)
        (void)eca_ldap_filter_keys(&filter, search->keys, domain, search->configured_only);
    else
        eca_ldap_filter_login(&filter, search->login, domain);
    return !filter.overflow;
}

static bool needs_certificates(const struct eca_mapping_keys *keys)
{
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        if (keys->keys[i].kind == ECA_MAPPING_CERTIFICATE)
            return true;
    }
    return false;
}

/* Judges one entry; adds it when it really is one of those asked for. */
static bool add_entry(struct account_search *search, const struct eca_ldap_naming *naming,
                      const struct eca_ldap_entry *entry, struct eca_error *err)
{
    struct eca_candidate *candidate = &search->found.items[search->found.count];
    const char *netbios;
    bool belongs;

    if (!eca_ldap_entry_account(&candidate->account, entry, search->directory->servers.settings.extra_attribute, err))
        return false;
    netbios = eca_ldap_naming_netbios(naming, candidate->account.domain);
    memcpy(candidate->account.netbios, netbios, strlen(netbios) + 1);
    candidate->matched = 0;
    if (search->keys == NULL)
        belongs = eca_login_name_means(search->login, &candidate->account);
    else if (eca_ldap_entry_match(&candidate->matched, entry, &candidate->account, search->keys, err))
        belongs = candidate->matched != 0;
    else
        return false;
    if (belongs)
        search->found.count++;
    return true;
}

static bool add_message(struct account_search *search, const struct eca_ldap_naming *naming, LDAP *ld,
                        LDAPMessage *message, struct eca_error *err)
{
    struct eca_ldap_message read;
    bool added;

    if (!eca_ldap_message_open(&read, ld, message, err))
        return false;
    added = add_entry(search, naming, &read.entry, err);
    eca_ldap_message_close(&read);
    return added;
}

/* References in the answer are not entries and so are skipped. */
static enum eca_ldap_fault read_answer(struct account_search *search, const struct eca_ldap_naming *naming, LDAP *ld,
                                       LDAPMessage *answer, struct eca_error *err)
{
    search->found.count = 0;
    for (LDAPMessage *message = ldap_first_entry(ld, answer); message != NULL; message = ldap_next_entry(ld, message)) {
        if (search->found.count == ECA_MAPPING_CANDIDATES_MAX) {
            search->found.truncated = true;
            return ECA_LDAP_OK;
        }
        if (!add_message(search, naming, ld, message, err))
            return ECA_LDAP_FINAL;
    }
    return ECA_LDAP_OK;
}

static enum eca_ldap_fault search_once(struct account_search *search, struct eca_ldap_connection *connection,
                                       const struct eca_ldap_naming *naming, apr_time_t until, struct eca_error *err)
{
    const char *const extra = search->directory->servers.settings.extra_attribute;
    const bool certificates = needs_certificates(search->keys);
    const char *const attributes[] = {
        "objectSid",
        "sAMAccountName",
        "userPrincipalName",
        "mail",
        "altSecurityIdentities",
        "userAccountControl",
        "msDS-User-Account-Control-Computed",
        "accountExpires",
        "whenCreated",
        certificates ? "userCertificate" : extra,
        certificates ? extra : NULL,
        NULL,
    };
    const struct eca_ldap_query query = {
        .base = naming->base,
        .scope = LDAP_SCOPE_SUBTREE,
        .filter = search->filter,
        .attributes = attributes,
        .size_limit = ECA_MAPPING_CANDIDATES_MAX,
    };
    LDAPMessage *answer = NULL;
    enum eca_ldap_fault fault;

    search->found.count = 0;
    search->found.truncated = false;
    if (!write_filter(search, naming->domain)) {
        eca_error_set(err, "the search filter is longer than %d bytes", ECA_LDAP_FILTER_MAX);
        return ECA_LDAP_FINAL;
    }
    if (search->filter[0] == '\0')
        return ECA_LDAP_OK;
    fault = eca_ldap_connection_search(connection, &query, until, &answer, &search->found.truncated, err);
    if (fault == ECA_LDAP_OK) {
        fault = read_answer(search, naming, connection->ld, answer, err);
        ldap_msgfree(answer);
    }
    return fault;
}

/*
 * Keys that are not configured only name a refusal or locate a stored certificate. Where they find a crowd (one
 * mail address for many accounts), they are left out, so that the crowd hides nobody.
 */
static enum eca_ldap_fault search_accounts(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                           struct eca_error *err)
{
    struct account_search *search = context;
    const struct eca_ldap_naming *naming = NULL;
    enum eca_ldap_fault fault = ensure_naming(&naming, search->directory, connection, until, err);

    if (fault != ECA_LDAP_OK)
        return fault;
    search->configured_only = false;
    fault = search_once(search, connection, naming, until, err);
    if (fault != ECA_LDAP_OK || search->keys == NULL || !search->found.truncated)
        return fault;
    search->configured_only = true;
    return search_once(search, connection, naming, until, err);
}

static enum eca_ldap_fault run_search(struct account_search *search, apr_time_t deadline, struct eca_error *err)
{
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_SEARCH,
        .run = search_accounts,
        .context = search,
    };

    return eca_ldap_servers_run(&search->directory->servers, &task, eca_ldap_clock_from_wall(deadline), err);
}

static struct account_search *new_search(struct eca_directory *directory, struct eca_error *err)
{
    struct account_search *search = calloc(1, sizeof *search);

    if (search == NULL)
        eca_error_set(err, "out of memory");
    else
        search->directory = ldap_directory(directory);
    return search;
}

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err)
{
    struct account_search *search;
    enum eca_ldap_fault fault;

    if (keys->count == 0) {
        out->count = 0;
        out->truncated = false;
        return ECA_DIRECTORY_ANSWERED;
    }
    search = new_search(directory, err);
    if (search == NULL)
        return ECA_DIRECTORY_FAILED;
    search->keys = keys;
    fault = run_search(search, deadline, err);
    if (fault == ECA_LDAP_OK)
        *out = search->found;
    free(search);
    return eca_ldap_fault_answer(fault);
}

static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err)
{
    struct account_search *search = new_search(directory, err);
    enum eca_ldap_fault fault;

    if (search == NULL)
        return ECA_DIRECTORY_FAILED;
    search->login = login;
    fault = run_search(search, deadline, err);
    if (fault == ECA_LDAP_OK) {
        *found = search->found.count == 1 && !search->found.truncated;
        if (*found)
            *out = search->found.items[0].account;
    }
    free(search);
    return eca_ldap_fault_answer(fault);
}

struct password_check {
    struct eca_ldap_directory *directory;
    const struct eca_account *account; /* NULL: nobody */
    const char *password;
    enum eca_password_answer answer;
    struct eca_error said; /* the server's word when it is REJECTED */
};

/* A DN below the base that no object can have: the server does what it does for a wrong password. */
static void write_nobody(struct eca_ldap_directory *directory, struct eca_strbuf *out)
{
    const struct eca_ldap_naming *naming = known_naming(directory);

    eca_strbuf_text(out, NOBODY);
    if (naming != NULL && naming->base[0] != '\0') {
        eca_strbuf_text(out, ",");
        eca_strbuf_text(out, naming->base);
    }
}

static enum eca_ldap_fault check_password(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                          struct eca_error *err)
{
    struct password_check *check = context;
    char nobody[sizeof NOBODY + ECA_ACCOUNT_DN_MAX];
    char remark[ECA_LDAP_REMARK_MAX] = "";
    struct eca_strbuf text;
    enum eca_ldap_fault fault;
    int code = LDAP_OTHER;

    eca_strbuf_init(&text, nobody, sizeof nobody);
    write_nobody(check->directory, &text);
    fault = eca_ldap_connection_simple_bind(connection, check->account == NULL ? nobody : check->account->dn,
                                            check->password, until, &code, remark, err);
    if (fault != ECA_LDAP_OK)
        return fault;
    if (check->account == NULL) {
        eca_error_set(&check->said, "there is no such account");
        return eca_ldap_fault_of_code(code) == ECA_LDAP_DOWN ? ECA_LDAP_DOWN : ECA_LDAP_OK;
    }
    if (code == LDAP_SUCCESS)
        check->answer = ECA_PASSWORD_ANSWER_ACCEPTED;
    else if (code == LDAP_INVALID_CREDENTIALS)
        eca_error_set(&check->said, "%s refuses the password of %s: %s", connection->url, check->account->dn,
                      eca_ldap_logon_failure(remark));
    else
        return eca_ldap_connection_judge(connection, "the password check", code, remark, err);
    return ECA_LDAP_OK;
}

static enum eca_directory_answer verify_password(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err)
{
    struct password_check check = {
        .directory = ldap_directory(directory),
        .account = account,
        .password = password,
        .answer = ECA_PASSWORD_ANSWER_REJECTED,
        .said = { .text = "" },
    };
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_PASSWORD,
        .run = check_password,
        .context = &check,
    };
    enum eca_ldap_fault fault;

    if (password[0] == '\0' || (account != NULL && account->dn[0] == '\0')) {
        /* An empty password, or an empty DN, would be an anonymous bind, and that succeeds (RFC 4513 5.1.2). */
        *out = ECA_PASSWORD_ANSWER_REJECTED;
        eca_error_set(err, password[0] == '\0' ? "the password is empty" : "the account has no DN");
        return ECA_DIRECTORY_ANSWERED;
    }
    fault = eca_ldap_servers_run(&check.directory->servers, &task, eca_ldap_clock_from_wall(deadline), err);
    if (fault != ECA_LDAP_OK)
        return eca_ldap_fault_answer(fault);
    *out = check.answer;
    if (check.answer == ECA_PASSWORD_ANSWER_REJECTED)
        eca_error_set(err, "%s", check.said.text);
    return ECA_DIRECTORY_ANSWERED;
}

struct member_question {
    struct eca_ldap_directory *directory;
    const struct eca_account *account;
    const char *const *groups;
    size_t group_count;
    bool member;
    struct eca_error unknown;
};

static enum eca_ldap_fault ask_membership(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                          struct eca_error *err)
{
    struct member_question *question = context;
    const struct eca_ldap_naming *naming = NULL;
    const enum eca_ldap_fault fault = ensure_naming(&naming, question->directory, connection, until, err);

    question->unknown.text[0] = '\0';
    return fault != ECA_LDAP_OK ? fault
                                : eca_ldap_groups_is_member(&question->directory->groups, connection, naming->root,
                                                            question->account, question->groups, question->group_count,
                                                            until, &question->member, &question->unknown, err);
}

static enum eca_directory_answer is_member(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err)
{
    struct member_question question = {
        .directory = ldap_directory(directory),
        .account = account,
        .groups = groups,
        .group_count = group_count,
    };
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_SEARCH,
        .run = ask_membership,
        .context = &question,
    };
    const enum eca_ldap_fault fault = eca_ldap_servers_run(&question.directory->servers, &task,
                                                           eca_ldap_clock_from_wall(deadline), err);

    if (fault == ECA_LDAP_OK) {
        *member = question.member;
        if (question.unknown.text[0] != '\0')
            eca_error_set(err, "%s", question.unknown.text);
    }
    return eca_ldap_fault_answer(fault);
}
