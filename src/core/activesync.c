/* SPDX-License-Identifier: Apache-2.0 */
/* What an ActiveSync request says about itself, so that an administrator finds the phone in the log. */
#include "activesync.h"

#include "escape.h"
#include "hot.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

#define QUERY_MAX 4096
#define VALUE_MAX (4 * ECA_ACTIVESYNC_TEXT_MAX) /* more is not looked at: four bytes show as one at least */

#define TAG_USER 8

/* MS-ASHTTP 2.2.1.1.1.1.2 */
static const char *const commands[] = {
    [0] = "Sync",
    [1] = "SendMail",
    [2] = "SmartForward",
    [3] = "SmartReply",
    [4] = "GetAttachment",
    [9] = "FolderSync",
    [10] = "FolderCreate",
    [11] = "FolderDelete",
    [12] = "FolderUpdate",
    [13] = "MoveItems",
    [14] = "GetItemEstimate",
    [15] = "MeetingResponse",
    [16] = "Search",
    [17] = "Settings",
    [18] = "Ping",
    [19] = "ItemOperations",
    [20] = "Provision",
    [21] = "ResolveRecipients",
    [22] = "ValidateCert",
};

/* Copies what is fit to be read, "?" for the rest, whole characters only. */
static void show(char *out, size_t capacity, struct eca_slice value)
{
    struct eca_strbuf text;

    eca_strbuf_init(&text, out, capacity);
    if (eca_escape_is_plain(value)) { /* nearly every one is */
        eca_strbuf_append(&text, value.bytes, value.length < capacity ? value.length : capacity - 1);
        return;
    }
    while (value.length > 0 && !text.overflow) {
        size_t length = eca_utf8_first(value);

        if (length == 0 || eca_escape_is_control((struct eca_slice){ value.bytes, length })) {
            length = length == 0 ? 1 : length;
            eca_strbuf_text(&text, "?");
        } else {
            eca_strbuf_append(&text, value.bytes, length);
        }
        value.bytes += length;
        value.length -= length;
    }
}

static void show_device_id(struct eca_activesync *out, struct eca_slice id)
{
    struct eca_strbuf text;

    if (eca_escape_is_plain(id)) {
        show(out->device_id, sizeof out->device_id, id);
        return;
    }
    eca_strbuf_init(&text, out->device_id, sizeof out->device_id);
    eca_strbuf_hex(&text, id);
}

static void show_command(struct eca_activesync *out, uint8_t code)
{
    const char *name = code < sizeof commands / sizeof commands[0] ? commands[code] : NULL;

    if (name != NULL)
        (void)snprintf(out->command, sizeof out->command, "%s", name);
    else
        (void)snprintf(out->command, sizeof out->command, "%u", code);
}

static bool take(struct eca_slice *rest, size_t length, struct eca_slice *out)
{
    if (length > rest->length)
        return false;
    *out = (struct eca_slice){ rest->bytes, length };
    rest->bytes += length;
    rest->length -= length;
    return true;
}

/* length(1), that many bytes */
static bool take_counted(struct eca_slice *rest, struct eca_slice *out)
{
    struct eca_slice length;

    return take(rest, 1, &length) && take(rest, *length.bytes, out);
}

static bool is_known_version(uint8_t version)
{
    return version == 121 || version == 140 || version == 141 || version == 160 || version == 161;
}

/*
 * version(1) command(1) locale(2) device-id policy-key device-type *( tag(1) value )
 * device-id, policy-key (0 or 4 bytes), device-type, value = length(1) that many bytes
 *                                                                MS-ASHTTP 2.2.1.1.1.1
 */
static bool parse_binary(struct eca_activesync *out, struct eca_slice rest)
{
    struct eca_slice head, device_id, policy_key, device_type, tag, value;
    struct eca_slice user = { NULL, 0 };

    if (!take(&rest, 4, &head) || !is_known_version(head.bytes[0]))
        return false;
    if (!take_counted(&rest, &device_id) || !take_counted(&rest, &policy_key)
        || (policy_key.length != 0 && policy_key.length != 4) || !take_counted(&rest, &device_type))
        return false;
    while (take(&rest, 1, &tag)) {
        if (!take_counted(&rest, &value))
            return false;
        if (*tag.bytes == TAG_USER)
            user = value;
    }
    (void)snprintf(out->protocol_version, sizeof out->protocol_version, "%u.%u", head.bytes[0] / 10u,
                   head.bytes[0] % 10u);
    show_command(out, head.bytes[1]);
    show_device_id(out, device_id);
    show(out->device_type, sizeof out->device_type, device_type);
    show(out->user, sizeof out->user, user);
    return true;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        return (byte | 0x20) - 'a' + 10;
    return -1;
}

/*
 * The next byte, percent-decoded. A "%" without two digits stays (clients do not always encode), and so does "+": user
 * names hold it.
 */
