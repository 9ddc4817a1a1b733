/* SPDX-License-Identifier: MPL-2.0 */
/*  reply - composed in the request's pool, sent with one write */

#include "http-edge/reply.h"
#include "actors/lib/call.h"
#include "http-edge/cookie.h"
#include "http-edge/idempotency.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CF_REPLY_RETRY_AFTER "5"        /* seconds; a killed actor is back long before */

typedef struct {
    int status;
    const char *api;
    const char *sentence;
} row_t;

static const row_t s_faults [CF_FAULT_COUNT] = {
#define FAULT(name_, status_, api_, sentence_) { status_, api_, sentence_ },
#include "http-edge/faults.def"
#undef FAULT
};

static const char *
s_reason (int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Unknown";
    }
}

/* ---- headers ---- */

static void
s_add (h2o_req_t *http, const char *name, const char *value)
{
    h2o_add_header_by_str (&http->pool, &http->res.headers, name, strlen (name), 0, NULL, value, strlen (value));
}

void
cf_reply_header (cf_request_t *request, const char *name, const char *value)
{
    if (cf_idempotency_takes (request->claim))
        cf_idempotency_take_header (request->claim, name, value);
    else if (request->http)
        s_add (request->http, name, h2o_strdup (&request->http->pool, value, SIZE_MAX).base);
}

/*  What is the same in every answer. */
static const struct { const char *name, *value; } s_constant [] = {
    { "x-content-type-options", "nosniff" }, { "referrer-policy", "no-referrer" }, { "vary", "origin" }
};

#define CONSTANTS (sizeof s_constant / sizeof s_constant [0])
#define TLS_ONLY "max-age=31536000"

/*  What every answer carries. id and trace live as long as h2o's request, which holds the record. */
static void
s_add_common (cf_request_t *request, const char *cache_control)
{
    h2o_req_t *http = request->http;
    s_add (http, "x-request-id", request->id);
    s_add (http, "traceparent", request->trace);
    for (size_t at = 0; at < CONSTANTS; at++)
        s_add (http, s_constant [at].name, s_constant [at].value);
    s_add (http, "cache-control", cache_control);
    if (cf_request_is_tls (request))
        s_add (http, "strict-transport-security", TLS_ONLY);
    if (request->origin) {
        s_add (http, "access-control-allow-origin", request->origin);
        s_add (http, "access-control-allow-credentials", "true");
        s_add (http, "access-control-expose-headers", "X-Request-ID, traceparent, Location, Retry-After, Allow, WWW-Authenticate, "
               "Preference-Applied, Idempotent-Replayed, Content-Disposition, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset");
    }
}

static h2o_req_t *
s_begin (cf_request_t *request, int status)
{
    h2o_req_t *http = request->http;
    if (!http || request->answered_ms)
        return NULL;
    request->answered_ms = cf_clock_ms ();
    cf_metric_add (CF_METRIC_edge_requests_total, 1);
    http->res.status = status;
    http->res.reason = s_reason (status);
    return http;
}

/* ---- bodies ---- */

static void
s_send (cf_request_t *request, const char *bytes, size_t size)
{
    static h2o_generator_t generator = { NULL, NULL };
    h2o_req_t *http = request->http;
    s_add_common (request, "no-store");
    h2o_iovec_t body = bytes? h2o_strdup (&http->pool, bytes, size): h2o_iovec_init (NULL, 0);
    if (bytes) {
        s_add (http, "content-type", "application/json");
        http->res.content_length = size;
    }
    if (request->instead) {
        *request->instead = body;
        return;
    }
    h2o_start_response (http, &generator);
    h2o_send (http, &body, bytes && !cf_request_is_head (request)? 1: 0, H2O_SEND_STATE_FINAL);
}

void
cf_reply_json (cf_request_t *request, int status, const char *json, size_t size)
{
    if (cf_idempotency_takes (request->claim))
        cf_idempotency_take_answer (request->claim, status, json, size);
    else if (s_begin (request, status))
        s_send (request, json, size);
}

void
cf_reply_nothing (cf_request_t *request)
{
    if (s_begin (request, 204))
        s_send (request, NULL, 0);
}

void
cf_reply_document (cf_request_t *request, int status, cf_json_t *document)
{
    char *text = document? cf_json_print (document): NULL;
    json_decref (document);
    if (text)
        cf_reply_json (request, status, text, strlen (text));
    else
        cf_reply_fault (request, CF_FAULT_INTERNAL, NULL);
    free (text);
}

/* ---- errors ---- */

/*  The text of an error; yours to free. Takes details. */
static char *
s_error_text (const char *api, const char *message, cf_json_t *details, const char *request_id)
{
    cf_json_t *document = json_pack ("{s:s, s:s, s:o, s:s}", "error", api, "message", message,
                                     "details", details? details: json_object (), "request_id", request_id);
    char *text = document? cf_json_print (document): NULL;
    json_decref (document);
    if (!text)
        abort ();                       /* out of memory: the supervisor restarts the process */
    return text;
}

/*  When to come again: what the details say, where they do. */
static void
s_ask_back (cf_request_t *request, const cf_json_t *details)
{
    char seconds [24];
    int64_t told = cf_json_int (details, "retry_after", 0);
    snprintf (seconds, sizeof seconds, "%lld", (long long) told);
    cf_reply_header (request, "retry-after", told > 0? seconds: CF_REPLY_RETRY_AFTER);
}

