/* SPDX-License-Identifier: MPL-2.0 */
/*  tables - what the database itself refuses, when a statement forgets to ask whose row it is; against a real PostgreSQL */

#include "tests/unit/actors/project/scene.h"

static void
s_fill (void)
{
    scene_project (P1, ANNE, "student");
    scene_project (P2, BERT, "student");
    cf_test_sql ("insert into public.project_files (project_id, path, content) select id, 'src/a', user_id::text from public.projects");
    cf_test_sql ("insert into public.chat_messages (project_id, role, content) select id, 'user', 'x' from public.projects");
    cf_test_sql ("insert into public.learning_roadmaps (project_id, modules) select id, '[]' from public.projects");
    cf_test_sql ("insert into public.daily_sessions (project_id) select id from public.projects");
    cf_test_sql ("insert into public.agent_jobs (id, project_id, user_id, agent_type) select gen_random_uuid (), id, user_id, 'qa' from public.projects");
    cf_test_sql ("insert into public.profiles (id) select user_id from public.projects");
}

/*  First value of a statement without any condition on the owner. */
static const char *
s_value (cf_task_t *task, bool write, const char *user, const char *sql)
{
    static char text [4] [64];
    static unsigned turn;
    cf_db_result_t *result;
    cf_error_t error = { 0 };
    int rc = (write? cf_tables_write: cf_tables_read) (scene_tables, task, user, &result, &error, sql, 0, NULL);
    ck_assert_msg (rc == 0, "%s: %s", sql, error.text);
    const char *value = cf_db_rows (result)? cf_db_value (result, 0, 0): "";
    char *kept = text [turn++ % 4];
    snprintf (kept, sizeof text [0], "%s", value? value: "null");
    cf_db_result_destroy (&result);
    return kept;
}

static void
s_confines (cf_task_t *task)
{
    static const char *const reads [] = {
        "select count (*) from public.projects", "select count (*) from public.project_files", "select count (*) from public.chat_messages",
        "select count (*) from public.learning_roadmaps", "select count (*) from public.daily_sessions",
        "select count (*) from public.agent_jobs", "select count (*) from public.profiles"
    };
    static const char *const writes [] = {
        "with w as (update public.projects set title = 'Taken over' returning 1) select count (*) from w",
        "with w as (update public.project_files set content = 'taken over' returning 1) select count (*) from w",
        "with w as (update public.learning_roadmaps set current_step_index = 0 returning 1) select count (*) from w",
        "with w as (update public.profiles set full_name = 'Taken' returning 1) select count (*) from w",
        "with w as (delete from public.project_files returning 1) select count (*) from w"
    };
    s_fill ();
    for (size_t at = 0; at < sizeof reads / sizeof reads [0]; at++) {
        ck_assert_str_eq (s_value (task, false, ANNE, reads [at]), "1");
        ck_assert_str_eq (s_value (task, false, J1, reads [at]), "0");
        ck_assert_str_eq (s_value (task, false, NULL, reads [at]), "2");
    }
    for (size_t at = 0; at < sizeof writes / sizeof writes [0]; at++) {
        ck_assert_str_eq (s_value (task, true, J1, writes [at]), "0");
        ck_assert_str_eq (s_value (task, true, ANNE, writes [at]), "1");
    }
    ck_assert_str_eq (cf_test_sql ("select string_agg (title, ',' order by id) from public.projects"), "Taken over,A project");
    ck_assert_str_eq (cf_test_sql ("select string_agg (content, ',') from public.project_files"), BERT);
}

static void
s_forbids (cf_task_t *task)
{
    static const char *const statements [] = {
        "insert into public.projects (user_id, title) values ('" BERT "', 'For Bert')",
        "update public.projects set user_id = '" ANNE "'", "delete from public.projects",
        "insert into public.project_files (project_id, path, content) values ('" P2 "', 'src/b', '')",
        "insert into public.agent_jobs (id, user_id, agent_type) values (gen_random_uuid (), '" ANNE "', 'qa')",
        "update public.agent_jobs set status = 'completed'", "select * from public.waitlist", "select * from codeforge.idempotency_keys",
        "insert into public.chat_messages (project_id, role, content) values ('" P1 "', 'assistant', 'x')"
    };
    s_fill ();
    for (size_t at = 0; at < sizeof statements / sizeof statements [0]; at++) {
        cf_db_result_t *result = NULL;
        cf_error_t error = { 0 };
        ck_assert_int_eq (cf_tables_write (scene_tables, task, ANNE, &result, &error, statements [at], 0, NULL), -1);
        ck_assert_msg (cf_db_refused_with (&error, "42501"), "%s: %s", statements [at], error.text);
    }
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_tables_read (scene_tables, task, "\",\"role\":\"service_role", &result, &error, "select 1", 0, NULL), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
}

TEST (a_statement_without_its_condition_finds_nothing_of_anothers, s_confines)
TEST (what_no_user_may_do_is_refused, s_forbids)

SCENE_MAIN ("tables", a_statement_without_its_condition_finds_nothing_of_anothers, what_no_user_may_do_is_refused)
