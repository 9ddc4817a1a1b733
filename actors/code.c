/* SPDX-License-Identifier: MPL-2.0 */
/*  code - writes the project's files, and rewrites parts of them
 *
 *  Owns:       nothing beyond its leases.
 *  Answers:    JOB_RUN, JOB_STOP, AGENT_RUN (actors/lib/agent).
 *  Asks:       router, memory (patterns), store (specifications that the input does not bring; the files it writes).
 *  Stops:      on TERM, handing its leases back.
 *  If it dies: its jobs go on in the next instance from their last finished step.
 *
 *  An application that is too long for one answer is written file by file (coder/split).
 *
 *  An input with `selected_code` asks for a refactoring: that part of `full_file_content` is rewritten, nothing else. The
 *  file comes with the input and is not read here, so that a run after the change was applied comes to the same end.
 */

#include "actors/coder/sources.h"
#include "actors/coder/split.h"
#include "actors/lib/agent.h"

#include <string.h>

#define CF_CODE_FILE_MAX 100000         /* characters of a file */

static void
s_put_patterns (cf_work_t *work, cf_buf_t *prompt, const cf_json_t *requirements)
{
    const char *about = cf_json_str (requirements, "elevator_pitch", "");
    cf_json_t *patterns = *about? cf_work_recall (work, about, ""): NULL;
    if (json_array_size (patterns))
        cf_agent_put_document (prompt, "patterns", patterns);
    json_decref (patterns);
}

static void
s_put_input (cf_work_t *work, cf_buf_t *prompt, const cf_json_t *input, const cf_json_t *requirements, const cf_json_t *architecture)
{
    static const char *const texts [] = { "user_idea", "file_path", "user_message" };
    cf_agent_put_document (prompt, "requirements", requirements);
    cf_agent_put_document (prompt, "architecture", architecture);
    for (size_t at = 0; at < sizeof texts / sizeof texts [0]; at++)
        if (*cf_json_str (input, texts [at], ""))
            cf_agent_put_data (prompt, texts [at], cf_json_str (input, texts [at], ""));
    cf_agent_put_document (prompt, "files", json_object_get (input, "files"));
    cf_agent_put_document (prompt, "qa_issues", json_object_get (input, "qa_issues"));
    s_put_patterns (work, prompt, requirements);
}

static size_t
s_check_files (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    (void) arg;
    return cf_sources_check (json_object_get (document, "files"), complaints);
}

/*  Whether this job's first run was too long for one answer, and this later one was not tried in one yet: it would be, too. */
static bool
s_is_known_long (cf_work_t *work)
{
    const char *agent = cf_work_agent (work);
    bool known = false;
    size_t at;
    cf_json_t *entry;
    json_array_foreach (cf_work_journal (work), at, entry) {
        const char *name = cf_json_str (entry, "name", "");
        if (strcmp (name, cf_work_step (work)) == 0)
            return false;
        known = known || (strcmp (name, agent) == 0 && strcmp (cf_json_str (entry, "outcome", ""), "cut_off") == 0);
    }
    return known;
}

/*  The whole application in one answer, or file by file where that is too long. */
static cf_json_t *
s_generate (cf_work_t *work, const cf_json_t *input, const char *prompt, cf_error_t *error)
{
    const cf_agent_step_t step = {
        .suffix = "", .prompt = "code code-rules", .schema = "code", .input = prompt,
        .note = cf_json_member (input, "qa_issues")? "Mending what the review found": "Writing the files",
        .progress = 20, .max_tokens = 16000, .temperature = 0.2, .check = s_check_files, .shorter = CF_AGENT_SHORTER_NEVER
    };
    bool is_long = s_is_known_long (work);
    cf_json_t *document = is_long? NULL: cf_work_generate (work, &step, error);
    if (!document && (is_long || error->code == CF_ERROR_MODEL_CUT_OFF))
        document = cf_split_generate (work, prompt, error);
    return document;
}

static cf_json_t *
s_write (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    const cf_json_t *architecture, *requirements;
    cf_json_t *result = NULL;
    if (cf_work_document (work, input, "architecture", &architecture, error)
        || cf_work_document (work, input, "requirements", &requirements, error))
        return NULL;
    if (!architecture)
        cf_error_set (error, CF_ERROR_INVALID, "The project has no architecture yet: run wireframe first.");
    else {
        cf_buf_t prompt;
        cf_buf_init (&prompt, 4u << 20);
        s_put_input (work, &prompt, input, requirements, architecture);
        result = s_generate (work, input, prompt.bytes, error);
        cf_buf_free (&prompt);
    }
    if (result) {
        cf_json_t *changes = json_pack ("{sss{ssss}}", "status", "building", "message",
            "role", "assistant", "content", cf_json_str (result, "summary", ""));
        json_object_set (changes, "files", json_object_get (result, "files"));
        if (cf_work_apply (work, "files", changes, error)) {
            json_decref (result);
            result = NULL;
        }
        json_decref (changes);
    }
    return result;
}

/* ---- a refactoring */

/*  What is asked for; all but `place` borrowed from the input. */
typedef struct {
    const char *selected, *instruction, *path, *content, *language;
    size_t place;               /* of the selected code within content, in bytes */
    bool apply;
} refactor_t;

