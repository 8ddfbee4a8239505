/* SPDX-License-Identifier: Apache-2.0 */
#include "s4u.h"

#include "make_ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SVC "svc-eas@" TEST_REALM
#define TGS "krbtgt/" TEST_REALM "@" TEST_REALM
#define SPN "HTTP/exch.example.test"
#define ALICE_SID "S-1-5-21-2612238570-2432606714-1510613622-1103"
#define BOB_SID "S-1-5-21-2612238570-2432606714-1510613622-1104"
#define SERVICE_KEY 0x11

/* The KDC of these tests: what it will say, and what it was asked. */
static struct {
    krb5_error_code self;
    int self_failures; /* how often it says so, then it issues; -1: always */
    krb5_error_code proxy;
    const char *evidence_sid;
    bool evidence_absent;
    uint8_t evidence_key;
    krb5_flags evidence_flags;
    int tgt_asked;
    int self_asked;
    int proxy_asked;
    char impersonated[128];
    char target[128];
} kdc;

static struct {
    char folder[64];
    char keytab[128];
    krb5_context context;
    krb5_ccache ccache; /* of the impersonated credential */
    struct eca_service_credential *credential;
    struct eca_account account;
} bench;

static void store(const char *client, const char *server, const char *sid, uint8_t key)
{
    const struct ticket_recipe recipe = { .client = client, .server = server, .sid = sid, .service_key = key,
                                          .session_key = 0x33, .flags = kdc.evidence_flags,
                                          .end = (int64_t)time(NULL) + 3600 };
    krb5_creds creds;

    make_ticket(bench.context, &recipe, &creds);
    assert_int_equal(krb5_cc_store_cred(bench.context, bench.ccache, &creds), 0);
    krb5_free_cred_contents(bench.context, &creds);
}

/* The three functions that would speak to a KDC, in place of the libraries'. */

krb5_error_code krb5_get_init_creds_keytab(krb5_context context, krb5_creds *creds, krb5_principal client,
                                           krb5_keytab keytab, krb5_deltat start, const char *service,
                                           krb5_get_init_creds_opt *options)
{
    const struct ticket_recipe recipe = { .client = SVC, .server = TGS, .end = (int64_t)time(NULL) + 36000 };
    (void)client;
    (void)keytab;
    (void)start;
    (void)service;
    (void)options;

    kdc.tgt_asked++;
    make_ticket(context, &recipe, creds);
    return 0;
}

static void show_name(gss_name_t name, char *out)
{
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    OM_uint32 minor = 0;

    assert_int_equal(gss_display_name(&minor, name, &text, NULL), GSS_S_COMPLETE);
    (void)snprintf(out, 128, "%.*s", (int)text.length, (const char *)text.value);
    gss_release_buffer(&minor, &text);
}

OM_uint32 gss_acquire_cred_impersonate_name(OM_uint32 *minor, const gss_cred_id_t impersonator, const gss_name_t user,
                                            OM_uint32 lifetime, const gss_OID_set mechanisms, gss_cred_usage_t usage,
                                            gss_cred_id_t *out, gss_OID_set *actual, OM_uint32 *received)
{
    gss_key_value_element_desc element = { "ccache", NULL };
    const gss_key_value_set_desc cred_store = { 1, &element };
    krb5_principal client = NULL;
    char *name = NULL;
    OM_uint32 major = 0;
    (void)impersonator;

    show_name(user, kdc.impersonated);
    if (kdc.self_failures < 0 || kdc.self_asked++ < kdc.self_failures) {
        *minor = (OM_uint32)kdc.self;
        return GSS_S_FAILURE;
    }
    assert_int_equal(krb5_parse_name(bench.context, kdc.impersonated, &client), 0);
    assert_int_equal(krb5_cc_initialize(bench.context, bench.ccache, client), 0);
    krb5_free_principal(bench.context, client);
    store(SVC, TGS, NULL, 0x44);
    if (!kdc.evidence_absent)
        store(kdc.impersonated, SVC, kdc.evidence_sid, kdc.evidence_key);
    assert_int_equal(krb5_cc_get_full_name(bench.context, bench.ccache, &name), 0);
    element.value = name;
    major = gss_acquire_cred_from(minor, GSS_C_NO_NAME, lifetime, mechanisms, usage, &cred_store, out, actual,
                                  received);
    krb5_free_string(bench.context, name);
    return major;
}

