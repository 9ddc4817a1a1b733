/* SPDX-License-Identifier: MPL-2.0 */
/*  jobs - the ledger: accepts, queues, leases and ends jobs
 *
 *  Owns:       agent_jobs, codeforge.job_steps and codeforge.job_events; the queues; who holds which job.
 *  Answers:    edges: JOB_SECRET, JOB_CREATE, JOB_READ, JOB_AWAIT, JOB_LIST, JOB_CANCEL, JOB_ANSWER, JOB_WATCH, USAGE_READ.
 *              those who work: JOB_SECRET_READ, JOB_STEP, JOB_END, JOB_JOURNAL, JOB_EARLIER, LEASES_HELD; event jobs.progress.
 *              the router, where a budget is set: BUDGET_RESERVE, BUDGET_RELEASE.
 *  Asks:       agents (JOB_RUN, JOB_STOP).
 *  Tells:      job.<id> (each change, once committed), state.jobs (a new instance: announce your leases), state.database.
 *  Stops:      on TERM, once everything is committed; running jobs go on without it.
 *  If it dies: nothing is lost: the ledger has every accepted job; agents keep working and say so to the next instance, which
 *              queues the rest again. Secrets are only here: a job that had not read its own fails and says so.
 */

#include "actors/ledger/history.h"
#include "actors/ledger/lease.h"
#include "actors/ledger/rounds.h"
#include "actors/ledger/secrets.h"
#include "actors/ledger/usage.h"
#include "actors/lib/actor.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_JOBS_UNCLAIMED_MS 30000      /* how long a secret is kept whose job does not come */
#define CF_JOBS_SHOWN_MS 60000u         /* how long a job is shown as it was found */
#define CF_JOBS_AGAIN_MS 5              /* between two looks at what another task waits for */
#define CF_JOBS_WATCH_DATABASE_MS 200   /* how often a change of the database's state is noticed */

typedef struct {
    cf_actor_t *actor;
    cf_loop_t *loop;
    cf_ledger_t *ledger;
    cf_desk_t *desk;
    cf_lease_t *lease;
    cf_shown_t *shown;
    cf_secrets_t *secrets;
    cf_subscription_t *progress;
    cf_rounds_t *rounds;
    cf_timer_t sweep, database;
    cf_task_t *starting;                /* NULL: it has started */
    int database_told;                  /* -1: nothing yet */
    uint64_t epoch;                     /* of this instance */
} jobs_t;

static void
s_fail_missing (cf_task_t *task, const char *job)
{
    char details [128];
    snprintf (details, sizeof details, "{\"resource\":\"job\",\"id\":\"%s\"}", job);
    cf_fail_with (task, CF_ERROR_NOT_FOUND, "no such job", details);
}

static void
s_fail_field (cf_task_t *task, const char *field, const char *reason)
{
    char details [256];
    snprintf (details, sizeof details, "{\"field\":\"%s\",\"reason\":\"%s\"}", field, reason);
    cf_fail_with (task, CF_ERROR_INVALID, reason, details);
}

static void
s_reply_json (cf_task_t *task, cf_json_t *shown)
{
    char *text = cf_json_print (shown);
    cf_reply (task, &(cf_job_shown_t) { .shown = text? text: "null" });
    free (text);
    json_decref (shown);
}

/* ---- accept ---- */

