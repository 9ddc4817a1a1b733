/* SPDX-License-Identifier: MPL-2.0 */
/*  await - one call that lasts as long as the job does, within the time; it is asked again where it could not be answered */

#include "http-edge/await.h"
#include "actors/lib/call.h"
#include "http-edge/prefer.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CF_AWAIT_READ_MS 2000u          /* for the answer after the wait */
#define CF_AWAIT_AGAIN_MS 1000u         /* the ledger did not answer: ask it again */
#define CF_AWAIT_CANCEL_MS 2000u
#define CF_AWAIT_GRACE_S 1u             /* a job ends at its own limit first, and says so */

static unsigned s_count;                /* requests that wait */

/* ---- waiting ---- */

static bool
s_has_status (const cf_job_shown_t *job, const char *status)
{
    return job && strcmp (job->status, status) == 0;
}

/*  The Job where it stopped working within the time; NULL where it did not, or the request is to end. */
static cf_job_shown_t *
s_wait (cf_request_t *request, const char *job, uint32_t wait_s)
{
    uint64_t due_ms = cf_clock_ms () + wait_s * 1000u, now_ms;
    cf_job_shown_t *shown = NULL;
    cf_error_t error = { 0 };
    while (!shown && (now_ms = cf_clock_ms ()) < due_ms) {
        cf_job_await_t ask = { .job = job, .user = request->user, .wait_ms = (uint32_t) (due_ms - now_ms) };
        shown = cf_call (request->task, CF_JOB_AWAIT, &ask, ask.wait_ms + CF_AWAIT_READ_MS, &error);
        if (!shown && cf_task_sleep (request->task, CF_AWAIT_AGAIN_MS, &error))
            break;
    }
    if (s_has_status (shown, "queued") || s_has_status (shown, "running"))
        cf_codec_free (&shown);
    return shown;
}

/* ---- a job ---- */

static const char *
s_estimate (const char *agent)
{
    static const struct { const char *agent, *text; } estimates [] = {
        { "research", "1-2 minutes" }, { "wireframe", "2-3 minutes" }, { "code", "2-5 minutes" }, { "qa", "1-2 minutes" },
        { "pedagogy", "1-2 minutes" }, { "roadmap", "2-3 minutes" }, { "builder", "5-10 minutes" }, { "github", "under a minute" },
    };
    for (size_t at = 0; at < sizeof estimates / sizeof estimates [0]; at++)
        if (strcmp (estimates [at].agent, agent) == 0)
            return estimates [at].text;
    return "2-5 minutes";
}

void
cf_await_reply_accepted (cf_request_t *request, const cf_job_accepted_t *accepted)
{
    char location [80], stream [96];
    snprintf (location, sizeof location, "/v1/jobs/%s", accepted->job);
    snprintf (stream, sizeof stream, "%s/stream", location);
    cf_reply_header (request, "location", location);
    cf_reply_document (request, 202, json_pack ("{s:s, s:s, s:s, s:s}", "job_id", accepted->job, "status", accepted->status,
                                                "estimated_time", s_estimate (accepted->agent), "stream_url", stream));
}

/*  A tied job whose client leaves while it is being made is made all the same, and cancelled then: whether it was made would
    else be anyone's guess. */
static cf_job_accepted_t *
s_create (cf_request_t *request, const cf_await_wish_t *wish, const char *job)
{
    char *input = wish->input? cf_json_print (wish->input): NULL;
    if (wish->tied)
        cf_task_shield (request->task, true);
    cf_job_accepted_t *accepted = cf_request_ask (request, CF_JOB_CREATE, &(cf_job_create_t) {
        .job = job, .project = wish->project, .user = request->user, .agent = wish->agent, .input = input? input: "{}" });
    if (wish->tied)
        cf_task_shield (request->task, false);
    free (input);
    return accepted;
}

static void
s_cancel (cf_request_t *request, const char *job)
{
    cf_error_t error = { 0 };
    char id [CF_UUID_SIZE];
    const cf_job_cancel_t cancel = { .job = job, .user = request->user, .request = cf_uuid_new (id) };
    cf_task_shield (request->task, true);
    cf_job_accepted_t *cancelled = cf_call (request->task, CF_JOB_CANCEL, &cancel, CF_AWAIT_CANCEL_MS, &error);
    cf_task_shield (request->task, false);
    if (!cancelled && error.code != CF_ERROR_INVALID)       /* INVALID: it has just ended */
        cf_log_warning ("a job that nobody waits for is not cancelled: %s", error.text);
    cf_codec_free (&cancelled);
}

/*  What the job needs to know and nobody may keep goes before it, to the memory of `jobs`. 0, or -1 after having answered. */
static int
s_entrust (cf_request_t *request, const cf_await_wish_t *wish, const char *job)
{
    if (!wish->secret)
        return 0;
    cf_job_noted_t *noted = cf_request_ask (request, CF_JOB_SECRET, &(cf_job_secret_t) {
        .job = job, .user = request->user, .secret = wish->secret });
    int rc = noted? 0: -1;
    cf_codec_free (&noted);
    return rc;
}

/*  Makes the job of this id and waits; what was accepted, or NULL after having answered. */
static cf_job_accepted_t *
s_try (cf_request_t *request, const cf_await_wish_t *wish, const char *job, cf_job_shown_t **stopped)
{
    bool waits = wish->wait_s && s_count < CF_AWAIT_MAX;
    memcpy (cf_task_context (request->task)->job, job, CF_UUID_SIZE);
    if (wish->tied && !waits) {
        cf_reply_fault (request, CF_FAULT_BUSY, NULL);
        return NULL;
    }
    s_count += waits;
    cf_job_accepted_t *accepted = s_entrust (request, wish, job)? NULL: s_create (request, wish, job);
    if (accepted && waits)
        *stopped = s_wait (request, job, wish->wait_s);
    s_count -= waits;
    return accepted;
}

