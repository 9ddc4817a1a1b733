/* SPDX-License-Identifier: MPL-2.0 */
/*  db - groups, units, refusals, prepared statements, cancel, loss of the server; against a PostgreSQL of the test's own */

#include "actors/lib/db.h"
#include "proto/base/clock.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    cf_loop_t *loop;
    cf_db_t *db;
    cf_task_fn *play;
    int good, bad;
} scene_t;

/*  Before any test case forks: they share one server. */
__attribute__ ((constructor)) static void
s_start_postgres (void)
{
    cf_test_postgres ();
}

static void
s_turn_until_done (cf_loop_t *loop)
{
    uint64_t end_ms = cf_clock_ms () + 40000;
    while (cf_task_count () && cf_clock_ms () < end_ms)
        cf_loop_turn (loop, 1000);
    ck_assert_uint_eq (cf_task_count (), 0);
}

/*  Plays fn (task, scene) in a fresh database connection set. */
static void
s_play (cf_task_fn *fn, size_t connections)
{
    cf_error_t error = { 0 };
    scene_t scene = { .loop = cf_loop_new () };
    scene.db = cf_db_new (scene.loop, cf_test_postgres (), connections, &error);
    ck_assert_msg (scene.db != NULL, "%s", error.text);
    cf_task_start (scene.loop, fn, &scene, NULL);
    s_turn_until_done (scene.loop);
    cf_db_destroy (&scene.db);
    cf_db_destroy (&scene.db);
    cf_task_free_pool ();
    cf_loop_destroy (&scene.loop);
}

static void
s_must (cf_task_t *task, cf_db_t *db, const char *sql)
{
    cf_error_t error = { 0 };
    int rc = cf_db_ask (task, db, NULL, &error, sql);
    ck_assert_msg (rc == 0, "%s: %s", sql, error.text);
}

/*  The one value that sql yields. */
static long
s_number (cf_task_t *task, cf_db_t *db, const char *sql)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    int rc = cf_db_ask (task, db, &result, &error, sql);
    ck_assert_msg (rc == 0, "%s: %s", sql, error.text);
    ck_assert_ptr_nonnull (cf_db_value (result, 0, 0));
    long number = strtol (cf_db_value (result, 0, 0), NULL, 10);
    cf_db_result_destroy (&result);
    return number;
}

static void
s_play_values (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    const char *text = "a'b\"c\\d {},\n\xE2\x82\xAC\xF0\x9F\x98\x80";
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "select $1::text as one, $2::int, null union all select '', 7, 'x'",
                                 text, NULL), 0);
    ck_assert_uint_eq (cf_db_rows (result), 2);
    ck_assert_uint_eq (cf_db_columns (result), 3);
    ck_assert_str_eq (cf_db_value (result, 0, 0), text);
    ck_assert_uint_eq (cf_db_value_size (result, 0, 0), strlen (text));
    ck_assert_ptr_null (cf_db_value (result, 0, 1));
    ck_assert_str_eq (cf_db_value (result, 1, 0), "");
    ck_assert_str_eq (cf_db_value (result, 1, 1), "7");
    ck_assert_ptr_null (cf_db_value (result, 2, 0));
    ck_assert_ptr_null (cf_db_value (result, 0, 3));
    ck_assert_int_eq (cf_db_column (result, "one"), 0);
    ck_assert_int_eq (cf_db_column (result, "none"), -1);
    cf_db_result_destroy (&result);
    cf_db_result_destroy (&result);
    s_must (task, scene->db, "create table values_ (n int)");
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "insert into values_ select generate_series (1, $1::int)", "5"), 0);
    ck_assert_uint_eq (cf_db_affected (result), 5);
    ck_assert_uint_eq (cf_db_rows (result), 0);
    cf_db_result_destroy (&result);
}

START_TEST (carries_values_both_ways)
{
    s_play (s_play_values, 1);
}
END_TEST

static void
s_play_refusals (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    s_must (task, scene->db, "create table refusals (n int primary key)");
    s_must (task, scene->db, "insert into refusals values (1)");
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "insert into refusals values ($1)", "1"), -1);
    ck_assert_ptr_null (result);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_REFUSED);
    ck_assert (cf_db_refused_with (&error, CF_DB_UNIQUE));
    ck_assert (!cf_db_refused_with (&error, CF_DB_FOREIGN_KEY));
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "no SQL at all"), -1);
    ck_assert (cf_db_refused_with (&error, "42601"));
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "select $1::int", "1", "2"), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_REFUSED);
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "select $1::int", "not a number"), -1);
    ck_assert (cf_db_refused_with (&error, "22P02"));
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from refusals"), 1);
}

