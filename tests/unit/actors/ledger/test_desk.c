/* SPDX-License-Identifier: MPL-2.0 */
/*  desk - what a job goes through, told in order and once; ends that the database refuses, a database that is away, too much that
 *  waits for it; against a real PostgreSQL */

#include "tests/unit/actors/ledger/scene.h"

#define LARGE_BYTES (7u << 20)

/*  A result of about so many bytes; yours to free. */
static char *
s_large (size_t size)
{
    char *text = malloc (size + 32);
    int start = sprintf (text, "{\"text\":\"");
    memset (text + start, 'x', size);
    strcpy (text + (size_t) start + size, "\"}");
    return text;
}

START_TEST (a_life_is_told_in_order_and_once)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL), 0);
    cf_desk_progress (scene.desk, job, 30, "qa", "Reading");
    cf_desk_progress (scene.desk, job, 20, "qa", "Reading");    /* never goes back: nothing to tell */
    cf_desk_start_step (scene.desk, job, "qa");
    cf_desk_start_step (scene.desk, job, "qa");
    cf_job_step_t done = scene_step (job, "qa");
    ck_assert_uint_gt (cf_desk_finish_step (scene.desk, job, &done), 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{\"passed\":true}", NULL), 0);
    ck_assert_uint_eq (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);        /* too late */
    ck_assert_str_eq (scene.told, "");          /* nothing before its commit */
    world_until (strstr (scene.told, "complete"));
    ck_assert_str_eq (scene.told, "1:progress 2:progress 3:step 4:step 5:complete ");
    ck_assert_str_eq (scene_history (), scene.told);
    ck_assert_ptr_null (cf_desk_lookup (scene.desk, id, NULL));
    ck_assert_uint_eq (cf_desk_count_of (scene.desk, SCENE_USER), 0);
    ck_assert_str_eq (cf_test_sql ("select status || progress || ' ' || last_event || ' ' || calls || ' ' || input_tokens || ' ' || cost_usd"
                                   " || result::text from public.agent_jobs"), "completed100 5 1 100 0.500000{\"passed\": true}");
    ck_assert_str_eq (cf_test_sql ("select data from codeforge.job_events where event = 'complete'"),
                      cf_test_sql ("select format ('{\"job_id\":\"%s\",\"status\":\"completed\",\"progress\":100}', id) from public.agent_jobs"));
    ck_assert_str_eq (cf_test_sql ("select name || status || output || first_token_ms from codeforge.job_steps"), "qacompleted{\"passed\":true}120");
    scene_end ();
}
END_TEST

/*  Whoever was shown a job before a change is not shown the same again. */
START_TEST (each_change_is_a_version_and_the_end_is_kept)
{
    scene_begin ();
    cf_shown_t *shown = cf_shown_new (60000);
    cf_desk_keep_ended (scene.desk, shown);
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    uint64_t version = job->version;
    cf_job_step_t done = scene_step (job, "qa");
    for (int change = 0; change < 5; change++) {
        if (change == 0)
            cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
        else if (change == 1)
            cf_desk_progress (scene.desk, job, 30, "qa", "Reading");
        else if (change == 2)
            cf_desk_start_step (scene.desk, job, "qa");
        else if (change == 3)
            cf_desk_finish_step (scene.desk, job, &done);
        else
            cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{\"passed\":true}", NULL);
        ck_assert_uint_gt (job->version, version);
        version = job->version;
    }
    ck_assert_ptr_nonnull (cf_shown_print (shown, job));        /* still running, as far as anybody may know */
    ck_assert_ptr_null (cf_shown_lookup (shown, id, SCENE_USER, CF_SHOWN_ENDED));
    world_until (!cf_desk_lookup (scene.desk, id, NULL));
    ck_assert_ptr_nonnull (cf_shown_lookup (shown, id, SCENE_USER, CF_SHOWN_ENDED));
    scene_end ();
    cf_shown_destroy (&shown);
}
END_TEST

typedef struct {
    char job [CF_UUID_SIZE];
    uint32_t wait_ms;
    cf_task_t *task;
    int rc, over;
    cf_error_t error;
} await_t;

static void
s_await (cf_task_t *task, void *arg)
{
    await_t *await = arg;
    await->task = task;
    await->rc = cf_desk_await (scene.desk, task, await->job, SCENE_USER, await->wait_ms, &await->error);
    await->over++;
}

static await_t
s_await_of (const char *job, uint32_t wait_ms)
{
    await_t await = { .wait_ms = wait_ms };
    snprintf (await.job, sizeof await.job, "%s", job);
    return await;
}

