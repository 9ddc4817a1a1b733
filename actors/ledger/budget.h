/* SPDX-License-Identifier: MPL-2.0 */
/*  budget - what a job may cost, and what all jobs that a user creates within one day may cost together
 *
 *  MAX_JOB_COST_USD and MAX_USER_COST_USD_PER_DAY; amounts are millionths of a US dollar. Before each attempt at a provider the most it
 *  can cost is held; a finished step takes its hold's place with what it did cost, an attempt that gave no answer with what it is
 *  assumed to have cost ("lost"). What counts against a budget is all three together, so it cannot be exceeded as long as no call
 *  costs more than was held for it. A hold ends with its step, by its caller's word, or with its job: nobody knows then what the call
 *  came to, and it is taken for lost, whole, until its caller says better. Holds stand in the job's own row, so that what dies
 *  takes none with it.
 *
 *  A job counts on the day it was created (UTC), as in GET /v1/usage.
 */
#ifndef CF_LEDGER_BUDGET_H
#define CF_LEDGER_BUDGET_H

#include "actors/ledger/job.h"
#include "actors/lib/db.h"

#define CF_BUDGET_HOLDS 16              /* of one job at once; a job makes one call at a time */
#define CF_BUDGET_IDLE 1024             /* users' days that are remembered though no job of theirs is open */
#define CF_BUDGET_PARTED 1024           /* ended jobs whose callers may yet say what a call has cost */

typedef struct cf_budget_t cf_budget_t;

/*  Reads the settings. NULL when out of memory. */
cf_budget_t *cf_budget_new (void);
void cf_budget_destroy (cf_budget_t **self_p);

/*  A job comes to the desk, with all that it has cost and holds; and leaves it, with what it holds then taken for lost. */
void cf_budget_join (cf_budget_t *self, cf_job_t *job);
void cf_budget_leave (cf_budget_t *self, cf_job_t *job);
/*  Counts job anew, after its cost has changed. */
void cf_budget_recount (cf_job_t *job);

/*  Reads what the user of a job on the desk has spent on its day, unless that is known; then cf_budget_hold may be asked. Waits: the
    job may have left the desk when it returns. 0, or -1 with error. */
int cf_budget_read (cf_budget_t *self, cf_task_t *task, cf_db_t *db, const cf_job_t *job, cf_error_t *error);
/*  Holds most for the next attempt of the call id, which is to finish step, in place of what it held before; lost is what its earlier
    attempts are assumed to have cost. 0; -1 with BUDGET_EXCEEDED (then the call holds nothing any more, and lost counts as lost) or INVALID, BUSY (then nothing
    has changed). */
int cf_budget_hold (cf_budget_t *self, cf_job_t *job, const char *id, const char *step, uint64_t most, uint64_t lost, cf_error_t *error);
/*  The call id of a job on the desk has ended: what it held is free, lost counts as lost. What it cost is for the log only, where that is
    more than was held. False where the job holds nothing of that id. */
bool cf_budget_settle (cf_job_t *job, const char *id, double cost_usd, uint64_t lost);
/*  The same of a job that has left the desk: true with *total, all that it has lost, where that is less than was assumed. */
bool cf_budget_settle_parted (cf_budget_t *self, const char *job, const char *id, uint64_t lost, uint64_t *total);

/*  Holds of a job as JSON text for its row, yours to free; NULL where there are none. And back, into a job with its steps: what is held for
    one that is finished already is not taken in. */
char *cf_budget_print (const cf_job_t *job);
void cf_budget_parse (cf_job_t *job, const char *text);

#endif
