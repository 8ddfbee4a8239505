/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain controller answers to an LDAP ping (MS-ADTS 6.3.3). */
#ifndef ECA_NETLOGON_H
#define ECA_NETLOGON_H

#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Asks for NETLOGON_SAM_LOGON_RESPONSE_EX: NETLOGON_NT_VERSION_5 and _5EX (6.3.1.1). In a filter, after "DnsDomain". */
#define ECA_NETLOGON_VERSION "\\06\\00\\00\\00"

/*
 * The site of the client that asked, as that answer (6.3.1.9) names it. False when it is another answer, is malformed,
 * or names none, or one that is no DNS label. Threads: any.
 */
bool eca_netlogon_client_site(char *out, size_t capacity, struct eca_slice answer);

#endif
