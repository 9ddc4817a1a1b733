/* SPDX-License-Identifier: MPL-2.0 */
/*  job - kinds, the state table, and the JSON that clients see */

#include "actors/ledger/job.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_JOB_STEPS_MAX 500

/*  TO ADD A KIND: one line here; its service is an AGENT of proto/actors.def. */
static const cf_job_kind_t s_kinds [] = {
    { "research",  "research",  180, NULL,           NULL,            false },
    { "wireframe", "wireframe", 240, "requirements", NULL,            false },
    { "code",      "code",      300, "architecture", "selected_code", false },
    { "qa",        "qa",        120, NULL,           NULL,            false },
    { "pedagogy",  "pedagogy",  120, NULL,           NULL,            true  },
    { "roadmap",   "roadmap",   180, "requirements", NULL,            false },
    { "builder",   "pipeline",    0, NULL,           NULL,            false },
    { "github",    "github",    300, NULL,           NULL,            false },
};

#define KIND_COUNT (sizeof s_kinds / sizeof s_kinds [0])

const cf_job_kind_t *
cf_job_kind_at (size_t at)
{
    return at < KIND_COUNT? &s_kinds [at]: NULL;
}

const cf_job_kind_t *
cf_job_kind (const char *type)
{
    for (size_t at = 0; at < KIND_COUNT; at++)
        if (strcmp (s_kinds [at].type, type) == 0)
            return &s_kinds [at];
    return NULL;
}

size_t
cf_job_kind_index (const cf_job_kind_t *kind)
{
    return (size_t) (kind - s_kinds);
}

uint64_t
cf_job_limit_ms (const cf_job_kind_t *kind)
{
    uint64_t most_s = cf_config_u64 (CF_CONFIG_AGENT_TIMEOUT);
    return 1000u * (!kind->limit_s? 3 * most_s: kind->limit_s < most_s? kind->limit_s: most_s);
}

/* ---- states ---- */

#define QUEUED CF_JOB_QUEUED
#define RUNNING CF_JOB_RUNNING
#define WAITING CF_JOB_WAITING
#define COMPLETED CF_JOB_COMPLETED
#define FAILED CF_JOB_FAILED
#define CANCELLED CF_JOB_CANCELLED
#define NO CF_JOB_REFUSED

/*  Every cell is filled: what has no place changes nothing. Terminal states never change. */
static const cf_job_state_t s_next [CF_JOB_STATES] [CF_JOB_EVENTS] = {
    /*                LEASE    RESULT     FAILURE QUESTION ANSWER  CANCEL     DEATH  */
    [QUEUED]      = { RUNNING, NO,        FAILED, NO,      NO,     CANCELLED, NO     },
    [RUNNING]     = { NO,      COMPLETED, FAILED, WAITING, NO,     CANCELLED, QUEUED },
    [WAITING]     = { NO,      NO,        NO,     NO,      QUEUED, CANCELLED, NO     },
    [COMPLETED]   = { NO,      NO,        NO,     NO,      NO,     NO,        NO     },
    [FAILED]      = { NO,      NO,        NO,     NO,      NO,     NO,        NO     },
    [CANCELLED]   = { NO,      NO,        NO,     NO,      NO,     NO,        NO     },
};

static const char *const s_state_names [CF_JOB_STATES] = {
    [QUEUED] = "queued", [RUNNING] = "running", [WAITING] = "waiting_for_input",
    [COMPLETED] = "completed", [FAILED] = "failed", [CANCELLED] = "cancelled"
};

static const char *const s_event_names [CF_JOB_STATES] = {
    [QUEUED] = "progress", [RUNNING] = "progress", [WAITING] = "waiting",
    [COMPLETED] = "complete", [FAILED] = "error", [CANCELLED] = "cancelled"
};

cf_job_state_t
cf_job_next (cf_job_state_t state, cf_job_event_t event)
{
    return s_next [state] [event];
}

bool
cf_job_is_terminal (cf_job_state_t state)
{
    return state == COMPLETED || state == FAILED || state == CANCELLED;
}

const char *
cf_job_state_name (cf_job_state_t state)
{
    return s_state_names [state];
}

const char *
cf_job_event_name (cf_job_state_t state)
{
    return s_event_names [state];
}

