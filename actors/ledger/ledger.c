/* SPDX-License-Identifier: MPL-2.0 */
/*  ledger - the statements
 *
 *  Several updates of one job may meet in one transaction; a row carries the job whole, so the last one counts
 *  (`distinct on … order by n desc`). The guard on state and attempt is the fence behind the one in memory.
 */

#include "actors/ledger/ledger.h"
#include "actors/ledger/budget.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_LEDGER_CONNECTIONS 2         /* for reads; the batch has its own */
#define CF_LEDGER_LINGER_MS 5           /* progress may be told so much later, to be no transaction of its own before a step's */
#define CF_LEDGER_PAGE "500"            /* open jobs read at once */

struct cf_ledger_t {
    cf_db_t *db;
    cf_batch_t *batch;
    int accept, update, lost, step, event;      /* lanes */
    cf_ledger_accepted_fn *fn;
    void *arg;
};

/*  A transaction whose commit was not heard of is sent again, and finds its own rows there: those are accepted, too. (The `|| ''`
    and the texts keep that search on the primary key: the index of open jobs would be read whole.) */
static const char s_accept_sql [] =
    "with given as (select * from unnest ($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::int[], $7::boolean[],"
    "   $8::text[], $9::timestamptz[]) as r (id, project_id, user_id, agent_type, input, priority, simulated, trace, created_at)),"
    " made as (insert into public.agent_jobs (id, project_id, user_id, agent_type, input_context, priority, simulated, trace, created_at)"
    "   select g.* from given g left join public.projects p on p.id = g.project_id and p.user_id = g.user_id and p.status <> 'archived'"
    "   where p.id is not null or g.project_id is null"
    "   on conflict (id) do nothing returning id)"
    " select id from made union all"
    " select j.id from given g join public.agent_jobs j on j.id = g.id where j.status || '' in ('queued', 'running') and j.user_id::text = g.user_id::text";

static const char s_update_sql [] =
    "update public.agent_jobs j set status = u.status, result = u.result, error = u.error, progress = u.progress, stage = u.stage,"
    "   attempt = u.attempt, last_event = u.last_event, input_tokens = u.input_tokens, output_tokens = u.output_tokens,"
    "   cost_usd = u.cost_usd, calls = u.calls, spent_ms = u.spent_ms, started_at = u.started_at, completed_at = u.completed_at,"
    "   input_context = coalesce (u.input, j.input_context), deaths = u.deaths, answers = u.answers,"
    "   error_code = u.error_code, error_details = u.error_details, lost_usd = u.lost_usd, holds = u.holds,"
    "   last_request = u.last_request, updated_at = now ()"
    " from (select distinct on (id) * from unnest ($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::int[], $6::text[], $7::int[],"
    "   $8::bigint[], $9::bigint[], $10::bigint[], $11::numeric[], $12::int[], $13::bigint[], $14::timestamptz[], $15::timestamptz[],"
    "   $16::jsonb[], $17::int[], $18::int[], $19::text[], $20::jsonb[], $21::numeric[], $22::text[], $23::uuid[]) with ordinality as r (id, status,"
    "   result, error, progress, stage, attempt, last_event, input_tokens, output_tokens, cost_usd, calls, spent_ms, started_at,"
    "   completed_at, input, deaths, answers, error_code, error_details, lost_usd, holds, last_request, n)"
    "   order by id, n desc) u"
    " where j.id = u.id and j.attempt <= u.attempt and j.status not in ('completed', 'failed', 'cancelled')";

/*  What an ended job has lost is known better: comes after the update of the same transaction. */
static const char s_lost_sql [] =
    "update public.agent_jobs j set lost_usd = u.lost_usd from (select distinct on (id) * from unnest ($1::uuid[], $2::numeric[])"
    "   with ordinality as r (id, lost_usd, n) order by id, n desc) u"
    " where j.id = u.id and j.status || '' in ('completed', 'failed', 'cancelled')";

static const char s_step_sql [] =
    "insert into codeforge.job_steps (job_id, name, seq, status, attempt, output, outcome, model, provider, input_tokens,"
    "   output_tokens, cost_usd, started_at, completed_at, first_token_ms)"
    " select * from unnest ($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],"
    "   $10::bigint[], $11::bigint[], $12::numeric[], $13::timestamptz[], $14::timestamptz[], $15::int[])"
    " on conflict (job_id, name) do nothing";

