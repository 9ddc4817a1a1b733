/* SPDX-License-Identifier: MPL-2.0 */
/*  files - shown, written, versions, conflicts, deleted, against a real PostgreSQL */

#include "actors/project/files.h"
#include "actors/project/projects.h"
#include "proto/codec.h"
#include "tests/unit/actors/project/scene.h"

/* ---- files ---- */

static void
s_shows_files (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    cf_json_t *list = scene_show (cf_files_list, P1, ANNE, true);
    scene_keys (list, "project_id count files ");
    ck_assert_int_eq (cf_json_int (list, "count", -1), 0);
    ck_assert (json_is_array (json_object_get (list, "files")));
    json_decref (list);
    scene_apply (task, J1, "code:files", P1, "{\"files\":[{\"file_path\":\"src/b.ts\",\"content\":\"let \\\"b\\\\n\\\";\\n\",\"language\":\"ts\"},"
                                         "{\"file_path\":\"src/a.py\",\"content\":\"\",\"language\":\"python\"}]}");
    list = scene_show (cf_files_list, P1, ANNE, false);
    scene_str (list, "project_id", P1);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 2);
    const cf_json_t *files = json_object_get (list, "files");
    scene_keys (json_array_get (files, 0), "id project_id path language version created_at updated_at ");
    scene_str (json_array_get (files, 0), "path", "src/a.py");
    scene_str (json_array_get (files, 0), "language", "text");
    scene_time (json_array_get (files, 0), "created_at");
    json_decref (list);
    list = scene_show (cf_files_list, P1, ANNE, true);
    files = json_object_get (list, "files");
    scene_keys (json_array_get (files, 1), "id project_id path content language version created_at updated_at ");
    scene_str (json_array_get (files, 1), "content", "let \"b\\n\";\n");
    cf_json_t *file = scene_show (cf_files_read, P1, ANNE, "src/b.ts");
    ck_assert (json_equal (file, json_array_get (files, 1)));
    ck_assert_int_eq (cf_json_int (file, "version", -1), 1);
    scene_str (file, "language", "typescript");
    json_decref (file);
    json_decref (list);
    ck_assert_str_eq (scene_judge (cf_files_read, P1, ANNE, "src/none.ts"), "file");
    ck_assert_str_eq (scene_judge (cf_files_read, P1, BERT, "src/b.ts"), "none");
}

static void
s_raises_versions (cf_task_t *task)
{
    static const char changes [] = "{\"files\":[{\"file_path\":\"a.js\",\"content\":\"%s\",\"language\":\"%s\"}]}";
    static const struct { const char *effect, *content, *language; int version; } runs [] = {
        { "code:files", "one", "js", 1 }, { "code.2:files", "one", "js", 1 }, { "code.3:files", "two", "js", 2 },
        { "code.3:files", "three", "js", 2 }, { "code.4:files", "two", "jsx", 2 }, { "code.5:files", "three", "js", 3 }
    };
    scene_project (P1, ANNE, "builder");
    for (size_t at = 0; at < sizeof runs / sizeof runs [0]; at++) {
        char text [200];
        snprintf (text, sizeof text, changes, runs [at].content, runs [at].language);
        scene_apply (task, J1, runs [at].effect, P1, text);
        cf_json_t *file = scene_show (cf_files_read, P1, ANNE, "a.js");
        ck_assert_int_eq (cf_json_int (file, "version", -1), runs [at].version);
        json_decref (file);
    }
}

