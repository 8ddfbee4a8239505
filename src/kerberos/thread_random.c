/* SPDX-License-Identifier: Apache-2.0 */
/* A reserve of random bytes in each thread. */
#include "thread_random.h"

#include "hot.h"

#include <openssl/rand.h>
#include <string.h>

#define RESERVE_BYTES 1024 /* some thirty tokens */

struct reserve {
    size_t left; /* of the bytes, from the start */
    uint8_t bytes[RESERVE_BYTES];
};

static _Thread_local struct reserve reserve;

ECA_HOT bool eca_thread_random_take(uint8_t *out, size_t length)
{
    if (length > ECA_THREAD_RANDOM_MAX)
        return false;
    if (reserve.left < length) {
        reserve.left = 0;
        if (RAND_priv_bytes(reserve.bytes, sizeof reserve.bytes) != 1)
            return false;
        reserve.left = sizeof reserve.bytes;
    }
    reserve.left -= length;
    memcpy(out, reserve.bytes + reserve.left, length);
    explicit_bzero(reserve.bytes + reserve.left, length);
    return true;
}
