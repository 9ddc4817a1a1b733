/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - read from the jobs' own rows: their steps are dropped after a time
 *
 *  A user's jobs are found through their projects, whose index of jobs is ordered by time.
 */

#include "actors/ledger/usage.h"
#include "proto/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CF_USAGE_DAY_S 86400

#define JOBS_BETWEEN                                                                                            \
    " j.user_id = $1 and j.created_at >= $2::date::timestamp at time zone 'UTC'"                                \
    " and j.created_at < ($3::date + 1)::timestamp at time zone 'UTC'"

#define COUNTED " j.created_at, j.agent_type, j.calls, j.input_tokens, j.output_tokens, j.cost_usd"

#define SUMS                                                                                                    \
    "coalesce (sum (calls), 0) as calls, coalesce (sum (input_tokens), 0) as input_tokens,"                     \
    " coalesce (sum (output_tokens), 0) as output_tokens, coalesce (sum (cost_usd), 0)::double precision as cost_usd"

#define USAGE(jobs_)                                                                                            \
    "with counted as (" jobs_ "), days as (select to_char (created_at at time zone 'UTC', 'YYYY-MM-DD') as day, agent_type, " SUMS \
    " from counted group by 1, 2)"                                                                              \
    " select row_to_json (r) from (select $2::text as \"from\", $3::text as \"to\","                            \
    " (select row_to_json (t) from (select " SUMS " from counted) t) as total,"                                 \
    " (select coalesce (json_agg (d order by day, agent_type), '[]') from days d) as by_day) r"

/*  (`offset 0` keeps the search within each project: by time alone the index would be read whole.) */
#define ALL_JOBS(columns_)                                                                                      \
    "select l.* from public.projects p cross join lateral (select" columns_ " from public.agent_jobs j"         \
    " where j.project_id = p.id and" JOBS_BETWEEN " offset 0) l where p.user_id = $1"                           \
    " union all select" columns_ " from public.agent_jobs j where j.project_id is null and" JOBS_BETWEEN

static const char s_all_sql [] = USAGE (ALL_JOBS (COUNTED));

static const char s_project_sql [] =
    USAGE ("select" COUNTED " from public.agent_jobs j where j.project_id = $4 and" JOBS_BETWEEN)
    " where exists (select from public.projects p where p.id = $4 and p.user_id = $1)";

static const char s_spent_sql [] =
    "with counted as (" ALL_JOBS (" j.id, j.cost_usd + j.lost_usd as counts") ")"
    " select (coalesce (sum (counts), 0) * 1000000)::bigint from counted where id <> all ($4::uuid[])";

static void
s_print_day (time_t day, char text [CF_USAGE_DAY_SIZE])
{
    struct tm parts;
    gmtime_r (&day, &parts);
    if (!strftime (text, CF_USAGE_DAY_SIZE, "%Y-%m-%d", &parts))
        *text = 0;
}

/*  Reads YYYY-MM-DD strictly. */
static int
s_parse_day (const char *text, time_t *day)
{
    char printed [CF_USAGE_DAY_SIZE];
    struct tm parts = { 0 };
    if (strlen (text) != CF_USAGE_DAY_SIZE - 1 || strspn (text, "0123456789-") != CF_USAGE_DAY_SIZE - 1
     || sscanf (text, "%4d-%2d-%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday) != 3 || parts.tm_year < 1)
        return -1;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    *day = timegm (&parts);
    s_print_day (*day, printed);
    return strcmp (printed, text)? -1: 0;       /* 31 February becomes a day in March */
}

int
cf_usage_span (const char *from, const char *to, cf_usage_span_t *span, const char **field, cf_error_t *error)
{
    time_t first, last = (time_t) (cf_clock_wall_us () / 1000000);
    *field = "to";
    if (*to && s_parse_day (to, &last))
        return cf_error_set (error, CF_ERROR_INVALID, "to is not a day like 2026-01-31");
    *field = "from";
    first = last - (CF_USAGE_DAYS - 1) * CF_USAGE_DAY_S;
    if (*from && s_parse_day (from, &first))
        return cf_error_set (error, CF_ERROR_INVALID, "from is not a day like 2026-01-31");
    if (first > last)
        return cf_error_set (error, CF_ERROR_INVALID, "from is after to");
    s_print_day (first, span->from);
    s_print_day (last, span->to);
    return 0;
}

int
cf_usage_read (cf_db_t *db, cf_task_t *task, const char *user, const char *project, const cf_usage_span_t *span, char **found,
               cf_error_t *error)
{
    const char *const params [] = { user, span->from, span->to, project };
    cf_db_result_t *result;
    *found = NULL;
    if (cf_db_query_as (task, db, user, &result, error, *project? s_project_sql: s_all_sql, *project? 4: 3, params))
        return -1;
    const char *text = cf_db_value (result, 0, 0);
    int rc = 0;
    if (text && !(*found = strdup (text)))
        rc = cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    cf_db_result_destroy (&result);
    return rc;
}

int
cf_usage_spent (cf_db_t *db, cf_task_t *task, const char *user, uint64_t day, const char *except, uint64_t *spent, cf_error_t *error)
{
    char text [CF_USAGE_DAY_SIZE];
    cf_db_result_t *result;
    s_print_day ((time_t) day * CF_USAGE_DAY_S, text);
    if (cf_db_ask (task, db, &result, error, s_spent_sql, user, text, text, except))
        return -1;
    *spent = strtoull (cf_db_value (result, 0, 0), NULL, 10);
    cf_db_result_destroy (&result);
    return 0;
}
