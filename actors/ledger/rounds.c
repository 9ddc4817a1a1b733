/* SPDX-License-Identifier: MPL-2.0 */
/*  rounds - one task at a time
 *
 *  A job leaves the desk when its end is committed. So one that is not on the desk, and is open in what is read after that was seen, is
 *  on no desk at all.
 */

#include "actors/ledger/rounds.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdlib.h>

#define CF_ROUNDS_FIRST_MS 500u         /* to the second round; the pauses double, up to … */
#define CF_ROUNDS_LAST_MS 600000u       /* … this, with which old rows are dropped, too */

struct cf_rounds_t {
    cf_loop_t *loop;
    cf_desk_t *desk;
    cf_ledger_t *ledger;
    cf_shown_t *shown;
    cf_rounds_found_fn *fn;
    void *arg;
    uint64_t pause_ms;                  /* 0: there was no round yet */
    bool prunes;                        /* old rows are dropped with this round */
    cf_timer_t timer;
    cf_task_t *task;                    /* NULL: none is made */
};

/*  Gives fn that job, if it is open and on no desk. */
static int
s_adopt (cf_rounds_t *self, cf_task_t *task, const char *id, const char *user, cf_error_t *error)
{
    cf_job_t *job;
    if (cf_ledger_read_job (self->ledger, task, id, user, &job, error))
        return -1;
    if (job && !cf_job_is_terminal (job->state) && !cf_desk_lookup (self->desk, id, NULL)) {
        cf_log_warning ("job %s was committed after the open jobs had been read: it goes on", id);
        self->fn (self->arg, job);
    }
    else
        cf_job_destroy (&job);
    return 0;
}

static int
s_look (cf_rounds_t *self, cf_task_t *task, cf_error_t *error)
{
    cf_db_result_t *open;
    int rc = 0;
    if (cf_ledger_list_open (self->ledger, task, &open, error))
        return -1;
    for (size_t row = 0; rc == 0 && row < cf_db_rows (open); row++)
        if (!cf_desk_lookup (self->desk, cf_db_value (open, row, 0), NULL))
            rc = s_adopt (self, task, cf_db_value (open, row, 0), cf_db_value (open, row, 1), error);
    cf_db_result_destroy (&open);
    return rc;
}

static int
s_prune (cf_rounds_t *self, cf_task_t *task, cf_error_t *error)
{
    int dropped;
    do {
        dropped = cf_ledger_prune (self->ledger, task, cf_config_u64 (CF_CONFIG_JOBS_KEEP_DAYS), error);
        if (dropped > 0)
            cf_shown_clear (self->shown);       /* with steps that are no more */
    } while (dropped > 0);
    return dropped;
}

static void
s_round (cf_task_t *task, void *arg)
{
    cf_rounds_t *self = arg;
    cf_error_t error = { 0 };
    self->task = task;
    if (s_look (self, task, &error))
        cf_log_warning ("the open jobs were not looked through: %s", error.text);
    else if (self->prunes && s_prune (self, task, &error))
        cf_log_warning ("old steps and events were not dropped: %s", error.text);
    self->task = NULL;
}

static void
s_on_round (void *arg)
{
    cf_rounds_t *self = arg;
    self->prunes = self->pause_ms == 0 || self->pause_ms == CF_ROUNDS_LAST_MS;
    if (!self->task)
        cf_task_start (self->loop, s_round, self, NULL);
    self->pause_ms = self->pause_ms? self->pause_ms * 2: CF_ROUNDS_FIRST_MS;
    if (self->pause_ms > CF_ROUNDS_LAST_MS)
        self->pause_ms = CF_ROUNDS_LAST_MS;
    cf_timer_set (self->loop, &self->timer, self->pause_ms, s_on_round, self);
}

cf_rounds_t *
cf_rounds_new (cf_loop_t *loop, cf_desk_t *desk, cf_ledger_t *ledger, cf_shown_t *shown, cf_rounds_found_fn *fn, void *arg)
{
    cf_rounds_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (cf_rounds_t) { .loop = loop, .desk = desk, .ledger = ledger, .shown = shown, .fn = fn, .arg = arg };
    return self;
}

void
cf_rounds_destroy (cf_rounds_t **self_p)
{
    cf_rounds_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    cf_timer_clear (self->loop, &self->timer);
    free (self);
}

void
cf_rounds_start (cf_rounds_t *self)
{
    s_on_round (self);
}

void
cf_rounds_stop (cf_rounds_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    if (self->task)
        cf_task_cancel (self->task, CF_ERROR_CANCELLED);
}

bool
cf_rounds_idle (const cf_rounds_t *self)
{
    return !self->task;
}