/*  Whether the document that the kind needs is in the input or in the project. 0, or -1 with the call failed. */
static int
s_check_needs (cf_task_t *task, jobs_t *self, const cf_job_create_t *ask, const cf_job_kind_t *kind)
{
    if (!kind->needs)
        return 0;
    cf_error_t error = { 0 };
    cf_json_t *input = cf_json_parse (ask->input, strlen (ask->input), NULL), *project = NULL;
    bool given = cf_json_member (input, kind->needs) || (kind->unless && cf_json_member (input, kind->unless));
    json_decref (input);
    if (given)
        return 0;
    if (cf_ledger_read_project (self->ledger, task, ask->project, ask->user, &project, &error)) {
        cf_fail (task, &error);
        return -1;
    }
    given = !project || cf_json_bool (project, kind->needs, false);      /* no such project: the insert finds out */
    json_decref (project);
    if (!given) {
        char field [64], reason [128];
        snprintf (field, sizeof field, "input_context.%s", kind->needs);
        snprintf (reason, sizeof reason, "the project has no %s yet and the input brings none", kind->needs);
        s_fail_field (task, field, reason);
    }
    return given? 0: -1;
}

/*  The ledger did not insert it: because it has it already, or another's of that id, or because the project is none of the user's. */
static void
s_explain_refusal (cf_task_t *task, jobs_t *self, const cf_job_create_t *ask)
{
    cf_error_t error = { 0 };
    cf_job_t *known = NULL;
    cf_json_t *project = NULL;
    if (cf_ledger_read_job (self->ledger, task, ask->job, ask->user, &known, &error) == 0 && known)
        cf_reply (task, &(cf_job_accepted_t) { .job = ask->job, .status = cf_job_state_name (known->state), .agent = known->kind->type });
    else if (!error.code && !*ask->project)
        cf_fail_with (task, CF_ERROR_CONFLICT, "the id is taken", "{\"field\":\"job_id\"}");
    else if (error.code || cf_ledger_read_project (self->ledger, task, ask->project, ask->user, &project, &error))
        cf_fail (task, &error);
    else if (project)
        cf_fail_with (task, CF_ERROR_CONFLICT, "the project is archived", "{\"field\":\"project_id\"}");
    else {
        char details [128];
        snprintf (details, sizeof details, "{\"resource\":\"project\",\"id\":\"%s\"}", ask->project);
        cf_fail_with (task, CF_ERROR_NOT_FOUND, "no such project", details);
    }
    cf_job_destroy (&known);
    json_decref (project);
}

static void
s_on_accepted (void *arg, const char *id)
{
    jobs_t *self = arg;
    cf_job_t *job = cf_desk_lookup (self->desk, id, NULL);
    if (job)
        job->accepted = true;
}

static cf_job_t *
s_new_job (cf_task_t *task, jobs_t *self, const cf_job_create_t *ask, const cf_job_kind_t *kind)
{
    cf_job_t *job = cf_job_new (ask->job, ask->project, ask->user, kind, ask->input);
    if (!job)
        return NULL;
    const cf_task_context_t *context = cf_task_context (task);
    job->simulated = cf_config_bool (CF_CONFIG_SIMULATED);
    job->priority = context->priority;
    memcpy (job->trace, context->trace, sizeof job->trace);
    cf_job_t *taken = job;
    cf_desk_take (self->desk, &taken);
    return job;
}

/*  Whether there is an open job of that id: then the call is answered. While the same request waits for its commit, waits with it. */
static bool
s_is_known (cf_task_t *task, jobs_t *self, const cf_job_create_t *ask)
{
    cf_job_t *job;
    cf_error_t error = { 0 };
    while ((job = cf_desk_lookup (self->desk, ask->job, NULL)) && !job->accepted)
        if (cf_task_sleep (task, CF_JOBS_AGAIN_MS, &error)) {
            cf_fail (task, &error);
            return true;
        }
    if (job && strcmp (job->user, ask->user) == 0)
        cf_reply (task, &(cf_job_accepted_t) { .job = ask->job, .status = cf_job_state_name (job->state), .agent = ask->agent });
    else if (job)
        cf_fail_with (task, CF_ERROR_CONFLICT, "the id is taken", "{\"field\":\"job_id\"}");
    return job != NULL;
}

static void
s_on_job_secret (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_secret_t *given = fields;
    cf_error_t error = { 0 };
    if (cf_secrets_put (self->secrets, given->job, given->user, given->secret, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_job_noted_t) { 0 });
    explicit_bzero ((char *) given->secret, strlen (given->secret));    /* what was decoded is ours until we return */
}

