/* SPDX-License-Identifier: MPL-2.0 */
/*  work - thinking in journaled steps
 *
 *  A model's answer is journaled by the router before we see it, raw: parsing, checking and complaining are repeated
 *  from the journal by whoever runs the work again, and come out the same.
 */

#include "actors/lib/work.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_WORK_CALL_MS 3600000u        /* the job's own limit is what ends a call */
#define CF_WORK_RECALL_MS 2000
#define CF_WORK_REASON_BYTES 300        /* of why a model refused, in the job's error */
#define CF_WORK_PAUSE_MS 20             /* first pause before the router is asked again; doubles to … */
#define CF_WORK_PAUSE_MAX_MS 500

struct cf_work_t {
    cf_task_t *task;
    const char *agent;
    char step [128];
    char project [CF_UUID_SIZE];
    cf_json_t *journal;
    cf_json_t *shown;                   /* the project; NULL: not asked for yet */
    char *details;                      /* of a failure to come with the code `explained`; NULL: none */
    cf_error_code_t explained;
    bool node, waiting;
};

/* ---- life ---- */

cf_work_t *
cf_work_new (cf_task_t *task, const char *agent, const char *step, const char *project, const char *journal, bool node)
{
    cf_work_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->task = task;
    self->agent = agent;
    self->node = node;
    snprintf (self->step, sizeof self->step, "%s", step);
    snprintf (self->project, sizeof self->project, "%s", project);
    self->journal = cf_json_parse (journal, strlen (journal), NULL);
    if (!json_is_array (self->journal))
        cf_work_destroy (&self);
    return self;
}

void
cf_work_destroy (cf_work_t **self_p)
{
    cf_work_t *self = *self_p;
    if (!self)
        return;
    json_decref (self->journal);
    json_decref (self->shown);
    free (self->details);
    free (self);
    *self_p = NULL;
}

cf_task_t *
cf_work_task (cf_work_t *self)
{
    return self->task;
}

bool
cf_work_is_node (const cf_work_t *self)
{
    return self->node;
}

const char *
cf_work_step (const cf_work_t *self)
{
    return self->step;
}

const char *
cf_work_agent (const cf_work_t *self)
{
    return self->agent;
}

const char *
cf_work_job (const cf_work_t *self)
{
    return cf_task_context (self->task)->job;
}

const char *
cf_work_project_id (const cf_work_t *self)
{
    return self->project;
}

void
cf_work_wait_for_input (cf_work_t *self)
{
    self->waiting = true;
}

uint64_t
cf_work_left_ms (cf_work_t *self)
{
    uint64_t left_ms = cf_task_left_ms (self->task, UINT64_MAX);
    return left_ms > CF_WORK_SLACK_MS? left_ms - CF_WORK_SLACK_MS: 0;
}

bool
cf_work_is_waiting (const cf_work_t *self)
{
    return self->waiting;
}

void
cf_work_explain (cf_work_t *self, cf_error_code_t code, cf_json_t *details)
{
    self->explained = code;
    free (self->details);
    self->details = cf_json_print (details);
    json_decref (details);
}

const char *
cf_work_details (const cf_work_t *self, cf_error_code_t code)
{
    return self->details && self->explained == code? self->details: "";
}

char *
cf_work_secret (cf_work_t *self, cf_error_t *error)
{
    const cf_task_context_t *context = cf_task_context (self->task);
    cf_job_secret_shown_t *shown = cf_call_patiently (self->task, CF_JOB_SECRET_READ, &(cf_job_secret_read_t) {
        .job = context->job, .attempt = context->attempt }, CF_WORK_CALL_MS, error);
    char *secret = shown? strdup (shown->secret): NULL;
    if (shown)
        explicit_bzero ((char *) shown->secret, strlen (shown->secret));
    cf_codec_free (&shown);
    return secret;
}

const cf_json_t *
cf_work_journal (const cf_work_t *self)
{
    return self->journal;
}

