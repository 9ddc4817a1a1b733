/* SPDX-License-Identifier: MPL-2.0 */
/*  attempt - HTTP below, the provider's words above; the sink reads the stream where curl hands it out
 *
 *  A stream is a success only if it said how it ended. What comes after that does not matter: an end marker that is
 *  missing, or a connection that breaks. Only the usage may come after it, and the end of the body, which leaves the
 *  connection to the next call; neither is waited for as long as a token would be.
 */

#include "actors/providers/attempt.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CF_ATTEMPT_EVENT_MAX (1u << 20) /* bytes of one event of a stream */
#define CF_ATTEMPT_STREAM_MAX (256u << 20)      /* of a stream: output and all that is wrapped around it */
#define CF_ATTEMPT_EMBEDDING_MAX (1u << 20)
#define CF_ATTEMPT_USAGE_MS 300         /* how long after the finish reason a usage chunk may come: servers write both at once, so
                                           this is a round trip to the farthest of them; without it the usage is estimated */
#define CF_ATTEMPT_HEAD_BYTES 1024     /* of a request, around what it carries; a guess that saves copying */

typedef struct {
    const cf_route_t *route;
    cf_tokens_t *tokens;
    cf_sse_t *sse;
    cf_reading_t reading;
    bool settled;                       /* the usage came with the finish reason, or after it */
    uint64_t started_us, first_token_us;        /* monotonic */
} stream_t;

/* ---- reading ---- */

static int
s_on_event (void *context, const cf_sse_event_t *event)
{
    stream_t *stream = context;
    unsigned counted = stream->reading.counted;
    stream->route->provider->api->read (&stream->reading, event->data, event->size);
    if (stream->reading.end != CF_READING_OPEN && stream->reading.counted > counted)
        stream->settled = true;
    return 0;
}

static cf_http_want_t
s_sink (void *arg, const char *bytes, size_t size)
{
    stream_t *stream = arg;
    cf_reading_t *reading = &stream->reading;
    if (cf_sse_feed (stream->sse, bytes, size))
        reading->failure = CF_FAILURE_OVERSIZED;
    if (reading->text.size > 0 && stream->first_token_us == 0)
        stream->first_token_us = cf_clock_us ();
    if (reading->failure != CF_FAILURE_NONE || reading->text.overflowed)
        return CF_HTTP_STOP;
    cf_tokens_show (stream->tokens, &reading->text);
    if (reading->marked || stream->settled)
        return CF_HTTP_DONE;
    if (reading->end != CF_READING_OPEN)
        return CF_HTTP_LINGER;
    return reading->text.size > 0 || reading->refusal.size > 0? CF_HTTP_MORE: CF_HTTP_NOT_YET;
}

static bool
s_is_json (const cf_buf_t *text)
{
    cf_json_t *value = cf_json_parse (text->bytes, text->size, NULL);
    bool valid = value != NULL;
    json_decref (value);
    return valid;
}

static cf_failure_class_t
s_transport_failure (cf_http_failure_t transport, bool begun)
{
    switch (transport) {
        case CF_HTTP_CONNECT:
        case CF_HTTP_TLS:        return CF_FAILURE_CONNECT;
        case CF_HTTP_RESET:      return CF_FAILURE_RESET;
        case CF_HTTP_FIRST_BYTE: return CF_FAILURE_SILENT;
        case CF_HTTP_STALLED:    return begun? CF_FAILURE_STALLED: CF_FAILURE_SILENT;
        case CF_HTTP_TOO_LARGE:  return CF_FAILURE_OVERSIZED;
        case CF_HTTP_OTHER:      return CF_FAILURE_GARBLED;
        case CF_HTTP_OK:
        case CF_HTTP_CUT:
        case CF_HTTP_CANCELLED:  break;
    }
    return CF_FAILURE_CUT;
}

cf_failure_class_t
cf_attempt_judge (const cf_reading_t *reading, cf_http_failure_t transport, bool structured)
{
    if (reading->failure != CF_FAILURE_NONE)
        return reading->failure;
    if (reading->text.overflowed || reading->refusal.overflowed)
        return CF_FAILURE_OVERSIZED;
    if (reading->end == CF_READING_OPEN)
        return s_transport_failure (transport, reading->text.size > 0);
    if (reading->end == CF_READING_OTHER)
        return CF_FAILURE_GARBLED;
    bool whole = reading->malformed == 0
        || (reading->malformed == 1 && structured && reading->end == CF_READING_STOP && s_is_json (&reading->text));
    return whole? CF_FAILURE_NONE: CF_FAILURE_GARBLED;
}

