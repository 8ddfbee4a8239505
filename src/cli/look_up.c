/* SPDX-License-Identifier: Apache-2.0 */
/* The same calls in the same order as mod_eas_certauth.c makes them. */
#include "look_up.h"

#include "catalog_directory.h"
#include "file_directory.h"
#include "ldap_locate.h"
#include "password_file.h"
#include "sid_uri.h"
#include "thread_credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_PREFIX "file:"

struct eca_look_up {
    const struct eca_effective *effective;
    struct eca_trust_anchors *anchors, *sid_uri_issuers; /* NULL: none named */
    struct eca_directory *directory;
    struct eca_service_credential *credential;
    char password[ECA_PASSWORD_FILE_MAX];
    long timeout; /* milliseconds */
};

static const char *text_of(const struct eca_look_up *look_up, const char *directive, size_t at)
{
    return eca_effective_text(look_up->effective, directive, at);
}

static bool use_credentials(void *context, bool *unavailable, void **hold, struct eca_error *err)
{
    return eca_thread_credential_use(((struct eca_look_up *)context)->credential, unavailable, hold, err);
}

static void release_credentials(void *context, void *hold)
{
    (void)context;
    eca_thread_credential_release(hold);
}

static bool open_bind(struct eca_look_up *look_up, struct eca_ldap_settings *settings, struct eca_error *err)
{
    const char *method = text_of(look_up, "EASDirectoryBind", 0);
    const char *file = text_of(look_up, "EASDirectoryBind", 2);
    int value = ECA_LDAP_BIND_GSSAPI;

    if (method == NULL || !eca_choice_find(eca_ldap_bind_choices, method, &value))
        return eca_error_set(err, "EASDirectoryBind \"%s\" is unknown to this command", method == NULL ? "" : method);
    settings->bind = (enum eca_ldap_bind)value;
    settings->bind_name = text_of(look_up, "EASDirectoryBind", 1);
    settings->bind_password = look_up->password;
    if (value == ECA_LDAP_BIND_SIMPLE)
        return file != NULL && eca_password_file_read(look_up->password, file, err);
    if (value != ECA_LDAP_BIND_GSSAPI)
        return true;
    look_up->credential = eca_service_credential_open(text_of(look_up, "EASKerberosKeytab", 0),
                                                      text_of(look_up, "EASKerberosPrincipal", 0), err);
    return look_up->credential != NULL;
}

static struct eca_directory *open_ldap(struct eca_look_up *look_up, struct eca_error *err)
{
    struct eca_ldap_settings settings = {
        .base = text_of(look_up, "EASDirectoryBase", 0),
        .ca_file = text_of(look_up, "EASDirectoryCAFile", 0),
        .extra_attribute = look_up->effective->attribute,
        .connections = 1,
        .use_credentials = use_credentials,
        .release_credentials = release_credentials,
        .credentials_context = look_up,
    };

    while (settings.url_count < ECA_LDAP_URLS_MAX
           && (settings.urls[settings.url_count] = text_of(look_up, "EASDirectory", settings.url_count)) != NULL) {
        if (!eca_ldap_url_check(settings.urls[settings.url_count++], err))
            return NULL;
    }
    if (!open_bind(look_up, &settings, err))
        return NULL;
    return eca_ldap_source_is_catalog(settings.urls[0]) ? eca_catalog_directory_open(&settings, err)
                                                        : eca_ldap_directory_open(&settings, err);
}

static struct eca_directory *open_directory(struct eca_look_up *look_up, struct eca_error *err)
{
    const char *first = text_of(look_up, "EASDirectory", 0);

    if (first == NULL) {
        eca_error_set(err, "the section has no EASDirectory");
        return NULL;
    }
    if (strncmp(first, FILE_PREFIX, strlen(FILE_PREFIX)) == 0) {
        const struct eca_file_settings settings = { .path = first + strlen(FILE_PREFIX),
                                                    .extra_attribute = look_up->effective->attribute };

        return eca_file_directory_open(&settings, err);
    }
    return open_ldap(look_up, err);
}

/* Without EASTrustedIssuers (EASAuthenticate basic) no certificate is looked at. */
static bool open_issuers(struct eca_look_up *look_up, struct eca_error *err)
{
    const char *files[ECA_EFFECTIVE_LIST_MAX];
    size_t count = 0;

    while (count < ECA_EFFECTIVE_LIST_MAX && (files[count] = text_of(look_up, "EASTrustedIssuers", count)) != NULL)
        count++;
    if (count > 0)
        look_up->anchors = eca_trust_anchors_open(files, count, err);
    if (look_up->effective->sid_uri_file != NULL)
        look_up->sid_uri_issuers = eca_trust_anchors_open(&look_up->effective->sid_uri_file, 1, err);
    return (count == 0 || look_up->anchors != NULL)
           && (look_up->effective->sid_uri_file == NULL || look_up->sid_uri_issuers != NULL);
}

