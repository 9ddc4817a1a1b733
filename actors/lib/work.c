/* SPDX-License-Identifier: MPL-2.0 */
/*  work - thinking in journaled steps
 *
 *  A model's answer is journaled by the router before we see it, raw: parsing, checking and complaining are repeated
 *  from the journal by whoever runs the work again, and come out the same.
 */

#include "actors/lib/work.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#define CF_WORK_TRIES 3                 /* first answer and two repairs */
#define CF_WORK_FAULTS 20               /* complaints told to the model at once */
#define CF_WORK_INPUT_MAX (4u << 20)    /* bytes of one prompt */
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
    char *details;                      /* of the failure to come; NULL: none */
    bool node, waiting;
};

typedef struct {
    UT_hash_handle hh;
    char name [64];
    cf_schema_t *schema;
} shared_schema_t;

typedef struct {
    UT_hash_handle hh;
    char name [64];
    struct timespec changed;
    char *text;
} shared_prompt_t;

static shared_schema_t *s_schemas;
static shared_prompt_t *s_prompts;

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

bool
cf_work_is_waiting (const cf_work_t *self)
{
    return self->waiting;
}

void
cf_work_explain (cf_work_t *self, cf_json_t *details)
{
    free (self->details);
    self->details = cf_json_print (details);
    json_decref (details);
}

const char *
cf_work_details (const cf_work_t *self)
{
    return self->details? self->details: "";
}

char *
cf_work_secret (cf_work_t *self, cf_error_t *error)
{
    const cf_task_context_t *context = cf_task_context (self->task);
    cf_job_secret_shown_t *shown = cf_call_patiently (self->task, CF_JOB_SECRET_READ, &(cf_job_secret_read_t) {
        .job = context->job, .attempt = context->attempt }, CF_WORK_CALL_MS, error);
    char *secret = shown? strdup (shown->secret): NULL;
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

/* ---- schemas and prompts ---- */

static cf_schema_t *
s_schema (const char *name, cf_error_t *error)
{
    shared_schema_t *shared;
    HASH_FIND_STR (s_schemas, name, shared);
    if (shared)
        return shared->schema;
    char relative [96];
    snprintf (relative, sizeof relative, "schema/%s.json", name);
    cf_schema_t *schema = cf_schema_load (cf_config_share (relative), error);
    shared = schema? calloc (1, sizeof *shared): NULL;
    if (!shared) {
        cf_schema_destroy (&schema);
        return NULL;
    }
    snprintf (shared->name, sizeof shared->name, "%s", name);
    shared->schema = schema;
    HASH_ADD_STR (s_schemas, name, shared);
    return schema;
}

static char *
s_read_file (const char *path)
{
    FILE *file = fopen (path, "re");
    cf_buf_t text;
    cf_buf_init (&text, 1u << 20);
    char chunk [4096];
    size_t size;
    while (file && (size = fread (chunk, 1, sizeof chunk, file)) > 0)
        cf_buf_append (&text, chunk, size);
    if (file)
        fclose (file);
    if (!file || text.overflowed) {
        cf_buf_free (&text);
        return NULL;
    }
    return cf_buf_take (&text);
}

/*  A prompt's file is read again when it changed, so that it can be worked on without a rebuild or a restart. */
static const char *
s_prompt (const char *name, cf_error_t *error)
{
    char relative [96];
    snprintf (relative, sizeof relative, "prompts/%s.md", name);
    const char *path = cf_config_share (relative);
    shared_prompt_t *shared;
    struct stat found;
    HASH_FIND_STR (s_prompts, name, shared);
    if (stat (path, &found)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "no prompt %s", path);
        return shared? shared->text: NULL;
    }
    if (shared && memcmp (&shared->changed, &found.st_mtim, sizeof found.st_mtim) == 0)
        return shared->text;
    char *text = s_read_file (path);
    if (!text) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot read the prompt %s", path);
        return shared? shared->text: NULL;
    }
    if (!shared && (shared = calloc (1, sizeof *shared))) {
        snprintf (shared->name, sizeof shared->name, "%s", name);
        HASH_ADD_STR (s_prompts, name, shared);
    }
    free (shared->text);
    shared->text = text;
    shared->changed = found.st_mtim;
    return text;
}

