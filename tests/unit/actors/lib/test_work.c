/* SPDX-License-Identifier: MPL-2.0 */
/*  work - answers taken from the journal or asked for; a router that dies before and after it journaled; parts of a work at once
 *
 *  The router's double does what the lines of the file `script` say, one a call, and writes down what it was asked.
 */

#include "actors/lib/generate.h"
#include "actors/lib/work.h"
#include "tests/support/world.h"

#define GOOD "{\"passed\":true,\"issues\":[],\"summary\":\"All is well.\",\"score\":90}"
#define BAD "{\"passed\":\"yes\",\"issues\":[],\"score\":900}"
#define JOB "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7b"
#define PROJECT "0190a5b4-7c3e-7d2a-8f1b-2c3d4e5f6a7c"

/* ---- doubles ---- */

/*  The line of the script for this call; the calls so far are those written down. */
static const char *
s_line (void)
{
    static char line [1024];
    int number = world_count ("asked", "step ");
    const char *at = world_read ("script");
    while (number-- && (at = strchr (at, '\n')))
        at++;
    snprintf (line, sizeof line, "%.*s", at? (int) strcspn (at, "\n"): 0, at? at: "");
    return line;
}

static void
s_on_model_call (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_model_call_t *call = fields;
    const char *line = s_line ();
    world_note ("asked", "step %s schema %s complaints %d", call->step, call->schema, strstr (call->input, "<data name=\"complaints\">") != NULL);
    if (strncmp (line, "fail ", 5) == 0)
        cf_fail_with (task, (cf_error_code_t) atoi (line + 5), "as the script says", "");
    else if (strcmp (line, "die") == 0)
        _exit (0);
    else {
        char outcome [16];
        snprintf (outcome, sizeof outcome, "%.*s", (int) strcspn (line, " "), line);
        cf_reply (task, &(cf_model_done_t) { .outcome = outcome, .text = strchr (line, ' ')? strchr (line, ' ') + 1: "" });
    }
}

static void
s_play_router (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_MODEL_CALL, s_on_model_call } };
    world_serve (loop, handlers, 1);
}

static void
s_on_journal (cf_task_t *task, const void *fields, void *owner)
{
    (void) fields;
    (void) owner;
    world_note ("read", "journal");
    cf_reply (task, &(cf_job_entries_t) { .journal = *world_read ("journal")? world_read ("journal"): "[]" });
}

static void
s_on_step (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_step_t *step = fields;
    world_note ("steps", "%s %u %s %s model '%s'", step->job, (unsigned) step->attempt, step->name, step->output, step->model);
    cf_reply (task, &(cf_job_noted_t) { 0 });
}

static void
s_play_jobs (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_JOB_JOURNAL, s_on_journal }, { CF_JOB_STEP, s_on_step } };
    world_serve (loop, handlers, 2);
}

static void
s_on_apply (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_effect_apply_t *apply = fields;
    world_note ("applied", "%s %s %s", apply->job, apply->effect, apply->changes);
    cf_reply (task, &(cf_effect_applied_t) { 0 });
}

static void
s_on_context (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_project_context_t *ask = fields;
    world_note ("applied", "context %s", ask->project);
    cf_reply (task, &(cf_project_shown_t) { .shown = "{\"requirements_spec\":{\"app_name\":\"Kept\"},\"architecture_spec\":null,\"files\":[]}" });
}

static void
s_play_store (cf_loop_t *loop)
{
    static const cf_handler_t handlers [] = { { CF_EFFECT_APPLY, s_on_apply }, { CF_PROJECT_CONTEXT, s_on_context } };
    world_serve (loop, handlers, 2);
}

WORLD_ROLES ({ "router", s_play_router }, { "jobs", s_play_jobs }, { "store", s_play_store })

/* ---- the work ---- */

static struct {
    const char *journal;
    bool ended;
    cf_json_t *document;
    cf_error_t error;
} run;