OM_uint32 gss_init_sec_context(OM_uint32 *minor, gss_cred_id_t credential, gss_ctx_id_t *context, gss_name_t target,
                               gss_OID mechanism, OM_uint32 flags, OM_uint32 lifetime,
                               gss_channel_bindings_t bindings, gss_buffer_t input, gss_OID *actual,
                               gss_buffer_t output, OM_uint32 *received_flags, OM_uint32 *received)
{
    (void)credential;
    (void)context;
    (void)mechanism;
    (void)flags;
    (void)lifetime;
    (void)bindings;
    (void)input;
    (void)actual;
    (void)output;
    (void)received_flags;
    (void)received;

    kdc.proxy_asked++;
    show_name(target, kdc.target);
    *minor = (OM_uint32)kdc.proxy;
    if (kdc.proxy != 0)
        return GSS_S_FAILURE;
    /* Beside it, tickets that only look like it. */
    store(kdc.impersonated, SPN "@OTHER.TEST", NULL, 0x55);
    store(kdc.impersonated, "http/exch.example.test@" TEST_REALM, NULL, 0x55);
    store(kdc.impersonated, kdc.target, NULL, 0x55);
    return GSS_S_COMPLETE;
}

static int set_up(void **state)
{
    struct eca_error err = { .text = "" };
    (void)state;

    memset(&bench, 0, sizeof bench);
    memset(&kdc, 0, sizeof kdc);
    kdc.evidence_sid = ALICE_SID;
    kdc.evidence_key = SERVICE_KEY;
    kdc.evidence_flags = TKT_FLG_FORWARDABLE;
    bench.account = (struct eca_account){ .dn = "CN=Alice,DC=example,DC=test", .sid = ALICE_SID,
                                          .sam_account_name = "alice", .domain = "example.test" };
    assert_int_equal(krb5_init_context(&bench.context), 0);
    assert_int_equal(krb5_cc_new_unique(bench.context, "MEMORY", NULL, &bench.ccache), 0);
    make_folder(bench.folder);
    (void)snprintf(bench.keytab, sizeof bench.keytab, "%s/keytab", bench.folder);
    add_to_keytab(bench.context, bench.keytab, SVC, SERVICE_KEY);
    bench.credential = eca_service_credential_open(bench.keytab, NULL, &err);
    assert_non_null(bench.credential);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;

    eca_service_credential_close(bench.credential);
    krb5_cc_destroy(bench.context, bench.ccache);
    krb5_free_context(bench.context);
    remove_folder(bench.folder);
    return 0;
}

