/* SPDX-License-Identifier: MPL-2.0 */
/*  keys - one holder of a claim, also among many at once; what is kept, forgotten, taken over; against a real PostgreSQL */

#include "actors/project/keys.h"
#include "tests/unit/actors/project/scene.h"

#define C(n_) "dddddddd-0000-4000-8000-00000000000" #n_

/*  Claims; "state status headers answer", valid until the next call. */
static const char *
s_claim (cf_task_t *task, const char *user, const char *key, const char *hash, const char *claim)
{
    static char text [300];
    cf_keys_claimed_t claimed;
    cf_db_result_t *result;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_keys_claim (scene_tables, task, user, key, hash, claim, &claimed, &result, &error) == 0, "%s", error.text);
    snprintf (text, sizeof text, "%s %u %s%s", claimed.state, claimed.status, claimed.headers, claimed.answer);
    cf_db_result_destroy (&result);
    return text;
}

static void
s_settle (cf_task_t *task, const char *key, const char *claim, uint32_t status)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_keys_settle (scene_tables, task, ANNE, key, claim, status, "{\"Location\":\"/x\"}", "made", &error) == 0, "%s", error.text);
}

static void
s_answers (cf_task_t *task)
{
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (1)), "yours 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (1)), "yours 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "running 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "bb", C (3)), "reused 0 ");
    ck_assert_str_eq (s_claim (task, BERT, "k", "bb", C (3)), "yours 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "other", "bb", C (3)), "yours 0 ");
    s_settle (task, "k", C (2), 201);
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "running 0 ");
    s_settle (task, "k", C (1), 201);
    s_settle (task, "k", C (1), 200);
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "answered 201 {\"Location\":\"/x\"}made");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (1)), "answered 201 {\"Location\":\"/x\"}made");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "bb", C (2)), "reused 201 {\"Location\":\"/x\"}made");
    s_settle (task, "k", C (1), 0);
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "answered 201 {\"Location\":\"/x\"}made");
}

static void
s_gives_free (cf_task_t *task)
{
    static const uint32_t not_kept [] = { 0, 422, 500, 302 };
    for (size_t at = 0; at < sizeof not_kept / sizeof not_kept [0]; at++) {
        ck_assert_str_eq (s_claim (task, ANNE, "k", at % 2? "aa": "bb", C (1)), "yours 0 ");
        s_settle (task, "k", C (1), not_kept [at]);
    }
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.idempotency_keys"), "0");
}

static void
s_takes_over (cf_task_t *task)
{
    s_claim (task, ANNE, "k", "aa", C (1));
    cf_test_sql ("update codeforge.idempotency_keys set claimed_at = now () - interval '6 seconds'");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "running 0 ");
    cf_test_sql ("update codeforge.idempotency_keys set claimed_at = now () - interval '9 seconds'");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "bb", C (2)), "reused 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "yours 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (3)), "running 0 ");
    s_settle (task, "k", C (1), 201);
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (3)), "running 0 ");
    s_settle (task, "k", C (2), 202);
    cf_test_sql ("update codeforge.idempotency_keys set claimed_at = now () - interval '9 seconds'");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (3)), "answered 202 {\"Location\":\"/x\"}made");
}

static void
s_renew (cf_task_t *task, const char *key, const char *claim)
{
    cf_error_t error = { 0 };
    cf_test_sql ("update codeforge.idempotency_keys set claimed_at = now () - interval '9 seconds'");
    ck_assert_msg (cf_keys_renew (scene_tables, task, ANNE, key, claim, &error) == 0, "%s", error.text);
}

static void
s_renews (cf_task_t *task)
{
    s_claim (task, ANNE, "k", "aa", C (1));
    s_renew (task, "k", C (1));
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "running 0 ");
    s_renew (task, "k", C (2));
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "yours 0 ");
    s_renew (task, "k", C (1));                 /* too late */
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (3)), "yours 0 ");
    s_settle (task, "k", C (3), 0);
    s_renew (task, "k", C (3));                 /* forgotten: it does not come back */
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.idempotency_keys"), "0");
    s_claim (task, ANNE, "k", "aa", C (1));
    s_settle (task, "k", C (1), 201);
    s_renew (task, "k", C (1));
    ck_assert_str_eq (s_claim (task, ANNE, "k", "aa", C (2)), "answered 201 {\"Location\":\"/x\"}made");
}

