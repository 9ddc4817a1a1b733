/* SPDX-License-Identifier: MPL-2.0 */
/*  files - the statements
 *
 *  A write or deletion is a unit of three: ours notes its id, unless it is noted; the user's changes the file, if the note is new; ours
 *  takes the note back where nothing was changed. The user's statement can neither read nor write the notes, so the two facts between them
 *  travel as settings of the transaction. Whoever sends the same write meanwhile waits at the note.
 */

#include "actors/project/files.h"
#include "actors/project/changes.h"
#include "actors/project/language.h"
#include "proto/base/uuid.h"

#define FILE_WITH(content_)                                                                                     \
    "id, project_id, path, " content_ "language, version, " CF_TABLES_TIME (created_at) ", " CF_TABLES_TIME (updated_at)

/*  The size of all files of project p is asked first, so that what is too much is never read. */
#define LIST_FILES(content_, fits_)                                                                             \
    "select case when " fits_ " then (select row_to_json (shown) from (select p.id as project_id, s.count,"     \
    " (select coalesce (json_agg (r), '[]') from (select " FILE_WITH (content_)                                 \
    " from public.project_files where project_id = p.id order by path) r) as files) shown) end"                 \
    " from public.projects p cross join lateral (select count (*), coalesce (sum (octet_length (content)), 0) as bytes" \
    " from public.project_files where project_id = p.id) s where p.id = $1 and p.user_id = $2"

static const char s_list_sql [] = LIST_FILES ("", "$3::bigint > 0");
static const char s_list_contents_sql [] = LIST_FILES ("content, ", "s.bytes <= $3::bigint");

static const char s_read_sql [] =
    "select row_to_json (r), case when r.id is null then '" CF_TABLES_NO_FILE "' else '' end"
    " from public.projects p left join lateral (select " FILE_WITH ("content, ")
    " from public.project_files where project_id = p.id and path = $3) r on true where p.id = $1 and p.user_id = $2";

/*  Sizes come before contents, as in a list. A path is at most 500 characters, so 1,000 of them fit beside the contents. The web app may
    have written any: refused is what no file system should be given (segments that are empty, . or ..; controls, \ and :). */
static const char s_page_sql [] =
    "with p as (select * from public.projects where id = $1 and user_id = $2),"
    " ahead as (select f.path, row_number () over by_path as place, sum (octet_length (f.content)) over by_path as bytes"
    " from p join public.project_files f on f.project_id = p.id where f.path collate \"C\" > $3"
    " window by_path as (order by f.path collate \"C\") order by place limit 1001),"
    " cut as (select path from ahead where place = 1 or (place <= 1000 and bytes <= $4::bigint))"
    " select row_to_json (shown), case when exists (select from ahead where path ~ '(^|/)[.]{0,2}(/|$)|[[:cntrl:]\\\\:]')"
    " then '" CF_TABLES_UNSAFE "' else '' end from (select"
    " (select row_to_json (r) from (select id, title, description, " CF_TABLES_TIME (updated_at) ") r) as project,"
    " (select coalesce (json_agg (r), '[]') from (select path, content, language, version, " CF_TABLES_TIME (updated_at)
    " from public.project_files where project_id = p.id and path in (select path from cut) order by path collate \"C\") r) as files,"
    " (select count (*) from ahead) > (select count (*) from cut) as more from p) shown";

static const char s_note_sql [] =
    "with made as (insert into codeforge.file_writes (id) values ($1) on conflict do nothing returning id)"
    " select set_config ('codeforge.write_is_new', (select count (*) from made)::text, true), set_config ('codeforge.written', '0', true)";

static const char s_write_sql [] =
    "with p as (select id, status from public.projects where id = $1 and user_id = $2),"
    " was as (select f.* from p join public.project_files f on f.project_id = p.id and f.path = $3),"
    " judged as (select case when current_setting ('codeforge.write_is_new') = '0' then 'again'"
    " when p.status = 'archived' then '" CF_TABLES_ARCHIVED "' when $7::boolean and was.id is null then '" CF_TABLES_NO_FILE "'"
    " when $8::bigint not in (0, coalesce (was.version, 0)) then '" CF_TABLES_STALE "' else '' end as verdict"
    " from p left join was on true),"
    " made as (insert into public.project_files as f (project_id, path, content, language)"
    " select $1, $3, $4, coalesce ($5, case when $7::boolean then was.language end, $6) from judged left join was on true"
    " where verdict = '' on conflict (project_id, path) do update set content = excluded.content, language = excluded.language,"
    " version = f.version + 1 where $8::bigint in (0, f.version) returning *),"
    " shown as (select * from made union all select was.* from was, judged where verdict = 'again')"
    " select (select row_to_json (r) from (select " FILE_WITH ("content, ") " from shown) r),"
    " case when exists (select from shown) then '' when verdict = '' then '" CF_TABLES_STALE "'"
    " when verdict = 'again' then '" CF_TABLES_NO_FILE "' else verdict end,"
    " (select version = 1 from shown), set_config ('codeforge.written', (select count (*) from made)::text, true) from judged";

