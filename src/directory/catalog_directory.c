/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog is asked where; the domains are asked what. */
#include "catalog_directory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct catalog_directory {
    struct eca_directory interface;
    struct eca_directory *catalog;
    struct eca_ldap_settings settings; /* of a domain, without its URL */
    pthread_mutex_t lock;              /* of what follows */
    struct domain {
        char name[ECA_ACCOUNT_DOMAIN_MAX];
        struct eca_directory *directory;
    } domains[ECA_CATALOG_DOMAINS_MAX];
    size_t count;
};

static struct catalog_directory *catalog_directory(struct eca_directory *directory)
{
    return (struct catalog_directory *)directory;
}

/* With the lock. NULL with `err`. */
static struct eca_directory *open_domain(struct catalog_directory *directory, const char *name, struct eca_error *err)
{
    struct domain *domain = &directory->domains[directory->count];
    struct eca_ldap_settings settings = directory->settings;
    char url[sizeof "dns:" + ECA_ACCOUNT_DOMAIN_MAX];

    if (directory->count == ECA_CATALOG_DOMAINS_MAX) {
        eca_error_set(err, "accounts of more than %d domains", ECA_CATALOG_DOMAINS_MAX);
        return NULL;
    }
    (void)snprintf(url, sizeof url, "dns:%s", name);
    if (!eca_ldap_url_check(url, err))
        return NULL;
    settings.urls[0] = url;
    settings.url_count = 1;
    domain->directory = eca_ldap_directory_open(&settings, err);
    if (domain->directory == NULL)
        return NULL;
    memcpy(domain->name, name, strlen(name) + 1);
    directory->count++;
    return domain->directory;
}

/* The directory of an account's own domain, made at first use. NULL with `err`. */
static struct eca_directory *directory_of(struct catalog_directory *directory, const char *name, struct eca_error *err)
{
    struct eca_directory *found = NULL;

    if (name[0] == '\0') {
        eca_error_set(err, "the global catalog gave an account whose DN names no domain");
        return NULL;
    }
    pthread_mutex_lock(&directory->lock);
    for (size_t i = 0; i < directory->count && found == NULL; i++) {
        if (strcasecmp(directory->domains[i].name, name) == 0)
            found = directory->domains[i].directory;
    }
    if (found == NULL)
        found = open_domain(directory, name, err);
    pthread_mutex_unlock(&directory->lock);
    return found;
}

/* ---- the operations ---------------------------------------------------------------------- */

struct question {
    struct catalog_directory *directory;
    const struct eca_mapping_keys *keys;
    apr_time_t deadline;
    struct eca_candidates where; /* what the catalog says */
    struct eca_candidates answer;
};

static bool was_asked(const struct question *question, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcasecmp(question->where.items[i].account.domain, question->where.items[at].account.domain) == 0)
            return true;
    }
    return false;
}

static void add_candidates(struct eca_candidates *out, const struct eca_candidates *more)
{
    out->truncated = out->truncated || more->truncated;
    for (size_t i = 0; i < more->count; i++) {
        if (out->count == ECA_MAPPING_CANDIDATES_MAX) {
            out->truncated = true;
            return;
        }
        out->items[out->count++] = more->items[i];
    }
}

static enum eca_directory_answer ask_domains(struct question *question, struct eca_error *err)
{
    struct eca_candidates *found = calloc(1, sizeof *found);
    enum eca_directory_answer answer = ECA_DIRECTORY_ANSWERED;

    if (found == NULL) {
        eca_error_set(err, "out of memory");
        return ECA_DIRECTORY_FAILED;
    }
    question->answer.truncated = question->where.truncated;
    for (size_t i = 0; i < question->where.count && answer == ECA_DIRECTORY_ANSWERED; i++) {
        struct eca_directory *domain = NULL;

        if (was_asked(question, i))
            continue;
        domain = directory_of(question->directory, question->where.items[i].account.domain, err);
        answer = domain == NULL
                     ? ECA_DIRECTORY_FAILED
                     : domain->operations->find_by_keys(domain, question->keys, question->deadline, found, err);
        if (answer == ECA_DIRECTORY_ANSWERED)
            add_candidates(&question->answer, found);
    }
    free(found);
    return answer;
}

static enum eca_directory_answer find_by_keys(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err)
{
    struct eca_directory *catalog = catalog_directory(directory)->catalog;
    struct question *question = calloc(1, sizeof *question);
    enum eca_directory_answer answer;

    if (question == NULL) {
        eca_error_set(err, "out of memory");
        return ECA_DIRECTORY_FAILED;
    }
    question->directory = catalog_directory(directory);
    question->keys = keys;
    question->deadline = deadline;
    answer = catalog->operations->find_by_keys(catalog, keys, deadline, &question->where, err);
    if (answer == ECA_DIRECTORY_ANSWERED)
        answer = ask_domains(question, err);
    if (answer == ECA_DIRECTORY_ANSWERED)
        *out = question->answer;
    free(question);
    return answer;
}

