/* SPDX-License-Identifier: MPL-2.0 */
/*  commands - what codeforge-load can do; each reads its options, prints figures, returns an exit code */
#ifndef CF_BENCH_COMMANDS_H
#define CF_BENCH_COMMANDS_H

#include "proto/base/json.h"

#include <stdbool.h>
#include <stdint.h>

/*  All options, each with a default and a maximum; a command uses those that concern it. */
typedef struct {
    uint64_t port, simulator_port, connections, count, seconds, window, group, latency_ms;
    uint64_t clusters, spread, from;    /* of vectors; spread in hundredths */
    const char *users, *database, *name, *function, *type, *truth;
} cf_load_options_t;

int cf_load_prepare (const cf_load_options_t *options);
int cf_load_accept (const cf_load_options_t *options);
int cf_load_jobs (const cf_load_options_t *options);
int cf_load_inflight (const cf_load_options_t *options);
int cf_load_overhead (const cf_load_options_t *options);
int cf_load_push (const cf_load_options_t *options);
int cf_load_reads (const cf_load_options_t *options);
int cf_load_tokens (const cf_load_options_t *options);
int cf_load_usage (const cf_load_options_t *options);
int cf_load_models (const cf_load_options_t *options);
int cf_load_streams (const cf_load_options_t *options);
int cf_load_floor_http (const cf_load_options_t *options);
int cf_load_floor_bus (const cf_load_options_t *options);
int cf_load_floor_database (const cf_load_options_t *options);
int cf_load_vectors (const cf_load_options_t *options);
int cf_load_nearest (const cf_load_options_t *options);
int cf_load_recall (const cf_load_options_t *options);
int cf_load_simulator (const cf_load_options_t *options);

/*  Sets the simulator's latency, forgetting its journal. 0, or -1 after a line on stderr. */
int cf_load_set_latency (uint64_t simulator_port, uint64_t latency_ms);
/*  Calls of the simulator since then, oldest first, yours to json_decref; NULL after a line on stderr. */
cf_json_t *cf_load_provider_calls (uint16_t simulator_port);

#endif
