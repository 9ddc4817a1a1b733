/* SPDX-License-Identifier: MPL-2.0 */
/*  scene - a task with the store's tables before it, empty, in a real PostgreSQL; documents taken apart */
#ifndef CF_TESTS_SCENE_H
#define CF_TESTS_SCENE_H

#include "actors/project/effects.h"
#include "actors/project/tables.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "proto/base/uuid.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define ANNE "11111111-1111-4111-8111-111111111111"
#define BERT "22222222-2222-4222-8222-222222222222"
#define P1 "aaaaaaaa-0000-4000-8000-000000000001"
#define P2 "aaaaaaaa-0000-4000-8000-000000000002"
#define J1 "bbbbbbbb-0000-4000-8000-000000000001"
#define J2 "bbbbbbbb-0000-4000-8000-000000000002"

extern cf_loop_t *scene_loop;
extern cf_tables_t *scene_tables;

typedef void (scene_fn) (cf_task_t *task);

typedef struct {
    scene_fn *fn;
    bool done;
} scene_run_t;

static inline void
scene_body (cf_task_t *task, void *arg)
{
    scene_run_t *run = arg;
    run->fn (task);
    run->done = true;
}

/*  Runs fn in a task to its end, with tables that hold nothing. */
static inline void
scene_play (scene_fn *fn)
{
    cf_error_t error = { 0 };
    cf_test_sql ("truncate public.projects, public.profiles, public.waitlist, public.agent_jobs, codeforge.applied_effects,"
                 " codeforge.file_writes, codeforge.idempotency_keys cascade");
    scene_loop = cf_loop_new ();
    scene_tables = cf_tables_new (scene_loop, cf_test_postgres (), &error);
    ck_assert_msg (scene_tables != NULL, "%s", error.text);
    scene_run_t run = { .fn = fn };
    cf_task_start (scene_loop, scene_body, &run, NULL);
    while (!run.done)
        cf_loop_turn (scene_loop, 1000);
    cf_tables_destroy (&scene_tables);
    cf_loop_destroy (&scene_loop);
    cf_task_free_pool ();
}

/*  The document in result, which ends; NULL where there is no row, json null where there is no value. */
static inline cf_json_t *
scene_document (int rc, cf_db_result_t **result, const cf_error_t *error)
{
    ck_assert_msg (rc == 0, "%s", error->text);
    cf_json_t *document = NULL;
    cf_error_t malformed = { 0 };
    if (cf_db_rows (*result)) {
        const char *text = cf_db_value (*result, 0, 0);
        document = text? cf_json_parse (text, strlen (text), &malformed): json_null ();
        ck_assert_msg (document != NULL, "%s: %s", malformed.text, text);
    }
    cf_db_result_destroy (result);
    return document;
}

/*  The verdict in result, which ends; "none" where there is no row. Valid until the next call. */
static inline const char *
scene_verdict (int rc, cf_db_result_t **result, const cf_error_t *error)
{
    static char verdict [64];
    ck_assert_msg (rc == 0, "%s", error->text);
    const char *text = cf_db_value (*result, 0, 1);
    snprintf (verdict, sizeof verdict, "%s", !cf_db_rows (*result)? "none": text? text: "");
    cf_db_result_destroy (result);
    return verdict;
}

/*  scene_show (cf_projects_read, P1, ANNE): what it finds, as a document; scene_judge: its verdict. */
#define SCENE_ASK(taker_, function_, ...)                                                       \
    __extension__ ({                                                                                      \
        cf_db_result_t *result_ = NULL;                                                         \
        cf_error_t error_ = { 0 };                                                              \
        int rc_ = function_ (scene_tables, task, __VA_ARGS__, &result_, &error_);               \
        taker_ (rc_, &result_, &error_);                                                        \
    })
#define scene_show(function_, ...) SCENE_ASK (scene_document, function_, __VA_ARGS__)
#define scene_judge(function_, ...) SCENE_ASK (scene_verdict, function_, __VA_ARGS__)

/*  Must be refused; the code. */
#define scene_refused(function_, ...) SCENE_ASK (scene_code, function_, __VA_ARGS__)

static inline cf_error_code_t
scene_code (int rc, cf_db_result_t **result, const cf_error_t *error)
{
    ck_assert_int_eq (rc, -1);
    ck_assert_ptr_null (*result);
    return error->code;
}

static inline void
scene_apply (cf_task_t *task, const char *job, const char *effect, const char *project, const char *changes)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_effects_apply (scene_tables, task, job, effect, project, changes, &error) == 0, "%s", error.text);
}

/*  Makes a project by hand. */
static inline void
scene_project (const char *id, const char *user, const char *mode)
{
    char text [300];
    snprintf (text, sizeof text, "insert into public.projects (id, user_id, title, mode) values ('%s', '%s', 'A project', '%s')", id, user, mode);
    cf_test_sql (text);
}

static inline void
scene_keys (const cf_json_t *object, const char *expected)
{
    char keys [300] = "";
    const char *key;
    cf_json_t *value;
    json_object_foreach ((cf_json_t *) (uintptr_t) object, key, value)
        snprintf (keys + strlen (keys), sizeof keys - strlen (keys), "%s ", key);
    ck_assert_str_eq (keys, expected);
}

/*  "2026-01-31T23:59:59.123456Z" */
static inline void
scene_time (const cf_json_t *object, const char *key)
{
    const char *text = cf_json_str (object, key, "");
    ck_assert_msg (strlen (text) == 27 && text [4] == '-' && text [10] == 'T' && text [19] == '.' && text [26] == 'Z', "%s", text);
    char now [CF_CLOCK_RFC3339_SIZE];
    ck_assert_msg (strncmp (text, cf_clock_rfc3339 (cf_clock_wall_us (), now), 10) <= 0, "%s is after %s", text, now);
}

static inline void
scene_str (const cf_json_t *object, const char *key, const char *expected)
{
    ck_assert_str_eq (cf_json_str (object, key, "(none)"), expected);
}

/*  What the document prints as; it ends. */
static inline void
scene_is (cf_json_t *document, const char *expected)
{
    char *text = cf_json_print (document);
    ck_assert_str_eq (text, expected);
    free (text);
    json_decref (document);
}

#define TEST(name_, body_) START_TEST (name_) { scene_play (body_); } END_TEST

/*  The suite's main: one server for all its tests. */
#define SCENE_MAIN(name_, ...)                                                                  \
    cf_loop_t *scene_loop;                                                                      \
    cf_tables_t *scene_tables;                                                                  \
                                                                                                \
    int                                                                                         \
    main (void)                                                                                 \
    {                                                                                           \
        const TTest *tests [] = { __VA_ARGS__ };                                                \
        cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");                                     \
        Suite *suite = suite_create (name_);                                                    \
        TCase *all = tcase_create (name_);                                                      \
        tcase_set_timeout (all, 60);                                                            \
        for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++)                         \
            tcase_add_test (all, tests [at]);                                                   \
        suite_add_tcase (suite, all);                                                           \
        SRunner *runner = srunner_create (suite);                                               \
        srunner_run_all (runner, CK_NORMAL);                                                    \
        int failed = srunner_ntests_failed (runner);                                            \
        srunner_free (runner);                                                                  \
        cf_test_postgres_stop ();                                                               \
        return failed? EXIT_FAILURE: EXIT_SUCCESS;                                              \
    }

#endif