START_TEST (who_waits_for_a_job_learns_of_its_end)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    await_t first = s_await_of (job->id, 60000), second = first, impatient = s_await_of (job->id, 1), taken_back = first;
    cf_task_start (world.loop, s_await, &first, NULL);
    cf_task_start (world.loop, s_await, &second, NULL);
    cf_task_start (world.loop, s_await, &impatient, NULL);
    cf_task_start (world.loop, s_await, &taken_back, NULL);
    world_until (impatient.over);
    ck_assert_int_eq (impatient.rc, 0);
    cf_task_cancel (taken_back.task, CF_ERROR_CANCELLED);
    world_until (taken_back.over);
    ck_assert_int_eq (taken_back.rc, -1);
    ck_assert_int_eq (taken_back.error.code, CF_ERROR_CANCELLED);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    scene_settle ();
    cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{\"passed\":true}", NULL);
    ck_assert (!first.over && !second.over);     /* it is not committed */
    world_until (first.over && second.over);
    ck_assert (first.rc == 0 && second.rc == 0);
    ck_assert_ptr_null (cf_desk_lookup (scene.desk, first.job, NULL));
    await_t late = s_await_of (first.job, 60000);
    cf_task_start (world.loop, s_await, &late, NULL);
    ck_assert (late.over && late.rc == 0);      /* at once */
    scene_end ();
}
END_TEST

START_TEST (who_waits_for_a_job_learns_of_its_questions)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    await_t asked = s_await_of (job->id, 60000), answered = asked, other = asked;
    cf_task_start (world.loop, s_await, &asked, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_QUESTION, "{}", NULL);
    world_until (asked.over);
    cf_task_start (world.loop, s_await, &answered, NULL);
    ck_assert (answered.over && answered.rc == 0);
    cf_desk_move (scene.desk, job, CF_JOB_ON_ANSWER, NULL, NULL);
    cf_task_start (world.loop, s_await, &other, NULL);
    ck_assert (!other.over);
    cf_desk_end_waits (scene.desk);
    world_until (other.over);
    ck_assert_int_eq (other.rc, -1);
    ck_assert_int_eq (other.error.code, CF_ERROR_ACTOR_GONE);
    scene_settle ();
    scene_end ();
}
END_TEST

START_TEST (what_has_ended_in_the_ledger_stays_so)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_job_t *late = cf_job_new (job->id, SCENE_PROJECT, SCENE_USER, cf_job_kind ("qa"), "{}");
    cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL);
    scene_settle ();
    late->state = CF_JOB_COMPLETED;
    late->last_event = 7;
    late->attempt = 3;
    cf_ledger_event (scene.ledger, late, "complete", "{}");
    cf_ledger_update (scene.ledger, late, false);
    scene_settle ();
    cf_job_destroy (&late);
    ck_assert_str_eq (cf_test_sql ("select status || attempt from public.agent_jobs"), "cancelled1");
    ck_assert_str_eq (scene_history (), "1:cancelled ");
    scene_end ();
}
END_TEST

START_TEST (an_older_attempt_writes_nothing)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_job_t *old = cf_job_new (job->id, SCENE_PROJECT, SCENE_USER, cf_job_kind ("qa"), "{}");
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_DEATH, NULL, NULL);
    scene_settle ();
    ck_assert_uint_eq (job->attempt, 2);
    old->state = CF_JOB_COMPLETED;
    cf_ledger_update (scene.ledger, old, false);
    scene_settle ();
    cf_job_destroy (&old);
    ck_assert_str_eq (cf_test_sql ("select status || attempt from public.agent_jobs"), "queued2");
    scene_end ();
}
END_TEST

START_TEST (a_result_that_cannot_be_stored_fails_the_job)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{\"not\": json", NULL);
    world_until (strstr (scene.told, "error"));
    ck_assert_str_eq (scene.told, "1:progress 2:error ");
    ck_assert_str_eq (scene_history (), scene.told);
    ck_assert_str_eq (cf_test_sql ("select status || ' ' || error from public.agent_jobs"), "failed the result could not be stored");
    ck_assert_uint_eq (cf_desk_size (scene.desk), 0);
    scene_end ();
}
END_TEST