static void
s_on_job_create (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_create_t *ask = fields;
    const cf_job_kind_t *kind = cf_job_kind (ask->agent);
    if (s_is_known (task, self, ask))   /* the same request, sent again */
        return;
    if (!kind) {
        s_fail_field (task, "agent_type", "no such agent");
        return;
    }
    if (!*ask->project && !kind->alone) {
        s_fail_field (task, "project_id", "this agent works in a project only");
        return;
    }
    if (!cf_ledger_is_up (self->ledger)) {      /* it could be accepted later, but not told so in time */
        cf_fail_with (task, CF_ERROR_DATABASE_DOWN, "the ledger is not available", "");
        return;
    }
    if (cf_desk_size (self->desk) >= cf_config_u64 (CF_CONFIG_JOBS_MAX_OPEN)
        || cf_desk_count_of (self->desk, ask->user) >= cf_config_u64 (CF_CONFIG_JOBS_MAX_OPEN_PER_USER)) {
        cf_fail_with (task, CF_ERROR_OVERLOADED, "too many open jobs", "");
        return;
    }
    if (s_check_needs (task, self, ask, kind) || s_is_known (task, self, ask))  /* that took time */
        return;
    cf_error_t error = { 0 };
    cf_job_t *job = s_new_job (task, self, ask, kind);
    if (!job) {
        cf_fail_with (task, CF_ERROR_OVERLOADED, "out of memory", "");
        return;
    }
    cf_task_shield (task, true);        /* once written it is ours to run, whether or not the caller still listens */
    cf_batch_ticket_t ticket = cf_ledger_accept (self->ledger, job);
    if (ticket)
        cf_lease_queue (self->lease, job, false);       /* its lease may be in the same transaction; nobody works on it before that */
    int rc = cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, &error);
    cf_task_shield (task, false);
    job = cf_desk_lookup (self->desk, ask->job, ask->user);
    if (rc == 0 && job && job->accepted) {
        cf_metric_add (CF_METRIC_jobs_accepted_total, 1);
        cf_reply (task, &(cf_job_accepted_t) { .job = ask->job, .status = "queued", .agent = ask->agent });
        return;
    }
    if (job) {
        cf_lease_release (self->lease, job, false);
        cf_desk_drop (self->desk, job);
    }
    if (rc)
        cf_fail (task, &error);
    else
        s_explain_refusal (task, self, ask);
}

/* ---- read ---- */

/*  Ends the call with the user's job of that id as it is, or because there is none. */
static void
s_show (cf_task_t *task, jobs_t *self, const char *job, const char *user)
{
    cf_job_t *open = cf_desk_lookup (self->desk, job, user), *found = NULL;
    cf_error_t error = { 0 };
    bool ours = open && open->accepted;
    cf_body_t *shown = cf_shown_lookup (self->shown, job, user, ours? open->version: CF_SHOWN_ENDED);
    if (shown || ours)
        cf_reply_body (task, shown? shown: cf_shown_print (self->shown, open));
    else if (cf_ledger_read_job (self->ledger, task, job, user, &found, &error))
        cf_fail (task, &error);
    else if (found)
        cf_reply_body (task, cf_shown_print (self->shown, found));
    else
        s_fail_missing (task, job);
    cf_job_destroy (&found);
}

static void
s_on_job_read (cf_task_t *task, const void *fields, void *owner)
{
    const cf_job_read_t *ask = fields;
    s_show (task, owner, ask->job, ask->user);
}

static void
s_on_job_await (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_await_t *ask = fields;
    cf_error_t error = { 0 };
    if (cf_desk_await (self->desk, task, ask->job, ask->user, ask->wait_ms, &error))
        cf_fail (task, &error);
    else
        s_show (task, self, ask->job, ask->user);
}

