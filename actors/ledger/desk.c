/* SPDX-License-Identifier: MPL-2.0 */
/*  desk - one hash of jobs, one function that moves them
 *
 *  What watchers are told waits in the batch's own order for its commit. The event's row goes before the job's, so that the job's
 *  ticket stands for both.
 */

#include "actors/ledger/desk.h"
#include "actors/lib/event.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/*  While the database is away, what is uncommitted grows. With so much of it nobody is told of progress any more, and no work begins;
    the rest is for what must not be lost: finished steps, ends. */
#define CF_DESK_PROGRESS_BYTES (CF_BATCH_WAITING_BYTES / 4)
#define CF_DESK_BEGIN_BYTES (CF_BATCH_WAITING_BYTES / 2)
#define CF_DESK_ROW_BYTES 4096          /* at most of a row and an event, but for result, failure and input */
#define CF_DESK_BEHIND_MS 250           /* how far the row of a job at work may be behind its events: most jobs' next change comes first */
#define CF_DESK_WAITS_MAX 8192          /* tasks that wait for a job's end: half of the calls that `jobs` takes at once */
#define CF_DESK_LIMIT_AGAIN_MS 1000     /* an overdue job could not be ended */

typedef struct {
    UT_hash_handle hh;
    char user [CF_UUID_SIZE];
    size_t open;
} owner_t;

/*  A task that waits for a job to end; on its stack. */
typedef struct cf_job_wait_t {
    struct cf_job_wait_t *prev, *next;
    cf_job_t *job;                      /* NULL: it is no longer at work */
    cf_task_t *task;
    cf_timer_t timer;
    bool over;                          /* the time is */
} wait_t;

struct cf_desk_t {
    cf_loop_t *loop;
    cf_ledger_t *ledger;
    cf_budget_t *budget;
    cf_job_t *jobs;
    owner_t *owners;
    cf_shown_t *shown;                  /* or NULL */
    cf_desk_overdue_fn *fn;
    void *arg;
    size_t waits;
    cf_job_t *behind;                   /* jobs whose rows are, the longest first */
    cf_timer_t catch_up;
    bool closing;                       /* what is refused now is refused for good */
};

/*  Something to be told after its commit. */
typedef struct {
    cf_desk_t *desk;
    char job [CF_UUID_SIZE];
    uint64_t seq;
    const char *event;
    char *shown;
    bool ends;
} notice_t;

cf_desk_t *
cf_desk_new (cf_loop_t *loop, cf_ledger_t *ledger, cf_desk_overdue_fn *fn, void *arg)
{
    cf_desk_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (cf_desk_t) { .loop = loop, .ledger = ledger, .budget = cf_budget_new (), .fn = fn, .arg = arg };
    if (self && !self->budget) {
        free (self);
        self = NULL;
    }
    return self;
}

void
cf_desk_destroy (cf_desk_t **self_p)
{
    cf_desk_t *self = *self_p;
    if (!self)
        return;
    cf_job_t *job, *next;
    HASH_ITER (hh, self->jobs, job, next)
        cf_desk_drop (self, job);
    cf_timer_clear (self->loop, &self->catch_up);
    cf_budget_destroy (&self->budget);
    free (self);
    *self_p = NULL;
}

void
cf_desk_close (cf_desk_t *self)
{
    self->closing = true;
}

void
cf_desk_keep_ended (cf_desk_t *self, cf_shown_t *shown)
{
    self->shown = shown;
}

/* ---- working time ---- */

static void
s_on_limit (void *arg)
{
    cf_job_t *job = arg;
    cf_desk_t *self = job->limit_owner;
    self->fn (self->arg, job);
    if (job->state == CF_JOB_RUNNING)
        cf_timer_set (self->loop, &job->limit, CF_DESK_LIMIT_AGAIN_MS, s_on_limit, job);
}

static void
s_enter_running (cf_desk_t *self, cf_job_t *job)
{
    uint64_t limit_ms = cf_job_limit_ms (job->kind);
    job->running_since_ms = cf_clock_ms ();
    if (!job->started_us)
        job->started_us = cf_clock_wall_us ();
    job->limit_owner = self;
    cf_timer_set (self->loop, &job->limit, job->spent_ms < limit_ms? limit_ms - job->spent_ms: 0, s_on_limit, job);
}

static void
s_leave_running (cf_desk_t *self, cf_job_t *job)
{
    if (job->running_since_ms)
        job->spent_ms += cf_clock_ms () - job->running_since_ms;
    job->running_since_ms = 0;
    cf_timer_clear (self->loop, &job->limit);
}

