/* SPDX-License-Identifier: Apache-2.0 */
/* Active Directory through the global catalog: it knows every account of the forest, but not all of each. */
#ifndef ECA_CATALOG_DIRECTORY_H
#define ECA_CATALOG_DIRECTORY_H

#include "ldap_directory.h"

#define ECA_CATALOG_DOMAINS_MAX 32 /* of the forest, in which accounts were found */

/*
 * The URLs of `settings` are all of global catalogs. The catalog says in which domains there are candidates; then the
 * domain controllers of those, found by DNS, are asked the same question, and what they say counts: accountExpires,
 * lockoutTime and most groups are not in the catalog. Passwords and groups are their business alone. Otherwise as
 * eca_ldap_directory_open(), with `connections` for each domain.
 */
struct eca_directory *eca_catalog_directory_open(const struct eca_ldap_settings *settings, struct eca_error *err);

#endif
