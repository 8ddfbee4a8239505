/* SPDX-License-Identifier: Apache-2.0 */
/* Cache records: the input is a record's content, sealed here, because nothing gets past a wrong MAC. */
#include "account_record.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[ECA_ACCOUNT_RECORD_KEY_BYTES], secret[ECA_ACCOUNT_RECORD_SECRET_BYTES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read has to be written again as the very same bytes. */
static void check_same(const struct eca_finding *finding, const struct eca_account_record_form *form,
                       const uint8_t *record, size_t length)
{
    uint8_t again[ECA_ACCOUNT_RECORD_MAX];
    const size_t written = eca_account_record_write(again, finding, form);

    if (finding->fact == ECA_ACCOUNT_USABLE && (written != length || memcmp(again, record, length) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t message[ECA_ACCOUNT_RECORD_KEY_BYTES + ECA_ACCOUNT_RECORD_MAX];
    uint8_t *const record = malloc(size + 32);
    static struct eca_account_seal *seal;
    static struct eca_finding finding;

    if (seal == NULL)
        seal = eca_account_seal_open(secret);
    if (record == NULL || seal == NULL)
        return 0;
    for (unsigned form = ECA_REMOTE_USER_UPN; form <= ECA_REMOTE_USER_ATTRIBUTE && size <= ECA_ACCOUNT_RECORD_MAX - 32;
         form++) {
        const struct eca_account_record_form bound = { key, seal, (enum eca_remote_user)form };

        memcpy(message, key, sizeof key);
        if (size > 0)
            memcpy(message + sizeof key, data, size);
        memcpy(record, message + sizeof key, size);
        (void)HMAC(EVP_sha256(), secret, (int)sizeof secret, message, sizeof key + size, record + size, NULL);
        if (eca_account_record_read(&finding, (struct eca_slice){ record, size + 32 }, &bound, INT64_MAX - 61))
            check_same(&finding, &bound, record, size + 32);
    }
    free(record);
    return 0;
}
