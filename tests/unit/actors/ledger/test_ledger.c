/* SPDX-License-Identifier: MPL-2.0 */
/*  ledger - who may have a job, in which project, in none; against a real PostgreSQL */

#include "actors/ledger/ledger.h"
#include "proto/base/config.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define ANNE "11111111-1111-4111-8111-111111111111"
#define BERT "22222222-2222-4222-8222-222222222222"
#define OURS "aaaaaaaa-0000-4000-8000-000000000001"
#define ARCHIVED "aaaaaaaa-0000-4000-8000-000000000002"
#define THEIRS "aaaaaaaa-0000-4000-8000-000000000003"
#define JOB "bbbbbbbb-0000-4000-8000-000000000001"

typedef void (s_body_fn) (cf_task_t *task);

typedef struct {
    s_body_fn *fn;
    bool done;
} run_t;

static cf_ledger_t *s_ledger;
static size_t s_accepted;

static void
s_on_accepted (void *arg, const char *job)
{
    (void) arg;
    ck_assert_str_eq (job, JOB);
    s_accepted++;
}

static void
s_body (cf_task_t *task, void *arg)
{
    run_t *run = arg;
    run->fn (task);
    run->done = true;
}

static void
s_run (s_body_fn *fn)
{
    cf_error_t error = { 0 };
    cf_test_sql ("truncate public.projects, public.agent_jobs, codeforge.job_steps cascade");
    cf_test_sql ("insert into public.projects (id, user_id, title, status) values ('" OURS "', '" ANNE "', 'ours', 'planning'),"
                 " ('" ARCHIVED "', '" ANNE "', 'archived', 'archived'), ('" THEIRS "', '" BERT "', 'theirs', 'planning')");
    cf_config_set (CF_CONFIG_DATABASE_URL, cf_test_postgres ());
    cf_loop_t *loop = cf_loop_new ();
    s_accepted = 0;
    s_ledger = cf_ledger_new (loop, s_on_accepted, NULL, &error);
    ck_assert_msg (s_ledger != NULL, "%s", error.text);
    run_t run = { .fn = fn };
    cf_task_start (loop, s_body, &run, NULL);
    while (!run.done)
        cf_loop_turn (loop, 1000);
    cf_ledger_destroy (&s_ledger);
    cf_loop_destroy (&loop);
    cf_task_free_pool ();
}

/*  How often the ledger says that it has the job after this. */
static size_t
s_accept (cf_task_t *task, const char *project, const char *user, const char *kind)
{
    cf_error_t error = { 0 };
    cf_job_t *job = cf_job_new (JOB, project, user, cf_job_kind (kind), "{\"question\":\"why?\"}");
    int rc = cf_batch_commit (task, cf_ledger_batch (s_ledger), cf_ledger_accept (s_ledger, job), &error);
    ck_assert_msg (rc == 0, "%s", error.text);
    cf_job_destroy (&job);
    return s_accepted;
}

static void
s_accepts_without_project (cf_task_t *task)
{
    cf_error_t error = { 0 };
    cf_job_t *job = NULL;
    ck_assert_uint_eq (s_accept (task, "", ANNE, "pedagogy"), 1);
    ck_assert_str_eq (cf_test_sql ("select user_id || ' ' || agent_type from public.agent_jobs where project_id is null"), ANNE " pedagogy");
    ck_assert_int_eq (cf_ledger_read_job (s_ledger, task, JOB, ANNE, &job, &error), 0);
    ck_assert_ptr_nonnull (job);
    ck_assert_str_eq (job->project, "");
    cf_json_t *shown = cf_job_show (job);
    ck_assert (json_is_null (json_object_get (shown, "project_id")));
    json_decref (shown);
    cf_job_destroy (&job);
    ck_assert_int_eq (cf_ledger_read_job (s_ledger, task, JOB, BERT, &job, &error), 0);
    ck_assert_ptr_null (job);
    ck_assert_uint_eq (s_accept (task, "", ANNE, "pedagogy"), 2);       /* sent again: it is there */
    ck_assert_uint_eq (s_accept (task, "", BERT, "pedagogy"), 2);       /* the id is another's */
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.agent_jobs"), "1");
}