START_TEST (a_text_cut_within_a_character_is_stored)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_progress (scene.desk, job, 1, "\xC3\xA4\xE2\x82", "n\xC3");
    ck_assert_str_eq (job->stage, "\xC3\xA4");
    ck_assert_str_eq (job->note, "n");
    char note [400];
    memset (note, 'n', 198);
    strcpy (note + 198, "\xE2\x82\xAC and more");              /* 199 bytes are all it takes */
    cf_desk_progress (scene.desk, job, 2, "", note);
    ck_assert_uint_eq (strlen (job->note), 198);
    cf_desk_move (scene.desk, job, CF_JOB_ON_FAILURE, NULL, &(cf_job_failure_t) { "INTERNAL", "because of \xF0\x9F\x98", "not json" });
    world_until (strstr (scene.told, "error"));
    ck_assert_str_eq (cf_test_sql ("select error from public.agent_jobs"), "because of ");
    ck_assert_str_eq (cf_test_sql ("select error_code || coalesce (error_details::text, ' none') from public.agent_jobs"), "INTERNAL none");
    scene_end ();
}
END_TEST

START_TEST (a_database_that_is_away_is_waited_for)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    scene_lose_database ();
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL), 0);
    for (uint32_t progress = 1; progress < 90; progress++)
        cf_desk_progress (scene.desk, job, progress, "qa", "");
    cf_job_step_t done = scene_step (job, "qa");
    ck_assert_uint_gt (cf_desk_finish_step (scene.desk, job, &done), 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL), 0);
    cf_json_t *shown = cf_job_show (job);
    ck_assert_str_eq (cf_json_str (shown, "status", ""), "running");    /* its end may yet be lost */
    json_decref (shown);
    ck_assert_str_eq (scene.told, "");
    cf_test_postgres_start ();
    world_until (strstr (scene.told, "complete"));
    ck_assert_str_eq (cf_test_sql ("select count (*) || ' ' || max (seq) from codeforge.job_events"), "92 92");
    ck_assert_str_eq (cf_test_sql ("select status || last_event from public.agent_jobs"), "completed92");
    scene_end ();
}
END_TEST

/*  What is refused leaves no trace, and what was taken is kept. */
START_TEST (too_much_that_waits_stops_moves_not_ends)
{
    scene_begin ();
    cf_job_t *jobs [12];
    char *large = s_large (LARGE_BYTES);
    for (size_t at = 0; at < 12; at++) {
        jobs [at] = scene_job ();
        cf_desk_move (scene.desk, jobs [at], CF_JOB_ON_LEASE, NULL, NULL);
    }
    scene_settle ();
    scene_lose_database ();
    size_t taken = 0;
    while (taken < 12 && cf_desk_move (scene.desk, jobs [taken], CF_JOB_ON_RESULT, large, NULL))
        taken++;
    ck_assert_uint_ge (taken, 8);
    ck_assert_uint_lt (taken, 12);
    cf_job_t *refused = jobs [taken];
    ck_assert_int_eq (refused->state, CF_JOB_RUNNING);
    ck_assert_uint_eq (refused->last_event, 1);
    ck_assert_ptr_null (refused->result);
    cf_desk_progress (scene.desk, refused, 50, "qa", "on");
    cf_desk_start_step (scene.desk, refused, "qa");
    ck_assert_uint_eq (refused->last_event, 1);                 /* nobody is told of progress now */
    ck_assert_ptr_null (refused->steps);
    ck_assert_uint_gt (cf_desk_move (scene.desk, refused, CF_JOB_ON_FAILURE, NULL, &(cf_job_failure_t) { "INTERNAL", "short", "" }), 0);        /* there is room for that */
    cf_test_postgres_start ();
    scene_settle ();
    ck_assert_uint_eq (cf_desk_size (scene.desk), 12 - taken - 1);
    char sql [200];
    snprintf (sql, sizeof sql, "select count (*) filter (where status = 'completed') = %zu and count (*) filter (where status = 'failed') = 1"
              " from public.agent_jobs", taken);
    ck_assert_str_eq (cf_test_sql (sql), "t");
    ck_assert_str_eq (cf_test_sql ("select count (*) from (select job_id from codeforge.job_events group by 1 having max (seq) <> count (*)) x"), "0");
    free (large);
    scene_end ();
}
END_TEST