/*  The event that ends a history is written only if the job's row did end with it: comes after the update of the same transaction. The first
    one, which may tell of a lease in the transaction in which the job is refused, only if there is a job. (`offset 0`: each looked up by
    its key. Else the planner may hash all jobs, which it thinks are few: the plan is made while they are.) */
static const char s_event_sql [] =
    "insert into codeforge.job_events (job_id, seq, event, data)"
    " select r.* from unnest ($1::uuid[], $2::bigint[], $3::text[], $4::text[]) as r (job_id, seq, event, data)"
    " where case when r.event in ('complete', 'error', 'cancelled') then exists (select from public.agent_jobs j where j.id = r.job_id"
    "   and j.status || '' in ('completed', 'failed', 'cancelled') and j.last_event = r.seq offset 0)"
    "   else r.seq > 1 or exists (select from public.agent_jobs j where j.id = r.job_id offset 0) end"
    " on conflict (job_id, seq) do nothing";

#define JOB_COLUMNS                                                                                             \
    "j.id, j.project_id, j.user_id, j.agent_type, j.status, j.input_context, j.result, j.error, j.progress, j.stage,"     \
    " j.attempt, j.priority, j.last_event, j.input_tokens, j.output_tokens, j.cost_usd, j.calls, j.simulated, j.spent_ms, j.trace," \
    " (extract (epoch from j.created_at) * 1000000)::bigint, (extract (epoch from j.started_at) * 1000000)::bigint,"      \
    " (extract (epoch from j.completed_at) * 1000000)::bigint, j.deaths, j.answers,"     \
    " j.error_code, j.error_details, j.lost_usd, j.holds, j.last_request"
#define JOB_STEPS 30                    /* column after those of a job: its steps, where they are read with it */

/*  The journal is out of every user's reach, so it is read beside what the user may see of the job. */
#define STEPS                                                                                                   \
    "(select json_agg (json_build_object ('name', s.name, 'status', s.status, 'attempt', s.attempt, 'model', s.model,"   \
    "    'input_tokens', s.input_tokens, 'output_tokens', s.output_tokens, 'cost_usd', s.cost_usd, 'first_token_ms', s.first_token_ms," \
    "    'started_us', (extract (epoch from s.started_at) * 1000000)::bigint,"                                  \
    "    'completed_us', (extract (epoch from s.completed_at) * 1000000)::bigint) order by s.seq, s.started_at)" \
    "  from codeforge.job_steps s where s.job_id = j.id)"

#define JOB_NEWS (JOB_STEPS + 1)        /* column after that */
#define NEWS                                                                                                    \
    "(select json_agg (json_build_array (e.seq, e.data::json) order by e.seq) from codeforge.job_events e"     \
    "  where e.job_id = j.id and e.seq > j.last_event)"

/* ---- life ---- */

static void
s_on_accepted (void *arg, const cf_db_result_t *result)
{
    cf_ledger_t *self = arg;
    for (size_t row = 0; row < cf_db_rows (result); row++)
        self->fn (self->arg, cf_db_value (result, row, 0));
}

cf_ledger_t *
cf_ledger_new (cf_loop_t *loop, cf_ledger_accepted_fn *fn, void *arg, cf_error_t *error)
{
    cf_ledger_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->fn = fn;
    self->arg = arg;
    self->db = cf_db_new (loop, cf_config_str (CF_CONFIG_DATABASE_URL), CF_LEDGER_CONNECTIONS, error);
    self->batch = self->db? cf_batch_new (self->db): NULL;
    if (!self->batch) {
        cf_ledger_destroy (&self);
        return NULL;
    }
    cf_batch_set_linger (self->batch, CF_LEDGER_LINGER_MS);
    self->accept = cf_batch_lane (self->batch, s_accept_sql, 9, s_on_accepted, self);
    self->update = cf_batch_lane (self->batch, s_update_sql, 23, NULL, NULL);
    self->lost = cf_batch_lane (self->batch, s_lost_sql, 2, NULL, NULL);
    self->step = cf_batch_lane (self->batch, s_step_sql, 15, NULL, NULL);
    self->event = cf_batch_lane (self->batch, s_event_sql, 4, NULL, NULL);
    return self;
}

