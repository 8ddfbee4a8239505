/* SPDX-License-Identifier: Apache-2.0 */
/* DER (ITU-T X.690 section 10) written from its end: what comes next is put in front, when its length is known. */
#ifndef ECA_DER_WRITER_H
#define ECA_DER_WRITER_H

#include "strbuf.h"

/*
 * What is written lies at memory + start and ends with the memory. Once a piece did not fit, `overflow` stays set and
 * later pieces are ignored. Threads: any, on their own.
 */
struct eca_der_writer {
    uint8_t *memory;
    size_t start;
    bool overflow;
};

/* Nothing written yet; `memory` is the caller's. */
void eca_der_writer_init(struct eca_der_writer *der, uint8_t *memory, size_t size);

/* The bytes as they are. */
void eca_der_put(struct eca_der_writer *der, const void *bytes, size_t length);

/*
 * Tag and length for all that was written since `start` was `end` (8.1.3). Contents above 65,535 bytes are an
 * overflow: no header of HTTP holds them.
 */
void eca_der_close(struct eca_der_writer *der, uint8_t tag, size_t end);

/* One primitive element. */
void eca_der_put_element(struct eca_der_writer *der, uint8_t tag, const void *bytes, size_t length);

/* An INTEGER (8.3), as short as it can be. */
void eca_der_put_integer(struct eca_der_writer *der, int64_t value);

#endif
