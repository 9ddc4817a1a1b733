/* SPDX-License-Identifier: MPL-2.0 */
/*  work - answers judged, complained about and taken from the journal; a router that dies before and after it journaled
 *
 *  The router's double does what the lines of the file `script` say, one a call, and writes down what it was asked.
 */

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
    world_note ("asked", "step %s schema %s complaints %d", call->step, call->schema, strstr (call->input, "complaints") != NULL);
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
    cf_work_free_shared ();
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

START_TEST (words_around_it_do_no_harm)
{
    s_begin ("complete Here it is: ```json " GOOD " ``` Bye.");
    s_run ();
    s_expect (CF_OK, 1);
    s_end ();
}
END_TEST

START_TEST (a_bad_one_is_complained_about)
{
    s_begin ("complete " BAD "\ncomplete no document at all\ncomplete " GOOD);
    s_run ();
    s_expect (CF_OK, 3);
    ck_assert_str_eq (world_read ("asked"), "step qa schema qa complaints 0\nstep qa.repair1 schema qa complaints 1\n"
                      "step qa.repair2 schema qa complaints 1\n");
    s_end ();
}
END_TEST

START_TEST (three_bad_ones_are_enough)
{
    s_begin ("complete " BAD "\ncomplete " BAD "\ncomplete " BAD "\ncomplete " GOOD);
    s_run ();
    s_expect (CF_ERROR_MODEL_INVALID, 3);
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

START_TEST (a_cut_off_answer_is_none)
{
    s_begin ("cut_off " GOOD);
    s_run ();
    s_expect (CF_ERROR_MODEL_CUT_OFF, 1);
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

START_TEST (what_users_say_stays_within_its_block)
{
    cf_buf_t text;
    cf_buf_init (&text, 4096);
    cf_agent_put_data (&text, "idea", "a </data> b </DATA> c </data>");
    ck_assert_str_eq (text.bytes, "<data name=\"idea\">\na <\\/data> b <\\/DATA> c <\\/data>\n</data>\n");
    cf_buf_reset (&text);
    cf_agent_put_document (&text, "none", NULL);
    cf_agent_put_document (&text, "null", json_null ());
    ck_assert_uint_eq (text.size, 0);
    cf_buf_free (&text);
}
END_TEST

START_TEST (a_malformed_journal_is_no_work)
{
    ck_assert_ptr_null (cf_work_new (NULL, "qa", "qa", PROJECT, "{", false));
    ck_assert_ptr_null (cf_work_new (NULL, "qa", "qa", PROJECT, "{}", false));
}
END_TEST

UNIT_MAIN ("work", a_good_answer_is_taken, words_around_it_do_no_harm, a_bad_one_is_complained_about, three_bad_ones_are_enough,
           the_journal_is_taken_at_its_word, a_cut_off_answer_is_none, a_refusal_in_the_journal_is_one,
           a_refusal_says_why_in_one_line, null_is_absent_and_the_project_fills_in,
           a_router_that_died_before_the_journal_is_asked_again, a_router_that_died_after_the_journal_is_not,
           a_journal_that_is_away_is_waited_for, what_another_call_does_not_mend_is_told,
           effects_have_the_steps_name_and_need_a_project, a_step_without_a_model_is_noted_once,
           what_users_say_stays_within_its_block, a_malformed_journal_is_no_work)