static void
s_refuses_too_much (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    cf_test_sql ("insert into public.project_files (project_id, path, content)"
                 " select '" P1 "', n::text, repeat ('x', 100000) from generate_series (1, 126) n");
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    ck_assert_int_eq (cf_files_list (scene_tables, task, P1, ANNE, true, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    ck_assert_ptr_null (result);
    ck_assert_int_eq (cf_projects_read_context (scene_tables, task, P1, &result, &error), -1);
    cf_json_t *list = scene_show (cf_files_list, P1, ANNE, false);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 126);
    json_decref (list);
    cf_test_sql ("delete from public.project_files where path > '9'");
    list = scene_show (cf_files_list, P1, ANNE, true);
    ck_assert_int_eq (cf_json_int (list, "count", -1), 116);
    json_decref (list);
}


/* ---- writing ---- */

/*  One write of Anne's; its verdict. *version and *created as answered, 0 and false where nothing was written. */
static const char *
s_write (cf_task_t *task, const cf_files_write_t *write, int64_t *version, bool *created)
{
    static char verdict [64];
    cf_files_write_t whole = *write;
    whole.project = write->project? write->project: P1;
    whole.user = write->user? write->user: ANNE;
    whole.language = write->language? write->language: "";
    whole.write = write->write? write->write: "";
    cf_db_result_t *result;
    cf_error_t error = { 0 };
    ck_assert_msg (cf_files_write (scene_tables, task, &whole, &result, &error) == 0, "%s", error.text);
    const char *was = cf_db_value (result, 0, 2), *text = cf_db_value (result, 0, 1);
    snprintf (verdict, sizeof verdict, "%s", !cf_db_rows (result)? "none": text);
    *created = was && *was == 't';
    cf_json_t *file = scene_document (0, &result, &error);
    *version = cf_json_int (file, "version", 0);
    if (*version)
        scene_keys (file, "id project_id path content language version created_at updated_at ");
    json_decref (file);
    return verdict;
}

static void
s_expect (cf_task_t *task, const cf_files_write_t *write, const char *verdict, int64_t version, bool created)
{
    int64_t got_version;
    bool got_created;
    const char *got = s_write (task, write, &got_version, &got_created);
    ck_assert_msg (strcmp (got, verdict) == 0 && got_version == version && got_created == created, "%s %s: \"%s\", version %d, %d",
                   write->path, write->content, got, (int) got_version, got_created);
}

#define EXPECT(verdict_, version_, created_, ...) s_expect (task, &(cf_files_write_t) { __VA_ARGS__ }, verdict_, version_, created_)

static void
s_writes (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    EXPECT ("", 1, true, .path = "src/a.ts", .content = "one");
    EXPECT ("", 2, false, .path = "src/a.ts", .content = "two");
    EXPECT ("", 3, false, .path = "src/a.ts", .content = "two");
    EXPECT ("", 4, false, .path = "src/a.ts", .content = "three", .if_version = 3);
    EXPECT ("version", 0, false, .path = "src/a.ts", .content = "four", .if_version = 3);
    EXPECT ("version", 0, false, .path = "src/a.ts", .content = "four", .if_version = 5, .must_exist = true);
    EXPECT ("file", 0, false, .path = "src/b.ts", .content = "four", .must_exist = true);
    EXPECT ("file", 0, false, .path = "src/b.ts", .content = "four", .must_exist = true, .if_version = 1);
    EXPECT ("none", 0, false, .path = "src/a.ts", .content = "mine", .user = BERT);
    EXPECT ("none", 0, false, .path = "src/a.ts", .content = "mine", .project = P2);
    EXPECT ("", 5, false, .path = "src/a.ts", .content = "five", .must_exist = true);
    ck_assert_str_eq (cf_test_sql ("select string_agg (path || ' ' || content || ' ' || version, ',') from public.project_files"), "src/a.ts five 5");
    cf_test_sql ("update public.projects set status = 'archived'");
    EXPECT ("archived", 0, false, .path = "src/a.ts", .content = "six");
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.file_writes"), "5");
}

static void
s_refuses_writes (cf_task_t *task)
{
    static const char *const paths [] = { "", "/a", "src/../a", "src//a", "src/a b", "src/" };
    cf_db_result_t *result = NULL;
    cf_error_t error = { 0 };
    scene_project (P1, ANNE, "builder");
    cf_files_write_t write = { .project = P1, .user = ANNE, .content = "", .language = "", .write = "" };
    for (size_t at = 0; at < sizeof paths / sizeof paths [0]; at++) {
        write.path = paths [at];
        ck_assert_int_eq (cf_files_write (scene_tables, task, &write, &result, &error), -1);
        ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    }
    char *lengthy = malloc (100002);
    memset (lengthy, 'x', 100001);
    lengthy [100001] = 0;
    write.path = "src/a";
    write.content = lengthy;
    ck_assert_int_eq (cf_files_write (scene_tables, task, &write, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    write.content = "\xff";
    ck_assert_int_eq (cf_files_write (scene_tables, task, &write, &result, &error), -1);
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    write.content = lengthy + 1;
    ck_assert_int_eq (cf_files_write (scene_tables, task, &write, &result, &error), 0);
    cf_db_result_destroy (&result);
    free (lengthy);
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.file_writes"), "1");
}

static void
s_knows_languages (cf_task_t *task)
{
    static const struct { const char *path, *said; bool must_exist; const char *kept; } writes [] = {
        { "src/a.ts", "", false, "typescript" }, { "src/a.TSX", "", false, "tsx" }, { "src/a.mjs", "", false, "javascript" },
        { "src/a.d/b", "", false, "text" }, { "src/a.py", "", false, "text" }, { "src/a.md", "", false, "markdown" },
        { "src/a.md", "html", false, "html" }, { "src/a.md", "", true, "html" }, { "src/a.md", "css", true, "css" },
        { "src/a.md", "", false, "markdown" }
    };
    scene_project (P1, ANNE, "builder");
    for (size_t at = 0; at < sizeof writes / sizeof writes [0]; at++) {
        int64_t version;
        bool created;
        s_write (task, &(cf_files_write_t) { .path = writes [at].path, .language = writes [at].said, .must_exist = writes [at].must_exist,
                                             .content = "x" }, &version, &created);
        cf_json_t *file = scene_show (cf_files_read, P1, ANNE, writes [at].path);
        scene_str (file, "language", writes [at].kept);
        json_decref (file);
    }
}

/* ---- page by page ---- */

/*  "src/a:3 src/b:0 +": paths with the sizes of their contents; + where there are more. */
static const char *
s_page (cf_task_t *task, const char *after, uint32_t max_bytes)
{
    static char text [4000];
    *text = 0;
    size_t at, used = 0;
    cf_json_t *page = scene_show (cf_files_page, P1, ANNE, after, max_bytes), *file;
    scene_keys (page, "project files more ");
    json_array_foreach (json_object_get (page, "files"), at, file)
        used += (size_t) snprintf (text + used, sizeof text - used, "%s:%zu ", cf_json_str (file, "path", "(none)"),
                                   json_string_length (json_object_get (file, "content")));
    snprintf (text + used, sizeof text - used, "%s", json_is_true (json_object_get (page, "more"))? "+": "");
    json_decref (page);
    return text;
}

static void
s_pages (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    ck_assert_str_eq (s_page (task, "", 100), "");
    cf_test_sql ("insert into public.project_files (project_id, path, content) values ('" P1 "', 'src/b', 'four'), ('" P1 "', 'src/B', ''),"
                 " ('" P1 "', 'src/a-b', 'three'), ('" P1 "', 'src/a/b', 'thr\u00e9\u00e9'), ('" P1 "', 'src/a.ts', '12345678')");
    ck_assert_str_eq (s_page (task, "", 100), "src/B:0 src/a-b:5 src/a.ts:8 src/a/b:7 src/b:4 ");
    ck_assert_str_eq (s_page (task, "", 24), "src/B:0 src/a-b:5 src/a.ts:8 src/a/b:7 src/b:4 ");
    ck_assert_str_eq (s_page (task, "", 23), "src/B:0 src/a-b:5 src/a.ts:8 src/a/b:7 +");
    ck_assert_str_eq (s_page (task, "", 0), "src/B:0 +");
    ck_assert_str_eq (s_page (task, "src/B", 1), "src/a-b:5 +");
    ck_assert_str_eq (s_page (task, "src/a/b", 1), "src/b:4 ");
    ck_assert_str_eq (s_page (task, "src/b", 100), "");
    cf_json_t *page = scene_show (cf_files_page, P1, ANNE, "src/a/b", 1);
    scene_keys (json_object_get (page, "project"), "id title description updated_at ");
    scene_str (json_object_get (page, "project"), "title", "A project");
    const cf_json_t *file = json_array_get (json_object_get (page, "files"), 0);
    scene_keys (file, "path content language version updated_at ");
    scene_str (file, "content", "four");
    scene_time (file, "updated_at");
    json_decref (page);
    ck_assert_str_eq (scene_judge (cf_files_page, P1, ANNE, "", 9), "");
    ck_assert_str_eq (scene_judge (cf_files_page, P1, BERT, "", 9), "none");
    ck_assert_str_eq (scene_judge (cf_files_page, P2, ANNE, "", 9), "none");
    cf_test_sql ("update public.projects set status = 'archived'");
    ck_assert_str_eq (s_page (task, "src/a/b", 1), "src/b:4 ");
}

/*  What a message takes is never passed, whoever asks for how much. */
static void
s_bounds_pages (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    cf_test_sql ("insert into public.project_files (project_id, path, content)"
                 " select '" P1 "', 'src/' || repeat ('\u1234', 490) || n, repeat (E'\\x01', 100000) from generate_series (1, 30) n;"
                 " insert into public.project_files (project_id, path, content)"
                 " select '" P1 "', 'src/\u2345' || repeat ('\u1234', 490) || n, '' from generate_series (1, 2000) n");
    size_t all = 0;
    char after [2000] = "";
    for (bool more = true; more;) {
        cf_db_result_t *result = NULL;
        cf_error_t error = { 0 };
        ck_assert_int_eq (cf_files_page (scene_tables, task, P1, ANNE, after, UINT32_MAX, &result, &error), 0);
        ck_assert_uint_lt (strlen (cf_db_value (result, 0, 0)), CF_CODEC_MAX_BYTES - 1024);
        cf_json_t *page = scene_document (0, &result, &error);
        const cf_json_t *files = json_object_get (page, "files");
        size_t count = json_array_size (files);
        ck_assert_uint_gt (count, 0);
        snprintf (after, sizeof after, "%s", cf_json_str (json_array_get (files, count - 1), "path", ""));
        more = json_is_true (json_object_get (page, "more"));
        json_decref (page);
        all += count;
    }
    ck_assert_uint_eq (all, 2030);
}

static void
s_refuses_paths (cf_task_t *task)
{
    static const char *const unsafe [] = { "/etc/x", "..", "src/../x", "src//x", "src/", "./x", "a\\\\x", "c:x", "a/./b", "src/\x1b[m", "a\n" };
    static const char *const safe [] = { "src/x", ".env", "src/...", "a/..b", "a.", "src/\u00e9 b" };
    char text [300];
    for (size_t at = 0; at < sizeof unsafe / sizeof unsafe [0] + sizeof safe / sizeof safe [0]; at++) {
        bool is_safe = at >= sizeof unsafe / sizeof unsafe [0];
        const char *path = is_safe? safe [at - sizeof unsafe / sizeof unsafe [0]]: unsafe [at];
        scene_project (P1, ANNE, "builder");
        snprintf (text, sizeof text, "insert into public.project_files (project_id, path, content) values ('" P1 "', E'%s', 'x')", path);
        cf_test_sql (text);
        const char *verdict = scene_judge (cf_files_page, P1, ANNE, "", 100);
        ck_assert_msg (strcmp (verdict, is_safe? "": "path") == 0, "%s: \"%s\"", path, verdict);
        cf_test_sql ("delete from public.projects");
    }
}

#define W(n_) "dddddddd-0000-4000-8000-00000000000" #n_

static void
s_writes_once (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    EXPECT ("", 1, true, .path = "src/a", .content = "one", .write = W (1));
    EXPECT ("", 1, true, .path = "src/a", .content = "one", .write = W (1));
    EXPECT ("", 2, false, .path = "src/a", .content = "two", .write = W (2), .if_version = 1);
    EXPECT ("", 2, false, .path = "src/a", .content = "two", .write = W (2), .if_version = 1);
    EXPECT ("version", 0, false, .path = "src/a", .content = "three", .write = W (3), .if_version = 1);
    EXPECT ("version", 0, false, .path = "src/a", .content = "three", .write = W (3), .if_version = 1);
    EXPECT ("", 3, false, .path = "src/a", .content = "three", .write = W (3), .if_version = 2);
    EXPECT ("", 3, false, .path = "src/a", .content = "two", .write = W (2), .if_version = 1);
    EXPECT ("none", 0, false, .path = "src/a", .content = "mine", .write = W (2), .user = BERT);
    ck_assert_str_eq (cf_test_sql ("select content from public.project_files"), "three");
    cf_error_t error = { 0 };
    cf_test_sql ("update codeforge.file_writes set written_at = now () - interval '61 minutes' where id = '" W (1) "'");
    ck_assert_int_eq (cf_files_prune (scene_tables, task, 60, &error), 1);
    ck_assert_int_eq (cf_files_prune (scene_tables, task, 60, &error), 0);
    cf_test_sql ("delete from public.project_files");
    EXPECT ("file", 0, false, .path = "src/a", .content = "three", .write = W (3));
}

/*  Fifty at once in few transactions: each sees only its own note. */
static int s_left, s_stale, s_written;

static void
s_write_one (cf_task_t *task, void *arg)
{
    int at = (int) (intptr_t) arg;
    char id [CF_UUID_SIZE];
    snprintf (id, sizeof id, "dddddddd-0000-4000-8000-%012d", at / 2);         /* each is asked for twice */
    int64_t version;
    bool created;
    cf_files_write_t write = { .path = "src/a", .content = id, .write = id, .if_version = at / 2 % 5 == 1? 1000: 0 };
    const char *verdict = s_write (task, &write, &version, &created);
    s_stale += strcmp (verdict, "version") == 0;
    s_written += !*verdict;
    s_left--;
}

static void
s_writes_many (cf_task_t *task)
{
    cf_error_t error = { 0 };
    scene_project (P1, ANNE, "builder");
    s_left = 100;
    for (int at = 0; at < 100; at++)
        cf_task_start (scene_loop, s_write_one, (void *) (intptr_t) at, NULL);
    while (s_left)
        ck_assert_int_eq (cf_task_sleep (task, 1, &error), 0);
    ck_assert_int_eq (s_stale, 20);
    ck_assert_int_eq (s_written, 80);
    ck_assert_str_eq (cf_test_sql ("select version from public.project_files"), "40");
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.file_writes"), "40");
}

static void
s_deletes (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    EXPECT ("", 1, true, .path = "src/a", .content = "one");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, BERT, "src/a", ""), "none");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/b", ""), "file");
    cf_test_sql ("update public.projects set status = 'archived'");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/a", ""), "archived");
    cf_test_sql ("update public.projects set status = 'planning'");
    scene_is (scene_show (cf_files_delete, P1, ANNE, "src/a", ""), "{\"path\":\"src/a\"}");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/a", ""), "file");
    EXPECT ("", 1, true, .path = "src/a", .content = "again");
}

/*  Whoever asks again because the store died before it answered is told the same, and deletes nothing that came later. */
static void
s_deletes_once (cf_task_t *task)
{
    scene_project (P1, ANNE, "builder");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/a", W (1)), "file");
    EXPECT ("", 1, true, .path = "src/a", .content = "one");
    cf_test_sql ("update public.projects set status = 'archived'");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/a", W (1)), "archived");
    cf_test_sql ("update public.projects set status = 'planning'");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, BERT, "src/a", W (1)), "none");
    for (int times = 0; times < 2; times++)
        scene_is (scene_show (cf_files_delete, P1, ANNE, "src/a", W (1)), "{\"path\":\"src/a\"}");
    EXPECT ("", 1, true, .path = "src/a", .content = "later");
    scene_is (scene_show (cf_files_delete, P1, ANNE, "src/a", W (1)), "{\"path\":\"src/a\"}");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, BERT, "src/a", W (1)), "none");
    ck_assert_str_eq (cf_test_sql ("select content from public.project_files"), "later");
    scene_is (scene_show (cf_files_delete, P1, ANNE, "src/a", W (2)), "{\"path\":\"src/a\"}");
    ck_assert_str_eq (scene_judge (cf_files_delete, P1, ANNE, "src/a", W (3)), "file");
    ck_assert_str_eq (cf_test_sql ("select count (*) from codeforge.file_writes where id::text like 'd%'"), "2");
}

