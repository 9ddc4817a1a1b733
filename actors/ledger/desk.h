/* SPDX-License-Identifier: MPL-2.0 */
/*  desk - the open jobs, and the only place where one changes
 *
 *  Each change is written (row, event), and told to watchers (JOB_ADVANCED on job.<id>) once it is committed, in order. A job that
 *  has ended leaves memory when its end is committed. The row of a job at work may be 250 ms behind its events and its journal, from
 *  which it is made good when it is read (ledger.c).
 */
#ifndef CF_LEDGER_DESK_H
#define CF_LEDGER_DESK_H

#include "actors/ledger/budget.h"
#include "actors/ledger/ledger.h"
#include "actors/ledger/shown.h"
#include "proto/message.h"

typedef struct cf_desk_t cf_desk_t;

/*  Called when a job's working time is over. */
typedef void (cf_desk_overdue_fn) (void *arg, cf_job_t *job);

cf_desk_t *cf_desk_new (cf_loop_t *loop, cf_ledger_t *ledger, cf_desk_overdue_fn *fn, void *arg);
void cf_desk_destroy (cf_desk_t **self_p);
/*  Before the ledger is closed: a refusal from now on is the closing's, not a job's. */
void cf_desk_close (cf_desk_t *self);

/*  Jobs that have ended are kept there from now on (borrowed) instead of being destroyed. */
void cf_desk_keep_ended (cf_desk_t *self, cf_shown_t *shown);

/*  The open job of that id, borrowed, or NULL; with user only if it is theirs. */
cf_job_t *cf_desk_lookup (cf_desk_t *self, const char *job, const char *user);
/*  The running job that the writer of attempt may write to, borrowed; NULL with STALE_ATTEMPT. */
cf_job_t *cf_desk_fenced (cf_desk_t *self, const char *job, uint32_t attempt, cf_error_t *error);
/*  Takes a job in (one that is new, or one read from the ledger); it is the desk's from now on. */
void cf_desk_take (cf_desk_t *self, cf_job_t **job_p);
/*  Takes a job that was not accepted out again, and destroys it. */
void cf_desk_drop (cf_desk_t *self, cf_job_t *job);
size_t cf_desk_size (const cf_desk_t *self);
/*  Open jobs of a user. */
size_t cf_desk_count_of (cf_desk_t *self, const char *user);
/*  First job in the desk's order; the others follow by job->hh.next. */
cf_job_t *cf_desk_first (cf_desk_t *self);

/*  Moves job by event (see the table in job.c), with result (JSON text or NULL) and failure (or NULL) as what it has from now
    on. The ticket of its row; 0 when the table refuses, or when too much waits for the database, or the desk is closed (then nothing
    has changed). The job's place in a queue or with a holder is the caller's to end, afterwards. */
cf_batch_ticket_t cf_desk_move (cf_desk_t *self, cf_job_t *job, cf_job_event_t event, const char *result,
                                const cf_job_failure_t *failure);
/*  The same for a request of the user's, whose id the job keeps, so that the request is known when it comes again. */
cf_batch_ticket_t cf_desk_move_for (cf_desk_t *self, cf_job_t *job, cf_job_event_t event, const char *request);
/*  Tells progress (which never goes back), stage and note ("": as they are). */
void cf_desk_progress (cf_desk_t *self, cf_job_t *job, uint32_t progress, const char *stage, const char *note);
/*  Tells that a step starts; nothing if it has started already. */
void cf_desk_start_step (cf_desk_t *self, cf_job_t *job, const char *name);

/*  Writes all rows that are behind, as before an end in good order. */
void cf_desk_catch_up (cf_desk_t *self);

/*  Waits, at most wait_ms, until the user's job of that id is no longer at work: has ended, or waits for input; at once where there is
    no such open job. 0, or -1 with error: the task is to end, or too many wait already (BUSY). */
int cf_desk_await (cf_desk_t *self, cf_task_t *task, const char *job, const char *user, uint32_t wait_ms, cf_error_t *error);
/*  Cancels the tasks that do (ACTOR_GONE: they can ask the next instance). */
void cf_desk_end_waits (cf_desk_t *self);

/*  Writes a finished step into the journal, adds its usage to the job's, and ends what was held for it. The ticket of its row, 0 when
    too much waits. A step that the journal has already is left as it is. */
cf_batch_ticket_t cf_desk_finish_step (cf_desk_t *self, cf_job_t *job, const cf_job_step_t *done);
/*  Reserves money for a call, as asked, and waits for the commit. 0, or -1 with error: STALE_ATTEMPT, BUDGET_EXCEEDED, DATABASE_DOWN … */
int cf_desk_reserve (cf_desk_t *self, cf_task_t *task, const cf_budget_reserve_t *ask, cf_error_t *error);
/*  Ends a reservation of a job, open or not; nothing where it has ended already. Waits likewise. */
int cf_desk_release (cf_desk_t *self, cf_task_t *task, const cf_budget_release_t *ask, cf_error_t *error);
/*  Waits until every step of that job that was finished so far can be read in the journal. 0, or -1 with error. */
int cf_desk_await_steps (cf_desk_t *self, cf_task_t *task, const char *job, cf_error_t *error);

#endif
