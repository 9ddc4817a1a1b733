/* SPDX-License-Identifier: MPL-2.0 */
/*  projects - the statements
 *
 *  Column lists are named as the HTTP API names its fields: row_to_json makes the documents of them.
 */

#include "actors/project/projects.h"
#include "actors/project/changes.h"
#include "proto/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_PROJECTS_READERS 3           /* connections for reads; writes have one */
#define CF_PROJECTS_PATIENCE_MS 2500    /* a request rather fails than hangs; agents ask again */

struct cf_projects_t {
    cf_db_t *reads, *writes;
};

typedef struct {
    char text [24];
} number_t;

#define TIME(column_) "to_char (" #column_ " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as " #column_

#define PROJECT                                                                                                 \
    "id, user_id, title, description, mode, status, requirements_spec, architecture_spec, tech_stack, "         \
    TIME (created_at) ", " TIME (updated_at)

#define FILE_WITH(content_) "id, project_id, path, " content_ "language, version, " TIME (created_at) ", " TIME (updated_at)

/*  Size of all files of project p, so that what is too much is never read. */
#define FILES_SIZE                                                                                              \
    " cross join lateral (select count (*), coalesce (sum (octet_length (content)), 0) as bytes"                \
    " from public.project_files where project_id = p.id) s"

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

#define LIST_FILES(content_, fits_)                                                                             \
    "select case when " fits_ " then (select row_to_json (shown) from (select p.id as project_id, s.count,"     \
    " (select coalesce (json_agg (r), '[]') from (select " FILE_WITH (content_)                                 \
    " from public.project_files where project_id = p.id order by path) r) as files) shown) end"                 \
    " from public.projects p" FILES_SIZE " where p.id = $1 and p.user_id = $2"

static const char s_list_files_sql [] = LIST_FILES ("", "$3::bigint > 0");
static const char s_list_contents_sql [] = LIST_FILES ("content, ", "s.bytes <= $3::bigint");

static const char s_read_file_sql [] =
    "select (select row_to_json (r) from (select " FILE_WITH ("content, ")
    " from public.project_files where project_id = p.id and path = $3) r)"
    " from public.projects p where p.id = $1 and p.user_id = $2";

static const char s_context_sql [] =
    "select case when s.bytes <= $2::bigint then (select row_to_json (r) from"
    " (select p.title, p.requirements_spec, p.architecture_spec, (select coalesce (json_agg (f), '[]') from"
    " (select path as file_path, content, language from public.project_files where project_id = p.id order by path) f) as files) r) end"
    " from public.projects p" FILES_SIZE " where p.id = $1";

/*  One statement, so that an effect and the note that it happened are one. Everything hangs on the row of `first`. */
#define APPLY_BEGIN                                                                                             \
    "with known as (select id from public.projects where id = $3),"                                             \
    " first as (insert into codeforge.applied_effects (job_id, effect) select $1::uuid, $2::text from known"    \
    " on conflict do nothing returning job_id),"                                                                \
    " message as (insert into public.chat_messages (project_id, role, content, metadata)"                       \
    " select $3::uuid, $4::text, $5::text, $6::jsonb from first where $4::text is not null)"

#define APPLY_END " select count (*) from known"

/*  Most effects say something and no more; the longer statement costs twice as much. */
static const char s_apply_message_sql [] = APPLY_BEGIN APPLY_END;

static const char s_apply_sql [] =
    APPLY_BEGIN ","
    " project as (update public.projects p set"
    " status = case p.status when 'archived' then p.status else coalesce ($7::text, p.status) end,"
    " requirements_spec = coalesce ($8::jsonb, p.requirements_spec),"
    " architecture_spec = coalesce ($9::jsonb, p.architecture_spec)"
    " from first where p.id = $3 and num_nonnulls ($7::text, $8::jsonb, $9::jsonb) > 0),"
    " files as (insert into public.project_files as f (project_id, path, content, language)"
    " select $3::uuid, m.path, m.content, m.language from first,"
    " unnest ($10::text[], $11::text[], $12::text[]) as m (path, content, language)"
    " on conflict (project_id, path) do update set content = excluded.content, language = excluded.language,"
    " version = f.version + (f.content <> excluded.content)::integer"
    " where f.content <> excluded.content or f.language <> excluded.language)"
    APPLY_END;