/* ---- rows that are behind ---- */

static void
s_is_written (cf_desk_t *self, cf_job_t *job)
{
    if (job->behind)
        DL_DELETE2 (self->behind, job, behind_prev, behind_next);
    job->behind = false;
}

static void
s_on_catch_up (void *arg)
{
    cf_desk_catch_up (arg);
}

static void
s_write_later (cf_desk_t *self, cf_job_t *job)
{
    if (job->behind)
        return;
    if (!self->behind)
        cf_timer_set (self->loop, &self->catch_up, CF_DESK_BEHIND_MS, s_on_catch_up, self);
    job->behind = true;
    DL_APPEND2 (self->behind, job, behind_prev, behind_next);
}

void
cf_desk_catch_up (cf_desk_t *self)
{
    while (self->behind && cf_ledger_update (self->ledger, self->behind, false))
        s_is_written (self, self->behind);
    if (self->behind)           /* too much waits for the database */
        cf_timer_set (self->loop, &self->catch_up, CF_DESK_BEHIND_MS, s_on_catch_up, self);
}

/* ---- the table ---- */

cf_job_t *
cf_desk_lookup (cf_desk_t *self, const char *id, const char *user)
{
    cf_job_t *job;
    HASH_FIND_STR (self->jobs, id, job);
    return job && (!user || strcmp (job->user, user) == 0)? job: NULL;
}

cf_job_t *
cf_desk_first (cf_desk_t *self)
{
    return self->jobs;
}

cf_job_t *
cf_desk_fenced (cf_desk_t *self, const char *id, uint32_t attempt, cf_error_t *error)
{
    cf_job_t *job = cf_desk_lookup (self, id, NULL);
    if (job && job->state == CF_JOB_RUNNING && job->attempt == attempt)
        return job;
    cf_error_set (error, CF_ERROR_STALE_ATTEMPT, job? "the job is in other hands": "the job has ended");
    return NULL;
}

size_t
cf_desk_size (const cf_desk_t *self)
{
    return HASH_COUNT (self->jobs);
}

static owner_t *
s_owner (cf_desk_t *self, const char *user)
{
    owner_t *owner;
    HASH_FIND_STR (self->owners, user, owner);
    return owner;
}

size_t
cf_desk_count_of (cf_desk_t *self, const char *user)
{
    owner_t *owner = s_owner (self, user);
    return owner? owner->open: 0;
}

void
cf_desk_take (cf_desk_t *self, cf_job_t **job_p)
{
    cf_job_t *job = *job_p;
    *job_p = NULL;
    owner_t *owner = s_owner (self, job->user);
    if (!owner && (owner = calloc (1, sizeof *owner))) {
        memcpy (owner->user, job->user, sizeof owner->user);
        HASH_ADD_STR (self->owners, user, owner);
    }
    if (owner)
        owner->open++;
    HASH_ADD_STR (self->jobs, id, job);
    cf_budget_join (self->budget, job);
    if (job->state == CF_JOB_RUNNING)
        s_enter_running (self, job);
    cf_metric_set (CF_METRIC_jobs_open, HASH_COUNT (self->jobs));
}

/*  Out of the table, and nothing more. */
static void
s_take_out (cf_desk_t *self, cf_job_t *job)
{
    owner_t *owner = s_owner (self, job->user);
    if (owner && --owner->open == 0) {
        HASH_DEL (self->owners, owner);
        free (owner);
    }
    cf_timer_clear (self->loop, &job->limit);
    cf_budget_leave (self->budget, job);
    s_is_written (self, job);
    HASH_DEL (self->jobs, job);
    cf_metric_set (CF_METRIC_jobs_open, HASH_COUNT (self->jobs));
}

/* ---- waiting for an end ---- */

static void
s_on_wait_over (void *arg)
{
    wait_t *wait = arg;
    wait->over = true;
    cf_task_wake (wait->task);
}

/*  Takes those who wait from a job that is no longer at work. */
static wait_t *
s_take_waits (cf_job_t *job)
{
    wait_t *waits = job->waits, *wait;
    job->waits = NULL;
    DL_FOREACH (waits, wait)
        wait->job = NULL;
    return waits;
}

static void
s_wake (wait_t *waits)
{
    wait_t *next;
    for (wait_t *wait = waits; wait; wait = next) {
        next = wait->next;      /* it goes with the task's wait */
        cf_task_wake (wait->task);
    }
}

