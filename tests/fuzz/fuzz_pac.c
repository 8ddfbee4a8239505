/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the UPN_DNS_INFO buffer of a PAC: what is called a SID must be one. */
#include "pac.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char sid[ECA_SID_TEXT_MAX];
    char again[ECA_SID_TEXT_MAX];
    struct eca_error err = { .text = "" };

    if (eca_pac_read_upn_dns_info(sid, (struct eca_slice){ data, size }, &err)) {
        if (!eca_sid_parse_text(again, eca_slice_from_text(sid)))
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    return 0;
}