/*  Whether the wait ends because this process does, and the client can go on with it: under an idempotency key nothing else ends it
    early, and the key leads to the same job again. */
static bool
s_is_put_off (const cf_request_t *request)
{
    cf_error_t error = { 0 };
    return request->claim && cf_task_wait_status (request->task, &error);
}

cf_job_accepted_t *
cf_await_job (cf_request_t *request, const cf_await_wish_t *wish, cf_job_shown_t **ended)
{
    char job [CF_UUID_SIZE];
    *ended = NULL;
    cf_job_accepted_t *accepted = s_try (request, wish, cf_request_new_id (request, job), ended);
    bool in_vain = accepted && (strcmp (accepted->status, "failed") == 0 || strcmp (accepted->status, "cancelled") == 0);
    if (wish->tied && in_vain) {        /* what an earlier request with the same idempotency key left behind */
        cf_codec_free (ended);
        cf_codec_free (&accepted);
        accepted = s_try (request, wish, cf_uuid_new (job), ended);
    }
    if (s_has_status (*ended, "waiting_for_input"))
        cf_codec_free (ended);
    if (accepted && wish->tied && !*ended && !s_is_put_off (request))
        s_cancel (request, job);
    return accepted;
}

/* ---- its result ---- */

static void
s_reply_unfinished (cf_request_t *request, const char *agent, cf_error_code_t code)
{
    int status = code? cf_error_status (code): 500;
    if (status == 503 && strcmp (cf_error_api (code), "EXTERNAL_SERVICE_ERROR") == 0)
        cf_reply_code (request, code, json_pack ("{s:s}", "service", code == CF_ERROR_DATABASE_DOWN? "database": "provider"));
    else if (status == 503 || status == 504 || code == CF_ERROR_CANCELLED
             || (code && strcmp (cf_error_api (code), "AGENT_EXECUTION_ERROR") == 0))
        cf_reply_code (request, code, json_pack ("{s:s}", "agent", agent));
    else
        cf_reply_fault (request, CF_FAULT_AGENT, json_pack ("{s:s}", "agent", agent));
}

static bool
s_is (const cf_json_t *job, const char *status)
{
    return strcmp (cf_json_str (job, "status", ""), status) == 0;
}

/*  The result of a Job that has ended; NULL after having answered the request with what became of it. */
static cf_json_t *
s_take_result (cf_request_t *request, const char *agent, const cf_json_t *ended)
{
    if (s_is (ended, "completed"))
        return json_incref (json_object_get (ended, "result"));
    cf_error_code_t code = s_is (ended, "cancelled")? CF_ERROR_CANCELLED: cf_error_named (cf_json_str (ended, "error_code", ""));
    cf_json_t *details = json_object_get (ended, "error_details");
    if (code && json_is_object (details))       /* the agent said what a client can do about it */
        cf_reply_words (request, code, cf_json_str (ended, "error", ""), json_incref (details));
    else if (code == CF_ERROR_BUDGET_EXCEEDED)  /* its words say which budget, and how much of it is left */
        cf_reply_words (request, code, cf_json_str (ended, "error", ""), json_pack ("{s:s}", "agent", agent));
    else
        s_reply_unfinished (request, agent, code);
    return NULL;
}

static cf_json_t *
s_result (cf_request_t *request, const cf_await_wish_t *wish)
{
    cf_error_t error = { 0 };
    cf_json_t *result = NULL;
    cf_job_shown_t *shown;
    cf_job_accepted_t *accepted = cf_await_job (request, wish, &shown);
    cf_json_t *ended = shown? cf_json_parse (shown->shown, strlen (shown->shown), &error): NULL;
    if (ended)
        result = s_take_result (request, wish->agent, ended);
    else if (accepted && !wish->tied) {
        cf_reply_header (request, "preference-applied", "respond-async");
        cf_await_reply_accepted (request, accepted);
    }
    else if (accepted && cf_task_wait_status (request->task, &error))
        cf_reply_error (request, &error);
    else if (accepted)
        s_reply_unfinished (request, wish->agent, CF_ERROR_TIMEOUT);
    json_decref (ended);
    cf_codec_free (&shown);
    cf_codec_free (&accepted);
    return result;
}

cf_json_t *
cf_await_result (cf_request_t *request, const char *agent, const char *project, cf_json_t *input)
{
    return cf_await_result_with (request, agent, project, input, NULL);
}

cf_json_t *
cf_await_result_with (cf_request_t *request, const char *agent, const char *project, cf_json_t *input, const char *secret)
{
    cf_json_t *result = NULL;
    h2o_iovec_t prefer = cf_request_header (request, "prefer");
    bool later = prefer.base && cf_prefer_async (prefer.base, prefer.len);
    const cf_await_wish_t wish = {
        .agent = agent, .project = project, .input = input, .secret = secret, .tied = !later,
        .wait_s = later? 0: (uint32_t) cf_config_u64 (CF_CONFIG_AGENT_TIMEOUT) + CF_AWAIT_GRACE_S
    };
    if (!input)
        cf_reply_fault (request, CF_FAULT_INTERNAL, NULL);
    else if (later && !*project)
        cf_reply_refused (request, "project_id", "is needed where the job is to be looked at later (Prefer: respond-async)");
    else
        result = s_result (request, &wish);
    json_decref (input);
    return result;
}
