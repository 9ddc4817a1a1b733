/* SPDX-License-Identifier: MPL-2.0 */
/*  agent - leases of this process, and the work that is done under them
 *
 *  Answers:    JOB_RUN -> JOB_TAKEN (the work goes on in a task of its own), JOB_STOP -> JOB_TAKEN, AGENT_RUN -> AGENT_DONE.
 *  Stops:      on TERM: drops its leases without ending them, and takes no more; `jobs` gives them to the next process.
 *  If it dies: `jobs` and the pipeline hear it from the broker; the journal has every finished step.
 */

#include "actors/lib/agent.h"
#include "actors/lib/generate.h"
#include "actors/lib/work.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define CF_AGENT_END_MS 60000           /* one try at telling `jobs` how a job ended */
#define CF_AGENT_YIELD_MS 2

typedef struct {
    UT_hash_handle hh;
    char job [CF_UUID_SIZE];
    uint32_t attempt;
    cf_task_t *task;
    cf_job_run_t *run;                  /* copy of the message */
} lease_t;

/*  A node of a pipeline's job at work here; lives on its task's stack. */
typedef struct node_t {
    struct node_t *prev, *next;
    const char *job;
    uint32_t attempt;
    cf_task_t *task;
} node_t;

static struct {
    cf_actor_id_t id;
    const char *name;
    cf_agent_fn *fn;
    lease_t *leases;
    node_t *nodes;
    bool stopping;
    uint64_t jobs_epoch;                /* instance of `jobs` that knows our leases */
} s_self;

/* ---- a job of our own ---- */

static lease_t *
s_lookup (const char *job)
{
    lease_t *lease;
    HASH_FIND_STR (s_self.leases, job, lease);
    return lease;
}

static void
s_drop (lease_t *lease)
{
    if (s_lookup (lease->job) == lease)
        HASH_DEL (s_self.leases, lease);
    free (lease->run);
    free (lease);
}

static bool
s_passes (cf_error_code_t code)
{
    return cf_error_retryable (code) || code == CF_ERROR_TIMEOUT || code == CF_ERROR_BUSY;
}

/*  What the job's owner may read of an error: the sentence of its code, with our own text where we wrote it for people. */
static const char *
s_public_text (const cf_error_t *error)
{
    switch (error->code) {
        case CF_ERROR_INVALID: case CF_ERROR_MODEL_INVALID: case CF_ERROR_MODEL_REFUSED: case CF_ERROR_PROVIDER_SETTINGS:
        case CF_ERROR_BUDGET_EXCEEDED:
            return error->text;
        default:
            return cf_error_sentence (error->code);
    }
}

/*  The failure with error; work may be NULL. */
static cf_job_end_t
s_failed (const cf_error_t *error, const cf_work_t *work)
{
    const char *details = work? cf_work_details (work, error->code): "";
    return (cf_job_end_t) {
        .status = "failed", .code = cf_error_name (error->code), .details = details,
        .error = *details? error->text: s_public_text (error)
    };
}

/*  Says how the job ended until `jobs` has heard it. A newer attempt's holder, or a job that ended meanwhile, makes
    it moot; so does being cancelled. An end that cannot be told as it is (too large) is told as the failure to do so. */
static void
s_end_job (cf_task_t *task, const lease_t *lease, cf_job_end_t end)
{
    cf_error_t error = { 0 };
    bool plain = false;
    cf_task_limit (task, 0);
    do {
        end.job = lease->job;
        end.attempt = lease->attempt;
        cf_job_noted_t *noted = cf_call_patiently (task, CF_JOB_END, &end, CF_AGENT_END_MS, &error);
        bool told = noted != NULL;
        cf_codec_free (&noted);
        if (told || cf_task_wait_status (task, NULL) || error.code == CF_ERROR_STALE_ATTEMPT || (plain && !s_passes (error.code)))
            return;
        if (!s_passes (error.code)) {
            cf_log_error ("the end of job %s could not be told: %s: %s", lease->job, cf_error_name (error.code), error.text);
            end = s_failed (&error, NULL);
            plain = true;
        }
    } while (cf_task_sleep (task, 200, &error) == 0);
}

/*  What the user said with the job also belongs in the project's conversation. 0, or -1 with error. */
static int
s_keep_user_message (cf_work_t *work, const cf_json_t *input, cf_error_t *error)
{
    const char *said = cf_json_str (input, "user_message", "");
    if (!*said)
        return 0;
    cf_json_t *changes = json_pack ("{s{ssss}}", "message", "role", "user", "content", said);
    int rc = cf_work_apply (work, "user_message", changes, error);
    json_decref (changes);
    return rc;
}