cf_job_failure_t
cf_job_failure (cf_error_code_t code)
{
    return (cf_job_failure_t) { .code = cf_error_name (code), .text = cf_error_sentence (code), .details = "" };
}

cf_job_state_t
cf_job_state_named (const char *name)
{
    int state = 0;
    while (state < CF_JOB_STATES && strcmp (s_state_names [state], name))
        state++;
    return (cf_job_state_t) state;
}

/* ---- life ---- */

cf_job_t *
cf_job_new (const char *id, const char *project, const char *user, const cf_job_kind_t *kind, const char *input)
{
    cf_job_t *self = calloc (1, sizeof *self);
    if (!self || !(self->input = strdup (input))) {
        free (self);
        return NULL;
    }
    snprintf (self->id, sizeof self->id, "%s", id);
    snprintf (self->project, sizeof self->project, "%s", project);
    snprintf (self->user, sizeof self->user, "%s", user);
    snprintf (self->stage, sizeof self->stage, "queued");
    self->kind = kind;
    self->attempt = 1;
    self->version = 1;
    self->created_us = cf_clock_wall_us ();
    return self;
}

void
cf_job_destroy (cf_job_t **self_p)
{
    cf_job_t *self = *self_p;
    if (!self)
        return;
    for (cf_step_t *step = self->steps, *next; step; step = next) {
        next = step->next;
        free (step);
    }
    for (cf_hold_t *hold = self->holds, *next; hold; hold = next) {
        next = hold->next;
        free (hold);
    }
    free (self->input);
    free (self->result);
    free (self->error);
    free (self->error_details);
    free (self);
    *self_p = NULL;
}

cf_step_t *
cf_job_find_step (cf_job_t *self, const char *name)
{
    cf_step_t *step = self->steps;
    while (step && strcmp (step->name, name))
        step = step->next;
    return step;
}

uint32_t
cf_job_shown_attempt (const cf_job_t *self)
{
    return self->attempt > self->answers? self->attempt - self->answers: 1;
}

cf_step_t *
cf_job_add_step (cf_job_t *self, const char *name, size_t *seq)
{
    cf_step_t **last = &self->steps;
    size_t count = 1;
    for (; *last; last = &(*last)->next)
        count++;
    cf_step_t *step = count <= CF_JOB_STEPS_MAX? calloc (1, sizeof *step): NULL;
    if (!step)
        return NULL;
    snprintf (step->name, sizeof step->name, "%s", name);
    step->status = "running";
    step->attempt = cf_job_shown_attempt (self);
    step->started_us = cf_clock_wall_us ();
    *last = step;
    *seq = count;
    return step;
}

uint64_t
cf_job_held (const cf_job_t *self)
{
    uint64_t held = 0;
    for (const cf_hold_t *hold = self->holds; hold; hold = hold->next)
        held += hold->most + hold->lost;
    return held;
}

/* ---- how it is shown ---- */

static cf_json_t *
s_time (uint64_t wall_us)
{
    char text [CF_CLOCK_RFC3339_SIZE];
    return wall_us? json_string (cf_clock_rfc3339 (wall_us, text)): json_null ();
}

static cf_json_t *
s_parsed (const char *text)
{
    cf_json_t *value = text? cf_json_parse (text, strlen (text), NULL): NULL;
    return value? value: json_null ();
}

static void
s_put_usage (cf_json_t *into, uint64_t input_tokens, uint64_t output_tokens, double cost_usd)
{
    json_object_set_new (into, "input_tokens", json_integer ((json_int_t) input_tokens));
    json_object_set_new (into, "output_tokens", json_integer ((json_int_t) output_tokens));
    json_object_set_new (into, "cost_usd", json_real (cost_usd));
}

cf_json_t *
cf_job_show_step (const cf_step_t *step)
{
    cf_json_t *shown = json_object ();
    json_object_set_new (shown, "name", json_string (step->name));
    json_object_set_new (shown, "status", json_string (step->status));
    json_object_set_new (shown, "attempt", json_integer (step->attempt));
    json_object_set_new (shown, "model", *step->model? json_string (step->model): json_null ());
    json_object_set_new (shown, "started_at", s_time (step->started_us));
    json_object_set_new (shown, "completed_at", s_time (step->completed_us));
    s_put_usage (shown, step->input_tokens, step->output_tokens, step->cost_usd);
    json_object_set_new (shown, "first_token_ms", step->first_token_ms? json_integer (step->first_token_ms): json_null ());
    return shown;
}

