/* SPDX-License-Identifier: MPL-2.0 */
/*  agent - what every agent does alike: takes leases, thinks in journaled steps, applies effects, ends jobs
 *
 *  An agent is an actor with one function: work in, document out. It is called in a task of its own, for a job of its own
 *  (JOB_RUN: this process holds the lease) or as a node of a pipeline's job (AGENT_RUN), and cannot tell the difference.
 *  Each model call is a step with a name; a step found in the journal is taken from there. So the function may be run again
 *  from its beginning at any time, in another process, and goes on where the last one was.
 */
#ifndef CF_LIB_AGENT_H
#define CF_LIB_AGENT_H

#include "actors/lib/actor.h"
#include "proto/base/json.h"

typedef struct cf_work_t cf_work_t;

/*  input is input_context as an object, borrowed. Returns the result, the caller's; NULL with error. */
typedef cf_json_t *(cf_agent_fn) (cf_work_t *work, const cf_json_t *input, cf_error_t *error);

/*  An agent's whole main. name is its row in actors.def in lower case; returns the exit code. */
int cf_agent_main (cf_actor_id_t id, cf_agent_fn *fn);

/*  Judges an answer that satisfies its schema: appends a line "- FIELD: what is wrong" a fault to complaints, and returns how
    many there are. It must say the same again of the same answer. */
typedef size_t (cf_agent_check_fn) (const cf_json_t *document, const void *arg, cf_buf_t *complaints);

/*  How often an answer that was cut off at the token limit is asked for again, shorter. */
typedef enum {
    CF_AGENT_SHORTER_TWICE,
    CF_AGENT_SHORTER_ONCE,
    CF_AGENT_SHORTER_NEVER      /* the caller knows another way */
} cf_agent_shorter_t;

typedef struct {
    const char *suffix;         /* of the step's name: "" for the main document */
    const char *prompt;         /* files below share/prompts, without .md, with a blank between two: the system part, before `answer` */
    const char *schema;         /* file below share/schema, without .json: what the answer must satisfy */
    const char *input;          /* the user's part, with data blocks */
    const char *stage;          /* what watchers are told the tokens belong to; NULL: the agent */
    const char *note;           /* what watchers are told meanwhile; "": nothing */
    uint32_t progress;          /* of the job when the step starts */
    uint32_t max_tokens;
    double temperature;
    cf_agent_check_fn *check;   /* what the schema cannot say, or NULL */
    const void *check_arg;
    cf_agent_shorter_t shorter;
    unsigned *spare;            /* calls after the first that several steps have together, counted down; NULL: each its own */
} cf_agent_step_t;

/*  Asks the model until the answer satisfies the schema and the check: at most five calls in all, each a step of the journal. An answer
    that does not is asked for again at most twice, with the validator's complaints (.repair1, .repair2); one that was cut off at
    most twice, shorter (.shorter1, .shorter2): nothing of it is ever used or shown to a model. Returns the document, the caller's; NULL
    with MODEL_INVALID, MODEL_CUT_OFF, MODEL_REFUSED or what the router says. */
cf_json_t *cf_work_generate (cf_work_t *self, const cf_agent_step_t *step, cf_error_t *error);
/*  Whether document satisfies a schema. 0, or -1 with error (MODEL_INVALID); what is wrong is in the log. */
int cf_work_check (const char *schema, cf_json_t *document, cf_error_t *error);

/*  A part of some work, which is work of its own: in another task, with the same job and journal. 0, or -1 with error. */
typedef int (cf_work_each_fn) (cf_work_t *part, size_t index, void *arg, cf_error_t *error);
/*  Calls fn once for each index below count, at most so many at once, in order. The first that fails ends the others. 0 when all have
    succeeded; -1 with error when none is at work any more. */
int cf_work_each (cf_work_t *self, size_t count, size_t at_once, cf_work_each_fn *fn, void *arg, cf_error_t *error);

/*  Applies changes to the project (see EFFECT_APPLY), once however often it is called; nothing where the work has no project.
    0, or -1 with error. */
int cf_work_apply (cf_work_t *self, const char *effect, const cf_json_t *changes, cf_error_t *error);
/*  Project as PROJECT_CONTEXT describes; the caller's. NULL with error. */
cf_json_t *cf_work_project (cf_work_t *self, cf_error_t *error);
/*  A document that the work needs: `requirements`, `architecture` or `files`. The input's own, or else the project's, which is asked for
    once; borrowed from the input or the work, NULL where neither has it. 0, or -1 with error where the project cannot be had. */
int cf_work_document (cf_work_t *self, const cf_json_t *input, const char *key, const cf_json_t **document, cf_error_t *error);
/*  Patterns near text, as a JSON array of the caller's; empty where memory does not answer within 2 s. */
cf_json_t *cf_work_recall (cf_work_t *self, const char *text, const char *type);
/*  The secret that came with the job (JOB_SECRET), yours to overwrite and free; NULL with error: NOT_FOUND where nobody has it any more. */
char *cf_work_secret (cf_work_t *self, cf_error_t *error);
/*  Takes details that clients get with a failure to come of that code, e.g. {field, reason}; the error's own text is then public, too. What
    the work fails with otherwise is told as ever. */
void cf_work_explain (cf_work_t *self, cf_error_code_t code, cf_json_t *details);
/*  Says that the result are questions: the job waits for their answers instead of being completed. */
void cf_work_wait_for_input (cf_work_t *self);
/*  Tells watchers; progress never goes back. */
void cf_work_progress (cf_work_t *self, uint32_t progress, const char *stage, const char *note);

cf_task_t *cf_work_task (cf_work_t *self);
/*  What is left of the job's time. */
uint64_t cf_work_left_ms (cf_work_t *self);
/*  Whether it is a node of a pipeline: nobody can be asked, and progress is the pipeline's. */
bool cf_work_is_node (const cf_work_t *self);
const char *cf_work_agent (const cf_work_t *self);
/*  Base name of its steps in the journal. */
const char *cf_work_step (const cf_work_t *self);
const char *cf_work_job (const cf_work_t *self);
/*  "" where it works in no project. */
const char *cf_work_project_id (const cf_work_t *self);
/*  Steps finished before: [{name, output, outcome}], borrowed. Refreshed from the ledger by cf_work_reread (0, or -1 with error). */
const cf_json_t *cf_work_journal (const cf_work_t *self);
int cf_work_reread (cf_work_t *self, cf_error_t *error);
/*  Puts a step that was no model call into the journal, so that a run after this one need not do it again; committed when this returns. A
    name is written once: noted again, it stays as it was. 0, or -1 with error. */
int cf_work_note (cf_work_t *self, const char *name, const char *output, cf_error_t *error);
/*  What the journal has under a name: borrowed until the journal changes, NULL where there is nothing. */
const char *cf_work_noted (const cf_work_t *self, const char *name);

/*  Appends <data name="NAME">\nTEXT\n</data>\n. Tags within text are defused, so that it can neither leave its block nor begin another. */
void cf_agent_put_data (cf_buf_t *out, const char *name, const char *text);
/*  The same with a document; nothing where value is NULL or JSON null. */
void cf_agent_put_document (cf_buf_t *out, const char *name, const cf_json_t *value);

#endif