/*  0, or -1 with error. */
static int
s_read_refactor (const cf_json_t *input, refactor_t *asked, cf_error_t *error)
{
    static const char *const names [] = { "selected_code", "instruction", "file_path", "full_file_content" };
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++)
        if (!*cf_json_str (input, names [at], ""))
            return cf_error_set (error, CF_ERROR_INVALID, "A refactoring needs %s.", names [at]);
    *asked = (refactor_t) {
        .selected = cf_json_str (input, "selected_code", ""), .instruction = cf_json_str (input, "instruction", ""),
        .path = cf_json_str (input, "file_path", ""), .content = cf_json_str (input, "full_file_content", ""),
        .apply = cf_json_bool (input, "apply", false)
    };
    if (!cf_sources_is_safe (asked->path))
        return cf_error_set (error, CF_ERROR_INVALID, "file_path is not a path of the project's.");
    const char *place = strstr (asked->content, asked->selected);
    if (!place)
        return cf_error_set (error, CF_ERROR_INVALID, "selected_code does not occur in the file");
    asked->place = (size_t) (place - asked->content);
    const char *dot = strrchr (asked->path, '.');       /* the store knows languages by their endings, too */
    asked->language = cf_json_str (input, "language", dot? dot + 1: "text");
    return 0;
}

static size_t
s_characters (const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char) *text & 0xC0) != 0x80;
    return count;
}

static size_t
s_check_refactor (const cf_json_t *document, const void *arg, cf_buf_t *complaints)
{
    const refactor_t *asked = arg;
    const char *code = cf_json_str (document, "refactored_code", "");
    size_t size = s_characters (asked->content) - s_characters (asked->selected) + s_characters (code), count = 0;
    if (size > CF_CODE_FILE_MAX) {
        cf_buf_printf (complaints, "- refactored_code: the file would have more than %d characters\n", CF_CODE_FILE_MAX);
        count++;
    }
    if (cf_sources_is_fenced (code, "") && !cf_sources_is_fenced (asked->selected, "")) {
        cf_buf_puts (complaints, "- refactored_code: it is taken as it is, so there must be no code fence around it\n");
        count++;
    }
    return count;
}

/*  The model's word counts for the part alone; what the whole file then is follows from it. */
static cf_json_t *
s_complete (const refactor_t *asked, const cf_json_t *answer)
{
    const char *code = cf_json_str (answer, "refactored_code", "");
    cf_buf_t file;
    cf_buf_init (&file, 4u * CF_CODE_FILE_MAX + 1);
    cf_buf_append (&file, asked->content, asked->place);
    cf_buf_puts (&file, code);
    cf_buf_puts (&file, asked->content + asked->place + strlen (asked->selected));
    cf_json_t *result = json_pack ("{ssssssss}", "original_code", asked->selected, "refactored_code", code,
                                   "explanation", cf_json_str (answer, "explanation", ""), "full_file_content", file.bytes);
    cf_buf_free (&file);
    return result;
}

static cf_json_t *
s_rewrite (cf_work_t *work, const refactor_t *asked, cf_error_t *error)
{
    cf_buf_t prompt;
    cf_buf_init (&prompt, 2u << 20);
    cf_agent_put_data (&prompt, "instruction", asked->instruction);
    cf_agent_put_data (&prompt, "file_path", asked->path);
    cf_agent_put_data (&prompt, "selected_code", asked->selected);
    cf_agent_put_data (&prompt, "full_file_content", asked->content);
    cf_agent_step_t step = {
        .suffix = ".refactor", .prompt = "refactor", .schema = "refactor", .input = prompt.bytes, .note = "Rewriting the selection",
        .progress = 20, .max_tokens = 16000, .temperature = 0.2, .check = s_check_refactor, .check_arg = asked
    };
    cf_json_t *answer = cf_work_generate (work, &step, error);
    cf_json_t *result = answer? s_complete (asked, answer): NULL;
    cf_buf_free (&prompt);
    json_decref (answer);
    return result;
}

/*  Writes the file only where that is asked for, and leaves the project's status as it is. */
static cf_json_t *
s_refactor (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    refactor_t asked = { 0 };
    cf_json_t *result = s_read_refactor (input, &asked, error)? NULL: s_rewrite (work, &asked, error);
    if (!result)
        return NULL;
    cf_json_t *changes = json_pack ("{s{ssss}}", "message", "role", "assistant", "content", cf_json_str (result, "explanation", ""));
    if (asked.apply)
        json_object_set_new (changes, "files", json_pack ("[{sssssO}]", "file_path", asked.path, "language", asked.language,
                                                          "content", json_object_get (result, "full_file_content")));
    if (cf_work_apply (work, "refactor", changes, error)) {
        json_decref (result);
        result = NULL;
    }
    json_decref (changes);
    return result;
}

/*  A node of the pipeline gets what the user gave the pipeline, which is never about a part of a file. */
static cf_json_t *
s_work (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    bool rewrites = cf_json_member (input, "selected_code") && !cf_work_is_node (work);
    return rewrites? s_refactor (work, input, error): s_write (work, input, error);
}

int
main (void)
{
    return cf_agent_main (CF_ACTOR_CODE, s_work);
}