START_TEST (a_step_said_again_counts_once)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_job_step_t done = scene_step (job, "qa");
    cf_batch_ticket_t first = cf_desk_finish_step (scene.desk, job, &done);
    ck_assert_uint_gt (first, 0);
    ck_assert_uint_eq (cf_desk_finish_step (scene.desk, job, &done), first);
    scene_settle ();
    ck_assert_uint_eq (cf_desk_finish_step (scene.desk, job, &done), first);
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, SCENE_USER);
    ck_assert_ptr_nonnull (job);
    done = scene_step (job, "qa");
    done.output = "{\"another\":1}";
    ck_assert_uint_gt (cf_desk_finish_step (scene.desk, job, &done), 0);
    scene_settle ();
    ck_assert_uint_eq (job->input_tokens, 100);
    ck_assert_uint_eq (job->steps->first_token_ms, 120);
    ck_assert_uint_eq (job->calls, 1);
    ck_assert_str_eq (cf_test_sql ("select string_agg (output, '') from codeforge.job_steps"), "{\"passed\":true}");
    ck_assert_str_eq (scene_history (), "1:progress 2:step ");
    scene_end ();
}
END_TEST

START_TEST (a_step_without_a_model_is_no_call)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_job_step_t done = scene_step (job, "repository");
    done.model = "";
    ck_assert_uint_gt (cf_desk_finish_step (scene.desk, job, &done), 0);
    scene_settle ();
    ck_assert_uint_eq (job->calls, 0);
    ck_assert_str_eq (cf_test_sql ("select string_agg (name || coalesce (model, ' none'), '') from codeforge.job_steps"), "repository none");
    scene_end ();
}
END_TEST

static void
s_await_steps (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    const cf_job_t *job = cf_desk_first (scene.desk);
    *(int *) arg = cf_desk_await_steps (scene.desk, task, job->id, &error);
}

START_TEST (the_journal_is_read_when_all_of_it_is_there)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    int rc = 1;
    cf_task_start (world.loop, s_await_steps, &rc, NULL);
    ck_assert_int_eq (rc, 0);                   /* nothing to wait for */
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    scene_settle ();
    scene_lose_database ();
    cf_job_step_t done = scene_step (job, "qa");
    cf_desk_finish_step (scene.desk, job, &done);
    rc = 1;
    cf_task_start (world.loop, s_await_steps, &rc, NULL);
    for (int turn = 0; turn < 20; turn++)
        cf_loop_turn (world.loop, 5);
    ck_assert_int_eq (rc, 1);
    cf_test_postgres_start ();
    world_until (rc == 0);
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.job_steps"), "1");
    scene_end ();
}
END_TEST

START_TEST (a_new_instance_counts_events_on)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    scene_settle ();
    cf_desk_start_step (scene.desk, job, "qa");
    scene_settle ();
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_uint_eq (job->last_event, 2);
    ck_assert_uint_eq (job->told_event, 2);
    cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL);
    scene_settle ();
    ck_assert_str_eq (scene_history (), "1:progress 2:step 3:complete ");
    scene_end ();
}
END_TEST

static const char *
s_row_at_work (void)
{
    return cf_test_sql ("select progress || ' ' || stage || ' ' || last_event || ' ' || calls || ' ' || input_tokens from public.agent_jobs");
}

START_TEST (a_row_follows_its_events)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_job_step_t done = scene_step (job, "qa");
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    scene_settle ();
    cf_desk_progress (scene.desk, job, 30, "reading", "Reading");
    cf_desk_finish_step (scene.desk, job, &done);
    scene_settle ();
    ck_assert_str_eq (scene_history (), "1:progress 2:progress 3:step ");        /* told, and kept */
    ck_assert_str_eq (s_row_at_work (), "0 qa 1 0 0");
    world_until (strcmp (s_row_at_work (), "30 reading 3 1 100") == 0);
    cf_desk_progress (scene.desk, job, 40, "", "");
    cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL);
    scene_settle ();
    ck_assert_str_eq (s_row_at_work (), "100 completed 5 1 100");
    cf_desk_catch_up (scene.desk);
    ck_assert (cf_ledger_idle (scene.ledger));   /* nothing more is to be written of it */
    scene_end ();
}
END_TEST

START_TEST (what_was_told_before_a_crash_stays_told)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_job_step_t done = scene_step (job, "qa");
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    scene_settle ();
    cf_desk_progress (scene.desk, job, 30, "reading", "Reading");
    cf_desk_finish_step (scene.desk, job, &done);
    cf_desk_progress (scene.desk, job, 60, "", "Writing");
    world_until (strstr (scene.told, "4:progress"));
    ck_assert_str_eq (s_row_at_work (), "0 qa 1 0 0");
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_uint_eq (job->last_event, 4);
    ck_assert_uint_eq (job->told_event, 4);
    ck_assert_uint_eq (job->progress, 60);
    ck_assert_str_eq (job->stage, "reading");
    ck_assert_str_eq (job->note, "Writing");
    ck_assert_uint_eq (job->calls, 1);
    ck_assert_uint_eq (job->input_tokens, 100);
    cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL);
    scene_settle ();
    ck_assert_str_eq (scene_history (), "1:progress 2:progress 3:step 4:progress 5:complete ");
    ck_assert_str_eq (s_row_at_work (), "100 completed 5 1 100");
    scene_end ();
}
END_TEST

