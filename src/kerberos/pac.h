/* SPDX-License-Identifier: Apache-2.0 */
/* Whose ticket is it: the SID in the PAC of an evidence ticket (MS-PAC 2.10, UPN_DNS_INFO with its extension). */
#ifndef ECA_PAC_H
#define ECA_PAC_H

#include "error.h"
#include "sid.h"

/*
 * Reads the SID out of the content of a UPN_DNS_INFO buffer (type 12) into
 * out[ECA_SID_TEXT_MAX]. False with `err` when it is too short, an offset leads outside, or the
 * extension flag (2) is not set (a DC without the updates of November 2021). Threads: any.
 */
bool eca_pac_read_upn_dns_info(char *out, struct eca_slice buffer, struct eca_error *err);

#endif
