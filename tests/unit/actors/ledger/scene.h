/* SPDX-License-Identifier: MPL-2.0 */
/*  scene - desk and ledger as the jobs actor has them: a bus (world.h) and a PostgreSQL of the test's own
 *
 *  What watchers are told of a job is collected: "1:progress 2:step …".
 */
#ifndef CF_TESTS_SCENE_H
#define CF_TESTS_SCENE_H

#include "actors/ledger/desk.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/world.h"

#define SCENE_USER "11111111-1111-4111-8111-111111111111"
#define SCENE_PROJECT "aaaaaaaa-0000-4000-8000-000000000001"

static struct {
    cf_ledger_t *ledger;
    cf_desk_t *desk;
    cf_subscription_t *told_by;
    char told [4096];
    int overdue;
} scene;

static inline void scene_on_told (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) arg;
    (void) envelope;
    const cf_job_advanced_t *advanced = fields;
    size_t filled = strlen (scene.told);
    snprintf (scene.told + filled, sizeof scene.told - filled, "%llu:%s ", (unsigned long long) advanced->seq, advanced->event);
}

static inline void scene_on_accepted (void *arg, const char *id)
{
    (void) arg;
    cf_job_t *job = cf_desk_lookup (scene.desk, id, NULL);
    if (job)
        job->accepted = true;
}

static inline void scene_on_overdue (void *arg, cf_job_t *job)
{
    (void) arg;
    (void) job;
    scene.overdue++;
}

static inline void scene_open (void)
{
    cf_error_t error = { 0 };
    scene.ledger = cf_ledger_new (world.loop, scene_on_accepted, NULL, &error);
    ck_assert_msg (scene.ledger != NULL, "%s", error.text);
    scene.desk = cf_desk_new (world.loop, scene.ledger, scene_on_overdue, NULL);
    world_until (cf_ledger_is_up (scene.ledger));
}

/*  As a crash: what is not committed is lost. */
static inline void scene_close (void)
{
    cf_desk_close (scene.desk);
    cf_ledger_destroy (&scene.ledger);
    cf_desk_destroy (&scene.desk);
}

static inline void scene_begin (void)
{
    memset (&scene, 0, sizeof scene);
    world_begin ();
    cf_test_sql ("truncate public.projects, public.agent_jobs, codeforge.job_steps, codeforge.job_events cascade");
    cf_test_sql ("insert into public.projects (id, user_id, title) values ('" SCENE_PROJECT "', '" SCENE_USER "', 'a project')");
    cf_config_set (CF_CONFIG_DATABASE_URL, cf_test_postgres ());
    scene.told_by = cf_event_subscribe ("job.*", scene_on_told, NULL);
    scene_open ();
}

static inline void scene_end (void)
{
    cf_event_unsubscribe (&scene.told_by);
    scene_close ();
    world_end ();
}

/*  A job of kind qa in a project, whose acceptance is written and not committed. */
static inline cf_job_t *scene_new_job (const char *project)
{
    char id [CF_UUID_SIZE];
    cf_job_t *job = cf_job_new (cf_uuid_new (id), project, SCENE_USER, cf_job_kind ("qa"), "{\"code\":\"x\"}"), *taken = job;
    cf_desk_take (scene.desk, &taken);
    ck_assert_uint_gt (cf_ledger_accept (scene.ledger, job), 0);
    return job;
}

/*  One that the ledger has accepted. */
static inline cf_job_t *scene_job (void)
{
    cf_job_t *job = scene_new_job (SCENE_PROJECT);
    world_until (job->accepted);
    return job;
}

/*  The desk's job of that id, after it was read from the ledger. */
static inline void scene_take (void *arg, cf_job_t *job)
{
    (void) arg;
    cf_desk_take (scene.desk, &job);
}

static inline void scene_read_open (cf_task_t *task, void *arg)
{
    cf_error_t error = { 0 };
    int rc = cf_ledger_read_open (scene.ledger, task, scene_take, NULL, &error);
    ck_assert_msg (rc == 0, "%s", error.text);
    *(bool *) arg = true;
}

/*  What a new instance of the jobs actor begins with. */
static inline void scene_reopen (void)
{
    bool read = false;
    scene_close ();
    scene_open ();
    cf_task_start (world.loop, scene_read_open, &read, NULL);
    world_until (read);
}

static inline void scene_settle (void)
{
    world_until (cf_ledger_idle (scene.ledger));
}

/*  Kills the server, and waits until its last child has noticed: until then it may yet commit. */
static inline void scene_lose_database (void)
{
    cf_test_postgres_kill ();
    world_until (!cf_batch_is_up (cf_ledger_batch (scene.ledger)) && !cf_ledger_is_up (scene.ledger));
}

static inline cf_job_step_t scene_step (const cf_job_t *job, const char *name)
{
    return (cf_job_step_t) {
        .job = job->id, .attempt = job->attempt, .name = name, .output = "{\"passed\":true}", .outcome = "complete", .provider = "openai",
        .model = "gpt-4o", .input_tokens = 100, .output_tokens = 10, .cost_usd = 0.5, .started_wall_us = cf_clock_wall_us (), .first_token_ms = 120
    };
}

/*  The history in the ledger: "1:progress 2:step …"; one job at a time. */
static inline const char *scene_history (void)
{
    return cf_test_sql ("select coalesce (string_agg (seq || ':' || event || ' ', '' order by seq), '') from codeforge.job_events");
}

static inline int scene_main (const char *name, const TTest *const *tests, size_t count)
{
    cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");
    Suite *suite = suite_create (name);
    TCase *all = tcase_create (name);
    tcase_set_timeout (all, 120);
    for (size_t at = 0; at < count; at++)
        tcase_add_test (all, tests [at]);
    suite_add_tcase (suite, all);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    cf_test_postgres_stop ();
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}

#define SCENE_MAIN(name_, ...)                                                                      \
    int main (void)                                                                                 \
    {                                                                                               \
        const TTest *tests [] = { __VA_ARGS__ };                                                    \
        return scene_main (name_, tests, sizeof tests / sizeof tests [0]);                          \
    }

#endif