static enum eca_directory_answer find_by_login(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err)
{
    struct eca_directory *catalog = catalog_directory(directory)->catalog;
    struct eca_directory *domain = NULL;
    struct eca_account where;
    bool known = false;
    const enum eca_directory_answer answer = catalog->operations->find_by_login(catalog, login, deadline, &where,
                                                                                &known, err);

    if (answer != ECA_DIRECTORY_ANSWERED)
        return answer;
    if (!known) {
        *found = false;
        return answer;
    }
    domain = directory_of(catalog_directory(directory), where.domain, err);
    return domain == NULL ? ECA_DIRECTORY_FAILED
                          : domain->operations->find_by_login(domain, login, deadline, out, found, err);
}

/* Nobody's password is asked for where everybody is known. */
static enum eca_directory_answer verify_password(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err)
{
    struct eca_directory *asked = account == NULL ? catalog_directory(directory)->catalog
                                                  : directory_of(catalog_directory(directory), account->domain, err);

    return asked == NULL ? ECA_DIRECTORY_FAILED
                         : asked->operations->verify_password(asked, account, password, deadline, out, err);
}

static enum eca_directory_answer is_member(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err)
{
    struct eca_directory *domain = directory_of(catalog_directory(directory), account->domain, err);

    return domain == NULL ? ECA_DIRECTORY_FAILED
                          : domain->operations->is_member(domain, account, groups, group_count, deadline, member, err);
}

/* A catalog is a domain controller, too, and has the configuration partition; what it lacks of it counts as not there.
 */
static enum eca_directory_answer read_values(struct eca_directory *directory, const char *dn, const char *attribute,
                                             apr_time_t deadline, struct eca_directory_values *out,
                                             struct eca_error *err)
{
    struct eca_directory *catalog = catalog_directory(directory)->catalog;

    return catalog->operations->read_values(catalog, dn, attribute, deadline, out, err);
}

/* One whose domain is not known is found in the catalog first. */
static enum eca_directory_answer find_principal(struct eca_directory *directory,
                                                const struct eca_principal_query *query, apr_time_t deadline,
                                                struct eca_principal *out, struct eca_error *err)
{
    struct eca_directory *catalog = catalog_directory(directory)->catalog;
    struct eca_directory *domain = NULL;
    struct eca_principal where = { .account = { .domain = "" } };

    if (query->domain[0] == '\0') {
        const enum eca_directory_answer answer = catalog->operations->find_principal(catalog, query, deadline, &where,
                                                                                     err);

        if (answer == ECA_DIRECTORY_ANSWERED && where.state != ECA_PRINCIPAL_FOUND)
            *out = where;
        if (answer != ECA_DIRECTORY_ANSWERED || where.state != ECA_PRINCIPAL_FOUND)
            return answer;
    }
    domain = directory_of(catalog_directory(directory), query->domain[0] != '\0' ? query->domain : where.account.domain,
                          err);
    return domain == NULL ? ECA_DIRECTORY_FAILED
                          : domain->operations->find_principal(domain, query, deadline, out, err);
}

/* Domains are only ever added: what was copied stays good. */
static size_t copy_all(struct catalog_directory *directory, struct eca_directory *out[ECA_CATALOG_DOMAINS_MAX + 1])
{
    size_t count = 0;

    out[count++] = directory->catalog;
    pthread_mutex_lock(&directory->lock);
    for (size_t i = 0; i < directory->count; i++)
        out[count++] = directory->domains[i].directory;
    pthread_mutex_unlock(&directory->lock);
    return count;
}

static bool is_due(struct eca_directory *directory)
{
    struct eca_directory *all[ECA_CATALOG_DOMAINS_MAX + 1];
    const size_t count = copy_all(catalog_directory(directory), all);
    bool due = false;

    for (size_t i = 0; i < count && !due; i++)
        due = all[i]->operations->is_due(all[i]);
    return due;
}

static void maintain(struct eca_directory *directory, apr_time_t deadline)
{
    struct eca_directory *all[ECA_CATALOG_DOMAINS_MAX + 1];
    const size_t count = copy_all(catalog_directory(directory), all);

    for (size_t i = 0; i < count; i++) {
        if (all[i]->operations->is_due(all[i]))
            all[i]->operations->maintain(all[i], deadline);
    }
}

static void close_directory(struct eca_directory *directory)
{
    struct catalog_directory *catalog = catalog_directory(directory);

    for (size_t i = 0; i < catalog->count; i++)
        catalog->domains[i].directory->operations->close(catalog->domains[i].directory);
    catalog->catalog->operations->close(catalog->catalog);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

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

struct eca_directory *eca_catalog_directory_open(const struct eca_ldap_settings *settings, struct eca_error *err)
{
    struct catalog_directory *directory = calloc(1, sizeof *directory);

    if (directory == NULL || pthread_mutex_init(&directory->lock, NULL) != 0) {
        eca_error_set(err, "out of memory");
        free(directory);
        return NULL;
    }
    directory->interface.operations = &operations;
    directory->settings = *settings;
    directory->settings.base = NULL;
    directory->catalog = eca_ldap_directory_open(settings, err);
    if (directory->catalog != NULL)
        return &directory->interface;
    pthread_mutex_destroy(&directory->lock);
    free(directory);
    return NULL;
}
