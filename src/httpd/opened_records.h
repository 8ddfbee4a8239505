/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the account cache whose seal this child has checked: the very same bytes need no second look. */
#ifndef ECA_OPENED_RECORDS_H
#define ECA_OPENED_RECORDS_H

#include "account_record.h"

#include <apr_pools.h>

/* Room for a number of them, each in the one place that its key gives it; a newer one takes the place. */
struct eca_opened_records;

/* For as long as the pool; NULL when out of memory. */
struct eca_opened_records *eca_opened_records_make(apr_pool_t *pool, size_t places);

/*
 * Whether exactly this record was kept under exactly this key (ECA_ACCOUNT_RECORD_KEY_BYTES). Threads: any, for both.
 */
bool eca_opened_records_has(struct eca_opened_records *opened, const uint8_t *key, struct eca_slice record);

/* Keeps one that eca_account_record_read() took, at most ECA_ACCOUNT_RECORD_MAX bytes. */
void eca_opened_records_keep(struct eca_opened_records *opened, const uint8_t *key, struct eca_slice record);

#endif
