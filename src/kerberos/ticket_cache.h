/* SPDX-License-Identifier: Apache-2.0 */
/* The service tickets of a child process, by account SID and SPN: bounded, the one not used for longest goes first. */
#ifndef ECA_TICKET_CACHE_H
#define ECA_TICKET_CACHE_H

#include "ticket.h"

struct eca_ticket_cache;

/*
 * At most `capacity` tickets, 2 to 12 KiB each, with the user's groups, and 6 to 32 once tokens are made of them; 0
 * keeps none. NULL when out of memory.
 */
struct eca_ticket_cache *eca_ticket_cache_open(size_t capacity);

/* No other call may be under way; tickets still held live on until released. NULL is allowed. */
void eca_ticket_cache_close(struct eca_ticket_cache *cache);

/*
 * The ticket for this account and service, held for the caller, or NULL. One that ends within
 * `margin` seconds of `now`, or that the service no longer takes, is not given out and is dropped. Threads: any.
 */
struct eca_ticket *eca_ticket_cache_find(struct eca_ticket_cache *cache, const char *sid, const char *spn, int64_t now,
                                         int64_t margin);

/* Keeps `ticket` (taking a reference of its own) in place of an earlier one; not when out of memory. Threads: any. */
void eca_ticket_cache_store(struct eca_ticket_cache *cache, const char *sid, const char *spn,
                            struct eca_ticket *ticket);

/* A backend took a ticket to `spn` that had been issued at this moment. Threads: any. */
void eca_ticket_cache_confirm(struct eca_ticket_cache *cache, const char *spn, int64_t issued);

/*
 * The backend refused it: forgets the ticket if it is still the one of this number (a newer one stays). When a ticket
 * to the same service that was issued later has been confirmed, the service has got another key meanwhile: then all
 * that were issued to it until then are forgotten too, at most once a minute. Threads: any.
 */
void eca_ticket_cache_drop(struct eca_ticket_cache *cache, const char *sid, const char *spn, uint64_t number,
                           int64_t now);

#endif
