/* SPDX-License-Identifier: MPL-2.0 */
/*  split - a plan, a call a file, a few at once; whatever ends it ends all of it */

#include "actors/coder/split.h"
#include "actors/lib/generate.h"
#include "actors/lib/work.h"
#include "tests/unit/actors/lib/model.h"

#define JOB "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b"
#define INPUT "<data name=\"requirements\">\n{}\n</data>\n"

WORLD_ROLES ({ "router", model_play })

static struct {
    const char *journal;
    bool ended;
    cf_task_t *task;
    cf_json_t *document;
    cf_error_t error;
} run;

static void
s_work (cf_task_t *task, void *arg)
{
    (void) arg;
    run.task = task;
    cf_work_t *work = cf_work_new (task, "code", "code.2", "", run.journal, false);
    run.document = cf_split_generate (work, INPUT, &run.error);
    cf_work_destroy (&work);
    run.ended = true;
}

static void
s_begin (void)
{
    world_begin ();
    memset (&run, 0, sizeof run);
    run.journal = "[]";
    world_actor ("router", "router", 1);
}

static void
s_start (void)
{
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_work, NULL, &context);
}

static void
s_run (cf_error_code_t code)
{
    s_start ();
    world_until (run.ended);
    ck_assert_msg ((run.document != NULL) == (code == CF_OK), "%s", run.error.text);
    if (code)
        ck_assert_str_eq (cf_error_name (run.error.code), cf_error_name (code));
}

static void
s_end (void)
{
    json_decref (run.document);
    cf_generate_free ();
    world_end ();
}

/*  A plan of count files, src/0.js and so on; said under name. */
static void
s_say_plan (const char *name, int count)
{
    cf_json_t *files = json_array ();
    for (int at = 0; at < count; at++)
        json_array_append_new (files, json_pack ("{sosssoss}", "file_path", json_sprintf ("src/%d.js", at), "language", "javascript",
                                                 "purpose", json_sprintf ("Does %d.", at), "provides", ""));
    cf_json_t *plan = json_pack ("{sosss[s]}", "files", files, "summary", "Everything, in files.", "dependencies", "left-pad@1.0.0");
    char *text = cf_json_print (plan);
    model_says (name, "complete", text);
    free (text);
    json_decref (plan);
}

static const char *
s_name (int file)
{
    static char names [4] [64];
    static unsigned turn;
    char *name = names [turn++ % 4];
    snprintf (name, sizeof names [0], "code.2.file.src/%d.js", file);
    return name;
}

static void
s_say_file (int file)
{
    char text [64];
    snprintf (text, sizeof text, "{\"content\":\"let x%d;\\n\"}", file);
    model_says (s_name (file), "complete", text);
}

static void
s_expect_files (int count)
{
    const cf_json_t *files = json_object_get (run.document, "files");
    ck_assert_uint_eq (json_array_size (files), (size_t) count);
    for (int at = 0; at < count; at++) {
        const cf_json_t *file = json_array_get (files, (size_t) at);
        char path [16], content [16], purpose [16];
        snprintf (path, sizeof path, "src/%d.js", at);
        snprintf (content, sizeof content, "let x%d;\n", at);
        snprintf (purpose, sizeof purpose, "Does %d.", at);
        ck_assert_str_eq (cf_json_str (file, "file_path", ""), path);
        ck_assert_str_eq (cf_json_str (file, "content", ""), content);
        ck_assert_str_eq (cf_json_str (file, "explanation", ""), purpose);
        ck_assert_str_eq (cf_json_str (file, "language", ""), "javascript");
    }
    ck_assert_str_eq (cf_json_str (run.document, "summary", ""), "Everything, in files.");
    ck_assert_uint_eq (json_array_size (json_object_get (run.document, "dependencies")), 1);
}