static void
s_on_job_list (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_list_t *ask = fields;
    cf_error_t error = { 0 };
    cf_json_t *page;
    if (cf_ledger_read_page (self->ledger, task, ask->project, ask->user, ask->page, ask->page_size, &page, &error) == 0)
        s_reply_json (task, page);
    else if (error.code == CF_ERROR_NOT_FOUND) {
        char details [128];
        snprintf (details, sizeof details, "{\"resource\":\"project\",\"id\":\"%s\"}", ask->project);
        cf_fail_with (task, CF_ERROR_NOT_FOUND, error.text, details);
    }
    else
        cf_fail (task, &error);
}

static void
s_on_usage_read (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_usage_read_t *ask = fields;
    cf_usage_span_t span;
    cf_error_t error = { 0 };
    const char *field;
    char *found = NULL;
    if (cf_usage_span (ask->from, ask->to, &span, &field, &error))
        s_fail_field (task, field, error.text);
    else if (cf_usage_read (cf_ledger_db (self->ledger), task, ask->user, ask->project, &span, &found, &error))
        cf_fail (task, &error);
    else if (found)
        cf_reply (task, &(cf_job_shown_t) { .shown = found });
    else {
        char details [128];
        snprintf (details, sizeof details, "{\"resource\":\"project\",\"id\":\"%s\"}", ask->project);
        cf_fail_with (task, CF_ERROR_NOT_FOUND, "no such project", details);
    }
    free (found);
}

static void
s_on_job_watch (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_watch_t *ask = fields;
    cf_job_t *ended = NULL;
    cf_error_t error = { 0 };
    cf_json_t *events = NULL;
    if (ask->resume && cf_ledger_read_events (self->ledger, task, ask->job, ask->after, &events, &error)) {
        cf_fail (task, &error);
        return;
    }
    cf_job_t *job = cf_desk_lookup (self->desk, ask->job, ask->user);
    if (!job || !job->accepted) {
        if (cf_ledger_read_job (self->ledger, task, ask->job, ask->user, &ended, &error))
            cf_fail (task, &error);
        else if (!ended)
            s_fail_missing (task, ask->job);
        job = ended;
    }
    if (job) {
        bool news = !ask->resume || ask->after != job->told_event;
        if (!events)
            events = json_array ();
        cf_history_complete (events, job, job != ended, news);
        char *text = cf_json_print (events);
        cf_reply (task, &(cf_job_history_t) { .events = text, .ended = cf_history_is_over (events) });
        free (text);
    }
    json_decref (events);
    cf_job_destroy (&ended);
}

/* ---- cancel, answer ---- */

/*  Whether that request was carried out before, and its answer was lost with a process: then it is answered, once that is committed. */
static bool
s_is_done (cf_task_t *task, jobs_t *self, const cf_job_t *job, const char *request, const char *status)
{
    if (!*request || strcmp (job->last_request, request))
        return false;
    char id [CF_UUID_SIZE];
    const char *type = job->kind->type;
    cf_error_t error = { 0 };
    memcpy (id, job->id, sizeof id);            /* it may be gone after the wait */
    if (job->ticket && cf_batch_commit (task, cf_ledger_batch (self->ledger), job->ticket, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_job_accepted_t) { .job = id, .status = status, .agent = type });
    return true;
}

/*  There is no such open job: never was, or it has ended, perhaps by this very request. */
static void
s_fail_ended (cf_task_t *task, jobs_t *self, const char *job, const char *user, const char *request, const char *status)
{
    cf_job_t *ended = NULL;
    cf_error_t error = { 0 };
    if (cf_ledger_read_job (self->ledger, task, job, user, &ended, &error))
        cf_fail (task, &error);
    else if (!ended)
        s_fail_missing (task, job);
    else if (!s_is_done (task, self, ended, request, status))
        s_fail_field (task, "job_id", "the job has already ended");
    cf_job_destroy (&ended);
}