int
cf_desk_await (cf_desk_t *self, cf_task_t *task, const char *id, const char *user, uint32_t wait_ms, cf_error_t *error)
{
    cf_job_t *job = cf_desk_lookup (self, id, user);
    int rc = 0;
    if (!job || !job->accepted || job->state == CF_JOB_WAITING)
        return 0;
    if (self->waits == CF_DESK_WAITS_MAX)
        return cf_error_set (error, CF_ERROR_BUSY, "too many wait for jobs");
    wait_t wait = { .job = job, .task = task };
    DL_APPEND (job->waits, &wait);
    self->waits++;
    cf_timer_set (self->loop, &wait.timer, wait_ms, s_on_wait_over, &wait);
    while (wait.job && !wait.over && rc == 0)
        rc = cf_task_wait (task, error);
    cf_timer_clear (self->loop, &wait.timer);
    self->waits--;
    if (wait.job)
        DL_DELETE (wait.job->waits, &wait);
    return rc;
}

void
cf_desk_end_waits (cf_desk_t *self)
{
    for (cf_job_t *job = self->jobs; job; job = job->hh.next) {
        wait_t *wait;
        DL_FOREACH (job->waits, wait)
            cf_task_cancel (wait->task, CF_ERROR_ACTOR_GONE);
    }
}

void
cf_desk_drop (cf_desk_t *self, cf_job_t *job)
{
    wait_t *waits = s_take_waits (job);
    s_take_out (self, job);
    cf_job_destroy (&job);
    s_wake (waits);
}

/* ---- telling, after the commit ---- */

/*  The database refused the row of an ended job, so it has not ended (and its last event was not written): its result cannot be
    stored, and that is its end. */
static void
s_end_otherwise (cf_desk_t *self, cf_job_t *job, uint64_t seq)
{
    static const cf_job_failure_t failure = { "DATABASE_REFUSED", "the result could not be stored", "" };
    cf_log_error ("job %s: the ledger refused its end", job->id);
    if (job->state == CF_JOB_FAILED && job->error && strcmp (job->error, failure.text) == 0)
        return;
    if (job->last_event == seq)
        job->last_event--;
    job->state = CF_JOB_RUNNING;
    cf_desk_move (self, job, CF_JOB_ON_FAILURE, NULL, &failure);
}

static void
s_on_committed (void *arg, bool ok)
{
    notice_t *notice = arg;
    cf_desk_t *self = notice->desk;
    if (ok) {
        char topic [64];
        snprintf (topic, sizeof topic, "job.%s", notice->job);
        cf_job_advanced_t advanced = { .seq = notice->seq, .event = notice->event, .shown = notice->shown };
        cf_event_publish (topic, notice->job, CF_JOB_ADVANCED, &advanced, notice->seq);
    }
    cf_job_t *job = cf_desk_lookup (self, notice->job, NULL);
    if (job && ok)
        job->told_event = notice->seq;
    if (job)
        job->version++;         /* an end shows itself with its commit */
    if (job && ok && notice->ends) {
        job->settled = true;
        cf_metric_add (CF_METRIC_jobs_ended_total, 1);
        wait_t *waits = s_take_waits (job);
        s_take_out (self, job);
        if (self->shown)
            cf_shown_keep (self->shown, &job);
        else
            cf_job_destroy (&job);
        s_wake (waits);
    }
    else if (job && notice->ends && !self->closing)
        s_end_otherwise (self, job, notice->seq);
    else if (job && ok && job->state == CF_JOB_WAITING)
        s_wake (s_take_waits (job));
    free (notice->shown);
    free (notice);
}

/*  Whether so many more bytes may wait for the database. */
static bool
s_has_room (const cf_desk_t *self, size_t bytes, size_t most)
{
    return !self->closing && cf_batch_waiting_bytes (cf_ledger_batch (self->ledger)) + bytes <= most;
}

static char *
s_event_text (const cf_job_t *job, const char *event, const cf_step_t *step, bool with_result)
{
    cf_json_t *shown = cf_job_show_event (job, event, step, with_result);
    char *text = cf_json_print (shown);
    json_decref (shown);
    return text;
}

