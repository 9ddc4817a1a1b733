/* SPDX-License-Identifier: MPL-2.0 */
/*  codeforge-load - the load client and the floors of ops/bench/run
 *
 *  codeforge-load COMMAND [--OPTION VALUE]…: every command is bounded by count and by time, talks to 127.0.0.1 and the sockets of
 *  CODEFORGE_HOME alone, prints figures as "NAME\tVALUE\tUNIT" lines, and exits non-zero when what it asked for did not
 *  happen (an answer was refused, a job did not end).
 */

#include "ops/bench/client.h"
#include "ops/bench/commands.h"
#include "ops/bench/vectors.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; int (*fn) (const cf_load_options_t *); const char *caption; } s_commands [] = {
    { "prepare",        cf_load_prepare,        "tokens on stdin -> \"TOKEN PROJECT\" lines" },
    { "simulator",      cf_load_simulator,      "sets the provider's latency" },
    { "accept",         cf_load_accept,         "jobs accepted, a second" },
    { "jobs",           cf_load_jobs,           "jobs from POST to their end, a second" },
    { "inflight",       cf_load_inflight,       "many jobs at once, until all have ended" },
    { "overhead",       cf_load_overhead,       "one job at a time, without the provider's own time" },
    { "push",           cf_load_push,           "from a job's end to its watcher" },
    { "reads",          cf_load_reads,          "health, jobs and project lists read, a second" },
    { "tokens",         cf_load_tokens,         "a bearer token verified, first and again" },
    { "models",         cf_load_models,         "what the router adds to a model call" },
    { "streams",        cf_load_streams,        "what a stream costs the router; codeforge status --json on stdin" },
    { "vectors",        cf_load_vectors,        "patterns in clusters on stdout, for PostgreSQL's binary COPY" },
    { "nearest",        cf_load_nearest,        "the three nearest, asked of a function of the database" },
    { "recall",         cf_load_recall,         "patterns stored and recalled through the actor" },
    { "usage",          cf_load_usage,          "memory and time of all processes; codeforge status --json on stdin" },
    { "floor-http",     cf_load_floor_http,     "a constant answer from h2o to the same client" },
    { "floor-bus",      cf_load_floor_bus,      "an echo through the broker" },
    { "floor-database", cf_load_floor_database, "rows into PostgreSQL" },
};

static const struct { const char *name; size_t offset; uint64_t max; } s_numbers [] = {
    { "--port",           offsetof (cf_load_options_t, port),           65535 },
    { "--simulator-port", offsetof (cf_load_options_t, simulator_port), 65535 },
    { "--connections",    offsetof (cf_load_options_t, connections),    CF_CLIENT_MAX_CONNECTIONS },
    { "--count",          offsetof (cf_load_options_t, count),          CF_CLIENT_MAX_REQUESTS },
    { "--seconds",        offsetof (cf_load_options_t, seconds),        600 },
    { "--window",         offsetof (cf_load_options_t, window),         4096 },
    { "--group",          offsetof (cf_load_options_t, group),          512 },
    { "--latency-ms",     offsetof (cf_load_options_t, latency_ms),     600000 },
    { "--clusters",       offsetof (cf_load_options_t, clusters),       CF_VECTORS_CLUSTERS_MAX },
    { "--spread",         offsetof (cf_load_options_t, spread),         1000 },
    { "--from",           offsetof (cf_load_options_t, from),           CF_CLIENT_MAX_REQUESTS },
};

static const struct { const char *name; size_t offset; } s_texts [] = {
    { "--users",    offsetof (cf_load_options_t, users) },
    { "--database", offsetof (cf_load_options_t, database) },
    { "--name",     offsetof (cf_load_options_t, name) },
    { "--function", offsetof (cf_load_options_t, function) },
    { "--type",     offsetof (cf_load_options_t, type) },
    { "--truth",    offsetof (cf_load_options_t, truth) },
};

/*  0, or -1 where there is no such option or its value is out of range. */
static int
s_set (cf_load_options_t *options, const char *name, const char *value)
{
    for (size_t at = 0; at < sizeof s_numbers / sizeof s_numbers [0]; at++)
        if (strcmp (name, s_numbers [at].name) == 0) {
            char *end;
            unsigned long long number = strtoull (value, &end, 10);
            memcpy ((char *) options + s_numbers [at].offset, &(uint64_t) { number }, sizeof (uint64_t));
            return *end || end == value || *value == '-' || number > s_numbers [at].max? -1: 0;
        }
    for (size_t at = 0; at < sizeof s_texts / sizeof s_texts [0]; at++)
        if (strcmp (name, s_texts [at].name) == 0) {
            memcpy ((char *) options + s_texts [at].offset, &value, sizeof value);
            return 0;
        }
    return -1;
}

static int
s_usage (void)
{
    fprintf (stderr, "usage: codeforge-load COMMAND [--OPTION VALUE]...\n");
    for (size_t at = 0; at < sizeof s_commands / sizeof s_commands [0]; at++)
        fprintf (stderr, "  %-15s %s\n", s_commands [at].name, s_commands [at].caption);
    fprintf (stderr, "options:");
    for (size_t at = 0; at < sizeof s_numbers / sizeof s_numbers [0]; at++)
        fprintf (stderr, " %s (at most %llu)", s_numbers [at].name, (unsigned long long) s_numbers [at].max);
    for (size_t at = 0; at < sizeof s_texts / sizeof s_texts [0]; at++)
        fprintf (stderr, " %s", s_texts [at].name);
    fprintf (stderr, "\n");
    return 64;
}

int
main (int argc, char **argv)
{
    cf_load_options_t options = {
        .port = 8000, .connections = 64, .count = 1000, .seconds = 60, .window = 64, .group = 64, .clusters = 1000, .spread = 70,
        .users = "", .database = "", .name = "", .function = "", .type = "", .truth = ""
    };
    for (int at = 2; at < argc; at += 2)
        if (at + 1 >= argc || s_set (&options, argv [at], argv [at + 1]))
            return s_usage ();
    if (!options.connections || !options.count || !options.seconds || !options.window || !options.group || !options.clusters)
        return s_usage ();
    signal (SIGPIPE, SIG_IGN);
    cf_config_load_or_exit ();
    cf_log_init ("load");
    for (size_t at = 0; argc > 1 && at < sizeof s_commands / sizeof s_commands [0]; at++)
        if (strcmp (argv [1], s_commands [at].name) == 0)
            return s_commands [at].fn (&options);
    return s_usage ();
}
