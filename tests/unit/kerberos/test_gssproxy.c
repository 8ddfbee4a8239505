/* SPDX-License-Identifier: Apache-2.0 */
#include "gssproxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

/* ---- as the client library reads the environment ------------------------------------------------- */

static const struct {
    const char *value;
    bool used;
    const char *why;
} uses[] = {
    { NULL, false, "not set" },
    { "yes", true, "gssproxy-mech(8)" },
    { "YES", true, "in any case" },
    { "1", true, "docs/Apache.md of gssproxy" },
    { "on", true, "a boolean of gssproxy.conf(5)" },
    { "True", true, "another" },
    { "no", false, "said not to" },
    { "", false, "empty" },
    { "2", false, "no boolean" },
    { "yes ", false, "no boolean" },
};

static void test_is_used_is_what_the_client_library_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        set("GSS_USE_PROXY", uses[i].value);
        if (eca_gssproxy_is_used() != uses[i].used)
            fail_msg("%s", uses[i].why);
    }
}

static const struct {
    const char *value;
    bool alone;
    const char *why;
} behaviors[] = {
    { NULL, false, "the library's default tries other credentials" },
    { "REMOTE_ONLY", true, "the only word for it" },
    { "remote_only", false, "the library knows it in capitals alone" },
    { "REMOTE_FIRST", false, "others next" },
    { "LOCAL_FIRST", false, "others first" },
    { "LOCAL_ONLY", false, "others" },
};

static void test_is_alone_only_without_other_credentials(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof behaviors / sizeof behaviors[0]; i++) {
        set("GSSPROXY_BEHAVIOR", behaviors[i].value);
        if (eca_gssproxy_is_alone() != behaviors[i].alone)
            fail_msg("%s", behaviors[i].why);
    }
}

/* ---- names ----------------------------------------------------------------------------------------- */

static const struct {
    const char *account, *domain, *sid;
    const char *expected; /* NULL: refused */
    const char *why;
} names[] = {
    { "alice", "example.test", "S-1-5-21-1", "alice@EXAMPLE.TEST", "plain" },
    { "alice", "sub.example.test", "S-1-5-21-1", "alice@SUB.EXAMPLE.TEST", "of another domain" },
    { "HTTP/a@b\\c", "example.test", "S-1-5-21-1", "HTTP\\/a\\@b\\\\c@EXAMPLE.TEST", "one component" },
    { "", "example.test", "S-1-5-21-1", NULL, "no sAMAccountName" },
    { "alice", "", "S-1-5-21-1", NULL, "no domain" },
    { "alice", "example.test", "", NULL, "no SID" },
};

static void test_name_user_is_a_full_principal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct eca_account account = { .dn = "CN=x" };
        struct eca_error err = { .text = "" };
        char memory[ECA_GSSPROXY_NAME_MAX];
        struct eca_strbuf out;

        strcpy(account.sam_account_name, names[i].account);
        strcpy(account.domain, names[i].domain);
        strcpy(account.sid, names[i].sid);
        eca_strbuf_init(&out, memory, sizeof memory);
        if (eca_gssproxy_name_user(&out, &account, &err) != (names[i].expected != NULL)
            || strcmp(memory, names[i].expected != NULL ? names[i].expected : "") != 0
            || (names[i].expected == NULL) != (err.text[0] != '\0'))
            fail_msg("%s: %s %s", names[i].why, memory, err.text);
    }
}

static void test_name_user_longest_name_fits(void **state)
{
    struct eca_account account = { .dn = "CN=x", .domain = "example.test", .sid = "S-1-5-21-1" };
    struct eca_error err = { .text = "" };
    char memory[ECA_GSSPROXY_NAME_MAX];
    struct eca_strbuf out;

    (void)state;
    memset(account.sam_account_name, '@', sizeof account.sam_account_name - 1);
    memset(account.domain, 'a', sizeof account.domain - 1);
    eca_strbuf_init(&out, memory, sizeof memory);
    assert_true(eca_gssproxy_name_user(&out, &account, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_used_is_what_the_client_library_does),
        cmocka_unit_test(test_is_alone_only_without_other_credentials),
        cmocka_unit_test(test_name_user_is_a_full_principal),
        cmocka_unit_test(test_name_user_longest_name_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