START_TEST (tells_why_a_statement_was_refused)
{
    s_play (s_play_refusals, 2);
}
END_TEST

/*  A deferred constraint speaks up only when the transaction is committed. */
static void
s_play_commit_refusal (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    s_must (task, scene->db, "create table deferred (n int primary key, m int references deferred deferrable initially deferred)");
    ck_assert_int_eq (cf_db_ask (task, scene->db, NULL, &error, "insert into deferred values (1, 2)"), -1);
    ck_assert (cf_db_refused_with (&error, CF_DB_FOREIGN_KEY));
    s_must (task, scene->db, "insert into deferred values (1, 1)");
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from deferred"), 1);
}

START_TEST (a_commit_can_be_refused_too)
{
    s_play (s_play_commit_refusal, 1);
}
END_TEST

static void
s_insert_one (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    char number [16];
    int mine = scene->good + scene->bad;
    snprintf (number, sizeof number, "%d", mine == 7? -1: ++scene->good);
    if (mine == 7)
        scene->bad++;
    int rc = cf_db_ask (task, scene->db, NULL, &error, "insert into grouped (n, run) values ($1, txid_current())", number);
    ck_assert_int_eq (rc, mine == 7? -1: 0);
    ck_assert (mine != 7 || cf_db_refused_with (&error, CF_DB_CHECK));
}

static void
s_await_others (cf_task_t *task)
{
    while (cf_task_count () > 1)
        cf_task_sleep (task, 1, NULL);
}

static void
s_play_groups (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_must (task, scene->db, "create table grouped (n int check (n > 0), run bigint)");
    for (scene->good = 100; scene->good < 150; )
        cf_task_start (scene->loop, s_insert_one, scene, NULL), s_await_others (task);
    ck_assert_int_eq (s_number (task, scene->db, "select count(distinct run) from grouped"), 50);
    s_must (task, scene->db, "truncate grouped");
    scene->good = 100;
    for (int at = 0; at < 50; at++)
        cf_task_start (scene->loop, s_insert_one, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from grouped"), 50);
    ck_assert_int_eq (s_number (task, scene->db, "select count(distinct run) from grouped"), 1);
    s_must (task, scene->db, "truncate grouped");
    scene->good = 0;
    for (int at = 0; at < 50; at++)
        cf_task_start (scene->loop, s_insert_one, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (scene->bad, 1);
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from grouped"), 49);
}

START_TEST (commits_a_turn_at_once_and_lets_a_bad_statement_fail_alone)
{
    s_play (s_play_groups, 1);
}
END_TEST

static void
s_play_units (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    cf_db_result_t *results [3];
    const char *one [] = { "1" }, *two [] = { "2" };
    s_must (task, scene->db, "create table united (n int primary key)");
    cf_db_statement_t good [] = {
        { "select set_config ('codeforge.who', $1, true)", 1, one },
        { "insert into united values ($1) returning n", 1, one },
        { "select current_setting ('codeforge.who', true), count(*) from united", 0, NULL },
    };
    ck_assert_int_eq (cf_db_unit (task, scene->db, good, 3, results, &error), 0);
    ck_assert_str_eq (cf_db_value (results [1], 0, 0), "1");
    ck_assert_str_eq (cf_db_value (results [2], 0, 0), "1");
    ck_assert_str_eq (cf_db_value (results [2], 0, 1), "1");
    for (int at = 0; at < 3; at++)
        cf_db_result_destroy (&results [at]);
    ck_assert_int_eq (s_number (task, scene->db, "select length (current_setting ('codeforge.who', true))"), 0);
    cf_db_statement_t bad [] = {
        { "insert into united values ($1)", 1, two },
        { "insert into united values ($1)", 1, one },
    };
    ck_assert_int_eq (cf_db_unit (task, scene->db, bad, 2, results, &error), -1);
    ck_assert (cf_db_refused_with (&error, CF_DB_UNIQUE));
    ck_assert_ptr_null (results [0]);
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from united"), 1);
    ck_assert_int_eq (cf_db_unit (task, scene->db, good, 0, NULL, &error), -1);
}

START_TEST (runs_units_all_or_nothing)
{
    s_play (s_play_units, 1);
}
END_TEST

static void
s_play_prepared (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    const char *count = "select count(*) from pg_prepared_statements where statement = 'select 1'";
    cf_error_t error = { 0 };
    cf_db_result_t *result = NULL;
    char sql [64];
    for (int at = 0; at < 10; at++)
        ck_assert_int_eq (s_number (task, scene->db, "select 1"), 1);
    ck_assert_int_eq (s_number (task, scene->db, count), 1);
    for (int at = 2; at < 300; at++) {
        snprintf (sql, sizeof sql, "select %d", at);
        ck_assert_int_eq (s_number (task, scene->db, sql), at);
    }
    ck_assert_int_le (s_number (task, scene->db, "select count(*) from pg_prepared_statements"), 200);
    s_must (task, scene->db, "create table changing (n int)");
    s_must (task, scene->db, "insert into changing values (1)");
    ck_assert_int_eq (cf_db_ask (task, scene->db, NULL, &error, "deallocate all"), 0);
    ck_assert_int_eq (s_number (task, scene->db, "select 1"), 1);
    for (size_t columns = 1; columns < 3; columns++) {
        ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "select * from changing"), 0);
        ck_assert_uint_eq (cf_db_columns (result), columns);
        cf_db_result_destroy (&result);
        s_must (task, scene->db, columns == 1? "alter table changing add m int": "drop table changing");
    }
}

