/* SPDX-License-Identifier: MPL-2.0 */
/*  rounds - what is looked after in the ledger by the clock: open jobs that nobody knows of, and rows that nobody needs
 *
 *  PostgreSQL may commit what a former instance had sent after this one has read the open jobs: then the ledger has a job that is on no
 *  desk. So it is looked through again, soon after the start and then less and less often. Steps and events of jobs that ended
 *  JOBS_KEEP_DAYS ago are dropped.
 */
#ifndef CF_LEDGER_ROUNDS_H
#define CF_LEDGER_ROUNDS_H

#include "actors/ledger/desk.h"

typedef struct cf_rounds_t cf_rounds_t;

/*  Gets an open job that is not on the desk; it is fn's from now on. */
typedef void (cf_rounds_found_fn) (void *arg, cf_job_t *job);

/*  NULL when out of memory. shown is emptied where steps were dropped. */
cf_rounds_t *cf_rounds_new (cf_loop_t *loop, cf_desk_t *desk, cf_ledger_t *ledger, cf_shown_t *shown, cf_rounds_found_fn *fn, void *arg);
/*  Not in the middle of a round, which uses what it was given: stop first, and wait until it is idle. */
void cf_rounds_destroy (cf_rounds_t **self_p);
/*  Makes the first round now: the open jobs are on the desk. */
void cf_rounds_start (cf_rounds_t *self);
/*  Makes no further round; one that is made comes to its end. */
void cf_rounds_stop (cf_rounds_t *self);
bool cf_rounds_idle (const cf_rounds_t *self);

#endif