START_TEST (files_are_written_one_by_one_and_joined)
{
    s_begin ();
    s_say_plan ("code.2.plan", 7);
    for (int at = 0; at < 7; at++)
        s_say_file (at);
    s_run (CF_OK);
    s_expect_files (7);
    ck_assert_int_eq (world_count ("asked", "\n"), 8);
    ck_assert (strstr (model_said ("system", "code.2.plan"), "You write the plan"));
    ck_assert (strstr (model_said ("system", s_name (0)), "you write one file of it"));
    ck_assert (strstr (model_said ("system", s_name (0)), "## Rules for the application"));
    const char *input = model_said ("input", s_name (6));
    ck_assert (strncmp (input, INPUT "<data name=\"plan\">\n{\"files\":[{\"file_path\":\"src/0.js\"", 70) == 0);
    ck_assert (strstr (input, "<data name=\"written\">\n[{\"file_path\":\"src/0.js\",\"content\":\"let x0;\\n\"}"));
    ck_assert (strstr (input, "<data name=\"file_to_write\">\nsrc/6.js\n</data>"));
    ck_assert_ptr_null (strstr (model_said ("input", s_name (0)), "written"));
    ck_assert_str_eq (model_said ("stage", s_name (3)), "code src/3.js");
    s_end ();
}
END_TEST

START_TEST (no_more_than_a_few_are_asked_at_once)
{
    s_begin ();
    s_say_plan ("code.2.plan", 9);
    for (int at = 0; at < 9; at++)
        model_says (s_name (at), "hold", "");
    s_start ();
    world_until (world_count ("asked", "file") == CF_SPLIT_AT_ONCE);
    cf_task_cancel (run.task, CF_ERROR_CANCELLED);
    world_until (run.ended);
    ck_assert_int_eq (run.error.code, CF_ERROR_CANCELLED);
    ck_assert_int_eq (world_count ("asked", "file"), CF_SPLIT_AT_ONCE);
    world_until (world_count ("cancelled", "file") == CF_SPLIT_AT_ONCE);        /* down to the model */
    s_end ();
}
END_TEST

START_TEST (a_plan_that_cannot_be_is_complained_about)
{
    s_begin ();
    model_says ("code.2.plan", "complete", "{\"files\":[{\"file_path\":\"a.js\",\"language\":\"javascript\",\"purpose\":\"x\",\"provides\":\"\"},"
                "{\"file_path\":\"a.js\",\"language\":\"javascript\",\"purpose\":\"x\",\"provides\":\"\"}],\"summary\":\"Two of them.\",\"dependencies\":[]}");
    s_say_plan ("code.2.plan.repair1", 1);
    s_say_file (0);
    s_run (CF_OK);
    s_expect_files (1);
    ck_assert (strstr (model_said ("input", "code.2.plan.repair1"), "- files.1.file_path: file 0 has the same one"));
    s_end ();
}
END_TEST

START_TEST (a_plan_that_stays_too_long_is_a_failure)
{
    s_begin ();
    model_says ("code.2.plan", "cut_off", "{\"files\":[");
    model_says ("code.2.plan.shorter1", "cut_off", "{\"files\":[");
    model_says ("code.2.plan.shorter2", "cut_off", "{\"files\":[");
    s_run (CF_ERROR_MODEL_CUT_OFF);
    ck_assert_int_eq (world_count ("asked", "\n"), 3);
    s_end ();
}
END_TEST

START_TEST (a_file_that_is_cut_off_is_asked_for_shorter_once)
{
    s_begin ();
    s_say_plan ("code.2.plan", 3);
    s_say_file (0);
    s_say_file (2);
    model_says (s_name (1), "cut_off", "{\"content\":\"let x1;\\n\"}");
    model_says ("code.2.file.src/1.js.shorter1", "complete", "{\"content\":\"let x1;\\n\"}");
    s_run (CF_OK);
    s_expect_files (3);
    ck_assert (strstr (model_said ("input", "code.2.file.src/1.js.shorter1"), "at\nmost"));
    json_decref (run.document);
    run.document = NULL;
    run.ended = false;
    model_says ("code.2.file.src/1.js.shorter1", "cut_off", "{\"content\":\"let x1;\\n\"}");
    s_run (CF_ERROR_MODEL_CUT_OFF);
    s_end ();
}
END_TEST

