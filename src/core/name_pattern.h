/* SPDX-License-Identifier: Apache-2.0 */
/* Many certificates, one account: a pattern over issuer and subject, the many-to-one mapping of IIS. */
#ifndef ECA_NAME_PATTERN_H
#define ECA_NAME_PATTERN_H

#include "error.h"
#include "strbuf.h"

#define ECA_NAME_PATTERN_MAX 2048
#define ECA_NAME_COMPONENTS_MAX 64 /* of one name or pattern */

/*
 * "<I>" issuer "<S>" subject, names as Windows writes them and `eas-certauth map` prints them, with asterisks:
 * a component that is one asterisk stands for any number of components, also none; an asterisk within a component
 * for any number of its characters. An asterisk never reaches over the comma between two components, so nobody can
 * put "O=Example" into a CN and be taken for it. Slices of the text it was parsed from.
 */
struct eca_name_pattern {
    struct eca_slice issuer, subject;
};

/*
 * False with a sentence for anything else, for more than ECA_NAME_PATTERN_MAX bytes or ECA_NAME_COMPONENTS_MAX
 * components, and when issuer or subject name nothing at all: every certificate of a CA would be that account. Threads:
 * any.
 */
bool eca_name_pattern_parse(struct eca_name_pattern *out, struct eca_slice text, struct eca_error *err);

/*
 * Whether a value of the kind issuer-subject ("X509:<I>" issuer "<S>" subject) fits: ASCII letters without case, every
 * other byte exact (mapping rule 6). The time it takes is bounded by the product of both lengths. Threads: any.
 */
bool eca_name_pattern_fits(const struct eca_name_pattern *pattern, struct eca_slice issuer_subject);

#endif
