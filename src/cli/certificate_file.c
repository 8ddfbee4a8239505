/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files for the command. */
#include "certificate_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of it, one byte more than allowed at most; the caller frees. */
static unsigned char *read_all(const char *path, size_t *length, struct eca_error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    unsigned char *content = malloc(ECA_CERTIFICATE_FILE_MAX + 1);
    bool read;

    if (file == NULL || content == NULL) {
        eca_error_set(err, "%s cannot be opened", path);
        free(content);
        if (file != NULL && file != stdin)
            (void)fclose(file);
        return NULL;
    }
    *length = fread(content, 1, ECA_CERTIFICATE_FILE_MAX + 1, file);
    read = ferror(file) == 0;
    if (file != stdin)
        (void)fclose(file);
    if (read && *length > 0 && *length <= ECA_CERTIFICATE_FILE_MAX)
        return content;
    eca_error_set(err, read ? "%s is empty, or longer than %d bytes" : "%s cannot be read (limit %d bytes)", path,
                  ECA_CERTIFICATE_FILE_MAX);
    free(content);
    return NULL;
}

static bool add(STACK_OF(X509) * list, X509 *x509)
{
    if (x509 != NULL && sk_X509_push(list, x509) > 0)
        return true;
    X509_free(x509);
    return false;
}

/* PEM blocks of other kinds (a key, say) are passed over, a broken certificate is not. */
static bool read_pem(STACK_OF(X509) * list, BIO *bio)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long length = 0;
    bool good = true;

    while (good && PEM_read_bio(bio, &name, &header, &data, &length) == 1) {
        const unsigned char *at = data;

        if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
            good = add(list, d2i_X509(NULL, &at, length)) && at == data + length;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    return good;
}

static bool read_der(STACK_OF(X509) * list, const unsigned char *content, size_t length)
{
    const unsigned char *at = content;

    return add(list, d2i_X509(NULL, &at, (long)length)) && at == content + length;
}

STACK_OF(X509) * eca_certificate_file_read(const char *path, struct eca_error *err)
{
    size_t length = 0;
    unsigned char *content = read_all(path, &length, err);
    STACK_OF(X509) *list = sk_X509_new_null();
    BIO *bio = content == NULL ? NULL : BIO_new_mem_buf(content, (int)length);
    bool good = false;

    if (list != NULL && bio != NULL)
        good = content[0] == 0x30 ? read_der(list, content, length) : read_pem(list, bio);
    BIO_free(bio);
    if (content != NULL && (!good || sk_X509_num(list) == 0))
        good = eca_error_set(err, "%s holds no certificate, or a broken one; PEM or DER is wanted", path);
    free(content);
    ERR_clear_error();
    if (good)
        return list;
    sk_X509_pop_free(list, X509_free);
    return NULL;
}