/*  Writes an event of job as it is now, and its row with it or (not with_row) a little later; the event is told once committed. The ticket. There must be room. */
static cf_batch_ticket_t
s_tell (cf_desk_t *self, cf_job_t *job, const char *event, const cf_step_t *step, bool with_row, bool with_input)
{
    notice_t *notice = calloc (1, sizeof *notice);
    bool has_result = strcmp (event, "complete") == 0;          /* which the job's row keeps, so that the event's need not */
    char *shown = s_event_text (job, event, step, true), *short_text = has_result? s_event_text (job, event, step, false): NULL;
    const char *stored = has_result? short_text: shown;
    job->last_event++;
    job->version++;
    if (notice)
        *notice = (notice_t) { .desk = self, .seq = job->last_event, .event = event, .shown = shown,
                               .ends = with_row && cf_job_is_terminal (job->state) };
    cf_batch_ticket_t ticket = 0;
    if (notice && shown && stored) {
        memcpy (notice->job, job->id, sizeof notice->job);
        ticket = cf_ledger_event (self->ledger, job, event, stored);
        if (ticket && with_row)
            ticket = cf_ledger_update (self->ledger, job, with_input);
    }
    if (with_row)
        s_is_written (self, job);
    else
        s_write_later (self, job);
    free (short_text);
    if (!ticket || cf_batch_notify (cf_ledger_batch (self->ledger), ticket, s_on_committed, notice))
        abort ();               /* out of memory half-way: better gone, what is committed is whole */
    job->ticket = ticket;
    return ticket;
}

/* ---- moving ---- */

static void
s_replace (char **text, const char *with)
{
    free (*text);
    *text = with? strdup (with): NULL;
}

/*  The part of the first length bytes of text (UTF-8) that ends with a whole character: half of one is refused by the database. */
static size_t
s_whole (const char *text, size_t length)
{
    size_t start = length;
    while (start && length - start < 4 && ((unsigned char) text [start - 1] & 0xC0) == 0x80)
        start--;
    if (!start)
        return length;
    unsigned char lead = (unsigned char) text [start - 1];
    size_t wanted = lead >= 0xF0? 4: lead >= 0xE0? 3: lead >= 0xC0? 2: 1;
    return length - (start - 1) < wanted? start - 1: length;
}

static void
s_copy_text (char *into, size_t size, const char *text)
{
    size_t length = strlen (text);
    length = s_whole (text, length < size? length: size - 1);
    memcpy (into, text, length);
    into [length] = 0;
}

static bool
s_is_object (const char *text)
{
    cf_json_t *value = cf_json_parse (text, strlen (text), NULL);
    bool object = json_is_object (value);
    json_decref (value);
    return object;
}

/*  Texts may have been cut on their way; details that are no object are dropped, since the database would refuse the row. */
static void
s_keep_failure (cf_job_t *job, const cf_job_failure_t *failure)
{
    s_replace (&job->error, failure? failure->text: NULL);
    s_replace (&job->error_details, failure && s_is_object (failure->details)? failure->details: NULL);
    s_copy_text (job->error_code, sizeof job->error_code, failure? failure->code: "");
    if (job->error)
        job->error [s_whole (job->error, strlen (job->error))] = 0;
}

/*  What a move writes at most. */
static size_t
s_move_bytes (const cf_job_t *job, cf_job_event_t event, const char *result, const cf_job_failure_t *failure)
{
    size_t bytes = CF_DESK_ROW_BYTES + (result? strlen (result): 0);
    if (failure)
        bytes += 8 * (strlen (failure->text) + strlen (failure->details));
    if (event == CF_JOB_ON_QUESTION)
        bytes += 6 * (result? strlen (result): 0);          /* once more in its event, quoted */
    if (event == CF_JOB_ON_ANSWER)
        bytes += strlen (job->input);
    for (const cf_step_t *step = job->steps; step; step = step->next)
        bytes += *step->status == 'r'? CF_DESK_ROW_BYTES: 0;
    return bytes;
}

/*  What never finished is shown as failed, and kept so. */
static void
s_fail_open_steps (cf_desk_t *self, cf_job_t *job)
{
    size_t place = 1;
    for (cf_step_t *step = job->steps; step; step = step->next, place++)
        if (strcmp (step->status, "running") == 0) {
            step->status = "failed";
            step->completed_us = cf_clock_wall_us ();
            step->ticket = cf_ledger_step (self->ledger, job, step, place, NULL, "complete", NULL);
        }
}

