/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - the calls for every state of a repository, with and without update; few, in order, and none that loses anything */

#include "actors/github/plan.h"
#include "tests/support/unit.h"

#include <string.h>

/*  A letter a call: Create, Seed, Tree, tree on top (t), Commit, commit on top (c), Replace, Advance. */
static const char *
s_letters (const cf_plan_t *plan)
{
    static char letters [CF_PLAN_CALLS_MAX + 2];
    static const char known [] = {
        [CF_PLAN_CREATE] = 'C', [CF_PLAN_SEED] = 'S', [CF_PLAN_TREE] = 'T', [CF_PLAN_TREE_ON_TOP] = 't', [CF_PLAN_COMMIT] = 'K',
        [CF_PLAN_COMMIT_ON_TOP] = 'k', [CF_PLAN_REPLACE] = 'R', [CF_PLAN_ADVANCE] = 'A'
    };
    size_t at = 0;
    for (; at < plan->count; at++)
        letters [at] = known [plan->calls [at]];
    letters [at] = 0;
    return plan->refused? "refused": letters;
}

START_TEST (every_state_has_its_calls)
{
    static const struct { cf_plan_state_t state; const char *name, *as_new, *update; } cases [] = {
        { CF_PLAN_ABSENT,   "ABSENT",   "CTKR",    "CTKR" },
        { CF_PLAN_EMPTY,    "EMPTY",    "STKR",    "STKR" },
        { CF_PLAN_BEGUN,    "BEGUN",    "TKR",     "TKR"  },
        { CF_PLAN_FILLED,   "FILLED",   "refused", "tkA"  },
        { CF_PLAN_FINISHED, "FINISHED", "",        ""     },
    };
    ck_assert_uint_eq (sizeof cases / sizeof cases [0], CF_PLAN_STATES);
    for (size_t at = 0; at < CF_PLAN_STATES; at++) {
        ck_assert_str_eq (cf_plan_state_name (cases [at].state), cases [at].name);
        ck_assert_str_eq (s_letters (cf_plan (cases [at].state, false)), cases [at].as_new);
        ck_assert_str_eq (s_letters (cf_plan (cases [at].state, true)), cases [at].update);
    }
}
END_TEST

START_TEST (four_calls_are_enough)
{
    for (int state = 0; state < CF_PLAN_STATES; state++)
        for (int update = 0; update <= 1; update++)
            ck_assert_uint_le (cf_plan ((cf_plan_state_t) state, update)->count, 4);
}
END_TEST

START_TEST (what_has_content_is_never_replaced)
{
    for (int update = 0; update <= 1; update++)
        ck_assert_ptr_null (strchr (s_letters (cf_plan (CF_PLAN_FILLED, update)), 'R'));
}
END_TEST

UNIT_MAIN ("plan", every_state_has_its_calls, four_calls_are_enough, what_has_content_is_never_replaced)