static void test_get_ticket_incomplete_input_asks_nobody(void **state)
{
    static const struct {
        const char *why;
        const char *sid;
        const char *name;
        const char *domain;
        const char *spn;
        const char *says;
    } rows[] = {
        { "whose realm is not known", ALICE_SID, "alice", "", SPN, "domain" },
        { "without a name for the KDC", ALICE_SID, "", "example.test", SPN, "sAMAccountName" },
        { "whose identity could not be checked", "", "alice", "example.test", SPN, "objectSid" },
        { "a host is no SPN", ALICE_SID, "alice", "example.test", "exch.example.test", "EASDelegationSPN" },
        { "two realms", ALICE_SID, "alice", "example.test", SPN "@A@B", "EASDelegationSPN" },
        { "nothing", ALICE_SID, "alice", "example.test", "", "EASDelegationSPN" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_account account = { .dn = "CN=x" };
        struct eca_error err = { .text = "" };
        struct eca_krb5_refusal refusal;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        strcpy(account.sid, rows[i].sid);
        strcpy(account.sam_account_name, rows[i].name);
        strcpy(account.domain, rows[i].domain);
        assert_int_equal(eca_s4u_get_ticket(bench.credential, &account, rows[i].spn, &ticket, &refusal, &err),
                         ECA_KERBEROS_MISCONFIGURED);
        assert_null(ticket);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_int_equal(kdc.tgt_asked, 0);
    }
}

static void test_get_ticket_names_are_full_principals(void **state)
{
    static const struct {
        const char *why;
        const char *name;
        const char *domain;
        const char *spn;
        const char *impersonated;
        const char *target;
    } rows[] = {
        { "an ordinary account", "alice", "example.test", SPN, "alice@" TEST_REALM, SPN "@" TEST_REALM },
        { "an account of another domain: the service stays in ours", "alice", "child.example.test", SPN,
          "alice@CHILD.EXAMPLE.TEST", SPN "@" TEST_REALM },
        { "a service of another realm", "alice", "example.test", SPN "@OTHER.TEST", "alice@" TEST_REALM,
          SPN "@OTHER.TEST" },
        { "'@' would name another realm", "alice@evil.test", "example.test", SPN, "alice\\@evil.test@" TEST_REALM,
          SPN "@" TEST_REALM },
        { "'/' would make two components", "alice/admin", "example.test", SPN, "alice\\/admin@" TEST_REALM,
          SPN "@" TEST_REALM },
        { "'\\' would escape what follows", "alice\\", "example.test", SPN, "alice\\\\@" TEST_REALM,
          SPN "@" TEST_REALM },
        { "a space, and letters beyond ASCII", "J\xc3\xb6rg Ly", "example.test", SPN, "J\xc3\xb6rg Ly@" TEST_REALM,
          SPN "@" TEST_REALM },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_krb5_refusal refusal;
        struct eca_ticket *ticket = NULL;
        char *server = NULL;

        print_message("  %s\n", rows[i].why);
        strcpy(bench.account.sam_account_name, rows[i].name);
        strcpy(bench.account.domain, rows[i].domain);
        assert_int_equal(eca_s4u_get_ticket(bench.credential, &bench.account, rows[i].spn, &ticket, &refusal, &err),
                         ECA_KERBEROS_DONE);
        assert_string_equal(kdc.impersonated, rows[i].impersonated);
        assert_string_equal(kdc.target, rows[i].target);
        assert_non_null(ticket);
        assert_int_equal(krb5_unparse_name(bench.context, eca_ticket_creds(ticket)->server, &server), 0);
        assert_string_equal(server, rows[i].target);
        krb5_free_unparsed_name(bench.context, server);
        eca_ticket_release(ticket);
    }
}

static void test_get_ticket_evidence_of_another_is_never_delegated(void **state)
{
    static const struct {
        const char *why;
        const char *sid;
        bool absent;
        uint8_t key;
        enum eca_kerberos_answer answer;
        const char *says;
    } rows[] = {
        { "the account's own", ALICE_SID, false, SERVICE_KEY, ECA_KERBEROS_DONE, "" },
        { "the name reached somebody else", BOB_SID, false, SERVICE_KEY, ECA_KERBEROS_IDENTITY_MISMATCH, BOB_SID },
        { "a SID that begins like it", ALICE_SID "1", false, SERVICE_KEY, ECA_KERBEROS_IDENTITY_MISMATCH,
          "is that of" },
        { "the SID of the domain", "S-1-5-21-2612238570-2432606714-1510613622", false, SERVICE_KEY,
          ECA_KERBEROS_IDENTITY_MISMATCH, "is that of" },
        { "no PAC: nobody can tell", NULL, false, SERVICE_KEY, ECA_KERBEROS_MISCONFIGURED, "no PAC" },
        { "not our key: the keytab is old", ALICE_SID, false, 0x66, ECA_KERBEROS_MISCONFIGURED, "export it again" },
        { "no ticket at all: a defect", NULL, true, SERVICE_KEY, ECA_KERBEROS_FAILED, "unexpected" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_krb5_refusal refusal;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        kdc.evidence_sid = rows[i].sid;
        kdc.evidence_absent = rows[i].absent;
        kdc.evidence_key = rows[i].key;
        kdc.proxy_asked = 0;
        assert_int_equal(eca_s4u_get_ticket(bench.credential, &bench.account, SPN, &ticket, &refusal, &err),
                         rows[i].answer);
        assert_int_equal(ticket != NULL, rows[i].answer == ECA_KERBEROS_DONE);
        assert_int_equal(kdc.proxy_asked, rows[i].answer == ECA_KERBEROS_DONE);
        assert_int_equal(refusal.code, 0); /* it was no KDC that said no */
        assert_non_null(strstr(err.text, rows[i].says));
        eca_ticket_release(ticket);
    }
}

static void test_get_ticket_refused_says_what_to_change(void **state)
{
    static const struct {
        const char *why;
        krb5_error_code self;
        krb5_error_code proxy;
        krb5_flags flags;
        enum eca_kerberos_answer answer;
        const char *says;
        enum eca_krb5_step step; /* that was refused */
    } rows[] = {
        { "the list of services", 0, KRB5KDC_ERR_BADOPTION, TKT_FLG_FORWARDABLE, ECA_KERBEROS_REFUSED,
          "not in msDS-AllowedToDelegateTo", ECA_KRB5_STEP_S4U2PROXY },
        { "protocol transition, or a sensitive user", 0, KRB5KDC_ERR_BADOPTION, 0, ECA_KERBEROS_REFUSED,
          "TRUSTED_TO_AUTH_FOR_DELEGATION", ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE },
        { "the SPN", 0, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, TKT_FLG_FORWARDABLE, ECA_KERBEROS_MISCONFIGURED,
          "EASDelegationSPN", ECA_KRB5_STEP_S4U2PROXY },
        { "the account", KRB5KDC_ERR_CLIENT_REVOKED, 0, 0, ECA_KERBEROS_ACCOUNT_REFUSED, "disabled",
          ECA_KRB5_STEP_S4U2SELF },
        { "no such account", KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, 0, 0, ECA_KERBEROS_ACCOUNT_UNKNOWN, "no such account",
          ECA_KRB5_STEP_S4U2SELF },
        { "the KDC went away in between", 0, KRB5_KDC_UNREACH, TKT_FLG_FORWARDABLE, ECA_KERBEROS_UNAVAILABLE,
          "no KDC answered", ECA_KRB5_STEP_S4U2PROXY },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_krb5_refusal refusal;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        kdc.self = rows[i].self;
        kdc.self_failures = rows[i].self != 0 ? -1 : 0;
        kdc.proxy = rows[i].proxy;
        kdc.evidence_flags = rows[i].flags;
        assert_int_equal(eca_s4u_get_ticket(bench.credential, &bench.account, SPN, &ticket, &refusal, &err),
                         rows[i].answer);
        assert_null(ticket);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_int_equal(refusal.step, rows[i].step);
        assert_int_equal(refusal.code, rows[i].self != 0 ? rows[i].self : rows[i].proxy);
        assert_int_equal(kdc.tgt_asked, 1);
    }
}

/* What AD does for resource-based delegation; Samba 4.17 does not have it. */
static void test_get_ticket_not_forwardable_is_the_kdcs_to_judge(void **state)
{
    struct eca_error err = { .text = "" };
    struct eca_krb5_refusal refusal;
    struct eca_ticket *ticket = NULL;
    (void)state;

    kdc.evidence_flags = 0;
    assert_int_equal(eca_s4u_get_ticket(bench.credential, &bench.account, SPN, &ticket, &refusal, &err),
                     ECA_KERBEROS_DONE);
    assert_int_equal(kdc.proxy_asked, 1);
    assert_non_null(ticket);
    eca_ticket_release(ticket);
}

static void test_get_ticket_refused_tgt_is_replaced_once(void **state)
{
    static const struct {
        const char *why;
        int failures;
        enum eca_kerberos_answer answer;
    } rows[] = {
        { "krbtgt's keys have changed: a new one is taken", 1, ECA_KERBEROS_DONE },
        { "and not asked for without end", -1, ECA_KERBEROS_UNAVAILABLE },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eca_error err = { .text = "" };
        struct eca_krb5_refusal refusal;
        struct eca_ticket *ticket = NULL;

        print_message("  %s\n", rows[i].why);
        tear_down(NULL);
        set_up(NULL);
        kdc.self = KRB5KRB_AP_ERR_BAD_INTEGRITY;
        kdc.self_failures = rows[i].failures;
        assert_int_equal(eca_s4u_get_ticket(bench.credential, &bench.account, SPN, &ticket, &refusal, &err),
                         rows[i].answer);
        assert_int_equal(kdc.tgt_asked, 2);
        assert_int_equal(err.text[0] == '\0', rows[i].answer == ECA_KERBEROS_DONE);
        eca_ticket_release(ticket);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get_ticket_incomplete_input_asks_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_ticket_names_are_full_principals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_ticket_evidence_of_another_is_never_delegated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_ticket_refused_says_what_to_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_ticket_not_forwardable_is_the_kdcs_to_judge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_ticket_refused_tgt_is_replaced_once, set_up, tear_down),
    };

    setenv("KRB5_CONFIG", "/dev/null", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