START_TEST (prepares_each_statement_once)
{
    s_play (s_play_prepared, 1);
}
END_TEST

static void
s_same_new_statement (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    int mine = scene->good++;
    int rc = mine == 0? cf_db_ask (task, scene->db, NULL, NULL, "select 1/0")
                      : cf_db_ask (task, scene->db, NULL, NULL, "select 'first used in a group that is aborted before it'");
    ck_assert_int_eq (rc, mine == 0? -1: 0);
}

static void
s_play_aborted_prepare (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    for (int at = 0; at < 20; at++)
        cf_task_start (scene->loop, s_same_new_statement, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from pg_prepared_statements where statement like 'select ''first%'"), 1);
}

START_TEST (survives_a_prepare_that_was_aborted)
{
    s_play (s_play_aborted_prepare, 1);
}
END_TEST

static void
s_query_slowly (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    cf_db_result_t *result = NULL;
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, &error, "select pg_sleep (0.2), repeat ('x', 100000)"), -1);
    ck_assert_ptr_null (result);
    ck_assert_int_eq (error.code, CF_ERROR_CANCELLED);
    scene->bad++;
}

static void
s_play_cancel (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_task_t *victims [10];
    for (int at = 0; at < 10; at++)
        victims [at] = cf_task_start (scene->loop, s_query_slowly, scene, NULL);
    for (int at = 0; at < 5; at++)
        cf_task_cancel (victims [at], CF_ERROR_CANCELLED);      /* not sent yet */
    cf_task_sleep (task, 50, NULL);
    for (int at = 5; at < 10; at++)
        cf_task_cancel (victims [at], CF_ERROR_CANCELLED);      /* under way */
    cf_task_sleep (task, 0, NULL);
    ck_assert_uint_eq (cf_task_count (), 1);
    ck_assert_int_eq (scene->bad, 10);
    ck_assert_int_eq (s_number (task, scene->db, "select 3"), 3);
}

START_TEST (unwinds_at_once_when_cancelled)
{
    s_play (s_play_cancel, 1);
}
END_TEST

static void
s_lock_crosswise (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    const char *mine [] = { scene->good++ % 2? "1": "2" }, *other [] = { strcmp (*mine, "1")? "1": "2" };
    cf_error_t error = { 0 };
    cf_db_statement_t statements [] = {
        { "update locked set m = m + 1 where n = $1", 1, mine },
        { "select pg_sleep (0.1)", 0, NULL },
        { "update locked set m = m + 1 where n = $1", 1, other },
    };
    int rc = cf_db_unit (task, scene->db, statements, 3, NULL, &error);
    ck_assert_msg (rc == 0, "%s", error.text);
}

