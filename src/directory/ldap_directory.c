/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a directory, carried out by domain controllers. */
#include "ldap_directory.h"

#include "hot.h"
#include "ldap_clock.h"
#include "ldap_groups.h"
#include "ldap_locate.h"
#include "ldap_principal.h"
#include "ldap_read.h"
#include "ldap_search.h"
#include "ldap_servers.h"
#include "ldap_tls.h"

#include <pthread.h>
#include <stdio.h>
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
static enum eca_directory_answer read_values(struct eca_directory *directory, const char *dn, const char *attribute,
                                             apr_time_t deadline, struct eca_directory_values *out,
                                             struct eca_error *err);
static enum eca_directory_answer find_principal(struct eca_directory *directory,
                                                const struct eca_principal_query *query, apr_time_t deadline,
                                                struct eca_principal *out, struct eca_error *err);
static bool is_due(struct eca_directory *directory);
static void maintain(struct eca_directory *directory, apr_time_t deadline);
static void close_directory(struct eca_directory *interface);

static const struct eca_directory_operations operations = {
    .find_by_keys = find_by_keys,
    .find_by_login = find_by_login,
    .verify_password = verify_password,
    .is_member = is_member,
    .read_values = read_values,
    .find_principal = find_principal,
    .is_due = is_due,
    .maintain = maintain,
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

ECA_HOT static bool is_due(struct eca_directory *directory)
{
    return eca_ldap_servers_is_due(&ldap_directory(directory)->servers);
}

/* Why DNS says nothing is told when a request needs it: until then the list before serves. */
static void maintain(struct eca_directory *directory, apr_time_t deadline)
{
    eca_ldap_servers_locate(&ldap_directory(directory)->servers, eca_ldap_clock_from_wall(deadline));
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

/* A global catalog is searched from the root of everything it holds. */
static const char *base_of(const struct eca_ldap_settings *settings)
{
    return settings->base == NULL && eca_ldap_source_is_catalog(settings->urls[0]) ? "" : settings->base;
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
    fault = eca_ldap_naming_read(&read, connection, base_of(&directory->servers.settings), until, err);
    if (fault != ECA_LDAP_OK)
        return fault;

    eca_ldap_servers_set_site(&directory->servers, read->site);
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

struct account_question {
    struct eca_ldap_directory *directory;
    struct eca_ldap_search search;
};

static enum eca_ldap_fault search_accounts(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                           struct eca_error *err)
{
    struct account_question *question = context;
    const struct eca_ldap_naming *naming = NULL;
    const enum eca_ldap_fault fault = ensure_naming(&naming, question->directory, connection, until, err);

    return fault == ECA_LDAP_OK ? eca_ldap_search_run(&question->search, connection, naming, until, err) : fault;
}

static enum eca_ldap_fault run_search(struct account_question *question, apr_time_t deadline, struct eca_error *err)
{
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_SEARCH,
        .run = search_accounts,
        .context = question,
    };

    return eca_ldap_servers_run(&question->directory->servers, &task, eca_ldap_clock_from_wall(deadline), err);
}

static struct account_question *new_question(struct eca_directory *directory, struct eca_error *err)
{
    struct account_question *question = calloc(1, sizeof *question);

    if (question == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    question->directory = ldap_directory(directory);
    question->search.whole_forest = eca_ldap_source_is_catalog(question->directory->servers.settings.urls[0]);
    question->search.extra_attribute = question->directory->servers.settings.extra_attribute;
    return question;
}

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err)
{
    struct account_question *question;
    enum eca_ldap_fault fault;

    if (keys->count == 0) {
        out->count = 0;
        out->truncated = false;
        return ECA_DIRECTORY_ANSWERED;
    }
    question = new_question(directory, err);
    if (question == NULL)
        return ECA_DIRECTORY_FAILED;
    question->search.keys = keys;
    fault = run_search(question, deadline, err);
    if (fault == ECA_LDAP_OK)
        *out = question->search.found;
    free(question);
    return eca_ldap_fault_answer(fault);
}

static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err)
{
    struct account_question *question = new_question(directory, err);
    enum eca_ldap_fault fault;

    if (question == NULL)
        return ECA_DIRECTORY_FAILED;
    question->search.login = login;
    fault = run_search(question, deadline, err);
    if (fault == ECA_LDAP_OK) {
        *found = question->search.found.count == 1 && !question->search.found.truncated;
        if (*found)
            *out = question->search.found.items[0].account;
    }
    free(question);
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

struct values_question {
    struct eca_ldap_directory *directory;
    const char *dn, *attribute;
    struct eca_directory_values values;
};

static enum eca_ldap_fault ask_values(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                      struct eca_error *err)
{
    struct values_question *question = context;
    const struct eca_ldap_naming *naming = NULL;
    const enum eca_ldap_fault fault = ensure_naming(&naming, question->directory, connection, until, err);
    const size_t length = strlen(question->dn);
    char dn[2 * ECA_ACCOUNT_DN_MAX];

    if (fault != ECA_LDAP_OK)
        return fault;
    (void)snprintf(dn, sizeof dn, "%s%s", question->dn,
                   length > 0 && question->dn[length - 1] == ',' ? naming->configuration : "");
    return eca_ldap_read_values(connection, dn, question->attribute, until, &question->values, err);
}

static enum eca_directory_answer read_values(struct eca_directory *directory, const char *dn, const char *attribute,
                                             apr_time_t deadline, struct eca_directory_values *out,
                                             struct eca_error *err)
{
    struct values_question question = { .directory = ldap_directory(directory), .dn = dn, .attribute = attribute };
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_SEARCH,
        .run = ask_values,
        .context = &question,
    };
    const enum eca_ldap_fault fault = strlen(dn) < ECA_ACCOUNT_DN_MAX ? eca_ldap_servers_run(
                                          &question.directory->servers, &task, eca_ldap_clock_from_wall(deadline), err)
                                                                      : ECA_LDAP_FINAL;

    if (fault == ECA_LDAP_OK)
        *out = question.values;
    return eca_ldap_fault_answer(fault);
}

struct principal_question {
    struct eca_ldap_directory *directory;
    const struct eca_principal_query *query;
    struct eca_principal *out;
};

static enum eca_ldap_fault ask_principal(void *context, struct eca_ldap_connection *connection, apr_time_t until,
                                         struct eca_error *err)
{
    struct principal_question *question = context;
    const struct eca_ldap_naming *naming = NULL;
    const enum eca_ldap_fault fault = ensure_naming(&naming, question->directory, connection, until, err);

    return fault == ECA_LDAP_OK
               ? eca_ldap_principal_find(question->out, question->query, connection, naming, until, err)
               : fault;
}

static enum eca_directory_answer find_principal(struct eca_directory *directory,
                                                const struct eca_principal_query *query, apr_time_t deadline,
                                                struct eca_principal *out, struct eca_error *err)
{
    struct principal_question question = { .directory = ldap_directory(directory), .query = query, .out = out };
    const struct eca_ldap_task task = {
        .purpose = ECA_LDAP_FOR_SEARCH,
        .run = ask_principal,
        .context = &question,
    };

    return eca_ldap_fault_answer(
        eca_ldap_servers_run(&question.directory->servers, &task, eca_ldap_clock_from_wall(deadline), err));
}