int
cf_work_reread (cf_work_t *self, cf_error_t *error)
{
    cf_job_entries_t *entries = cf_call_patiently (self->task, CF_JOB_JOURNAL, &(cf_job_journal_t) { .job = cf_work_job (self) },
                                                   CF_WORK_CALL_MS, error);
    cf_json_t *journal = entries? cf_json_parse (entries->journal, strlen (entries->journal), error): NULL;
    cf_codec_free (&entries);
    if (!journal)
        return -1;
    json_decref (self->journal);
    self->journal = journal;
    return 0;
}

/* ---- telling ---- */

static void
s_tell (cf_work_t *self, uint32_t progress, const char *stage, const char *note, const char *step)
{
    const cf_task_context_t *context = cf_task_context (self->task);
    cf_job_progress_t told = {
        .job = context->job, .attempt = context->attempt, .progress = progress, .stage = stage, .note = note, .step = step
    };
    cf_event_publish ("jobs.progress", context->job, CF_JOB_PROGRESS, &told, 0);
}

void
cf_work_progress (cf_work_t *self, uint32_t progress, const char *stage, const char *note)
{
    s_tell (self, self->node? 0: progress, stage, note, "");
}

/* ---- steps ---- */

static const cf_json_t *
s_find_entry (const cf_work_t *self, const char *name)
{
    size_t at;
    cf_json_t *entry;
    json_array_foreach (self->journal, at, entry)
        if (strcmp (cf_json_str (entry, "name", ""), name) == 0)
            return entry;
    return NULL;
}

const char *
cf_work_noted (const cf_work_t *self, const char *name)
{
    const cf_json_t *entry = s_find_entry (self, name);
    return entry? cf_json_str (entry, "output", ""): NULL;
}

int
cf_work_note (cf_work_t *self, const char *name, const char *output, cf_error_t *error)
{
    if (s_find_entry (self, name))
        return 0;
    const cf_job_step_t step = {
        .job = cf_work_job (self), .attempt = cf_task_context (self->task)->attempt, .name = name, .output = output,
        .outcome = "complete", .provider = "", .model = "", .started_wall_us = cf_clock_wall_us ()
    };
    cf_job_noted_t *noted = cf_call_patiently (self->task, CF_JOB_STEP, &step, CF_WORK_CALL_MS, error);
    if (!noted)
        return -1;
    cf_codec_free (&noted);
    json_array_append_new (self->journal, json_pack ("{ssssss}", "name", name, "output", output, "outcome", "complete"));
    return 0;
}

/*  The sentence, and the reason that the model or its provider gave, in one line. */
static int
s_refuse (const char *reason, cf_error_t *error)
{
    const char *sentence = cf_error_sentence (CF_ERROR_MODEL_REFUSED);
    char line [CF_WORK_REASON_BYTES + 1];
    size_t size = 0;
    for (; *reason && size < CF_WORK_REASON_BYTES; reason++) {
        bool blank = (unsigned char) *reason <= ' ' || *reason == 127;
        if (!blank)
            line [size++] = *reason;
        else if (size && line [size - 1] != ' ')
            line [size++] = ' ';
    }
    if (((unsigned char) *reason & 0xC0) == 0x80)       /* cut within a character: nothing is left of it */
        while (size && ((unsigned char) line [--size] & 0xC0) == 0x80)
            ;
    while (size && line [size - 1] == ' ')
        size--;
    if (!size)
        return cf_error_set (error, CF_ERROR_MODEL_REFUSED, "%s", sentence);
    return cf_error_set (error, CF_ERROR_MODEL_REFUSED, "%.*s: %.*s", (int) strcspn (sentence, "."), sentence, (int) size, line);
}

/*  What the journal or the model says of a step; 0, or -1 with error where it was refused. */
static int
s_take (const char *outcome, const char *said, char **text, bool *cut_off, cf_error_t *error)
{
    if (strcmp (outcome, "refused") == 0)
        return s_refuse (said, error);
    *cut_off = strcmp (outcome, "cut_off") == 0;
    *text = strdup (said);
    return *text? 0: cf_error_set (error, CF_ERROR_INTERNAL, "no memory left");
}

