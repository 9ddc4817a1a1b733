/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - documents as the HTTP API shows them, ownership, pages, changes, the archive, against a real PostgreSQL */

#include "actors/project/projects.h"
#include "actors/project/files.h"
#include "tests/unit/actors/project/scene.h"

/* ---- projects ---- */

static void
s_creates (cf_task_t *task)
{
    cf_json_t *made = scene_show (cf_projects_create, P1, ANNE, "{\"title\":\"Plänt \\\"Pal\\\"\",\"description\":\"waters\",\"mode\":\"student\",\"tech_stack\":[\"C\",\"SQL\"]}");
    scene_keys (made, "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at ");
    scene_str (made, "id", P1);
    scene_str (made, "user_id", ANNE);
    scene_str (made, "title", "Plänt \"Pal\"");
    scene_str (made, "description", "waters");
    scene_str (made, "mode", "student");
    scene_str (made, "status", "planning");
    ck_assert (json_is_null (json_object_get (made, "requirements_spec")));
    ck_assert_uint_eq (json_array_size (json_object_get (made, "tech_stack")), 2);
    scene_time (made, "created_at");
    scene_time (made, "updated_at");
    cf_json_t *again = scene_show (cf_projects_create, P1, ANNE, "{\"title\":\"Something else\"}"), *read = scene_show (cf_projects_read, P1, ANNE);
    ck_assert (json_equal (made, again));
    ck_assert (json_equal (made, read));
    json_decref (again);
    json_decref (read);
    json_decref (made);
    ck_assert_ptr_null (scene_show (cf_projects_create, P1, BERT, "{\"title\":\"Mine now\"}"));
    made = scene_show (cf_projects_create, P2, ANNE, "{\"title\":\"Ada\",\"description\":null,\"mode\":null,\"tech_stack\":null}");
    scene_str (made, "mode", "builder");
    ck_assert (json_is_null (json_object_get (made, "description")));
    ck_assert_uint_eq (json_array_size (json_object_get (made, "tech_stack")), 0);
    ck_assert (json_is_array (json_object_get (made, "tech_stack")));
    json_decref (made);
}

static void
s_refuses_bodies (cf_task_t *task)
{
    static const char *const bodies [] = {
        "{\"title\":\"ab\"}", "{}", "{\"title\":\"abc\",\"mode\":\"expert\"}", "{\"title\":\"abc\",\"tech_stack\":1}", "{", "",
        "{\"title\":\"a\\u0000bc\"}", "{\"title\":\"abc\xff\"}"
    };
    for (size_t at = 0; at < sizeof bodies / sizeof bodies [0]; at++) {
        cf_db_result_t *result = NULL;
        cf_error_t error = { 0 };
        ck_assert_int_eq (cf_projects_create (scene_tables, task, P1, ANNE, bodies [at], &result, &error), -1);
        ck_assert_msg (error.code == CF_ERROR_INVALID, "%s: %s", bodies [at], error.text);
        ck_assert_ptr_null (result);
    }
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.projects"), "0");
}

static void
s_owns (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    scene_apply (task, J1, "code:files", P1, "{\"files\":[{\"file_path\":\"src/a.c\",\"content\":\"x\",\"language\":\"c\"}]}");
    ck_assert_ptr_null (scene_show (cf_projects_read, P1, BERT));
    ck_assert_ptr_null (scene_show (cf_files_list, P1, BERT, true));
    ck_assert_ptr_null (scene_show (cf_files_list, P1, BERT, false));
    ck_assert_ptr_null (scene_show (cf_files_read, P1, BERT, "src/a.c"));
    ck_assert_ptr_null (scene_show (cf_projects_read, P2, ANNE));
    cf_json_t *page = scene_show (cf_projects_list, BERT, "", "", 1, 20);
    ck_assert_int_eq (cf_json_int (page, "total", -1), 0);
    json_decref (page);
}

