/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, reading and ordering; the wire format is the C library's business. */
#include "srv.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_BYTES 6 /* priority, weight and port, before the target */

static bool is_host(const char *name)
{
    const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    return length > 0 && name[length] == '\0' && name[0] != '.' && name[0] != '-';
}

static void add_record(struct eca_srv_answer *out, ns_msg *message, const ns_rr *record)
{
    struct eca_srv_record *at = &out->records[out->count];
    const uint8_t *data = ns_rr_rdata(*record);

    if (ns_rr_type(*record) != ns_t_srv || ns_rr_class(*record) != ns_c_in || ns_rr_rdlen(*record) <= FIXED_BYTES
        || out->count == ECA_SRV_MAX)
        return;
    at->priority = (uint16_t)ns_get16(data);
    at->weight = (uint16_t)ns_get16(data + 2);
    at->port = (uint16_t)ns_get16(data + 4);
    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), data + FIXED_BYTES, at->target,
                           sizeof at->target)
            < 0
        || !is_host(at->target) || at->port == 0)
        return;
    if (out->count == 0 || ns_rr_ttl(*record) < out->ttl)
        out->ttl = ns_rr_ttl(*record);
    out->count++;
}

bool eca_srv_parse(struct eca_srv_answer *out, const uint8_t *message, size_t length, struct eca_error *err)
{
    ns_msg handle;
    ns_rr record;

    out->count = 0;
    out->ttl = 0;
    if (length > ECA_SRV_MESSAGE || ns_initparse(message, (int)length, &handle) != 0)
        return eca_error_set(err, "the DNS answer is malformed");
    for (int i = 0; i < ns_msg_count(handle, ns_s_an); i++) {
        if (ns_parserr(&handle, ns_s_an, i, &record) != 0)
            return eca_error_set(err, "the DNS answer is malformed");
        add_record(out, &handle, &record);
    }
    return out->count > 0 || eca_error_set(err, "the DNS answer names no host");
}

static bool query(struct eca_srv_answer *out, const char *name, struct eca_error *err)
{
    struct __res_state state = { .options = 0 };
    uint8_t *message = malloc(ECA_SRV_MESSAGE);
    bool found = false;
    int length;

    if (message == NULL)
        return eca_error_set(err, "out of memory");
    if (res_ninit(&state) != 0) {
        free(message);
        return eca_error_set(err, "the system's resolver cannot be used");
    }
    state.retrans = 1;
    state.retry = 1;
    length = res_nquery(&state, name, ns_c_in, ns_t_srv, message, (int)ECA_SRV_MESSAGE);
    if (length >= 0)
        found = eca_srv_parse(out, message, (size_t)length, err);
    else
        eca_error_set(err, "%s",
                      state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA ? "there are none"
                                                                                          : "no name server answers");
    res_nclose(&state);
    free(message);
    return found;
}

bool eca_srv_query(struct eca_srv_answer *out, const char *name, struct eca_error *err)
{
    struct eca_error why = { .text = "" };

    return query(out, name, &why) || eca_error_set(err, "SRV records %s: %s", name, why.text);
}

static int by_priority(const void *a, const void *b)
{
    const struct eca_srv_record *left = a, *right = b;

    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return (left->weight != 0) - (right->weight != 0); /* RFC 2782: those of weight 0 first */
}

static void move_to(struct eca_srv_record *records, size_t from, size_t to)
{
    const struct eca_srv_record moved = records[from];

    memmove(&records[to + 1], &records[to], (from - to) * sizeof records[0]);
    records[to] = moved;
}

/* Of records[begin…end), all of one priority: the one whose running sum of weights reaches the number drawn. */
static size_t draw_one(const struct eca_srv_record *records, size_t begin, size_t end,
                       uint32_t (*draw)(void *context, uint32_t most), void *context)
{
    uint32_t sum = 0, drawn;

    for (size_t i = begin; i < end; i++)
        sum += records[i].weight;
    drawn = draw(context, sum);
    sum = 0;
    for (size_t i = begin; i < end; i++) {
        sum += records[i].weight;
        if (sum >= drawn)
            return i;
    }
    return begin;
}

void eca_srv_order(struct eca_srv_answer *answer, uint32_t (*draw)(void *context, uint32_t most), void *context)
{
    size_t end;

    qsort(answer->records, answer->count, sizeof answer->records[0], by_priority);
    for (size_t begin = 0; begin < answer->count; begin++) {
        for (end = begin + 1; end < answer->count && answer->records[end].priority == answer->records[begin].priority;)
            end++;
        move_to(answer->records, draw_one(answer->records, begin, end, draw, context), begin);
    }
}
