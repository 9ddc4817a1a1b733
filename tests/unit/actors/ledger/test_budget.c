/* SPDX-License-Identifier: MPL-2.0 */
/*  budget - what is held, settled and lost; days, restarts, calls whose end is never told; against a real PostgreSQL */

#include "tests/unit/actors/ledger/scene.h"

#define OTHER_USER "22222222-2222-4222-8222-222222222222"
#define MIDNIGHT_US UINT64_C (1772323200000000)         /* 2026-03-01T00:00:00Z */
#define NOON_US (MIDNIGHT_US + UINT64_C (43200000000))
#define CALL_A "aaaaaaaa-1111-4111-8111-111111111111"
#define CALL_B "bbbbbbbb-1111-4111-8111-111111111111"
#define CALL_C "cccccccc-1111-4111-8111-111111111111"

static cf_error_t s_error;

static void
s_begin (const char *per_job, const char *per_day)
{
    cf_config_set (CF_CONFIG_MAX_JOB_COST_USD, per_job);
    cf_config_set (CF_CONFIG_MAX_USER_COST_USD_PER_DAY, per_day);
    scene_begin ();
}

/*  An accepted job at work, created at a time of its own. */
static cf_job_t *
s_job (const char *user, uint64_t created_us)
{
    char id [CF_UUID_SIZE];
    bool ours = strcmp (user, SCENE_USER) == 0;
    cf_job_t *job = cf_job_new (cf_uuid_new (id), ours? SCENE_PROJECT: "", user, cf_job_kind (ours? "qa": "pedagogy"), "{}"), *taken = job;
    job->created_us = created_us;
    cf_desk_take (scene.desk, &taken);
    ck_assert_uint_gt (cf_ledger_accept (scene.ledger, job), 0);
    world_until (job->accepted);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL), 0);
    return job;
}

typedef struct {
    cf_budget_reserve_t ask;
    cf_budget_release_t release;
    int rc;                             /* 1: not done yet */
    cf_error_t error;
} asking_t;

static void
s_reserve_task (cf_task_t *task, void *arg)
{
    asking_t *asking = arg;
    asking->rc = cf_desk_reserve (scene.desk, task, &asking->ask, &asking->error);
}

static asking_t
s_asking (const cf_job_t *job, const char *call, uint64_t most, uint64_t lost)
{
    return (asking_t) { .rc = 1, .ask = { .hold = call, .job = job->id, .attempt = job->attempt, .step = call, .most_microusd = most,
                                          .lost_microusd = lost } };
}

/*  CF_OK, or why it was refused. */
static cf_error_code_t
s_reserve (const cf_job_t *job, const char *call, uint64_t most, uint64_t lost)
{
    asking_t asking = s_asking (job, call, most, lost);
    cf_task_start (world.loop, s_reserve_task, &asking, NULL);
    world_until (asking.rc != 1);
    s_error = asking.error;
    ck_assert ((asking.rc == 0) == (s_error.code == CF_OK));
    return s_error.code;
}

static void
s_release_task (cf_task_t *task, void *arg)
{
    asking_t *asking = arg;
    asking->rc = cf_desk_release (scene.desk, task, &asking->release, &asking->error);
}

static void
s_release (const char *job, const char *call, uint64_t lost)
{
    asking_t asking = { .rc = 1, .release = { .hold = call, .job = job, .lost_microusd = lost } };
    cf_task_start (world.loop, s_release_task, &asking, NULL);
    world_until (asking.rc != 1);
    ck_assert_int_eq (asking.rc, 0);
}

/*  Finishes a step that was reserved for; scene_step costs half a dollar. */
static void
s_finish (cf_job_t *job, const char *call, double cost_usd, uint64_t lost)
{
    cf_job_step_t done = scene_step (job, call);
    done.cost_usd = cost_usd;
    done.hold = call;
    done.lost_microusd = lost;
    ck_assert_uint_gt (cf_desk_finish_step (scene.desk, job, &done), 0);
}

static const char *
s_row (void)
{
    scene_settle ();
    return cf_test_sql ("select cost_usd || ' ' || lost_usd || ' ' || coalesce (holds::jsonb ->> 0, '-') from public.agent_jobs");
}

START_TEST (who_has_lost_the_job_gets_no_money)
{
    s_begin ("1", "1");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    asking_t asking = s_asking (job, CALL_A, 1, 0);
    asking.ask.attempt++;
    cf_task_start (world.loop, s_reserve_task, &asking, NULL);
    ck_assert_int_eq (asking.error.code, CF_ERROR_STALE_ATTEMPT);
    asking = s_asking (job, CALL_A, 1, 0);
    cf_task_start (world.loop, s_reserve_task, &asking, NULL);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);        /* while its day is being read */
    world_until (asking.rc == -1);
    ck_assert_int_eq (asking.error.code, CF_ERROR_STALE_ATTEMPT);
    scene_end ();
}
END_TEST