static const char s_unnote_sql [] =
    "delete from codeforge.file_writes where id = $1 and current_setting ('codeforge.write_is_new') = '1'"
    " and current_setting ('codeforge.written') = '0'";

static const char s_delete_sql [] =
    "with p as (select id, status from public.projects where id = $1 and user_id = $2),"
    " judged as (select case when current_setting ('codeforge.write_is_new') = '0' then 'again'"
    " when status = 'archived' then '" CF_TABLES_ARCHIVED "' else '' end as verdict from p),"
    " gone as (delete from public.project_files f using p, judged where f.project_id = p.id and f.path = $3 and verdict = ''"
    " returning f.path)"
    " select (select row_to_json (r) from (select $3::text as path) r),"
    " case when verdict = 'again' or exists (select from gone) then '' when verdict = '' then '" CF_TABLES_NO_FILE "' else verdict end,"
    " set_config ('codeforge.written', (select count (*) from gone)::text, true) from judged";

static const char s_prune_sql [] =
    "delete from codeforge.file_writes where ctid = any (array (select ctid from codeforge.file_writes"
    " where written_at < now () - make_interval (mins => $1::integer)" CF_TABLES_PRUNE_LIMIT "))";

int
cf_files_list (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, bool with_content,
               cf_db_result_t **result, cf_error_t *error)
{
    cf_tables_number_t most;
    const char *sql = with_content? s_list_contents_sql: s_list_sql;
    if (CF_TABLES_READ (tables, task, user, result, error, sql, project, user, cf_tables_number (&most, CF_TABLES_ANSWER_BYTES)))
        return -1;
    return cf_tables_check_size (result, "The project's files", error);
}

int
cf_files_read (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *path,
               cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_READ (tables, task, user, result, error, s_read_sql, project, user, path);
}

int
cf_files_page (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *after, uint32_t max_bytes,
               cf_db_result_t **result, cf_error_t *error)
{
    cf_tables_number_t most;
    return CF_TABLES_READ (tables, task, user, result, error, s_page_sql, project, user, after,
                           cf_tables_number (&most, max_bytes < CF_FILES_PAGE_BYTES? max_bytes: CF_FILES_PAGE_BYTES));
}

/*  The user's statement between the note of the write and its taking back. */
static int
s_write_noted (cf_tables_t *tables, cf_task_t *task, const char *user, const char *write, const char *sql, size_t count,
               const char *const *params, cf_db_result_t **result, cf_error_t *error)
{
    char made_up [CF_UUID_SIZE];
    const char *id = *write? write: cf_uuid_new (made_up);
    const cf_db_statement_t statements [] = { { s_note_sql, 1, &id }, { sql, count, params }, { s_unnote_sql, 1, &id } };
    const char *const users [] = { NULL, user, NULL };
    cf_db_result_t *results [3];
    *result = NULL;
    if (cf_tables_write_unit (tables, task, users, statements, 3, results, error))
        return -1;
    *result = results [1];
    cf_db_result_destroy (&results [0]);
    cf_db_result_destroy (&results [2]);
    return 0;
}

int
cf_files_write (cf_tables_t *tables, cf_task_t *task, const cf_files_write_t *write, cf_db_result_t **result, cf_error_t *error)
{
    *result = NULL;
    if (!cf_changes_path_is_safe (write->path))
        return cf_error_set (error, CF_ERROR_INVALID, "The file path is not allowed.");
    cf_tables_number_t version;
    const char *const params [] = {
        write->project, write->user, write->path, write->content, *write->language? cf_language_named (write->language): NULL,
        cf_language_of (write->path), write->must_exist? "true": "false", cf_tables_number (&version, write->if_version)
    };
    return s_write_noted (tables, task, write->user, write->write, s_write_sql, 8, params, result, error);
}

int
cf_files_delete (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *path, const char *write,
                 cf_db_result_t **result, cf_error_t *error)
{
    const char *const params [] = { project, user, path };
    return s_write_noted (tables, task, user, write, s_delete_sql, 3, params, result, error);
}

int
cf_files_prune (cf_tables_t *tables, cf_task_t *task, uint64_t minutes, cf_error_t *error)
{
    return cf_tables_prune (tables, task, s_prune_sql, minutes, error);
}
