/* SPDX-License-Identifier: Apache-2.0 */
#include "ldap_fault.h"

#include "rows.h"

#include <ldap.h>
#include <string.h>

static void test_fault_of_code_result_leads_to_the_right_answer(void **state)
{
    static const struct {
        const char *why;
        int code;
        enum eca_ldap_fault fault;
        enum eca_directory_answer answer;
    } rows[] = {
        { "done", LDAP_SUCCESS, ECA_LDAP_OK, ECA_DIRECTORY_ANSWERED },
        { "the server closed", LDAP_SERVER_DOWN, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "TLS was not to be had", LDAP_CONNECT_ERROR, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "the answer is no LDAP", LDAP_DECODING_ERROR, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "busy passes", LDAP_BUSY, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "shutting down passes", LDAP_UNAVAILABLE, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "the server's own limits", LDAP_ADMINLIMIT_EXCEEDED, ECA_LDAP_DOWN, ECA_DIRECTORY_UNAVAILABLE },
        { "our clock", LDAP_TIMEOUT, ECA_LDAP_SILENT, ECA_DIRECTORY_UNAVAILABLE },
        { "the server's clock", LDAP_TIMELIMIT_EXCEEDED, ECA_LDAP_SILENT, ECA_DIRECTORY_UNAVAILABLE },
        { "a wrong base", LDAP_NO_SUCH_OBJECT, ECA_LDAP_UNUSABLE, ECA_DIRECTORY_FAILED },
        { "a base of another domain", LDAP_REFERRAL, ECA_LDAP_UNUSABLE, ECA_DIRECTORY_FAILED },
        { "signing wanted", LDAP_STRONG_AUTH_REQUIRED, ECA_LDAP_UNUSABLE, ECA_DIRECTORY_FAILED },
        { "no right", LDAP_INSUFFICIENT_ACCESS, ECA_LDAP_UNUSABLE, ECA_DIRECTORY_FAILED },
        { "a number nobody knows", 4711, ECA_LDAP_UNUSABLE, ECA_DIRECTORY_FAILED },
        { "a second server would only count the wrong password again", LDAP_INVALID_CREDENTIALS, ECA_LDAP_FINAL,
          ECA_DIRECTORY_FAILED },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_ldap_fault_of_code(rows[i].code), rows[i].fault);
        assert_int_equal(eca_ldap_fault_answer(rows[i].fault), rows[i].answer);
    }
}

#define SAID(data) "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, " data ", v1db1"

static void test_logon_failure_data_code_is_put_into_words(void **state)
{
    static const struct {
        const char *why, *said, *words;
    } rows[] = {
        { "wrong password", SAID("data 52e"), "wrong password" },
        { "unknown", SAID("data 525"), "no such account" },
        { "hours", SAID("data 530"), "at this time" },
        { "workstation", SAID("data 531"), "at this workstation" },
        { "password expired", SAID("data 532"), "password has expired" },
        { "disabled", SAID("data 533"), "disabled" },
        { "account expired", SAID("data 701"), "account has expired" },
        { "must change", SAID("data 773"), "must be changed" },
        { "locked", SAID("data 775"), "locked" },
        { "upper case", SAID("data 52E"), "wrong password" },
        { "a code that begins like another", SAID("data 5250"), "another reason" },
        { "a code nobody knows", SAID("data 4711"), "another reason" },
        { "no number", SAID("data x"), "another reason" },
        { "no code", "invalid credentials", "no reason given" },
        { "the word elsewhere", "no data 52e", "no reason given" },
        { "nothing said", "", "no reason given" },
        { "nothing at all", NULL, "no reason given" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_non_null(strstr(eca_ldap_logon_failure(rows[i].said), rows[i].words));
    }
}

static void test_remark_any_text_becomes_fit_for_a_log_line(void **state)
{
    static const struct {
        const char *why, *text, *remark;
    } rows[] = {
        { "plain", "No such object", "No such object" },
        { "a line break, with which a server could write lines of its own",
          "a\r\n[error] forged", "a  [error] forged" },
        { "an escape sequence", "\x1b[31mred\x7f", " [31mred" },
        { "blanks at the end", "done. \n", "done." },
        { "nothing", "", "" },
        { "nothing at all", NULL, "" },
        { "blanks alone", "\n\n", "" },
        { "UTF-8", "G\xc3\xbcte", "G\xc3\xbcte" },
    };
    char remark[ECA_LDAP_REMARK_MAX];
    char text[2 * ECA_LDAP_REMARK_MAX];
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        eca_ldap_remark(remark, rows[i].text);
        assert_string_equal(remark, rows[i].remark);
    }
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    eca_ldap_remark(remark, text);
    assert_int_equal(strlen(remark), ECA_LDAP_REMARK_MAX - 1);
}

static void test_blames_remarks_are_told_apart(void **state)
{
    static const struct {
        const char *why, *remark;
        bool certificate, kdc;
    } rows[] = {
        { "GnuTLS under libldap 2.5: not verified", "(unknown error code)", true, false },
        { "OpenSSL", "error:0A000086:SSL routines::certificate verify failed (unable to get local issuer certificate)",
          true, false },
        { "the name", "TLS: hostname does not match name in peer certificate", true, false },
        { "the peer closed", "The TLS connection was non-properly terminated.", false, false },
        { "the peer is no TLS", "An unexpected TLS packet was received.", false, false },
        { "no KDC", "GSSAPI Error: (Cannot contact any KDC for realm 'EXAMPLE.TEST')", false, true },
        { "the KDC answered", "GSSAPI Error: (Server not found in Kerberos database)", false, false },
        { "nothing", "", false, false },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        SAY_WHY(&rows[i]);
        assert_int_equal(eca_ldap_blames_certificate(rows[i].remark), rows[i].certificate);
        assert_int_equal(eca_ldap_blames_kdc_outage(rows[i].remark), rows[i].kdc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_of_code_result_leads_to_the_right_answer),
        cmocka_unit_test(test_logon_failure_data_code_is_put_into_words),
        cmocka_unit_test(test_remark_any_text_becomes_fit_for_a_log_line),
        cmocka_unit_test(test_blames_remarks_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