static int
s_take_entry (const cf_json_t *entry, char **text, bool *cut_off, cf_error_t *error)
{
    return s_take (cf_json_str (entry, "outcome", "complete"), cf_json_str (entry, "output", ""), text, cut_off, error);
}

/*  Whether a failed call may be made again: what failed is the bus, the router's process, or the journal, the database being away. */
static bool
s_is_worth_another (cf_work_t *self, const cf_error_t *error)
{
    return (cf_error_retryable (error->code) || error->code == CF_ERROR_TIMEOUT || error->code == CF_ERROR_BUSY)
        && cf_task_wait_status (self->task, NULL) == 0;
}

/*  Asks the model, until it has answered or its answer is found in the journal: a router may die between the two. */
static int
s_call_model (cf_work_t *self, const cf_model_call_t *call, char **text, bool *cut_off, cf_error_t *error)
{
    const char *router = cf_message_actor (CF_ACTOR_ROUTER)->name;
    uint64_t pause_ms = CF_WORK_PAUSE_MS;
    for (;;) {
        cf_model_done_t *done = cf_call_once (self->task, router, CF_MODEL_CALL, call, CF_WORK_CALL_MS, error);
        if (done) {
            int rc = s_take (done->outcome, done->text, text, cut_off, error);
            cf_codec_free (&done);
            return rc;
        }
        if (!s_is_worth_another (self, error) || cf_task_sleep (self->task, pause_ms, error) || cf_work_reread (self, error))
            return -1;
        const cf_json_t *entry = s_find_entry (self, call->step);
        if (entry)
            return s_take_entry (entry, text, cut_off, error);
        pause_ms = pause_ms * 2 < CF_WORK_PAUSE_MAX_MS? pause_ms * 2: CF_WORK_PAUSE_MAX_MS;
    }
}

int
cf_work_ask (cf_work_t *self, const cf_model_call_t *call, uint32_t progress, const char *note, char **text, bool *cut_off, cf_error_t *error)
{
    const cf_json_t *entry = s_find_entry (self, call->step);
    if (entry)
        return s_take_entry (entry, text, cut_off, error);
    s_tell (self, self->node? 0: progress, self->agent, note, call->step);
    return s_call_model (self, call, text, cut_off, error);
}

/* ---- several at once ---- */

typedef struct {
    cf_work_t work;             /* the same work, in a task of its own */
    cf_work_each_fn *fn;
    void *arg;
    size_t index;
    cf_task_t *parent;          /* waits for all of them */
    bool ended;
    int rc;
    cf_error_t error;
} part_t;

static void
s_run_part (cf_task_t *task, void *arg)
{
    part_t *part = arg;
    part->work.task = task;
    part->rc = part->fn (&part->work, part->index, part->arg, &part->error);
    json_decref (part->work.journal);
    json_decref (part->work.shown);
    free (part->work.details);
    part->ended = true;
    cf_task_wake (part->parent);
}

/*  0, or -1 with error. */
static int
s_start_part (cf_work_t *self, part_t *part, cf_error_t *error)
{
    uint64_t left_ms = cf_task_left_ms (self->task, UINT32_MAX);
    part->work = *self;
    part->work.shown = NULL;
    part->work.details = NULL;
    part->parent = self->task;
    json_incref (part->work.journal);
    part->work.task = cf_task_start (cf_task_loop (self->task), s_run_part, part, cf_task_context (self->task));
    if (part->work.task) {
        cf_task_limit (part->work.task, left_ms? left_ms: 1);
        return 0;
    }
    json_decref (part->work.journal);
    part->ended = true;
    return cf_error_set (error, CF_ERROR_BUSY, "no room for another task");
}

static size_t
s_count_open (const part_t *parts, size_t started)
{
    size_t open = 0;
    for (size_t at = 0; at < started; at++)
        open += !parts [at].ended;
    return open;
}

/*  Waits until none is open, having told all of them to end. */
static void
s_end_parts (cf_work_t *self, part_t *parts, size_t started)
{
    for (size_t at = 0; at < started; at++)
        if (!parts [at].ended)
            cf_task_cancel (parts [at].work.task, CF_ERROR_CANCELLED);
    cf_task_shield (self->task, true);
    while (s_count_open (parts, started))
        (void) cf_task_wait (self->task, NULL);
    cf_task_shield (self->task, false);
}