static void
s_work (cf_task_t *task, void *arg)
{
    (void) arg;
    cf_work_t *work = cf_work_new (task, "qa", "qa", PROJECT, run.journal, false);
    ck_assert_ptr_nonnull (work);
    ck_assert_str_eq (cf_work_job (work), JOB);
    cf_agent_step_t step = { .suffix = "", .prompt = "qa", .schema = "qa", .input = "Review.\n", .note = "", .progress = 20, .max_tokens = 100 };
    run.document = cf_work_generate (work, &step, &run.error);
    cf_work_destroy (&work);
    run.ended = true;
}

static void
s_begin (const char *script)
{
    world_begin ();
    memset (&run, 0, sizeof run);
    run.journal = "[]";
    world_note ("script", "%s", script);
    world_actor ("router", "router", 1);
    world_actor ("jobs", "jobs", 1);
}

static void
s_run (void)
{
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_work, NULL, &context);
    world_until (run.ended);
}

static void
s_end (void)
{
    json_decref (run.document);
    cf_generate_free ();
    world_end ();
}

static void
s_expect (cf_error_code_t code, int asked)
{
    ck_assert (run.ended);
    if (code)
        ck_assert_str_eq (cf_error_name (run.error.code), cf_error_name (code));
    else {
        ck_assert_msg (run.document != NULL, "%s", run.error.text);
        ck_assert_int_eq (cf_json_int (run.document, "score", 0), 90);
    }
    ck_assert_int_eq (world_count ("asked", "step "), asked);
}

START_TEST (a_good_answer_is_taken)
{
    s_begin ("complete " GOOD);
    s_run ();
    s_expect (CF_OK, 1);
    ck_assert_str_eq (world_read ("asked"), "step qa schema qa complaints 0\n");
    s_end ();
}
END_TEST

START_TEST (the_journal_is_taken_at_its_word)
{
    s_begin ("complete " GOOD);
    run.journal = "[{\"name\":\"qa\",\"output\":\"{}\",\"outcome\":\"complete\"}]";
    s_run ();
    s_expect (CF_OK, 1);                        /* the journaled answer was bad, and is not asked for again */
    ck_assert_str_eq (world_read ("asked"), "step qa.repair1 schema qa complaints 1\n");
    s_end ();
}
END_TEST

START_TEST (a_refusal_in_the_journal_is_one)
{
    s_begin ("complete " GOOD);
    run.journal = "[{\"name\":\"qa\",\"output\":\"no\",\"outcome\":\"refused\"}]";
    s_run ();
    s_expect (CF_ERROR_MODEL_REFUSED, 0);
    ck_assert_str_eq (run.error.text, "The model refused to answer: no");
    s_end ();
}
END_TEST

/*  Says the error that a refusal with this reason becomes. */
static const char *
s_refusal (const char *reason)
{
    static char journal [2048];
    snprintf (journal, sizeof journal, "[{\"name\":\"qa\",\"output\":\"%s\",\"outcome\":\"refused\"}]", reason);
    memset (&run, 0, sizeof run);
    run.journal = journal;
    s_run ();
    ck_assert_int_eq (run.error.code, CF_ERROR_MODEL_REFUSED);
    return run.error.text;
}

START_TEST (a_refusal_says_why_in_one_line)
{
    char reason [1024] = "", expected [400];
    s_begin ("");
    ck_assert_str_eq (s_refusal (" I\\n\\t can't.\\r\\n"), "The model refused to answer: I can't.");
    ck_assert_str_eq (s_refusal (" \\n"), "The model refused to answer.");
    ck_assert_str_eq (s_refusal (""), "The model refused to answer.");
    for (int at = 0; at < 200; at++)
        strcat (reason, at? "\u00e4": "x");              /* 300 bytes would cut the 150th of them */
    snprintf (expected, sizeof expected, "The model refused to answer: %.*s", 299, reason);
    ck_assert_str_eq (s_refusal (reason), expected);
    s_end ();
}
END_TEST

