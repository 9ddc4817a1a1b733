/* SPDX-License-Identifier: MPL-2.0 */
/*  generate - one loop over the tries of a document; how each turns out decides the next one's name and question */

#include "actors/lib/generate.h"
#include "actors/lib/event.h"
#include "actors/lib/peel.h"
#include "actors/lib/prompt.h"
#include "actors/lib/work.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CF_GENERATE_NAME_BYTES 192      /* of a step */

typedef struct {
    UT_hash_handle hh;
    char name [64];
    cf_schema_t *schema;
    char *text;                 /* as a model gets to read it */
    char *example;              /* "" where the schema has none */
} form_t;

/*  The way of one document. */
typedef struct {
    cf_work_t *work;
    const cf_agent_step_t *step;
    const form_t *form;
    char name [CF_GENERATE_NAME_BYTES];         /* of the present try */
    const char *note;           /* what watchers are told of it */
    int repairs, shorter;       /* so far */
    size_t words;               /* most of an answer from now on; 0: not bounded */
    cf_buf_t complaints;        /* about the last answer that was not cut off */
    char *last;                 /* that answer, where it is to be shown; or NULL */
} course_t;

static form_t *s_forms;

/* ---- schemas ---- */

static void
s_destroy_form (form_t *form)
{
    cf_schema_destroy (&form->schema);
    free (form->text);
    free (form->example);
    free (form);
}

/*  The schema as text, without what is not for models, and its first example. 0, or -1 when out of memory. */
static int
s_print_form (form_t *form)
{
    static const char *const kept_back [] = { "$schema", "title", "examples" };
    cf_json_t *document = json_copy ((cf_json_t *) (uintptr_t) cf_schema_document (form->schema));
    const cf_json_t *example = json_array_get (json_object_get (document, "examples"), 0);
    form->example = example? cf_json_print (example): strdup ("");
    for (size_t at = 0; at < sizeof kept_back / sizeof kept_back [0]; at++)
        json_object_del (document, kept_back [at]);
    form->text = cf_json_print (document);
    json_decref (document);
    return form->text && form->example? 0: -1;
}

static const form_t *
s_form (const char *name, cf_error_t *error)
{
    form_t *form;
    HASH_FIND_STR (s_forms, name, form);
    if (form)
        return form;
    char relative [96];
    snprintf (relative, sizeof relative, "schema/%s.json", name);
    cf_error_set (error, CF_ERROR_BUSY, "no memory left");
    form = calloc (1, sizeof *form);
    if (!form || !(form->schema = cf_schema_load (cf_config_share (relative), error)) || s_print_form (form)) {
        if (form)
            s_destroy_form (form);
        return NULL;
    }
    snprintf (form->name, sizeof form->name, "%s", name);
    HASH_ADD_STR (s_forms, name, form);
    return form;
}

void
cf_generate_free (void)
{
    form_t *form, *next;
    HASH_ITER (hh, s_forms, form, next) {
        HASH_DEL (s_forms, form);
        s_destroy_form (form);
    }
    cf_prompt_free ();
}

/* ---- what the model reads ---- */

