/* SPDX-License-Identifier: MPL-2.0 */
/*  effects - happen once, all or nothing, also when many come at once and while the database dies, against a real PostgreSQL */

#include "actors/project/files.h"
#include "actors/project/projects.h"
#include "tests/unit/actors/project/scene.h"

/*  Must be refused; the code. */
static cf_error_code_t
s_refused (cf_task_t *task, const char *job, const char *effect, const char *project, const char *changes)
{
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_effects_apply (scene_tables, task, job, effect, project, changes, &error), -1);
    return error.code;
}

/* ---- effects ---- */

static void
s_applies_once (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    static const char changes [] =
        "{\"status\":\"in-progress\",\"requirements_spec\":{\"app_name\":\"Pal\"},\"message\":{\"role\":\"assistant\",\"content\":\"done\"}}";
    for (int times = 0; times < 3; times++)
        scene_apply (task, J1, "research:requirements", P1, changes);
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.chat_messages"), "1");
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.applied_effects"), "1");
    scene_apply (task, J1, "research:requirements", P1, "{\"status\":\"completed\"}");
    cf_json_t *project = scene_show (cf_projects_read, P1, ANNE);
    scene_str (project, "status", "in-progress");
    scene_str (json_object_get (project, "requirements_spec"), "app_name", "Pal");
    ck_assert (json_is_null (json_object_get (project, "architecture_spec")));
    ck_assert (strcmp (cf_json_str (project, "updated_at", ""), cf_json_str (project, "created_at", "")) > 0);
    json_decref (project);
    scene_apply (task, J2, "wireframe:architecture", P1, "{\"status\":\"in-progress\",\"architecture_spec\":{\"site_map\":[]}}");
    project = scene_show (cf_projects_read, P1, ANNE);
    scene_str (json_object_get (project, "requirements_spec"), "app_name", "Pal");
    ck_assert (json_is_object (json_object_get (project, "architecture_spec")));
    json_decref (project);
}

static void
s_says (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    scene_apply (task, J1, "code.2:files", P1, "{\"message\":{\"role\":\"assistant\",\"content\":\"first\"}}");
    scene_apply (task, J1, "qa:user_message", P1, "{\"message\":{\"role\":\"user\",\"content\":\"sec\\u0000ond \\ud83d\\ude00\"}}");
    scene_apply (task, J1, "builder:completed", P1, "{\"message\":{\"role\":\"assistant\",\"content\":\"third\"},\"status\":\"completed\"}");
    ck_assert_str_eq (cf_test_sql ("select json_agg (json_build_array (role, content, metadata) order by created_at)::jsonb from public.chat_messages"),
        "[[\"assistant\", \"first\", {\"job_id\": \"" J1 "\", \"agent_type\": \"code\"}],"
        " [\"user\", \"second \xF0\x9F\x98\x80\", {\"job_id\": \"" J1 "\"}],"
        " [\"assistant\", \"third\", {\"job_id\": \"" J1 "\", \"agent_type\": \"builder\"}]]");
}

static void
s_keeps_archived (cf_task_t *task)
{
    static const struct { const char *was, *said, *becomes; } moves [] = {
        { "planning", "in-progress", "in-progress" }, { "in-progress", "building", "building" }, { "building", "completed", "completed" },
        { "completed", "building", "building" }, { "archived", "in-progress", "archived" }, { "archived", "building", "archived" },
        { "archived", "completed", "archived" }
    };
    scene_project (P1, ANNE, "builder");
    for (size_t at = 0; at < sizeof moves / sizeof moves [0]; at++) {
        char text [200], effect [40];
        snprintf (text, sizeof text, "update public.projects set status = '%s'", moves [at].was);
        cf_test_sql (text);
        snprintf (text, sizeof text, "{\"status\":\"%s\"}", moves [at].said);
        snprintf (effect, sizeof effect, "e%zu", at);
        scene_apply (task, J1, effect, P1, text);
        ck_assert_str_eq (cf_test_sql ("select status from public.projects"), moves [at].becomes);
    }
}

