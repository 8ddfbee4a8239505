/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an account file line by line. */
#include "account_file_parse.h"

#include "utf8.h"

#include <string.h>

#define LINE_MAX_BYTES 8192
#define FILETIME_PER_SECOND 10000000
#define FILETIME_EPOCH 11644473600 /* seconds from 1601 to 1970 */
#define CERTIFICATE_DIGITS 64      /* of a SHA-256 */

/*
 * file       = [ BOM ] *( line ( LF / CR LF ) )     — the last line ends, too: half a file is none
 * line       = *WSP [ comment / section / assignment ] *WSP
 * comment    = ( "#" / ";" ) *character
 * section    = "[" name "]"
 * assignment = key *WSP "=" *WSP value
 * character  = UTF-8 without control characters; WSP = space / tab
 */

struct reader {
    struct eca_account_file *file;
    const char *extra_attribute;
    struct eca_file_account *account; /* NULL before the first section */
    int64_t default_created;
    unsigned seen;          /* bit i: rows[i] stood in this section */
    struct eca_error about; /* the line that is being read */
};

typedef bool set_function(struct reader *reader, struct eca_slice value);

static set_function set_domain, set_netbios, set_created, set_upn, set_mail, set_sid, set_expires, set_disabled,
    add_mapping, add_certificate, add_pattern;

/* What may stand before the first section, in one, and there more than once. */
static const struct row {
    const char *key;
    set_function *set;
    bool before, within, often;
} rows[] = {
    { "domain", set_domain, true, false, false },   { "netbios", set_netbios, true, false, false },
    { "created", set_created, true, true, false },  { "upn", set_upn, false, true, false },
    { "mail", set_mail, false, true, false },       { "sid", set_sid, false, true, false },
    { "expires", set_expires, false, true, false }, { "disabled", set_disabled, false, true, false },
    { "map", add_mapping, false, true, true },      { "certificate", add_certificate, false, true, true },
    { "match", add_pattern, false, true, true },
};
#define ROWS (sizeof rows / sizeof rows[0])
#define ATTRIBUTE "attribute."
#define ATTRIBUTE_BIT (1u << ROWS)

static bool copy(struct reader *reader, const char **out, struct eca_slice value, size_t capacity)
{
    if (value.length >= capacity)
        return eca_error_set(&reader->about, "longer than %zu bytes", capacity - 1);
    *out = eca_account_file_copy(reader->file, value);
    return true;
}