void
cf_ledger_destroy (cf_ledger_t **self_p)
{
    cf_ledger_t *self = *self_p;
    if (!self)
        return;
    cf_batch_destroy (&self->batch);
    cf_db_destroy (&self->db);
    free (self);
    *self_p = NULL;
}

cf_batch_t *
cf_ledger_batch (cf_ledger_t *self)
{
    return self->batch;
}

cf_db_t *
cf_ledger_db (cf_ledger_t *self)
{
    return self->db;
}

bool
cf_ledger_is_up (const cf_ledger_t *self)
{
    return cf_db_is_up (self->db) && cf_batch_is_up (self->batch);
}

bool
cf_ledger_idle (const cf_ledger_t *self)
{
    return cf_batch_idle (self->batch);
}

/* ---- writes ---- */

typedef struct {
    char text [32];
} number_t;

static const char *
s_u64 (number_t *number, uint64_t value)
{
    snprintf (number->text, sizeof number->text, "%" PRIu64, value);
    return number->text;
}

static const char *
s_cost (number_t *number, double value)
{
    snprintf (number->text, sizeof number->text, "%.6f", value);
    return number->text;
}

/*  Millionths of a US dollar. */
static const char *
s_usd (number_t *number, uint64_t millionths)
{
    snprintf (number->text, sizeof number->text, "%" PRIu64 ".%06" PRIu64, millionths / 1000000u, millionths % 1000000u);
    return number->text;
}

/*  A time, or SQL null for none. */
static const char *
s_time (number_t *number, uint64_t wall_us)
{
    return wall_us? cf_clock_rfc3339 (wall_us, number->text): NULL;
}

cf_batch_ticket_t
cf_ledger_accept (cf_ledger_t *self, const cf_job_t *job)
{
    number_t priority, created;
    const char *values [] = {
        job->id, *job->project? job->project: NULL, job->user, job->kind->type, job->input, s_u64 (&priority, job->priority),
        job->simulated? "true": "false", *job->trace? job->trace: NULL, s_time (&created, job->created_us)
    };
    return cf_batch_row (self->batch, self->accept, values);
}

cf_batch_ticket_t
cf_ledger_update (cf_ledger_t *self, const cf_job_t *job, bool with_input)
{
    number_t progress, attempt, last_event, input, output, cost, calls, spent, started, completed, deaths, answers, lost;
    uint64_t working_ms = job->running_since_ms? cf_clock_ms () - job->running_since_ms: 0;
    bool ended = cf_job_is_terminal (job->state);       /* nobody knows what became of the calls that it left open */
    char *holds = ended? NULL: cf_budget_print (job);
    const char *values [] = {
        job->id, cf_job_state_name (job->state), job->result, job->error, s_u64 (&progress, job->progress), job->stage,
        s_u64 (&attempt, job->attempt), s_u64 (&last_event, job->last_event), s_u64 (&input, job->input_tokens),
        s_u64 (&output, job->output_tokens), s_cost (&cost, job->cost_usd), s_u64 (&calls, job->calls),
        s_u64 (&spent, job->spent_ms + working_ms), s_time (&started, job->started_us), s_time (&completed, job->completed_us),
        with_input? job->input: NULL, s_u64 (&deaths, job->deaths), s_u64 (&answers, job->answers),
        *job->error_code? job->error_code: NULL, job->error_details, s_usd (&lost, job->lost + (ended? cf_job_held (job): 0)), holds,
        *job->last_request? job->last_request: NULL
    };
    cf_batch_ticket_t ticket = cf_batch_row (self->batch, self->update, values);
    free (holds);
    return ticket;
}

cf_batch_ticket_t
cf_ledger_lost (cf_ledger_t *self, const char *job, uint64_t lost)
{
    number_t number;
    const char *values [] = { job, s_usd (&number, lost) };
    return cf_batch_row (self->batch, self->lost, values);
}

cf_batch_ticket_t
cf_ledger_step (cf_ledger_t *self, const cf_job_t *job, const cf_step_t *step, size_t seq,
                const char *output, const char *outcome, const char *provider)
{
    number_t order, attempt, input, spoken, cost, started, completed, first;
    const char *values [] = {
        job->id, step->name, s_u64 (&order, seq), step->status, s_u64 (&attempt, step->attempt), output, outcome,
        *step->model? step->model: NULL, provider, s_u64 (&input, step->input_tokens), s_u64 (&spoken, step->output_tokens),
        s_cost (&cost, step->cost_usd), s_time (&started, step->started_us), s_time (&completed, step->completed_us),
        step->first_token_ms? s_u64 (&first, step->first_token_ms): NULL
    };
    return cf_batch_row (self->batch, self->step, values);
}

