/* SPDX-License-Identifier: Apache-2.0 */
#include "account_judge.h"

#include "rows.h"

#include <string.h>

#define NOW 1800000000
#define EXPIRED 116444736000000001 /* a moment after 1970 */
#define DISABLED 2
#define LOCKED 0x10

static const struct {
    const char *upn, *mail, *domain;
    uint32_t control, computed;
    int64_t expires;
    struct eca_account_needs needs;
    enum eca_account_fact fact;
    const char *detail;
    const char *why;
    bool no_sid;
} rows[] = {
    { "a@b", "", "b", 0, 0, 0, { ECA_REMOTE_USER_UPN, true }, ECA_ACCOUNT_USABLE, "", "all there" },
    { "a@b", "", "b", 0, 0, 0, { ECA_REMOTE_USER_UPN, true }, ECA_ACCOUNT_INCOMPLETE, "no SID",
      "whose ticket it is could not be known", true },
    { "a@b", "", "b", 0, 0, 0, { ECA_REMOTE_USER_UPN, false }, ECA_ACCOUNT_USABLE, "", "no ticket, no SID wanted",
      true },
    { "a@b", "", "", 0, 0, 0, { ECA_REMOTE_USER_UPN, false }, ECA_ACCOUNT_USABLE, "", "no ticket, no domain wanted" },
    { "a@b", "", "", 0, 0, 0, { ECA_REMOTE_USER_UPN, true }, ECA_ACCOUNT_INCOMPLETE, "domain components",
      "a ticket needs the domain" },
    { "a@b", "", "b", 0, 0, 0, { ECA_REMOTE_USER_MAIL, false }, ECA_ACCOUNT_INCOMPLETE, "mail", "no mail" },
    { "", "", "", DISABLED, LOCKED, EXPIRED, { ECA_REMOTE_USER_MAIL, true }, ECA_ACCOUNT_DISABLED, "",
      "disabled before all others" },
    { "", "", "", 0, LOCKED, EXPIRED, { ECA_REMOTE_USER_MAIL, true }, ECA_ACCOUNT_EXPIRED, "",
      "expired before locked" },
    { "", "", "", 0, LOCKED, 0, { ECA_REMOTE_USER_MAIL, true }, ECA_ACCOUNT_LOCKED, "", "locked before incomplete" },
};

static void test_judge_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_account account = { .user_account_control = rows[i].control,
                                       .user_account_control_computed = rows[i].computed,
                                       .account_expires = rows[i].expires };
        struct eca_error err = { .text = "" };

        SAY_WHY(&rows[i]);
        strcpy(account.upn, rows[i].upn);
        strcpy(account.mail, rows[i].mail);
        strcpy(account.domain, rows[i].domain);
        strcpy(account.sid, rows[i].no_sid ? "" : "S-1-5-21-1-2-3-1001");
        assert_int_equal(eca_account_judge(&account, &rows[i].needs, NOW, &err), rows[i].fact);
        assert_non_null(strstr(err.text, rows[i].detail));
        assert_int_equal(err.text[0] == '\0', rows[i].detail[0] == '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_judge_rows) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
