/* SPDX-License-Identifier: Apache-2.0 */
/* The service account's credentials for a library that takes them from its thread, as SASL's GSSAPI plug-in does. */
#ifndef ECA_THREAD_CREDENTIAL_H
#define ECA_THREAD_CREDENTIAL_H

#include "service_credential.h"

/*
 * The calling thread's next GSSAPI initiation uses these credentials (gss_krb5_ccache_name). False with a sentence when
 * there are none now, *unavailable says whether that is an outage. *hold is for eca_thread_credential_release() on the
 * same thread. Blocks like eca_service_credential_acquire().
 */
bool eca_thread_credential_use(struct eca_service_credential *credential, bool *unavailable, void **hold,
                               struct eca_error *err);
void eca_thread_credential_release(void *hold);

#endif
