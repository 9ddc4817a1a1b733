/* SPDX-License-Identifier: MPL-2.0 */
/*  load - the commands that put jobs into a running system: prepare, simulator, accept, jobs, inflight */

#include "ops/bench/commands.h"
#include "ops/bench/rows.h"
#include "ops/bench/users.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_S 60                       /* the longest a request may wait for its job */
#define LOOK_MS 20                      /* how often the ledger is asked how many jobs are open */

/* ---- before ---- */

int
cf_load_prepare (const cf_load_options_t *options)
{
    char token [8192];
    while (scanf ("%8191s", token) == 1) {
        cf_buf_t request, body;
        cf_error_t error = { 0 };
        cf_buf_init (&request, 65536);
        cf_users_write_post ((uint16_t) options->port, token, "/v1/projects/", "", "{\"title\":\"Measured\"}", &request);
        int status = cf_client_ask ((uint16_t) options->port, &request, &body, &error);
        cf_json_t *project = status == 201? cf_json_parse (body.bytes, body.size, &error): NULL;
        const char *id = cf_json_str (project, "id", "");
        if (*id)
            printf ("%s %s\n", token, id);
        else
            fprintf (stderr, "no project: status %d %s %s\n", status, error.text, body.bytes);
        bool made = *id;
        json_decref (project);
        cf_buf_free (&body);
        cf_buf_free (&request);
        if (!made)
            return 1;
    }
    return 0;
}

int
cf_load_set_latency (uint64_t simulator_port, uint64_t latency_ms)
{
    char settings [64];
    snprintf (settings, sizeof settings, "{\"latency_ms\":%llu}", (unsigned long long) latency_ms);
    const char *const steps [2] [2] = { { "/_sim/reset", "{}" }, { "/_sim/settings", settings } };
    for (size_t at = 0; at < 2; at++) {
        cf_buf_t request, body;
        cf_error_t error = { 0 };
        cf_buf_init (&request, 65536);
        cf_users_write_post ((uint16_t) simulator_port, "", steps [at] [0], "", steps [at] [1], &request);
        int status = cf_client_ask ((uint16_t) simulator_port, &request, &body, &error);
        cf_buf_free (&body);
        cf_buf_free (&request);
        if (status != 200) {
            fprintf (stderr, "the simulator: status %d %s\n", status, error.text);
            return -1;
        }
    }
    return 0;
}

int
cf_load_simulator (const cf_load_options_t *options)
{
    return cf_load_set_latency (options->simulator_port, options->latency_ms)? 1: 0;
}

/* ---- the runs ---- */

/*  Starts jobs as the options say, each answered with status; prints rate, latency and count under name. */
static int
s_run (const cf_load_options_t *options, const char *name, uint32_t wait_s, int status)
{
    cf_users_t users;
    cf_users_load (&users, options->users, (uint16_t) options->port);
    users.wait_s = wait_s;
    cf_client_plan_t plan = {
        .port = (uint16_t) options->port, .connections = options->connections, .count = options->count,
        .time_ms = options->seconds * 1000, .status = status, .write = cf_users_write_job, .arg = &users
    };
    cf_client_result_t result;
    cf_error_t error = { 0 };
    int rc = cf_client_run (&plan, &result, &error);
    if (rc)
        fprintf (stderr, "%s\n", error.text);
    else
        rc = cf_client_report (&result, name);
    cf_samples_free (&result.latency);
    cf_users_free (&users);
    return rc? 1: 0;
}

int
cf_load_accept (const cf_load_options_t *options)
{
    return s_run (options, *options->name? options->name: "accept", 0, 202);
}

int
cf_load_jobs (const cf_load_options_t *options)
{
    return s_run (options, *options->name? options->name: "jobs", WAIT_S, 200);
}

int
cf_load_inflight (const cf_load_options_t *options)
{
    cf_error_t error = { 0 };
    cf_rows_t *rows = cf_rows_new (options->database, &error);
    if (!rows) {
        fprintf (stderr, "%s\n", error.text);
        return 1;
    }
    uint64_t started_us = cf_clock_us (), end_us = started_us + options->seconds * 1000000;
    uint64_t most = 0, open = 0, ended = 0, before = cf_rows_count (rows, CF_ROWS_COMPLETED);
    int rc = s_run (options, "inflight_accept", 0, 202);
    cf_figure ("inflight_accepted_after", (double) (cf_clock_us () - started_us) / 1e6, "s");
    do {
        open = cf_rows_count (rows, CF_ROWS_OPEN);
        most = open > most? open: most;
        nanosleep (&(struct timespec) { .tv_nsec = LOOK_MS * 1000000 }, NULL);
    } while (open && cf_clock_us () < end_us);
    cf_figure ("inflight_time", (double) (cf_clock_us () - started_us) / 1e6, "s");
    ended = cf_rows_count (rows, CF_ROWS_COMPLETED) - before;
    cf_figure ("inflight_completed", (double) ended, "");
    cf_figure ("inflight_most", (double) most, "");
    cf_rows_destroy (&rows);
    if (open || ended != options->count)
        fprintf (stderr, "%llu of %llu completed, %llu still open\n", (unsigned long long) ended, (unsigned long long) options->count,
                 (unsigned long long) open);
    return rc || open || ended != options->count? 1: 0;
}