static void
s_describe (cf_job_t *job, cf_job_event_t event)
{
    static const char *const notes [CF_JOB_EVENTS] = {
        [CF_JOB_ON_LEASE] = "At work", [CF_JOB_ON_RESULT] = "Done", [CF_JOB_ON_FAILURE] = "Failed",
        [CF_JOB_ON_QUESTION] = "Waiting for answers", [CF_JOB_ON_ANSWER] = "Going on with the answers",
        [CF_JOB_ON_CANCEL] = "Cancelled", [CF_JOB_ON_DEATH] = "Its process was lost; going on from the last finished step"
    };
    snprintf (job->note, sizeof job->note, "%s", notes [event]);
    if (event == CF_JOB_ON_LEASE && strcmp (job->stage, "queued") == 0)
        snprintf (job->stage, sizeof job->stage, "%s", job->kind->type);
    if (cf_job_is_terminal (job->state))
        snprintf (job->stage, sizeof job->stage, "%s", cf_job_state_name (job->state));
    if (event == CF_JOB_ON_RESULT)
        job->progress = 100;
    if (event == CF_JOB_ON_QUESTION && job->progress < 50)
        job->progress = 50;
}

cf_batch_ticket_t
cf_desk_move (cf_desk_t *self, cf_job_t *job, cf_job_event_t event, const char *result, const cf_job_failure_t *failure)
{
    cf_job_state_t before = job->state, after = cf_job_next (before, event);
    size_t most = event == CF_JOB_ON_LEASE? CF_DESK_BEGIN_BYTES: CF_BATCH_WAITING_BYTES;
    if (after == CF_JOB_REFUSED || !s_has_room (self, s_move_bytes (job, event, result, failure), most))
        return 0;
    job->state = after;
    if (before == CF_JOB_RUNNING)
        s_leave_running (self, job);
    s_replace (&job->result, result);
    s_keep_failure (job, failure);
    if (after == CF_JOB_RUNNING)
        s_enter_running (self, job);
    if (cf_job_is_terminal (after)) {
        job->completed_us = cf_clock_wall_us ();
        job->settled = false;
        if (after != CF_JOB_COMPLETED)
            s_fail_open_steps (self, job);
    }
    if (event == CF_JOB_ON_DEATH || event == CF_JOB_ON_ANSWER)
        job->attempt++;         /* whoever held it may write no more */
    if (event == CF_JOB_ON_ANSWER)
        job->answers++;
    if (event == CF_JOB_ON_DEATH)
        cf_metric_add (CF_METRIC_jobs_requeued_total, 1);
    s_describe (job, event);
    return s_tell (self, job, cf_job_event_name (after), NULL, true, event == CF_JOB_ON_ANSWER);
}

cf_batch_ticket_t
cf_desk_move_for (cf_desk_t *self, cf_job_t *job, cf_job_event_t event, const char *request)
{
    char former [CF_UUID_SIZE];
    memcpy (former, job->last_request, sizeof former);
    snprintf (job->last_request, sizeof job->last_request, "%s", request);
    cf_batch_ticket_t ticket = cf_desk_move (self, job, event, NULL, NULL);
    if (!ticket)
        memcpy (job->last_request, former, sizeof former);
    return ticket;
}

void
cf_desk_progress (cf_desk_t *self, cf_job_t *job, uint32_t progress, const char *stage, const char *note)
{
    bool same_stage = !*stage || strcmp (stage, job->stage) == 0;
    if ((progress <= job->progress && same_stage && (!*note || strcmp (note, job->note) == 0))
        || !s_has_room (self, CF_DESK_ROW_BYTES, CF_DESK_PROGRESS_BYTES))
        return;
    if (progress > job->progress)
        job->progress = progress < 100? progress: 99;
    if (*stage)
        s_copy_text (job->stage, sizeof job->stage, stage);
    if (*note)
        s_copy_text (job->note, sizeof job->note, note);
    s_tell (self, job, "progress", NULL, false, false);
}

void
cf_desk_start_step (cf_desk_t *self, cf_job_t *job, const char *name)
{
    size_t seq;
    cf_step_t *step = cf_job_find_step (job, name);
    if (step || !s_has_room (self, CF_DESK_ROW_BYTES, CF_DESK_PROGRESS_BYTES) || !(step = cf_job_add_step (job, name, &seq)))
        return;
    s_tell (self, job, "step", step, false, false);
}

static size_t
s_place (const cf_job_t *job, const cf_step_t *step)
{
    size_t place = 1;
    for (const cf_step_t *at = job->steps; at && at != step; at = at->next)
        place++;
    return place;
}

