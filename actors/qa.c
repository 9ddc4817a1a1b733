/* SPDX-License-Identifier: MPL-2.0 */
/*  qa - reviews files and says whether they pass
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router, store (the project's files, where the input brings none).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 */

#include "actors/lib/agent.h"

/*  What to review: one file from the input, files from the input, or all of the project's; the caller's. */
static cf_json_t *
s_files (const cf_json_t *input, const cf_json_t *project)
{
    const char *code = cf_json_str (input, "code", "");
    if (*code)
        return json_pack ("[{ssss}]", "file_path", cf_json_str (input, "file_path", "code"), "content", code);
    const cf_json_t *files = json_object_get (input, "files");
    if (!files)
        files = json_object_get (project, "files");
    return json_is_array (files)? json_deep_copy (files): json_array ();
}

static cf_json_t *
s_generate (cf_work_t *work, const cf_json_t *input, const cf_json_t *project, const cf_json_t *files, cf_error_t *error)
{
    const cf_json_t *requirements = json_object_get (input, "requirements");
    cf_buf_t prompt;
    cf_buf_init (&prompt, 4u << 20);
    cf_agent_put_document (&prompt, "requirements", requirements? requirements: json_object_get (project, "requirements_spec"));
    if (*cf_json_str (input, "user_idea", ""))
        cf_agent_put_data (&prompt, "user_idea", cf_json_str (input, "user_idea", ""));
    if (*cf_json_str (input, "user_message", ""))
        cf_agent_put_data (&prompt, "user_message", cf_json_str (input, "user_message", ""));
    cf_agent_put_document (&prompt, "files", files);
    cf_agent_step_t step = {
        .suffix = "", .prompt = "qa", .schema = "qa", .input = prompt.bytes,
        .note = "Reviewing the files", .progress = 20, .max_tokens = 8000, .temperature = 0.1
    };
    cf_json_t *document = cf_work_generate (work, &step, error);
    cf_buf_free (&prompt);
    return document;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    cf_json_t *project = NULL, *result = NULL;
    bool brought = *cf_json_str (input, "code", "") || json_object_get (input, "files");
    if (!brought && !(project = cf_work_project (work, error)))
        return NULL;
    cf_json_t *files = s_files (input, project);
    if (!json_array_size (files))
        cf_error_set (error, CF_ERROR_INVALID, "There is nothing to review: the project has no files.");
    else if ((result = s_generate (work, input, project, files, error))) {
        cf_json_t *changes = json_pack ("{s{ssss}}", "message", "role", "assistant", "content", cf_json_str (result, "summary", ""));
        if (cf_work_apply (work, "review", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    json_decref (files);
    json_decref (project);
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_QA, s_work);
}
