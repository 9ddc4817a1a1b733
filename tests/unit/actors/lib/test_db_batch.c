/* SPDX-License-Identifier: MPL-2.0 */
/*  db_batch - order, arrays, bad rows, loss of the server under load; against a PostgreSQL of the test's own */

#include "actors/lib/db_batch.h"
#include "proto/base/clock.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

/*  Events need their job, which is in the lane before; seq says in which order rows were carried out. */
#define TABLES                                                                                          \
    "create table jobs (n int primary key, run bigint default txid_current ());"                        \
    "create table events (seq bigint generated always as identity, job int references jobs, n int unique, text text)"
#define JOB_LANE "insert into jobs (n) select * from unnest ($1::int[]) on conflict do nothing returning n"
#define EVENT_LANE "insert into events (job, n, text) select * from unnest ($1::int[], $2::int[], $3::text[]) on conflict do nothing"

typedef struct {
    cf_loop_t *loop;
    cf_db_t *db;
    cf_batch_t *batch;
    int jobs, events;                   /* lanes */
    int good, bad, returned, next;
} scene_t;

/*  Before any test case forks: they share one server. */
__attribute__ ((constructor)) static void
s_start_postgres (void)
{
    cf_test_postgres ();
}

static void
s_on_jobs (void *arg, const cf_db_result_t *result)
{
    scene_t *scene = arg;
    scene->returned += (int) cf_db_rows (result);
}

static void
s_turn_until_done (cf_loop_t *loop)
{
    uint64_t end_ms = cf_clock_ms () + 40000;
    while (cf_task_count () && cf_clock_ms () < end_ms)
        cf_loop_turn (loop, 1000);
    ck_assert_uint_eq (cf_task_count (), 0);
}

static void
s_make_tables (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    cf_db_ask (task, scene->db, NULL, NULL, "drop table if exists events, jobs");
    char tables [] = TABLES;
    for (char *sql = strtok (tables, ";"); sql; sql = strtok (NULL, ";")) {
        int rc = cf_db_ask (task, scene->db, NULL, &error, sql);
        ck_assert_msg (rc == 0, "%s", error.text);
    }
}

static void
s_play (cf_task_fn *fn)
{
    scene_t scene = { .loop = cf_loop_new () };
    scene.db = cf_db_new (scene.loop, cf_test_postgres (), 1, NULL);
    ck_assert_ptr_nonnull (scene.db);
    scene.batch = cf_batch_new (scene.db);
    ck_assert_ptr_nonnull (scene.batch);
    scene.jobs = cf_batch_lane (scene.batch, JOB_LANE, 1, s_on_jobs, &scene);
    scene.events = cf_batch_lane (scene.batch, EVENT_LANE, 3, NULL, NULL);
    cf_task_start (scene.loop, s_make_tables, &scene, NULL);
    s_turn_until_done (scene.loop);
    cf_task_start (scene.loop, fn, &scene, NULL);
    s_turn_until_done (scene.loop);
    ck_assert (cf_batch_idle (scene.batch));
    ck_assert_uint_eq (cf_batch_waiting_bytes (scene.batch), 0);
    cf_batch_destroy (&scene.batch);
    cf_batch_destroy (&scene.batch);
    cf_db_destroy (&scene.db);
    cf_task_free_pool ();
    cf_loop_destroy (&scene.loop);
}

static long
s_number (cf_task_t *task, scene_t *scene, const char *sql)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    int rc = cf_db_ask (task, scene->db, &result, &error, sql);
    ck_assert_msg (rc == 0, "%s: %s", sql, error.text);
    const char *value = cf_db_value (result, 0, 0);
    long number = value? strtol (value, NULL, 10): -1;
    cf_db_result_destroy (&result);
    return number;
}

static cf_batch_ticket_t
s_job (scene_t *scene, int n)
{
    char number [16];
    const char *row [] = { number };
    snprintf (number, sizeof number, "%d", n);
    return cf_batch_row (scene->batch, scene->jobs, row);
}

static cf_batch_ticket_t
s_event (scene_t *scene, int job, int n, const char *text)
{
    char job_number [16], number [16];
    const char *row [] = { job_number, number, text };
    snprintf (job_number, sizeof job_number, "%d", job);
    snprintf (number, sizeof number, "%d", n);
    return cf_batch_row (scene->batch, scene->events, row);
}

