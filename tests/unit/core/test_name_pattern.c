/* SPDX-License-Identifier: Apache-2.0 */
#include "name_pattern.h"

#include "rows.h"

#include <string.h>

#define CA "<I>DC=test,DC=example,CN=CA 1"

static void test_fits_component_by_component(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice pattern, value;
        bool fits;
    } rows[] = {
        { "the very same", SLICE(CA "<S>O=Example,CN=alice"), SLICE("X509:" CA "<S>O=Example,CN=alice"), true },
        { "with the prefix, as it is printed", SLICE("X509:" CA "<S>CN=a"), SLICE("X509:" CA "<S>CN=a"), true },
        { "an asterisk for the rest of a value", SLICE(CA "<S>CN=al*"), SLICE("X509:" CA "<S>CN=alice"), true },
        { "in the middle", SLICE(CA "<S>CN=a*e"), SLICE("X509:" CA "<S>CN=alice"), true },
        { "for nothing", SLICE(CA "<S>CN=alice*"), SLICE("X509:" CA "<S>CN=alice"), true },
        { "two, the first has to go on", SLICE(CA "<S>CN=a*b*c"), SLICE("X509:" CA "<S>CN=axbxbxc"), true },
        { "the end is missing", SLICE(CA "<S>CN=a*b"), SLICE("X509:" CA "<S>CN=axbx"), false },
        { "any number of components", SLICE(CA "<S>*,CN=alice"), SLICE("X509:" CA "<S>C=DE,O=E,CN=alice"), true },
        { "none", SLICE(CA "<S>*,CN=alice"), SLICE("X509:" CA "<S>CN=alice"), true },
        { "between two", SLICE(CA "<S>C=DE,*,CN=a"), SLICE("X509:" CA "<S>C=DE,O=E,OU=F,CN=a"), true },
        { "at the end", SLICE(CA "<S>O=E,*"), SLICE("X509:" CA "<S>O=E,CN=a,CN=b"), true },
        { "a component too many", SLICE(CA "<S>O=E"), SLICE("X509:" CA "<S>O=E,CN=a"), false },
        { "a component too few", SLICE(CA "<S>O=E,CN=a"), SLICE("X509:" CA "<S>O=E"), false },
        { "another order", SLICE(CA "<S>CN=a,O=E"), SLICE("X509:" CA "<S>O=E,CN=a"), false },
        { "ASCII without case", SLICE(CA "<S>cn=ALICE"), SLICE("X509:" CA "<S>CN=alice"), true },
        { "umlauts with it", SLICE(CA "<S>CN=\xc3\x9c"), SLICE("X509:" CA "<S>CN=\xc3\xbc"), false },
        { "no folding of accents", SLICE(CA "<S>CN=jurgen"), SLICE("X509:" CA "<S>CN=j\xc3\xbcrgen"), false },
        { "an asterisk does not reach over a comma", SLICE(CA "<S>O=E*,CN=a"), SLICE("X509:" CA "<S>O=E,OU=x,CN=a"),
          false },
        { "a comma inside quotes divides nothing: no O in a CN", SLICE(CA "<S>*,O=Example,*"),
          SLICE("X509:" CA "<S>CN=\"x,O=Example,y\""), false },
        { "a quoted value", SLICE(CA "<S>O=\"Acme, Inc.\""), SLICE("X509:" CA "<S>O=\"Acme, Inc.\""), true },
        { "an asterisk inside quotes", SLICE(CA "<S>O=\"Acme, *\""), SLICE("X509:" CA "<S>O=\"Acme, Inc.\""), true },
        { "doubled quotes inside", SLICE(CA "<S>O=\"a\"\"b\""), SLICE("X509:" CA "<S>O=\"a\"\"b\""), true },
        { "<S> inside quotes ends no issuer", SLICE(CA "<S>CN=b"),
          SLICE("X509:<I>DC=test,DC=example,CN=\"CA 1<S>CN=b\"<S>CN=c"), false },
        { "a subject like an issuer", SLICE("<I>CN=CA<S>CN=b"), SLICE("X509:<I>CN=X<S>CN=\"<I>CN=CA<S>CN=b\""),
          false },
        { "another issuer", SLICE(CA "<S>CN=a"), SLICE("X509:<I>DC=test,DC=example,CN=CA 2<S>CN=a"), false },
        { "an issuer that begins alike", SLICE(CA "<S>CN=a"), SLICE("X509:" CA "0<S>CN=a"), false },
        { "a literal asterisk fits too", SLICE(CA "<S>CN=*a"), SLICE("X509:" CA "<S>CN=*a"), true },
        { "several asterisks as components", SLICE(CA "<S>*,*,CN=a,*"), SLICE("X509:" CA "<S>CN=a"), true },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_name_pattern pattern;

        SAY_WHY(&rows[i]);
        assert_true(eca_name_pattern_parse(&pattern, rows[i].pattern, &err));
        assert_int_equal(eca_name_pattern_fits(&pattern, rows[i].value), rows[i].fits);
    }
}

