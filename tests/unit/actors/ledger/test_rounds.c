/* SPDX-License-Identifier: MPL-2.0 */
#include "actors/ledger/rounds.h"
#include "tests/support/unit.h"
#include "tests/unit/actors/ledger/scene.h"

#define LATE "22222222-2222-4222-8222-222222222222"
#define LATER "33333333-3333-4333-8333-333333333333"

static char s_found [1024];

static void
s_on_found (void *arg, cf_job_t *job)
{
    (void) arg;
    size_t filled = strlen (s_found);
    snprintf (s_found + filled, sizeof s_found - filled, "%s:%s ", job->id, cf_job_state_name (job->state));
    cf_desk_take (scene.desk, &job);
}

/*  As a transaction of a former instance that is committed now. */
static void
s_commit_late (const char *id, const char *status)
{
    char sql [512];
    snprintf (sql, sizeof sql, "insert into public.agent_jobs (id, project_id, user_id, agent_type, status) values ('%s', '"
              SCENE_PROJECT "', '" SCENE_USER "', 'qa', '%s')", id, status);
    cf_test_sql (sql);
}

static cf_rounds_t *
s_begin (cf_shown_t *shown)
{
    *s_found = 0;
    return cf_rounds_new (world.loop, scene.desk, scene.ledger, shown, s_on_found, NULL);
}

static void
s_end (cf_rounds_t **rounds, cf_shown_t **shown)
{
    cf_rounds_stop (*rounds);
    world_until (cf_rounds_idle (*rounds));
    cf_rounds_destroy (rounds);
    cf_rounds_destroy (rounds);
    cf_shown_destroy (shown);
    scene_end ();
}

static void
s_start (cf_task_t *task, void *arg)
{
    (void) task;
    cf_rounds_start (arg);
}

START_TEST (what_is_committed_late_is_found_once)
{
    scene_begin ();
    cf_shown_t *shown = cf_shown_new (60000);
    cf_rounds_t *rounds = s_begin (shown);
    scene_job ();                       /* of whom the desk knows */
    cf_rounds_start (rounds);
    s_commit_late (LATE, "running");
    world_until (*s_found);
    ck_assert_str_eq (s_found, LATE ":running ");
    s_commit_late (LATER, "queued");
    world_until (strstr (s_found, LATER));
    ck_assert_str_eq (s_found, LATE ":running " LATER ":queued ");
    s_end (&rounds, &shown);
}
END_TEST

START_TEST (old_rows_are_dropped_and_with_them_what_was_shown)
{
    scene_begin ();
    cf_shown_t *shown = cf_shown_new (60000);
    cf_rounds_t *rounds = s_begin (shown);
    s_commit_late (LATE, "completed");
    cf_test_sql ("update public.agent_jobs set completed_at = now () - interval '1000 days';"
                 "insert into codeforge.job_events (job_id, seq, event, data, created_at) values ('" LATE "', 1, 'complete', '{}',"
                 " now () - interval '1000 days')");
    cf_shown_print (shown, scene_job ());
    cf_task_start (world.loop, s_start, rounds, NULL);      /* from a task, as jobs does */
    world_until (cf_shown_count (shown) == 0);
    ck_assert_str_eq (s_found, "");
    s_end (&rounds, &shown);
}
END_TEST

SCENE_MAIN ("rounds", what_is_committed_late_is_found_once, old_rows_are_dropped_and_with_them_what_was_shown)
