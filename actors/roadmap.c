/* SPDX-License-Identifier: MPL-2.0 */
/*  roadmap - turns requirements into a way on which a learner builds the application
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router, store (requirements that the input does not bring; the road map it writes).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 */

#include "actors/lib/agent.h"

static cf_json_t *
s_generate (cf_work_t *work, const cf_json_t *requirements, const cf_json_t *input, cf_error_t *error)
{
    cf_buf_t prompt;
    cf_buf_init (&prompt, 1u << 20);
    cf_agent_put_document (&prompt, "requirements", requirements);
    cf_agent_put_data (&prompt, "skill_level", cf_json_str (input, "skill_level", "beginner"));
    cf_agent_put_document (&prompt, "focus_areas", json_object_get (input, "focus_areas"));
    if (*cf_json_str (input, "user_message", ""))
        cf_agent_put_data (&prompt, "user_message", cf_json_str (input, "user_message", ""));
    cf_agent_step_t step = {
        .suffix = "", .prompt = "roadmap", .schema = "roadmap", .input = prompt.bytes, .note = "Planning the way",
        .progress = 20, .max_tokens = 8000, .temperature = 0.4
    };
    cf_json_t *document = cf_work_generate (work, &step, error);
    cf_buf_free (&prompt);
    return document;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    const cf_json_t *requirements;
    cf_json_t *result = NULL;
    if (cf_work_document (work, input, "requirements", &requirements, error))
        return NULL;
    if (!requirements)
        cf_error_set (error, CF_ERROR_INVALID, "The project has no requirements yet: run research first.");
    else if ((result = s_generate (work, requirements, input, error))) {
        cf_json_t *changes = json_pack ("{sOs{ssso}}", "roadmap", result, "message", "role", "assistant", "content",
            json_sprintf ("The road map has %d modules, about %.1f hours in all.", (int) json_array_size (json_object_get (result, "modules")),
                          json_number_value (json_object_get (result, "total_estimated_hours"))));
        if (cf_work_apply (work, "roadmap", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_ROADMAP, s_work);
}
