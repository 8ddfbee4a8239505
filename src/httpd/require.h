/* SPDX-License-Identifier: Apache-2.0 */
/* Require eas-group, eas-mapping and eas-method. */
#ifndef ECA_REQUIRE_H
#define ECA_REQUIRE_H

#include <apr_pools.h>

/* Registers the three providers; called once, with the other hooks. */
void eca_require_register(apr_pool_t *pool);

#endif
