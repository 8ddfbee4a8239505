/* SPDX-License-Identifier: Apache-2.0 */
/* EASNTAuth: is the issuing CA one of those that may log on in the forest. */
#ifndef ECA_CHECK_NT_AUTH_H
#define ECA_CHECK_NT_AUTH_H

#include "request_context.h"

/*
 * For a certificate that is GOOD so far. True when EASNTAuth is off or its issuer is in NTAuthCertificates; otherwise
 * the facts and the sentence say why not: UNTRUSTED, or the directory is unavailable and the list was never read. It is
 * read on a helper thread, waited for at most EASDirectoryTimeout and only the first time; later the last one serves
 * while another is fetched.
 */
bool eca_check_nt_auth(struct eca_request *request);

#endif