/*  Waits until the router's double has ended itself, and says so as the supervisor does. */
static void
s_bury_router (void)
{
    world_wrote ("asked", "step ");
    waitpid (world.actors [0].pid, NULL, 0);
    world.actors [0].pid = 0;
    cf_link_gone (world.link, world.actors [0].peer);
}

START_TEST (a_router_that_died_before_the_journal_is_asked_again)
{
    s_begin ("die\ncomplete " GOOD);
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_work, NULL, &context);
    s_bury_router ();
    world_actor ("router", "router", 1);
    world_until (run.ended);
    s_expect (CF_OK, 2);
    s_end ();
}
END_TEST

START_TEST (a_router_that_died_after_the_journal_is_not)
{
    s_begin ("die\ncomplete " BAD);
    cf_json_t *journal = json_pack ("[{ssssss}]", "name", "qa", "output", GOOD, "outcome", "complete");
    char *output = cf_json_print (journal);
    json_decref (journal);
    world_note ("journal", "%s", output);
    free (output);
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_work, NULL, &context);
    s_bury_router ();
    world_until (run.ended);
    s_expect (CF_OK, 1);
    s_end ();
}
END_TEST

START_TEST (a_journal_that_is_away_is_waited_for)
{
    char script [200];
    snprintf (script, sizeof script, "fail %d\nfail %d\ncomplete " GOOD, CF_ERROR_TIMEOUT, CF_ERROR_DATABASE_DOWN);
    s_begin (script);
    s_run ();
    s_expect (CF_OK, 3);
    ck_assert_int_eq (world_count ("asked", "step qa schema"), 3);
    s_end ();
}
END_TEST

START_TEST (what_another_call_does_not_mend_is_told)
{
    char script [200];
    snprintf (script, sizeof script, "fail %d\ncomplete " GOOD, CF_ERROR_PROVIDER_DOWN);
    s_begin (script);
    s_run ();
    s_expect (CF_ERROR_PROVIDER_DOWN, 1);
    s_end ();
}
END_TEST

static void
s_apply (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    cf_work_t *with = cf_work_new (task, "qa", "qa", PROJECT, "[]", false), *without = cf_work_new (task, "qa", "qa", "", "[]", false);
    cf_json_t *changes = json_pack ("{ss}", "status", "building");
    ck_assert_int_eq (cf_work_apply (with, "review", changes, &error), 0);
    ck_assert_int_eq (cf_work_apply (without, "review", changes, &error), 0);
    json_decref (changes);
    cf_work_destroy (&with);
    cf_work_destroy (&without);
    *(bool *) arg = true;
}

START_TEST (effects_have_the_steps_name_and_need_a_project)
{
    bool done = false;
    world_begin ();
    world_actor ("store", "store", 1);
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_apply, &done, &context);
    world_until (done);
    ck_assert_str_eq (world_read ("applied"), JOB " qa:review {\"status\":\"building\"}\n");
    world_end ();
}
END_TEST

static void
s_note (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    cf_work_t *work = cf_work_new (task, "github", "github", PROJECT, "[{\"name\":\"old\",\"output\":\"1\",\"outcome\":\"complete\"}]", false);
    ck_assert_str_eq (cf_work_noted (work, "old"), "1");
    ck_assert_ptr_null (cf_work_noted (work, "new"));
    ck_assert_int_eq (cf_work_note (work, "new", "{\"a\":1}", &error), 0);
    ck_assert_int_eq (cf_work_note (work, "new", "{}", &error), 0);
    ck_assert_int_eq (cf_work_note (work, "old", "2", &error), 0);
    ck_assert_str_eq (cf_work_noted (work, "new"), "{\"a\":1}");
    cf_work_destroy (&work);
    *(bool *) arg = true;
}

START_TEST (a_step_without_a_model_is_noted_once)
{
    bool done = false;
    world_begin ();
    world_actor ("jobs", "jobs", 1);
    cf_task_context_t context = { .job = JOB, .attempt = 3 };
    cf_task_start (world.loop, s_note, &done, &context);
    world_until (done);
    ck_assert_str_eq (world_read ("steps"), JOB " 3 new {\"a\":1} model ''\n");
    world_end ();
}
END_TEST

