/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - days, sums, whose jobs count, against a real PostgreSQL */

#include "actors/ledger/usage.h"
#include "proto/base/clock.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <string.h>

#define ANNE "11111111-1111-4111-8111-111111111111"
#define BERT "22222222-2222-4222-8222-222222222222"
#define P1 "aaaaaaaa-0000-4000-8000-000000000001"
#define P2 "aaaaaaaa-0000-4000-8000-000000000002"
#define P3 "aaaaaaaa-0000-4000-8000-000000000003"

static bool s_done;

/*  Before any test case forks: they share one server. */
__attribute__ ((constructor)) static void
s_start_postgres (void)
{
    cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");
    cf_test_sql ("insert into public.projects (id, user_id, title) values ('" P1 "', '" ANNE "', 'One'), ('" P2 "', '" ANNE "', 'Two'), ('" P3 "', '" BERT "', 'His')");
    cf_test_sql ("insert into public.agent_jobs (id, project_id, user_id, agent_type, created_at, calls, input_tokens, output_tokens, cost_usd)"
                 " select gen_random_uuid (), p::uuid, u::uuid, a, t::timestamptz, c, 10 * c, 100 * c, 0.0012 * c from (values"
                 " ('" P1 "', '" ANNE "', 'research', '2026-03-01T00:00:00Z', 1), ('" P1 "', '" ANNE "', 'research', '2026-03-01T23:59:59.9Z', 2),"
                 " ('" P2 "', '" ANNE "', 'code', '2026-03-01T12:00:00Z', 4), (null, '" ANNE "', 'pedagogy', '2026-03-02T00:00:00Z', 8),"
                 " ('" P1 "', '" ANNE "', 'qa', '2026-02-28T23:59:59Z', 16), ('" P1 "', '" ANNE "', 'qa', '2026-03-03T00:00:00Z', 32),"
                 " ('" P3 "', '" BERT "', 'qa', '2026-03-01T12:00:00Z', 64), ('" P1 "', '" BERT "', 'qa', '2026-03-01T12:00:00Z', 128),"
                 " (null, '" BERT "', 'qa', '2026-03-01T12:00:00Z', 256)) v (p, u, a, t, c)");
}

static void
s_read (cf_db_t *db, cf_task_t *task, const char *user, const char *project, const char *from, const char *to, const char *expected)
{
    cf_usage_span_t span;
    const char *field;
    char *found;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_usage_span (from, to, &span, &field, &error), 0);
    int rc = cf_usage_read (db, task, user, project, &span, &found, &error);
    ck_assert_msg (rc == 0, "%s", error.text);
    if (expected)
        ck_assert_str_eq (found, expected);
    else
        ck_assert_ptr_null (found);
    free (found);
}

static void
s_play (cf_task_t *task, void *arg)
{
    cf_db_t *db = arg;
    s_read (db, task, ANNE, "", "2026-03-01", "2026-03-02",
            "{\"from\":\"2026-03-01\",\"to\":\"2026-03-02\",\"total\":{\"calls\":15,\"input_tokens\":150,\"output_tokens\":1500,\"cost_usd\":0.018},"
            "\"by_day\":[{\"day\":\"2026-03-01\",\"agent_type\":\"code\",\"calls\":4,\"input_tokens\":40,\"output_tokens\":400,\"cost_usd\":0.0048}, \n "
            "{\"day\":\"2026-03-01\",\"agent_type\":\"research\",\"calls\":3,\"input_tokens\":30,\"output_tokens\":300,\"cost_usd\":0.0036}, \n "
            "{\"day\":\"2026-03-02\",\"agent_type\":\"pedagogy\",\"calls\":8,\"input_tokens\":80,\"output_tokens\":800,\"cost_usd\":0.0096}]}");
    s_read (db, task, ANNE, P1, "2026-03-01", "2026-03-02",
            "{\"from\":\"2026-03-01\",\"to\":\"2026-03-02\",\"total\":{\"calls\":3,\"input_tokens\":30,\"output_tokens\":300,\"cost_usd\":0.0036},"
            "\"by_day\":[{\"day\":\"2026-03-01\",\"agent_type\":\"research\",\"calls\":3,\"input_tokens\":30,\"output_tokens\":300,\"cost_usd\":0.0036}]}");
    s_read (db, task, ANNE, "", "2020-01-01", "2020-01-01",
            "{\"from\":\"2020-01-01\",\"to\":\"2020-01-01\",\"total\":{\"calls\":0,\"input_tokens\":0,\"output_tokens\":0,\"cost_usd\":0},\"by_day\":[]}");
    s_read (db, task, ANNE, P3, "2026-03-01", "2026-03-02", NULL);
    s_done = true;
}

START_TEST (a_users_own_jobs_count_on_their_day)
{
    cf_error_t error = { 0 };
    cf_loop_t *loop = cf_loop_new ();
    cf_db_t *db = cf_db_new (loop, cf_test_postgres (), 1, &error);
    cf_task_start (loop, s_play, db, NULL);
    while (!s_done)
        cf_loop_turn (loop, 1000);
    cf_db_destroy (&db);
    cf_task_free_pool ();
    cf_loop_destroy (&loop);
}
END_TEST

START_TEST (days_are_strict_and_have_defaults)
{
    static const struct { const char *from, *to, *field; } wrong [] = {
        { "", "tomorrow", "to" }, { "2026-02-30", "", "from" }, { "2026-2-03", "", "from" }, { "20260203", "", "from" },
        { "2026-01-02", "2026-01-01", "from" }, { "0000-01-01", "", "from" }, { "", "2026-01-01 ", "to" }, { "+026-01-01", "", "from" }
    };
    cf_usage_span_t span;
    const char *field;
    cf_error_t error = { 0 };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++) {
        ck_assert_int_eq (cf_usage_span (wrong [at].from, wrong [at].to, &span, &field, &error), -1);
        ck_assert_str_eq (field, wrong [at].field);
    }
    ck_assert_int_eq (cf_usage_span ("", "2026-03-01", &span, &field, &error), 0);
    ck_assert_str_eq (span.from, "2026-01-31");
    ck_assert_int_eq (cf_usage_span ("2024-02-29", "2024-02-29", &span, &field, &error), 0);
    ck_assert_str_eq (span.from, span.to);
    char today [CF_CLOCK_RFC3339_SIZE];
    cf_clock_rfc3339 (cf_clock_wall_us (), today);
    ck_assert_int_eq (cf_usage_span ("", "", &span, &field, &error), 0);
    ck_assert_int_eq (strncmp (span.to, today, 10), 0);
}
END_TEST

UNIT_MAIN ("usage", a_users_own_jobs_count_on_their_day, days_are_strict_and_have_defaults)