TEST (files_are_shown_with_and_without_content, s_shows_files)
TEST (a_version_rises_with_the_content, s_raises_versions)
TEST (too_many_bytes_are_never_read, s_refuses_too_much)
TEST (a_write_raises_the_version_it_expects, s_writes)
TEST (what_cannot_be_kept_is_refused, s_refuses_writes)
TEST (a_language_is_said_kept_or_guessed, s_knows_languages)
TEST (files_come_in_pages, s_pages)
TEST (a_page_fits_a_message, s_bounds_pages)
TEST (paths_that_lead_away_are_refused, s_refuses_paths)
TEST (the_same_write_counts_once, s_writes_once)
TEST (many_writes_at_once_count_once_each, s_writes_many)
TEST (a_file_is_deleted_by_its_user, s_deletes)
TEST (the_same_deletion_counts_once, s_deletes_once)

SCENE_MAIN ("files", files_are_shown_with_and_without_content, a_version_rises_with_the_content, too_many_bytes_are_never_read,
            a_write_raises_the_version_it_expects, what_cannot_be_kept_is_refused, a_language_is_said_kept_or_guessed,
            files_come_in_pages, a_page_fits_a_message, paths_that_lead_away_are_refused,
            the_same_write_counts_once, many_writes_at_once_count_once_each, a_file_is_deleted_by_its_user,
            the_same_deletion_counts_once)