static const char s_prune_sql [] =
    "delete from codeforge.applied_effects where ctid = any (array (select e.ctid from codeforge.applied_effects e"
    " join public.agent_jobs j on j.id = e.job_id where j.completed_at < now () - make_interval (days => $1::integer)"
    " limit $2::integer))";

/* ---- life ---- */

cf_projects_t *
cf_projects_new (cf_loop_t *loop, const char *url, cf_error_t *error)
{
    cf_projects_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    if (!(self->reads = cf_db_new (loop, url, CF_PROJECTS_READERS, error)) || !(self->writes = cf_db_new (loop, url, 1, error))) {
        cf_projects_destroy (&self);
        return NULL;
    }
    cf_db_set_patience (self->reads, CF_PROJECTS_PATIENCE_MS);
    cf_db_set_patience (self->writes, CF_PROJECTS_PATIENCE_MS);
    return self;
}

void
cf_projects_destroy (cf_projects_t **self_p)
{
    cf_projects_t *self = *self_p;
    if (!self)
        return;
    cf_db_destroy (&self->reads);
    cf_db_destroy (&self->writes);
    free (self);
    *self_p = NULL;
}

/* ---- asking ---- */

static const char *
s_number (number_t *number, uint64_t value)
{
    snprintf (number->text, sizeof number->text, "%" PRIu64, value);
    return number->text;
}

/*  A value that a column cannot take is the asker's fault, not the server's; what the server said of it is not for them. */
static int
s_blame (cf_error_t *error)
{
    static const char *const states [] = {
        CF_DB_CHECK, "23502" /* not null */, "22P02" /* not of its type */, "22P05", "22021" /* not a character */,
        "22003" /* out of range */, "22023" /* not an object */
    };
    for (size_t at = 0; at < sizeof states / sizeof states [0]; at++)
        if (cf_db_refused_with (error, states [at])) {
            cf_log_info ("refused by the database: %s", error->text);
            return cf_error_set (error, CF_ERROR_INVALID, "The request holds a value that cannot be kept.");
        }
    return -1;
}

/*  Every statement that a user asks for goes through here. */
static int
s_ask (cf_task_t *task, cf_db_t *db, cf_db_result_t **result, cf_error_t *error, const char *sql, size_t count,
       const char *const *params)
{
    cf_error_t local = { 0 };
    if (!error)
        error = &local;
    return cf_db_query (task, db, result, error, sql, count, params)? s_blame (error): 0;
}

#define ASK(task_, db_, result_, error_, sql_, ...)                                                             \
    s_ask (task_, db_, result_, error_, sql_, sizeof (const char *[]) { __VA_ARGS__ } / sizeof (const char *),  \
           (const char *[]) { __VA_ARGS__ })

int
cf_projects_create (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, const char *body,
                    cf_db_result_t **result, cf_error_t *error)
{
    if (ASK (task, self->writes, result, error, s_create_sql, project, user, body))
        return -1;
    if (cf_db_rows (*result))
        return 0;
    cf_db_result_destroy (result);
    return cf_projects_read (self, task, project, user, result, error);
}