struct eca_look_up *eca_look_up_open(const struct eca_effective *effective, struct eca_error *err)
{
    struct eca_look_up *look_up = calloc(1, sizeof *look_up);
    const char *timeout = eca_effective_text(effective, "EASDirectoryTimeout", 0);

    if (look_up == NULL) {
        eca_error_set(err, "out of memory");
        return NULL;
    }
    look_up->effective = effective;
    look_up->timeout = timeout == NULL ? 0 : strtol(timeout, NULL, 10);
    if (look_up->timeout <= 0)
        eca_error_set(err, "EASDirectoryTimeout is no number");
    else if (open_issuers(look_up, err))
        look_up->directory = open_directory(look_up, err);
    if (look_up->directory != NULL)
        return look_up;
    eca_look_up_close(look_up);
    return NULL;
}

void eca_look_up_close(struct eca_look_up *look_up)
{
    if (look_up->directory != NULL)
        look_up->directory->operations->close(look_up->directory);
    eca_service_credential_close(look_up->credential);
    eca_trust_anchors_close(look_up->anchors);
    eca_trust_anchors_close(look_up->sid_uri_issuers);
    explicit_bzero(look_up->password, sizeof look_up->password);
    free(look_up);
}

static enum eca_certificate_fact judge_certificate(struct eca_look_up *look_up, X509 *x509, STACK_OF(X509) * chain,
                                                   struct eca_error *detail)
{
    const struct eca_effective *effective = look_up->effective;
    const struct eca_path_question question = {
        .leaf = x509,
        .chain = chain,
        .purposes = &effective->purposes,
        .policies = effective->policies.count == 0 ? NULL : &effective->policies,
        .now = time(NULL),
    };

    if (!eca_access_wants_certificate(effective->authenticate) || look_up->anchors == NULL) {
        eca_error_set(detail, "EASAuthenticate basic: this section looks at no certificate");
        return ECA_CERTIFICATE_ABSENT;
    }
    return eca_path_judge(look_up->anchors, &question, NULL, detail);
}

static void decide(struct eca_look_up *look_up, struct eca_finding_shown *out, enum eca_account_fact *fact)
{
    const struct eca_mapping_outcome outcome = eca_mapping_decide(&out->keys, &out->candidates,
                                                                  look_up->effective->backdating, &out->detail);

    *fact = outcome.fact;
    out->mapped = outcome.fact == ECA_ACCOUNT_USABLE || outcome.fact == ECA_ACCOUNT_WEAK
                  || outcome.fact == ECA_ACCOUNT_PREDATED;
    out->kind = outcome.kind;
    if (outcome.fact != ECA_ACCOUNT_USABLE)
        return;
    out->account = &out->candidates.items[outcome.chosen].account;
    *fact = eca_account_judge(out->account, &look_up->effective->needs, time(NULL), &out->detail);
}

static enum eca_account_fact find_account(struct eca_look_up *look_up, struct eca_finding_shown *out)
{
    enum eca_account_fact fact = ECA_ACCOUNT_DIRECTORY_UNAVAILABLE;
    const apr_time_t deadline = apr_time_now() + apr_time_from_msec(look_up->timeout);

    out->asked = out->keys.count == 0
                 || look_up->directory->operations->find_by_keys(look_up->directory, &out->keys, deadline,
                                                                 &out->candidates, &out->detail)
                        == ECA_DIRECTORY_ANSWERED;
    if (out->asked)
        decide(look_up, out, &fact);
    return fact;
}

void eca_look_up_run(struct eca_look_up *look_up, const struct eca_certificate *certificate, STACK_OF(X509) * chain,
                     struct eca_finding_shown *out)
{
    const struct eca_mapping_policy policy = eca_sid_uri_policy(&look_up->effective->mapping, look_up->sid_uri_issuers,
                                                                certificate->x509, chain, time(NULL));
    struct eca_access_facts facts = { .policy = look_up->effective->authenticate };
    enum eca_account_fact account = ECA_ACCOUNT_NOT_ASKED;

    memset(out, 0, sizeof *out);
    facts.certificate = judge_certificate(look_up, certificate->x509, chain, &out->detail);
    if (eca_mapping_keys_build(&out->keys, certificate, &policy, &out->detail))
        account = find_account(look_up, out); /* also whose a certificate is that is not good */
    else if (facts.certificate == ECA_CERTIFICATE_GOOD)
        facts.certificate = ECA_CERTIFICATE_MALFORMED;
    if (facts.certificate == ECA_CERTIFICATE_GOOD)
        facts.account = account;
    out->reason = eca_access_decide(&facts);
}
