/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough DER (ITU-T X.690 section 10) to read the small structures that libcrypto has no type for. */
#ifndef ECA_DER_H
#define ECA_DER_H

#include "strbuf.h"

enum eca_der_tag {
    ECA_DER_INTEGER = 0x02,
    ECA_DER_OCTET_STRING = 0x04,
    ECA_DER_OBJECT_IDENTIFIER = 0x06,
    ECA_DER_SEQUENCE = 0x30,
    ECA_DER_CONTEXT_0 = 0xa0, /* [0], constructed */
};

/*
 * Takes one element with this tag from the front of `*rest` and gives its content, both slices of
 * the same memory. False, with nothing taken, for another tag, a length that is indefinite, not
 * in its shortest form or longer than what is there. Threads: any.
 */
bool eca_der_take(struct eca_slice *rest, enum eca_der_tag tag, struct eca_slice *content);

#endif
