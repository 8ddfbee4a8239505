/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of DNS (first byte even) or to an LDAP ping (odd): hosts and sites are names only. */
#include "ldap_directory.h"
#include "netlogon.h"
#include "srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t draw(void *context, uint32_t most)
{
    return *(const uint8_t *)context % (most + 1);
}

static void read_hosts(const uint8_t *data, size_t size)
{
    struct eca_error err = { .text = "" };
    struct eca_srv_answer answer;
    char url[ECA_LDAP_URL_MAX];

    if (!eca_srv_parse(&answer, data, size, &err)) {
        if (err.text[0] == '\0')
            abort();
        return;
    }
    eca_srv_order(&answer, draw, (void *)(uintptr_t)data);
    for (size_t i = 0; i < answer.count; i++) {
        (void)snprintf(url, sizeof url, "ldap://%s:%u", answer.records[i].target, (unsigned)answer.records[i].port);
        if (!eca_ldap_url_check(url, &err) || (i > 0 && answer.records[i].priority < answer.records[i - 1].priority))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char site[64] = "";

    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        read_hosts(data + 1, size - 1);
    else if (eca_netlogon_client_site(site, sizeof site, (struct eca_slice){ data + 1, size - 1 })
             && strpbrk(site, "./ %$") != NULL)
        abort();
    return 0;
}