cf_batch_ticket_t
cf_ledger_event (cf_ledger_t *self, const cf_job_t *job, const char *event, const char *shown)
{
    number_t seq;
    const char *values [] = { job->id, s_u64 (&seq, job->last_event), event, shown };
    return cf_batch_row (self->batch, self->event, values);
}

/* ---- reads ---- */

static uint64_t
s_number (const cf_db_result_t *result, size_t row, size_t column)
{
    const char *text = cf_db_value (result, row, column);
    return text? strtoull (text, NULL, 10): 0;
}

static const char *
s_text (const cf_db_result_t *result, size_t row, size_t column)
{
    const char *text = cf_db_value (result, row, column);
    return text? text: "";
}

/*  A step and the row of its job are not always written by one transaction: what was between them when we died is made good. */
static void
s_count_steps (cf_job_t *job)
{
    uint64_t input = 0, output = 0, calls = 0;
    double cost_usd = 0;
    for (const cf_step_t *step = job->steps; step; step = step->next) {
        input += step->input_tokens;
        output += step->output_tokens;
        cost_usd += step->cost_usd;
        calls += *step->model != 0;
    }
    if (calls > job->calls) {
        job->input_tokens = input;
        job->output_tokens = output;
        job->cost_usd = cost_usd;
        job->calls = calls;
    }
}

static void
s_load_steps (cf_job_t *job, const char *text)
{
    cf_json_t *steps = *text? cf_json_parse (text, strlen (text), NULL): NULL, *row;
    size_t at, seq;
    json_array_foreach (steps, at, row) {
        cf_step_t *step = cf_job_add_step (job, cf_json_str (row, "name", ""), &seq);
        if (!step)
            break;
        step->status = strcmp (cf_json_str (row, "status", ""), "failed") == 0? "failed": "completed";
        step->attempt = (uint32_t) cf_json_int (row, "attempt", 1);
        snprintf (step->model, sizeof step->model, "%s", cf_json_str (row, "model", ""));
        step->input_tokens = (uint64_t) cf_json_int (row, "input_tokens", 0);
        step->output_tokens = (uint64_t) cf_json_int (row, "output_tokens", 0);
        step->cost_usd = cf_json_real (row, "cost_usd", 0);
        step->first_token_ms = (uint32_t) cf_json_int (row, "first_token_ms", 0);
        step->started_us = (uint64_t) cf_json_int (row, "started_us", 0);
        step->completed_us = (uint64_t) cf_json_int (row, "completed_us", 0);
    }
    json_decref (steps);
    s_count_steps (job);
}

/*  Events of a job that its row knows nothing of yet (desk.h): what they told stays told. */
static void
s_load_news (cf_job_t *job, const char *text)
{
    cf_json_t *news = *text? cf_json_parse (text, strlen (text), NULL): NULL, *event;
    size_t at;
    json_array_foreach (news, at, event) {
        const cf_json_t *told = json_array_get (event, 1);
        const char *stage = cf_json_str (told, "stage", NULL), *note = cf_json_str (told, "message", NULL);
        uint32_t progress = (uint32_t) cf_json_int (told, "progress", 0);
        job->last_event = job->told_event = (uint64_t) json_integer_value (json_array_get (event, 0));
        job->progress = progress > job->progress? progress: job->progress;
        if (stage)
            snprintf (job->stage, sizeof job->stage, "%s", stage);
        if (note)
            snprintf (job->note, sizeof job->note, "%s", note);
    }
    json_decref (news);
}