static void
s_await_others (cf_task_t *task)
{
    while (cf_task_count () > 1)
        cf_task_sleep (task, 1, NULL);
}

/*  The event is added before its job, and is written after it all the same. */
static void
s_write_both (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    int mine = ++scene->next;
    s_event (scene, mine, mine, "made");
    cf_batch_ticket_t ticket = s_job (scene, mine);
    ck_assert_uint_ne (ticket, 0);
    int rc = cf_batch_commit (task, scene->batch, ticket, &error);
    ck_assert_msg (rc == 0, "%s", error.text);
    ck_assert_int_ge (scene->returned, scene->next);            /* the lane's function came first */
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, ticket, &error), 0);
    scene->good++;
}

static void
s_play_lanes (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    for (int at = 0; at < 100; at++)
        cf_task_start (scene->loop, s_write_both, scene, NULL);
    s_await_others (task);
    ck_assert_int_eq (scene->good, 100);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from events"), 100);
    ck_assert_int_le (s_number (task, scene, "select count(distinct run) from jobs"), 2);
    ck_assert_int_eq (cf_batch_lane (scene->batch, "select 1", 1, NULL, NULL), -1);
}

START_TEST (writes_a_turn_as_one_transaction_lane_after_lane)
{
    s_play (s_play_lanes);
}
END_TEST

static void
s_play_texts (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    static const char *const texts [] = {
        "", "NULL", "null", "plain", "with \"quotes\"", "back\\slash \\\" \\\\", "{braces, and, commas}", " spaces ", "'single'",
        "line\nbreak\ttab", "\xE2\x82\xAC \xF0\x9F\x98\x80", "\\", "\"", ",", "{}", "[\"json\", {\"a\": \"b\\\"c\"}]", NULL
    };
    size_t count = sizeof texts / sizeof texts [0];
    cf_batch_ticket_t ticket = s_job (scene, 1);
    for (size_t at = 0; at < count; at++)
        ticket = s_event (scene, 1, (int) at, texts [at]);
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, ticket, NULL), 0);
    cf_db_result_t *result = NULL;
    ck_assert_int_eq (cf_db_ask (task, scene->db, &result, NULL, "select text from events order by n"), 0);
    ck_assert_uint_eq (cf_db_rows (result), count);
    for (size_t at = 0; at < count; at++) {
        const char *value = cf_db_value (result, at, 0);
        ck_assert (texts [at]? value && !strcmp (value, texts [at]): !value);
    }
    cf_db_result_destroy (&result);
}

START_TEST (quotes_whatever_a_text_holds)
{
    s_play (s_play_texts);
}
END_TEST

typedef struct {
    scene_t *scene;
    cf_batch_ticket_t ticket;
    int rc;
    cf_error_t error;
} waiting_t;

static void
s_wait_for (cf_task_t *task, void *arg)
{
    waiting_t *waiting = arg;
    waiting->rc = cf_batch_commit (task, waiting->scene->batch, waiting->ticket, &waiting->error);
}

/*  Rows 3, 50 and 51 name a job that does not exist. */
static void
s_play_bad_rows (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    waiting_t waiting [100] = { 0 };
    s_job (scene, 1);
    for (int at = 0; at < 100; at++) {
        bool bad = at == 3 || at == 50 || at == 51;
        waiting [at] = (waiting_t) { .scene = scene, .ticket = s_event (scene, bad? 999: 1, at, "row") };
        cf_task_start (scene->loop, s_wait_for, &waiting [at], NULL);
    }
    cf_batch_ticket_t last = s_event (scene, 1, 1000, "after");
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, last, NULL), 0);
    s_await_others (task);
    for (int at = 0; at < 100; at++) {
        bool bad = at == 3 || at == 50 || at == 51;
        ck_assert_int_eq (waiting [at].rc, bad? -1: 0);
        if (bad)
            ck_assert (cf_db_refused_with (&waiting [at].error, CF_DB_FOREIGN_KEY));
    }
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, waiting [50].ticket, &error), -1);      /* asked late */
    ck_assert (cf_db_refused_with (&error, CF_DB_FOREIGN_KEY));
    ck_assert_int_eq (s_number (task, scene, "select count(*) from events"), 98);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from (select n < lag (n) over (order by seq) as wrong from events) w where wrong"), 0);
}

