/* SPDX-License-Identifier: Apache-2.0 */
#include "password_file.h"

#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST (ECA_PASSWORD_FILE_MAX - 1)

static const struct {
    const char *content, *password; /* NULL: refused */
    const char *why;
} rows[] = {
    { "secret\n", "secret", "a line" },
    { "secret", "secret", "no line end" },
    { "secret\r\nmore\n", "secret", "Windows' line end, and a second line" },
    { " a b \n", " a b ", "spaces belong to it" },
    { "", NULL, "empty file" },
    { "\nsecret\n", NULL, "empty first line" },
    { "\r\n", NULL, "nothing but a line end" },
};

static bool read_content(char *out, const char *content, struct eca_error *err)
{
    char name[] = "/tmp/eas-password-XXXXXX";
    const int file = mkstemp(name);
    bool read;

    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    read = eca_password_file_read(out, name, err);
    assert_true(read || strstr(err->text, name) != NULL);
    close(file);
    unlink(name);
    return read;
}

static void test_read_rows_first_line_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        char password[ECA_PASSWORD_FILE_MAX];

        SAY_WHY(&rows[i]);
        assert_int_equal(read_content(password, rows[i].content, &err), rows[i].password != NULL);
        if (rows[i].password != NULL)
            assert_string_equal(password, rows[i].password);
    }
}

static void test_read_longest_line_and_one_byte_more(void **state)
{
    char content[ECA_PASSWORD_FILE_MAX + 2], password[ECA_PASSWORD_FILE_MAX];
    struct eca_error err = { .text = "" };

    (void)state;
    memset(content, 'x', sizeof content);
    content[LONGEST] = '\n';
    content[LONGEST + 1] = '\0';
    assert_true(read_content(password, content, &err));
    assert_int_equal(strlen(password), LONGEST);
    content[LONGEST] = 'x';
    content[LONGEST + 1] = '\n';
    content[LONGEST + 2] = '\0';
    assert_false(read_content(password, content, &err));
    assert_non_null(strstr(err.text, "longer"));
}

static void test_read_missing_file_and_folder_are_refused(void **state)
{
    const char *const names[] = { "/nowhere/at/all", "/tmp" };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct eca_error err = { .text = "" };
        char password[ECA_PASSWORD_FILE_MAX];

        assert_false(eca_password_file_read(password, names[i], &err));
        assert_non_null(strstr(err.text, "cannot be read"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_rows_first_line_or_refused),
        cmocka_unit_test(test_read_longest_line_and_one_byte_more),
        cmocka_unit_test(test_read_missing_file_and_folder_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
