/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - documents as the HTTP API shows them, ownership, effects that happen once, against a real PostgreSQL */

#include "actors/project/projects.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "tests/support/migrated.h"
#include "tests/support/postgres.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define ANNE "11111111-1111-4111-8111-111111111111"
#define BERT "22222222-2222-4222-8222-222222222222"

static cf_loop_t *s_loop;
static cf_projects_t *s_projects;

typedef void (s_body_fn) (cf_task_t *task);

typedef struct {
    s_body_fn *fn;
    bool done;
} run_t;

static void
s_body (cf_task_t *task, void *arg)
{
    run_t *run = arg;
    run->fn (task);
    run->done = true;
}

/*  Runs fn in a task to its end, with tables that hold nothing. */
static void
s_run (s_body_fn *fn)
{
    cf_error_t error = { 0 };
    cf_test_sql ("truncate public.projects, public.agent_jobs, codeforge.applied_effects cascade");
    s_loop = cf_loop_new ();
    s_projects = cf_projects_new (s_loop, cf_test_postgres (), &error);
    ck_assert_msg (s_projects != NULL, "%s", error.text);
    run_t run = { .fn = fn };
    cf_task_start (s_loop, s_body, &run, NULL);
    while (!run.done)
        cf_loop_turn (s_loop, 1000);
    cf_projects_destroy (&s_projects);
    cf_loop_destroy (&s_loop);
    cf_task_free_pool ();
}

/*  The document in result, which ends; NULL where there is no row, json null where there is no value. */
static cf_json_t *
s_document (int rc, cf_db_result_t **result, const cf_error_t *error)
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

static cf_json_t *
s_create (cf_task_t *task, const char *id, const char *user, const char *body)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    return s_document (cf_projects_create (s_projects, task, id, user, body, &result, &error), &result, &error);
}

static cf_json_t *
s_read (cf_task_t *task, const char *id, const char *user)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    return s_document (cf_projects_read (s_projects, task, id, user, &result, &error), &result, &error);
}

static cf_json_t *
s_list (cf_task_t *task, const char *user, const char *mode, const char *status, uint32_t page, uint32_t size)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    return s_document (cf_projects_list (s_projects, task, user, mode, status, page, size, &result, &error), &result, &error);
}

static cf_json_t *
s_list_files (cf_task_t *task, const char *id, const char *user, bool with_content)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    return s_document (cf_projects_list_files (s_projects, task, id, user, with_content, &result, &error), &result, &error);
}

static cf_json_t *
s_read_file (cf_task_t *task, const char *id, const char *user, const char *path)
{
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    return s_document (cf_projects_read_file (s_projects, task, id, user, path, &result, &error), &result, &error);
}

static void
s_apply (cf_task_t *task, const char *job, const char *effect, const char *project, const char *changes)
{
    cf_error_t error = { 0 };
    ck_assert_msg (cf_projects_apply (s_projects, task, job, effect, project, changes, &error) == 0, "%s", error.text);
}

/*  Must be refused; the code. */
static cf_error_code_t
s_refused (cf_task_t *task, const char *job, const char *effect, const char *project, const char *changes)
{
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_projects_apply (s_projects, task, job, effect, project, changes, &error), -1);
    return error.code;
}

static void
s_keys (const cf_json_t *object, const char *expected)
{
    char keys [300] = "";
    const char *key;
    cf_json_t *value;
    json_object_foreach ((cf_json_t *) (uintptr_t) object, key, value)
        snprintf (keys + strlen (keys), sizeof keys - strlen (keys), "%s ", key);
    ck_assert_str_eq (keys, expected);
}

/*  "2026-01-31T23:59:59.123456Z" */
static void
s_time (const cf_json_t *object, const char *key)
{
    const char *text = cf_json_str (object, key, "");
    ck_assert_msg (strlen (text) == 27 && text [4] == '-' && text [10] == 'T' && text [19] == '.' && text [26] == 'Z', "%s", text);
    char now [CF_CLOCK_RFC3339_SIZE];
    ck_assert_msg (strncmp (text, cf_clock_rfc3339 (cf_clock_wall_us (), now), 10) <= 0, "%s is after %s", text, now);
}

