/* SPDX-License-Identifier: Apache-2.0 */
#include "activesync.h"

#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *why;
    struct eca_slice query;
    bool read;
    const char *command, *user, *device_id, *device_type, *version;
};

/* Parsed into exactly the room that is asked for, whose end a sanitizer guards; the caller frees *memory. */
static bool parse(struct eca_activesync *out, char **memory, struct eca_slice query)
{
    const size_t room = eca_activesync_room(query.length);

    assert_true(room <= ECA_ACTIVESYNC_ROOM_MAX);
    *memory = malloc(room);
    assert_non_null(*memory);
    memset(*memory, 'x', room);
    memset(out, 'x', sizeof *out);
    return eca_activesync_parse_query(out, query, *memory);
}

/* `text` is "" where nothing is said. */
static void check_text(const char *said, const char *text)
{
    if (text[0] == '\0')
        assert_null(said);
    else
        assert_string_equal(said, text);
}

static void check(const struct row *row)
{
    struct eca_activesync out;
    char *memory = NULL;

    SAY_WHY(row);
    assert_int_equal(parse(&out, &memory, row->query), row->read);
    check_text(out.command, row->command);
    check_text(out.user, row->user);
    check_text(out.device_id, row->device_id);
    check_text(out.device_type, row->device_type);
    check_text(out.protocol_version, row->version);
    free(memory);
}

#define NOTHING false, "", "", "", "", ""

