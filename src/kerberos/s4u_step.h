/* SPDX-License-Identifier: Apache-2.0 */
/* S4U2Self and S4U2Proxy as libgssapi does them, by full principals: with our own credentials or gssproxy's. */
#ifndef ECA_S4U_STEP_H
#define ECA_S4U_STEP_H

#include <gssapi/gssapi.h>

/*
 * S4U2Self (MS-SFU 3.1.5.1.1): a ticket to the owner of `own` in the name of `user`, inside *out, for
 * gss_release_cred(). libgssapi's status. Blocks: helper threads only.
 */
OM_uint32 eca_s4u_step_impersonate(OM_uint32 *minor, gss_cred_id_t own, const char *user, gss_cred_id_t *out);

/*
 * S4U2Proxy (MS-SFU 3.1.5.2.1) is done by starting to speak to the service: `token` is what would be said to it, for
 * eca_s4u_step_wipe(), whatever the status. Blocks: helper threads only.
 */
OM_uint32 eca_s4u_step_delegate(OM_uint32 *minor, gss_cred_id_t impersonated, const char *service, gss_buffer_t token);

void eca_s4u_step_wipe(gss_buffer_t token);

#endif