static void
s_str (const cf_json_t *object, const char *key, const char *expected)
{
    ck_assert_str_eq (cf_json_str (object, key, "(none)"), expected);
}

/* ---- projects ---- */

#define P1 "aaaaaaaa-0000-4000-8000-000000000001"
#define P2 "aaaaaaaa-0000-4000-8000-000000000002"
#define J1 "bbbbbbbb-0000-4000-8000-000000000001"
#define J2 "bbbbbbbb-0000-4000-8000-000000000002"

static void
s_creates (cf_task_t *task)
{
    cf_json_t *made = s_create (task, P1, ANNE, "{\"title\":\"Plänt \\\"Pal\\\"\",\"description\":\"waters\",\"mode\":\"student\",\"tech_stack\":[\"C\",\"SQL\"]}");
    s_keys (made, "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at ");
    s_str (made, "id", P1);
    s_str (made, "user_id", ANNE);
    s_str (made, "title", "Plänt \"Pal\"");
    s_str (made, "description", "waters");
    s_str (made, "mode", "student");
    s_str (made, "status", "planning");
    ck_assert (json_is_null (json_object_get (made, "requirements_spec")));
    ck_assert_uint_eq (json_array_size (json_object_get (made, "tech_stack")), 2);
    s_time (made, "created_at");
    s_time (made, "updated_at");
    cf_json_t *again = s_create (task, P1, ANNE, "{\"title\":\"Something else\"}"), *read = s_read (task, P1, ANNE);
    ck_assert (json_equal (made, again));
    ck_assert (json_equal (made, read));
    json_decref (again);
    json_decref (read);
    json_decref (made);
    ck_assert_ptr_null (s_create (task, P1, BERT, "{\"title\":\"Mine now\"}"));
    made = s_create (task, P2, ANNE, "{\"title\":\"Ada\",\"description\":null,\"mode\":null,\"tech_stack\":null}");
    s_str (made, "mode", "builder");
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
        ck_assert_int_eq (cf_projects_create (s_projects, task, P1, ANNE, bodies [at], &result, &error), -1);
        ck_assert_msg (error.code == CF_ERROR_INVALID, "%s: %s", bodies [at], error.text);
        ck_assert_ptr_null (result);
    }
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.projects"), "0");
}

static void
s_owns (cf_task_t *task)
{
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    s_apply (task, J1, "code:files", P1, "{\"files\":[{\"file_path\":\"src/a.c\",\"content\":\"x\",\"language\":\"c\"}]}");
    ck_assert_ptr_null (s_read (task, P1, BERT));
    ck_assert_ptr_null (s_list_files (task, P1, BERT, true));
    ck_assert_ptr_null (s_list_files (task, P1, BERT, false));
    ck_assert_ptr_null (s_read_file (task, P1, BERT, "src/a.c"));
    ck_assert_ptr_null (s_read (task, P2, ANNE));
    cf_json_t *page = s_list (task, BERT, "", "", 1, 20);
    ck_assert_int_eq (cf_json_int (page, "total", -1), 0);
    json_decref (page);
}

