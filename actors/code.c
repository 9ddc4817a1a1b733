/* SPDX-License-Identifier: MPL-2.0 */
/*  code - writes the project's files
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router, memory (patterns), store (specifications that the input does not bring; the files it writes).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 */

#include "actors/lib/agent.h"

#include <string.h>

/*  A path agents may write: src/, public/, tests/ or the root; no empty, "." or ".." segment, a small alphabet. */
static bool
s_path_is_safe (const char *path)
{
    size_t size = strlen (path);
    if (!size || size > 500 || strspn (path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.-") != size)
        return false;
    int depth = 0;
    for (const char *segment = path;; depth++) {
        size_t length = strcspn (segment, "/");
        if (!length || (length == 1 && *segment == '.') || (length == 2 && strncmp (segment, "..", 2) == 0))
            return false;
        if (!segment [length])
            break;
        if (!depth && strncmp (path, "src/", 4) && strncmp (path, "public/", 7) && strncmp (path, "tests/", 6))
            return false;
        segment += length + 1;
    }
    return true;
}

static int
s_check_paths (const cf_json_t *result, cf_error_t *error)
{
    size_t at;
    cf_json_t *file;
    json_array_foreach (json_object_get (result, "files"), at, file)
        if (!s_path_is_safe (cf_json_str (file, "file_path", "")))
            return cf_error_set (error, CF_ERROR_MODEL_INVALID, "The model named a file outside of the project.");
    return 0;
}

/*  A member of the input, or what the project has under another name; borrowed. */
static const cf_json_t *
s_choose (const cf_json_t *input, const char *key, const cf_json_t *project, const char *project_key)
{
    const cf_json_t *given = json_object_get (input, key);
    return given? given: json_object_get (project, project_key);
}

static void
s_put_patterns (cf_work_t *work, cf_buf_t *prompt, const cf_json_t *requirements)
{
    const char *about = cf_json_str (requirements, "elevator_pitch", "");
    cf_json_t *patterns = *about? cf_work_recall (work, about, ""): NULL;
    if (json_array_size (patterns))
        cf_agent_put_document (prompt, "patterns", patterns);
    json_decref (patterns);
}

static cf_json_t *
s_generate (cf_work_t *work, const cf_json_t *input, const cf_json_t *project, cf_error_t *error)
{
    const cf_json_t *requirements = s_choose (input, "requirements", project, "requirements_spec");
    cf_buf_t prompt;
    cf_buf_init (&prompt, 4u << 20);
    cf_agent_put_document (&prompt, "requirements", requirements);
    cf_agent_put_document (&prompt, "architecture", s_choose (input, "architecture", project, "architecture_spec"));
    static const char *const texts [] = { "user_idea", "file_path", "user_message" };
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        if (*cf_json_str (input, texts [at], ""))
            cf_agent_put_data (&prompt, texts [at], cf_json_str (input, texts [at], ""));
    cf_agent_put_document (&prompt, "files", json_object_get (input, "files"));
    cf_agent_put_document (&prompt, "qa_issues", json_object_get (input, "qa_issues"));
    s_put_patterns (work, &prompt, requirements);
    cf_agent_step_t step = {
        .suffix = "", .prompt = "code", .schema = "code", .input = prompt.bytes,
        .note = json_object_get (input, "qa_issues")? "Mending what the review found": "Writing the files",
        .progress = 20, .max_tokens = 16000, .temperature = 0.2
    };
    cf_json_t *document = cf_work_generate (work, &step, error);
    cf_buf_free (&prompt);
    return document;
}

static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    cf_json_t *project = NULL;
    if (!json_object_get (input, "architecture") && !(project = cf_work_project (work, error)))
        return NULL;
    const cf_json_t *architecture = s_choose (input, "architecture", project, "architecture_spec");
    cf_json_t *result = NULL;
    if (!architecture || json_is_null (architecture))
        cf_error_set (error, CF_ERROR_INVALID, "The project has no architecture yet: run wireframe first.");
    else
        result = s_generate (work, input, project, error);
    if (result) {
        cf_json_t *changes = json_pack ("{sss{ssss}}", "status", "building", "message",
            "role", "assistant", "content", cf_json_str (result, "summary", ""));
        json_object_set (changes, "files", json_object_get (result, "files"));
        if (s_check_paths (result, error) || cf_work_apply (work, "files", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    json_decref (project);
    return result;
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_CODE, s_work);
}
