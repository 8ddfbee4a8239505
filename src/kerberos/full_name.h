/* SPDX-License-Identifier: Apache-2.0 */
/* The names that delegation is asked with: full principals, never user principal names or host-based names. */
#ifndef ECA_FULL_NAME_H
#define ECA_FULL_NAME_H

#include "account.h"
#include "error.h"

#include <krb5.h>

/* Whether the directory gave what delegation needs to know of the account. False with `err`. */
bool eca_full_name_check_account(const struct eca_account *account, struct eca_error *err);

/*
 * "alice@EXAMPLE.TEST": sAMAccountName and the realm of the account's own domain, escaped as libkrb5 will parse it. For
 * krb5_free_unparsed_name().
 */
krb5_error_code eca_full_name_of_account(krb5_context context, const struct eca_account *account, char **out);

/*
 * "HTTP/exch.example.test@EXAMPLE.TEST": the SPN, with the realm of `self` when it has none. *out and *text are for
 * krb5_free_principal() and krb5_free_unparsed_name(), also when it is false with `err`: not a service principal name.
 */
bool eca_full_name_of_service(krb5_context context, const char *spn, krb5_const_principal self, krb5_principal *out,
                              char **text, struct eca_error *err);

#endif
