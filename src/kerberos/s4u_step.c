/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls of libgssapi, with their names. */
#include "s4u_step.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <string.h>

/* As a full principal: a host-based name would go through DNS and may become another host's. */
static OM_uint32 import_name(OM_uint32 *minor, const char *text, gss_name_t *out)
{
    gss_buffer_desc buffer = { strlen(text), (void *)text };

    return gss_import_name(minor, &buffer, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, out);
}

OM_uint32 eca_s4u_step_impersonate(OM_uint32 *minor, gss_cred_id_t own, const char *user, gss_cred_id_t *out)
{
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 ignored = 0;
    OM_uint32 major = import_name(minor, user, &name);

    if (!GSS_ERROR(major))
        major = gss_acquire_cred_impersonate_name(minor, own, name, GSS_C_INDEFINITE, (gss_OID_set)gss_mech_set_krb5,
                                                  GSS_C_INITIATE, out, NULL, NULL);
    (void)gss_release_name(&ignored, &name);
    return major;
}

OM_uint32 eca_s4u_step_delegate(OM_uint32 *minor, gss_cred_id_t impersonated, const char *service, gss_buffer_t token)
{
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 ignored = 0;
    OM_uint32 major = import_name(minor, service, &name);

    if (!GSS_ERROR(major))
        major = gss_init_sec_context(minor, impersonated, &context, name, (gss_OID)gss_mech_krb5, 0, GSS_C_INDEFINITE,
                                     GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, token, NULL, NULL);
    (void)gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
    (void)gss_release_name(&ignored, &name);
    return major;
}

void eca_s4u_step_wipe(gss_buffer_t token)
{
    OM_uint32 ignored = 0;

    if (token->value != NULL)
        explicit_bzero(token->value, token->length);
    (void)gss_release_buffer(&ignored, token);
}