START_TEST (a_file_in_a_fence_is_complained_about)
{
    s_begin ();
    s_say_plan ("code.2.plan", 1);
    model_says (s_name (0), "complete", "{\"content\":\"```js\\nlet x0;\\n```\"}");
    model_says ("code.2.file.src/0.js.repair1", "complete", "{\"content\":\"let x0;\\n\"}");
    s_run (CF_OK);
    s_expect_files (1);
    s_end ();
}
END_TEST

START_TEST (a_file_that_fails_ends_all)
{
    s_begin ();
    s_say_plan ("code.2.plan", 8);
    for (int at = 0; at < 8; at++)
        model_says (s_name (at), "hold", "");
    model_says (s_name (2), "refused", "No.");
    s_run (CF_ERROR_MODEL_REFUSED);
    ck_assert_str_eq (run.error.text, "The model refused to answer: No.");
    world_until (world_count ("cancelled", "file") == CF_SPLIT_AT_ONCE - 1);
    ck_assert_int_eq (world_count ("asked", "file"), CF_SPLIT_AT_ONCE);
    s_end ();
}
END_TEST

/*  Each file would take two calls more, all of them together have CF_SPLIT_SPARE. */
START_TEST (all_calls_together_are_bounded)
{
    char name [64];
    s_begin ();
    s_say_plan ("code.2.plan", 50);
    for (int at = 0; at < 50; at++) {
        model_says (s_name (at), "complete", "{}");
        snprintf (name, sizeof name, "%s.repair1", s_name (at));
        model_says (name, "complete", "{}");
        snprintf (name, sizeof name, "%s.repair2", s_name (at));
        model_says (name, "complete", "{\"content\":\"x\"}");
    }
    s_run (CF_ERROR_MODEL_INVALID);
    ck_assert_int_le (world_count ("asked", "repair"), CF_SPLIT_SPARE);
    ck_assert_int_gt (world_count ("asked", "repair"), CF_SPLIT_SPARE - CF_SPLIT_AT_ONCE);      /* some were on their way when it ended */
    s_end ();
}
END_TEST

START_TEST (what_the_journal_has_is_not_asked_again)
{
    s_begin ();
    s_say_plan ("code.2.plan", 3);
    char *plan = model_read ("text", "code.2.plan");
    cf_json_t *journal = json_pack ("[{ssssss}{ssssss}{ssssss}]", "name", "code.2.plan", "output", plan, "outcome", "complete",
        "name", "code.2.file.src/1.js", "output", "{\"content\":\"let x1;\\n\"}", "outcome", "complete",
        "name", "code.2.file.src/2.js", "output", "{\"content\":\"le", "outcome", "cut_off");
    char *text = cf_json_print (journal);
    run.journal = text;
    s_say_file (0);
    model_says ("code.2.file.src/2.js.shorter1", "complete", "{\"content\":\"let x2;\\n\"}");
    s_run (CF_OK);
    s_expect_files (3);
    ck_assert_int_eq (world_count ("asked", "\n"), 2);
    ck_assert_int_eq (world_count ("asked", "code.2.file.src/0.js\n") + world_count ("asked", "code.2.file.src/2.js.shorter1\n"), 2);
    json_decref (journal);
    free (plan);
    free (text);
    s_end ();
}
END_TEST

UNIT_MAIN ("split", files_are_written_one_by_one_and_joined, no_more_than_a_few_are_asked_at_once, a_plan_that_cannot_be_is_complained_about,
           a_plan_that_stays_too_long_is_a_failure, a_file_that_is_cut_off_is_asked_for_shorter_once, a_file_in_a_fence_is_complained_about,
           a_file_that_fails_ends_all, all_calls_together_are_bounded, what_the_journal_has_is_not_asked_again)
