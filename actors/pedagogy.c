/* SPDX-License-Identifier: MPL-2.0 */
/*  pedagogy - helps people find the answer by themselves; sets the choices of a decision before them
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router; store (what it said goes into the conversation; for a decision: the requirements).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 *
 *  An input with `decision_context` is about a decision, any other one is a question. A question's answer holds no code, whatever
 *  the model thinks of that: one that does is refused like one that breaks its schema.
 */

#include "actors/lib/agent.h"
#include "actors/mentor/prose.h"

#include <string.h>

#define CF_PEDAGOGY_PROMPT_MAX (1u << 20)

static void
s_put_texts (cf_buf_t *prompt, const cf_json_t *input, const char *const *names)
{
    for (; *names; names++)
        if (*cf_json_str (input, *names, ""))
            cf_agent_put_data (prompt, *names, cf_json_str (input, *names, ""));
}

/*  Adds text to the conversation; takes text over. Returns result, or NULL with error. */
static cf_json_t *
s_say (cf_work_t *work, const char *effect, cf_buf_t *text, cf_json_t *result, cf_error_t *error)
{
    cf_json_t *changes = json_pack ("{s{ssss}}", "message", "role", "assistant", "content", text->bytes);
    if (cf_work_apply (work, effect, changes, error)) {
        json_decref (result);
        result = NULL;
    }
    json_decref (changes);
    cf_buf_free (text);
    return result;
}

/* ---- a question */

static size_t
s_check_answer (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    (void) arg;
    return cf_prose_check (document, complaints);
}

static cf_json_t *
s_say_answer (cf_work_t *work, cf_json_t *result, cf_error_t *error)
{
    cf_buf_t text;
    cf_json_t *step;
    size_t at;
    cf_buf_init (&text, CF_PEDAGOGY_PROMPT_MAX);
    cf_buf_puts (&text, cf_json_str (result, "encouragement", ""));
    cf_buf_puts (&text, "\n");
    json_array_foreach (json_object_get (result, "steps"), at, step)
        cf_buf_printf (&text, "\n%zu. %s", at + 1, cf_json_str (step, "question", ""));
    return s_say (work, "answer", &text, result, error);
}

static cf_json_t *
s_answer (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    static const char *const background [] = { "code", "skill_level", NULL };
    const char *question = cf_json_str (input, "question", cf_json_str (input, "user_message", ""));
    if (!*question) {
        cf_error_set (error, CF_ERROR_INVALID, "There is no question.");
        return NULL;
    }
    cf_buf_t prompt;
    cf_buf_init (&prompt, CF_PEDAGOGY_PROMPT_MAX);
    cf_agent_put_data (&prompt, "question", question);
    s_put_texts (&prompt, input, background);
    cf_agent_step_t step = {
        .suffix = "", .prompt = "pedagogy", .schema = "pedagogy", .input = prompt.bytes, .note = "Thinking about the question",
        .progress = 20, .max_tokens = 4000, .temperature = 0.5, .check = s_check_answer
    };
    cf_json_t *result = cf_work_generate (work, &step, error);
    cf_buf_free (&prompt);
    return result? s_say_answer (work, result, error): NULL;
}

/* ---- a decision */

/*  An option is chosen by its id. */
static size_t
s_check_choice (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    (void) arg;
    const cf_json_t *options = json_object_get (document, "options");
    size_t count = 0;
    for (size_t at = 1; at < json_array_size (options); at++)
        for (size_t other = 0; other < at; other++) {
            const char *id = cf_json_str (json_array_get (options, at), "id", "");
            if (strcmp (cf_json_str (json_array_get (options, other), "id", ""), id) == 0) {
                cf_buf_printf (complaints, "- options.%zu.id: option %zu has the same one\n", at, other);
                count++;
            }
        }
    return count;
}

static cf_json_t *
s_say_choice (cf_work_t *work, cf_json_t *result, cf_error_t *error)
{
    cf_buf_t text;
    cf_json_t *option;
    size_t at;
    cf_buf_init (&text, CF_PEDAGOGY_PROMPT_MAX);
    cf_buf_printf (&text, "%s\n", cf_json_str (result, "context", ""));
    json_array_foreach (json_object_get (result, "options"), at, option)
        cf_buf_printf (&text, "\n- %s", cf_json_str (option, "title", ""));
    return s_say (work, "choice", &text, result, error);
}

/*  What the learner builds: a part of it from the input, the rest from the project. 0, or -1 with error. */
static int
s_put_background (cf_work_t *work, cf_buf_t *prompt, const cf_json_t *input, cf_error_t *error)
{
    cf_agent_put_document (prompt, "module", json_object_get (input, "module"));
    const cf_json_t *requirements;
    if (cf_work_document (work, input, "requirements", &requirements, error))
        return -1;
    cf_agent_put_document (prompt, "requirements", requirements);
    return 0;
}

static cf_json_t *
s_lay_out (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    static const char *const texts [] = { "decision_context", "skill_level", "user_message", NULL };
    cf_json_t *result = NULL;
    cf_buf_t prompt;
    cf_buf_init (&prompt, CF_PEDAGOGY_PROMPT_MAX);
    s_put_texts (&prompt, input, texts);
    if (s_put_background (work, &prompt, input, error) == 0) {
        cf_agent_step_t step = {
            .suffix = ".choice", .prompt = "choice", .schema = "choice", .input = prompt.bytes, .note = "Looking for ways to go on",
            .progress = 20, .max_tokens = 4000, .temperature = 0.5, .check = s_check_choice
        };
        result = cf_work_generate (work, &step, error);
    }
    cf_buf_free (&prompt);
    return result? s_say_choice (work, result, error): NULL;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    bool decides = *cf_json_str (input, "decision_context", "");
    return decides? s_lay_out (work, input, error): s_answer (work, input, error);
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_PEDAGOGY, s_work);
}
