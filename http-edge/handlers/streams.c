/* SPDX-License-Identifier: MPL-2.0 */
/*  streams - a job's events, and the token with which a browser's EventSource may open them */

#include "http-edge/handlers/handlers.h"
#include "http-edge/handlers/streams.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "http-edge/stream.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cf_auth_t *s_auth;

void
cf_streams_init (cf_auth_t *auth)
{
    s_auth = auth;
}

/*  Last-Event-ID, from the header or, for a first connection, the query. What is no number is no id. */
static bool
s_last_id (cf_request_t *request, cf_stream_wish_t *wish)
{
    char text [24] = "";
    h2o_iovec_t header = cf_request_header (request, "last-event-id");
    wish->returns = header.base && header.len < sizeof text;
    if (wish->returns)
        memcpy (text, header.base, header.len);
    else if (!cf_query_text (request, "last_event_id", "", text, sizeof text))
        return false;
    if (*text && strspn (text, "0123456789") == strlen (text) && strlen (text) < 20) {
        wish->after = strtoull (text, NULL, 10);
        wish->resume = true;
    }
    return true;
}

void
cf_handle_job_stream (cf_request_t *request)
{
    char tokens [8];
    cf_stream_wish_t wish = { 0 };
    if (!s_last_id (request, &wish) || !cf_query_choice (request, "tokens", "0|1|true|false", tokens, sizeof tokens))
        return;
    wish.tokens = strcmp (tokens, "1") == 0 || strcmp (tokens, "true") == 0;
    cf_stream_serve (request, &wish);
}

void
cf_handle_stream_token (cf_request_t *request)
{
    /* a job may wait for an answer for as long as its events are kept */
    uint64_t ttl_s = cf_config_u64 (CF_CONFIG_JOBS_KEEP_DAYS) * 86400u;
    cf_job_shown_t *shown = cf_request_ask (request, CF_JOB_READ, &(cf_job_read_t) { .job = request->job, .user = request->user });
    if (!shown)
        return;
    cf_codec_free (&shown);
    char url [1200];
    cf_buf_t token;
    cf_buf_init (&token, 1024);
    if (cf_auth_sign_stream (s_auth, request->user, request->job, cf_clock_wall_us () / 1000000u, ttl_s, &token))
        cf_reply_fault (request, CF_FAULT_INTERNAL, NULL);
    else {
        snprintf (url, sizeof url, "/v1/jobs/%s/stream?token=%s", request->job, token.bytes);
        cf_reply_document (request, 200, json_pack ("{s:s, s:I, s:s}", "token", token.bytes, "expires_in", (json_int_t) ttl_s, "url", url));
    }
    cf_buf_free (&token);
}