static void
s_accepts_in_own_projects (cf_task_t *task)
{
    ck_assert_uint_eq (s_accept (task, THEIRS, ANNE, "pedagogy"), 0);
    ck_assert_uint_eq (s_accept (task, ARCHIVED, ANNE, "pedagogy"), 0);
    ck_assert_uint_eq (s_accept (task, JOB, ANNE, "pedagogy"), 0);      /* no project at all */
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.agent_jobs"), "0");
    ck_assert_uint_eq (s_accept (task, OURS, ANNE, "qa"), 1);
    ck_assert_str_eq (cf_test_sql ("select project_id::text from public.agent_jobs"), OURS);
}

static void
s_reads_earlier (cf_task_t *task)
{
    cf_error_t error = { 0 };
    cf_json_t *earlier;
    ck_assert_uint_eq (s_accept (task, OURS, ANNE, "github"), 1);
    cf_test_sql ("insert into public.agent_jobs (id, project_id, user_id, agent_type, status, input_context, created_at)"
                 " select ('bbbbbbbb-0000-4000-8000-0000000001' || lpad (n::text, 2, '0'))::uuid, '" OURS "', '" ANNE "',"
                 " case n when 3 then 'qa' else 'github' end, case n when 1 then 'failed' else 'completed' end, '{}', now () - n * interval '1 hour'"
                 " from generate_series (1, 14) n");
    cf_test_sql ("insert into codeforge.job_steps (job_id, name, seq, status, attempt, output) values"
                 " ('bbbbbbbb-0000-4000-8000-000000000101', 'second', 2, 'completed', 1, '{\"b\":2}'),"
                 " ('bbbbbbbb-0000-4000-8000-000000000101', 'first', 1, 'completed', 1, '{\"a\":1}'),"
                 " ('bbbbbbbb-0000-4000-8000-000000000101', 'third', 3, 'failed', 1, null)");
    ck_assert_int_eq (cf_ledger_read_earlier (s_ledger, task, JOB, ANNE, &earlier, &error), 0);
    ck_assert_uint_eq (json_array_size (earlier), 10);
    char *first = cf_json_print (json_array_get (earlier, 0)), *next = cf_json_print (json_array_get (earlier, 1));
    ck_assert_str_eq (first, "{\"status\":\"failed\",\"journal\":[{\"name\":\"first\",\"output\":\"{\\\"a\\\":1}\"},"
                             "{\"name\":\"second\",\"output\":\"{\\\"b\\\":2}\"}]}");
    ck_assert_str_eq (next, "{\"status\":\"completed\",\"journal\":[]}");
    free (first);
    free (next);
    json_decref (earlier);
    ck_assert_int_eq (cf_ledger_read_earlier (s_ledger, task, JOB, BERT, &earlier, &error), 0);
    ck_assert_uint_eq (json_array_size (earlier), 0);
    json_decref (earlier);
}

START_TEST (earlier_jobs_of_the_kind_are_read_with_their_notes)
{
    s_run (s_reads_earlier);
}
END_TEST

START_TEST (a_job_may_be_without_a_project)
{
    s_run (s_accepts_without_project);
}
END_TEST

START_TEST (a_project_must_be_the_users_own)
{
    s_run (s_accepts_in_own_projects);
}
END_TEST

int
main (void)
{
    const TTest *tests [] = { a_job_may_be_without_a_project, a_project_must_be_the_users_own, earlier_jobs_of_the_kind_are_read_with_their_notes };
    cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");
    Suite *suite = suite_create ("ledger");
    TCase *all = tcase_create ("ledger");
    tcase_set_timeout (all, 60);
    for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++)
        tcase_add_test (all, tests [at]);
    suite_add_tcase (suite, all);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    cf_test_postgres_stop ();
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}
