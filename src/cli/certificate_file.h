/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates from a file: DER, or any number of them in PEM. */
#ifndef ECA_CERTIFICATE_FILE_H
#define ECA_CERTIFICATE_FILE_H

#include "error.h"

#include <openssl/x509.h>

#define ECA_CERTIFICATE_FILE_MAX 1048576

/*
 * The certificates of a file, "-" being standard input; at least one, for sk_X509_pop_free(). NULL with `err` for what
 * cannot be read, is longer than ECA_CERTIFICATE_FILE_MAX, or holds anything but certificates.
 */
STACK_OF(X509) * eca_certificate_file_read(const char *path, struct eca_error *err);

#endif
