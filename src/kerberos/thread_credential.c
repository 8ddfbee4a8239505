/* SPDX-License-Identifier: Apache-2.0 */
/* Which credentials a thread's GSSAPI uses. */
#include "thread_credential.h"

#include <gssapi/gssapi_krb5.h>

bool eca_thread_credential_use(struct eca_service_credential *credential, bool *unavailable, void **hold,
                               struct eca_error *err)
{
    struct eca_service_tgt *tgt = NULL;
    const enum eca_kerberos_answer answer = eca_service_credential_acquire(credential, &tgt, err);
    OM_uint32 minor = 0;

    *unavailable = answer == ECA_KERBEROS_UNAVAILABLE;
    if (answer != ECA_KERBEROS_DONE)
        return false;
    *hold = tgt;
    return gss_krb5_ccache_name(&minor, eca_service_tgt_ccache(tgt), NULL) == GSS_S_COMPLETE
           || eca_error_set(err, "the credentials of the service account cannot be used on this thread");
}

void eca_thread_credential_release(void *hold)
{
    OM_uint32 minor = 0;

    gss_krb5_ccache_name(&minor, NULL, NULL);
    eca_service_tgt_release(hold);
}
