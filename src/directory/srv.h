/* SPDX-License-Identifier: Apache-2.0 */
/* SRV records: which hosts offer a service (RFC 2782). */
#ifndef ECA_SRV_H
#define ECA_SRV_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECA_SRV_MAX 32         /* records of one answer that are looked at */
#define ECA_SRV_NAME_MAX 254   /* of a host, with NUL */
#define ECA_SRV_MESSAGE 65535U /* bytes of a DNS message */

struct eca_srv_record {
    char target[ECA_SRV_NAME_MAX]; /* without the final dot */
    uint16_t port, priority, weight;
};

struct eca_srv_answer {
    struct eca_srv_record records[ECA_SRV_MAX];
    size_t count;
    uint32_t ttl; /* seconds, the smallest of the records used */
};

/*
 * Asks the system's resolver (resolv.conf) for the SRV records of `name`, a full domain name. Blocks, at most a second
 * for each name server. False with a sentence when nobody answered, or when there are none. Threads: any.
 */
bool eca_srv_query(struct eca_srv_answer *out, const char *name, struct eca_error *err);

/*
 * The SRV records of a DNS message, whatever their owner is called (the resolver has followed aliases). Targets that
 * are no host names, and ".", which says that there is no such service, are left out, and so is what is beyond
 * ECA_SRV_MAX. False when the message is malformed or nothing is left.
 */
bool eca_srv_parse(struct eca_srv_answer *out, const uint8_t *message, size_t length, struct eca_error *err);

/*
 * Puts the records into the order in which they are to be tried: by priority, within one by chance in proportion to the
 * weight. `draw` gives a number from 0 to `most`.
 */
void eca_srv_order(struct eca_srv_answer *answer, uint32_t (*draw)(void *context, uint32_t most), void *context);

#endif
