/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes for keys, a few at a time. */
#ifndef ECA_THREAD_RANDOM_H
#define ECA_THREAD_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECA_THREAD_RANDOM_MAX 256

/*
 * Gives `length` random bytes, at most ECA_THREAD_RANDOM_MAX, as good as RAND_priv_bytes() gives them: from a reserve
 * of the calling thread, because libcrypto's generator takes longer for each call than all else that a token needs.
 * What is given is wiped from the reserve. False when libcrypto has none. Only for processes that no longer fork
 * themselves: a copy of the reserve would be used twice. Threads: any.
 */
bool eca_thread_random_take(uint8_t *out, size_t length);

#endif