static void
s_on_job_cancel (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_cancel_t *ask = fields;
    cf_job_t *job = cf_desk_lookup (self->desk, ask->job, ask->user);
    if (job && job->accepted && s_is_done (task, self, job, ask->request, "cancelled"))
        return;
    if (!job || !job->accepted || cf_job_is_terminal (job->state)) {
        s_fail_ended (task, self, ask->job, ask->user, ask->request, "cancelled");
        return;
    }
    cf_error_t error = { 0 };
    cf_batch_ticket_t ticket = cf_desk_move_for (self->desk, job, CF_JOB_ON_CANCEL, ask->request);
    if (ticket)
        cf_lease_release (self->lease, job, true);
    if (cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_job_accepted_t) { .job = ask->job, .status = "cancelled" });
}

/*  The job's input with answers added to those that it has already; yours to free. */
static char *
s_with_answers (const cf_job_t *job, const char *text)
{
    cf_json_t *input = cf_json_parse (job->input, strlen (job->input), NULL), *answers = cf_json_parse (text, strlen (text), NULL);
    cf_json_t *given = json_object_get (input, "answers");
    if (json_is_array (given))
        json_array_extend (given, answers);
    else
        json_object_set (input, "answers", answers);
    char *joined = cf_json_print (input);
    json_decref (input);
    json_decref (answers);
    return joined;
}

static void
s_on_job_answer (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_answer_t *ask = fields;
    cf_job_t *job = cf_desk_lookup (self->desk, ask->job, ask->user);
    if (!job || !job->accepted) {
        s_fail_ended (task, self, ask->job, ask->user, ask->request, "queued");
        return;
    }
    if (s_is_done (task, self, job, ask->request, "queued"))
        return;
    if (job->state != CF_JOB_WAITING) {
        s_fail_field (task, "job_id", "the job is not waiting for input");
        return;
    }
    cf_error_t error = { 0 };
    char *former = job->input, *joined = s_with_answers (job, ask->answers);
    job->input = joined? joined: former;
    cf_batch_ticket_t ticket = joined? cf_desk_move_for (self->desk, job, CF_JOB_ON_ANSWER, ask->request): 0;
    job->input = ticket? joined: former;
    free (ticket? former: joined);
    const char *type = job->kind->type;
    cf_task_shield (task, true);
    int rc = cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, &error);
    cf_task_shield (task, false);
    if (rc) {
        cf_fail (task, &error);
        return;
    }
    cf_reply (task, &(cf_job_accepted_t) { .job = ask->job, .status = "queued", .agent = type });
    if ((job = cf_desk_lookup (self->desk, ask->job, ask->user)))
        cf_lease_queue (self->lease, job, false);
}

/* ---- those who work ---- */

/*  The job that the writer of attempt may write to, or NULL with the call failed. */
static cf_job_t *
s_fenced (cf_task_t *task, jobs_t *self, const char *id, uint32_t attempt)
{
    cf_error_t error = { 0 };
    cf_job_t *job = cf_desk_fenced (self->desk, id, attempt, &error);
    if (!job)
        cf_fail (task, &error);
    return job;
}

static void
s_on_job_secret_read (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_secret_read_t *ask = fields;
    const char *secret = cf_secrets_lookup (self->secrets, ask->job);
    if (!s_fenced (task, self, ask->job, ask->attempt))
        return;
    if (secret)
        cf_reply (task, &(cf_job_secret_shown_t) { .secret = secret });
    else
        cf_fail_with (task, CF_ERROR_NOT_FOUND, "the secret is no longer known", "");
}

static void
s_note_commit (cf_task_t *task, jobs_t *self, cf_batch_ticket_t ticket)
{
    cf_error_t error = { 0 };
    if (cf_batch_commit (task, cf_ledger_batch (self->ledger), ticket, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_job_noted_t) { 0 });
}