static void
s_run_lease (cf_task_t *task, void *arg)
{
    lease_t *lease = arg;
    cf_job_run_t *run = lease->run;
    cf_error_t error = { 0 };
    cf_task_limit (task, run->time_ms + CF_WORK_SLACK_MS);
    cf_error_set (&error, CF_ERROR_INTERNAL, "the work could not be begun");
    cf_work_t *work = cf_work_new (task, run->agent, run->agent, run->project, run->journal, false);
    cf_json_t *input = work? cf_json_parse (run->input, strlen (run->input), &error): NULL;
    cf_json_t *result = input && s_keep_user_message (work, input, &error) == 0? s_self.fn (work, input, &error): NULL;
    char *text = result? cf_json_print (result): NULL;
    if (cf_task_wait_status (task, NULL) == 0) {        /* else it was taken from us: its end is not ours to tell */
        if (text)
            s_end_job (task, lease, (cf_job_end_t) { .status = cf_work_is_waiting (work)? "waiting_for_input": "completed", .result = text });
        else {
            cf_log_warning ("%s failed: %s: %s", run->agent, cf_error_name (error.code), error.text);
            s_end_job (task, lease, s_failed (&error, work));
        }
    }
    free (text);
    json_decref (result);
    json_decref (input);
    cf_work_destroy (&work);
    s_drop (lease);
}

/*  Strings of a decoded message lie behind it in one block that dies with the call; the lease needs its own. */
static cf_job_run_t *
s_dup_run (const cf_job_run_t *run)
{
    cf_buf_t buf;
    cf_buf_init (&buf, CF_CODEC_MAX_BYTES);
    cf_job_run_t *copy = cf_codec_encode (CF_JOB_RUN, run, &buf)? NULL: cf_codec_decode (CF_JOB_RUN, buf.bytes, buf.size, NULL);
    cf_buf_free (&buf);
    return copy;
}

static void
s_on_job_run (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_run_t *run = fields;
    lease_t *held = s_lookup (run->job);
    if (s_self.stopping) {
        cf_fail_with (task, CF_ERROR_ACTOR_GONE, "stopping", "");
        return;
    }
    if (held && held->attempt >= run->attempt && held->task && cf_task_wait_status (held->task, NULL) == 0) {
        cf_reply (task, &(cf_job_taken_t) { 0 });
        return;
    }
    if (held) {                 /* of an older attempt, or being dropped: make room for the new one */
        HASH_DEL (s_self.leases, held);
        if (held->task)
            cf_task_cancel (held->task, CF_ERROR_STALE_ATTEMPT);
    }
    lease_t *lease = calloc (1, sizeof *lease);
    if (!lease || !(lease->run = s_dup_run (run))) {
        free (lease);
        cf_fail_with (task, CF_ERROR_BUSY, "out of memory", "");
        return;
    }
    memcpy (lease->job, lease->run->job, sizeof lease->job);
    lease->attempt = run->attempt;
    HASH_ADD_STR (s_self.leases, job, lease);
    cf_task_context_t context = *cf_task_context (task);
    memcpy (context.job, lease->job, sizeof context.job);
    snprintf (context.user, sizeof context.user, "%s", run->user);
    context.attempt = run->attempt;
    cf_reply (task, &(cf_job_taken_t) { 0 });
    lease->task = cf_task_start (cf_task_loop (task), s_run_lease, lease, &context);     /* runs once we give way */
    if (!lease->task)
        abort ();               /* taken and then not done: better gone, so that `jobs` hears of it */
}

static void
s_on_job_stop (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_job_stop_t *stop = fields;
    lease_t *lease = s_lookup (stop->job);
    if (lease && lease->attempt <= stop->attempt && lease->task)
        cf_task_cancel (lease->task, CF_ERROR_CANCELLED);
    cf_reply (task, &(cf_job_taken_t) { 0 });
}

/* ---- a node of a pipeline's job ---- */

static node_t *
s_lookup_node (const char *job)
{
    node_t *node;
    DL_FOREACH (s_self.nodes, node)
        if (strcmp (node->job, job) == 0)
            return node;
    return NULL;
}

/*  A job is in one node at a time. One that is still at work was asked for by a pipeline that is gone: it makes way, and has taken back
    its model call before we make ours. 0, or -1 with error. */
static int
s_make_way (cf_task_t *task, cf_error_t *error)
{
    const cf_task_context_t *context = cf_task_context (task);
    node_t *node;
    while ((node = s_lookup_node (context->job))) {
        if (node->attempt > context->attempt)
            return cf_error_set (error, CF_ERROR_STALE_ATTEMPT, "%s", cf_error_sentence (CF_ERROR_STALE_ATTEMPT));
        cf_task_cancel (node->task, CF_ERROR_STALE_ATTEMPT);
        if (cf_task_sleep (task, CF_AGENT_YIELD_MS, error))
            return -1;
    }
    return 0;
}