static void
s_judge_status (const cf_provider_t *provider, const cf_http_response_t *response, cf_verdict_t *verdict, bool *refused)
{
    char value [16];
    verdict->status = response->status;
    verdict->failure = provider->api->classify (response->status, response->body.bytes, response->body.size, refused);
    verdict->retry_after_ms = cf_http_retry_after_ms (response, cf_clock_wall_us ());
    if (!verdict->retry_after_ms && provider->api->retry_after_ms)
        verdict->retry_after_ms = provider->api->retry_after_ms (response->body.bytes, response->body.size);
    verdict->final = cf_http_header (response, "x-should-retry", value, sizeof value) && strcasecmp (value, "false") == 0;
}

/* ---- chat ---- */

/*  About four bytes make a token, where the provider does not count. */
static uint32_t
s_estimate (size_t bytes)
{
    return (uint32_t) ((bytes + 3) / 4);
}

static char *
s_text_of (cf_reading_t *reading, bool refused)
{
    static const char filtered [] = "The provider's content filter stopped the answer.";
    if (!refused)
        return cf_buf_take (&reading->text);
    return reading->refusal.size? cf_buf_take (&reading->refusal): strdup (filtered);
}

static void
s_answer (stream_t *stream, const cf_provider_ask_t *ask, cf_answer_t *answer)
{
    cf_reading_t *reading = &stream->reading;
    bool refused = reading->end == CF_READING_REFUSED || reading->refusal.size > 0;
    answer->outcome = refused? "refused": reading->end == CF_READING_LENGTH? "cut_off": "complete";
    answer->provider = stream->route->provider->name;
    snprintf (answer->model, sizeof answer->model, "%s", *reading->model? reading->model: stream->route->model);
    answer->input_tokens = reading->counted? reading->input_tokens: s_estimate (strlen (ask->system) + strlen (ask->input));
    answer->output_tokens = reading->counted? reading->output_tokens: s_estimate (reading->text.size);
    answer->cost_usd = cf_route_cost (stream->route, answer->input_tokens, answer->output_tokens);
    if (stream->first_token_us)
        answer->first_token_ms = (uint32_t) ((stream->first_token_us - stream->started_us + 999u) / 1000u);
    answer->text = s_text_of (reading, refused);
}

/*  What an attempt without an answer is assumed to have cost: nothing where the provider was not reached or turned it away; else what
    it read, and what came of its output. */
static uint64_t
s_lost (const stream_t *stream, const cf_provider_ask_t *ask, const cf_http_response_t *response)
{
    const cf_reading_t *reading = &stream->reading;
    bool unheard = response->failure == CF_HTTP_CONNECT || response->failure == CF_HTTP_TLS;
    if (unheard || (response->status && (response->status < 200 || response->status > 299)))
        return 0;
    uint32_t input = s_estimate (strlen (ask->system) + strlen (ask->input)), output = s_estimate (reading->text.size);
    double usd = cf_route_cost (stream->route, input > reading->input_tokens? input: reading->input_tokens,
                                output > reading->output_tokens? output: reading->output_tokens);
    return (uint64_t) (usd * 1e6 + 0.5);
}