/*  More than one page of them, some made within the same microsecond. */
START_TEST (all_open_jobs_are_read)
{
    scene_begin ();
    cf_test_sql ("insert into public.agent_jobs (id, project_id, user_id, agent_type, status, created_at)"
                 " select gen_random_uuid (), '" SCENE_PROJECT "', '" SCENE_USER "', 'qa', case when n % 10 = 0 then 'completed' else 'queued' end,"
                 " '2026-01-01'::timestamptz + make_interval (secs => n / 7 * 0.000001) from generate_series (1, 2000) n");
    scene_reopen ();
    ck_assert_uint_eq (cf_desk_size (scene.desk), 1800);
    ck_assert_uint_eq (cf_desk_count_of (scene.desk, SCENE_USER), 1800);
    scene_end ();
}
END_TEST

START_TEST (working_time_ends_and_outlives_a_restart)
{
    scene_begin ();
    cf_config_set (CF_CONFIG_AGENT_TIMEOUT, "1");
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    world_until (scene.overdue == 2);           /* nobody ended it: said again */
    cf_desk_progress (scene.desk, job, 10, "qa", "");
    cf_desk_catch_up (scene.desk);
    scene_settle ();
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_int_eq (job->state, CF_JOB_RUNNING);
    ck_assert_uint_ge (job->spent_ms, 1000);
    scene.overdue = 0;
    world_until (scene.overdue == 1);           /* at once, not after another second of work */
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_FAILURE, NULL, &(cf_job_failure_t) { "TIMEOUT", "timeout after 1 s", "{\"field\":\"x\"}" }), 0);
    scene_settle ();
    ck_assert_str_eq (cf_test_sql ("select status || error from public.agent_jobs"), "failedtimeout after 1 s");
    ck_assert_str_eq (cf_test_sql ("select error_code || error_details::text from public.agent_jobs"), "TIMEOUT{\"field\": \"x\"}");
    scene_end ();
}
END_TEST

START_TEST (an_answer_takes_a_new_token_that_clients_do_not_see)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_QUESTION, "{\"questions\":[]}", NULL);
    ck_assert_uint_eq (job->progress, 50);
    cf_desk_move (scene.desk, job, CF_JOB_ON_ANSWER, NULL, NULL);
    ck_assert_uint_eq (job->attempt, 2);
    job->deaths = 1;
    cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
    cf_desk_move (scene.desk, job, CF_JOB_ON_DEATH, NULL, NULL);
    scene_settle ();
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_uint_eq (job->attempt, 3);
    ck_assert_uint_eq (job->deaths, 1);
    cf_json_t *shown = cf_job_show (job);
    ck_assert_int_eq (cf_json_int (shown, "attempt", 0), 2);
    json_decref (shown);
    scene_end ();
}
END_TEST

START_TEST (a_closed_desk_moves_nothing)
{
    scene_begin ();
    cf_job_t *job = scene_job ();
    cf_desk_close (scene.desk);
    ck_assert_uint_eq (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);
    ck_assert_int_eq (job->state, CF_JOB_QUEUED);
    scene_end ();
}
END_TEST

SCENE_MAIN ("desk", a_life_is_told_in_order_and_once, each_change_is_a_version_and_the_end_is_kept,
            who_waits_for_a_job_learns_of_its_end, who_waits_for_a_job_learns_of_its_questions, what_has_ended_in_the_ledger_stays_so, an_older_attempt_writes_nothing,
            a_result_that_cannot_be_stored_fails_the_job, a_text_cut_within_a_character_is_stored, a_database_that_is_away_is_waited_for,
            too_much_that_waits_stops_moves_not_ends, a_step_said_again_counts_once, a_step_without_a_model_is_no_call, the_journal_is_read_when_all_of_it_is_there,
            a_new_instance_counts_events_on, a_row_follows_its_events, what_was_told_before_a_crash_stays_told, all_open_jobs_are_read, working_time_ends_and_outlives_a_restart, an_answer_takes_a_new_token_that_clients_do_not_see, a_closed_desk_moves_nothing)