static void test_parse_what_names_nobody_or_is_broken_is_refused(void **state)
{
    static const struct {
        const char *why;
        struct eca_slice pattern;
        const char *sentence;
    } rows[] = {
        { "any certificate of a CA", SLICE(CA "<S>*"), "subject names nobody" },
        { "the same with a type", SLICE(CA "<S>CN=*"), "subject names nobody" },
        { "the same in quotes", SLICE(CA "<S>CN=\"*\""), "subject names nobody" },
        { "any CA", SLICE("<I>*<S>CN=alice"), "issuer names nobody" },
        { "no subject", SLICE(CA), "<I>issuer<S>subject" },
        { "an empty subject", SLICE(CA "<S>"), "<I>issuer<S>subject" },
        { "no issuer", SLICE("<S>CN=alice"), "<I>issuer<S>subject" },
        { "an empty issuer", SLICE("<I><S>CN=alice"), "<I>issuer<S>subject" },
        { "nothing", SLICE(""), "<I>issuer<S>subject" },
        { "an open quote", SLICE(CA "<S>CN=\"alice"), "double quotes" },
        { "an empty component", SLICE(CA "<S>O=x,,CN=a"), "empty component" },
        { "a comma at the end", SLICE(CA "<S>O=x,"), "empty component" },
    };
    static uint8_t longest[ECA_NAME_PATTERN_MAX + 1];
    struct eca_name_pattern pattern;
    struct eca_error err;
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        err.text[0] = '\0';
        SAY_WHY(&rows[i]);
        assert_false(eca_name_pattern_parse(&pattern, rows[i].pattern, &err));
        assert_non_null(strstr(err.text, rows[i].sentence));
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "<I>b<S>", 7);
    assert_true(eca_name_pattern_parse(&pattern, (struct eca_slice){ longest, ECA_NAME_PATTERN_MAX }, &err));
    assert_false(eca_name_pattern_parse(&pattern, (struct eca_slice){ longest, sizeof longest }, &err));
}

static void test_fits_too_many_components_never(void **state)
{
    static char value[5 * ECA_NAME_COMPONENTS_MAX + 64];
    struct eca_error err = { .text = "" };
    struct eca_name_pattern pattern;
    (void)state;

    assert_true(eca_name_pattern_parse(&pattern, eca_slice_from_text("<I>A=1<S>*,B=1"), &err));
    strcpy(value, "X509:<I>A=1<S>B=1");
    for (int i = 1; i < ECA_NAME_COMPONENTS_MAX; i++)
        strcat(value, ",B=1");
    assert_true(eca_name_pattern_fits(&pattern, eca_slice_from_text(value)));
    strcat(value, ",B=1");
    assert_false(eca_name_pattern_fits(&pattern, eca_slice_from_text(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits_component_by_component),
        cmocka_unit_test(test_parse_what_names_nobody_or_is_broken_is_refused),
        cmocka_unit_test(test_fits_too_many_components_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