/* ---- a job ---- */

START_TEST (a_job_holds_no_more_than_its_budget)
{
    s_begin ("0.25", "");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_A, 250001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_str_eq (s_error.text, "BUDGET_EXCEEDED: The budget of $0.25 for one job does not cover the next model call: $0.00 is spent or"
                                    " reserved, and it may cost $0.250001.");
    ck_assert_ptr_null (job->holds);
    ck_assert_int_eq (s_reserve (job, CALL_A, 250000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (job, CALL_A, 250000, 0), CF_OK);       /* said again: counts once */
    ck_assert_int_eq (s_reserve (job, CALL_B, 1, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_str_eq (s_row (), "0.000000 0.000000 {\"id\": \"" CALL_A "\", \"lost\": 0, \"most\": 250000, \"step\": \"" CALL_A "\"}");
    s_finish (job, CALL_A, 0.1, 0);
    s_finish (job, CALL_A, 0.1, 0);
    ck_assert_str_eq (s_row (), "0.100000 0.000000 -");
    ck_assert_int_eq (s_reserve (job, CALL_B, 150001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (job, CALL_B, 150000, 0), CF_OK);
    scene_end ();
}
END_TEST

START_TEST (each_attempt_takes_the_place_of_the_one_before)
{
    s_begin ("1", "");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_A, 900000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (job, CALL_A, 700000, 200000), CF_OK);          /* the first had streamed some tokens */
    ck_assert_str_eq (s_row (), "0.000000 0.000000 {\"id\": \"" CALL_A "\", \"lost\": 200000, \"most\": 700000, \"step\": \"" CALL_A "\"}");
    ck_assert_int_eq (s_reserve (job, CALL_B, 100001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (job, CALL_A, 700000, 300001), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_str_eq (s_row (), "0.000000 0.300001 -");                         /* what is lost stays lost, though nothing is held */
    ck_assert_int_eq (s_reserve (job, CALL_B, 600000, 0), CF_OK);
    s_finish (job, CALL_B, 0.05, 10000);
    ck_assert_str_eq (s_row (), "0.050000 0.310001 -");
    cf_json_t *shown = cf_job_show (job), *usage = json_object_get (shown, "usage");
    ck_assert_double_eq_tol (cf_json_real (usage, "lost_cost_usd", 0), 0.310001, 1e-9);
    json_decref (shown);
    scene_end ();
}
END_TEST

START_TEST (a_call_that_came_to_nothing_is_released)
{
    s_begin ("1", "");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_A, 1000000, 0), CF_OK);
    s_release (job->id, CALL_B, 5);             /* nothing is known of that call */
    s_release (job->id, CALL_A, 1234);
    s_release (job->id, CALL_A, 1234);          /* said again */
    ck_assert_str_eq (s_row (), "0.000000 0.001234 -");
    ck_assert_int_eq (s_reserve (job, CALL_B, 998766, 0), CF_OK);
    scene_end ();
}
END_TEST

START_TEST (amounts_that_make_no_sense_change_nothing)
{
    s_begin ("1", "");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_A, UINT64_MAX, 0), CF_ERROR_INVALID);
    ck_assert_int_eq (s_reserve (job, CALL_A, 0, UINT64_MAX), CF_ERROR_INVALID);
    ck_assert_int_eq (s_reserve (job, "", 1, 0), CF_ERROR_INVALID);
    char call [CF_UUID_SIZE];
    for (int at = 0; at < CF_BUDGET_HOLDS; at++)
        ck_assert_int_eq (s_reserve (job, cf_uuid_new (call), 1, 0), CF_OK);
    ck_assert_int_eq (s_reserve (job, CALL_A, 1, 0), CF_ERROR_BUSY);
    ck_assert_int_eq (s_reserve (job, call, 2, 0), CF_OK);
    ck_assert_uint_eq (job->counted, CF_BUDGET_HOLDS + 1);
    scene_end ();
}
END_TEST

/* ---- a day ---- */

START_TEST (jobs_of_one_user_and_day_share_a_budget)
{
    s_begin ("", "1");
    cf_job_t *first = s_job (SCENE_USER, MIDNIGHT_US), *second = s_job (SCENE_USER, MIDNIGHT_US + UINT64_C (86399999999));
    cf_job_t *before = s_job (SCENE_USER, MIDNIGHT_US - 1), *after = s_job (SCENE_USER, MIDNIGHT_US + UINT64_C (86400000000));
    cf_job_t *other = s_job (OTHER_USER, MIDNIGHT_US);
    ck_assert_int_eq (s_reserve (first, CALL_A, 600000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (second, CALL_B, 400001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_str_eq (s_error.text, "BUDGET_EXCEEDED: The budget of $1.00 for one day does not cover the next model call: $0.60 is spent or"
                                    " reserved, and it may cost $0.400001.");
    ck_assert_int_eq (s_reserve (second, CALL_B, 400000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (before, CALL_C, 1000000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (after, CALL_C, 1000000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (other, CALL_C, 1000000, 0), CF_OK);
    s_finish (first, CALL_A, 0.2, 0);
    ck_assert_int_eq (s_reserve (second, CALL_B, 800001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (first, CALL_C, 800000, 0), CF_OK);
    scene_end ();
}
END_TEST

START_TEST (the_stricter_budget_decides)
{
    s_begin ("0.5", "0.8");
    cf_job_t *first = s_job (SCENE_USER, NOON_US), *second = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (first, CALL_A, 500001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_ptr_nonnull (strstr (s_error.text, "$0.50 for one job"));
    ck_assert_int_eq (s_reserve (first, CALL_A, 500000, 0), CF_OK);
    ck_assert_int_eq (s_reserve (second, CALL_B, 300001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_ptr_nonnull (strstr (s_error.text, "$0.80 for one day"));
    scene_end ();
}
END_TEST

/*  What ended before is read once, what is open is counted from memory: its rows may not be written yet. */
START_TEST (what_was_spent_before_is_read_once)
{
    s_begin ("", "1");
    cf_test_sql ("insert into public.agent_jobs (id, project_id, user_id, agent_type, status, created_at, cost_usd, lost_usd)"
                 " select gen_random_uuid (), p::uuid, '" SCENE_USER "', 'qa', 'completed', t::timestamptz, 0.1, 0.05 from (values"
                 " ('" SCENE_PROJECT "', '2026-03-01T23:59:59.999Z'), (null, '2026-03-01T00:00:00Z'), ('" SCENE_PROJECT "', '2026-03-02T00:00:00Z'),"
                 " ('" SCENE_PROJECT "', '2026-02-28T23:59:59Z')) v (p, t)");
    cf_job_t *job = s_job (SCENE_USER, NOON_US), *second = s_job (SCENE_USER, NOON_US);
    s_finish (second, CALL_C, 0.25, 0);                         /* reserved by a former instance: nothing is held here */
    ck_assert_int_eq (s_reserve (job, CALL_A, 450001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_ptr_nonnull (strstr (s_error.text, "$0.55 is spent"));
    ck_assert_int_eq (s_reserve (job, CALL_A, 450000, 0), CF_OK);
    cf_test_sql ("update public.agent_jobs set cost_usd = 0 where status = 'completed'");       /* unnoticed: it is known already */
    s_finish (job, CALL_A, 0.44, 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL), 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, second, CF_JOB_ON_RESULT, "{}", NULL), 0);
    world_until (cf_desk_size (scene.desk) == 0);
    cf_job_t *third = s_job (SCENE_USER, NOON_US);              /* after a while without any open job */
    ck_assert_int_eq (s_reserve (third, CALL_B, 10001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (third, CALL_B, 10000, 0), CF_OK);
    scene_end ();
}
END_TEST

/*  One that ended before anybody asked is in the ledger, and counts from there. */
START_TEST (what_left_before_it_was_asked_for_counts_once)
{
    s_begin ("", "1");
    cf_job_t *first = s_job (SCENE_USER, NOON_US), *second = s_job (SCENE_USER, NOON_US);
    s_finish (first, CALL_A, 0.7, 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, first, CF_JOB_ON_RESULT, "{}", NULL), 0);
    world_until (cf_desk_size (scene.desk) == 1);
    ck_assert_int_eq (s_reserve (second, CALL_B, 300001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (second, CALL_B, 300000, 0), CF_OK);
    scene_end ();
}
END_TEST

/*  Two ask at once, and a third job leaves meanwhile: it was left out of what is read. */
START_TEST (a_day_that_is_being_read_is_waited_for)
{
    s_begin ("", "1");
    cf_job_t *first = s_job (SCENE_USER, NOON_US), *second = s_job (SCENE_USER, NOON_US), *third = s_job (SCENE_USER, NOON_US);
    s_finish (third, CALL_C, 0.3, 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, third, CF_JOB_ON_RESULT, "{}", NULL), 0);
    asking_t one = s_asking (first, CALL_A, 400000, 0), two = s_asking (second, CALL_B, 400000, 0);
    cf_task_start (world.loop, s_reserve_task, &one, NULL);
    cf_task_start (world.loop, s_reserve_task, &two, NULL);
    ck_assert_int_eq (one.rc, 1);
    ck_assert_int_eq (two.rc, 1);
    world_until (one.rc != 1 && two.rc != 1 && cf_desk_size (scene.desk) == 2);
    ck_assert_int_eq (one.rc + two.rc, -1);     /* one of them was granted */
    ck_assert_int_eq (one.error.code + two.error.code, CF_ERROR_BUDGET_EXCEEDED);
    const cf_job_t *refused = one.rc? first: second;
    ck_assert_int_eq (s_reserve (refused, CALL_C, 300001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (refused, CALL_C, 300000, 0), CF_OK);
    scene_end ();
}
END_TEST

START_TEST (a_day_that_cannot_be_read_is_asked_for_again)
{
    s_begin ("", "1");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    s_finish (job, CALL_C, 0.3, 0);
    scene_settle ();
    scene_lose_database ();
    cf_db_set_patience (cf_ledger_db (scene.ledger), 10);
    ck_assert_int_eq (s_reserve (job, CALL_A, 1, 0), CF_ERROR_DATABASE_DOWN);
    cf_test_postgres_start ();
    world_until (cf_ledger_is_up (scene.ledger));
    ck_assert_int_eq (s_reserve (job, CALL_A, 700001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (job, CALL_A, 700000, 0), CF_OK);
    scene_end ();
}
END_TEST

/*  More users than are remembered: who was forgotten is read again. */
START_TEST (what_is_remembered_is_bounded)
{
    s_begin ("", "1");
    char id [CF_UUID_SIZE], user [CF_UUID_SIZE], first [CF_UUID_SIZE] = "";
    for (int at = 0; at < CF_BUDGET_IDLE + 1; at++) {
        cf_job_t *job = cf_job_new (cf_uuid_new (id), "", cf_uuid_new (user), cf_job_kind ("pedagogy"), "{}"), *taken = job;
        job->created_us = NOON_US;
        if (!at)
            memcpy (first, user, sizeof first);
        cf_desk_take (scene.desk, &taken);
        cf_desk_move (scene.desk, job, CF_JOB_ON_LEASE, NULL, NULL);
        ck_assert_int_eq (s_reserve (job, CALL_A, 1, 0), CF_OK);
        ck_assert (cf_budget_settle (job, CALL_A, 0, 0));
        cf_desk_drop (scene.desk, job);
    }
    char sql [400];
    snprintf (sql, sizeof sql, "insert into public.agent_jobs (id, user_id, agent_type, status, created_at, cost_usd) select gen_random_uuid (),"
              " u::uuid, 'pedagogy', 'completed', '2026-03-01T12:00:00Z', 1 from (values ('%s'), ('%s')) v (u)", first, user);
    cf_test_sql (sql);
    cf_job_t *forgotten = s_job (first, NOON_US), *known = s_job (user, NOON_US);
    ck_assert_int_eq (s_reserve (forgotten, CALL_A, 1, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (known, CALL_A, 1, 0), CF_OK);
    scene_end ();
}
END_TEST

/* ---- what dies ---- */

START_TEST (holds_outlive_the_process_that_granted_them)
{
    s_begin ("1", "1.5");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    ck_assert_int_eq (s_reserve (job, CALL_A, 700000, 50000), CF_OK);
    ck_assert_int_eq (s_reserve (job, CALL_B, 100000, 0), CF_OK);
    s_release (id, CALL_B, 20000);
    scene_settle ();
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_uint_eq (job->lost, 20000);
    ck_assert_int_eq (s_reserve (job, CALL_C, 230001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (job, CALL_A, 700000, 50000), CF_OK);           /* the grant was not heard: the same again */
    cf_job_t *second = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (second, CALL_C, 730001, 0), CF_ERROR_BUDGET_EXCEEDED);
    s_finish (job, CALL_A, 0.3, 60000);
    ck_assert_int_eq (s_reserve (job, CALL_C, 620000, 0), CF_OK);
    scene_end ();
}
END_TEST

/*  A step is in the journal, and its job's row was not written: we died between two transactions. */
START_TEST (a_finished_step_holds_nothing)
{
    s_begin ("1", "");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    ck_assert_int_eq (s_reserve (job, "qa", 900000, 30000), CF_OK);
    scene_settle ();
    cf_test_sql ("insert into codeforge.job_steps (job_id, name, seq, status, attempt, output, model, input_tokens, output_tokens, cost_usd, completed_at)"
                 " select id, 'qa', 1, 'completed', 1, '{}', 'gpt-4o', 10, 5, 0.2, now () from public.agent_jobs");
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_ptr_null (job->holds);
    ck_assert_uint_eq (job->calls, 1);
    ck_assert_uint_eq (job->input_tokens, 10);
    ck_assert_uint_eq (job->counted, 230000);
    s_finish (job, "qa", 0.2, 30000);           /* said again: it was not heard */
    ck_assert_uint_eq (job->counted, 230000);
    scene_end ();
}
END_TEST

START_TEST (what_an_ended_job_holds_is_lost_until_its_caller_says_better)
{
    s_begin ("", "1");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    ck_assert_int_eq (s_reserve (job, CALL_A, 300000, 10000), CF_OK);
    ck_assert_int_eq (s_reserve (job, CALL_B, 400000, 0), CF_OK);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);
    asking_t early = { .rc = 1, .release = { .hold = CALL_A, .job = id, .lost_microusd = 100000 } };
    cf_task_start (world.loop, s_release_task, &early, NULL);   /* while its end is being written */
    world_until (early.rc == 0);
    ck_assert_str_eq (s_row (), "0.000000 0.500000 -");
    ck_assert_ptr_null (cf_desk_lookup (scene.desk, id, NULL));
    cf_job_t *second = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (second, CALL_C, 500001, 0), CF_ERROR_BUDGET_EXCEEDED);
    s_release (id, CALL_B, 50000);              /* when it has left */
    s_release (id, CALL_B, 0);
    s_release (id, CALL_A, 0);
    ck_assert_int_eq (s_reserve (second, CALL_C, 850001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (second, CALL_C, 850000, 0), CF_OK);
    scene_settle ();
    ck_assert_str_eq (cf_test_sql ("select status || ' ' || lost_usd from public.agent_jobs where status = 'cancelled'"), "cancelled 0.150000");
    scene_end ();
}
END_TEST

START_TEST (an_end_that_is_never_told_stays_lost)
{
    s_begin ("", "1");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_A, 600000, 0), CF_OK);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_CANCEL, NULL, NULL), 0);
    scene_settle ();
    scene_reopen ();
    job = s_job (SCENE_USER, NOON_US);
    ck_assert_int_eq (s_reserve (job, CALL_B, 400001, 0), CF_ERROR_BUDGET_EXCEEDED);
    ck_assert_int_eq (s_reserve (job, CALL_B, 400000, 0), CF_OK);
    scene_end ();
}
END_TEST

/*  Settings were taken away while calls were under way. */
START_TEST (without_a_budget_nothing_is_refused)
{
    s_begin ("1", "1");
    cf_job_t *job = s_job (SCENE_USER, NOON_US);
    char id [CF_UUID_SIZE];
    memcpy (id, job->id, sizeof id);
    ck_assert_int_eq (s_reserve (job, CALL_A, 600000, 0), CF_OK);
    scene_settle ();
    cf_config_set (CF_CONFIG_MAX_JOB_COST_USD, "0");
    cf_config_set (CF_CONFIG_MAX_USER_COST_USD_PER_DAY, "");
    scene_reopen ();
    job = cf_desk_lookup (scene.desk, id, NULL);
    ck_assert_ptr_null (job->account);
    ck_assert_int_eq (s_reserve (job, CALL_B, 500000000, 0), CF_OK);
    s_finish (job, CALL_A, 0.4, 0);
    ck_assert_uint_gt (cf_desk_move (scene.desk, job, CF_JOB_ON_RESULT, "{}", NULL), 0);
    ck_assert_str_eq (s_row (), "0.400000 500.000000 -");
    scene_end ();
}
END_TEST

SCENE_MAIN ("budget", who_has_lost_the_job_gets_no_money, a_job_holds_no_more_than_its_budget, each_attempt_takes_the_place_of_the_one_before,
            a_call_that_came_to_nothing_is_released, amounts_that_make_no_sense_change_nothing, jobs_of_one_user_and_day_share_a_budget,
            the_stricter_budget_decides, what_was_spent_before_is_read_once, what_left_before_it_was_asked_for_counts_once,
            a_day_that_is_being_read_is_waited_for, a_day_that_cannot_be_read_is_asked_for_again, what_is_remembered_is_bounded,
            holds_outlive_the_process_that_granted_them, a_finished_step_holds_nothing,
            what_an_ended_job_holds_is_lost_until_its_caller_says_better, an_end_that_is_never_told_stays_lost,
            without_a_budget_nothing_is_refused)
