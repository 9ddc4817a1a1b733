/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - which processes there are and in which order, read off proto/actors.def
 *
 *  Waves are started first to last, each when the one before is ready, and stopped last to first.
 */
#ifndef CF_SUPERVISOR_PLAN_H
#define CF_SUPERVISOR_PLAN_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CF_PLAN_MAX 160                 /* processes in all */
#define CF_PLAN_NAME_SIZE 48

typedef enum {
    CF_WAVE_DATABASE,                   /* the private PostgreSQL */
    CF_WAVE_BUS,                        /* what stands before the first actor in the table: simulator, broker */
    CF_WAVE_ACTORS,
    CF_WAVE_AGENTS,
    CF_WAVE_EDGE,                       /* what stands after the last one */
    CF_WAVE_COUNT
} cf_wave_t;

typedef struct {
    char name [CF_PLAN_NAME_SIZE];      /* "edge.1" */
    char service [CF_PLAN_NAME_SIZE];   /* "edge" */
    unsigned instance;                  /* from 1 */
    cf_wave_t wave;
    uint64_t secrets;                   /* settings that reach it, as cf_actor_row_t has them */
} cf_plan_row_t;

typedef struct {
    cf_plan_row_t rows [CF_PLAN_MAX];
    size_t count;
} cf_plan_t;

/*  Fills the plan: the private database and the simulator only where they are wanted, edges for the row that leaves the
    number open. 0, or -1 when the table asks for more than CF_PLAN_MAX. */
int cf_plan_make (cf_plan_t *self, bool private_database, bool simulated, unsigned edges, cf_error_t *error);

#endif
