/* SPDX-License-Identifier: Apache-2.0 */
/* One krb5_context for each thread: making one reads krb5.conf, which takes longer than all it is needed for. */
#ifndef ECA_THREAD_CONTEXT_H
#define ECA_THREAD_CONTEXT_H

#include "error.h"

#include <krb5.h>

/* The calling thread's, which ends with it. NULL with `err` when krb5.conf cannot be read or memory is short. */
krb5_context eca_thread_context(struct eca_error *err);

#endif
