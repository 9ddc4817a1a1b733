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

/*  What to review: one file from the input, files from the input, or all of the project's; the caller's. NULL with error. */
static cf_json_t *
s_files (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    const char *code = cf_json_str (input, "code", "");
    if (*code)
        return json_pack ("[{ssss}]", "file_path", cf_json_str (input, "file_path", "code"), "content", code);
    const cf_json_t *files;
    if (cf_work_document (work, input, "files", &files, error))
        return NULL;
    if (json_array_size (files))
        return json_deep_copy (files);
    cf_error_set (error, CF_ERROR_INVALID, "There is nothing to review: the project has no files.");
    return NULL;
}

static cf_json_t *
s_generate (cf_work_t *work, const cf_json_t *input, const cf_json_t *requirements, const cf_json_t *files, cf_error_t *error)
{
    cf_buf_t prompt;
    cf_buf_init (&prompt, 4u << 20);
    cf_agent_put_document (&prompt, "requirements", requirements);
    if (*cf_json_str (input, "user_idea", ""))
        cf_agent_put_data (&prompt, "user_idea", cf_json_str (input, "user_idea", ""));
    if (*cf_json_str (input, "user_message", ""))
        cf_agent_put_data (&prompt, "user_message", cf_json_str (input, "user_message", ""));
    cf_agent_put_document (&prompt, "architecture", json_object_get (input, "architecture"));
    cf_agent_put_document (&prompt, "previous_issues", json_object_get (input, "previous_issues"));
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
    bool whole = !*cf_json_str (input, "code", "") && !cf_json_member (input, "files");      /* else it need not be all of the project */
    const cf_json_t *requirements = cf_json_member (input, "requirements");
    cf_json_t *files = s_files (work, input, error), *result = NULL;
    if (files && (!whole || cf_work_document (work, input, "requirements", &requirements, error) == 0))
        result = s_generate (work, input, requirements, files, error);
    if (result) {
        cf_json_t *changes = json_pack ("{s{ssss}}", "message", "role", "assistant", "content", cf_json_str (result, "summary", ""));
        if (cf_work_apply (work, "review", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    json_decref (files);
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_QA, s_work);
}