static void
s_on_job_step (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_step_t *done = fields;
    cf_job_t *job = s_fenced (task, self, done->job, done->attempt);
    if (job)
        s_note_commit (task, self, cf_desk_finish_step (self->desk, job, done));
}

static void
s_on_budget_reserve (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    cf_error_t error = { 0 };
    if (cf_desk_reserve (self->desk, task, fields, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_budget_granted_t) { 0 });
}

static void
s_on_budget_release (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    cf_error_t error = { 0 };
    if (cf_desk_release (self->desk, task, fields, &error))
        cf_fail (task, &error);
    else
        cf_reply (task, &(cf_job_noted_t) { 0 });
}

static void
s_on_job_end (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_end_t *end = fields;
    cf_job_t *job = cf_desk_lookup (self->desk, end->job, NULL);
    if (job && job->attempt == end->attempt && !job->holder && (cf_job_is_terminal (job->state) || job->state == CF_JOB_WAITING)) {
        /* said again, or overtaken: in any case that holder is done */
        if (job->ticket)
            s_note_commit (task, self, job->ticket);
        else
            cf_reply (task, &(cf_job_noted_t) { 0 });
        return;
    }
    if (!(job = s_fenced (task, self, end->job, end->attempt)))
        return;
    cf_job_event_t event = strcmp (end->status, "completed") == 0? CF_JOB_ON_RESULT:
                           strcmp (end->status, "waiting_for_input") == 0? CF_JOB_ON_QUESTION: CF_JOB_ON_FAILURE;
    const char *result = event == CF_JOB_ON_FAILURE? NULL: end->result;
    const cf_job_failure_t failure = { .code = end->code, .text = end->error, .details = end->details };
    cf_batch_ticket_t ticket = cf_desk_move (self->desk, job, event, result, event == CF_JOB_ON_FAILURE? &failure: NULL);
    if (ticket)
        cf_lease_release (self->lease, job, false);
    s_note_commit (task, self, ticket);
}

static void
s_on_job_journal (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_journal_t *ask = fields;
    cf_error_t error = { 0 };
    cf_json_t *journal;
    if (cf_desk_await_steps (self->desk, task, ask->job, &error)
        || cf_ledger_read_journal (self->ledger, task, ask->job, &journal, &error)) {
        cf_fail (task, &error);
        return;
    }
    char *text = cf_json_print (journal);
    cf_reply (task, &(cf_job_entries_t) { .journal = text });
    free (text);
    json_decref (journal);
}

static void
s_on_job_earlier (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_job_earlier_t *ask = fields;
    cf_error_t error = { 0 };
    cf_json_t *earlier;
    if (cf_ledger_read_earlier (self->ledger, task, ask->job, ask->user, &earlier, &error))
        cf_fail (task, &error);
    else
        s_reply_json (task, earlier);
}

static void
s_on_leases_held (cf_task_t *task, const void *fields, void *owner)
{
    jobs_t *self = owner;
    const cf_leases_held_t *held = fields;
    const char *peer = cf_serve_envelope (task)->from;
    cf_json_t *leases = cf_json_parse (held->leases, strlen (held->leases), NULL), *dropped = json_array (), *row;
    size_t at;
    json_array_foreach (leases, at, row) {
        const char *id = json_string_value (json_array_get (row, 0));
        cf_job_t *job = id? cf_desk_lookup (self->desk, id, NULL): NULL;
        if (!job || !cf_lease_claim (self->lease, peer, job, (uint32_t) json_integer_value (json_array_get (row, 1))))
            json_array_append (dropped, json_array_get (row, 0));
    }
    cf_lease_claimed (self->lease, peer);
    char *text = cf_json_print (dropped);
    cf_reply (task, &(cf_leases_kept_t) { .dropped = text });
    free (text);
    json_decref (leases);
    json_decref (dropped);
}

