/* SPDX-License-Identifier: MPL-2.0 */
/*  ledger - jobs in PostgreSQL: every statement that reads or writes them
 *
 *  Writes are rows in lanes of one batch: all of a turn are one transaction, and transactions keep their order. Reads
 *  are queries of tasks.
 */
#ifndef CF_LEDGER_LEDGER_H
#define CF_LEDGER_LEDGER_H

#include "actors/ledger/job.h"
#include "actors/lib/db_batch.h"

typedef struct cf_ledger_t cf_ledger_t;

/*  Told of each job that the ledger has accepted, after its commit and before its waiter goes on. */
typedef void (cf_ledger_accepted_fn) (void *arg, const char *job);

/*  Connects to DATABASE_URL. NULL with error. */
cf_ledger_t *cf_ledger_new (cf_loop_t *loop, cf_ledger_accepted_fn *fn, void *arg, cf_error_t *error);
void cf_ledger_destroy (cf_ledger_t **self_p);
cf_batch_t *cf_ledger_batch (cf_ledger_t *self);
/*  For reads. */
cf_db_t *cf_ledger_db (cf_ledger_t *self);
/*  Whether it can be read and written now. */
bool cf_ledger_is_up (const cf_ledger_t *self);
/*  Whether everything written is committed. */
bool cf_ledger_idle (const cf_ledger_t *self);

/*  Writes; each returns the ticket of its row, 0 when too much is waiting. */
cf_batch_ticket_t cf_ledger_accept (cf_ledger_t *self, const cf_job_t *job);
/*  The whole row of a job but what never changes; with_input also its input. An ended job's row is left as it is. */
cf_batch_ticket_t cf_ledger_update (cf_ledger_t *self, const cf_job_t *job, bool with_input);
/*  What an ended job has lost (millionths of a US dollar), where that is found out afterwards. */
cf_batch_ticket_t cf_ledger_lost (cf_ledger_t *self, const char *job, uint64_t lost);
cf_batch_ticket_t cf_ledger_step (cf_ledger_t *self, const cf_job_t *job, const cf_step_t *step, size_t seq,
                                  const char *output, const char *outcome, const char *provider);
cf_batch_ticket_t cf_ledger_event (cf_ledger_t *self, const cf_job_t *job, const char *event, const char *shown);

/*  Reads; 0, or -1 with error. What is found is the caller's; NULL where there is no such job (or it is not the user's). What a user
    asks for is read as that user, so that row level security stands behind the statement's own condition. */
int cf_ledger_read_job (cf_ledger_t *self, cf_task_t *task, const char *job, const char *user, cf_job_t **found, cf_error_t *error);
/*  Calls fn (arg, job) with each open job, oldest first; the jobs become fn's. After -1 it may have been called with some of them, and
    will be again. */
int cf_ledger_read_open (cf_ledger_t *self, cf_task_t *task, void (*fn) (void *arg, cf_job_t *job), void *arg, cf_error_t *error);
/*  Id and user of each open job, a row each; the caller's to destroy. */
int cf_ledger_list_open (cf_ledger_t *self, cf_task_t *task, cf_db_result_t **found, cf_error_t *error);
/*  Page of Jobs of a project, newest first; NOT_FOUND where the project is not the user's. */
int cf_ledger_read_page (cf_ledger_t *self, cf_task_t *task, const char *project, const char *user, uint32_t page,
                         uint32_t page_size, cf_json_t **found, cf_error_t *error);
/*  [{name, output, outcome}] of the finished steps, in order. */
int cf_ledger_read_journal (cf_ledger_t *self, cf_task_t *task, const char *job, cf_json_t **found, cf_error_t *error);
/*  [{status, journal: [{name, output}]}] of other jobs of the same user, project and kind as the user's job, at most 10, newest first. */
int cf_ledger_read_earlier (cf_ledger_t *self, cf_task_t *task, const char *job, const char *user, cf_json_t **found, cf_error_t *error);
/*  [{seq, event, data}] after a sequence number, ascending, at most 1,000. A `complete` comes without its result. */
int cf_ledger_read_events (cf_ledger_t *self, cf_task_t *task, const char *job, uint64_t after, cf_json_t **found, cf_error_t *error);
/*  What a project is to a user: NULL where it is none of theirs, else {status, requirements: bool, architecture: bool}. */
int cf_ledger_read_project (cf_ledger_t *self, cf_task_t *task, const char *project, const char *user, cf_json_t **found, cf_error_t *error);
/*  Deletes steps and events of jobs that ended more than days ago; returns how many rows, at most 10,000 of each, or -1. */
int cf_ledger_prune (cf_ledger_t *self, cf_task_t *task, uint64_t days, cf_error_t *error);

#endif
