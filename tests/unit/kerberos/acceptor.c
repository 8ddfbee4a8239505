/* SPDX-License-Identifier: Apache-2.0 */
#include "acceptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(gss_buffer_desc *answer, const gss_buffer_desc *output)
{
    *answer = (gss_buffer_desc){ output->length, malloc(output->length + 1) };
    assert_non_null(answer->value);
    if (output->length > 0)
        memcpy(answer->value, output->value, output->length);
}

OM_uint32 accept_token(const char *keytab, struct eca_slice token, char *name, gss_buffer_desc *answer)
{
    gss_key_value_element_desc elements[] = { { "keytab", keytab }, { "rcache", "none:" } };
    const gss_key_value_set_desc store = { 2, elements };
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    gss_name_t source = GSS_C_NO_NAME;
    gss_buffer_desc input = { token.length, (void *)token.bytes };
    gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
    gss_buffer_desc shown = GSS_C_EMPTY_BUFFER;
    OM_uint32 ignored = 0;
    OM_uint32 minor = 0;
    OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, GSS_C_NO_OID_SET, GSS_C_ACCEPT,
                                            &store, &credential, NULL, NULL);

    assert_int_equal(major, GSS_S_COMPLETE);
    major = gss_accept_sec_context(&minor, &context, credential, &input, GSS_C_NO_CHANNEL_BINDINGS, &source, NULL,
                                   &output, NULL, NULL, NULL);
    if (major == GSS_S_COMPLETE && gss_display_name(&minor, source, &shown, NULL) == GSS_S_COMPLETE)
        (void)snprintf(name, ACCEPTED_NAME_MAX, "%.*s", (int)shown.length, (const char *)shown.value);
    if (answer != NULL)
        keep(answer, &output);
    gss_release_buffer(&ignored, &shown);
    gss_release_buffer(&ignored, &output);
    gss_release_name(&ignored, &source);
    gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
    gss_release_cred(&ignored, &credential);
    return major;
}
