/* SPDX-License-Identifier: MPL-2.0 */
/*  students - roadmaps, steps, choices, sessions, progress; who is no student; against a real PostgreSQL */

#include "actors/project/students.h"
#include "tests/unit/actors/project/scene.h"

#define S1 "dddddddd-0000-4000-8000-000000000001"
#define S2 "dddddddd-0000-4000-8000-000000000002"

static void
s_roadmap (void)
{
    cf_test_sql ("insert into public.learning_roadmaps (project_id, modules) values ('" P1 "',"
                 " '[{\"title\":\"One\"},{\"title\":\"Two\"},{\"title\":\"Three\"}]')");
}

static void
s_reads (cf_task_t *task)
{
    scene_project (P1, ANNE, "student");
    ck_assert_str_eq (scene_judge (cf_students_read_roadmap, P1, ANNE), "roadmap");
    s_roadmap ();
    cf_json_t *roadmap = scene_show (cf_students_read_roadmap, P1, ANNE);
    scene_keys (roadmap, "id project_id modules current_step_index created_at ");
    ck_assert_uint_eq (json_array_size (json_object_get (roadmap, "modules")), 3);
    ck_assert_int_eq (cf_json_int (roadmap, "current_step_index", -1), 0);
    scene_time (roadmap, "created_at");
    json_decref (roadmap);
    ck_assert_str_eq (scene_judge (cf_students_read_roadmap, P1, BERT), "none");
}

static void
s_advances (cf_task_t *task)
{
    static const struct { uint32_t to; const char *verdict; } steps [] = {
        { 1, "" }, { 3, "" }, { 0, "" }, { 4, "step_index" }, { UINT32_MAX, "step_index" }, { 2, "" }, { 2, "" }
    };
    scene_project (P1, ANNE, "student");
    ck_assert_str_eq (scene_judge (cf_students_advance, P1, ANNE, 0), "roadmap");
    s_roadmap ();
    for (size_t at = 0; at < sizeof steps / sizeof steps [0]; at++)
        ck_assert_str_eq (scene_judge (cf_students_advance, P1, ANNE, steps [at].to), steps [at].verdict);
    cf_json_t *bound = scene_show (cf_students_advance, P1, ANNE, 9);
    ck_assert_int_eq (json_integer_value (bound), 3);
    json_decref (bound);
    cf_json_t *roadmap = scene_show (cf_students_advance, P1, ANNE, 3);
    scene_keys (roadmap, "id project_id modules current_step_index created_at ");
    ck_assert_int_eq (cf_json_int (roadmap, "current_step_index", -1), 3);
    json_decref (roadmap);
    ck_assert_str_eq (scene_judge (cf_students_advance, P1, BERT, 1), "none");
    ck_assert_str_eq (cf_test_sql ("select current_step_index from public.learning_roadmaps"), "3");
}

static void
s_chooses (cf_task_t *task)
{
    scene_project (P1, ANNE, "student");
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, ANNE, 0, "a"), "roadmap");
    s_roadmap ();
    scene_is (scene_show (cf_students_choose, P1, ANNE, 1, "with \"quotes\""),
              "{\"message\":\"The choice is kept.\",\"module_index\":1,\"option_id\":\"with \\\"quotes\\\"\"}");
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, ANNE, 1, "b"), "");
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, ANNE, 3, "b"), "module_index");
    cf_json_t *bound = scene_show (cf_students_choose, P1, ANNE, 3, "b");
    ck_assert_int_eq (json_integer_value (bound), 2);
    json_decref (bound);
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, BERT, 1, "c"), "none");
    ck_assert_str_eq (cf_test_sql ("select modules from public.learning_roadmaps"),
                      "[{\"title\": \"One\"}, {\"title\": \"Two\", \"choice\": \"b\"}, {\"title\": \"Three\"}]");
}

static void
s_learns (cf_task_t *task)
{
    static const char body [] = "{\"transcript\":[{\"said\":\"why?\"}],\"concepts_covered\":[\"loops\"],\"duration_minutes\":25}";
    scene_project (P1, ANNE, "student");
    scene_project (P2, BERT, "student");
    cf_json_t *first = scene_show (cf_students_add_session, S1, P1, ANNE, body);
    scene_keys (first, "id project_id transcript concepts_covered duration_minutes created_at ");
    scene_str (first, "id", S1);
    ck_assert_int_eq (cf_json_int (first, "duration_minutes", -1), 25);
    cf_json_t *again = scene_show (cf_students_add_session, S1, P1, ANNE, "{\"duration_minutes\":1}");
    ck_assert (json_equal (first, again));
    json_decref (again);
    json_decref (first);
    ck_assert_str_eq (scene_judge (cf_students_add_session, S1, P2, BERT, body), "session");
    ck_assert_str_eq (scene_judge (cf_students_add_session, S2, P1, BERT, body), "none");
    json_decref (scene_show (cf_students_add_session, S2, P1, ANNE, "{\"transcript\":null}"));
    ck_assert_int_eq (scene_refused (cf_students_add_session, J1, P1, ANNE, "{\"duration_minutes\":481}"), CF_ERROR_INVALID);
    ck_assert_int_eq (scene_refused (cf_students_add_session, J1, P1, ANNE, "{\"transcript\":{}}"), CF_ERROR_INVALID);
    cf_json_t *list = scene_show (cf_students_list_sessions, P1, ANNE, 100);
    scene_keys (list, "project_id count sessions ");
    ck_assert_int_eq (cf_json_int (list, "count", -1), 2);
    scene_str (json_array_get (json_object_get (list, "sessions"), 0), "id", S2);
    scene_str (json_array_get (json_object_get (list, "sessions"), 1), "id", S1);
    json_decref (list);
    list = scene_show (cf_students_list_sessions, P1, ANNE, 1);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 1);
    json_decref (list);
    ck_assert_str_eq (scene_judge (cf_students_list_sessions, P1, BERT, 5), "none");
    ck_assert_int_eq (scene_refused (cf_students_list_sessions, P1, ANNE, 0), CF_ERROR_INVALID);
    ck_assert_int_eq (scene_refused (cf_students_list_sessions, P1, ANNE, 101), CF_ERROR_INVALID);
}