ECA_HOT static uint8_t take_byte(struct eca_slice *rest)
{
    const bool escape = rest->bytes[0] == '%' && rest->length > 2;
    const int high = escape ? hex_digit(rest->bytes[1]) : -1;
    const int low = escape ? hex_digit(rest->bytes[2]) : -1;
    const bool decoded = high >= 0 && low >= 0;
    const size_t taken = decoded ? 3 : 1;
    uint8_t byte = rest->bytes[0];

    if (decoded)
        byte = (uint8_t)(high << 4 | low);
    rest->bytes += taken;
    rest->length -= taken;
    return byte;
}

/* Into `room`, what it holds. */
static struct eca_slice decode_percent(uint8_t *room, size_t capacity, struct eca_slice value)
{
    size_t length = 0;

    while (value.length > 0 && length < capacity)
        room[length++] = take_byte(&value);
    return (struct eca_slice){ room, length };
}

static int base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* In place (RFC 4648 section 4; padding may be missing, as clients drop it); false for any other byte. */
static bool decode_base64(uint8_t *bytes, struct eca_slice *value)
{
    uint32_t bits = 0;
    size_t digits = value->length;
    size_t length = 0;

    while (digits > 0 && value->length - digits < 2 && bytes[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits != value->length && value->length % 4 != 0))
        return false;
    for (size_t i = 0; i < digits; i++) {
        const int digit = base64_digit(bytes[i]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0)
            bytes[length++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *value = (struct eca_slice){ bytes, length };
    return true;
}

/* Not inlined: a plain query needs no page of the stack for this. */
__attribute__((noinline)) static bool parse_base64(struct eca_activesync *out, struct eca_slice query)
{
    uint8_t room[QUERY_MAX];
    struct eca_slice value = decode_percent(room, sizeof room, query);

    return decode_base64(room, &value) && parse_binary(out, value);
}

#define PARAMETER(name, member)                                                                                        \
    {                                                                                                                  \
        { (const uint8_t *)(name), sizeof(name) - 1 }, offsetof(struct eca_activesync, member),                        \
            sizeof((struct eca_activesync *)0)->member                                                                 \
    }

/* Keys without case, as ASP.NET reads them. */
static const struct parameter {
    struct eca_slice name;
    size_t offset, capacity;
} parameters[] = {
    PARAMETER("Cmd", command),
    PARAMETER("User", user),
    PARAMETER("DeviceId", device_id),
    PARAMETER("DeviceType", device_type),
};

static const struct parameter *find_parameter(struct eca_slice key)
{
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (eca_slice_equal_ascii_nocase(key, parameters[i].name))
            return &parameters[i];
    }
    return NULL;
}

/* Nearly every value is printable and fits, and is decoded where it shall be; false for others. */
static bool show_printable(char *out, size_t capacity, struct eca_slice value)
{
    size_t length = 0;

    while (value.length > 0) {
        const uint8_t byte = take_byte(&value);

        if (byte < 0x20 || byte > 0x7e || length == capacity - 1)
            return false;
        out[length++] = (char)byte;
    }
    out[length] = '\0';
    return true;
}

/* Not inlined: the others need no part of the stack for this. */
__attribute__((noinline)) static void show_any(struct eca_activesync *out, const struct parameter *parameter,
                                               struct eca_slice value)
{
    char *text = (char *)out + parameter->offset;
    uint8_t room[VALUE_MAX];

    value = decode_percent(room, sizeof room, value);
    if (text == out->device_id)
        show_device_id(out, value);
    else
        show(text, parameter->capacity, value);
}

/* The first one of a name counts. */
static bool show_parameter(struct eca_activesync *out, struct eca_slice key, struct eca_slice value)
{
    const struct parameter *parameter = find_parameter(key);
    char *text = parameter == NULL ? NULL : (char *)out + parameter->offset;

    if (parameter != NULL && text[0] == '\0' && !show_printable(text, parameter->capacity, value))
        show_any(out, parameter, value);
    return parameter != NULL;
}

/* parameter *( "&" parameter ), parameter = key "=" value        MS-ASHTTP 2.2.1.1.1.2 */
static bool parse_plain(struct eca_activesync *out, struct eca_slice query)
{
    bool known = false;

    while (query.length > 0) {
        const uint8_t *end = memchr(query.bytes, '&', query.length);
        const size_t length = end == NULL ? query.length : (size_t)(end - query.bytes);
        const uint8_t *equals = memchr(query.bytes, '=', length);

        if (equals != NULL) {
            const struct eca_slice key = { query.bytes, (size_t)(equals - query.bytes) };
            const struct eca_slice value = { equals + 1, length - key.length - 1 };

            known = show_parameter(out, key, value) || known;
        }
        query.bytes += end == NULL ? length : length + 1;
        query.length -= end == NULL ? length : length + 1;
    }
    return known;
}

bool eca_activesync_parse_query(struct eca_activesync *out, struct eca_slice query)
{
    out->command[0] = out->user[0] = out->device_id[0] = out->device_type[0] = out->protocol_version[0] = '\0';
    if (query.length == 0 || query.length > QUERY_MAX)
        return false;
    /* No base64 holds "&": most queries need not be tried as one. */
    return (memchr(query.bytes, '&', query.length) == NULL && parse_base64(out, query)) || parse_plain(out, query);
}