static void
s_check_page (cf_task_t *task, const char *mode, const char *status, uint32_t number, size_t items, int64_t total, bool has_more)
{
    cf_json_t *page = s_list (task, ANNE, mode, status, number, 3);
    s_keys (page, "items total page page_size has_more ");
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
        json_decref (s_create (task, id, ANNE, at % 2? "{\"title\":\"Odd\"}": "{\"title\":\"Even\",\"mode\":\"student\"}"));
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
    cf_json_t *page = s_list (task, ANNE, "", "", 1, 50);
    s_str (json_array_get (json_object_get (page, "items"), 0), "id", "aaaaaaaa-0000-4000-8000-000000000006");
    s_str (json_array_get (json_object_get (page, "items"), 5), "id", P1);
    s_keys (json_array_get (json_object_get (page, "items"), 0),
            "id user_id title description mode status requirements_spec architecture_spec tech_stack created_at updated_at ");
    json_decref (page);
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_projects_list (s_projects, task, ANNE, "", "", 0, 20, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_int_eq (cf_projects_list (s_projects, task, ANNE, "", "", 1, 51, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (s_projects, task, ANNE, "", "", 1, 0, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (s_projects, task, ANNE, "student,builder", "", 1, 20, &result, &error), -1);
    ck_assert_int_eq (cf_projects_list (s_projects, task, ANNE, "", "}", 1, 20, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
}

/* ---- files ---- */

static void
s_shows_files (cf_task_t *task)
{
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    cf_json_t *list = s_list_files (task, P1, ANNE, true);
    s_keys (list, "project_id count files ");
    ck_assert_int_eq (cf_json_int (list, "count", -1), 0);
    ck_assert (json_is_array (json_object_get (list, "files")));
    json_decref (list);
    s_apply (task, J1, "code:files", P1, "{\"files\":[{\"file_path\":\"src/b.ts\",\"content\":\"let \\\"b\\\\n\\\";\\n\",\"language\":\"ts\"},"
                                         "{\"file_path\":\"src/a.py\",\"content\":\"\",\"language\":\"python\"}]}");
    list = s_list_files (task, P1, ANNE, false);
    s_str (list, "project_id", P1);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 2);
    const cf_json_t *files = json_object_get (list, "files");
    s_keys (json_array_get (files, 0), "id project_id path language version created_at updated_at ");
    s_str (json_array_get (files, 0), "path", "src/a.py");
    s_str (json_array_get (files, 0), "language", "text");
    s_time (json_array_get (files, 0), "created_at");
    json_decref (list);
    list = s_list_files (task, P1, ANNE, true);
    files = json_object_get (list, "files");
    s_keys (json_array_get (files, 1), "id project_id path content language version created_at updated_at ");
    s_str (json_array_get (files, 1), "content", "let \"b\\n\";\n");
    cf_json_t *file = s_read_file (task, P1, ANNE, "src/b.ts");
    ck_assert (json_equal (file, json_array_get (files, 1)));
    ck_assert_int_eq (cf_json_int (file, "version", -1), 1);
    s_str (file, "language", "typescript");
    json_decref (file);
    json_decref (list);
    ck_assert (json_is_null (s_read_file (task, P1, ANNE, "src/none.ts")));
}

static void
s_raises_versions (cf_task_t *task)
{
    static const char changes [] = "{\"files\":[{\"file_path\":\"a.js\",\"content\":\"%s\",\"language\":\"%s\"}]}";
    static const struct { const char *effect, *content, *language; int version; } runs [] = {
        { "code:files", "one", "js", 1 }, { "code.2:files", "one", "js", 1 }, { "code.3:files", "two", "js", 2 },
        { "code.3:files", "three", "js", 2 }, { "code.4:files", "two", "jsx", 2 }, { "code.5:files", "three", "js", 3 }
    };
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    for (size_t at = 0; at < sizeof runs / sizeof runs [0]; at++) {
        char text [200];
        snprintf (text, sizeof text, changes, runs [at].content, runs [at].language);
        s_apply (task, J1, runs [at].effect, P1, text);
        cf_json_t *file = s_read_file (task, P1, ANNE, "a.js");
        ck_assert_int_eq (cf_json_int (file, "version", -1), runs [at].version);
        json_decref (file);
    }
}

static void
s_refuses_too_much (cf_task_t *task)
{
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    cf_test_sql ("insert into public.project_files (project_id, path, content)"
                 " select '" P1 "', n::text, repeat ('x', 100000) from generate_series (1, 126) n");
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_projects_list_files (s_projects, task, P1, ANNE, true, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_ptr_null (result);
    ck_assert_int_eq (cf_projects_read_context (s_projects, task, P1, &result, &error), -1);
    cf_json_t *list = s_list_files (task, P1, ANNE, false);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 126);
    json_decref (list);
    cf_test_sql ("delete from public.project_files where path > '9'");
    list = s_list_files (task, P1, ANNE, true);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 116);
    json_decref (list);
}

/* ---- effects ---- */

static void
s_applies_once (cf_task_t *task)
{
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    static const char changes [] =
        "{\"status\":\"in-progress\",\"requirements_spec\":{\"app_name\":\"Pal\"},\"message\":{\"role\":\"assistant\",\"content\":\"done\"}}";
    for (int times = 0; times < 3; times++)
        s_apply (task, J1, "research:requirements", P1, changes);
    ck_assert_str_eq (cf_test_sql ("select count (*) from public.chat_messages"), "1");
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.applied_effects"), "1");
    s_apply (task, J1, "research:requirements", P1, "{\"status\":\"completed\"}");
    cf_json_t *project = s_read (task, P1, ANNE);
    s_str (project, "status", "in-progress");
    s_str (json_object_get (project, "requirements_spec"), "app_name", "Pal");
    ck_assert (json_is_null (json_object_get (project, "architecture_spec")));
    ck_assert (strcmp (cf_json_str (project, "updated_at", ""), cf_json_str (project, "created_at", "")) > 0);
    json_decref (project);
    s_apply (task, J2, "wireframe:architecture", P1, "{\"status\":\"in-progress\",\"architecture_spec\":{\"site_map\":[]}}");
    project = s_read (task, P1, ANNE);
    s_str (json_object_get (project, "requirements_spec"), "app_name", "Pal");
    ck_assert (json_is_object (json_object_get (project, "architecture_spec")));
    json_decref (project);
}

static void
s_says (cf_task_t *task)
{
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    s_apply (task, J1, "code.2:files", P1, "{\"message\":{\"role\":\"assistant\",\"content\":\"first\"}}");
    s_apply (task, J1, "qa:user_message", P1, "{\"message\":{\"role\":\"user\",\"content\":\"sec\\u0000ond \\ud83d\\ude00\"}}");
    s_apply (task, J1, "builder:completed", P1, "{\"message\":{\"role\":\"assistant\",\"content\":\"third\"},\"status\":\"completed\"}");
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
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    for (size_t at = 0; at < sizeof moves / sizeof moves [0]; at++) {
        char text [200], effect [40];
        snprintf (text, sizeof text, "update public.projects set status = '%s'", moves [at].was);
        cf_test_sql (text);
        snprintf (text, sizeof text, "{\"status\":\"%s\"}", moves [at].said);
        snprintf (effect, sizeof effect, "e%zu", at);
        s_apply (task, J1, effect, P1, text);
        ck_assert_str_eq (cf_test_sql ("select status from public.projects"), moves [at].becomes);
    }
}

static void
s_refuses_effects (cf_task_t *task)
{
    static const char message [] = "{\"message\":{\"role\":\"user\",\"content\":\"x\"}}";
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
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
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    s_apply (task, J1, "e", P1, "{\"requirements_spec\":{\"a\":1},\"files\":[{\"file_path\":\"a.js\",\"content\":\"x\",\"language\":\"js\"}]}");
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    cf_json_t *context = s_document (cf_projects_read_context (s_projects, task, P1, &result, &error), &result, &error);
    char *text = cf_json_print (context);
    ck_assert_str_eq (text, "{\"title\":\"Anne's\",\"requirements_spec\":{\"a\":1},\"architecture_spec\":null,"
                            "\"files\":[{\"file_path\":\"a.js\",\"content\":\"x\",\"language\":\"javascript\"}]}");
    free (text);
    json_decref (context);
    ck_assert_ptr_null (s_document (cf_projects_read_context (s_projects, task, P2, &result, &error), &result, &error));
}

static void
s_forgets (cf_task_t *task)
{
    cf_error_t error = { 0 };
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    s_apply (task, J1, "ended", P1, "{}");
    s_apply (task, J2, "open", P1, "{}");
    cf_test_sql ("insert into public.agent_jobs (id, user_id, agent_type, completed_at)"
                 " values ('" J1 "', '" ANNE "', 'qa', now () - interval '31 days'), ('" J2 "', '" ANNE "', 'qa', null)");
    ck_assert_int_eq (cf_projects_prune (s_projects, task, 32, &error), 0);
    ck_assert_int_eq (cf_projects_prune (s_projects, task, 30, &error), 1);
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
    s_apply (task, job, "code:files", at % 4 < 2? P1: P2, changes);
    s_left--;
}

static void
s_applies_many (cf_task_t *task)
{
    cf_error_t error = { 0 };
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    json_decref (s_create (task, P2, ANNE, "{\"title\":\"Anne's\"}"));
    s_left = MANY;
    for (int at = 0; at < MANY; at++)
        cf_task_start (s_loop, s_apply_one, (void *) (intptr_t) at, NULL);
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
    json_decref (s_create (task, P1, ANNE, "{\"title\":\"Anne's\"}"));
    cf_test_postgres_kill ();
    uint64_t since_ms = cf_clock_ms ();
    ck_assert_int_eq (cf_projects_read (s_projects, task, P1, ANNE, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_DATABASE_DOWN);
    ck_assert_uint_lt (cf_clock_ms () - since_ms, 4000);
    cf_test_postgres_start ();
    do
        error = (cf_error_t) { 0 };
    while (cf_projects_apply (s_projects, task, J1, "late", P1, "{\"status\":\"building\"}", &error) && error.code == CF_ERROR_DATABASE_DOWN);
    ck_assert_msg (!error.code, "%s", error.text);
    cf_json_t *project = s_read (task, P1, ANNE);
    s_str (project, "status", "building");
    json_decref (project);
}

#define TEST(name_, body_) START_TEST (name_) { s_run (body_); } END_TEST

TEST (a_project_is_made_once, s_creates)
TEST (a_body_that_cannot_be_kept_is_refused, s_refuses_bodies)
TEST (what_is_anothers_is_unknown, s_owns)
TEST (pages_are_cut_newest_first, s_lists)
TEST (files_are_shown_with_and_without_content, s_shows_files)
TEST (a_version_rises_with_the_content, s_raises_versions)
TEST (too_many_bytes_are_never_read, s_refuses_too_much)
TEST (an_effect_happens_once, s_applies_once)
TEST (messages_say_who_spoke, s_says)
TEST (an_archived_project_stays_archived, s_keeps_archived)
TEST (a_refused_effect_leaves_nothing, s_refuses_effects)
TEST (agents_get_the_context, s_shows_context)
TEST (effects_of_ended_jobs_are_forgotten, s_forgets)
TEST (many_effects_at_once_happen_once_each, s_applies_many)
TEST (a_dead_database_fails_fast_and_comes_back, s_fails_while_down)

int
main (void)
{
    const TTest *tests [] = {
        a_project_is_made_once, a_body_that_cannot_be_kept_is_refused, what_is_anothers_is_unknown, pages_are_cut_newest_first,
        files_are_shown_with_and_without_content, a_version_rises_with_the_content, too_many_bytes_are_never_read,
        an_effect_happens_once, messages_say_who_spoke, an_archived_project_stays_archived, a_refused_effect_leaves_nothing,
        agents_get_the_context, effects_of_ended_jobs_are_forgotten, many_effects_at_once_happen_once_each,
        a_dead_database_fails_fast_and_comes_back
    };
    cf_test_migrated (CF_SOURCE_DIR "/ops/migrations");
    Suite *suite = suite_create ("projects");
    TCase *all = tcase_create ("projects");
    tcase_set_timeout (all, 60);
    for (size_t at = 0; at < sizeof tests / sizeof tests [0]; at++)
        tcase_add_test (all, tests [at]);
    suite_add_tcase (suite, all);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    cf_test_postgres_stop ();
    return failed? EXIT_FAILURE: EXIT_SUCCESS;
}
