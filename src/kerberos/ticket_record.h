/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket as a sealed record, for memory that other processes see. */
#ifndef ECA_TICKET_RECORD_H
#define ECA_TICKET_RECORD_H

#include "strbuf.h"
#include "ticket.h"

#define ECA_TICKET_RECORD_MAX 16384 /* with the user's groups a ticket has 2 to 12 KiB; a larger one is not shared */
#define ECA_TICKET_RECORD_SECRET_BYTES 32
#define ECA_TICKET_RECORD_KEY_BYTES 32

/* What a record is bound to. */
struct eca_ticket_record_form {
    const uint8_t *secret; /* ECA_TICKET_RECORD_SECRET_BYTES */
    const uint8_t *key;    /* ECA_TICKET_RECORD_KEY_BYTES: of the cache */
};

/*
 * The cache's key: SHA-256 of `scope` (whose service account got the ticket, of fixed length), SID and SPN. False when
 * libcrypto cannot.
 */
bool eca_ticket_record_key(uint8_t out[ECA_TICKET_RECORD_KEY_BYTES], struct eca_slice scope, const char *sid,
                           const char *spn);

/*
 * Writes the record; its length, or 0 when it does not fit or libcrypto fails. Nothing of the plaintext stays behind.
 *
 *   version                  uint8                          all numbers big-endian
 *   end of the ticket        int64
 *   nonce                    12 random bytes
 *   AES-256-GCM of the rest  with purpose, cache key, version and end as additional data:
 *     flags, is_skey, authtime, starttime, renew_till  5 × uint32
 *     encryption type        uint32
 *     client, server         type uint32, number of components uint32, then the realm and each component
 *     session key, ticket    each of these texts: uint32 length and bytes
 *   tag                      16 bytes
 */
size_t eca_ticket_record_seal(uint8_t out[ECA_TICKET_RECORD_MAX], const struct eca_ticket *ticket,
                              const struct eca_ticket_record_form *form);

/*
 * Opens one: a ticket with one reference. NULL for everything that seal() would not have written for this very secret
 * and key, and for a ticket that has ended at `now`: to the caller that is no record. Threads: any, for all three.
 */
struct eca_ticket *eca_ticket_record_open(struct eca_slice record, const struct eca_ticket_record_form *form,
                                          int64_t now);

#endif