static void test_parse_query_plain_values_are_shown_as_sent(void **state)
{
    static const struct row rows[] = {
        { "an ordinary one", SLICE("Cmd=Sync&User=alice&DeviceId=ApplF2L&DeviceType=iPhone"), true, "Sync", "alice",
          "ApplF2L", "iPhone", "" },
        { "URL-encoded domain", SLICE("User=contoso%5Cbob&Cmd=Ping"), true, "Ping", "contoso\\bob", "", "", "" },
        { "the same, not encoded", SLICE("Cmd=Ping&User=contoso\\bob"), true, "Ping", "contoso\\bob", "", "", "" },
        { "UPN", SLICE("Cmd=Ping&User=bob%40contoso.com"), true, "Ping", "bob@contoso.com", "", "", "" },
        { "case of the names", SLICE("cmd=Sync&DEVICEID=x"), true, "Sync", "", "x", "", "" },
        { "a plus is part of a name", SLICE("User=a+b"), true, "", "a+b", "", "", "" },
        { "UTF-8", SLICE("User=%C5%81ukasz"), true, "", "\xc5\x81ukasz", "", "", "" },
        { "other parameters around", SLICE("x=1&Cmd=Sync&CollectionId=5&"), true, "Sync", "", "", "", "" },
        { "the first of two counts", SLICE("User=alice&User=bob"), true, "", "alice", "", "", "" },
        { "nothing said", SLICE("Cmd=&User="), true, "", "", "", "", "" },
        { "a percent sign without digits stays", SLICE("User=100%&DeviceType=%zz"), true, "", "100%", "", "%zz", "" },
        { "one digit only", SLICE("User=%4"), true, "", "%4", "", "", "" },
        { "a forged log line", SLICE("User=x%0D%0AECA4000"), true, "", "x??ECA4000", "", "", "" },
        { "NUL", SLICE("User=bob%00x"), true, "", "bob?x", "", "", "" },
        { "Latin-1", SLICE("User=j%FCrgen"), true, "", "j?rgen", "", "", "" },
        { "CSI as C1, which terminals obey too", SLICE("User=x%C2%9B2J"), true, "", "x?2J", "", "", "" },
        { "the first letter behind C1", SLICE("User=%C2%A1"), true, "", "\xc2\xa1", "", "", "" },
        { "encoded at the end, and twice", SLICE("User=%41%42&Cmd=P%69n%67"), true, "Ping", "AB", "", "", "" },
        { "bytes as device id", SLICE("DeviceId=%01%ff"), true, "", "", "01ff", "", "" },
        { "a command longer than any", SLICE("Cmd=0123456789012345678901234567890123456789"), true,
          "0123456789012345678901234567890", "", "", "", "" },
        { "nothing", SLICE(""), NOTHING },
        { "neither form", SLICE("hello&world"), NOTHING },
        { "parameters of something else", SLICE("a=b&c=d"), NOTHING },
        { "a name without a value", SLICE("Cmd&User"), NOTHING },
        { "a name that only begins so", SLICE("Cmdx=1&User2=x"), NOTHING },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void test_parse_query_base64_values_follow_ms_ashttp(void **state)
{
    static const struct row rows[] = {
        { "the example of MS-ASHTTP", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l"), true, "Sync", "", "v140Device",
          "SmartPhone", "14.0" },
        { "a binary device id", SLICE("jRIJBBBIIEnixExH44Q4QQ5BjpsCBB8dp+AGaVBob25l"), true, "Ping", "",
          "482049e2c44c47e38438410e418e9b02", "iPhone", "14.1" },
        { "options and user behind", SLICE("oQEJBAdBcHBsQUJDBAEAAAAGaVBob25lBwEBCAtjb250b3NvXGJvYg=="), true,
          "SendMail", "contoso\\bob", "ApplABC", "iPhone", "16.1" },
        { "padding URL-encoded", SLICE("oQEJBAdBcHBsQUJDBAEAAAAGaVBob25lBwEBCAtjb250b3NvXGJvYg%3D%3d"), true,
          "SendMail", "contoso\\bob", "ApplABC", "iPhone", "16.1" },
        { "padding left out", SLICE("oQEJBAdBcHBsQUJDBAEAAAAGaVBob25lBwEBCAtjb250b3NvXGJvYg"), true,
          "SendMail", "contoso\\bob", "ApplABC", "iPhone", "16.1" },
        { "plus URL-encoded", SLICE("jRIJBBBIIEnixExH44Q4QQ5BjpsCBB8dp%2BAGaVBob25l"), true, "Ping", "",
          "482049e2c44c47e38438410e418e9b02", "iPhone", "14.1" },
        { "one character lost", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25"), NOTHING },
        { "one character too many", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25lA"), NOTHING },
        { "a blank inside", SLICE("jAAJBAp2MTQw RGV2aWNlAApTbWFydFBob25l"), NOTHING },
        { "padding in the middle", SLICE("jAAJBAp2MTQwRGV2aWNlAA==pTbWFydFBob25l"), NOTHING },
        { "three of padding", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25lA==="), NOTHING },
        { "padding where none belongs", SLICE("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l="), NOTHING },
        { "only padding", SLICE("=="), NOTHING },
        { "base64 of nothing known", SLICE("aGVsbG8gd29ybGQh"), NOTHING },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

/* RFC 4648 again, the other way round and independent of the code: three bytes, four digits. */
static size_t encode(char *out, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t written = 0;

    for (size_t i = 0; i < length; i += 3) {
        const unsigned a = bytes[i];
        const unsigned b = i + 1 < length ? bytes[i + 1] : 0;
        const unsigned c = i + 2 < length ? bytes[i + 2] : 0;

        out[written++] = digits[a / 4];
        out[written++] = digits[a % 4 * 16 + b / 16];
        out[written++] = i + 1 < length ? digits[b % 16 * 4 + c / 64] : '=';
        out[written++] = i + 2 < length ? digits[c % 64] : '=';
    }
    return written;
}

/* "\x8c\x00\x09\x04": 14.0, Sync, 0x0409 */
static void test_parse_query_binary_structures_are_read_whole_or_not(void **state)
{
    static const struct row rows[] = {
        { "no device id, no key, no type", SLICE("\x8c\x00\x09\x04\0\0\0"), true, "Sync", "", "", "", "14.0" },
        { "12.1", SLICE("\x79\x09\x09\x04\x01" "d\0\x01t"), true, "FolderSync", "", "d", "t", "12.1" },
        { "16.0, the last command", SLICE("\xa0\x16\x09\x04\x01" "d\0\x01t"), true, "ValidateCert", "", "d", "t",
          "16.0" },
        { "a code between the known ones", SLICE("\x8c\x05\x09\x04\x01" "d\0\x01t"), true, "5", "", "d", "t", "14.0" },
        { "a code behind the last", SLICE("\x8c\x17\x09\x04\x01" "d\0\x01t"), true, "23", "", "d", "t", "14.0" },
        { "the highest code", SLICE("\x8c\xff\x09\x04\x01" "d\0\x01t"), true, "255", "", "d", "t", "14.0" },
        { "an unknown tag is skipped", SLICE("\x8c\0\x09\x04\x01" "d\0\x01t" "\x63\x02xx\x08\x03" "bob"), true, "Sync",
          "bob", "d", "t", "14.0" },
        { "a user with control characters", SLICE("\x8c\0\x09\x04\x01" "d\0\x01t" "\x08\x03" "b\nb"), true, "Sync",
          "b?b", "d", "t", "14.0" },
        { "one byte that is not printable makes the id hexadecimal", SLICE("\x8c\0\x09\x04\x02" "d\x7f\0\x01t"), true,
          "Sync", "", "647f", "t", "14.0" },
        { "14.1", SLICE("\x8d\x00\x09\x04\0\0\0") , true, "Sync", "", "", "", "14.1" },
        { "14.2", SLICE("\x8e\x00\x09\x04\0\0\0"), NOTHING },
        { "12.0 has no such form", SLICE("\x78\x00\x09\x04\0\0\0"), NOTHING },
        { "no type", SLICE("\x8c\x00\x09\x04\0\0"), NOTHING },
        { "cut in the locale", SLICE("\x8c\x00\x09"), NOTHING },
        { "device id longer than what is there", SLICE("\x8c\x00\x09\x04\xff" "d\0\0"), NOTHING },
        { "a key of two bytes", SLICE("\x8c\x00\x09\x04\0\x02\0\0\0"), NOTHING },
        { "a key cut", SLICE("\x8c\x00\x09\x04\0\x04\0\0\0"), NOTHING },
        { "type cut", SLICE("\x8c\x00\x09\x04\0\0\x02t"), NOTHING },
        { "a tag without length", SLICE("\x8c\x00\x09\x04\0\0\0\x08"), NOTHING },
        { "a tag cut", SLICE("\x8c\x00\x09\x04\0\0\0\x08\x04" "bob"), NOTHING },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        struct row row = rows[i];

        row.query = (struct eca_slice){ (uint8_t *)text, encode(text, rows[i].query.bytes, rows[i].query.length) };
        check(&row);
    }
}

static void test_parse_query_every_command_code_has_its_name(void **state)
{
    static const struct {
        uint8_t code;
        const char *name;
    } rows[] = {
        { 0, "Sync" }, { 1, "SendMail" }, { 2, "SmartForward" }, { 3, "SmartReply" }, { 4, "GetAttachment" },
        { 9, "FolderSync" }, { 10, "FolderCreate" }, { 11, "FolderDelete" }, { 12, "FolderUpdate" },
        { 13, "MoveItems" }, { 14, "GetItemEstimate" }, { 15, "MeetingResponse" }, { 16, "Search" },
        { 17, "Settings" }, { 18, "Ping" }, { 19, "ItemOperations" }, { 20, "Provision" },
        { 21, "ResolveRecipients" }, { 22, "ValidateCert" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const uint8_t bytes[] = { 140, rows[i].code, 9, 4, 0, 0, 0 };
        char text[16];
        struct eca_activesync out;
        char *memory = NULL;

        assert_true(parse(&out, &memory,
                          (struct eca_slice){ (uint8_t *)text, encode(text, bytes, sizeof bytes) }));
        assert_string_equal(out.command, rows[i].name);
        free(memory);
    }
}

static size_t length_of(const char *said)
{
    return said == NULL ? 0 : strlen(said);
}

static void test_parse_query_long_values_are_cut_between_characters(void **state)
{
    static const struct {
        const char *why;
        const char *begin;
        int zeros;
        const char *end;
        size_t command, user, device_id, device_type;
    } rows[] = {
        { "254 bytes and then one character of two", "User=", 254, "\xc3\xa9", 0, 254, 0, 0 },
        { "all that fits", "User=", 255, "", 0, 255, 0, 0 },
        { "one more", "DeviceType=", 256, "", 0, 0, 0, 255 },
        { "a command", "Cmd=", 40, "", 31, 0, 0, 0 },
        { "a whole number of bytes in hexadecimal", "DeviceId=%01", 200, "", 0, 0, 254, 0 },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char query[1024];
        struct eca_activesync out;
        char *memory = NULL;
        size_t length = 0;

        SAY_WHY(&rows[i]);
        length = (size_t)snprintf(query, sizeof query, "%s%0*d%s", rows[i].begin, rows[i].zeros, 0, rows[i].end);
        assert_true(parse(&out, &memory, (struct eca_slice){ (uint8_t *)query, length }));
        assert_int_equal(length_of(out.command), rows[i].command);
        assert_int_equal(length_of(out.user), rows[i].user);
        assert_int_equal(length_of(out.device_id), rows[i].device_id);
        assert_int_equal(length_of(out.device_type), rows[i].device_type);
        free(memory);
    }
}

/* Four bytes show as one at least: 1024 of them, 3072 as they are sent, are more than enough for 255. */
static void test_parse_query_long_values_fill_their_room_whatever_they_hold(void **state)
{
    static const char *const units[] = { "%41", "%ff", "%f0%9f%98%80", "%c3%a9" };
    (void)state;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        char query[4096];
        struct eca_activesync out;
        char *memory = NULL;
        size_t length = (size_t)snprintf(query, sizeof query, "Cmd=Ping&User=");

        while (length + strlen(units[i]) < sizeof query)
            length += (size_t)snprintf(query + length, sizeof query - length, "%s", units[i]);
        assert_true(parse(&out, &memory, (struct eca_slice){ (uint8_t *)query, length }));
        assert_string_equal(out.command, "Ping");
        assert_in_range(strlen(out.user), 252, 255);
        free(memory);
    }
}

static void test_parse_query_longest_of_all_have_room(void **state)
{
    char query[1024];
    struct eca_activesync out;
    char *memory = NULL;
    const size_t length = (size_t)snprintf(
        query, sizeof query, "Cmd=%031d&User=%0255d&DeviceId=%%01%0200d&DeviceType=%0255d", 0, 0, 0, 0);
    (void)state;

    assert_true(parse(&out, &memory, (struct eca_slice){ (uint8_t *)query, length }));
    assert_int_equal(strlen(out.command), 31);
    assert_int_equal(strlen(out.user), 255);
    assert_int_equal(strlen(out.device_id), 254);
    assert_int_equal(strlen(out.device_type), 255);
    free(memory);
}

static void test_parse_query_longer_than_4096_is_neither_form(void **state)
{
    char query[4098];
    struct eca_activesync out;
    char *memory = NULL;
    (void)state;

    (void)snprintf(query, sizeof query, "Cmd=Sync&User=%04083d", 0);
    assert_true(parse(&out, &memory, (struct eca_slice){ (uint8_t *)query, 4096 }));
    free(memory);
    assert_false(parse(&out, &memory, (struct eca_slice){ (uint8_t *)query, 4097 }));
    assert_null(out.command);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_query_plain_values_are_shown_as_sent),
        cmocka_unit_test(test_parse_query_base64_values_follow_ms_ashttp),
        cmocka_unit_test(test_parse_query_binary_structures_are_read_whole_or_not),
        cmocka_unit_test(test_parse_query_every_command_code_has_its_name),
        cmocka_unit_test(test_parse_query_long_values_are_cut_between_characters),
        cmocka_unit_test(test_parse_query_long_values_fill_their_room_whatever_they_hold),
        cmocka_unit_test(test_parse_query_longest_of_all_have_room),
        cmocka_unit_test(test_parse_query_longer_than_4096_is_neither_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