static void
s_forgets (cf_task_t *task)
{
    cf_error_t error = { 0 };
    s_claim (task, ANNE, "k", "aa", C (1));
    s_settle (task, "k", C (1), 201);
    s_claim (task, ANNE, "l", "aa", C (1));
    cf_test_sql ("update codeforge.idempotency_keys set created_at = now () - interval '25 hours' where key = 'k'");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "bb", C (2)), "yours 0 ");
    ck_assert_str_eq (s_claim (task, ANNE, "k", "bb", C (3)), "running 0 ");
    ck_assert_int_eq (cf_keys_prune (scene_tables, task, CF_KEYS_HOURS, &error), 0);
    cf_test_sql ("update codeforge.idempotency_keys set created_at = now () - interval '25 hours' where key = 'l'");
    ck_assert_int_eq (cf_keys_prune (scene_tables, task, CF_KEYS_HOURS, &error), 1);
    ck_assert_str_eq (cf_test_sql ("select string_agg (key, ' ') from codeforge.idempotency_keys"), "k");
}

static void
s_refuses (cf_task_t *task)
{
    char lengthy [300];
    memset (lengthy, 'x', sizeof lengthy);
    lengthy [256] = 0;
    cf_keys_claimed_t claimed;
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_keys_claim (scene_tables, task, ANNE, lengthy, "aa", C (1), &claimed, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_int_eq (cf_keys_claim (scene_tables, task, ANNE, "", "aa", C (1), &claimed, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    lengthy [255] = 0;
    ck_assert_str_eq (s_claim (task, ANNE, lengthy, "aa", C (1)), "yours 0 ");
}

/* ---- many at once, through two stores ---- */

#define MANY 50

static cf_tables_t *s_others [2];
static int s_left, s_yours, s_running;

static void
s_claim_one (cf_task_t *task, void *arg)
{
    int at = (int) (intptr_t) arg;
    char claim [CF_UUID_SIZE];
    cf_keys_claimed_t claimed;
    cf_db_result_t *result;
    cf_error_t error = { 0 };
    int rc = cf_keys_claim (s_others [at % 2], task, ANNE, "k", "aa", cf_uuid_new (claim), &claimed, &result, &error);
    ck_assert_msg (rc == 0, "%s", error.text);
    s_yours += strcmp (claimed.state, "yours") == 0;
    s_running += strcmp (claimed.state, "running") == 0;
    cf_db_result_destroy (&result);
    s_left--;
}

static void
s_claims_many (cf_task_t *task)
{
    cf_error_t error = { 0 };
    for (int round = 0; round < 10; round++) {
        cf_test_sql ("truncate codeforge.idempotency_keys");
        for (int at = 0; at < 2; at++)
            s_others [at] = cf_tables_new (scene_loop, cf_test_postgres (), &error);
        s_yours = s_running = 0;
        s_left = MANY;
        for (int at = 0; at < MANY; at++)
            cf_task_start (scene_loop, s_claim_one, (void *) (intptr_t) at, NULL);
        while (s_left)
            ck_assert_int_eq (cf_task_sleep (task, 1, &error), 0);
        ck_assert_int_eq (s_yours, 1);
        ck_assert_int_eq (s_running, MANY - 1);
        for (int at = 0; at < 2; at++)
            cf_tables_destroy (&s_others [at]);
    }
}

TEST (the_first_answer_is_kept, s_answers)
TEST (what_is_not_kept_gives_the_key_free, s_gives_free)
TEST (a_dead_holder_is_replaced, s_takes_over)
TEST (who_works_on_it_keeps_the_claim, s_renews)
TEST (keys_live_for_a_day, s_forgets)
TEST (keys_have_a_length, s_refuses)
TEST (one_of_many_holds_the_claim, s_claims_many)

SCENE_MAIN ("keys", the_first_answer_is_kept, what_is_not_kept_gives_the_key_free, a_dead_holder_is_replaced,
            who_works_on_it_keeps_the_claim, keys_live_for_a_day, keys_have_a_length, one_of_many_holds_the_claim)
