/* SPDX-License-Identifier: MPL-2.0 */
/*  jobs - accepted, read, listed, cancelled and answered by the jobs actor
 *
 *  The edge chooses a job's id, so that the runtime may send JOB_CREATE twice and still make one job.
 */

#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/prefer.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_LAST_READ_MS 2000u         /* after a wait; a job that cannot be shown then has been accepted all the same */

/*  A job whose end the request waits for. */
typedef struct {
    cf_subscription_t *subscription;
    cf_task_t *task;
    cf_timer_t timer;
    bool over;                          /* ended, waits for input, or the time is up */
} wait_t;

static const char *
s_estimate (const char *agent)
{
    static const struct { const char *agent, *text; } estimates [] = {
        { "research", "1-2 minutes" }, { "wireframe", "2-3 minutes" }, { "code", "2-5 minutes" }, { "qa", "1-2 minutes" },
        { "pedagogy", "1-2 minutes" }, { "roadmap", "2-3 minutes" }, { "builder", "5-10 minutes" },
    };
    for (size_t at = 0; at < sizeof estimates / sizeof estimates [0]; at++)
        if (strcmp (estimates [at].agent, agent) == 0)
            return estimates [at].text;
    return "2-5 minutes";
}

/*  202 with where to look. */
static void
s_reply_accepted (cf_request_t *request, const cf_job_accepted_t *accepted)
{
    char location [80], stream [96];
    snprintf (location, sizeof location, "/v1/jobs/%s", accepted->job);
    snprintf (stream, sizeof stream, "%s/stream", location);
    cf_reply_header (request, "location", location);
    cf_reply_document (request, 202, json_pack ("{s:s, s:s, s:s, s:s}", "job_id", accepted->job, "status", accepted->status,
                                                "estimated_time", s_estimate (accepted->agent), "stream_url", stream));
}

/* ---- Prefer: wait ---- */

static void
s_on_time (void *arg)
{
    wait_t *wait = arg;
    wait->over = true;
    cf_task_wake (wait->task);
}

static void
s_on_advanced (void *arg, const cf_envelope_t *envelope, const void *fields)
{
    wait_t *wait = arg;
    const cf_job_advanced_t *advanced = fields;
    if (envelope->message != CF_JOB_ADVANCED || strcmp (advanced->event, "progress") == 0 || strcmp (advanced->event, "step") == 0)
        return;
    s_on_time (wait);
}

/*  Before the job is made, so that its end cannot be missed. */
static void
s_wait_begin (wait_t *wait, cf_request_t *request, const char *job)
{
    char topic [CF_ENVELOPE_NAME_SIZE];
    snprintf (topic, sizeof topic, "job.%s", job);
    wait->task = request->task;
    wait->subscription = cf_event_subscribe (topic, s_on_advanced, wait);
}

/*  The Job as text where it has ended within the time; yours to free. */
static cf_job_shown_t *
s_wait_end (wait_t *wait, cf_request_t *request, const char *job, uint32_t seconds)
{
    cf_error_t error = { 0 };
    cf_timer_set (request->loop, &wait->timer, seconds * 1000u, s_on_time, wait);
    while (!wait->over && cf_task_wait (request->task, &error) == 0)
        ;
    cf_timer_clear (request->loop, &wait->timer);
    cf_event_unsubscribe (&wait->subscription);
    if (!request->http)
        return NULL;
    return cf_call (request->task, CF_JOB_READ, &(cf_job_read_t) { .job = job, .user = request->user }, JOBS_LAST_READ_MS, &error);
}

static bool
s_has_ended (const cf_job_shown_t *shown)
{
    cf_json_t *job = cf_json_parse (shown->shown, strlen (shown->shown), NULL);
    const char *status = cf_json_str (job, "status", "");
    bool ended = strcmp (status, "completed") == 0 || strcmp (status, "failed") == 0 || strcmp (status, "cancelled") == 0;
    json_decref (job);
    return ended;
}