/* As eca_account_domain_from_dn() would write it. */
static bool set_domain(struct reader *reader, struct eca_slice value)
{
    char lower[ECA_ACCOUNT_DOMAIN_MAX];

    if (value.length >= sizeof lower)
        return eca_error_set(&reader->about, "longer than %zu bytes", sizeof lower - 1);
    for (size_t i = 0; i < value.length; i++) {
        const uint8_t byte = value.bytes[i];

        lower[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    eca_account_file_set_domain(
        reader->file, eca_account_file_copy(reader->file, (struct eca_slice){ (const uint8_t *)lower, value.length }));
    return true;
}

static bool set_netbios(struct reader *reader, struct eca_slice value)
{
    const char *name = NULL;

    if (!copy(reader, &name, value, ECA_ACCOUNT_NETBIOS_MAX))
        return false;
    eca_account_file_set_netbios(reader->file, name);
    return true;
}

static bool take_number(const char **at, size_t digits, int *out)
{
    *out = 0;
    for (; digits > 0; digits--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

/* YYYY-MM-DD, the beginning of that day in UTC. */
static bool read_date(struct reader *reader, struct eca_slice value, int64_t *out)
{
    static const int days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    char text[11] = "";
    const char *at = text;
    int year = 0, month = 0, day = 0;
    bool leap, good;

    if (value.length == 10)
        memcpy(text, value.bytes, 10);
    good = take_number(&at, 4, &year) && *at++ == '-' && take_number(&at, 2, &month) && *at++ == '-'
           && take_number(&at, 2, &day) && year >= 1970 && month >= 1 && month <= 12 && day >= 1;
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (!good || day > days[month - 1] + (leap && month == 2 ? 1 : 0))
        return eca_error_set(&reader->about, "not a date from 1970 on; write it as 2026-01-31");
    year--; /* leap days of whole years before this one */
    *out = ((int64_t)(year - 1969) * 365 + (year / 4 - year / 100 + year / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
            + days_before[month - 1] + (leap && month > 2 ? 1 : 0) + day - 1)
           * 86400;
    return true;
}

static bool set_created(struct reader *reader, struct eca_slice value)
{
    return read_date(reader, value,
                     reader->account == NULL ? &reader->default_created : &reader->account->when_created);
}

static bool set_expires(struct reader *reader, struct eca_slice value)
{
    int64_t seconds = 0;

    if (!read_date(reader, value, &seconds))
        return false;
    reader->account->account_expires = (seconds + FILETIME_EPOCH) * FILETIME_PER_SECOND;
    return true;
}

static bool set_disabled(struct reader *reader, struct eca_slice value)
{
    reader->account->disabled = eca_slice_equal_ascii_nocase(value, eca_slice_from_text("yes"));
    return reader->account->disabled || eca_slice_equal_ascii_nocase(value, eca_slice_from_text("no"))
           || eca_error_set(&reader->about, "write disabled = yes or disabled = no");
}

static bool set_upn(struct reader *reader, struct eca_slice value)
{
    eca_account_file_index(reader->file, reader->account, ECA_ACCOUNT_VALUE_UPN, value);
    return (memchr(value.bytes, '@', value.length) != NULL || eca_error_set(&reader->about, "a UPN is name@suffix"))
           && copy(reader, &reader->account->upn, value, ECA_ACCOUNT_UPN_MAX);
}

static bool set_mail(struct reader *reader, struct eca_slice value)
{
    eca_account_file_index(reader->file, reader->account, ECA_ACCOUNT_VALUE_MAIL, value);
    return copy(reader, &reader->account->mail, value, ECA_ACCOUNT_MAIL_MAX);
}

static bool set_sid(struct reader *reader, struct eca_slice value)
{
    uint8_t binary[ECA_SID_BINARY_MAX];
    char text[ECA_SID_TEXT_MAX];
    size_t length = 0;

    if (!eca_sid_parse_text(text, value))
        return eca_error_set(&reader->about, "not a SID; write it as S-1-5-21-1-2-3-1001");
    length = eca_sid_to_binary(binary, text);
    if (eca_account_file_has(reader->file, ECA_ACCOUNT_VALUE_SID, (struct eca_slice){ binary, length }))
        return eca_error_set(&reader->about, "another account has this SID");
    eca_account_file_index(reader->file, reader->account, ECA_ACCOUNT_VALUE_SID, (struct eca_slice){ binary, length });
    return copy(reader, &reader->account->sid, eca_slice_from_text(text), ECA_SID_TEXT_MAX);
}

static bool holds(struct eca_slice value, const char *part)
{
    return memmem(value.bytes, value.length, part, strlen(part)) != NULL;
}

static bool begins(struct eca_slice value, const char *prefix)
{
    const size_t length = strlen(prefix);

    return value.length > length
           && eca_slice_equal_ascii_nocase((struct eca_slice){ value.bytes, length }, eca_slice_from_text(prefix));
}

/* A value that no certificate can have would be a silent mistake; an issuer alone would be every certificate's. */
static bool add_mapping(struct reader *reader, struct eca_slice value)
{
    const bool possible = begins(value, "X509:<SKI>") || begins(value, "X509:<SHA1-PUKEY>") || begins(value, "X509:<S>")
                          || begins(value, "X509:<RFC822>")
                          || (begins(value, "X509:<I>")
                              && (holds(value, "<SR>") || holds(value, "<S>") || holds(value, "<SID>")));

    if (!possible || value.length >= ECA_MAPPING_VALUE_MAX)
        return eca_error_set(&reader->about, "no certificate has this value; write one that eas-certauth map prints");
    eca_account_file_index(reader->file, reader->account, ECA_ACCOUNT_VALUE_MAPPING, value);
    return true;
}

static int digit_of(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = byte == '\0' ? NULL : strchr(digits, byte >= 'A' && byte <= 'F' ? byte | 0x20 : byte);

    return found == NULL ? -1 : (int)(found - digits);
}

static bool add_certificate(struct reader *reader, struct eca_slice value)
{
    uint8_t digest[CERTIFICATE_DIGITS / 2] = { 0 };

    for (size_t i = 0; i < CERTIFICATE_DIGITS; i++) {
        const int digit = value.length == CERTIFICATE_DIGITS ? digit_of(value.bytes[i]) : -1;

        if (digit < 0)
            return eca_error_set(&reader->about,
                                 "not the %d hexadecimal digits of a certificate's SHA-256; eas-certauth "
                                 "map prints them",
                                 CERTIFICATE_DIGITS);
        digest[i / 2] = (uint8_t)(digest[i / 2] << 4 | digit);
    }
    eca_account_file_index(reader->file, reader->account, ECA_ACCOUNT_VALUE_CERTIFICATE,
                           (struct eca_slice){ digest, sizeof digest });
    return true;
}

static bool add_pattern(struct reader *reader, struct eca_slice value)
{
    struct eca_name_pattern pattern;

    return eca_name_pattern_parse(&pattern, value, &reader->about)
           && eca_account_file_index_pattern(reader->file, reader->account, &pattern, &reader->about);
}

/* Every attribute may stand in the file; the one that the configuration names is kept. */
static bool set_attribute(struct reader *reader, struct eca_slice name, struct eca_slice value)
{
    if (reader->account == NULL)
        return eca_error_set(&reader->about, "belongs to an account, below its [name]");
    if (reader->extra_attribute == NULL
        || !eca_slice_equal_ascii_nocase(name, eca_slice_from_text(reader->extra_attribute)))
        return true;
    if ((reader->seen & ATTRIBUTE_BIT) != 0)
        return eca_error_set(&reader->about, "the account has it already");
    reader->seen |= ATTRIBUTE_BIT;
    return copy(reader, &reader->account->attribute, value, ECA_ACCOUNT_ATTRIBUTE_MAX);
}

static bool assign(struct reader *reader, struct eca_slice key, struct eca_slice value)
{
    if (value.length == 0)
        return eca_error_set(&reader->about, "no value behind the equals sign");
    if (begins(key, ATTRIBUTE)) {
        const size_t prefix = strlen(ATTRIBUTE);

        return set_attribute(reader, (struct eca_slice){ key.bytes + prefix, key.length - prefix }, value);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (!eca_slice_equal_ascii_nocase(key, eca_slice_from_text(rows[i].key)))
            continue;
        if (reader->account == NULL ? !rows[i].before : !rows[i].within)
            return eca_error_set(&reader->about,
                                 reader->account == NULL ? "%s belongs to an account, below its [name]"
                                                         : "%s belongs before the first [name]",
                                 rows[i].key);
        if (!rows[i].often && (reader->seen >> i & 1) != 0)
            return eca_error_set(&reader->about, "%s stands here for the second time", rows[i].key);
        reader->seen |= 1u << i;
        return rows[i].set(reader, value);
    }
    return eca_error_set(&reader->about,
                         "\"%.*s\" is unknown; known are domain, netbios, created, upn, mail, sid, expires, "
                         "disabled, map, certificate, match and attribute.NAME",
                         (int)(key.length < 64 ? key.length : 64), (const char *)key.bytes);
}

/* A login name is split at these, so no account could be reached by such a name. */
static bool begin_account(struct reader *reader, struct eca_slice name)
{
    if (name.length == 0 || name.length >= ECA_ACCOUNT_NAME_MAX || memchr(name.bytes, '@', name.length) != NULL
        || memchr(name.bytes, '\\', name.length) != NULL)
        return eca_error_set(&reader->about,
                             "an account's name has 1 to %d bytes, without @ and backslash; what has an @ "
                             "is its upn",
                             ECA_ACCOUNT_NAME_MAX - 1);
    if (eca_account_file_has(reader->file, ECA_ACCOUNT_VALUE_NAME, name))
        return eca_error_set(&reader->about, "there is an account [%.*s] already", (int)name.length,
                             (const char *)name.bytes);
    reader->account = eca_account_file_add(reader->file, eca_account_file_copy(reader->file, name), &reader->about);
    reader->seen = 0;
    if (reader->account == NULL)
        return false;
    reader->account->when_created = reader->default_created;
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct eca_slice trim(struct eca_slice text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

static bool read_line(struct reader *reader, struct eca_slice line)
{
    const uint8_t *equals = NULL;
    struct eca_slice key, value;

    line = trim(line);
    if (line.length == 0 || line.bytes[0] == '#' || line.bytes[0] == ';')
        return true;
    if (line.bytes[0] == '[' && line.bytes[line.length - 1] == ']') {
        key = trim((struct eca_slice){ line.bytes + 1, line.length - 2 });
        return (eca_utf8_is_clean(key) || eca_error_set(&reader->about, "control characters or invalid UTF-8"))
               && begin_account(reader, key);
    }
    equals = memchr(line.bytes, '=', line.length);
    if (equals == NULL || line.bytes[0] == '[')
        return eca_error_set(&reader->about, "neither [name] nor key = value");
    key = trim((struct eca_slice){ line.bytes, (size_t)(equals - line.bytes) });
    value = trim((struct eca_slice){ equals + 1, line.length - (size_t)(equals - line.bytes) - 1 });
    if (!eca_utf8_is_clean(key) || !eca_utf8_is_clean(value))
        return eca_error_set(&reader->about, "control characters or invalid UTF-8");
    return assign(reader, key, value);
}

/* Takes the first line, without what ends it. */
static bool take_line(struct eca_slice *text, struct eca_slice *line, struct eca_error *err)
{
    const uint8_t *end = memchr(text->bytes, '\n', text->length);

    if (end == NULL)
        return eca_error_set(err, "the file ends within this line; was it cut?");
    *line = (struct eca_slice){ text->bytes, (size_t)(end - text->bytes) };
    text->length -= line->length + 1;
    text->bytes = end + 1;
    if (line->length > 0 && line->bytes[line->length - 1] == '\r')
        line->length--;
    return line->length <= LINE_MAX_BYTES || eca_error_set(err, "longer than %d bytes", LINE_MAX_BYTES);
}

static bool read_lines(struct reader *reader, struct eca_slice text, struct eca_error *err)
{
    struct eca_slice line = { NULL, 0 };

    for (unsigned long number = 1; text.length > 0; number++) {
        if (!take_line(&text, &line, &reader->about) || !read_line(reader, line))
            return eca_error_set(err, "line %lu: %s", number, reader->about.text);
    }
    return true;
}

struct eca_account_file *eca_account_file_parse(struct eca_slice text, const char *extra_attribute,
                                                struct eca_error *err)
{
    static const uint8_t byte_order_mark[] = { 0xef, 0xbb, 0xbf };
    struct reader reader = { .extra_attribute = extra_attribute, .about = { .text = "" } };

    if (text.length > ECA_ACCOUNT_FILE_BYTES_MAX) {
        eca_error_set(err, "line 1: the file has more than %zu bytes", ECA_ACCOUNT_FILE_BYTES_MAX);
        return NULL;
    }
    if (text.length >= sizeof byte_order_mark && memcmp(text.bytes, byte_order_mark, sizeof byte_order_mark) == 0) {
        text.bytes += sizeof byte_order_mark;
        text.length -= sizeof byte_order_mark;
    }
    reader.file = eca_account_file_create();
    if (reader.file == NULL)
        eca_error_set(err, "out of memory");
    else if (read_lines(&reader, text, err))
        return reader.file;
    eca_account_file_close(reader.file);
    return NULL;
}
