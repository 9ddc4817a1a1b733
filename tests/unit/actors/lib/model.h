/* SPDX-License-Identifier: MPL-2.0 */
/*  model - a router for tests that says what a test wrote down for each step
 *
 *      model_says ("qa.repair1", "complete", "{…}")        before the step is asked for
 *      model_said ("input", "qa.repair1")                  what it was given to read: "input" or "system"
 *
 *  Steps that it was asked for are lines of the file asked. One for which nothing was written down fails with PROVIDER_DOWN. The
 *  outcome "hold" waits until it is cancelled, which is a line of the file cancelled.
 */
#ifndef CF_TESTS_MODEL_H
#define CF_TESTS_MODEL_H

#include "tests/support/world.h"

#define MODEL_TEXT_BYTES (256u << 10)

static inline const char *model_path (const char *kind, const char *step)
{
    char name [256];
    snprintf (name, sizeof name, "%s %s", kind, step);
    for (char *at = name; *at; at++)
        if (*at == '/')
            *at = '!';
    return world_path (name);
}

static inline void model_write (const char *kind, const char *step, const char *text)
{
    FILE *file = fopen (model_path (kind, step), "we");
    if (!file || fputs (text, file) < 0 || fclose (file))
        abort ();
}

/*  What is in a file, yours to free; NULL where there is none. */
static inline char *model_read (const char *kind, const char *step)
{
    FILE *file = fopen (model_path (kind, step), "re");
    if (!file)
        return NULL;
    char *text = calloc (1, MODEL_TEXT_BYTES);
    size_t size = fread (text, 1, MODEL_TEXT_BYTES - 1, file);
    text [size] = 0;
    fclose (file);
    return text;
}

static inline void model_says (const char *step, const char *outcome, const char *text)
{
    model_write ("outcome", step, outcome);
    model_write ("text", step, text);
}

/*  Valid until the next but one call; "" where the step was not asked for. */
static inline const char *model_said (const char *kind, const char *step)
{
    static char *kept [2];
    static unsigned turn;
    char **text = &kept [turn++ % 2];
    free (*text);
    *text = model_read (kind, step);
    return *text? *text: "";
}

static inline void model_on_call (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_model_call_t *call = fields;
    char *outcome = model_read ("outcome", call->step), *text = model_read ("text", call->step);
    model_write ("input", call->step, call->input);
    model_write ("system", call->step, call->system);
    model_write ("stage", call->step, call->stage);
    world_note ("asked", "%s", call->step);
    if (!outcome)
        cf_fail_with (task, CF_ERROR_PROVIDER_DOWN, "nothing was written down", "");
    else if (strcmp (outcome, "hold") == 0) {
        cf_error_t error = { 0 };
        cf_task_sleep (task, 60000, &error);
        world_note ("cancelled", "%s", call->step);
        cf_fail (task, &error);
    }
    else
        cf_reply (task, &(cf_model_done_t) { .outcome = outcome, .text = text });
    free (outcome);
    free (text);
}

static inline void model_play (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_MODEL_CALL, model_on_call } };
    world_serve (loop, handlers, 1);
}

#endif
