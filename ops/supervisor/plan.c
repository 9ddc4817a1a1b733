/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - the table's order is the order of the start, its kinds are the waves */

#include "ops/supervisor/plan.h"
#include "proto/message.h"

#include <stdio.h>

static cf_wave_t
s_wave (cf_actor_kind_t kind, bool before_actors)
{
    if (kind == CF_ACTOR_KIND_AGENT)
        return CF_WAVE_AGENTS;
    if (kind == CF_ACTOR_KIND_ACTOR)
        return CF_WAVE_ACTORS;
    return before_actors? CF_WAVE_BUS: CF_WAVE_EDGE;
}

static int
s_add (cf_plan_t *self, const char *service, unsigned instance, cf_wave_t wave, uint64_t secrets, cf_error_t *error)
{
    if (self->count == CF_PLAN_MAX)
        return cf_error_set (error, CF_ERROR_INVALID, "more than %d processes; lower EDGE_INSTANCES", CF_PLAN_MAX);
    cf_plan_row_t *row = &self->rows [self->count++];
    *row = (cf_plan_row_t) { .instance = instance, .wave = wave, .secrets = secrets };
    snprintf (row->service, sizeof row->service, "%s", service);
    snprintf (row->name, sizeof row->name, "%.30s.%u", service, instance);
    return 0;
}

int
cf_plan_make (cf_plan_t *self, bool private_database, bool simulated, unsigned edges, cf_error_t *error)
{
    bool before_actors = true;
    self->count = 0;
    if (private_database && s_add (self, "postgres", 1, CF_WAVE_DATABASE, 0, error))
        return -1;
    for (cf_actor_id_t id = 0; id < CF_ACTOR_COUNT; id++) {
        const cf_actor_row_t *row = cf_message_actor (id);
        before_actors = before_actors && row->kind == CF_ACTOR_KIND_OTHER;
        if (id == CF_ACTOR_SIMULATOR && !simulated)
            continue;
        unsigned instances = row->instances? row->instances: edges;
        for (unsigned instance = 1; instance <= instances; instance++)
            if (s_add (self, row->name, instance, s_wave (row->kind, before_actors), row->secrets, error))
                return -1;
    }
    return 0;
}