/*  From the job's creation to the first token that any of its calls gave: what its user waited for a sign of life. */
static cf_json_t *
s_first_token (const cf_job_t *self)
{
    uint64_t first_ms = UINT64_MAX;
    for (const cf_step_t *step = self->steps; step; step = step->next) {
        uint64_t before_us = step->started_us > self->created_us? step->started_us - self->created_us: 0;
        uint64_t ms = before_us / 1000u + step->first_token_ms;
        if (step->first_token_ms && ms < first_ms)
            first_ms = ms;
    }
    return first_ms == UINT64_MAX? json_null (): json_integer ((json_int_t) first_ms);
}

/*  job is one that has ended, or NULL. */
static void
s_put_failure (cf_json_t *into, const cf_job_t *job)
{
    bool failed = job && job->error;
    json_object_set_new (into, "error", failed? json_string (job->error): json_null ());
    json_object_set_new (into, "error_code", failed && *job->error_code? json_string (job->error_code): json_null ());
    json_object_set_new (into, "error_details", failed? s_parsed (job->error_details): json_null ());
}

/*  An end that is not committed yet is not told: a crash would take it back. */
cf_job_state_t
cf_job_shown_state (const cf_job_t *self)
{
    return cf_job_is_terminal (self->state) && !self->settled? CF_JOB_RUNNING: self->state;
}

cf_json_t *
cf_job_show (const cf_job_t *self)
{
    cf_job_state_t state = cf_job_shown_state (self);
    bool ended = cf_job_is_terminal (state);
    cf_json_t *shown = json_object (), *usage = json_object (), *steps = json_array ();
    json_object_set_new (shown, "job_id", json_string (self->id));
    json_object_set_new (shown, "project_id", *self->project? json_string (self->project): json_null ());
    json_object_set_new (shown, "agent_type", json_string (self->kind->type));
    json_object_set_new (shown, "status", json_string (cf_job_state_name (state)));
    json_object_set_new (shown, "progress", json_integer (ended || self->progress < 100? self->progress: 99));
    json_object_set_new (shown, "stage", json_string (self->stage));
    json_object_set_new (shown, "result", ended || state == CF_JOB_WAITING? s_parsed (self->result): json_null ());
    s_put_failure (shown, ended? self: NULL);
    json_object_set_new (shown, "attempt", json_integer (cf_job_shown_attempt (self)));
    json_object_set_new (shown, "created_at", s_time (self->created_us));
    json_object_set_new (shown, "started_at", s_time (self->started_us));
    json_object_set_new (shown, "completed_at", s_time (ended? self->completed_us: 0));
    s_put_usage (usage, self->input_tokens, self->output_tokens, self->cost_usd);
    json_object_set_new (usage, "calls", json_integer ((json_int_t) self->calls));
    json_object_set_new (usage, "first_token_ms", s_first_token (self));
    json_object_set_new (usage, "lost_cost_usd", json_real ((double) (self->lost + (ended? cf_job_held (self): 0)) / 1e6));
    json_object_set_new (shown, "usage", usage);
    for (const cf_step_t *step = self->steps; step; step = step->next)
        json_array_append_new (steps, cf_job_show_step (step));
    json_object_set_new (shown, "steps", steps);
    json_object_set_new (shown, "simulated", json_boolean (self->simulated));
    return shown;
}

cf_json_t *
cf_job_show_event (const cf_job_t *self, const char *event, const cf_step_t *step, bool with_result)
{
    cf_json_t *shown = json_object ();
    json_object_set_new (shown, "job_id", json_string (self->id));
    json_object_set_new (shown, "status", json_string (cf_job_state_name (self->state)));
    json_object_set_new (shown, "progress", json_integer (self->progress));
    if (step)
        json_object_set_new (shown, "step", cf_job_show_step (step));
    else if (strcmp (event, "progress") == 0) {
        json_object_set_new (shown, "stage", json_string (self->stage));
        json_object_set_new (shown, "message", json_string (self->note));
    }
    else if (strcmp (event, "waiting") == 0 || (with_result && strcmp (event, "complete") == 0))
        json_object_set_new (shown, "result", s_parsed (self->result));
    else if (strcmp (event, "error") == 0)
        s_put_failure (shown, self);
    return shown;
}
