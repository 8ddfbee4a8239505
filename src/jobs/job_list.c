/* SPDX-License-Identifier: Apache-2.0 */
/* The list that queued and running jobs are kept in. */
#include "job_list.h"

#include <string.h>

void eca_job_list_append(struct eca_job_list *list, struct eca_job *job)
{
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
    list->length++;
}

void eca_job_list_remove(struct eca_job_list *list, struct eca_job *job)
{
    struct eca_job *before = NULL;

    for (struct eca_job *at = list->first; at != job; at = at->next)
        before = at;
    if (before != NULL)
        before->next = job->next;
    else
        list->first = job->next;
    if (list->last == job)
        list->last = before;
    list->length--;
}

struct eca_job *eca_job_list_find_same(const struct eca_job_list *list, const struct eca_job *like)
{
    struct eca_job *newest = NULL;

    if (like->key == NULL)
        return NULL;
    for (struct eca_job *job = list->first; job != NULL; job = job->next) {
        if (job->key != NULL && job->key_length == like->key_length
            && memcmp(job->key, like->key, like->key_length) == 0)
            newest = job;
    }
    return newest;
}