static void
s_refuses_effects (cf_task_t *task)
{
    static const char message [] = "{\"message\":{\"role\":\"user\",\"content\":\"x\"}}";
    scene_project (P1, ANNE, "builder");
    ck_assert_int_eq (s_refused (task, J1, "a", P2, message), CF_ERROR_NOT_FOUND);
    ck_assert_int_eq (s_refused (task, J1, "a", P2, "{\"status\":\"building\"}"), CF_ERROR_NOT_FOUND);
    ck_assert_int_eq (s_refused (task, J1, "", P1, message), CF_ERROR_INVALID);
    ck_assert_int_eq (s_refused (task, J1, "a", P1, "{\"files\":[{\"file_path\":\"../a\",\"content\":\"\"}]}"), CF_ERROR_INVALID);
    ck_assert_int_eq (s_refused (task, J1, "a", P1, "{"), CF_ERROR_INVALID);
    ck_assert_str_eq (cf_test_sql ("select (select count (*) from codeforge.applied_effects) + (select count (*) from public.chat_messages)"), "0");
}

static void
s_shows_context (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    scene_apply (task, J1, "e", P1, "{\"requirements_spec\":{\"a\":1},\"files\":[{\"file_path\":\"a.js\",\"content\":\"x\",\"language\":\"js\"}]}");
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    cf_json_t *context = scene_document (cf_projects_read_context (scene_tables, task, P1, &result, &error), &result, &error);
    char *text = cf_json_print (context);
    ck_assert_str_eq (text, "{\"title\":\"A project\",\"requirements_spec\":{\"a\":1},\"architecture_spec\":null,"
                            "\"files\":[{\"file_path\":\"a.js\",\"content\":\"x\",\"language\":\"javascript\"}]}");
    free (text);
    json_decref (context);
    ck_assert_ptr_null (scene_document (cf_projects_read_context (scene_tables, task, P2, &result, &error), &result, &error));
}

static void
s_forgets (cf_task_t *task)
{
    cf_error_t error = { 0 };
    scene_project (P1, ANNE, "builder");
    scene_apply (task, J1, "ended", P1, "{}");
    scene_apply (task, J2, "open", P1, "{}");
    cf_test_sql ("insert into public.agent_jobs (id, user_id, agent_type, completed_at)"
                 " values ('" J1 "', '" ANNE "', 'qa', now () - interval '31 days'), ('" J2 "', '" ANNE "', 'qa', null)");
    ck_assert_int_eq (cf_effects_prune (scene_tables, task, 32, &error), 0);
    ck_assert_int_eq (cf_effects_prune (scene_tables, task, 30, &error), 1);
    ck_assert_str_eq (cf_test_sql ("select string_agg (effect, ' ') from codeforge.applied_effects"), "open");
}

/* ---- many at once ---- */

#define MANY 500

static int s_left;

static void
s_apply_one (cf_task_t *task, void *arg)
{
    int at = (int) (intptr_t) arg;
    char job [CF_UUID_SIZE], changes [300];
    snprintf (job, sizeof job, "cccccccc-0000-4000-8000-%012d", at / 2);       /* each is asked for twice */
    snprintf (changes, sizeof changes, "{\"status\":\"building\",\"message\":{\"role\":\"assistant\",\"content\":\"%d\"},"
              "\"files\":[{\"file_path\":\"src/%d.js\",\"content\":\"%d\",\"language\":\"js\"}]}", at, at % 7, at);
    if (at % 50 == 9)
        ck_assert_int_eq (s_refused (task, job, "bad", P1, "{\"status\":\"no\"}"), CF_ERROR_INVALID);
    scene_apply (task, job, "code:files", at % 4 < 2? P1: P2, changes);
    s_left--;
}