static void
s_complete_step (cf_job_t *job, cf_step_t *step, const cf_job_step_t *done)
{
    step->status = "completed";
    step->attempt = cf_job_shown_attempt (job);
    s_copy_text (step->model, sizeof step->model, done->model);
    step->started_us = done->started_wall_us;
    step->completed_us = cf_clock_wall_us ();
    step->input_tokens = done->input_tokens;
    step->output_tokens = done->output_tokens;
    step->cost_usd = done->cost_usd;
    step->first_token_ms = done->first_token_ms;
    job->input_tokens += done->input_tokens;
    job->output_tokens += done->output_tokens;
    job->cost_usd += done->cost_usd;
    job->calls += *done->model != 0;    /* agents note other steps, too */
}

cf_batch_ticket_t
cf_desk_finish_step (cf_desk_t *self, cf_job_t *job, const cf_job_step_t *done)
{
    size_t seq;
    cf_step_t *step = cf_job_find_step (job, done->name);
    if (step && step->ticket && strcmp (step->status, "completed") == 0)
        return step->ticket;    /* said again: its row is on its way, or there */
    if (!s_has_room (self, strlen (done->output) + 2 * CF_DESK_ROW_BYTES, CF_BATCH_WAITING_BYTES)
        || (!step && !(step = cf_job_add_step (job, done->name, &seq))))
        return 0;
    bool known = strcmp (step->status, "completed") == 0;
    if (!known)
        s_complete_step (job, step, done);
    bool held = cf_budget_settle (job, done->hold, done->cost_usd, done->lost_microusd);
    cf_budget_recount (job);
    step->ticket = cf_ledger_step (self->ledger, job, step, s_place (job, step), done->output, done->outcome, done->provider);
    job->step_ticket = step->ticket;
    if (!known)
        s_tell (self, job, "step", step, held, false);      /* what was held for it, and lost, stands in the row alone */
    return step->ticket;
}

/* ---- money ---- */

int
cf_desk_reserve (cf_desk_t *self, cf_task_t *task, const cf_budget_reserve_t *ask, cf_error_t *error)
{
    cf_job_t *job = cf_desk_fenced (self, ask->job, ask->attempt, error);
    if (!job || cf_budget_read (self->budget, task, cf_ledger_db (self->ledger), job, error)
        || !(job = cf_desk_fenced (self, ask->job, ask->attempt, error)))       /* that took time */
        return -1;
    if (!s_has_room (self, CF_DESK_ROW_BYTES, CF_DESK_BEGIN_BYTES))
        return cf_error_set (error, CF_ERROR_DATABASE_DOWN, "too much waits for the database");
    uint64_t lost = job->lost;
    int rc = cf_budget_hold (self->budget, job, ask->hold, ask->step, ask->most_microusd, ask->lost_microusd, error);
    cf_batch_ticket_t ticket = rc == 0 || job->lost != lost? cf_ledger_update (self->ledger, job, false): 0;
    job->version += job->lost != lost;
    return rc? -1: cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, error);
}

int
cf_desk_release (cf_desk_t *self, cf_task_t *task, const cf_budget_release_t *ask, cf_error_t *error)
{
    cf_job_t *job = cf_desk_lookup (self, ask->job, NULL);
    cf_batch_ticket_t ticket = 0;
    uint64_t total;
    if (job && cf_budget_settle (job, ask->hold, 0, ask->lost_microusd)) {
        ticket = cf_job_is_terminal (job->state)? cf_ledger_lost (self->ledger, job->id, job->lost + cf_job_held (job)):
                 cf_ledger_update (self->ledger, job, false);
        job->version++;
    }
    else if (!job && cf_budget_settle_parted (self->budget, ask->job, ask->hold, ask->lost_microusd, &total))
        ticket = cf_ledger_lost (self->ledger, ask->job, total);
    if (!ticket)
        return 0;
    int rc = cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, error);
    if (self->shown)
        cf_shown_forget (self->shown, ask->job);
    return rc;
}

int
cf_desk_await_steps (cf_desk_t *self, cf_task_t *task, const char *id, cf_error_t *error)
{
    cf_job_t *job = cf_desk_lookup (self, id, NULL);
    cf_batch_ticket_t ticket = job? job->step_ticket: 0;
    if (!ticket || cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, error) == 0)
        return 0;
    return error->code == CF_ERROR_DATABASE_REFUSED? 0: -1;      /* refused: it never will be there */
}
