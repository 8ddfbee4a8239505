/* SPDX-License-Identifier: Apache-2.0 */
/* NTAuthCertificates as a list of digests. */
#include "nt_auth.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_BYTES 32
#define REFRESH_SECONDS 300
#define RETRY_SECONDS 30

struct eca_nt_auth {
    pthread_mutex_t lock;
    uint8_t (*digests)[DIGEST_BYTES]; /* SHA-256 of the DER; NULL: never read */
    size_t count;
    int64_t read_at, tried_at; /* seconds */
};

struct eca_nt_auth *eca_nt_auth_open(void)
{
    struct eca_nt_auth *list = calloc(1, sizeof *list);

    if (list == NULL)
        return NULL;
    if (pthread_mutex_init(&list->lock, NULL) == 0)
        return list;
    free(list);
    return NULL;
}

void eca_nt_auth_close(struct eca_nt_auth *list)
{
    if (list == NULL)
        return;
    pthread_mutex_destroy(&list->lock);
    free(list->digests);
    free(list);
}

bool eca_nt_auth_replace(struct eca_nt_auth *list, const struct eca_slice *certificates, size_t count, int64_t now)
{
    uint8_t(*digests)[DIGEST_BYTES] = NULL, (*before)[DIGEST_BYTES] = NULL;
    bool good = count <= ECA_NT_AUTH_CERTIFICATES_MAX;

    if (good)
        digests = calloc(count + 1, DIGEST_BYTES);
    good = digests != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = EVP_Digest(certificates[i].bytes, certificates[i].length, digests[i], NULL, EVP_sha256(), NULL) == 1;
    if (!good) {
        free(digests);
        return false;
    }
    pthread_mutex_lock(&list->lock);
    before = list->digests;
    list->digests = digests;
    list->count = count;
    list->read_at = now;
    pthread_mutex_unlock(&list->lock);
    free(before);
    return true;
}

enum eca_nt_auth_answer eca_nt_auth_judge(struct eca_nt_auth *list, X509 *issuer)
{
    enum eca_nt_auth_answer answer = ECA_NT_AUTH_MISSING;
    uint8_t digest[DIGEST_BYTES];

    if (X509_digest(issuer, EVP_sha256(), digest, NULL) != 1)
        return ECA_NT_AUTH_MISSING;
    pthread_mutex_lock(&list->lock);
    if (list->digests == NULL)
        answer = ECA_NT_AUTH_UNKNOWN;
    for (size_t i = 0; i < list->count && answer == ECA_NT_AUTH_MISSING; i++) {
        if (memcmp(list->digests[i], digest, sizeof digest) == 0)
            answer = ECA_NT_AUTH_LISTED;
    }
    pthread_mutex_unlock(&list->lock);
    return answer;
}

bool eca_nt_auth_is_due(struct eca_nt_auth *list, int64_t now)
{
    bool due = false;

    pthread_mutex_lock(&list->lock);
    due = now - list->read_at >= REFRESH_SECONDS && now - list->tried_at >= RETRY_SECONDS;
    if (due)
        list->tried_at = now;
    pthread_mutex_unlock(&list->lock);
    return due;
}
