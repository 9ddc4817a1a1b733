/* SPDX-License-Identifier: MPL-2.0 */
/*  research - turns an idea into requirements
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router (questions, then the requirements), memory (patterns that worked before), store.
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 *
 *  Unless told to skip it, and never as a node of a pipeline, it first asks what is unclear and lets the job wait for the answers;
 *  if asking fails, it goes straight to the document.
 */

#include "actors/lib/agent.h"
#include "proto/base/log.h"

#include <string.h>

#define CF_RESEARCH_PROMPT_MAX (1u << 20)

static void
s_put_input (cf_buf_t *prompt, const cf_json_t *input)
{
    static const char *const texts [] = { "user_idea", "target_audience", "user_message" };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        if (*cf_json_str (input, texts [at], ""))
            cf_agent_put_data (prompt, texts [at], cf_json_str (input, texts [at], ""));
    cf_agent_put_document (prompt, "answers", json_object_get (input, "answers"));
}

/*  The questions, where there are any to be asked; NULL to go on. */
static cf_json_t *
s_clarify (cf_work_t *work, const cf_json_t *input)
{
    if (cf_work_is_node (work) || cf_json_bool (input, "skip_clarification", false) || cf_json_member (input, "answers"))
        return NULL;
    cf_buf_t prompt;
    cf_buf_init (&prompt, CF_RESEARCH_PROMPT_MAX);
    s_put_input (&prompt, input);
    cf_agent_step_t step = {
        .suffix = ".questions", .prompt = "research-questions", .schema = "questions", .input = prompt.bytes,
        .note = "Looking for what is unclear", .progress = 10, .max_tokens = 2000, .temperature = 0.4
    };
    cf_error_t error = { 0 };
    cf_json_t *questions = cf_work_generate (work, &step, &error);
    cf_buf_free (&prompt);
    if (!questions)
        cf_log_info ("going on without questions: %s", error.text);
    if (questions && cf_json_bool (questions, "is_complete", false)) {
        json_decref (questions);
        questions = NULL;
    }
    return questions;
}

static cf_json_t *
s_write (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    const char *idea = cf_json_str (input, "user_idea", cf_json_str (input, "user_message", ""));
    cf_json_t *patterns = cf_work_recall (work, idea, "");
    cf_buf_t prompt;
    cf_buf_init (&prompt, CF_RESEARCH_PROMPT_MAX);
    s_put_input (&prompt, input);
    if (json_array_size (patterns))
        cf_agent_put_document (&prompt, "patterns", patterns);
    cf_agent_step_t step = {
        .suffix = "", .prompt = "research", .schema = "requirements", .input = prompt.bytes,
        .note = "Writing the requirements", .progress = 60, .max_tokens = 8000, .temperature = 0.5
    };
    cf_json_t *document = cf_work_generate (work, &step, error);
    cf_buf_free (&prompt);
    json_decref (patterns);
    return document;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    cf_json_t *given = NULL;
    if (!*cf_json_str (input, "user_idea", cf_json_str (input, "user_message", ""))) {
        cf_json_t *project = cf_work_project (work, error);
        if (!project)
            return NULL;
        given = json_deep_copy (input);
        json_object_set (given, "user_idea", json_object_get (project, "title"));
        json_decref (project);
        input = given;
    }
    cf_json_t *result = s_clarify (work, input);
    if (result)
        cf_work_wait_for_input (work);
    else if ((result = s_write (work, input, error))) {
        cf_json_t *changes = json_pack ("{sss{ssss}}", "status", "in-progress", "message",
            "role", "assistant", "content", cf_json_str (result, "elevator_pitch", ""));
        json_object_set (changes, "requirements_spec", result);
        if (cf_work_apply (work, "requirements", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    json_decref (given);
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_RESEARCH, s_work);
}