static void
s_run_node (cf_task_t *task, const cf_agent_run_t *run)
{
    cf_error_t error = { 0 };
    cf_error_set (&error, CF_ERROR_INTERNAL, "the work could not be begun");
    cf_work_t *work = cf_work_new (task, s_self.name, run->step, run->project, run->journal, true);
    cf_json_t *input = work? cf_json_parse (run->input, strlen (run->input), &error): NULL;
    cf_json_t *result = input? s_self.fn (work, input, &error): NULL;
    char *text = result? cf_json_print (result): NULL;
    if (text)
        cf_reply (task, &(cf_agent_done_t) { .result = text });
    else
        cf_fail (task, &error);
    free (text);
    json_decref (result);
    json_decref (input);
    cf_work_destroy (&work);
}

static void
s_on_agent_run (cf_task_t *task, const void *fields, void *owner)
{
    (void) owner;
    const cf_task_context_t *context = cf_task_context (task);
    cf_error_t error = { 0 };
    if (s_make_way (task, &error)) {
        cf_fail (task, &error);
        return;
    }
    node_t node = { .job = context->job, .attempt = context->attempt, .task = task };
    DL_APPEND (s_self.nodes, &node);
    s_run_node (task, fields);
    DL_DELETE (s_self.nodes, &node);
}

/* ---- a new instance of `jobs` ---- */

static void
s_drop_refused (const cf_json_t *dropped)
{
    size_t at;
    cf_json_t *job;
    json_array_foreach (dropped, at, job) {
        const char *id = json_string_value (job);
        lease_t *lease = id? s_lookup (id): NULL;
        if (lease && lease->task)
            cf_task_cancel (lease->task, CF_ERROR_STALE_ATTEMPT);
    }
}

static void
s_announce (cf_task_t *task, void *arg)
{
    (void) arg;
    cf_json_t *held = json_array ();
    lease_t *lease, *next;
    HASH_ITER (hh, s_self.leases, lease, next)
        if (lease->task && cf_task_wait_status (lease->task, NULL) == 0)        /* else it is being dropped */
            json_array_append_new (held, json_pack ("[si]", lease->job, (int) lease->attempt));
    char *text = cf_json_print (held);
    json_decref (held);
    cf_error_t error = { 0 };
    cf_leases_kept_t *kept = cf_call (task, CF_LEASES_HELD, &(cf_leases_held_t) { .leases = text }, 10000, &error);
    cf_json_t *dropped = kept? cf_json_parse (kept->dropped, strlen (kept->dropped), &error): NULL;
    if (dropped)
        s_drop_refused (dropped);
    else
        cf_log_warning ("leases not announced: %s", error.text);
    json_decref (dropped);
    cf_codec_free (&kept);
    free (text);
}

static void
s_on_jobs_started (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    (void) envelope;
    const cf_jobs_started_t *started = fields;
    if (!started || started->epoch == s_self.jobs_epoch)
        return;
    s_self.jobs_epoch = started->epoch;
    cf_task_start (arg, s_announce, NULL, NULL);
}

/* ---- life ---- */

static void
s_on_end (void *arg)
{
    cf_event_unsubscribe (arg);
    cf_generate_free ();
}

static void
s_on_stop (void *arg)
{
    (void) arg;
    lease_t *lease, *next;
    s_self.stopping = true;
    HASH_ITER (hh, s_self.leases, lease, next)
        if (lease->task)
            cf_task_cancel (lease->task, CF_ERROR_ACTOR_GONE);
}

static const cf_handler_t s_handlers [] = {
    { CF_JOB_RUN,   s_on_job_run },
    { CF_JOB_STOP,  s_on_job_stop },
    { CF_AGENT_RUN, s_on_agent_run },
};

int
cf_agent_main (cf_actor_id_t id, cf_agent_fn *fn)
{
    s_self.id = id;
    s_self.name = cf_message_actor (id)->name;
    s_self.fn = fn;
    cf_actor_t *actor = cf_actor_new (id, s_handlers, sizeof s_handlers / sizeof s_handlers [0], NULL);
    cf_subscription_t *jobs = cf_event_subscribe ("state.jobs", s_on_jobs_started, cf_actor_loop (actor));
    cf_actor_on_stop (actor, s_on_stop, NULL);
    cf_actor_on_end (actor, s_on_end, &jobs);
    cf_actor_ready (actor);
    return cf_actor_run (&actor);
}
