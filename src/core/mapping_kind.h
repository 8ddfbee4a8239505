/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of mapping makes of a certificate; for the mapping's own files. */
#ifndef ECA_MAPPING_KIND_H
#define ECA_MAPPING_KIND_H

#include "mapping.h"

/*
 * Adds the keys of one kind at the end of `out`, or none; out->sid is known already. False with a sentence when a value
 * is not allowed (mapping rules 3, 4, 7, 8): the caller takes back what was begun. `configured` and `rank` are the
 * caller's. Threads: any.
 */
bool eca_mapping_kind_make(struct eca_mapping_keys *out, const struct eca_certificate *certificate,
                           enum eca_mapping_kind kind, struct eca_error *err);

/*
 * "X509:<I>" issuer "<SR>" serial, the serial's bytes from the last to the first (MS-PKCA 3.1.5.2.1, KB5014754); with
 * `sign_byte` the 00 that DER adds to a high bit stands at the end. False when the issuer, the serial or their length
 * allow no such value, or it holds what rule 7 forbids.
 */
bool eca_mapping_write_issuer_serial(struct eca_strbuf *out, const struct eca_certificate *certificate, bool sign_byte);

#endif
