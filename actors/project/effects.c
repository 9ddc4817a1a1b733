/* SPDX-License-Identifier: MPL-2.0 */
/*  effects - one statement, so that an effect and the note that it happened are one; everything hangs on the row of `first` */

#include "actors/project/effects.h"
#include "actors/project/changes.h"

#include <string.h>

#define CF_EFFECTS_NAME_BYTES 200

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
    " where f.content <> excluded.content or f.language <> excluded.language),"
    " roadmap as (insert into public.learning_roadmaps as r (project_id, modules)"
    " select $3::uuid, $13::jsonb from first where $13::jsonb is not null"
    " on conflict (project_id) do update set id = excluded.id, modules = excluded.modules, current_step_index = 0,"
    " created_at = excluded.created_at)"
    APPLY_END;

static const char s_prune_sql [] =
    "delete from codeforge.applied_effects where ctid = any (array (select e.ctid from codeforge.applied_effects e"
    " join public.agent_jobs j on j.id = e.job_id where j.completed_at < now () - make_interval (days => $1::integer)"
    CF_TABLES_PRUNE_LIMIT "))";

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
s_apply (cf_tables_t *tables, cf_task_t *task, const char *job, const char *effect, const char *project,
         const cf_changes_t *changes, const char *metadata, cf_error_t *error)
{
    const char *const params [] = {
        job, effect, project, changes->role, changes->content, metadata, changes->status, changes->requirements,
        changes->architecture, changes->paths, changes->contents, changes->languages, changes->modules
    };
    bool speaks_only = !changes->status && !changes->requirements && !changes->architecture && !changes->file_count && !changes->modules;
    const char *sql = speaks_only? s_apply_message_sql: s_apply_sql;
    cf_db_result_t *result;
    if (cf_tables_write (tables, task, NULL, &result, error, sql, speaks_only? 6: sizeof params / sizeof params [0], params))
        return -1;
    const char *known = cf_db_value (result, 0, 0);
    int rc = known && strcmp (known, "0")? 0: cf_error_set (error, CF_ERROR_NOT_FOUND, "no project %s", project);
    cf_db_result_destroy (&result);
    return rc;
}

int
cf_effects_apply (cf_tables_t *tables, cf_task_t *task, const char *job, const char *effect, const char *project,
                  const char *changes, cf_error_t *error)
{
    if (!*effect || strlen (effect) > CF_EFFECTS_NAME_BYTES)
        return cf_error_set (error, CF_ERROR_INVALID, "an effect's name has 1 to %d bytes", CF_EFFECTS_NAME_BYTES);
    cf_changes_t parsed;
    if (cf_changes_parse (changes, &parsed, error))
        return -1;
    cf_buf_t metadata;
    cf_buf_init (&metadata, 2048);
    if (parsed.role)
        s_put_metadata (&metadata, job, effect, parsed.role);
    int rc = s_apply (tables, task, job, effect, project, &parsed, parsed.role? metadata.bytes: NULL, error);
    cf_buf_free (&metadata);
    cf_changes_free (&parsed);
    return rc;
}

int
cf_effects_prune (cf_tables_t *tables, cf_task_t *task, uint64_t days, cf_error_t *error)
{
    return cf_tables_prune (tables, task, s_prune_sql, days, error);
}