void
cf_work_free_shared (void)
{
    shared_schema_t *schema, *next_schema;
    HASH_ITER (hh, s_schemas, schema, next_schema) {
        HASH_DEL (s_schemas, schema);
        cf_schema_destroy (&schema->schema);
        free (schema);
    }
    shared_prompt_t *prompt, *next_prompt;
    HASH_ITER (hh, s_prompts, prompt, next_prompt) {
        HASH_DEL (s_prompts, prompt);
        free (prompt->text);
        free (prompt);
    }
}

void
cf_agent_put_data (cf_buf_t *out, const char *name, const char *text)
{
    cf_buf_printf (out, "<data name=\"%s\">\n", name);
    for (const char *close; (close = strcasestr (text, "</data")); text = close + 2) {
        cf_buf_append (out, text, (size_t) (close - text));
        cf_buf_puts (out, "<\\/");
    }
    cf_buf_puts (out, text);
    cf_buf_puts (out, "\n</data>\n");
}

void
cf_agent_put_document (cf_buf_t *out, const char *name, const cf_json_t *value)
{
    char *text = value && !json_is_null (value)? cf_json_print (value): NULL;
    if (text)
        cf_agent_put_data (out, name, text);
    free (text);
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

static int
s_judge (const char *outcome, const char *text, cf_error_t *error)
{
    if (strcmp (outcome, "cut_off") == 0)
        return cf_error_set (error, CF_ERROR_MODEL_CUT_OFF, "%s", cf_error_sentence (CF_ERROR_MODEL_CUT_OFF));
    return strcmp (outcome, "refused") == 0? s_refuse (text, error): 0;
}

/*  What the journal has of a step: a copy of the caller's; NULL with error where it was cut off or refused. */
static char *
s_take_entry (const cf_json_t *entry, cf_error_t *error)
{
    const char *output = cf_json_str (entry, "output", "");
    return s_judge (cf_json_str (entry, "outcome", "complete"), output, error)? NULL: strdup (output);
}

/*  Whether a failed call may be made again: what failed is the bus, the router's process, or the journal, the database being away. */
static bool
s_is_worth_another (cf_work_t *self, const cf_error_t *error)
{
    return (cf_error_retryable (error->code) || error->code == CF_ERROR_TIMEOUT || error->code == CF_ERROR_BUSY)
        && cf_task_wait_status (self->task, NULL) == 0;
}

/*  Asks the model, until it has answered or its answer is found in the journal: a router may die between the two. */
static char *
s_call_model (cf_work_t *self, const cf_model_call_t *call, cf_error_t *error)
{
    const char *router = cf_message_actor (CF_ACTOR_ROUTER)->name;
    uint64_t pause_ms = CF_WORK_PAUSE_MS;
    for (;;) {
        cf_model_done_t *done = cf_call_once (self->task, router, CF_MODEL_CALL, call, CF_WORK_CALL_MS, error);
        char *text = done && s_judge (done->outcome, done->text, error) == 0? strdup (done->text): NULL;
        bool again = !done && s_is_worth_another (self, error);
        cf_codec_free (&done);
        if (!again || cf_task_sleep (self->task, pause_ms, error) || cf_work_reread (self, error))
            return text;
        const cf_json_t *entry = s_find_entry (self, call->step);
        if (entry)
            return s_take_entry (entry, error);
        pause_ms = pause_ms * 2 < CF_WORK_PAUSE_MAX_MS? pause_ms * 2: CF_WORK_PAUSE_MAX_MS;
    }
}

/*  What the model said in the step of this name: from the journal, or by asking. The caller's; NULL with error. */
static char *
s_ask (cf_work_t *self, const cf_agent_step_t *step, const char *name, const char *input, cf_error_t *error)
{
    const cf_json_t *entry = s_find_entry (self, name);
    if (entry)
        return s_take_entry (entry, error);
    const char *system = s_prompt (step->prompt, error);
    if (!system)
        return NULL;
    s_tell (self, self->node? 0: step->progress, self->agent, step->note, name);
    char *kept = strdup (system);       /* the file may change, and its text with it, while the call is made again */
    cf_model_call_t call = {
        .agent = self->agent, .step = name, .stage = self->agent, .system = kept, .input = input,
        .schema = step->schema, .max_tokens = step->max_tokens, .temperature = step->temperature
    };
    char *text = kept? s_call_model (self, &call, error): NULL;
    free (kept);
    return text;
}

/*  The document within an answer: models put prose or a code fence around it. Nothing is ever completed or closed. */
static cf_json_t *
s_parse_answer (const char *text, cf_error_t *error)
{
    cf_json_t *document = cf_json_parse (text, strlen (text), error);
    if (json_is_object (document))
        return document;
    json_decref (document);
    const char *first = strchr (text, '{'), *last = strrchr (text, '}');
    if (!first || !last || last < first) {
        cf_error_set (error, CF_ERROR_MODEL_INVALID, "the answer holds no JSON object");
        return NULL;
    }
    document = cf_json_parse (first, (size_t) (last - first) + 1, error);
    if (document && !json_is_object (document)) {
        json_decref (document);
        document = NULL;
        cf_error_set (error, CF_ERROR_MODEL_INVALID, "the answer holds no JSON object");
    }
    return document;
}

/*  Appends what is wrong with document; the number of faults. */
static size_t
s_complain (const cf_schema_t *schema, cf_json_t *document, cf_buf_t *complaints)
{
    cf_schema_fault_t *faults = calloc (CF_WORK_FAULTS, sizeof *faults);
    cf_schema_trim (schema, document);
    size_t count = faults? cf_schema_check (schema, document, faults, CF_WORK_FAULTS): 1;
    for (size_t at = 0; at < count && at < CF_WORK_FAULTS && faults; at++)
        cf_buf_printf (complaints, "- %s: %s\n", *faults [at].field? faults [at].field: "(document)", faults [at].message);
    free (faults);
    return count;
}

static void
s_name_try (const cf_work_t *self, const cf_agent_step_t *step, int try, char name [192])
{
    int size = snprintf (name, 192, "%s%s", self->step, step->suffix);
    if (try && size > 0 && size < 180)
        snprintf (name + size, 192 - (size_t) size, ".repair%d", try);
}

cf_json_t *
cf_work_generate (cf_work_t *self, const cf_agent_step_t *step, cf_error_t *error)
{
    cf_schema_t *schema = s_schema (step->schema, error);
    cf_json_t *document = NULL;
    cf_buf_t input, complaints;
    cf_buf_init (&input, CF_WORK_INPUT_MAX);
    cf_buf_init (&complaints, 65536);
    cf_buf_puts (&input, step->input);
    if (input.overflowed)
        cf_error_set (error, CF_ERROR_INVALID, "what the model must read is larger than %u bytes", CF_WORK_INPUT_MAX);
    for (int try = 0; schema && !input.overflowed && try < CF_WORK_TRIES; try++) {
        char name [192];
        s_name_try (self, step, try, name);
        char *text = s_ask (self, step, name, input.bytes, error);
        if (!text)
            break;
        cf_buf_reset (&complaints);
        document = s_parse_answer (text, error);
        free (text);
        if (!document)
            cf_buf_printf (&complaints, "- %s\n", error->text);
        else if (s_complain (schema, document, &complaints) == 0
                 && (!step->check || step->check (document, step->check_arg, &complaints) == 0))
            break;
        json_decref (document);
        document = NULL;
        cf_log_info ("%s: answer %d does not satisfy %s: %.300s", name, try + 1, step->schema, complaints.bytes);
        cf_error_set (error, CF_ERROR_MODEL_INVALID, "%s", cf_error_sentence (CF_ERROR_MODEL_INVALID));
        cf_buf_reset (&input);
        cf_buf_puts (&input, step->input);
        cf_agent_put_data (&input, "complaints", complaints.bytes);
        cf_buf_puts (&input, "Your last answer was refused for the complaints above. Answer again, whole, with every one of them mended.\n");
    }
    cf_buf_free (&input);
    cf_buf_free (&complaints);
    return document;
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