static void
s_send_error (cf_request_t *request, int status, const char *api, const char *message, cf_json_t *details)
{
    if (status == 401)
        cf_reply_header (request, "www-authenticate", "Bearer");
    if (status == 503)
        s_ask_back (request, details);
    char *text = s_error_text (api, message, details, request->id);
    cf_reply_json (request, status, text, strlen (text));
    free (text);
}

void
cf_reply_fault (cf_request_t *request, cf_fault_t fault, cf_json_t *details)
{
    const row_t *row = &s_faults [fault];
    s_send_error (request, row->status, row->api, row->sentence, details);
}

void
cf_reply_refused (cf_request_t *request, const char *field, const char *reason)
{
    cf_reply_fault (request, CF_FAULT_REFUSED, json_pack ("{s:s, s:s}", "field", field, "reason", reason));
}

void
cf_reply_code (cf_request_t *request, cf_error_code_t code, cf_json_t *details)
{
    s_send_error (request, cf_error_status (code), cf_error_api (code), cf_error_sentence (code), details);
}

void
cf_reply_words (cf_request_t *request, cf_error_code_t code, const char *text, cf_json_t *details)
{
    s_send_error (request, cf_error_status (code), cf_error_api (code), text, details);
}

/*  Whether the actor's own words are meant for the client. */
static bool
s_is_for_client (cf_error_code_t code)
{
    return code == CF_ERROR_INVALID || code == CF_ERROR_NOT_FOUND || code == CF_ERROR_CONFLICT || code == CF_ERROR_STALE_ATTEMPT
        || code == CF_ERROR_IDEMPOTENCY || code == CF_ERROR_FORBIDDEN;
}

static cf_json_t *
s_details (cf_error_code_t code)
{
    const char *text = cf_call_details ();
    cf_json_t *details = s_is_for_client (code)? cf_json_parse (text, strlen (text), NULL): NULL;
    if (code == CF_ERROR_DATABASE_DOWN)
        details = json_pack ("{s:s}", "service", "database");
    if (!json_is_object (details)) {
        json_decref (details);
        details = NULL;
    }
    return details;
}

void
cf_reply_error (cf_request_t *request, const cf_error_t *error)
{
    cf_error_code_t code = error->code;
    if (!request->http)
        return;                         /* the client has left, which is what ended the call */
    if (!s_is_for_client (code))
        cf_log_warning ("%s: %s", cf_error_name (code), error->text);
    if (code == CF_ERROR_TIMEOUT || code == CF_ERROR_CANCELLED) {
        cf_reply_fault (request, CF_FAULT_SILENT, NULL);
        return;
    }
    /* which of "unknown" and "another's" it is must not be told, so the words are always the same */
    bool own_words = s_is_for_client (code) && code != CF_ERROR_NOT_FOUND && *error->text;
    s_send_error (request, cf_error_status (code), cf_error_api (code), own_words? error->text: cf_error_sentence (code),
                  s_details (code));
}

void
cf_reply_put_fault (cf_buf_t *out, cf_fault_t fault, cf_json_t *details, bool tls)
{
    char id [CF_UUID_SIZE], trace [CF_TRACE_SIZE], date [40];
    struct tm now;
    time_t now_s = (time_t) (cf_clock_wall_us () / 1000000u);
    const row_t *row = &s_faults [fault];
    strftime (date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r (&now_s, &now));
    cf_trace_child ("", trace);
    char *text = s_error_text (row->api, row->sentence, details, cf_uuid_new (id));
    cf_buf_printf (out, "HTTP/1.1 %d %s\r\ndate: %s\r\nconnection: close\r\ncontent-length: %zu\r\ncontent-type: application/json\r\n"
                   "x-request-id: %s\r\ntraceparent: %s\r\ncache-control: no-store\r\n", row->status, s_reason (row->status), date, strlen (text),
                   id, trace);
    for (size_t at = 0; at < CONSTANTS; at++)
        cf_buf_printf (out, "%s: %s\r\n", s_constant [at].name, s_constant [at].value);
    cf_buf_printf (out, "%s%s", tls? "strict-transport-security: " TLS_ONLY "\r\n": "", "\r\n");
    cf_buf_puts (out, text);
    free (text);
    cf_metric_add (CF_METRIC_edge_requests_total, 1);
}

/* ---- without an end ---- */

static h2o_req_t *
s_begin_endless (cf_request_t *request, const char *type, const char *cache_control)
{
    h2o_req_t *http = s_begin (request, 200);
    if (!http)
        return NULL;
    request->streaming = true;
    s_add_common (request, cache_control);
    s_add (http, "content-type", type);
    return http;
}

void
cf_reply_stream (cf_request_t *request, const char *type)
{
    h2o_req_t *http = s_begin_endless (request, type, "no-cache");
    if (http)
        s_add (http, "x-accel-buffering", "no");
}

void
cf_reply_download (cf_request_t *request, const char *type)
{
    s_begin_endless (request, type, "no-store");
}

void
cf_reply_gone (cf_request_t *request)
{
    static h2o_generator_t generator = { NULL, NULL };
    h2o_req_t *http = s_begin (request, 499);
    if (!http)
        return;
    http->res.content_length = 0;
    http->http1_is_persistent = 0;
    h2o_start_response (http, &generator);
    h2o_send (http, NULL, 0, H2O_SEND_STATE_FINAL);
}