void
cf_agent_put_data (cf_buf_t *out, const char *name, const char *text)
{
    static const char open [] = "<data name=", close [] = "</data";
    cf_buf_printf (out, "<data name=\"%s\">\n", name);
    for (const char *at = text; (at = strchr (at, '<')); at++) {
        bool closes = strncasecmp (at, close, sizeof close - 1) == 0;
        if (!closes && strncasecmp (at, open, sizeof open - 1))
            continue;
        cf_buf_append (out, text, (size_t) (at - text));
        cf_buf_puts (out, closes? "<\\": "\\u003c");           /* in JSON they still mean the same */
        text = at + 1;
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

/*  The step's prompts and `answer`. 0, or -1 with error. */
static int
s_put_system (const course_t *self, cf_buf_t *out, cf_error_t *error)
{
    const cf_prompt_value_t values [] = { { "schema", self->form->text }, { "example", self->form->example }, { NULL, NULL } };
    char names [200], *rest = names, *name;
    snprintf (names, sizeof names, "%s answer", self->step->prompt);
    while ((name = strsep (&rest, " "))) {
        if (cf_prompt_put (out, name, values, error))
            return -1;
        cf_buf_putc (out, '\n');
    }
    return out->overflowed? cf_error_set (error, CF_ERROR_INTERNAL, "the prompts %s are too large", names): 0;
}

/*  The step's input and what the tries so far have led to. 0, or -1 with error. */
static int
s_put_input (const course_t *self, cf_buf_t *out, cf_error_t *error)
{
    char words [24], characters [24];
    const cf_prompt_value_t values [] = { { "words", words }, { "characters", characters }, { NULL, NULL } };
    snprintf (words, sizeof words, "%zu", self->words);
    snprintf (characters, sizeof characters, "%zu", self->words * 6);
    cf_buf_puts (out, self->step->input);
    if (self->repairs) {
        if (self->last)
            cf_agent_put_data (out, "last_answer", self->last);
        cf_agent_put_data (out, "complaints", self->complaints.bytes);
        if (cf_prompt_put (out, "repair", values, error))
            return -1;
    }
    if (self->words && cf_prompt_put (out, "shorter", values, error))
        return -1;
    if (out->overflowed)
        return cf_error_set (error, CF_ERROR_INVALID, "what the model must read is larger than %u bytes", CF_GENERATE_INPUT_BYTES);
    return 0;
}

/* ---- asking and judging ---- */

static const char *
s_stage (const course_t *self)
{
    return self->step->stage? self->step->stage: cf_work_agent (self->work);
}

/*  Those who watch the model's words forget them: nothing came of them. */
static void
s_void (const course_t *self)
{
    const char *job = cf_work_job (self->work);
    char topic [sizeof "tokens." + CF_UUID_SIZE];
    snprintf (topic, sizeof topic, "tokens.%s", job);
    cf_event_publish (topic, job, CF_MODEL_TOKENS, &(cf_model_tokens_t) { .stage = s_stage (self), .text = "", .reset = true }, 0);
}

/*  As cf_work_ask. What a journaled answer was asked with is not needed any more. */
static int
s_ask (const course_t *self, char **text, bool *cut_off, cf_error_t *error)
{
    const cf_agent_step_t *step = self->step;
    bool known = cf_work_noted (self->work, self->name) != NULL;
    cf_buf_t system, input;
    cf_buf_init (&system, CF_GENERATE_SYSTEM_BYTES);
    cf_buf_init (&input, CF_GENERATE_INPUT_BYTES);
    int rc = known? 0: s_put_system (self, &system, error);
    if (rc == 0 && !known)
        rc = s_put_input (self, &input, error);
    const cf_model_call_t call = {
        .agent = cf_work_agent (self->work), .step = self->name, .stage = s_stage (self),
        .system = system.bytes, .input = input.bytes, .schema = step->schema, .max_tokens = step->max_tokens, .temperature = step->temperature
    };
    if (rc == 0)
        rc = cf_work_ask (self->work, &call, step->progress, self->note, text, cut_off, error);
    cf_buf_free (&system);
    cf_buf_free (&input);
    return rc;
}

/*  Appends what is wrong with document; the number of faults. */
static size_t
s_complain (const cf_schema_t *schema, cf_json_t *document, cf_buf_t *complaints)
{
    cf_schema_fault_t *faults = calloc (CF_GENERATE_FAULTS, sizeof *faults);
    cf_schema_trim (schema, document);
    size_t count = faults? cf_schema_check (schema, document, faults, CF_GENERATE_FAULTS): 1;
    for (size_t at = 0; at < count && at < CF_GENERATE_FAULTS && faults; at++)
        cf_buf_printf (complaints, "- %s: %s\n", *faults [at].field? faults [at].field: "(document)", faults [at].message);
    free (faults);
    return count;
}

/*  The document that text holds; NULL with complaints where it holds none, or one that is not as it must be. */
static cf_json_t *
s_judge (course_t *self, const char *text)
{
    cf_error_t fault = { 0 };
    const cf_agent_step_t *step = self->step;
    cf_json_t *document = cf_peel_object (text, &fault);
    size_t count = 1;
    free (self->last);
    self->last = NULL;
    self->complaints.max = CF_GENERATE_COMPLAINT_BYTES;
    cf_buf_reset (&self->complaints);
    if (!document)
        cf_buf_printf (&self->complaints, "- (document): %s\n", fault.text);
    else if ((count = s_complain (self->form->schema, document, &self->complaints)) == 0 && step->check)
        count = step->check (document, step->check_arg, &self->complaints);
    if (count > CF_GENERATE_FAULTS || self->complaints.overflowed) {
        self->complaints.overflowed = false;
        self->complaints.max += 64;
        cf_buf_puts (&self->complaints, "- and more of that kind\n");
    }
    if (count && document)
        self->last = cf_json_print (document);
    if (self->last && strlen (self->last) > CF_GENERATE_LAST_BYTES) {
        free (self->last);
        self->last = NULL;
    }
    if (count) {
        json_decref (document);
        document = NULL;
    }
    return document;
}

/* ---- asking again ---- */

static void
s_rename (course_t *self, const char *ending, int number, const char *note)
{
    char base [CF_GENERATE_NAME_BYTES - 16];
    snprintf (base, sizeof base, "%s%s", cf_work_step (self->work), self->step->suffix);
    snprintf (self->name, sizeof self->name, "%s%s", base, ending);
    if (number)
        snprintf (self->name + strlen (self->name), 4, "%d", number);
    self->note = *self->step->note? note: "";
}

/*  Whether there may be another call. */
static bool
s_spend (const course_t *self)
{
    unsigned *spare = self->step->spare;
    if (spare && !*spare)
        return false;
    if (spare)
        --*spare;
    return true;
}

/*  After an answer that is no valid document. Whether to ask again; else error is set. */
static bool
s_repair (course_t *self, cf_error_t *error)
{
    cf_log_info ("%s: the answer does not satisfy %s: %.300s", self->name, self->step->schema, self->complaints.bytes);
    cf_error_set (error, CF_ERROR_MODEL_INVALID, "%s", cf_error_sentence (CF_ERROR_MODEL_INVALID));
    if (self->repairs == CF_GENERATE_REPAIRS || !s_spend (self))
        return false;
    s_rename (self, ".repair", ++self->repairs, "The answer was not as it must be; asking again");
    return true;
}

/*  After an answer that was cut off behind so many bytes. Whether to ask again; else error is set. A word of six bytes is a guess that
    holds for prose and, roughly, for code; three words are about four tokens. */
static bool
s_shorten (course_t *self, size_t bytes, cf_error_t *error)
{
    static const int most [] = { [CF_AGENT_SHORTER_TWICE] = 2, [CF_AGENT_SHORTER_ONCE] = 1, [CF_AGENT_SHORTER_NEVER] = 0 };
    size_t allowed = self->step->max_tokens * UINT64_C (3) / 4, came = bytes / 6;
    cf_error_set (error, CF_ERROR_MODEL_CUT_OFF, "%s", cf_error_sentence (CF_ERROR_MODEL_CUT_OFF));
    if (self->shorter == most [self->step->shorter] || !s_spend (self)) {
        cf_log_info ("%s: the answer was cut off after %zu bytes", self->name, bytes);
        return false;
    }
    if (self->words && self->words < allowed)
        allowed = self->words;
    self->words = (came < allowed? came: allowed) / 2;
    if (self->words < CF_GENERATE_WORDS_LEAST)
        self->words = CF_GENERATE_WORDS_LEAST;
    cf_log_info ("%s: the answer was cut off after %zu bytes; now for %zu words", self->name, bytes, self->words);
    s_rename (self, ".shorter", ++self->shorter, "The answer was too long; asking for a shorter one");
    return true;
}

cf_json_t *
cf_work_generate (cf_work_t *work, const cf_agent_step_t *step, cf_error_t *error)
{
    course_t self = { .work = work, .step = step, .form = s_form (step->schema, error) };
    cf_json_t *document = NULL;
    bool again = self.form != NULL;
    cf_buf_init (&self.complaints, CF_GENERATE_COMPLAINT_BYTES);
    s_rename (&self, "", 0, step->note);
    while (again) {
        char *text = NULL;
        bool cut_off = false;
        if (s_ask (&self, &text, &cut_off, error))
            break;
        if (cut_off)
            again = s_shorten (&self, strlen (text), error);
        else if ((document = s_judge (&self, text)))
            again = false;
        else
            again = s_repair (&self, error);
        if (!document)
            s_void (&self);
        free (text);
    }
    cf_buf_free (&self.complaints);
    free (self.last);
    return document;
}

int
cf_work_check (const char *schema, cf_json_t *document, cf_error_t *error)
{
    const form_t *form = s_form (schema, error);
    if (!form)
        return -1;
    cf_buf_t complaints;
    cf_buf_init (&complaints, CF_GENERATE_COMPLAINT_BYTES);
    size_t count = s_complain (form->schema, document, &complaints);
    if (count) {
        cf_log_info ("the document does not satisfy %s: %.300s", schema, complaints.bytes);
        cf_error_set (error, CF_ERROR_MODEL_INVALID, "%s", cf_error_sentence (CF_ERROR_MODEL_INVALID));
    }
    cf_buf_free (&complaints);
    return count? -1: 0;
}