/*  A unit a connection: the second task waits until the first has been sent. */
static void
s_play_deadlock (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_must (task, scene->db, "create table locked (n int primary key, m int)");
    s_must (task, scene->db, "insert into locked values (1, 0), (2, 0)");
    cf_task_start (scene->loop, s_lock_crosswise, scene, NULL);
    cf_task_sleep (task, 5, NULL);
    cf_task_start (scene->loop, s_lock_crosswise, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (s_number (task, scene->db, "select sum (m) from locked"), 4);
}

START_TEST (repeats_what_a_deadlock_took_back)
{
    s_play (s_play_deadlock, 2);
}
END_TEST

static void
s_play_open_transaction (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_must (task, scene->db, "create table opened (n int)");
    cf_db_ask (task, scene->db, NULL, NULL, "begin");
    s_must (task, scene->db, "insert into opened values (1)");
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from opened"), 1);
    cf_db_ask (task, scene->db, NULL, NULL, "rollback");
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from opened"), 1);
}

START_TEST (closes_a_connection_whose_transaction_was_left_open)
{
    s_play (s_play_open_transaction, 1);
}
END_TEST

typedef struct {
    scene_t *scene;
    int from;
} worker_t;

/*  Inserts until its numbers are in; a lost connection leaves it in doubt, so it repeats. */
static void
s_insert_stubbornly (cf_task_t *task, void *arg)
{
    worker_t *worker = arg;
    cf_error_t error = { 0 };
    char number [16];
    for (int at = 0; at < 200; at++) {
        snprintf (number, sizeof number, "%d", worker->from + at);
        while (cf_db_ask (task, worker->scene->db, NULL, &error, "insert into kept values ($1) on conflict do nothing", number)) {
            ck_assert_int_eq (error.code, CF_ERROR_DATABASE_DOWN);
            worker->scene->bad++;
        }
        worker->scene->good++;
    }
}

static void
s_play_kill (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    worker_t workers [50];
    cf_error_t error = { 0 };
    s_must (task, scene->db, "create table kept (n int primary key)");
    for (int at = 0; at < 50; at++) {
        workers [at] = (worker_t) { scene, at * 1000 };
        cf_task_start (scene->loop, s_insert_stubbornly, &workers [at], NULL);
    }
    while (scene->good < 1000)
        cf_task_sleep (task, 1, NULL);
    cf_test_postgres_kill ();
    while (cf_db_is_up (scene->db))
        cf_task_sleep (task, 1, NULL);
    cf_db_set_patience (scene->db, 30);
    ck_assert_int_eq (cf_db_ask (task, scene->db, NULL, &error, "select 1"), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_DOWN);
    cf_db_set_patience (scene->db, 20000);
    cf_test_postgres_start ();
    ck_assert_int_eq (s_number (task, scene->db, "select 1"), 1);
    s_await_others (task);
    ck_assert_int_gt (scene->bad, 0);
    ck_assert_int_eq (s_number (task, scene->db, "select count(*) from kept"), 10000);
}

START_TEST (comes_back_after_the_server_was_killed_under_load)
{
    s_play (s_play_kill, 3);
}
END_TEST

START_TEST (refuses_addresses_that_are_none)
{
    cf_error_t error = { 0 };
    cf_loop_t *loop = cf_loop_new ();
    ck_assert_ptr_null (cf_db_new (loop, "postgresql://user:secret%zz@host/db", 2, &error));
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_ptr_null (strstr (error.text, "secret"));
    cf_loop_destroy (&loop);
}
END_TEST

/* ---- in whose name ---- */

#define CROWD 300

static const char *const s_users [] = {
    NULL, "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "22222222-2222-4222-8222-222222222222"
};

/*  Who a statement runs as, and what claims it sees: "app " or "authenticated {…}". */
static void
s_expect_name (const cf_db_result_t *result, const char *user)
{
    char expected [200] = "app ";
    if (user)
        snprintf (expected, sizeof expected, "authenticated {\"sub\":\"%s\",\"role\":\"authenticated\"}", user);
    ck_assert_str_eq (cf_db_value (result, 0, 0), expected);
}

static const char s_name_sql [] =
    "select current_user || ' ' || coalesce (current_setting ('request.jwt.claims', true), ''), 100 / $1::integer";

static void
s_ask_in_a_name (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    int turn = scene->good++;
    const char *user = s_users [turn * 7 % 4], *divisor = turn % 40 == 13? "0": "5";
    const char *const users [] = { user, s_users [turn % 4], user };
    const cf_db_statement_t statements [] = { { s_name_sql, 1, &divisor }, { s_name_sql, 1, &divisor }, { s_name_sql, 1, &divisor } };
    cf_db_result_t *results [3] = { NULL };
    cf_error_t error = { 0 };
    size_t count = turn % 3 == 0? 3: 1;
    int rc = count == 3? cf_db_unit_as (task, scene->db, users, statements, 3, results, &error):
             user? cf_db_query_as (task, scene->db, user, results, &error, s_name_sql, 1, &divisor):
             cf_db_ask (task, scene->db, results, &error, s_name_sql, divisor);
    ck_assert_int_eq (rc, *divisor == '0'? -1: 0);
    scene->bad += rc != 0;
    for (size_t at = 0; rc == 0 && at < count; at++) {
        s_expect_name (results [at], users [at]);
        ck_assert_str_eq (cf_db_value (results [at], 0, 1), "20");
        cf_db_result_destroy (&results [at]);
    }
}

static void
s_play_names (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    cf_db_set_patience (scene->db, 30000);
    s_must (task, scene->db, "create role authenticated nologin");
    for (int at = 0; at < CROWD; at++)
        cf_task_start (scene->loop, s_ask_in_a_name, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (scene->good, CROWD);
    ck_assert_int_eq (scene->bad, 8);
    const char *one = "1";
    ck_assert_int_eq (cf_db_query_as (task, scene->db, s_users [1], &result, &error, "reset role", 0, NULL), 0);
    cf_db_result_destroy (&result);
    ck_assert_int_eq (cf_db_query_as (task, scene->db, s_users [1], &result, &error, s_name_sql, 1, &one), 0);
    s_expect_name (result, s_users [1]);
    cf_db_result_destroy (&result);
    ck_assert_int_eq (cf_db_query (task, scene->db, &result, &error, s_name_sql, 1, &one), 0);
    s_expect_name (result, NULL);
    cf_db_result_destroy (&result);
}

START_TEST (runs_each_statement_in_its_users_name)
{
    s_play (s_play_names, 2);
}
END_TEST

static void
s_play_bad_names (cf_task_t *task, void *arg)
{
    static const char *const names [] = { "", "anne", "11111111-1111-4111-8111-11111111111", "\",\"role\":\"service_role" };
    scene_t *scene = arg;
    cf_db_result_t *result;
    cf_db_set_patience (scene->db, 30000);
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_int_eq (cf_db_query_as (task, scene->db, names [at], &result, &error, "select 1", 0, NULL), -1);
        ck_assert_int_eq (error.code, CF_ERROR_INVALID);
        ck_assert_ptr_null (result);
    }
    cf_error_t error = { 0 };
    const char *users [33] = { NULL };
    cf_db_statement_t many [33];
    for (size_t at = 0; at < 33; at++) {
        users [at] = s_users [1 + at % 2];
        many [at] = (cf_db_statement_t) { "select 1", 0, NULL };
    }
    ck_assert_int_eq (cf_db_unit_as (task, scene->db, users, many, 33, NULL, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INTERNAL);
    s_must (task, scene->db, "do $$ begin create role authenticated nologin; exception when duplicate_object then null; end $$");
    ck_assert_int_eq (cf_db_unit_as (task, scene->db, users, many, 32, NULL, &error), 0);
    s_must (task, scene->db, "drop role authenticated");
    ck_assert_int_eq (cf_db_unit_as (task, scene->db, users, many, 2, NULL, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_REFUSED);
}

START_TEST (runs_nothing_in_a_name_it_cannot_take)
{
    s_play (s_play_bad_names, 1);
}
END_TEST

UNIT_MAIN ("db", carries_values_both_ways, tells_why_a_statement_was_refused, a_commit_can_be_refused_too,
           commits_a_turn_at_once_and_lets_a_bad_statement_fail_alone, runs_units_all_or_nothing, prepares_each_statement_once,
           survives_a_prepare_that_was_aborted, unwinds_at_once_when_cancelled, repeats_what_a_deadlock_took_back,
           closes_a_connection_whose_transaction_was_left_open, comes_back_after_the_server_was_killed_under_load,
           refuses_addresses_that_are_none,
           runs_each_statement_in_its_users_name, runs_nothing_in_a_name_it_cannot_take)