START_TEST (lets_only_bad_rows_fail)
{
    s_play (s_play_bad_rows);
}
END_TEST

static void
s_on_notice (void *arg, bool ok)
{
    scene_t *scene = arg;
    if (ok)
        scene->good++;
    else
        scene->bad++;
}

static void
s_play_notices (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_job (scene, 1);
    cf_batch_ticket_t good = s_event (scene, 1, 1, NULL), bad = s_event (scene, 2, 2, NULL);
    ck_assert_int_eq (cf_batch_notify (scene->batch, good, s_on_notice, scene), 0);
    ck_assert_int_eq (cf_batch_notify (scene->batch, bad, s_on_notice, scene), 0);
    ck_assert_int_eq (cf_batch_notify (scene->batch, 0, s_on_notice, scene), -1);
    ck_assert_int_eq (scene->good + scene->bad, 0);
    while (scene->good + scene->bad < 2)
        cf_task_sleep (task, 1, NULL);
    ck_assert_int_eq (scene->good, 1);
    ck_assert_int_eq (cf_batch_notify (scene->batch, good, s_on_notice, scene), 0);      /* at once */
    ck_assert_int_eq (scene->good, 2);
}

START_TEST (notifies)
{
    s_play (s_play_notices);
}
END_TEST

/*  Long enough that only a task that waits, or the end of the linger, can have sent them. */
static void
s_play_linger (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_batch_set_linger (scene->batch, 3600000);
    ck_assert_int_eq (cf_batch_notify (scene->batch, s_job (scene, 1), s_on_notice, scene), 0);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from jobs"), 0);          /* turns have passed */
    ck_assert_int_eq (scene->good, 0);
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, s_job (scene, 2), NULL), 0);
    ck_assert_int_eq (scene->good, 1);
    ck_assert_int_eq (s_number (task, scene, "select count(distinct run) from jobs"), 1);
    cf_batch_set_linger (scene->batch, 1);
    ck_assert_int_eq (cf_batch_notify (scene->batch, s_job (scene, 3), s_on_notice, scene), 0);
    while (scene->good < 2)
        cf_task_sleep (task, 1, NULL);
}

START_TEST (rows_that_nobody_waits_for_share_the_next_ones_transaction)
{
    s_play (s_play_linger);
}
END_TEST

static void
s_play_cancel (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    waiting_t waiting = { .scene = scene, .ticket = s_job (scene, 1) };
    cf_task_t *victim = cf_task_start (scene->loop, s_wait_for, &waiting, NULL);
    cf_task_cancel (victim, CF_ERROR_CANCELLED);
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, s_job (scene, 2), NULL), 0);
    ck_assert_int_eq (waiting.rc, -1);
    ck_assert_int_eq (waiting.error.code, CF_ERROR_CANCELLED);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from jobs"), 2);
}

START_TEST (writes_the_row_of_a_cancelled_task)
{
    s_play (s_play_cancel);
}
END_TEST

static void
s_write_events (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    cf_error_t error = { 0 };
    while (scene->next < 6000) {
        int rc = cf_batch_commit (task, scene->batch, s_event (scene, 1, scene->next++, "under load"), &error);
        ck_assert_msg (rc == 0, "%s", error.text);
        scene->good++;
    }
}

/*  Twice: once by a crash, once while nothing listens for a time. */
static void
s_play_kill (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, s_job (scene, 1), NULL), 0);
    for (int at = 0; at < 50; at++)
        cf_task_start (scene->loop, s_write_events, scene, NULL);
    for (int round = 1; round < 3; round++) {
        while (scene->good < round * 1000)
            cf_task_sleep (task, 1, NULL);
        cf_test_postgres_kill ();
        while (cf_batch_is_up (scene->batch))
            cf_task_sleep (task, 1, NULL);
        cf_test_postgres_start ();
    }
    s_await_others (task);
    cf_db_set_patience (scene->db, 20000);
    ck_assert_int_eq (scene->good, 6000);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from events"), 6000);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from (select n < lag (n) over (order by seq) as wrong from events) w where wrong"), 0);
}