/* ---- starting ---- */

static void
s_start (cf_request_t *request, const char *agent)
{
    char job [CF_UUID_SIZE], project [CF_UUID_SIZE];
    h2o_iovec_t prefer = cf_request_header (request, "prefer");
    uint32_t seconds = 0;
    wait_t wait = { .over = false };
    cf_uuid_new (job);
    cf_uuid_parse (cf_json_str (request->body, "project_id", ""), project);
    memcpy (cf_task_context (request->task)->job, job, sizeof job);
    if (prefer.base && cf_prefer_wait (prefer.base, prefer.len, &seconds) && seconds)
        s_wait_begin (&wait, request, job);
    const cf_json_t *context = json_object_get (request->body, "input_context");
    char *input = context? cf_json_print (context): NULL;
    cf_job_accepted_t *accepted = cf_request_ask (request, CF_JOB_CREATE, &(cf_job_create_t) {
        .job = job, .project = project, .user = request->user, .agent = agent, .input = input? input: "{}" });
    free (input);
    cf_job_shown_t *shown = accepted && seconds? s_wait_end (&wait, request, job, seconds): NULL;
    cf_event_unsubscribe (&wait.subscription);
    if (seconds && accepted)
        cf_reply_header (request, "preference-applied", "wait");
    if (shown && s_has_ended (shown))
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    else if (accepted)
        s_reply_accepted (request, accepted);
    cf_codec_free (&shown);
    cf_codec_free (&accepted);
}

void
cf_handle_run_agent (cf_request_t *request)
{
    s_start (request, cf_json_str (request->body, "agent_type", ""));
}

void
cf_handle_run_pipeline (cf_request_t *request)
{
    s_start (request, "builder");
}

/* ---- what there is ---- */

void
cf_handle_job_read (cf_request_t *request)
{
    cf_job_shown_t *shown = cf_request_ask (request, CF_JOB_READ, &(cf_job_read_t) { .job = request->job, .user = request->user });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}

void
cf_handle_job_list (cf_request_t *request)
{
    uint32_t page, page_size;
    if (!cf_query_number (request, "page", 1, 1000000, 1, &page) || !cf_query_number (request, "page_size", 1, 100, 20, &page_size))
        return;
    cf_job_shown_t *shown = cf_request_ask (request, CF_JOB_LIST, &(cf_job_list_t) {
        .project = request->project, .user = request->user, .page = page, .page_size = page_size });
    if (shown)
        cf_reply_json (request, 200, shown->shown, strlen (shown->shown));
    cf_codec_free (&shown);
}

/* ---- what is done to one ---- */

void
cf_handle_job_cancel (cf_request_t *request)
{
    cf_job_accepted_t *cancelled = cf_request_ask (request, CF_JOB_CANCEL, &(cf_job_cancel_t) {
        .job = request->job, .user = request->user });
    if (cancelled)
        cf_reply_document (request, 200, json_pack ("{s:s, s:s, s:s}", "job_id", cancelled->job, "status", "cancelled",
                                                    "message", "The job was cancelled."));
    cf_codec_free (&cancelled);
}

static void
s_answer (cf_request_t *request, const char *job)
{
    char *answers = cf_json_print (json_object_get (request->body, "answers"));
    cf_job_accepted_t *accepted = cf_request_ask (request, CF_JOB_ANSWER, &(cf_job_answer_t) {
        .job = job, .user = request->user, .answers = answers });
    free (answers);
    if (accepted)
        s_reply_accepted (request, accepted);
    cf_codec_free (&accepted);
}

void
cf_handle_clarify (cf_request_t *request)
{
    char job [CF_UUID_SIZE];
    cf_uuid_parse (cf_json_str (request->body, "job_id", ""), job);
    s_answer (request, job);
}

void
cf_handle_respond (cf_request_t *request)
{
    s_answer (request, request->job);
}
