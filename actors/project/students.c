/* SPDX-License-Identifier: MPL-2.0 */
/*  students - the statements: each takes the project as p and its roadmap, if there is one, as r, and judges both */

#include "actors/project/students.h"

#define ROADMAP "id, project_id, modules, current_step_index, " CF_TABLES_TIME (created_at)
#define SESSION "id, project_id, transcript, concepts_covered, duration_minutes, " CF_TABLES_TIME (created_at)

#define PROJECT_AS_P "with p as (select id, mode, status from public.projects where id = $1 and user_id = $2)"
#define ROADMAP_AS_R ", r as (select m.* from p join public.learning_roadmaps m on m.project_id = p.id)"

#define JUDGE_MODE "case when p.mode <> 'student' then '" CF_TABLES_NO_STUDENT "'"
#define JUDGE_ARCHIVED " when p.status = 'archived' then '" CF_TABLES_ARCHIVED "'"
#define JUDGE_ROADMAP " when r.id is null then '" CF_TABLES_NO_ROADMAP "'"

static const char s_read_roadmap_sql [] =
    PROJECT_AS_P ROADMAP_AS_R
    " select (select row_to_json (shown) from (select " ROADMAP " from r) shown), " JUDGE_MODE JUDGE_ROADMAP " else '' end"
    " from p left join r on true";

static const char s_advance_sql [] =
    PROJECT_AS_P ROADMAP_AS_R
    ", moved as (update public.learning_roadmaps m set current_step_index = least ($3::bigint, 2147483647)::integer from p, r"
    " where m.id = r.id and p.mode = 'student' and p.status <> 'archived' and $3::bigint <= jsonb_array_length (m.modules) returning m.*)"
    " select coalesce ((select row_to_json (shown) from (select " ROADMAP " from moved) shown), to_json (jsonb_array_length (r.modules))), "
    JUDGE_MODE JUDGE_ARCHIVED JUDGE_ROADMAP " when not exists (select from moved) then '" CF_TABLES_PAST_STEP "' else '' end"
    " from p left join r on true";

static const char s_choose_sql [] =
    PROJECT_AS_P ROADMAP_AS_R
    ", chosen as (update public.learning_roadmaps m"
    " set modules = jsonb_set (m.modules, array [$3::bigint::text, 'choice'], to_jsonb ($4::text)) from p, r"
    " where m.id = r.id and p.mode = 'student' and p.status <> 'archived' and $3::bigint < jsonb_array_length (m.modules) returning m.id)"
    " select coalesce ((select json_build_object ('message', 'The choice is kept.', 'module_index', $3::bigint, 'option_id', $4::text) from chosen),"
    " to_json (jsonb_array_length (r.modules) - 1)), "
    JUDGE_MODE JUDGE_ARCHIVED JUDGE_ROADMAP " when not exists (select from chosen) then '" CF_TABLES_PAST_MODULE "' else '' end"
    " from p left join r on true";

static const char s_add_session_sql [] =
    PROJECT_AS_P
    ", made as (insert into public.daily_sessions (id, project_id, transcript, concepts_covered, duration_minutes)"
    " select $3::uuid, p.id, coalesce (nullif (b -> 'transcript', 'null'), '[]'), coalesce (nullif (b -> 'concepts_covered', 'null'), '[]'),"
    " coalesce ((b ->> 'duration_minutes')::integer, 0) from p, (select $4::jsonb) as given (b)"
    " where p.mode = 'student' and p.status <> 'archived' on conflict (id) do nothing returning *),"
    " kept as (select * from made union all select s.* from p join public.daily_sessions s on s.id = $3 and s.project_id = p.id)"
    " select (select row_to_json (shown) from (select " SESSION " from kept) shown), "
    JUDGE_MODE JUDGE_ARCHIVED " when not exists (select from kept) then '" CF_TABLES_TAKEN "' else '' end from p";

static const char s_list_sessions_sql [] =
    PROJECT_AS_P
    ", cut as (select s.* from p join public.daily_sessions s on s.project_id = p.id order by s.created_at desc, s.id desc limit $3::integer)"
    " select case when (select coalesce (sum (pg_column_size (transcript) + pg_column_size (concepts_covered)), 0) from cut) <= $4::bigint"
    " then (select row_to_json (shown) from (select p.id as project_id, (select count (*) from cut) as count,"
    " (select coalesce (json_agg (s), '[]') from (select " SESSION " from cut order by cut.created_at desc, cut.id desc) s) as sessions) shown) end, "
    JUDGE_MODE " else '' end from p";

static const char s_read_progress_sql [] =
    PROJECT_AS_P ROADMAP_AS_R
    ", counted as (select jsonb_array_length (modules) as total, least (current_step_index, jsonb_array_length (modules)) as done from r),"
    " spent as (select count (*) as sessions, coalesce (sum (s.duration_minutes), 0) as minutes"
    " from p join public.daily_sessions s on s.project_id = p.id)"
    " select (select row_to_json (shown) from (select r.id as roadmap_id, p.id as project_id, done as completed_modules,"
    " total as total_modules, r.modules -> done ->> 'title' as current_module,"
    " case total when 0 then 0 else round (100.0 * done / total, 1) end as percent_complete,"
    " sessions as total_sessions, minutes as total_time_minutes from counted, spent) shown), " JUDGE_MODE JUDGE_ROADMAP " else '' end"
    " from p left join r on true";

int
cf_students_read_roadmap (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                          cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_READ (tables, task, user, result, error, s_read_roadmap_sql, project, user);
}

int
cf_students_advance (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t step_index,
                     cf_db_result_t **result, cf_error_t *error)
{
    cf_tables_number_t index;
    return CF_TABLES_WRITE (tables, task, user, result, error, s_advance_sql, project, user, cf_tables_number (&index, step_index));
}

int
cf_students_choose (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t module_index,
                    const char *option_id, cf_db_result_t **result, cf_error_t *error)
{
    cf_tables_number_t index;
    return CF_TABLES_WRITE (tables, task, user, result, error, s_choose_sql, project, user, cf_tables_number (&index, module_index), option_id);
}

int
cf_students_add_session (cf_tables_t *tables, cf_task_t *task, const char *session, const char *project, const char *user,
                         const char *body, cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_WRITE (tables, task, user, result, error, s_add_session_sql, project, user, session, body);
}

int
cf_students_list_sessions (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user, uint32_t limit,
                           cf_db_result_t **result, cf_error_t *error)
{
    *result = NULL;
    if (!limit || limit > CF_STUDENTS_SESSIONS)
        return cf_error_set (error, CF_ERROR_INVALID, "limit is from 1 to %d", CF_STUDENTS_SESSIONS);
    cf_tables_number_t number, most;
    if (CF_TABLES_READ (tables, task, user, result, error, s_list_sessions_sql, project, user, cf_tables_number (&number, limit),
                        cf_tables_number (&most, CF_TABLES_ANSWER_BYTES)))
        return -1;
    return cf_tables_check_size (result, "The sessions", error);
}

int
cf_students_read_progress (cf_tables_t *tables, cf_task_t *task, const char *project, const char *user,
                           cf_db_result_t **result, cf_error_t *error)
{
    return CF_TABLES_READ (tables, task, user, result, error, s_read_progress_sql, project, user);
}