static void
s_progresses (cf_task_t *task)
{
    static const struct { uint32_t step; const char *shown; } steps [] = {
        { 0, "\"completed_modules\":0,\"total_modules\":3,\"current_module\":\"One\",\"percent_complete\":0.0," },
        { 1, "\"completed_modules\":1,\"total_modules\":3,\"current_module\":\"Two\",\"percent_complete\":33.3," },
        { 3, "\"completed_modules\":3,\"total_modules\":3,\"current_module\":null,\"percent_complete\":100.0," }
    };
    scene_project (P1, ANNE, "student");
    ck_assert_str_eq (scene_judge (cf_students_read_progress, P1, ANNE), "roadmap");
    s_roadmap ();
    json_decref (scene_show (cf_students_add_session, S1, P1, ANNE, "{\"duration_minutes\":25}"));
    json_decref (scene_show (cf_students_add_session, S2, P1, ANNE, "{\"duration_minutes\":10}"));
    const char *id = cf_test_sql ("select id from public.learning_roadmaps");
    for (size_t at = 0; at < sizeof steps / sizeof steps [0]; at++) {
        char expected [400];
        snprintf (expected, sizeof expected, "{\"roadmap_id\":\"%s\",\"project_id\":\"" P1 "\",%s\"total_sessions\":2,\"total_time_minutes\":35}",
                  id, steps [at].shown);
        ck_assert_str_eq (scene_judge (cf_students_advance, P1, ANNE, steps [at].step), "");
        scene_is (scene_show (cf_students_read_progress, P1, ANNE), expected);
    }
    ck_assert_str_eq (scene_judge (cf_students_read_progress, P1, BERT), "none");
}

static void
s_judges (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    s_roadmap ();
    ck_assert_str_eq (scene_judge (cf_students_read_roadmap, P1, ANNE), "mode");
    ck_assert_str_eq (scene_judge (cf_students_advance, P1, ANNE, 1), "mode");
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, ANNE, 1, "a"), "mode");
    ck_assert_str_eq (scene_judge (cf_students_add_session, S1, P1, ANNE, "{}"), "mode");
    ck_assert_str_eq (scene_judge (cf_students_list_sessions, P1, ANNE, 5), "mode");
    ck_assert_str_eq (scene_judge (cf_students_read_progress, P1, ANNE), "mode");
    cf_test_sql ("update public.projects set mode = 'student', status = 'archived'");
    ck_assert_str_eq (scene_judge (cf_students_read_roadmap, P1, ANNE), "");
    ck_assert_str_eq (scene_judge (cf_students_advance, P1, ANNE, 1), "archived");
    ck_assert_str_eq (scene_judge (cf_students_choose, P1, ANNE, 1, "a"), "archived");
    ck_assert_str_eq (scene_judge (cf_students_add_session, S1, P1, ANNE, "{}"), "archived");
    ck_assert_str_eq (scene_judge (cf_students_list_sessions, P1, ANNE, 5), "");
    ck_assert_str_eq (scene_judge (cf_students_read_progress, P1, ANNE), "");
    ck_assert_str_eq (cf_test_sql ("select (select count (*) from public.daily_sessions) || ' ' || current_step_index || ' ' || (modules::text like '%choice%')"
                                   " from public.learning_roadmaps"), "0 0 false");
}

TEST (a_roadmap_is_shown_once_there_is_one, s_reads)
TEST (a_step_stays_within_the_roadmap, s_advances)
TEST (a_choice_is_kept_in_its_module, s_chooses)
TEST (sessions_are_kept_once_and_shown_newest_first, s_learns)
TEST (progress_counts_modules_and_minutes, s_progresses)
TEST (only_student_projects_learn_and_archived_ones_no_more, s_judges)

SCENE_MAIN ("students", a_roadmap_is_shown_once_there_is_one, a_step_stays_within_the_roadmap, a_choice_is_kept_in_its_module,
            sessions_are_kept_once_and_shown_newest_first, progress_counts_modules_and_minutes,
            only_student_projects_learn_and_archived_ones_no_more)