/*  A row of JOB_COLUMNS as a job with its steps; NULL when out of memory or of a kind that is no more. */
static cf_job_t *
s_load (const cf_db_result_t *result, size_t row, const char *steps)
{
    const cf_job_kind_t *kind = cf_job_kind (s_text (result, row, 3));
    cf_job_t *job = kind? cf_job_new (s_text (result, row, 0), s_text (result, row, 1), s_text (result, row, 2), kind, s_text (result, row, 5)): NULL;
    if (!job)
        return NULL;
    job->state = cf_job_state_named (s_text (result, row, 4));
    job->accepted = job->settled = true;
    const char *document = cf_db_value (result, row, 6), *failure = cf_db_value (result, row, 7), *trace = cf_db_value (result, row, 19);
    job->result = document? strdup (document): NULL;
    job->error = failure? strdup (failure): NULL;
    job->progress = (uint32_t) s_number (result, row, 8);
    snprintf (job->stage, sizeof job->stage, "%s", s_text (result, row, 9));
    job->attempt = (uint32_t) s_number (result, row, 10);
    job->priority = (uint32_t) s_number (result, row, 11);
    job->last_event = job->told_event = s_number (result, row, 12);
    job->input_tokens = s_number (result, row, 13);
    job->output_tokens = s_number (result, row, 14);
    job->cost_usd = strtod (s_text (result, row, 15), NULL);
    job->calls = s_number (result, row, 16);
    job->simulated = *s_text (result, row, 17) == 't';
    job->spent_ms = s_number (result, row, 18);
    snprintf (job->trace, sizeof job->trace, "%s", trace? trace: "");
    job->created_us = s_number (result, row, 20);
    job->started_us = s_number (result, row, 21);
    job->completed_us = s_number (result, row, 22);
    job->deaths = (uint32_t) s_number (result, row, 23);
    job->answers = (uint32_t) s_number (result, row, 24);
    const char *details = cf_db_value (result, row, 26);
    snprintf (job->error_code, sizeof job->error_code, "%s", s_text (result, row, 25));
    job->error_details = details? strdup (details): NULL;
    job->lost = (uint64_t) (strtod (s_text (result, row, 27), NULL) * 1e6 + 0.5);
    s_load_steps (job, steps);
    cf_budget_parse (job, s_text (result, row, 28));
    snprintf (job->last_request, sizeof job->last_request, "%s", s_text (result, row, 29));
    return job;
}

int
cf_ledger_read_job (cf_ledger_t *self, cf_task_t *task, const char *job, const char *user, cf_job_t **found, cf_error_t *error)
{
    static const char job_sql [] = "select " JOB_COLUMNS " from public.agent_jobs j where j.id = $1 and j.user_id = $2";
    static const char steps_sql [] = "select " STEPS " from (select $1::uuid) j (id)";
    const char *const params [] = { job, user }, *const users [] = { user, NULL };
    const cf_db_statement_t statements [] = { { job_sql, 2, params }, { steps_sql, 1, params } };
    cf_db_result_t *results [2];
    *found = NULL;
    if (cf_db_unit_as (task, self->db, users, statements, 2, results, error))
        return -1;
    if (cf_db_rows (results [0]))
        *found = s_load (results [0], 0, s_text (results [1], 0, 0));
    cf_db_result_destroy (&results [0]);
    cf_db_result_destroy (&results [1]);
    return 0;
}

int
cf_ledger_read_open (cf_ledger_t *self, cf_task_t *task, void (*fn) (void *arg, cf_job_t *job), void *arg, cf_error_t *error)
{
    char id [CF_UUID_SIZE] = "";
    number_t created;
    size_t rows;
    do {
        cf_db_result_t *result;
        if (cf_db_ask (task, self->db, &result, error,
                       "select " JOB_COLUMNS ", " STEPS ", " NEWS " from public.agent_jobs j"
                       " where j.status in ('queued', 'running', 'waiting_for_input')"
                       "   and ($1::timestamptz is null or (j.created_at, j.id) > ($1::timestamptz, $2::uuid))"
                       " order by j.created_at, j.id limit " CF_LEDGER_PAGE, *id? created.text: NULL, *id? id: NULL))
            return -1;
        rows = cf_db_rows (result);
        for (size_t row = 0; row < rows; row++) {
            cf_job_t *job = s_load (result, row, s_text (result, row, JOB_STEPS));
            if (job)
                s_load_news (job, s_text (result, row, JOB_NEWS));
            snprintf (id, sizeof id, "%s", s_text (result, row, 0));
            s_time (&created, s_number (result, row, 20));
            if (job)
                fn (arg, job);
            else
                cf_log_error ("job %s: nobody knows agents of type %s", id, s_text (result, row, 3));
        }
        cf_db_result_destroy (&result);
    } while (rows);
    return 0;
}

