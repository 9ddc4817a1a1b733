/* SPDX-License-Identifier: MPL-2.0 */
/*  rows - queries in tasks of a loop of its own; the floor of durable writing
 *
 *  The floor writes rows like those of agent_jobs, with its indexes, into a table of its own through the same batch that the
 *  ledger uses: as many rows on their way as the window says, so many of them in a transaction.
 */

#include "ops/bench/rows.h"
#include "actors/lib/db_batch.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>

struct cf_rows_t {
    cf_loop_t *loop;
    cf_db_t *db;
};

/* ---- questions ---- */

typedef struct {
    cf_rows_t *rows;
    const char *sql;
    uint64_t number;
    bool done, ok;
    cf_error_t error;
} question_t;

static void
s_ask (cf_task_t *task, void *arg)
{
    question_t *question = arg;
    cf_db_result_t *result = NULL;
    question->ok = cf_db_ask (task, question->rows->db, &result, &question->error, question->sql) == 0;
    if (question->ok && cf_db_rows (result))
        question->number = strtoull (cf_db_value (result, 0, 0), NULL, 10);
    cf_db_result_destroy (&result);
    question->done = true;
}

static uint64_t
s_question (cf_rows_t *self, const char *sql)
{
    question_t question = { .rows = self, .sql = sql };
    cf_task_start (self->loop, s_ask, &question, NULL);
    while (!question.done)
        cf_loop_turn (self->loop, 1000);
    if (!question.ok) {
        fprintf (stderr, "the database: %s\n", question.error.text);
        exit (1);
    }
    return question.number;
}

cf_rows_t *
cf_rows_new (const char *url, cf_error_t *error)
{
    cf_rows_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->loop = cf_loop_new ();
    self->db = self->loop? cf_db_new (self->loop, url, 1, error): NULL;
    if (!self->db)
        cf_rows_destroy (&self);
    return self;
}

void
cf_rows_destroy (cf_rows_t **self_p)
{
    cf_rows_t *self = *self_p;
    if (!self)
        return;
    cf_db_destroy (&self->db);
    cf_loop_destroy (&self->loop);
    free (self);
    *self_p = NULL;
}

uint64_t
cf_rows_count (cf_rows_t *self, cf_rows_what_t what)
{
    static const char *const questions [] = {
        [CF_ROWS_OPEN] = "select count (*) from public.agent_jobs where status in ('queued', 'running', 'waiting_for_input')",
        [CF_ROWS_COMPLETED] = "select count (*) from public.agent_jobs where status = 'completed'",
    };
    return s_question (self, questions [what]);
}

/* ---- the floor of writing ---- */

typedef struct {
    cf_batch_t *batch;
    int lane;
    size_t group;                       /* rows of a transaction */
    uint64_t left, committed, end_us;
    bool done, failed;
    cf_samples_t latency;
} writer_t;

static const char s_insert_sql [] =
    "insert into codeforge.measured (id, project_id, user_id, agent_type, input_context)"
    " select * from unnest ($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[]) on conflict do nothing";

static cf_batch_ticket_t
s_add_group (writer_t *self)
{
    cf_batch_ticket_t ticket = 0;
    for (size_t at = 0; at < self->group; at++) {
        char id [CF_UUID_SIZE];
        const char *values [] = {
            cf_uuid_new (id), id, id, "qa",
            "{\"file_path\":\"src/sum.js\",\"code\":\"export function sum (a, b) {\\n    return a + b;\\n}\\n\"}"
        };
        ticket = cf_batch_row (self->batch, self->lane, values);
    }
    return ticket;
}

static void
s_write_groups (cf_task_t *task, void *arg)
{
    writer_t *self = arg;
    cf_error_t error = { 0 };
    while (self->left >= self->group && !self->failed && cf_clock_us () < self->end_us) {
        uint64_t added_us = cf_clock_us ();
        self->failed = cf_batch_commit (task, self->batch, s_add_group (self), &error) != 0;
        self->left -= self->group;
        self->committed += self->failed? 0: self->group;
        cf_samples_add (&self->latency, cf_clock_us () - added_us);
    }
    if (self->failed)
        fprintf (stderr, "%s\n", error.text);
    self->done = true;
}

static int
s_write (cf_rows_t *rows, const char *name, size_t group, uint64_t count, uint64_t seconds)
{
    writer_t writer = { .group = group, .left = count, .batch = cf_batch_new (rows->db) };
    writer.lane = cf_batch_lane (writer.batch, s_insert_sql, 5, NULL, NULL);
    while (!cf_batch_is_up (writer.batch))
        cf_loop_turn (rows->loop, 100);
    cf_samples_init (&writer.latency, count / group + 1);
    uint64_t started_us = cf_clock_us ();
    writer.end_us = started_us + seconds * 1000000;
    cf_task_start (rows->loop, s_write_groups, &writer, NULL);
    while (!writer.done)
        cf_loop_turn (rows->loop, 1000);
    char full [64];
    snprintf (full, sizeof full, "%s_rate", name);
    cf_figure (full, (double) writer.committed * 1e6 / (double) (cf_clock_us () - started_us), "1/s");
    cf_figure_samples (name, &writer.latency);
    cf_samples_free (&writer.latency);
    cf_batch_destroy (&writer.batch);
    return writer.failed? -1: 0;
}

int
cf_load_floor_database (const cf_load_options_t *options)
{
    cf_error_t error = { 0 };
    cf_rows_t *rows = cf_rows_new (options->database, &error);
    if (!rows) {
        fprintf (stderr, "%s\n", error.text);
        return 1;
    }
    s_question (rows, "drop table if exists codeforge.measured");
    s_question (rows, "create table codeforge.measured (like public.agent_jobs including all)");
    int rc = s_write (rows, "floor_database_batch", options->group, options->count, options->seconds);
    rc |= s_write (rows, "floor_database_alone", 1, options->count < 2000? options->count: 2000, options->seconds);
    s_question (rows, "drop table codeforge.measured");
    cf_rows_destroy (&rows);
    return rc? 1: 0;
}