static void
s_check_page (cf_task_t *task, const char *mode, const char *status, uint32_t number, size_t items, int64_t total, bool has_more)
{
    cf_json_t *page = scene_show (cf_projects_list, ANNE, mode, status, number, 3);
    scene_keys (page, "items total page page_size has_more ");
    ck_assert_uint_eq (json_array_size (json_object_get (page, "items")), items);
    ck_assert (json_is_array (json_object_get (page, "items")));
    ck_assert_int_eq (cf_json_int (page, "total", -1), total);
    ck_assert_int_eq (cf_json_int (page, "page", -1), number);
    ck_assert_int_eq (cf_json_int (page, "page_size", -1), 3);
    ck_assert_int_eq (cf_json_bool (page, "has_more", !has_more), has_more);
    json_decref (page);
}

static void
s_lists (cf_task_t *task)
{
    char id [CF_UUID_SIZE];
    for (int at = 1; at <= 7; at++) {
        snprintf (id, sizeof id, "aaaaaaaa-0000-4000-8000-%012d", at);
        json_decref (scene_show (cf_projects_create, id, ANNE, at % 2? "{\"title\":\"Odd\"}": "{\"title\":\"Even\",\"mode\":\"student\"}"));
    }
    cf_test_sql ("update public.projects set status = 'archived' where id::text like '%7'");
    s_check_page (task, "", "", 1, 3, 6, true);
    s_check_page (task, "", "", 2, 3, 6, false);
    s_check_page (task, "", "", 3, 0, 6, false);
    s_check_page (task, "", "", UINT32_MAX, 0, 6, false);
    s_check_page (task, "student", "", 1, 3, 3, false);
    s_check_page (task, "builder", "planning", 1, 3, 3, false);
    s_check_page (task, "", "archived", 1, 1, 1, false);
    s_check_page (task, "nonsense", "", 1, 0, 0, false);
    cf_json_t *page = scene_show (cf_projects_list, ANNE, "", "", 1, 50);
    scene_str (json_array_get (json_object_get (page, "items"), 0), "id", "aaaaaaaa-0000-4000-8000-000000000006");
    scene_str (json_array_get (json_object_get (page, "items"), 5), "id", P1);
    scene_keys (json_array_get (json_object_get (page, "items"), 0),
            "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at ");
    json_decref (page);
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_projects_list (scene_tables, task, ANNE, "", "", 0, 20, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_int_eq (cf_projects_list (scene_tables, task, ANNE, "", "", 1, 51, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (scene_tables, task, ANNE, "", "", 1, 0, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (scene_tables, task, ANNE, "student,builder", "", 1, 20, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (scene_tables, task, ANNE, "", "}", 1, 20, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
}


/* ---- changes ---- */

static void
s_updates (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    cf_json_t *made = scene_show (cf_projects_read, P1, ANNE);
    cf_json_t *changed = scene_show (cf_projects_update, P1, ANNE, "{\"description\":\"waters plants\",\"title\":null}");
    scene_keys (changed, "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at ");
    scene_str (changed, "title", "A project");
    scene_str (changed, "description", "waters plants");
    ck_assert_int_gt (strcmp (cf_json_str (changed, "updated_at", ""), cf_json_str (made, "updated_at", "")), 0);
    json_decref (changed);
    json_decref (made);
    changed = scene_show (cf_projects_update, P1, ANNE, "{\"title\":\"Plant Pal\",\"status\":\"building\"}");
    scene_str (changed, "title", "Plant Pal");
    scene_str (changed, "status", "building");
    scene_str (changed, "description", "waters plants");
    json_decref (changed);
    ck_assert_str_eq (scene_judge (cf_projects_update, P1, BERT, "{\"title\":\"Mine now\"}"), "none");
    ck_assert_str_eq (scene_judge (cf_projects_update, P2, ANNE, "{\"title\":\"Mine now\"}"), "none");
    ck_assert_int_eq (scene_refused (cf_projects_update, P1, ANNE, "{\"title\":\"ab\"}"), CF_ERROR_INVALID);
    ck_assert_int_eq (scene_refused (cf_projects_update, P1, ANNE, "{\"status\":\"lost\"}"), CF_ERROR_INVALID);
}

static void
s_archives (cf_task_t *task)
{
    static const struct { const char *body, *verdict; } tries [] = {
        { "{\"title\":\"Changed\"}", "archived" }, { "{\"description\":\"Changed\"}", "archived" },
        { "{\"title\":\"Changed\",\"status\":\"archived\"}", "archived" }, { "{\"status\":\"archived\"}", "" },
        { "{\"title\":\"Changed\",\"status\":null}", "archived" }, { "{\"title\":\"Brought back\",\"status\":\"planning\"}", "" },
        { "{\"title\":\"Changed\"}", "" }
    };
    scene_project (P1, ANNE, "builder");
    ck_assert_str_eq (scene_judge (cf_projects_archive, P1, BERT), "none");
    for (int times = 0; times < 2; times++) {
        cf_json_t *archived = scene_show (cf_projects_archive, P1, ANNE);
        scene_str (archived, "status", "archived");
        json_decref (archived);
    }
    for (size_t at = 0; at < sizeof tries / sizeof tries [0]; at++) {
        const char *verdict = scene_judge (cf_projects_update, P1, ANNE, tries [at].body);
        ck_assert_msg (strcmp (verdict, tries [at].verdict) == 0, "%s: %s", tries [at].body, verdict);
    }
    ck_assert_str_eq (cf_test_sql ("select title || ' ' || status from public.projects"), "Changed planning");
}

static void
s_lists_messages (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    scene_is (scene_show (cf_projects_list_messages, P1, ANNE, 1, 20), "{\"items\":[],\"total\":0,\"page\":1,\"page_size\":20,\"has_more\":false}");
    cf_test_sql ("insert into public.chat_messages (project_id, role, content, created_at, metadata)"
                 " select '" P1 "', 'user', n::text, now () - make_interval (mins => 100 - n), '{\"n\":1}' from generate_series (1, 5) n");
    cf_json_t *page = scene_show (cf_projects_list_messages, P1, ANNE, 2, 2);
    scene_keys (page, "items total page page_size has_more ");
    ck_assert_int_eq (cf_json_int (page, "total", -1), 5);
    ck_assert (cf_json_bool (page, "has_more", false));
    const cf_json_t *items = json_object_get (page, "items");
    scene_keys (json_array_get (items, 0), "id project_id role content is_thinking metadata created_at ");
    scene_str (json_array_get (items, 0), "content", "3");
    scene_str (json_array_get (items, 1), "content", "4");
    scene_time (json_array_get (items, 0), "created_at");
    json_decref (page);
    ck_assert_str_eq (scene_judge (cf_projects_list_messages, P1, BERT, 1, 20), "none");
    ck_assert_int_eq (scene_refused (cf_projects_list_messages, P1, ANNE, 0, 20), CF_ERROR_INVALID);
    ck_assert_int_eq (scene_refused (cf_projects_list_messages, P1, ANNE, 1, 101), CF_ERROR_INVALID);
    cf_test_sql ("insert into public.chat_messages (project_id, role, content) select '" P1 "', 'user', repeat ('x', 1000000) from generate_series (1, 13)");
    ck_assert_int_eq (scene_refused (cf_projects_list_messages, P1, ANNE, 1, 100), CF_ERROR_INVALID);
    json_decref (scene_show (cf_projects_list_messages, P1, ANNE, 1, 10));
}

TEST (a_project_is_made_once, s_creates)
TEST (a_body_that_cannot_be_kept_is_refused, s_refuses_bodies)
TEST (what_is_anothers_is_unknown, s_owns)
TEST (pages_are_cut_newest_first, s_lists)
TEST (what_is_given_is_changed, s_updates)
TEST (an_archived_project_changes_its_status_alone, s_archives)
TEST (messages_come_oldest_first, s_lists_messages)

SCENE_MAIN ("projects", a_project_is_made_once, a_body_that_cannot_be_kept_is_refused, what_is_anothers_is_unknown,
            pages_are_cut_newest_first, what_is_given_is_changed, an_archived_project_changes_its_status_alone,
            messages_come_oldest_first)
