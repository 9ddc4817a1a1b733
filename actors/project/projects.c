/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - the statements
 *
 *  Column lists are named as the HTTP API names its fields: row_to_json makes the documents of them.
 */

#include "actors/project/projects.h"

#include <stdio.h>
#include <string.h>

#define PROJECT                                                                                                 \
    "id, user_id, title, description, mode, status, requirements_spec, architecture_spec, tech_stack, "         \
    CF_TABLES_TIME (created_at) ", " CF_TABLES_TIME (updated_at)

static const char s_create_sql [] =
    "with made as (insert into public.projects (id, user_id, title, description, mode, tech_stack)"
    " select $1::uuid, $2::uuid, b ->> 'title', b ->> 'description', coalesce (b ->> 'mode', 'builder'),"
    " coalesce (nullif (b -> 'tech_stack', 'null'), '[]') from (select $3::jsonb) as given (b)"
    " on conflict (id) do nothing returning *)"
    " select row_to_json (r) from (select " PROJECT " from made) r";

static const char s_read_sql [] =
    "select row_to_json (r) from (select " PROJECT " from public.projects where id = $1 and user_id = $2) r";

#define IN_LIST                                                                                                 \
    " from public.projects where user_id = $1 and mode = any ($2::text[]) and status = any ($3::text[])"

/*  The page is cut before anything is printed. Filters are lists, never "this or any": such a choice would be planned anew for
    each request, which costs as much as the rest. */
static const char s_list_sql [] =
    "select row_to_json (shown) from (select (select coalesce (json_agg (r), '[]') from (select " PROJECT
    " from (select *" IN_LIST " order by created_at desc, id desc limit $5::integer offset ($4::bigint - 1) * $5::integer) cut) r) as items,"
    " total, $4::bigint as page, $5::integer as page_size, total > $4::bigint * $5::integer as has_more"
    " from (select count (*) as total" IN_LIST ") counted) shown";

/*  The guard stands on the row itself, so that it is asked again where somebody else was faster. */
static const char s_update_sql [] =
    "with changed as (update public.projects p set title = coalesce (b ->> 'title', p.title),"
    " description = coalesce (b ->> 'description', p.description), status = coalesce (b ->> 'status', p.status)"
    " from (select $3::jsonb) as given (b) where p.id = $1 and p.user_id = $2 and (p.status <> 'archived' or"
    " (b ->> 'status' is not null and (b ->> 'status' <> 'archived' or num_nonnulls (b ->> 'title', b ->> 'description') = 0)))"
    " returning p.*)"
    " select (select row_to_json (r) from (select " PROJECT " from changed) r),"
    " case when exists (select from changed) then '' else '" CF_TABLES_ARCHIVED "' end"
    " from public.projects where id = $1 and user_id = $2";

static const char s_archive_sql [] =
    "with changed as (update public.projects p set status = 'archived' where p.id = $1 and p.user_id = $2 returning *)"
    " select row_to_json (r) from (select " PROJECT " from changed) r";

static const char s_list_messages_sql [] =
    "with cut as (select m.* from public.projects p join public.chat_messages m on m.project_id = p.id"
    " where p.id = $1 and p.user_id = $2 order by m.created_at, m.id limit $4::integer offset ($3::bigint - 1) * $4::integer)"
    " select case when (select coalesce (sum (octet_length (content) + pg_column_size (metadata)), 0) from cut) <= $5::bigint"
    " then (select row_to_json (shown) from (select (select coalesce (json_agg (r), '[]') from"
    " (select id, project_id, role, content, is_thinking, metadata, " CF_TABLES_TIME (created_at) " from cut order by cut.created_at, cut.id) r) as items,"
    " total, $3::bigint as page, $4::integer as page_size, total > $3::bigint * $4::integer as has_more) shown) end"
    " from public.projects p cross join lateral (select count (*) as total from public.chat_messages where project_id = p.id) counted"
    " where p.id = $1 and p.user_id = $2";

static const char s_context_sql [] =
    "select case when s.bytes <= $2::bigint then (select row_to_json (r) from"
    " (select p.title, p.requirements_spec, p.architecture_spec, (select coalesce (json_agg (f), '[]') from"
    " (select path as file_path, content, language from public.project_files where project_id = p.id order by path) f) as files) r) end"
    " from public.projects p cross join lateral (select coalesce (sum (octet_length (content)), 0) as bytes"
    " from public.project_files where project_id = p.id) s where p.id = $1";

int
cf_projects_create (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *body,
                    cf_db_result_t **result, cf_error_t *error)
{
    if (CF_TABLES_WRITE (tables, task, user, result, error, s_create_sql, project, user, body))
        return -1;
    if (cf_db_rows (*result))
        return 0;
    cf_db_result_destroy (result);
    return cf_projects_read (tables, task, project, user, result, error);
}

int
cf_projects_read (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                  cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_READ (tables, task, user, result, error, s_read_sql, project, user);
}

/*  An array literal of the one value that is asked for, or of those meant by none. */
static int
s_filter (const char *value, const char *otherwise, char literal [64])
{
    size_t size = strlen (value);
    if (size > 32 || strspn (value, "abcdefghijklmnopqrstuvwxyz-") != size)
        return -1;
    snprintf (literal, 64, "{%s}", size? value: otherwise);
    return 0;
}

static int
s_check_page (uint32_t page, uint32_t page_size, uint32_t most, cf_error_t *error)
{
    if (page && page_size && page_size <= most)
        return 0;
    return cf_error_set (error, CF_ERROR_INVALID, "page is from 1, page_size from 1 to %u", most);
}

int
cf_projects_list (cf_tables_t *tables, cf_task_t *task, const char *user, const char *mode, const char *status,
                  uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error)
{
    *result = NULL;
    if (s_check_page (page, page_size, CF_PROJECTS_PAGE_SIZE, error))
        return -1;
    char modes [64], statuses [64];
    if (s_filter (mode, "builder,student", modes) || s_filter (status, "planning,in-progress,building,completed", statuses))
        return cf_error_set (error, CF_ERROR_INVALID, "mode or status is not a project's");
    cf_tables_number_t number, size;
    return CF_TABLES_READ (tables, task, user, result, error, s_list_sql, user, modes, statuses,
                           cf_tables_number (&number, page), cf_tables_number (&size, page_size));
}

int
cf_projects_update (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, const char *body,
                    cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_WRITE (tables, task, user, result, error, s_update_sql, project, user, body);
}

int
cf_projects_archive (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                     cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_WRITE (tables, task, user, result, error, s_archive_sql, project, user);
}

int
cf_projects_list_messages (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                           uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error)
{
    *result = NULL;
    if (s_check_page (page, page_size, CF_PROJECTS_MESSAGES, error))
        return -1;
    cf_tables_number_t number, size, most;
    if (CF_TABLES_READ (tables, task, user, result, error, s_list_messages_sql, project, user, cf_tables_number (&number, page),
                        cf_tables_number (&size, page_size), cf_tables_number (&most, CF_TABLES_ANSWER_BYTES)))
        return -1;
    return cf_tables_check_size (result, "The messages of this page", error);
}

int
cf_projects_read_context (cf_tables_t *tables, cf_task_t *task, const char *project, cf_db_result_t **result, cf_error_t *error)
{
    cf_tables_number_t most;
    if (CF_TABLES_READ (tables, task, NULL, result, error, s_context_sql, project, cf_tables_number (&most, CF_TABLES_ANSWER_BYTES)))
        return -1;
    return cf_tables_check_size (result, "The project's files", error);
}
