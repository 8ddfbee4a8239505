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

/* Where the next text goes; there is always a byte left, if only the NUL of the last one. */
struct room {
    char *next;
    size_t left;
};

static struct eca_strbuf begin_text(const struct room *room, size_t capacity)
{
    struct eca_strbuf text;

    eca_strbuf_init(&text, room->next, capacity < room->left ? capacity : room->left);
    return text;
}

/* NULL of an empty one. */
static const char *end_text(struct room *room, const struct eca_strbuf *text)
{
    const size_t taken = text->length + 1 < room->left ? text->length + 1 : room->left - 1;

    if (text->length == 0)
        return NULL;
    room->next += taken;
    room->left -= taken;
    return text->text;
}

/* Copies what is fit to be read, "?" for the rest, whole characters only. */
static const char *put(struct room *room, size_t capacity, struct eca_slice value)
{
    struct eca_strbuf text = begin_text(room, capacity);

    if (eca_escape_is_plain(value)) { /* nearly every one is */
        eca_strbuf_append(&text, value.bytes, value.length < text.capacity ? value.length : text.capacity - 1);
        return end_text(room, &text);
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
    return end_text(room, &text);
}

static const char *put_device_id(struct room *room, struct eca_slice id)
{
    struct eca_strbuf text;

    if (eca_escape_is_plain(id))
        return put(room, ECA_ACTIVESYNC_TEXT_MAX, id);
    text = begin_text(room, ECA_ACTIVESYNC_TEXT_MAX);
    eca_strbuf_hex(&text, id);
    return end_text(room, &text);
}

static const char *put_command(struct room *room, uint8_t code)
{
    const char *name = code < sizeof commands / sizeof commands[0] ? commands[code] : NULL;
    char number[4];

    (void)snprintf(number, sizeof number, "%u", code);
    return put(room, ECA_ACTIVESYNC_COMMAND_MAX, eca_slice_from_text(name != NULL ? name : number));
}

static const char *put_version(struct room *room, uint8_t tenths)
{
    char version[8];

    (void)snprintf(version, sizeof version, "%u.%u", tenths / 10u, tenths % 10u);
    return put(room, sizeof version, eca_slice_from_text(version));
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
static bool parse_binary(struct eca_activesync *out, struct room *room, struct eca_slice rest)
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
    out->protocol_version = put_version(room, head.bytes[0]);
    out->command = put_command(room, head.bytes[1]);
    out->device_id = put_device_id(room, device_id);
    out->device_type = put(room, ECA_ACTIVESYNC_TEXT_MAX, device_type);
    out->user = put(room, ECA_ACTIVESYNC_TEXT_MAX, user);
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
 * names hold it. Inlined: it is there twice, but for each byte.
 */
__attribute__((always_inline)) static inline uint8_t take_byte(struct eca_slice *rest)
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
__attribute__((noinline)) static bool parse_base64(struct eca_activesync *out, struct room *room,
                                                   struct eca_slice query)
{
    uint8_t decoded[QUERY_MAX];
    struct eca_slice value = decode_percent(decoded, sizeof decoded, query);

    return decode_base64(decoded, &value) && parse_binary(out, room, value);
}

#define PARAMETER(name, member, capacity)                                                                              \
    {                                                                                                                  \
        { (const uint8_t *)(name), sizeof(name) - 1 }, offsetof(struct eca_activesync, member), capacity               \
    }

/* Keys without case, as ASP.NET reads them. */
static const struct parameter {
    struct eca_slice name;
    size_t offset, capacity;
} parameters[] = {
    PARAMETER("Cmd", command, ECA_ACTIVESYNC_COMMAND_MAX),
    PARAMETER("User", user, ECA_ACTIVESYNC_TEXT_MAX),
    PARAMETER("DeviceId", device_id, ECA_ACTIVESYNC_TEXT_MAX),
    PARAMETER("DeviceType", device_type, ECA_ACTIVESYNC_TEXT_MAX),
};

static const struct parameter *find_parameter(struct eca_slice key)
{
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (eca_slice_equal_ascii_nocase(key, parameters[i].name))
            return &parameters[i];
    }
    return NULL;
}

/* Nearly every value is printable and fits, and is decoded where it shall be; NULL for others, too. */
static const char *put_printable(struct room *room, size_t capacity, struct eca_slice value)
{
    struct eca_strbuf text = begin_text(room, capacity);

    while (value.length > 0) {
        const uint8_t byte = take_byte(&value);

        if (byte < 0x20 || byte > 0x7e || text.length + 1 == text.capacity)
            return NULL;
        text.text[text.length++] = (char)byte;
    }
    text.text[text.length] = '\0';
    return end_text(room, &text);
}

/* Not inlined: the others need no part of the stack for this. */
__attribute__((noinline)) static const char *put_any(struct room *room, const struct parameter *parameter,
                                                     struct eca_slice value)
{
    uint8_t decoded[VALUE_MAX];

    value = decode_percent(decoded, sizeof decoded, value);
    return parameter->offset == offsetof(struct eca_activesync, device_id) ? put_device_id(room, value)
                                                                           : put(room, parameter->capacity, value);
}

/* The first one of a name counts. */
static bool read_parameter(struct eca_activesync *out, struct room *room, struct eca_slice key, struct eca_slice value)
{
    const struct parameter *parameter = find_parameter(key);
    const char **text = parameter == NULL ? NULL : (const char **)((char *)out + parameter->offset);

    if (parameter == NULL)
        return false;
    if (*text == NULL)
        *text = put_printable(room, parameter->capacity, value);
    if (*text == NULL && value.length > 0)
        *text = put_any(room, parameter, value);
    return true;
}

/* parameter *( "&" parameter ), parameter = key "=" value        MS-ASHTTP 2.2.1.1.1.2 */
static bool parse_plain(struct eca_activesync *out, struct room *room, struct eca_slice query)
{
    bool known = false;

    while (query.length > 0) {
        const uint8_t *end = memchr(query.bytes, '&', query.length);
        const size_t length = end == NULL ? query.length : (size_t)(end - query.bytes);
        const uint8_t *equals = memchr(query.bytes, '=', length);

        if (equals != NULL) {
            const struct eca_slice key = { query.bytes, (size_t)(equals - query.bytes) };
            const struct eca_slice value = { equals + 1, length - key.length - 1 };

            known = read_parameter(out, room, key, value) || known;
        }
        query.bytes += end == NULL ? length : length + 1;
        query.length -= end == NULL ? length : length + 1;
    }
    return known;
}

/* Hexadecimal is twice as long as what it shows, and a command's name is longer than its number. */
size_t eca_activesync_room(size_t query_length)
{
    const size_t bytes = 2 * query_length + 64;

    return bytes < ECA_ACTIVESYNC_ROOM_MAX ? bytes : ECA_ACTIVESYNC_ROOM_MAX;
}

bool eca_activesync_parse_query(struct eca_activesync *out, struct eca_slice query, char *memory)
{
    struct room room = { memory, eca_activesync_room(query.length) };

    *out = (struct eca_activesync){ .command = NULL };
    if (query.length == 0 || query.length > QUERY_MAX)
        return false;
    /* No base64 holds "&": most queries need not be tried as one. */
    return (memchr(query.bytes, '&', query.length) == NULL && parse_base64(out, &room, query))
           || parse_plain(out, &room, query);
}
