/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is the format, the rest a header's value. What base64 becomes, an encoder writes again the same. */
#include "header_certificate.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* base64 of the text: its characters without blanks, colons and lines of PEM. */
static void check_spelling(enum eca_header_format format, struct eca_slice text, struct eca_slice der)
{
    const size_t length = (der.length + 2) / 3 * 4;
    char *again = malloc(length + 1);

    if (again == NULL || EVP_EncodeBlock((unsigned char *)again, der.bytes, (int)der.length) != (int)length)
        abort();
    if (format == ECA_HEADER_FORMAT_RFC9440 || format == ECA_HEADER_FORMAT_BASE64_DER) {
        const void *found = memmem(text.bytes, text.length, again, length);

        if (found == NULL)
            abort();
    }
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const enum eca_header_format format = size == 0 ? ECA_HEADER_FORMAT_PEM : (enum eca_header_format)(data[0] % 4);
    struct eca_slice text = { data + 1, size - 1 }, der = { NULL, 0 };
    struct eca_error err = { .text = "" };
    uint8_t *memory;

    if (size < 2)
        return 0;
    memory = malloc(text.length);
    if (memory == NULL)
        return 0;
    if (eca_header_certificate_decode(&der, memory, format, text, &err)) {
        if (der.length == 0 || der.bytes < memory || der.bytes + der.length > memory + text.length)
            abort();
        check_spelling(format, text, der);
    } else if (err.text[0] == '\0') {
        abort();
    }
    free(memory);
    return 0;
}
