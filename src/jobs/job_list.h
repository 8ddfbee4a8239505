/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs in the order they came, chained by eca_job.next: the pool's queue and its running jobs. */
#ifndef ECA_JOB_LIST_H
#define ECA_JOB_LIST_H

#include "job_pool.h"

/* Starts zeroed. A job is in one list at most; whoever calls holds the pool's lock. */
struct eca_job_list {
    struct eca_job *first;
    struct eca_job *last;
    unsigned length;
};

void eca_job_list_append(struct eca_job_list *list, struct eca_job *job);

/* Takes out a job that is in the list. */
void eca_job_list_remove(struct eca_job_list *list, struct eca_job *job);

/* The newest job with the same key bytes as `like`; NULL when there is none, and for a job without a key. */
struct eca_job *eca_job_list_find_same(const struct eca_job_list *list, const struct eca_job *like);

#endif
