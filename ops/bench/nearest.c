/* SPDX-License-Identifier: MPL-2.0 */
/*  nearest - a function of the database with match_patterns' parameters is asked for the three nearest, one question at a time
 *
 *  Where the file of the truth is not there yet, what the function answers is written into it; else the answers are
 *  compared with it: recall is the share of the truth that was found. Those are asked once before what counts, so that they are warm.
 */

#include "actors/lib/db.h"
#include "ops/bench/commands.h"
#include "ops/bench/samples.h"
#include "ops/bench/vectors.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST 3
#define QUERIES_MAX 1000
#define QUERIES_SEED 1
#define ROUNDS 2

typedef struct { char ids [NEAREST] [CF_UUID_SIZE]; } answer_t;        /* "-": no such row */

typedef struct {
    const cf_load_options_t *options;
    cf_db_t *db;
    char sql [200];
    size_t count;
    char **literals;                    /* one a query */
    answer_t *truth, *answers;
    bool known;                         /* truth was read */
    cf_samples_t latency;
    bool done, failed;
} asker_t;

static void
s_make_queries (asker_t *self)
{
    cf_vectors_t *vectors = cf_vectors_new (self->options->clusters, (double) self->options->spread / 100, QUERIES_SEED);
    for (size_t at = 0; at < self->count; at++) {
        float values [CF_VECTORS_DIMENSIONS];
        cf_buf_t literal;
        cf_buf_init (&literal, CF_VECTORS_DIMENSIONS * 20);
        cf_vectors_draw (vectors, values);
        for (size_t axis = 0; axis < CF_VECTORS_DIMENSIONS; axis++)
            cf_buf_printf (&literal, "%c%.8f", axis? ',': '[', (double) values [axis]);
        cf_buf_putc (&literal, ']');
        self->literals [at] = cf_buf_take (&literal);
        cf_buf_free (&literal);
    }
    cf_vectors_destroy (&vectors);
}

static bool
s_read_truth (asker_t *self)
{
    FILE *file = fopen (self->options->truth, "re");
    if (!file)
        return false;
    for (size_t at = 0; at < self->count; at++)
        for (size_t place = 0; place < NEAREST; place++)
            if (fscanf (file, "%36s", self->truth [at].ids [place]) != 1) {
                fprintf (stderr, "%s has fewer answers than there are questions\n", self->options->truth);
                exit (1);
            }
    fclose (file);
    return true;
}

static int
s_write_truth (const asker_t *self)
{
    FILE *file = fopen (self->options->truth, "we");
    for (size_t at = 0; file && at < self->count; at++)
        for (size_t place = 0; place < NEAREST; place++)
            fprintf (file, "%s%c", self->answers [at].ids [place], place + 1 < NEAREST? ' ': '\n');
    return !file || fclose (file)? -1: 0;
}

/*  Share of what is true that was answered. */
static double
s_recall (const asker_t *self)
{
    size_t wanted = 0, found = 0;
    for (size_t at = 0; at < self->count; at++)
        for (size_t place = 0; place < NEAREST; place++) {
            const char *id = self->truth [at].ids [place];
            wanted += *id != '-';
            for (size_t other = 0; *id != '-' && other < NEAREST; other++)
                found += strcmp (id, self->answers [at].ids [other]) == 0;
        }
    return wanted? (double) found / (double) wanted: 0;
}

static int
s_ask_one (cf_task_t *task, asker_t *self, size_t at, bool counted)
{
    cf_error_t error = { 0 };
    cf_db_result_t *result;
    uint64_t began_us = cf_clock_us ();
    if (cf_db_ask (task, self->db, &result, &error, self->sql, self->literals [at], self->options->type)) {
        fprintf (stderr, "%s: %s\n", self->options->function, error.text);
        return -1;
    }
    if (counted)
        cf_samples_add (&self->latency, cf_clock_us () - began_us);
    for (size_t place = 0; place < NEAREST; place++) {
        const char *id = cf_db_value (result, place, 0);
        snprintf (self->answers [at].ids [place], CF_UUID_SIZE, "%s", id? id: "-");
    }
    cf_db_result_destroy (&result);
    return 0;
}

static void
s_ask_all (cf_task_t *task, void *arg)
{
    asker_t *self = arg;
    for (size_t round = 0; round < (self->known? 1 + ROUNDS: 1) && !self->failed; round++)
        for (size_t at = 0; at < self->count && !self->failed; at++)
            self->failed = s_ask_one (task, self, at, round || !self->known) != 0;
    self->done = true;
}

static int
s_report (asker_t *self)
{
    char name [80];
    snprintf (name, sizeof name, "%s_recall", self->options->name);
    cf_figure_samples (self->options->name, &self->latency);
    if (self->known)
        cf_figure (name, s_recall (self), "");
    else if (s_write_truth (self)) {
        perror (self->options->truth);
        return -1;
    }
    return 0;
}

int
cf_load_nearest (const cf_load_options_t *options)
{
    asker_t self = { .options = options, .count = options->count < QUERIES_MAX? options->count: QUERIES_MAX };
    cf_error_t error = { 0 };
    cf_loop_t *loop = cf_loop_new ();
    self.literals = calloc (self.count, sizeof *self.literals);
    self.truth = calloc (self.count, sizeof *self.truth);
    self.answers = calloc (self.count, sizeof *self.answers);
    if (!loop || !self.literals || !self.truth || !self.answers || !(self.db = cf_db_new (loop, options->database, 1, &error))) {
        fprintf (stderr, "%s\n", *error.text? error.text: "out of memory");
        return 1;
    }
    snprintf (self.sql, sizeof self.sql, "select id from %.100s ($1, %d, nullif ($2::text, ''))", options->function, NEAREST);
    s_make_queries (&self);
    self.known = s_read_truth (&self);
    cf_samples_init (&self.latency, self.count * ROUNDS);
    cf_task_start (loop, s_ask_all, &self, NULL);
    while (!self.done)
        cf_loop_turn (loop, 1000);
    int rc = self.failed || s_report (&self)? 1: 0;
    cf_samples_free (&self.latency);
    for (size_t at = 0; at < self.count; at++)
        free (self.literals [at]);
    free (self.literals);
    free (self.truth);
    free (self.answers);
    cf_db_destroy (&self.db);
    cf_loop_destroy (&loop);
    return rc;
}