int
cf_ledger_list_open (cf_ledger_t *self, cf_task_t *task, cf_db_result_t **found, cf_error_t *error)
{
    static const char sql [] = "select id, user_id from public.agent_jobs where status in ('queued', 'running', 'waiting_for_input')";
    return cf_db_query (task, self->db, found, error, sql, 0, NULL);
}

/*  A statement in a user's name, its parameters as arguments. */
#define ASK_AS(task_, db_, user_, result_, error_, sql_, ...)                                                   \
    cf_db_query_as (task_, db_, user_, result_, error_, sql_, sizeof (const char *[]) { __VA_ARGS__ } / sizeof (const char *), \
                    (const char *[]) { __VA_ARGS__ })

/*  [Job, …] of the rows of JOB_COLUMNS in result, whose steps are asked for now. NULL with error. */
static cf_json_t *
s_show_page (cf_ledger_t *self, cf_task_t *task, const cf_db_result_t *result, cf_error_t *error)
{
    cf_buf_t ids;
    cf_db_result_t *steps = NULL;
    cf_buf_init (&ids, 2 + cf_db_rows (result) * CF_UUID_SIZE);
    for (size_t row = 0; row < cf_db_rows (result); row++)
        cf_buf_printf (&ids, "%s%s", row? ",": "{", s_text (result, row, 0));
    cf_buf_puts (&ids, ids.size? "}": "{}");
    int rc = cf_db_ask (task, self->db, &steps, error,
                        "select " STEPS " from unnest ($1::uuid[]) with ordinality as j (id, n) order by n", ids.bytes);
    cf_buf_free (&ids);
    if (rc)
        return NULL;
    cf_json_t *items = json_array ();
    for (size_t row = 0; row < cf_db_rows (result); row++) {
        cf_job_t *job = s_load (result, row, s_text (steps, row, 0));
        if (job)
            json_array_append_new (items, cf_job_show (job));
        cf_job_destroy (&job);
    }
    cf_db_result_destroy (&steps);
    return items;
}

int
cf_ledger_read_page (cf_ledger_t *self, cf_task_t *task, const char *project, const char *user, uint32_t page,
                     uint32_t page_size, cf_json_t **found, cf_error_t *error)
{
    static const char count_sql [] =
        "select (select count (*) from public.agent_jobs where project_id = p.id and user_id = p.user_id)"
        " from public.projects p where p.id = $1 and p.user_id = $2";
    static const char page_sql [] =
        "select " JOB_COLUMNS " from public.agent_jobs j where j.project_id = $1 and j.user_id = $2"
        " order by j.created_at desc, j.id desc limit $3 offset $4";
    number_t limit, offset;
    const char *const users [] = { user, user };
    const char *const params [] = { project, user, s_u64 (&limit, page_size), s_u64 (&offset, (uint64_t) (page - 1) * page_size) };
    const cf_db_statement_t statements [] = { { count_sql, 2, params }, { page_sql, 4, params } };
    cf_db_result_t *results [2];
    *found = NULL;
    if (cf_db_unit_as (task, self->db, users, statements, 2, results, error))
        return -1;
    uint64_t total = s_number (results [0], 0, 0);
    cf_json_t *items = NULL;
    if (!cf_db_rows (results [0]))
        cf_error_set (error, CF_ERROR_NOT_FOUND, "no such project");
    else if ((items = s_show_page (self, task, results [1], error)))
        *found = json_pack ("{sosIsisisb}", "items", items, "total", (json_int_t) total, "page", (int) page, "page_size", (int) page_size,
                            "has_more", (uint64_t) page * page_size < total);
    cf_db_result_destroy (&results [0]);
    cf_db_result_destroy (&results [1]);
    return items? 0: -1;
}

int
cf_ledger_read_journal (cf_ledger_t *self, cf_task_t *task, const char *job, cf_json_t **found, cf_error_t *error)
{
    cf_db_result_t *result;
    *found = NULL;
    if (cf_db_ask (task, self->db, &result, error,
                   "select name, output, outcome from codeforge.job_steps where job_id = $1 and status = 'completed' order by seq, started_at", job))
        return -1;
    *found = json_array ();
    for (size_t row = 0; row < cf_db_rows (result); row++)
        json_array_append_new (*found, json_pack ("{ssssss}", "name", s_text (result, row, 0), "output", s_text (result, row, 1),
                                                  "outcome", s_text (result, row, 2)));
    cf_db_result_destroy (&result);
    return 0;
}

