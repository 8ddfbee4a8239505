/* SPDX-License-Identifier: Apache-2.0 */
/* NETLOGON_SAM_LOGON_RESPONSE_EX: a fixed part, then names in the compressed form of RFC 1035. */
#include "netlogon.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define OPCODE_EX 23   /* LOGON_SAM_LOGON_RESPONSE_EX */
#define FIXED_BYTES 24 /* opcode, sbz, flags, domain GUID */
#define CLIENT_SITE 7  /* the names before: forest, domain, host, NetBIOS domain and host, user, the DC's own site */

bool eca_netlogon_client_site(char *out, size_t capacity, struct eca_slice answer)
{
    char name[NS_MAXDNAME] = "";
    size_t at = FIXED_BYTES;
    size_t length;

    if (answer.length <= FIXED_BYTES || answer.bytes[0] != OPCODE_EX || answer.bytes[1] != 0)
        return false;
    for (int i = 0; i <= CLIENT_SITE; i++) {
        const int read = at < answer.length ? dn_expand(answer.bytes, answer.bytes + answer.length, answer.bytes + at,
                                                        name, sizeof name)
                                            : -1;

        if (read <= 0)
            return false;
        at += (size_t)read;
    }
    length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (length == 0 || name[length] != '\0' || length >= capacity)
        return false;
    memcpy(out, name, length + 1);
    return true;
}