/*  The transfer itself. 0, or -1 when the task was cancelled or overdue. */
static int
s_transfer (cf_task_t *task, cf_http_t *http, stream_t *stream, const cf_provider_ask_t *ask, const cf_buf_t *body,
            cf_verdict_t *verdict, cf_error_t *error)
{
    cf_http_request_t request = {
        .url = stream->route->url,
        .headers = stream->route->headers,
        .body = body->bytes,
        .body_size = body->size,
        .first_byte_ms = (uint32_t) cf_config_u64 (CF_CONFIG_ROUTER_FIRST_TOKEN_MS),
        .stall_ms = (uint32_t) cf_config_u64 (CF_CONFIG_ROUTER_STALL_MS),
        .linger_ms = CF_ATTEMPT_USAGE_MS,
        .max_bytes = CF_ATTEMPT_STREAM_MAX
    };
    cf_http_response_t response;
    stream->started_us = cf_clock_us ();
    int rc = cf_http_call (task, http, &request, s_sink, stream, &response, error);
    verdict->lost = s_lost (stream, ask, &response);
    if (rc == 0 && (response.status < 200 || response.status > 299)) {
        bool refused = false;
        s_judge_status (stream->route->provider, &response, verdict, &refused);
        if (refused)
            stream->reading.end = CF_READING_REFUSED;
    }
    else if (response.failure != CF_HTTP_CANCELLED) {
        verdict->status = response.status;
        verdict->failure = cf_attempt_judge (&stream->reading, response.failure, *ask->format);
    }
    bool cancelled = rc && response.failure == CF_HTTP_CANCELLED;
    cf_http_response_free (&response);
    return cancelled? -1: 0;
}

int
cf_attempt_chat (cf_task_t *task, cf_http_t *http, const cf_route_t *route, const cf_provider_ask_t *ask,
                 cf_tokens_t *tokens, cf_answer_t *answer, cf_verdict_t *verdict, cf_error_t *error)
{
    int rc = 0;
    stream_t stream = { .route = route, .tokens = tokens };
    cf_buf_t body;
    *verdict = (cf_verdict_t) { .failure = CF_FAILURE_NONE };
    *answer = (cf_answer_t) { .started_wall_us = cf_clock_wall_us () };
    cf_reading_init (&stream.reading);
    cf_buf_init (&body, CF_PROVIDER_REQUEST_MAX);
    stream.sse = cf_sse_new (CF_ATTEMPT_EVENT_MAX, s_on_event, &stream);
    cf_buf_reserve (&body, strlen (ask->system) + strlen (ask->input) + strlen (ask->format) + CF_ATTEMPT_HEAD_BYTES);
    if (!stream.sse || route->provider->api->chat_body (ask, &body))
        verdict->failure = CF_FAILURE_OVERSIZED;
    else
        rc = s_transfer (task, http, &stream, ask, &body, verdict, error);
    if (rc == 0 && verdict->failure == CF_FAILURE_NONE) {
        verdict->lost = 0;
        s_answer (&stream, ask, answer);
    }
    cf_sse_destroy (&stream.sse);
    cf_reading_free (&stream.reading);
    cf_buf_free (&body);
    return rc;
}

/* ---- embeddings ---- */

int
cf_attempt_embed (cf_task_t *task, cf_http_t *http, const cf_route_t *route, const char *text,
                  float values [CF_PROVIDER_DIMENSIONS], cf_verdict_t *verdict, cf_error_t *error)
{
    cf_buf_t body;
    cf_http_response_t response = { 0 };
    *verdict = (cf_verdict_t) { .failure = CF_FAILURE_NONE };
    cf_buf_init (&body, CF_PROVIDER_REQUEST_MAX);
    int rc = route->provider->api->embed_body (route->model, text, &body);
    cf_http_request_t request = {
        .url = route->url,
        .headers = route->headers,
        .body = body.bytes,
        .body_size = body.size,
        .first_byte_ms = (uint32_t) cf_config_u64 (CF_CONFIG_ROUTER_FIRST_TOKEN_MS),
        .stall_ms = (uint32_t) cf_config_u64 (CF_CONFIG_ROUTER_STALL_MS),
        .max_bytes = CF_ATTEMPT_EMBEDDING_MAX
    };
    bool refused = false;
    if (rc)
        verdict->failure = CF_FAILURE_OVERSIZED;
    else if (cf_http_call (task, http, &request, NULL, NULL, &response, error)) {
        rc = response.failure == CF_HTTP_CANCELLED? -1: 0;
        verdict->failure = s_transport_failure (response.failure, true);
    }
    else if (response.status < 200 || response.status > 299) {
        s_judge_status (route->provider, &response, verdict, &refused);
        if (refused)
            verdict->failure = CF_FAILURE_INVALID;
    }
    else if (route->provider->api->read_embedding (response.body.bytes, response.body.size, values))
        verdict->failure = CF_FAILURE_GARBLED;
    if (verdict->failure == CF_FAILURE_OVERSIZED)
        rc = 0;
    cf_http_response_free (&response);
    cf_buf_free (&body);
    return rc;
}
