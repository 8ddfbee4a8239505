/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that no KDC has issued, for tests of what is done with them. */
#ifndef ECA_MADE_UP_CREDS_H
#define ECA_MADE_UP_CREDS_H

#include <krb5.h>

#include <stdint.h>
#include <string.h>

/* Points into itself: do not copy. */
struct made_up_creds {
    krb5_creds creds;
    krb5_principal_data client;
    krb5_principal_data server;
    krb5_data client_parts[1];
    krb5_data server_parts[2];
    char client_name[8];
    char service[8];
    char host[24];
    char realm[16];
    uint8_t key[32];
    char ticket[64];
};

static inline krb5_data made_up_data(char *text)
{
    return (krb5_data){ .data = text, .length = (unsigned)strlen(text) };
}

/* alice's ticket to HTTP/exch.example.test, ending at `end`; the ticket itself is 64 bytes of nothing. */
static inline void made_up_creds_init(struct made_up_creds *made, int64_t end)
{
    *made = (struct made_up_creds){ .client_name = "alice", .service = "HTTP", .host = "exch.example.test",
                                    .realm = "EXAMPLE.TEST" };
    memset(made->key, 0x5a, sizeof made->key);
    memset(made->ticket, 't', sizeof made->ticket);
    made->client_parts[0] = made_up_data(made->client_name);
    made->server_parts[0] = made_up_data(made->service);
    made->server_parts[1] = made_up_data(made->host);
    made->client = (krb5_principal_data){ .realm = made_up_data(made->realm), .data = made->client_parts, .length = 1,
                                          .type = KRB5_NT_PRINCIPAL };
    made->server = (krb5_principal_data){ .realm = made_up_data(made->realm), .data = made->server_parts, .length = 2,
                                          .type = KRB5_NT_PRINCIPAL };
    made->creds.client = &made->client;
    made->creds.server = &made->server;
    made->creds.keyblock = (krb5_keyblock){ .enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .length = sizeof made->key,
                                            .contents = made->key };
    made->creds.times.endtime = (krb5_timestamp)(uint32_t)end;
    made->creds.ticket = (krb5_data){ .data = made->ticket, .length = sizeof made->ticket };
}

#endif
