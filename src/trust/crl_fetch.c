/* SPDX-License-Identifier: Apache-2.0 */
/* Reading with a bound in bytes and, over the network, in time. */
#include "crl_fetch.h"

#include "crl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 1024
#define CHUNK ((size_t)65536)

/* Bytes that grow up to the limit. */
struct growing {
    uint8_t *bytes;
    size_t length, capacity;
};

/* Room for another chunk; false, with a sentence, at the limit. */
static bool make_room(struct growing *growing, struct eca_error *err)
{
    uint8_t *larger = NULL;

    if (growing->length > ECA_CRL_BYTES_MAX)
        return eca_error_set(err, "it has more than %zu bytes", ECA_CRL_BYTES_MAX);
    if (growing->capacity - growing->length >= CHUNK)
        return true;
    larger = realloc(growing->bytes, growing->capacity * 2 + CHUNK);
    if (larger == NULL)
        return eca_error_set(err, "out of memory");
    growing->bytes = larger;
    growing->capacity = growing->capacity * 2 + CHUNK;
    return true;
}

static bool hand_over(struct growing *growing, bool whole, uint8_t **bytes, size_t *length)
{
    if (!whole) {
        free(growing->bytes);
        return false;
    }
    *bytes = growing->bytes;
    *length = growing->length;
    return true;
}

static bool read_descriptor(int fd, struct growing *out, struct eca_error *err)
{
    ssize_t got = 1;

    while (got > 0 && make_room(out, err)) {
        got = read(fd, out->bytes + out->length, CHUNK);
        if (got > 0)
            out->length += (size_t)got;
    }
    return got == 0 || (got < 0 && eca_error_set(err, "it cannot be read"));
}

bool eca_crl_fetch_file(const char *path, uint8_t **bytes, size_t *length, struct eca_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct growing growing = { .bytes = NULL };
    struct stat info;
    bool whole = false;
    char reason[128];

    if (fd < 0)
        return eca_error_set(err, "it cannot be read: %s", strerror_r(errno, reason, sizeof reason));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        eca_error_set(err, "it is no file");
    else
        whole = read_descriptor(fd, &growing, err) && growing.length > 0;
    close(fd);
    if (!whole)
        eca_error_set(err, "it is empty");
    return hand_over(&growing, whole, bytes, length);
}

/* The body, until the server ends the connection or the time is up. */
static bool read_body(BIO *body, time_t until, struct growing *out, struct eca_error *err)
{
    while (make_room(out, err)) {
        const int got = BIO_read(body, out->bytes + out->length, (int)CHUNK);

        if (time(NULL) > until)
            return eca_error_set(err, "it did not come in time");
        if (got > 0) {
            out->length += (size_t)got;
            continue;
        }
        if (!BIO_should_retry(body))
            return out->length > 0 || eca_error_set(err, "the answer is empty");
        if (BIO_wait(body, until, 100) == 0)
            return eca_error_set(err, "it did not come in time");
    }
    return false;
}

bool eca_crl_fetch_http(const char *url, apr_interval_time_t patience, uint8_t **bytes, size_t *length,
                        struct eca_error *err)
{
    const time_t until = time(NULL) + (time_t)apr_time_sec(patience);
    struct growing growing = { .bytes = NULL };
    BIO *body = OSSL_HTTP_get(url, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, ECA_CRL_BYTES_MAX,
                              (int)apr_time_sec(patience));
    char reason[200] = "";
    bool whole = false;

    if (body == NULL) {
        ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
        ERR_clear_error();
        return eca_error_set(err, "it cannot be fetched: %s", reason);
    }
    whole = read_body(body, until, &growing, err);
    BIO_free_all(body);
    ERR_clear_error();
    return hand_over(&growing, whole, bytes, length);
}

/* A name that no URL can choose. */
static bool name_copy(char path[PATH_BYTES], const char *directory, const char *url, const char *ending)
{
    unsigned char digest[32];
    char hex[sizeof digest * 2 + 1];

    if (EVP_Digest(url, strlen(url), digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return snprintf(path, PATH_BYTES, "%s/%s.crl%s", directory, hex, ending) < PATH_BYTES;
}

bool eca_crl_fetch_kept(const char *directory, const char *url, uint8_t **bytes, size_t *length, apr_time_t *when)
{
    struct eca_error ignored = { .text = "" };
    char path[PATH_BYTES];
    struct stat info;

    if (!name_copy(path, directory, url, "") || stat(path, &info) != 0)
        return false;
    *when = apr_time_make(info.st_mtim.tv_sec, info.st_mtim.tv_nsec / 1000);
    return eca_crl_fetch_file(path, bytes, length, &ignored);
}

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(fd, bytes, length);

        if (written <= 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

bool eca_crl_fetch_keep(const char *directory, const char *url, const uint8_t *bytes, size_t length,
                        struct eca_error *err)
{
    char path[PATH_BYTES], temporary[PATH_BYTES], reason[128];
    bool kept = false;
    int fd = -1;

    if (!name_copy(path, directory, url, "") || !name_copy(temporary, directory, url, ".XXXXXX"))
        return eca_error_set(err, "the directory's name is too long");
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd >= 0) {
        kept = write_all(fd, bytes, length);
        kept = close(fd) == 0 && kept && rename(temporary, path) == 0;
    }
    if (kept)
        return true;
    eca_error_set(err, "%s cannot be written: %s", temporary, strerror_r(errno, reason, sizeof reason));
    if (fd >= 0)
        (void)unlink(temporary);
    return false;
}