static void
s_applies_many (cf_task_t *task)
{
    cf_error_t error = { 0 };
    scene_project (P1, ANNE, "builder");
    scene_project (P2, ANNE, "builder");
    s_left = MANY;
    for (int at = 0; at < MANY; at++)
        cf_task_start (scene_loop, s_apply_one, (void *) (intptr_t) at, NULL);
    while (s_left)
        ck_assert_int_eq (cf_task_sleep (task, 1, &error), 0);
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.chat_messages"), "250");
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.project_files"), "14");
}

static void
s_fails_while_down (cf_task_t *task)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    scene_project (P1, ANNE, "builder");
    cf_test_postgres_kill ();
    uint64_t since_ms = cf_clock_ms ();
    ck_assert_int_eq (cf_projects_read (scene_tables, task, P1, ANNE, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_DOWN);
    ck_assert_uint_lt (cf_clock_ms () - since_ms, 4000);
    cf_test_postgres_start ();
    do
        error = (cf_error_t) { 0 };
    while (cf_effects_apply (scene_tables, task, J1, "late", P1, "{\"status\":\"building\"}", &error) && error.code == CF_ERROR_DATABASE_DOWN);
    ck_assert_msg (!error.code, "%s", error.text);
    cf_json_t *project = scene_show (cf_projects_read, P1, ANNE);
    scene_str (project, "status", "building");
    json_decref (project);
}


static void
s_replaces_roadmaps (cf_task_t *task)
{
    scene_project (P1, ANNE, "student");
    scene_apply (task, J1, "roadmap:roadmap", P1, "{\"roadmap\":{\"modules\":[{\"title\":\"One\"},{\"title\":\"Two\"}],\"prerequisites\":[]}}");
    ck_assert_str_eq (cf_test_sql ("select modules from public.learning_roadmaps"), "[{\"title\": \"One\"}, {\"title\": \"Two\"}]");
    const char *first = cf_test_sql ("update public.learning_roadmaps set current_step_index = 2 returning id");
    scene_apply (task, J1, "roadmap:roadmap", P1, "{\"roadmap\":{\"modules\":[]}}");
    ck_assert_str_eq (cf_test_sql ("select current_step_index from public.learning_roadmaps"), "2");
    scene_apply (task, J2, "roadmap:roadmap", P1, "{\"roadmap\":{\"modules\":[{\"title\":\"New\"}]},\"status\":\"in-progress\"}");
    ck_assert_str_eq (cf_test_sql ("select modules::text || ' ' || current_step_index from public.learning_roadmaps"), "[{\"title\": \"New\"}] 0");
    ck_assert_str_ne (cf_test_sql ("select id from public.learning_roadmaps"), first);
    ck_assert_int_eq (s_refused (task, J2, "a", P1, "{\"roadmap\":{}}"), CF_ERROR_INVALID);
    ck_assert_int_eq (s_refused (task, J2, "a", P1, "{\"roadmap\":[]}"), CF_ERROR_INVALID);
}

TEST (an_effect_happens_once, s_applies_once)
TEST (messages_say_who_spoke, s_says)
TEST (an_archived_project_stays_archived, s_keeps_archived)
TEST (a_refused_effect_leaves_nothing, s_refuses_effects)
TEST (a_roadmap_replaces_the_former_one, s_replaces_roadmaps)
TEST (agents_get_the_context, s_shows_context)
TEST (effects_of_ended_jobs_are_forgotten, s_forgets)
TEST (many_effects_at_once_happen_once_each, s_applies_many)
TEST (a_dead_database_fails_fast_and_comes_back, s_fails_while_down)

SCENE_MAIN ("effects", an_effect_happens_once, messages_say_who_spoke, an_archived_project_stays_archived, a_refused_effect_leaves_nothing,
            a_roadmap_replaces_the_former_one, agents_get_the_context, effects_of_ended_jobs_are_forgotten,
            many_effects_at_once_happen_once_each, a_dead_database_fails_fast_and_comes_back)