int
cf_projects_read (cf_projects_t *self, cf_task_t *task, const char *project, const char *user,
                  cf_db_result_t **result, cf_error_t *error)
{
    return ASK (task, self->reads, result, error, s_read_sql, project, user);
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

int
cf_projects_list (cf_projects_t *self, cf_task_t *task, const char *user, const char *mode, const char *status,
                  uint32_t page, uint32_t page_size, cf_db_result_t **result, cf_error_t *error)
{
    *result = NULL;
    if (!page || !page_size || page_size > CF_PROJECTS_PAGE_SIZE)
        return cf_error_set (error, CF_ERROR_INVALID, "page is from 1, page_size from 1 to %d", CF_PROJECTS_PAGE_SIZE);
    char modes [64], statuses [64];
    if (s_filter (mode, "builder,student", modes) || s_filter (status, "planning,in-progress,building,completed", statuses))
        return cf_error_set (error, CF_ERROR_INVALID, "mode or status is not a project's");
    number_t number, size;
    return ASK (task, self->reads, result, error, s_list_sql, user, modes, statuses, s_number (&number, page), s_number (&size, page_size));
}

/*  Whether what was found can be sent: its value is null where it is more than CF_PROJECTS_FILES_BYTES. */
static int
s_check_size (cf_db_result_t **result, cf_error_t *error)
{
    if (!cf_db_rows (*result) || cf_db_value (*result, 0, 0))
        return 0;
    cf_db_result_destroy (result);
    return cf_error_set (error, CF_ERROR_INVALID, "The project's files are larger than %u MiB together.",
                         CF_PROJECTS_FILES_BYTES >> 20);
}

int
cf_projects_list_files (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, bool with_content,
                        cf_db_result_t **result, cf_error_t *error)
{
    number_t most;
    const char *sql = with_content? s_list_contents_sql: s_list_files_sql;
    if (ASK (task, self->reads, result, error, sql, project, user, s_number (&most, CF_PROJECTS_FILES_BYTES)))
        return -1;
    return s_check_size (result, error);
}

int
cf_projects_read_file (cf_projects_t *self, cf_task_t *task, const char *project, const char *user, const char *path,
                       cf_db_result_t **result, cf_error_t *error)
{
    return ASK (task, self->reads, result, error, s_read_file_sql, project, user, path);
}

int
cf_projects_read_context (cf_projects_t *self, cf_task_t *task, const char *project, cf_db_result_t **result, cf_error_t *error)
{
    number_t most;
    if (ASK (task, self->reads, result, error, s_context_sql, project, s_number (&most, CF_PROJECTS_FILES_BYTES)))
        return -1;
    return s_check_size (result, error);
}

/* ---- effects ---- */

/*  What the web app shows beside a message: which agent said it (the effect is named after its step: "code.2:files"), in
    which job. */
static void
s_put_metadata (cf_buf_t *metadata, const char *job, const char *effect, const char *role)
{
    cf_buf_puts (metadata, "{");
    size_t size = strcspn (effect, ":.");
    if (strcmp (role, "assistant") == 0 && size) {
        cf_buf_puts (metadata, "\"agent_type\":");
        cf_buf_put_json (metadata, effect, size);
        cf_buf_puts (metadata, ",");
    }
    cf_buf_printf (metadata, "\"job_id\":\"%s\"}", job);
}

static int
s_apply (cf_projects_t *self, cf_task_t *task, const char *job, const char *effect, const char *project,
         const cf_changes_t *changes, const char *metadata, cf_error_t *error)
{
    const char *const params [] = {
        job, effect, project, changes->role, changes->content, metadata,
        changes->status, changes->requirements, changes->architecture, changes->paths, changes->contents, changes->languages
    };
    bool speaks_only = !changes->status && !changes->requirements && !changes->architecture && !changes->file_count;
    cf_db_result_t *result;
    if (s_ask (task, self->writes, &result, error, speaks_only? s_apply_message_sql: s_apply_sql, speaks_only? 6: 12, params))
        return -1;
    const char *known = cf_db_value (result, 0, 0);
    int rc = known && strcmp (known, "0")? 0: cf_error_set (error, CF_ERROR_NOT_FOUND, "no project %s", project);
    cf_db_result_destroy (&result);
    return rc;
}

int
cf_projects_apply (cf_projects_t *self, cf_task_t *task, const char *job, const char *effect, const char *project,
                   const char *changes, cf_error_t *error)
{
    if (!*effect || strlen (effect) > 200)
        return cf_error_set (error, CF_ERROR_INVALID, "an effect's name has 1 to 200 bytes");
    cf_changes_t parsed;
    if (cf_changes_parse (changes, &parsed, error))
        return -1;
    cf_buf_t metadata;
    cf_buf_init (&metadata, 2048);
    if (parsed.role)
        s_put_metadata (&metadata, job, effect, parsed.role);
    int rc = s_apply (self, task, job, effect, project, &parsed, parsed.role? metadata.bytes: NULL, error);
    cf_buf_free (&metadata);
    cf_changes_free (&parsed);
    return rc;
}

int
cf_projects_prune (cf_projects_t *self, cf_task_t *task, uint64_t days, cf_error_t *error)
{
    number_t limit, most;
    cf_db_result_t *result;
    if (ASK (task, self->writes, &result, error, s_prune_sql, s_number (&limit, days), s_number (&most, CF_PROJECTS_PRUNE_ROWS)))
        return -1;
    int deleted = (int) cf_db_affected (result);
    cf_db_result_destroy (&result);
    return deleted;
}
