/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a keytab's names the service account is. */
#ifndef ECA_KEYTAB_H
#define ECA_KEYTAB_H

#include "error.h"

#include <krb5.h>

/* Opens the file at `path`, whatever characters that holds; 0 or libkrb5's error. Close with krb5_kt_close(). */
krb5_error_code eca_keytab_open(krb5_context context, const char *path, krb5_keytab *out);

/*
 * The entry called `wanted` (exactly; any realm when it names none), else, when that is NULL, the first that is not a
 * service name, else the first. Free with krb5_free_principal(). NULL with `err`, which lists what the keytab holds.
 */
krb5_principal eca_keytab_choose(krb5_context context, const char *path, const char *wanted, struct eca_error *err);

/*
 * Whether a keytab that can be read has no AES key of the entry that eca_keytab_choose() takes: then `err` says so.
 * Makes a context of its own.
 */
bool eca_keytab_lacks_aes(const char *path, const char *wanted, struct eca_error *err);

#endif
