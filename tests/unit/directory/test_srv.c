/* SPDX-License-Identifier: Apache-2.0 */
#include "srv.h"

#include "rows.h"

#include <string.h>

/* A DNS answer written by hand (RFC 1035 4.1): no question, `count` answers. */
struct message {
    uint8_t bytes[4096];
    size_t length;
};

static void put(struct message *message, const void *bytes, size_t length)
{
    assert_true(message->length + length <= sizeof message->bytes);
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static void put16(struct message *message, unsigned number)
{
    put(message, (const uint8_t[]){ (uint8_t)(number >> 8), (uint8_t)number }, 2);
}

/* "dc1.example.test" as labels. */
static void put_name(struct message *message, const char *name)
{
    while (*name != '\0') {
        const size_t length = strcspn(name, ".");

        put(message, (const uint8_t[]){ (uint8_t)length }, 1);
        put(message, name, length);
        name += length + (name[length] == '.');
    }
    put(message, "", 1);
}

static void begin(struct message *message, unsigned answers)
{
    message->length = 0;
    put16(message, 1);      /* ID */
    put16(message, 0x8180); /* an answer */
    put16(message, 0);
    put16(message, answers);
    put16(message, 0);
    put16(message, 0);
}

struct record {
    unsigned type, class, ttl, priority, weight, port;
    const char *target;
    int length; /* of the data, if not what it really is */
};

static void put_record(struct message *message, const struct record *record)
{
    struct message data = { .length = 0 };

    put16(&data, record->priority);
    put16(&data, record->weight);
    put16(&data, record->port);
    put_name(&data, record->target);
    put_name(message, "_ldap._tcp.dc._msdcs.example.test");
    put16(message, record->type);
    put16(message, record->class);
    put16(message, record->ttl >> 16);
    put16(message, record->ttl & 0xffff);
    put16(message, record->length != 0 ? (unsigned)record->length : (unsigned)data.length);
    put(message, data.bytes, data.length);
}

#define SRV .type = 33, .class = 1

static void test_parse_records_come_with_all_they_say(void **state)
{
    static const struct record two[] = {
        { SRV, .ttl = 900, .priority = 1, .weight = 65535, .port = 389, .target = "dc1.example.test" },
        { SRV, .ttl = 600, .priority = 0, .weight = 0, .port = 3268, .target = "DC_2.example.test" },
    };
    struct eca_srv_answer answer;
    struct eca_error err = { .text = "" };
    struct message message;
    (void)state;

    begin(&message, 2);
    put_record(&message, &two[0]);
    put_record(&message, &two[1]);
    assert_true(eca_srv_parse(&answer, message.bytes, message.length, &err));
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.ttl, 600);
    assert_string_equal(answer.records[0].target, "dc1.example.test");
    assert_int_equal(answer.records[0].port, 389);
    assert_int_equal(answer.records[0].priority, 1);
    assert_int_equal(answer.records[0].weight, 65535);
    assert_string_equal(answer.records[1].target, "DC_2.example.test");
    assert_int_equal(answer.records[1].port, 3268);
}

static void test_parse_what_is_no_host_is_left_out(void **state)
{
    static const struct {
        const char *why;
        struct record record;
    } rows[] = {
        { "the target \".\": there is no such service (RFC 2782)", { SRV, .port = 389, .target = "" } },
        { "a name that would end a URL's host", { SRV, .port = 389, .target = "dc1/x.example.test" } },
        { "a name with a space", { SRV, .port = 389, .target = "dc 1.example.test" } },
        { "a name with an @: a user in a URL", { SRV, .port = 389, .target = "dc@1.example.test" } },
        { "a name that looks like an option", { SRV, .port = 389, .target = "-dc1.example.test" } },
        { "port 0", { SRV, .port = 0, .target = "dc1.example.test" } },
        { "another type", { .type = 16, .class = 1, .port = 389, .target = "dc1.example.test" } },
        { "another class", { .type = 33, .class = 3, .port = 389, .target = "dc1.example.test" } },
    };
    static const struct record good = { SRV, .ttl = 900, .port = 389, .target = "dc9.example.test" };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_error err = { .text = "" };
        struct eca_srv_answer answer;
        struct message message;

        SAY_WHY(&rows[i]);
        begin(&message, 2);
        put_record(&message, &rows[i].record);
        put_record(&message, &good);
        assert_true(eca_srv_parse(&answer, message.bytes, message.length, &err));
        assert_int_equal(answer.count, 1);
        assert_string_equal(answer.records[0].target, "dc9.example.test");
        assert_int_equal(answer.ttl, 900);

        begin(&message, 1);
        put_record(&message, &rows[i].record);
        assert_false(eca_srv_parse(&answer, message.bytes, message.length, &err));
        assert_non_null(strstr(err.text, "names no host"));
    }
}

