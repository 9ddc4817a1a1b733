/* SPDX-License-Identifier: MPL-2.0 */
/*  plan - read off the table: nobody is forgotten, nobody gets a secret that is not its own */

#include "ops/supervisor/plan.h"
#include "proto/base/config.h"
#include "proto/message.h"
#include "tests/support/unit.h"

#include <string.h>

static const cf_plan_row_t *
s_lookup (const cf_plan_t *plan, const char *name)
{
    for (size_t at = 0; at < plan->count; at++)
        if (strcmp (plan->rows [at].name, name) == 0)
            return &plan->rows [at];
    return NULL;
}

START_TEST (has_every_row_of_the_table)
{
    static cf_plan_t plan;
    ck_assert_int_eq (cf_plan_make (&plan, true, true, 3, NULL), 0);
    for (cf_actor_id_t id = 0; id < CF_ACTOR_COUNT; id++) {
        const cf_actor_row_t *row = cf_message_actor (id);
        unsigned count = 0;
        for (size_t at = 0; at < plan.count; at++)
            count += strcmp (plan.rows [at].service, row->name) == 0;
        ck_assert_uint_eq (count, row->instances? row->instances: 3);
    }
    ck_assert_ptr_nonnull (s_lookup (&plan, "edge.3"));
    ck_assert_uint_eq (s_lookup (&plan, "edge.3")->instance, 3);
    ck_assert_str_eq (plan.rows [0].name, "postgres.1");
}
END_TEST

START_TEST (leaves_out_what_is_not_wanted)
{
    static cf_plan_t plan;
    ck_assert_int_eq (cf_plan_make (&plan, false, false, 1, NULL), 0);
    ck_assert_ptr_null (s_lookup (&plan, "postgres.1"));
    ck_assert_ptr_null (s_lookup (&plan, "simulator.1"));
    ck_assert_ptr_nonnull (s_lookup (&plan, "broker.1"));
}
END_TEST

START_TEST (orders_the_waves)
{
    static cf_plan_t plan;
    cf_plan_make (&plan, true, true, 2, NULL);
    for (size_t at = 1; at < plan.count; at++)
        ck_assert_int_ge (plan.rows [at].wave, plan.rows [at - 1].wave);
    ck_assert_int_eq (s_lookup (&plan, "broker.1")->wave, CF_WAVE_BUS);
    ck_assert_int_eq (s_lookup (&plan, "simulator.1")->wave, CF_WAVE_BUS);
    ck_assert_int_eq (s_lookup (&plan, "router.1")->wave, CF_WAVE_ACTORS);
    ck_assert_int_eq (s_lookup (&plan, "code.1")->wave, CF_WAVE_AGENTS);
    ck_assert_int_eq (s_lookup (&plan, "edge.1")->wave, CF_WAVE_EDGE);
}
END_TEST

START_TEST (gives_secrets_only_to_those_whose_row_names_them)
{
    static cf_plan_t plan;
    cf_plan_make (&plan, true, true, 2, NULL);
    uint64_t keys = UINT64_C (1) << CF_CONFIG_OPENAI_API_KEY | UINT64_C (1) << CF_CONFIG_GOOGLE_API_KEY | UINT64_C (1) << CF_CONFIG_ANTHROPIC_API_KEY;
    uint64_t database = UINT64_C (1) << CF_CONFIG_DATABASE_URL;
    uint64_t jwt = UINT64_C (1) << CF_CONFIG_SUPABASE_JWT_SECRET;
    for (size_t at = 0; at < plan.count; at++) {
        const cf_plan_row_t *row = &plan.rows [at];
        ck_assert_uint_eq (row->secrets & keys, strcmp (row->service, "router") == 0? keys: 0);
        ck_assert_int_eq ((row->secrets & jwt) != 0, strcmp (row->service, "edge") == 0);
        bool owns_tables = strcmp (row->service, "jobs") == 0 || strcmp (row->service, "store") == 0 || strcmp (row->service, "memory") == 0;
        ck_assert_int_eq ((row->secrets & database) != 0, owns_tables);
    }
}
END_TEST

START_TEST (refuses_more_than_it_can_hold)
{
    static cf_plan_t plan;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_plan_make (&plan, true, true, CF_PLAN_MAX + 1, &error), -1);
    ck_assert_ptr_nonnull (strstr (error.text, "EDGE_INSTANCES"));
}
END_TEST

UNIT_MAIN ("plan", has_every_row_of_the_table, leaves_out_what_is_not_wanted, orders_the_waves,
           gives_secrets_only_to_those_whose_row_names_them, refuses_more_than_it_can_hold)
