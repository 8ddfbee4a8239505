/* SPDX-License-Identifier: Apache-2.0 */
/* User name and password, verified by the directory or by httpd's own providers. */
#ifndef ECA_BASIC_H
#define ECA_BASIC_H

#include "request_context.h"

/*
 * Sets request->facts.password where the policy wants the password looked at, and
 * request->work->account for a user who came without a certificate. Waits for the directory at most
 * EASDirectoryTimeout, and then, with EASBasicProvider NAME, for httpd's providers as long as they take. Whoever has
 * only a password cannot tell an unknown account from a wrong password, by the answer or by the work done.
 */
void eca_basic_check(struct eca_request *request);

#endif