START_TEST (loses_nothing_and_keeps_the_order_when_the_server_is_killed)
{
    s_play (s_play_kill);
}
END_TEST

START_TEST (bounds_what_waits)
{
    scene_t scene = { .loop = cf_loop_new () };
    scene.db = cf_db_new (scene.loop, "postgresql://nobody@/none?host=/nonexistent", 1, NULL);
    scene.batch = cf_batch_new (scene.db);
    scene.events = cf_batch_lane (scene.batch, EVENT_LANE, 3, NULL, NULL);
    size_t size = 3 << 20;
    char *large = malloc (size);
    memset (large, '"', size - 1);
    large [size - 1] = 0;
    int taken = 0;
    for (cf_batch_ticket_t ticket; (ticket = s_event (&scene, 1, taken, large)); taken++) {
        ck_assert_int_eq (cf_batch_notify (scene.batch, ticket, s_on_notice, &scene), 0);
        cf_loop_turn (scene.loop, 0);
    }
    ck_assert_int_eq (taken, 21);
    ck_assert_uint_le (cf_batch_waiting_bytes (scene.batch), CF_BATCH_WAITING_BYTES);
    ck_assert (!cf_batch_idle (scene.batch));
    ck_assert (!cf_batch_is_up (scene.batch));
    cf_batch_destroy (&scene.batch);
    ck_assert_int_eq (scene.bad, 21);
    cf_db_destroy (&scene.db);
    cf_loop_destroy (&scene.loop);
    free (large);
}
END_TEST

/*  What a full disk does too, but easier to make. */
static void
s_set_read_only (cf_task_t *task, scene_t *scene, const char *sql, long expected)
{
    ck_assert_int_eq (cf_db_ask (task, scene->db, NULL, NULL, sql), 0);
    s_number (task, scene, "select pg_reload_conf ()::int");
    while (s_number (task, scene, "select (current_setting ('default_transaction_read_only') = 'on')::int") != expected)
        cf_task_sleep (task, 1, NULL);
}

static void
s_play_read_only (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_set_read_only (task, scene, "alter system set default_transaction_read_only = on", 1);
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_db_ask (task, scene->db, NULL, &error, "insert into jobs values (7)"), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_DOWN);
    waiting_t waiting = { .scene = scene, .ticket = s_job (scene, 1), .rc = 1 };
    cf_task_start (scene->loop, s_wait_for, &waiting, NULL);
    cf_task_sleep (task, 30, NULL);
    s_set_read_only (task, scene, "alter system reset default_transaction_read_only", 0);
    s_await_others (task);
    ck_assert_int_eq (waiting.rc, 0);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from jobs"), 1);
}

START_TEST (waits_for_a_server_that_cannot_write)
{
    s_play (s_play_read_only);
}
END_TEST

/*  More rows than a transaction takes, added within one turn. */
static void
s_play_many (cf_task_t *task, void *arg)
{
    scene_t *scene = arg;
    s_job (scene, 1);
    cf_batch_ticket_t ticket = 0;
    for (int n = 0; n < 2000; n++)
        ticket = s_event (scene, 1, n, "one of many");
    ck_assert_int_eq (cf_batch_commit (task, scene->batch, ticket, NULL), 0);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from events"), 2000);
    ck_assert_int_eq (s_number (task, scene, "select count(*) from (select n < lag (n) over (order by seq) as wrong from events) w where wrong"), 0);
}

START_TEST (spreads_many_rows_over_transactions_in_order)
{
    s_play (s_play_many);
}
END_TEST

UNIT_MAIN ("db_batch", writes_a_turn_as_one_transaction_lane_after_lane, quotes_whatever_a_text_holds, lets_only_bad_rows_fail,
           notifies, rows_that_nobody_waits_for_share_the_next_ones_transaction, writes_the_row_of_a_cancelled_task, spreads_many_rows_over_transactions_in_order,
           bounds_what_waits, waits_for_a_server_that_cannot_write, loses_nothing_and_keeps_the_order_when_the_server_is_killed)