static void
s_on_progress (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) envelope;
    jobs_t *self = arg;
    const cf_job_progress_t *told = fields;
    cf_job_t *job = told? cf_desk_lookup (self->desk, told->job, NULL): NULL;
    if (!job || job->state != CF_JOB_RUNNING || job->attempt != told->attempt)
        return;
    cf_desk_progress (self->desk, job, told->progress, told->stage, told->note);
    if (*told->step)
        cf_desk_start_step (self->desk, job, told->step);
}

static void
s_on_overdue (void *arg, cf_job_t *job)
{
    jobs_t *self = arg;
    char text [64];
    const cf_job_failure_t failure = { .code = cf_error_name (CF_ERROR_TIMEOUT), .text = text, .details = "" };
    snprintf (text, sizeof text, "timeout after %llu s", (unsigned long long) cf_job_limit_ms (job->kind) / 1000u);
    if (cf_desk_move (self->desk, job, CF_JOB_ON_FAILURE, NULL, &failure))
        cf_lease_release (self->lease, job, true);
}

/* ---- by the clock ---- */

static void
s_on_sweep (void *arg)
{
    jobs_t *self = arg;
    cf_lease_sweep (self->lease);
    cf_timer_set (self->loop, &self->sweep, cf_config_u64 (CF_CONFIG_JOBS_SWEEP_MS), s_on_sweep, self);
}

static void
s_on_database (void *arg)
{
    jobs_t *self = arg;
    int up = cf_ledger_is_up (self->ledger);
    if (up != self->database_told) {
        cf_event_publish ("state.database", "", CF_NONE, NULL, (uint64_t) up);
        if (self->database_told >= 0)
            cf_log_warning ("the database is %s", up? "back": "gone");
        self->database_told = up;
        if (up)                         /* what waited can be handed out now */
            cf_lease_sweep (self->lease);
    }
    cf_timer_set (self->loop, &self->database, CF_JOBS_WATCH_DATABASE_MS, s_on_database, self);
}

/*  A new broker has no last values: say ours again. */
static void
s_on_joined (void *arg)
{
    jobs_t *self = arg;
    self->database_told = -1;
    cf_event_publish ("state.jobs", "", CF_JOBS_STARTED, &(cf_jobs_started_t) { .epoch = self->epoch }, 0);
}

/* ---- life ---- */

static void
s_take_open (void *arg, cf_job_t *job)
{
    jobs_t *self = arg;
    cf_job_t *taken = job;
    if (cf_desk_lookup (self->desk, job->id, NULL)) {   /* read before, when the database went away half-way */
        cf_job_destroy (&taken);
        return;
    }
    cf_desk_take (self->desk, &taken);
    if (job->state == CF_JOB_QUEUED)
        cf_lease_queue (self->lease, job, false);
}

/*  Reads what is open, as long as it takes the database to answer, then lets calls in. */
static void
s_start (cf_task_t *task, void *arg)
{
    jobs_t *self = arg;
    cf_error_t error = { 0 };
    self->starting = task;
    while (cf_ledger_read_open (self->ledger, task, s_take_open, self, &error)) {
        cf_log_warning ("the ledger cannot be read yet: %s", error.text);
        if (cf_task_sleep (task, 200, &error))
            break;
    }
    self->starting = NULL;
    if (cf_task_wait_status (task, NULL))
        return;
    cf_lease_open (self->lease);
    if (cf_desk_size (self->desk))
        cf_log_info ("%zu open jobs go on", cf_desk_size (self->desk));
    cf_link_on_joined (cf_link_here (), s_on_joined, self);
    if (cf_link_joined (cf_link_here ()))
        s_on_joined (self);
    s_on_sweep (self);
    cf_rounds_start (self->rounds);
    s_on_database (self);
    cf_actor_ready (self->actor);
}

