/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns over issuer and subject: component by component, never over the text as a whole. */
#include "name_pattern.h"

#include <string.h>

/*
 * pattern   = [ "X509:" ] "<I>" name "<S>" name
 * name      = component *( "," component )
 * component = "*" / 1*character       — a comma or an angle bracket only between double quotes
 */

struct components {
    struct eca_slice items[ECA_NAME_COMPONENTS_MAX];
    size_t count;
};

static const struct eca_slice asterisk = { (const uint8_t *)"*", 1 };

/* Takes `prefix` from the beginning of `text`; false when it begins otherwise. */
static bool take(struct eca_slice *text, const char *prefix)
{
    const size_t length = strlen(prefix);

    if (text->length < length || memcmp(text->bytes, prefix, length) != 0)
        return false;
    text->bytes += length;
    text->length -= length;
    return true;
}

/* How many bytes stand before `end` outside of quotes; all of them when it does not come. */
static size_t length_before(struct eca_slice text, const char *end)
{
    const size_t length = strlen(end);
    bool quoted = false;

    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"')
            quoted = !quoted;
        if (!quoted && text.length - i >= length && memcmp(text.bytes + i, end, length) == 0)
            return i;
    }
    return text.length;
}

/* The two names of "<I>" issuer "<S>" subject. */
static bool split(struct eca_name_pattern *out, struct eca_slice text)
{
    size_t length;

    (void)take(&text, "X509:");
    if (!take(&text, "<I>"))
        return false;
    length = length_before(text, "<S>");
    out->issuer = (struct eca_slice){ text.bytes, length };
    text = (struct eca_slice){ text.bytes + length, text.length - length };
    out->subject = text;
    return take(&out->subject, "<S>") && out->issuer.length > 0 && out->subject.length > 0;
}

/* False for an empty component, and for too many. */
static bool split_name(struct components *out, struct eca_slice name)
{
    out->count = 0;
    for (;;) {
        const size_t length = length_before(name, ",");

        if (length == 0 || out->count == ECA_NAME_COMPONENTS_MAX)
            return false;
        out->items[out->count++] = (struct eca_slice){ name.bytes, length };
        if (length == name.length)
            return true;
        name = (struct eca_slice){ name.bytes + length + 1, name.length - length - 1 };
    }
}

static bool has_open_quote(struct eca_slice text)
{
    bool quoted = false;

    for (size_t i = 0; i < text.length; i++)
        quoted = quoted != (text.bytes[i] == '"');
    return quoted;
}

/* A component that says something: beside asterisks more than TYPE=. */
static bool names_something(const struct components *components)
{
    for (size_t i = 0; i < components->count; i++) {
        const struct eca_slice item = components->items[i];
        const uint8_t *value = memchr(item.bytes, '=', item.length);

        for (value = value == NULL ? item.bytes : value + 1; value < item.bytes + item.length; value++) {
            if (*value != '*' && *value != '"')
                return true;
        }
    }
    return false;
}

static bool check_name(struct eca_slice name, const char *which, struct eca_error *err)
{
    struct components components;

    if (has_open_quote(name))
        return eca_error_set(err, "the %s's double quotes do not pair", which);
    if (!split_name(&components, name))
        return eca_error_set(err, "the %s has an empty component, or more than %d", which, ECA_NAME_COMPONENTS_MAX);
    if (!names_something(&components))
        return eca_error_set(err, "the %s names nobody: every certificate would fit", which);
    return true;
}

bool eca_name_pattern_parse(struct eca_name_pattern *out, struct eca_slice text, struct eca_error *err)
{
    if (text.length > ECA_NAME_PATTERN_MAX)
        return eca_error_set(err, "a pattern has at most %d bytes", ECA_NAME_PATTERN_MAX);
    return (split(out, text) || eca_error_set(err, "a pattern is <I>issuer<S>subject"))
           && check_name(out->issuer, "issuer", err) && check_name(out->subject, "subject", err);
}

static bool equal_byte(uint8_t a, uint8_t b)
{
    return eca_slice_equal_ascii_nocase((struct eca_slice){ &a, 1 }, (struct eca_slice){ &b, 1 });
}

/* On a mismatch only the last asterisk has to take one more: an earlier one could give nothing that it cannot. */
static bool component_fits(struct eca_slice pattern, struct eca_slice text)
{
    size_t p = 0, t = 0, after_asterisk = SIZE_MAX, retry = 0;

    while (t < text.length) {
        if (p < pattern.length && pattern.bytes[p] == '*') {
            after_asterisk = ++p;
            retry = t;
        } else if (p < pattern.length && equal_byte(pattern.bytes[p], text.bytes[t])) {
            p++;
            t++;
        } else if (after_asterisk != SIZE_MAX) {
            p = after_asterisk;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.bytes[p] == '*')
        p++;
    return p == pattern.length;
}

/* The same over components. */
static bool components_fit(const struct components *pattern, const struct components *name)
{
    size_t p = 0, n = 0, after_asterisk = SIZE_MAX, retry = 0;

    while (n < name->count) {
        if (p < pattern->count && eca_slice_equal(pattern->items[p], asterisk)) {
            after_asterisk = ++p;
            retry = n;
        } else if (p < pattern->count && component_fits(pattern->items[p], name->items[n])) {
            p++;
            n++;
        } else if (after_asterisk != SIZE_MAX) {
            p = after_asterisk;
            n = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern->count && eca_slice_equal(pattern->items[p], asterisk))
        p++;
    return p == pattern->count;
}

static bool name_fits(struct eca_slice pattern, struct eca_slice name)
{
    struct components wanted, given;

    return split_name(&wanted, pattern) && split_name(&given, name) && components_fit(&wanted, &given);
}

bool eca_name_pattern_fits(const struct eca_name_pattern *pattern, struct eca_slice issuer_subject)
{
    struct eca_name_pattern names;

    return split(&names, issuer_subject) && name_fits(pattern->issuer, names.issuer)
           && name_fits(pattern->subject, names.subject);
}
