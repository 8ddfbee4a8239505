/* SPDX-License-Identifier: Apache-2.0 */
/* A user's service ticket with its session key, shared by requests; and what is sent of it. */
#ifndef ECA_TICKET_H
#define ECA_TICKET_H

#include "error.h"
#include "token_form.h"

#include <krb5.h>

#include <stddef.h>
#include <stdint.h>

/*
 * Its names, key, times and ticket immutable once made, counted references, all of it wiped when the last one goes. Any
 * number of threads may use one.
 */
struct eca_ticket;

/*
 * Copies `creds`: names, key, times, flags and the ticket; not the addresses, authorization data and second ticket,
 * which no AP-REQ carries. One reference. NULL when out of memory.
 */
struct eca_ticket *eca_ticket_create(const krb5_creds *creds);
struct eca_ticket *eca_ticket_hold(struct eca_ticket *ticket);

/* NULL is allowed. */
void eca_ticket_release(struct eca_ticket *ticket);

/* When it ends, and when the KDC issued it: seconds since 1970. */
int64_t eca_ticket_end(const struct eca_ticket *ticket);
int64_t eca_ticket_issued(const struct eca_ticket *ticket);

/*
 * True for one caller, from 5 minutes before its end, or a fifth of its lifetime if that is less: that one sees to the
 * next ticket while this one serves. When a fifth of that time has passed, for another one. Threads: any.
 */
bool eca_ticket_claim_renewal(struct eca_ticket *ticket, int64_t now);

/* A number no other ticket of this process has: tells later whether a ticket is still the same without holding it. */
uint64_t eca_ticket_number(const struct eca_ticket *ticket);

/*
 * Seals and opens with the session key (RFC 4120 5.2.9), whose derived keys are kept for the next time: making them is
 * dearer than using them. The caller provides the memory, `ciphertext.length` bytes as krb5_c_encrypt_length() says.
 * Several threads with one ticket take turns. 0 or libkrb5's error.
 */
krb5_error_code eca_ticket_encrypt(struct eca_ticket *ticket, krb5_context context, krb5_keyusage usage,
                                   const krb5_data *plain, krb5_enc_data *out);
krb5_error_code eca_ticket_decrypt(struct eca_ticket *ticket, krb5_context context, krb5_keyusage usage,
                                   const krb5_enc_data *sealed, krb5_data *out);

/*
 * The form of this ticket's tokens, made when it is first asked for; lives as long as the ticket is held. 0 or
 * libkrb5's error. Threads: any.
 */
krb5_error_code eca_ticket_form(struct eca_ticket *ticket, krb5_context context, bool mutual,
                                const struct eca_token_form **out);

/*
 * The time, in microseconds since 1970, for an authenticator made at `now`: no two of this ticket in this process have
 * the same, and none is in the first ECA_TOKEN_MICROSECONDS_MIN of a second; what would be is as much later. Threads:
 * any.
 */
int64_t eca_ticket_take_stamp(struct eca_ticket *ticket, int64_t now);

/*
 * The krb5_creds inside; lives as long as the ticket is held and must not be changed.
 */
const krb5_creds *eca_ticket_creds(const struct eca_ticket *ticket);

#endif