static const cf_handler_t s_handlers [] = {
    { CF_JOB_SECRET,  s_on_job_secret },
    { CF_JOB_SECRET_READ, s_on_job_secret_read },
    { CF_JOB_CREATE,  s_on_job_create },
    { CF_JOB_READ,    s_on_job_read },
    { CF_JOB_AWAIT,   s_on_job_await },
    { CF_JOB_LIST,    s_on_job_list },
    { CF_JOB_CANCEL,  s_on_job_cancel },
    { CF_JOB_ANSWER,  s_on_job_answer },
    { CF_JOB_WATCH,   s_on_job_watch },
    { CF_JOB_STEP,    s_on_job_step },
    { CF_JOB_END,     s_on_job_end },
    { CF_JOB_JOURNAL, s_on_job_journal },
    { CF_JOB_EARLIER, s_on_job_earlier },
    { CF_LEASES_HELD, s_on_leases_held },
    { CF_USAGE_READ,  s_on_usage_read },
    { CF_BUDGET_RESERVE, s_on_budget_reserve },
    { CF_BUDGET_RELEASE, s_on_budget_release },
};

/*  Keeps the drain going until all is committed. */
static void
s_flush (cf_task_t *task, void *arg)
{
    jobs_t *self = arg;
    cf_task_limit (task, 4000);
    while (!cf_ledger_idle (self->ledger) && cf_task_sleep (task, 5, NULL) == 0)
        ;
}

static void
s_on_stop (void *arg)
{
    jobs_t *self = arg;
    cf_timer_clear (self->loop, &self->sweep);
    cf_timer_clear (self->loop, &self->database);
    cf_lease_close (self->lease);
    cf_desk_end_waits (self->desk);
    cf_desk_catch_up (self->desk);
    if (self->starting)
        cf_task_cancel (self->starting, CF_ERROR_CANCELLED);
    cf_rounds_stop (self->rounds);
    cf_task_start (self->loop, s_flush, self, NULL);
}

static void
s_on_end (void *arg)
{
    jobs_t *self = arg;
    cf_event_unsubscribe (&self->progress);
    cf_secrets_destroy (&self->secrets);
    cf_rounds_destroy (&self->rounds);
    cf_desk_close (self->desk);
    cf_ledger_destroy (&self->ledger);
    cf_lease_destroy (&self->lease);
    cf_desk_destroy (&self->desk);
    cf_shown_destroy (&self->shown);
}

int
main (void)
{
    static jobs_t self = { .database_told = -1 };
    self.actor = cf_actor_new (CF_ACTOR_JOBS, s_handlers, sizeof s_handlers / sizeof s_handlers [0], &self);
    self.loop = cf_actor_loop (self.actor);
    cf_uuid_random (&self.epoch, sizeof self.epoch);
    cf_error_t error = { 0 };
    self.ledger = cf_ledger_new (self.loop, s_on_accepted, &self, &error);
    self.desk = self.ledger? cf_desk_new (self.loop, self.ledger, s_on_overdue, &self): NULL;
    self.lease = self.desk? cf_lease_new (self.loop, self.desk, self.ledger): NULL;
    self.shown = self.lease? cf_shown_new (CF_JOBS_SHOWN_MS): NULL;
    self.secrets = self.shown? cf_secrets_new (self.loop, self.desk, CF_JOBS_UNCLAIMED_MS): NULL;
    self.rounds = self.secrets? cf_rounds_new (self.loop, self.desk, self.ledger, self.shown, s_take_open, &self): NULL;
    if (!self.rounds) {
        cf_log_error ("cannot start: %s", *error.text? error.text: "out of memory");
        return EXIT_FAILURE;
    }
    cf_desk_keep_ended (self.desk, self.shown);
    self.progress = cf_event_subscribe ("jobs.progress", s_on_progress, &self);
    cf_actor_on_stop (self.actor, s_on_stop, &self);
    cf_actor_on_end (self.actor, s_on_end, &self);
    cf_task_start (self.loop, s_start, &self, NULL);
    return cf_actor_run (&self.actor);
}
