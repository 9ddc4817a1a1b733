/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - the nearest first, of one type or any, nothing too unlike, each kept once and only so many, against a real PostgreSQL */

#include "actors/recall/embedding.h"
#include "actors/recall/recall.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define S_MOST 4u                       /* patterns */
#define ID(n_) "dddddddd-0000-4000-8000-00000000000" #n_

static cf_recall_t *s_recall;
static cf_buf_t s_literal;

/*  Literal of a vector at an angle (degrees) to the first axis, towards the one numbered axis; valid until the next call. */
static const char *
s_at (double degrees, size_t axis)
{
    static float vector [CF_EMBEDDING_DIMENSIONS];
    cf_error_t error = { 0 };
    memset (vector, 0, sizeof vector);
    vector [0] = (float) cos (degrees * M_PI / 180);
    vector [axis] = (float) sin (degrees * M_PI / 180);
    cf_buf_free (&s_literal);
    cf_buf_init (&s_literal, CF_EMBEDDING_LITERAL_BYTES);
    ck_assert_int_eq (cf_embedding_print (vector, sizeof vector, &s_literal, &error), 0);
    return s_literal.bytes;
}

static void
s_keep_scored (cf_task_t *task, const char *id, const char *type, const char *content, const char *metadata, double degrees, size_t axis)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_recall_keep (s_recall, task, id, type, content, metadata, s_at (degrees, axis), &error) == 0, "%s", error.text);
}

static void
s_keep (cf_task_t *task, const char *id, const char *type, const char *content, double degrees, size_t axis)
{
    s_keep_scored (task, id, type, content, "{\"score\":90}", degrees, axis);
}

static void
s_match (cf_task_t *task, uint32_t count, const char *type, const char *expected)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_recall_match (s_recall, task, s_at (0, 1), count, type, &result, &error) == 0, "%s", error.text);
    const char *text = cf_db_value (result, 0, 0);
    cf_json_t *found = cf_json_parse (text, strlen (text), &error);
    ck_assert_msg (found != NULL, "%s", text);
    char *printed = cf_json_print (found);
    ck_assert_str_eq (printed, expected);
    free (printed);
    json_decref (found);
    cf_db_result_destroy (&result);
}

static bool
s_any (cf_task_t *task)
{
    bool any;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_recall_any (s_recall, task, &any, &error) == 0, "%s", error.text);
    return any;
}

#define FOUND(content_, similarity_) "{\"content\":\"" content_ "\",\"metadata\":{\"score\":90},\"similarity\":" similarity_ "}"

static void
s_recalls (cf_task_t *task)
{
    s_match (task, 3, "", "[]");
    s_keep (task, ID (1), "builder", "far", 70, 2);
    s_keep (task, ID (2), "builder", "near", 30, 3);
    s_keep (task, ID (3), "review", "same", 0, 4);
    s_keep (task, ID (4), "builder", "too far", 85, 5);
    s_match (task, 3, "", "[" FOUND ("same", "1.0") "," FOUND ("near", "0.866") "," FOUND ("far", "0.342") "]");
    s_match (task, 1, "", "[" FOUND ("same", "1.0") "]");
    s_match (task, 1, "builder", "[" FOUND ("near", "0.866") "]");
    s_match (task, 1000, "builder", "[" FOUND ("near", "0.866") "," FOUND ("far", "0.342") "]");
    s_match (task, 3, "none", "[]");
}

static void
s_keeps_once (cf_task_t *task)
{
    s_keep (task, ID (1), "builder", "first", 0, 1);
    s_keep (task, ID (1), "builder", "second", 30, 1);
    s_match (task, 3, "", "[" FOUND ("first", "1.0") "]");
}

/*  Eleven degrees are a similarity of 0.982, twelve are 0.978. */
static void
s_knows_the_same (cf_task_t *task)
{
    s_keep_scored (task, ID (1), "builder", "first", "{\"score\":90}", 0, 1);
    s_keep_scored (task, ID (2), "builder", "worse", "{\"score\":80}", 11, 1);
    s_keep_scored (task, ID (3), "review", "of another type", "{\"score\":90}", 11, 1);
    s_match (task, 3, "", "[" FOUND ("first", "1.0") "," FOUND ("of another type", "0.9816") "]");
    s_keep_scored (task, ID (4), "builder", "as good", "{\"score\":90}", 11, 2);
    s_match (task, 3, "builder", "[" FOUND ("as good", "1.0") "]");
    s_keep_scored (task, ID (5), "builder", "not the same", "{\"score\":90}", 12, 2);
    s_match (task, 3, "builder", "[" FOUND ("as good", "1.0") "," FOUND ("not the same", "0.9781") "]");
    s_keep_scored (task, ID (5), "builder", "unscored", "{}", 12, 2);
    s_match (task, 3, "builder", "[" FOUND ("as good", "1.0") ",{\"content\":\"unscored\",\"metadata\":{},\"similarity\":0.9781}]");
}