int
cf_ledger_read_earlier (cf_ledger_t *self, cf_task_t *task, const char *job, const char *user, cf_json_t **found, cf_error_t *error)
{
    cf_db_result_t *result;
    *found = NULL;
    if (cf_db_ask (task, self->db, &result, error,
                   "select e.status, (select coalesce (json_agg (json_build_object ('name', s.name, 'output', s.output) order by s.seq, s.started_at), '[]')"
                   "   from codeforge.job_steps s where s.job_id = e.id and s.status = 'completed')"
                   " from public.agent_jobs j join public.agent_jobs e on e.project_id = j.project_id and e.user_id = j.user_id"
                   "   and e.agent_type = j.agent_type and e.id <> j.id where j.id = $1 and j.user_id = $2"
                   " order by e.created_at desc, e.id desc limit 10", job, user))
        return -1;
    *found = json_array ();
    for (size_t row = 0; row < cf_db_rows (result); row++) {
        cf_json_t *journal = cf_json_parse (s_text (result, row, 1), cf_db_value_size (result, row, 1), NULL);
        json_array_append_new (*found, json_pack ("{ssso}", "status", s_text (result, row, 0), "journal", journal? journal: json_array ()));
    }
    cf_db_result_destroy (&result);
    return 0;
}

int
cf_ledger_read_events (cf_ledger_t *self, cf_task_t *task, const char *job, uint64_t after, cf_json_t **found, cf_error_t *error)
{
    cf_db_result_t *result;
    number_t number;
    *found = NULL;
    if (cf_db_ask (task, self->db, &result, error,
                   "select seq, event, data from codeforge.job_events where job_id = $1 and seq > $2 order by seq limit 1000",
                   job, s_u64 (&number, after)))
        return -1;
    *found = json_array ();
    for (size_t row = 0; row < cf_db_rows (result); row++) {
        cf_json_t *shown = cf_json_parse (s_text (result, row, 2), cf_db_value_size (result, row, 2), NULL);
        json_array_append_new (*found, json_pack ("{sIssso}", "seq", (json_int_t) s_number (result, row, 0), "event", s_text (result, row, 1),
                                                  "data", shown? shown: json_object ()));
    }
    cf_db_result_destroy (&result);
    return 0;
}

int
cf_ledger_read_project (cf_ledger_t *self, cf_task_t *task, const char *project, const char *user, cf_json_t **found, cf_error_t *error)
{
    cf_db_result_t *result;
    *found = NULL;
    if (ASK_AS (task, self->db, user, &result, error,
                "select status, requirements_spec is not null, architecture_spec is not null from public.projects where id = $1 and user_id = $2",
                project, user))
        return -1;
    if (cf_db_rows (result))
        *found = json_pack ("{sssbsb}", "status", s_text (result, 0, 0), "requirements", *s_text (result, 0, 1) == 't',
                            "architecture", *s_text (result, 0, 2) == 't');
    cf_db_result_destroy (&result);
    return 0;
}

int
cf_ledger_prune (cf_ledger_t *self, cf_task_t *task, uint64_t days, cf_error_t *error)
{
    static const char *const statements [] = {
        /* a job that was deleted in the database leaves its events behind */
        "delete from codeforge.job_events where ctid = any (array (select e.ctid from codeforge.job_events e left join public.agent_jobs j"
        " on j.id = e.job_id where e.created_at < now () - make_interval (days => $1::int)"
        " and (j.id is null or j.completed_at < now () - make_interval (days => $1::int)) limit 10000))",
        "delete from codeforge.job_steps where ctid = any (array (select s.ctid from codeforge.job_steps s join public.agent_jobs j"
        " on j.id = s.job_id where s.started_at < now () - make_interval (days => $1::int)"
        " and j.completed_at < now () - make_interval (days => $1::int) limit 10000))",
    };
    number_t number;
    uint64_t deleted = 0;
    s_u64 (&number, days);
    for (size_t at = 0; at < sizeof statements / sizeof statements [0]; at++) {
        cf_db_result_t *result;
        if (cf_db_ask (task, self->db, &result, error, statements [at], number.text))
            return -1;
        deleted += cf_db_affected (result);
        cf_db_result_destroy (&result);
    }
    return (int) deleted;
}
