/* SPDX-License-Identifier: MPL-2.0 */
/*  queue - jobs of one kind that wait for a process: priority first, then each user in turn */
#ifndef CF_LEDGER_QUEUE_H
#define CF_LEDGER_QUEUE_H

#include "actors/ledger/job.h"

typedef struct cf_queue_t cf_queue_t;

cf_queue_t *cf_queue_new (void);
/*  Forgets its jobs without destroying them. */
void cf_queue_destroy (cf_queue_t **self_p);
/*  Puts job at the end of its user's line, or, in_front, before everyone of its priority. 0, or -1 when out of memory. */
int cf_queue_push (cf_queue_t *self, cf_job_t *job, bool in_front);
/*  Takes the next one out; NULL if empty. */
cf_job_t *cf_queue_pop (cf_queue_t *self);
/*  Takes job out, wherever it stands; nothing if it is in no queue. */
void cf_queue_remove (cf_queue_t *self, cf_job_t *job);
size_t cf_queue_size (const cf_queue_t *self);

#endif
