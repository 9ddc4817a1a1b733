/* SPDX-License-Identifier: MPL-2.0 */
/*  people - the statements */

#include "actors/project/people.h"

#define PROFILE                                                                                                 \
    "id, username, full_name, avatar_url, skill_level, " CF_TABLES_TIME (created_at) ", " CF_TABLES_TIME (updated_at)

static const char s_read_sql [] =
    "select row_to_json (r) from (select " PROFILE " from public.profiles where id = $1) r";

static const char s_write_sql [] =
    "with kept as (insert into public.profiles as p (id, username, full_name, avatar_url, skill_level)"
    " select $1::uuid, b ->> 'username', b ->> 'full_name', b ->> 'avatar_url', b ->> 'skill_level' from (select $2::jsonb) as given (b)"
    " on conflict (id) do update set username = coalesce (excluded.username, p.username),"
    " full_name = coalesce (excluded.full_name, p.full_name), avatar_url = coalesce (excluded.avatar_url, p.avatar_url),"
    " skill_level = coalesce (excluded.skill_level, p.skill_level) returning *)"
    " select row_to_json (r) from (select " PROFILE " from kept) r";

static const char s_wait_sql [] = "insert into public.waitlist (email) values ($1) on conflict do nothing";

int
cf_people_read (cf_tables_t *tables, cf_task_t *task, const char *user, cf_db_result_t **result, cf_error_t *error)
{
    if (CF_TABLES_READ (tables, task, user, result, error, s_read_sql, user))
        return -1;
    if (cf_db_rows (*result))
        return 0;
    cf_db_result_destroy (result);
    return cf_people_write (tables, task, user, "{}", result, error);
}

int
cf_people_write (cf_tables_t *tables, cf_task_t *task, const char *user, const char *body, cf_db_result_t **result, cf_error_t *error)
{
    if (CF_TABLES_WRITE (tables, task, user, result, error, s_write_sql, user, body) == 0)
        return 0;
    if (cf_db_refused_with (error, CF_DB_UNIQUE))
        cf_error_set (error, CF_ERROR_CONFLICT, "That username is taken.");
    return -1;
}

int
cf_people_wait (cf_tables_t *tables, cf_task_t *task, const char *email, cf_error_t *error)
{
    return CF_TABLES_WRITE (tables, task, NULL, NULL, error, s_wait_sql, email);
}
