/* SPDX-License-Identifier: Apache-2.0 */
/* The way of one certificate through a section's stages, without httpd: trust, mapping, directory, account, decision.
 */
#ifndef ECA_LOOK_UP_H
#define ECA_LOOK_UP_H

#include "effective.h"
#include "reason.h"

#include <stdint.h>

struct eca_look_up;

/*
 * Opens what the section uses: issuers, directory, keytab or bind password, as the calling user may read them. NULL
 * with a sentence. `effective` must live as long.
 */
struct eca_look_up *eca_look_up_open(const struct eca_effective *effective, struct eca_error *err);
void eca_look_up_close(struct eca_look_up *look_up);

/* What came of it. Large: on the heap. */
struct eca_finding_shown {
    struct eca_mapping_keys keys; /* of the section's EASMapping, and the weak ones that it does not name */
    struct eca_candidates candidates;
    bool asked;             /* the directory answered */
    enum eca_reason reason; /* of a request that shows this certificate and nothing else */
    struct eca_error detail;
    bool mapped;                       /* `kind` led to an account, or would have */
    enum eca_mapping_kind kind;        /* with `mapped` */
    const struct eca_account *account; /* the one it is, or NULL */
};

/* Blocks at most about EASDirectoryTimeout, and as long as a KDC lets the GSSAPI bind wait. Revocation is not looked
 * at. */
void eca_look_up_run(struct eca_look_up *look_up, const struct eca_certificate *certificate, STACK_OF(X509) * chain,
                     struct eca_finding_shown *out);

#endif