static const char s_latest_sql [] = "select string_agg (content, ' ' order by kept_at desc) from public.pattern_embeddings";

/*  Ten are there, the last kept longest ago; the first one of this process looks, the next ones do not. */
static void
s_forgets (cf_task_t *task)
{
    cf_test_sql ("insert into public.pattern_embeddings (pattern_type, content, embedding, kept_at) select 'old', n::text,"
                 " (array [cosd (15 * n), sind (15 * n)] || array_fill (0::float8, '{1534}'))::vector, now () - n * interval '1 hour'"
                 " from generate_series (1, 10) n");
    s_keep (task, ID (1), "new", "first", 60, 3);
    ck_assert_str_eq (cf_test_sql (s_latest_sql), "first 1 2 3");
    s_keep (task, ID (2), "new", "second", 60, 4);
    ck_assert_str_eq (cf_test_sql ("select count (*)::text from public.pattern_embeddings"), "5");
    for (unsigned at = 2; at < CF_RECALL_TRIM_EVERY; at++)
        s_keep (task, ID (2), "new", "second", 60, 4);
    ck_assert_str_eq (cf_test_sql ("select count (*)::text from public.pattern_embeddings"), "5");
    s_keep (task, ID (2), "new", "second", 60, 4);
    ck_assert_str_eq (cf_test_sql (s_latest_sql), "second first 1 2");
}

static void
s_refuses (cf_task_t *task)
{
    static const char *const documents [] = { "", "[]", "{", "1" };
    for (size_t at = 0; at < sizeof documents / sizeof documents [0]; at++) {
        cf_error_t error = { 0 };
        ck_assert_int_eq (cf_recall_keep (s_recall, task, ID (1), "t", "c", documents [at], s_at (0, 1), &error), -1);
        ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    }
    ck_assert (!s_any (task));
}

static void
s_knows_emptiness (cf_task_t *task)
{
    ck_assert (!s_any (task));
    char sql [200];
    snprintf (sql, sizeof sql, "insert into public.pattern_embeddings (pattern_type, content, embedding)"
              " select 't', 'c', array_agg (1)::real []::vector from generate_series (1, %d)", CF_EMBEDDING_DIMENSIONS);
    cf_test_sql (sql);
    ck_assert (!s_any (task));          /* still believed */
    s_keep (task, ID (1), "builder", "first", 0, 1);
    ck_assert (s_any (task));
    cf_test_sql ("truncate public.pattern_embeddings");
    ck_assert (s_any (task));           /* once there was one */
}

/* ---- the suite ---- */

typedef struct {
    void (*fn) (cf_task_t *task);
    bool done;
} run_t;

static void
s_body (cf_task_t *task, void *arg)
{
    run_t *run = arg;
    run->fn (task);
    run->done = true;
}

static void
s_run (void (*fn) (cf_task_t *task))
{
    cf_error_t error = { 0 };
    cf_test_sql ("truncate public.pattern_embeddings");
    cf_loop_t *loop = cf_loop_new ();
    s_recall = cf_recall_new (loop, cf_test_postgres (), S_MOST, &error);
    ck_assert_msg (s_recall != NULL, "%s", error.text);
    run_t run = { .fn = fn };
    cf_task_start (loop, s_body, &run, NULL);
    while (!run.done)
        cf_loop_turn (loop, 1000);
    cf_recall_destroy (&s_recall);
    cf_loop_destroy (&loop);
    cf_task_free_pool ();
    cf_buf_free (&s_literal);
}

START_TEST (the_nearest_come_first) { s_run (s_recalls); } END_TEST
START_TEST (a_pattern_is_kept_once) { s_run (s_keeps_once); } END_TEST
START_TEST (the_same_is_kept_once) { s_run (s_knows_the_same); } END_TEST
START_TEST (what_proved_itself_longest_ago_goes) { s_run (s_forgets); } END_TEST
START_TEST (metadata_must_be_an_object) { s_run (s_refuses); } END_TEST
START_TEST (emptiness_is_known_without_asking) { s_run (s_knows_emptiness); } END_TEST

int
main (void)
{
    cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");
    Suite *suite = suite_create ("recall");
    TCase *all = tcase_create ("recall");
    tcase_set_timeout (all, 60);
    tcase_add_test (all, the_nearest_come_first);
    tcase_add_test (all, a_pattern_is_kept_once);
    tcase_add_test (all, the_same_is_kept_once);
    tcase_add_test (all, what_proved_itself_longest_ago_goes);
    tcase_add_test (all, metadata_must_be_an_object);
    tcase_add_test (all, emptiness_is_known_without_asking);
    suite_add_tcase (suite, all);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    cf_test_postgres_stop ();
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}
