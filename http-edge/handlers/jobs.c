/* SPDX-License-Identifier: MPL-2.0 */
/*  jobs - accepted, read, listed, cancelled and answered by the jobs actor */

#include "http-edge/await.h"
#include "http-edge/handlers/handlers.h"
#include "http-edge/prefer.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/codec.h"

#include <stdlib.h>
#include <string.h>

static void
s_start (cf_request_t *request, const char *agent)
{
    char project [CF_UUID_SIZE];
    h2o_iovec_t prefer = cf_request_header (request, "prefer");
    cf_job_shown_t *ended;
    cf_await_wish_t wish = { .agent = agent, .project = project, .input = json_object_get (request->body, "input_context") };
    cf_uuid_parse (cf_json_str (request->body, "project_id", ""), project);
    if (prefer.base)
        cf_prefer_wait (prefer.base, prefer.len, &wish.wait_s);
    cf_job_accepted_t *accepted = cf_await_job (request, &wish, &ended);
    if (accepted && wish.wait_s)
        cf_reply_header (request, "preference-applied", "wait");
    if (ended)
        cf_reply_json (request, 200, ended->shown, strlen (ended->shown));
    else if (accepted)
        cf_await_reply_accepted (request, accepted);
    cf_codec_free (&ended);
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
    cf_request_show (request, 200, CF_JOB_READ, &(cf_job_read_t) { .job = request->job, .user = request->user });
}

void
cf_handle_job_list (cf_request_t *request)
{
    uint32_t page, page_size;
    if (cf_query_page (request, 100, &page, &page_size))
        cf_request_show (request, 200, CF_JOB_LIST, &(cf_job_list_t) {
            .project = request->project, .user = request->user, .page = page, .page_size = page_size });
}

/* ---- what is done to one ---- */

void
cf_handle_job_cancel (cf_request_t *request)
{
    char id [CF_UUID_SIZE];
    cf_job_accepted_t *cancelled = cf_request_ask (request, CF_JOB_CANCEL, &(cf_job_cancel_t) {
        .job = request->job, .user = request->user, .request = cf_request_new_id (request, id) });
    if (cancelled)
        cf_reply_document (request, 200, json_pack ("{s:s, s:s, s:s}", "job_id", cancelled->job, "status", "cancelled",
                                                    "message", "The job was cancelled."));
    cf_codec_free (&cancelled);
}

static void
s_answer (cf_request_t *request, const char *job)
{
    char id [CF_UUID_SIZE], *answers = cf_json_print (json_object_get (request->body, "answers"));
    cf_job_accepted_t *accepted = cf_request_ask (request, CF_JOB_ANSWER, &(cf_job_answer_t) {
        .job = job, .user = request->user, .answers = answers, .request = cf_request_new_id (request, id) });
    free (answers);
    if (accepted)
        cf_await_reply_accepted (request, accepted);
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