static void
s_choose_documents (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    cf_work_t *within = cf_work_new (task, "qa", "qa", PROJECT, "[]", false), *without = cf_work_new (task, "qa", "qa", "", "[]", false);
    cf_json_t *input = json_pack ("{s{ss}s[]sn}", "requirements", "app_name", "Brought", "architecture", "files");
    const cf_json_t *found;
    ck_assert_int_eq (cf_work_document (within, input, "requirements", &found, &error), 0);
    ck_assert_str_eq (cf_json_str (found, "app_name", ""), "Brought");
    ck_assert_int_eq (cf_work_document (within, input, "architecture", &found, &error), 0);
    ck_assert (json_is_array (found));
    ck_assert_str_eq (world_read ("applied"), "");         /* nobody was asked so far */
    ck_assert_int_eq (cf_work_document (within, input, "files", &found, &error), 0);
    ck_assert (json_is_array (found));
    json_object_set_new (input, "requirements", json_null ());
    ck_assert_int_eq (cf_work_document (within, input, "requirements", &found, &error), 0);
    ck_assert_str_eq (cf_json_str (found, "app_name", ""), "Kept");
    ck_assert_int_eq (cf_work_document (within, NULL, "architecture", &found, &error), 0);
    ck_assert_ptr_null (found);
    ck_assert_int_eq (cf_work_document (without, input, "requirements", &found, &error), 0);
    ck_assert_ptr_null (found);
    json_decref (input);
    cf_work_destroy (&within);
    cf_work_destroy (&without);
    *(bool *) arg = true;
}

START_TEST (null_is_absent_and_the_project_fills_in)
{
    bool done = false;
    world_begin ();
    world_actor ("store", "store", 1);
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    cf_task_start (world.loop, s_choose_documents, &done, &context);
    world_until (done);
    ck_assert_str_eq (world_read ("applied"), "context " PROJECT "\n");
    world_end ();
}
END_TEST

/* ---- parts at once ---- */

static struct {
    size_t count, at_once, failing;     /* the part that fails, from 1; 0: none */
    bool ended;
    int rc, open, most, cancelled;
    char order [64];
    cf_task_t *task;
    cf_error_t error;
} crew;

static int
s_do_part (cf_work_t *part, size_t index, void *arg, cf_error_t *error)
{
    ck_assert_ptr_eq (arg, &crew);
    ck_assert_ptr_ne (cf_work_task (part), crew.task);
    ck_assert_str_eq (cf_work_job (part), JOB);
    ck_assert_uint_eq (json_array_size (cf_work_journal (part)), 1);
    crew.most = ++crew.open > crew.most? crew.open: crew.most;
    int rc = cf_task_sleep (cf_work_task (part), index + 1 == crew.failing? 1: index % 2? 3: 8, error);
    crew.cancelled += rc != 0;
    crew.open--;
    size_t size = strlen (crew.order);
    snprintf (crew.order + size, sizeof crew.order - size, "%zu ", index);
    return rc || index + 1 != crew.failing? rc: cf_error_set (error, CF_ERROR_MODEL_REFUSED, "part %zu", index);
}

static void
s_do_all (cf_task_t *task, void *arg)
{
    (void) arg;
    crew.task = task;
    cf_work_t *work = cf_work_new (task, "qa", "qa", PROJECT, "[{\"name\":\"x\"}]", false);
    crew.rc = cf_work_each (work, crew.count, crew.at_once, s_do_part, &crew, &crew.error);
    ck_assert_int_eq (crew.open, 0);
    cf_work_destroy (&work);
    crew.ended = true;
}

static void
s_start_crew (size_t count, size_t at_once, size_t failing)
{
    cf_task_context_t context = { .job = JOB, .attempt = 1 };
    memset (&crew, 0, sizeof crew);
    crew.count = count;
    crew.at_once = at_once;
    crew.failing = failing;
    cf_task_start (world.loop, s_do_all, NULL, &context);
}

