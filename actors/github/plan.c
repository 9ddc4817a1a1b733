/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - the table, every cell filled */

#include "actors/github/plan.h"

#define CALLS(...) { .count = sizeof (cf_plan_call_t []) { __VA_ARGS__ } / sizeof (cf_plan_call_t), .calls = { __VA_ARGS__ } }
#define NOTHING { .refused = false }
#define REFUSED { .refused = true }
#define NEW CALLS (CF_PLAN_CREATE, CF_PLAN_TREE, CF_PLAN_COMMIT, CF_PLAN_REPLACE)
#define FILL CALLS (CF_PLAN_SEED, CF_PLAN_TREE, CF_PLAN_COMMIT, CF_PLAN_REPLACE)
#define FINISH CALLS (CF_PLAN_TREE, CF_PLAN_COMMIT, CF_PLAN_REPLACE)
#define ADD CALLS (CF_PLAN_TREE_ON_TOP, CF_PLAN_COMMIT_ON_TOP, CF_PLAN_ADVANCE)

static const cf_plan_t s_plans [CF_PLAN_STATES] [2] = {
    /*                     as new   update  */
    [CF_PLAN_ABSENT]   = { NEW,     NEW     },
    [CF_PLAN_EMPTY]    = { FILL,    FILL    },
    [CF_PLAN_BEGUN]    = { FINISH,  FINISH  },
    [CF_PLAN_FILLED]   = { REFUSED, ADD     },
    [CF_PLAN_FINISHED] = { NOTHING, NOTHING },
};

static const char *const s_names [CF_PLAN_STATES] = {
    [CF_PLAN_ABSENT] = "ABSENT", [CF_PLAN_EMPTY] = "EMPTY", [CF_PLAN_BEGUN] = "BEGUN", [CF_PLAN_FILLED] = "FILLED",
    [CF_PLAN_FINISHED] = "FINISHED"
};

const cf_plan_t *
cf_plan (cf_plan_state_t state, bool update)
{
    return &s_plans [state] [update];
}

const char *
cf_plan_state_name (cf_plan_state_t state)
{
    return s_names [state];
}