static void test_parse_malformed_messages_are_refused(void **state)
{
    static const struct record good = { SRV, .port = 389, .target = "dc1.example.test" };
    static const struct record longer = { SRV, .port = 389, .target = "dc1.example.test", .length = 2000 };
    struct eca_error err = { .text = "" };
    struct eca_srv_answer answer;
    struct message message;
    (void)state;

    begin(&message, 1);
    put_record(&message, &good);
    for (size_t length = 0; length < message.length; length++) /* cut anywhere */
        assert_false(eca_srv_parse(&answer, message.bytes, length, &err));
    assert_false(eca_srv_parse(&answer, message.bytes, ECA_SRV_MESSAGE + 1, &err));

    begin(&message, 2); /* it promises more than it holds */
    put_record(&message, &good);
    assert_false(eca_srv_parse(&answer, message.bytes, message.length, &err));

    begin(&message, 1); /* data that end behind the message */
    put_record(&message, &longer);
    assert_false(eca_srv_parse(&answer, message.bytes, message.length, &err));

    begin(&message, 1); /* a target that points at itself */
    put_record(&message, &good);
    message.bytes[message.length - 18] = 0xc0;
    message.bytes[message.length - 17] = (uint8_t)(message.length - 18);
    assert_false(eca_srv_parse(&answer, message.bytes, message.length, &err));
}

static void test_parse_more_than_fit_are_not_looked_at(void **state)
{
    static const struct record good = { SRV, .port = 389, .target = "a.b" };
    struct eca_error err = { .text = "" };
    struct eca_srv_answer answer;
    struct message message;
    (void)state;

    begin(&message, ECA_SRV_MAX + 10);
    for (int i = 0; i < ECA_SRV_MAX + 10; i++)
        put_record(&message, &good);
    assert_true(eca_srv_parse(&answer, message.bytes, message.length, &err));
    assert_int_equal(answer.count, ECA_SRV_MAX);
}

/* The numbers that a row wants drawn, and what was asked for. */
struct draws {
    uint32_t give[8], most[8];
    size_t count;
};

static uint32_t draw(void *context, uint32_t most)
{
    struct draws *draws = context;
    const size_t at = draws->count++;

    draws->most[at] = most;
    return draws->give[at];
}

static void add(struct eca_srv_answer *answer, const char *target, unsigned priority, unsigned weight)
{
    struct eca_srv_record *record = &answer->records[answer->count++];

    strcpy(record->target, target);
    record->priority = (uint16_t)priority;
    record->weight = (uint16_t)weight;
}

static void test_order_priority_first_then_weight_by_chance(void **state)
{
    static const struct {
        const char *why;
        uint32_t give[5];
        const char *order;
    } rows[] = {
        { "the lowest numbers: weight 0 first, then as they stand", { 0, 0, 0, 0, 0 }, "zabcl" },
        { "above the 10 of a: b", { 11, 0, 0, 0, 0 }, "bzacl" },
        { "the very sum belongs to the last of it", { 10, 0, 0, 0, 0 }, "azbcl" },
        { "the whole sum: c, and of the rest b", { 60, 30, 0, 0, 0 }, "cbzal" },
        { "priority 5 is last whatever is drawn", { 60, 30, 10, 0, 0 }, "cbazl" },
    };
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct eca_srv_answer answer = { .count = 0 };
        struct draws draws = { .count = 0 };
        char order[8] = "";

        SAY_WHY(&rows[i]);
        memcpy(draws.give, rows[i].give, sizeof rows[i].give);
        add(&answer, "l", 5, 65535);
        add(&answer, "a", 0, 10);
        add(&answer, "b", 0, 20);
        add(&answer, "z", 0, 0);
        add(&answer, "c", 0, 30);
        eca_srv_order(&answer, draw, &draws);
        for (size_t at = 0; at < answer.count; at++)
            strcat(order, answer.records[at].target);
        assert_string_equal(order, rows[i].order);
        assert_int_equal(draws.most[0], 60);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_records_come_with_all_they_say),
        cmocka_unit_test(test_parse_what_is_no_host_is_left_out),
        cmocka_unit_test(test_parse_malformed_messages_are_refused),
        cmocka_unit_test(test_parse_more_than_fit_are_not_looked_at),
        cmocka_unit_test(test_order_priority_first_then_weight_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