START_TEST (parts_are_done_a_few_at_once)
{
    world_begin ();
    s_start_crew (7, 3, 0);
    world_until (crew.ended);
    ck_assert_int_eq (crew.rc, 0);
    ck_assert_int_eq (crew.most, 3);
    ck_assert_uint_eq (strlen (crew.order), 14);
    s_start_crew (4, 1, 0);
    world_until (crew.ended);
    ck_assert_str_eq (crew.order, "0 1 2 3 ");
    s_start_crew (0, 3, 0);
    world_until (crew.ended);
    ck_assert_int_eq (crew.rc, 0);
    world_end ();
}
END_TEST

START_TEST (a_part_that_fails_ends_the_others)
{
    world_begin ();
    s_start_crew (9, 3, 2);
    world_until (crew.ended);
    ck_assert_int_eq (crew.rc, -1);
    ck_assert_int_eq (crew.error.code, CF_ERROR_MODEL_REFUSED);
    ck_assert_str_eq (crew.error.text, "part 1");
    ck_assert_uint_eq (strlen (crew.order), 6);         /* no more were begun */
    ck_assert_int_eq (crew.cancelled, 2);
    world_end ();
}
END_TEST

START_TEST (parts_end_with_their_work)
{
    world_begin ();
    s_start_crew (9, 4, 0);
    world_until (crew.open == 4);
    cf_task_cancel (crew.task, CF_ERROR_STALE_ATTEMPT);
    world_until (crew.ended);
    ck_assert_int_eq (crew.error.code, CF_ERROR_STALE_ATTEMPT);
    ck_assert_int_eq (crew.cancelled, 4);
    s_start_crew (9, 4, 0);
    world_until (crew.open == 4);
    cf_task_limit (crew.task, 1);
    world_until (crew.ended);
    ck_assert_int_eq (crew.error.code, CF_ERROR_TIMEOUT);
    world_end ();
}
END_TEST

START_TEST (a_malformed_journal_is_no_work)
{
    ck_assert_ptr_null (cf_work_new (NULL, "qa", "qa", PROJECT, "{", false));
    ck_assert_ptr_null (cf_work_new (NULL, "qa", "qa", PROJECT, "{}", false));
}
END_TEST

START_TEST (an_explanation_is_for_the_failure_it_was_made_for)
{
    cf_work_t *work = cf_work_new (NULL, "qa", "qa", PROJECT, "[]", false);
    ck_assert_str_eq (cf_work_details (work, CF_ERROR_INVALID), "");
    cf_work_explain (work, CF_ERROR_CONFLICT, json_pack ("{ss}", "field", "old"));
    cf_work_explain (work, CF_ERROR_INVALID, json_pack ("{ss}", "field", "name"));
    ck_assert_str_eq (cf_work_details (work, CF_ERROR_INVALID), "{\"field\":\"name\"}");
    ck_assert_str_eq (cf_work_details (work, CF_ERROR_CONFLICT), "");
    ck_assert_str_eq (cf_work_details (work, CF_ERROR_DATABASE_DOWN), "");
    cf_work_destroy (&work);
}
END_TEST

UNIT_MAIN ("work", an_explanation_is_for_the_failure_it_was_made_for, a_good_answer_is_taken, the_journal_is_taken_at_its_word, a_refusal_in_the_journal_is_one,
           a_refusal_says_why_in_one_line, null_is_absent_and_the_project_fills_in,
           a_router_that_died_before_the_journal_is_asked_again, a_router_that_died_after_the_journal_is_not,
           a_journal_that_is_away_is_waited_for, what_another_call_does_not_mend_is_told,
           effects_have_the_steps_name_and_need_a_project, a_step_without_a_model_is_noted_once,
           parts_are_done_a_few_at_once, a_part_that_fails_ends_the_others, parts_end_with_their_work, a_malformed_journal_is_no_work)