/*  The first failure among those that have ended. 0, or -1 with error. */
static int
s_check_parts (const part_t *parts, size_t started, cf_error_t *error)
{
    for (size_t at = 0; at < started; at++)
        if (parts [at].ended && parts [at].rc) {
            *error = parts [at].error;
            return -1;
        }
    return 0;
}

int
cf_work_each (cf_work_t *self, size_t count, size_t at_once, cf_work_each_fn *fn, void *arg, cf_error_t *error)
{
    part_t *parts = calloc (count? count: 1, sizeof *parts);
    size_t started = 0;
    int rc = parts? 0: cf_error_set (error, CF_ERROR_BUSY, "no memory left");
    while (rc == 0 && (started < count || s_count_open (parts, started))) {
        rc = cf_task_wait_status (self->task, error);
        for (; rc == 0 && started < count && s_count_open (parts, started) < at_once; started++) {
            parts [started].fn = fn;
            parts [started].arg = arg;
            parts [started].index = started;
            rc = s_start_part (self, &parts [started], error);
        }
        if (rc == 0)
            rc = cf_task_wait (self->task, error);
        if (rc == 0)
            rc = s_check_parts (parts, started, error);
    }
    if (parts)
        s_end_parts (self, parts, started);
    free (parts);
    return rc;
}

/* ---- the project ---- */

int
cf_work_apply (cf_work_t *self, const char *effect, const cf_json_t *changes, cf_error_t *error)
{
    if (!*self->project)
        return 0;
    char *text = cf_json_print (changes);
    char name [192];
    snprintf (name, sizeof name, "%s:%s", self->step, effect);
    cf_effect_apply_t apply = {
        .job = cf_work_job (self), .effect = name, .project = self->project, .changes = text? text: "{}"
    };
    cf_effect_applied_t *applied = cf_call_patiently (self->task, CF_EFFECT_APPLY, &apply, CF_WORK_CALL_MS, error);
    int rc = applied? 0: -1;
    cf_codec_free (&applied);
    free (text);
    return rc;
}

cf_json_t *
cf_work_project (cf_work_t *self, cf_error_t *error)
{
    cf_project_context_t ask = { .project = self->project };
    cf_project_shown_t *shown = cf_call_patiently (self->task, CF_PROJECT_CONTEXT, &ask, CF_WORK_CALL_MS, error);
    cf_json_t *project = shown? cf_json_parse (shown->shown, strlen (shown->shown), error): NULL;
    cf_codec_free (&shown);
    return project;
}

int
cf_work_document (cf_work_t *self, const cf_json_t *input, const char *key, const cf_json_t **document, cf_error_t *error)
{
    static const struct { const char *key, *member; } kept [] = {
        { "requirements", "requirements_spec" }, { "architecture", "architecture_spec" }, { "files", "files" }
    };
    *document = cf_json_member (input, key);
    if (*document || !*self->project)
        return 0;
    if (!self->shown && !(self->shown = cf_work_project (self, error)))
        return -1;
    for (size_t at = 0; at < sizeof kept / sizeof kept [0]; at++)
        if (strcmp (key, kept [at].key) == 0)
            *document = cf_json_member (self->shown, kept [at].member);
    return 0;
}

cf_json_t *
cf_work_recall (cf_work_t *self, const char *text, const char *type)
{
    cf_error_t error = { 0 };
    cf_pattern_recall_t ask = { .text = text, .type = type, .count = 3 };
    cf_patterns_t *patterns = cf_call (self->task, CF_PATTERN_RECALL, &ask, CF_WORK_RECALL_MS, &error);
    cf_json_t *found = patterns? cf_json_parse (patterns->found, strlen (patterns->found), &error): NULL;
    if (!patterns)
        cf_log_info ("working without patterns: %s", error.text);
    cf_codec_free (&patterns);
    return found? found: json_array ();
}
