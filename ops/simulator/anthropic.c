/* SPDX-License-Identifier: MPL-2.0 */
/*  anthropic - messages as Anthropic's servers speak them, streamed and whole
 *
 *  Two formats: since version 2026-10-21 a request that steers the sampling is refused, nothing else differs.
 */

#include "ops/simulator/format.h"

#include <string.h>

#define CONTENT_CHUNKS 20       /* the stream has these, and one each for start, end of block, reason and end */

/* ---- requests */

static bool
s_read_message (cf_scan_t *scan, cf_request_t *request)
{
    cf_slice_t key, role = { "", 0 }, content = { "", 0 };
    if (!cf_scan_enter (scan, '{'))
        return false;
    while (cf_scan_next (scan, &key)) {
        bool read = cf_slice_is (key, "role") && cf_scan_peek (scan) == '"'? cf_scan_string (scan, &role):
            cf_scan_skip (scan, cf_slice_is (key, "content")? &content: NULL);
        if (!read)
            return false;
    }
    cf_scan_t inner;
    cf_scan_init (&inner, content.text, content.size);
    if (scan->bad || !role.size || !content.size)
        return false;
    return !cf_slice_is (role, "user") || cf_format_read_content (&inner, &request->words);
}

static bool
s_read_messages (cf_scan_t *scan, cf_request_t *request, size_t *count)
{
    if (!cf_scan_enter (scan, '['))
        return false;
    for (; cf_scan_next (scan, NULL); ++*count)
        if (!s_read_message (scan, request))
            return false;
    return !scan->bad;
}

static bool
s_read_output (cf_scan_t *scan, cf_request_t *request)
{
    cf_slice_t value, format, schema;
    if (!cf_scan_skip (scan, &value))
        return false;
    if (cf_scan_lookup (value, "format", &format) && cf_scan_lookup (format, "schema", &schema))
        cf_format_take_schema (schema, request);
    return true;
}

/*  What a request has to have, or must not have. */
typedef struct {
    cf_slice_t model;
    size_t messages;
    bool bounded, sampling;
} seen_t;

static bool
s_read_member (cf_scan_t *scan, cf_slice_t key, cf_request_t *request, seen_t *seen)
{
    if (cf_slice_is (key, "model"))
        return cf_scan_string (scan, &seen->model);
    if (cf_slice_is (key, "messages"))
        return s_read_messages (scan, request, &seen->messages);
    if (cf_slice_is (key, "system"))
        return cf_format_read_content (scan, &request->instructions);
    if (cf_slice_is (key, "output_config"))
        return s_read_output (scan, request);
    if (cf_slice_is (key, "stream"))
        request->streamed = cf_scan_peek (scan) == 't';
    else if (cf_slice_is (key, "max_tokens")) {
        seen->bounded = cf_scan_peek (scan) == '0';
        return cf_format_read_limit (scan, request);
    }
    else if (cf_slice_is (key, "temperature") || cf_slice_is (key, "top_p") || cf_slice_is (key, "top_k"))
        seen->sampling = true;
    return cf_scan_skip (scan, NULL);
}

static int
s_read_version (const char *body, size_t size, bool takes_sampling, cf_request_t *request, cf_error_t *error)
{
    cf_scan_t scan;
    cf_slice_t key;
    seen_t seen = { .model = { "", 0 } };
    cf_request_init (request);
    cf_scan_init (&scan, body, size);
    if (!cf_scan_enter (&scan, '{'))
        return cf_error_set (error, CF_ERROR_INVALID, "The request body is not valid JSON: it is no object.");
    while (cf_scan_next (&scan, &key))
        if (!s_read_member (&scan, key, request, &seen) && !scan.bad)
            return cf_error_set (error, CF_ERROR_INVALID, "%.*s: Input should be of another type", (int) key.size, key.text);
    if (!cf_scan_done (&scan))
        return cf_error_set (error, CF_ERROR_INVALID, "The request body is not valid JSON.");
    if (!seen.model.size || !seen.bounded || !seen.messages)
        return cf_error_set (error, CF_ERROR_INVALID, "%s: Field required", !seen.model.size? "model": !seen.bounded? "max_tokens": "messages");
    if (seen.sampling && !takes_sampling)
        return cf_error_set (error, CF_ERROR_INVALID, "temperature, top_p and top_k are not supported in this version");
    cf_format_copy (seen.model, request->model, sizeof request->model);
    cf_format_count (request);
    return 0;
}

static int
s_read (const char *body, size_t size, cf_request_t *request, cf_error_t *error)
{
    return s_read_version (body, size, true, request, error);
}

static int
s_read_new (const char *body, size_t size, cf_request_t *request, cf_error_t *error)
{
    return s_read_version (body, size, false, request, error);
}

/* ---- answers */

static bool
s_is_refused (const cf_reply_t *reply)
{
    return reply->refused || reply->finish == CF_FINISH_FILTER;
}

static void
s_put_reason (const cf_reply_t *reply, cf_buf_t *out)
{
    cf_buf_printf (out, "\"stop_reason\":\"%s\",\"stop_sequence\":null,\"stop_details\":",
                   s_is_refused (reply)? "refusal": reply->finish == CF_FINISH_LENGTH? "max_tokens": "end_turn");
    if (s_is_refused (reply)) {
        cf_buf_puts (out, "{\"type\":\"refusal\",\"category\":null,\"explanation\":");
        if (reply->refused)
            cf_buf_put_json (out, reply->text.text, reply->text.size);
        else
            cf_buf_puts (out, "null");
        cf_buf_putc (out, '}');
    }
    else
        cf_buf_puts (out, "null");
}

static void
s_put_usage (const cf_reply_t *reply, unsigned output_tokens, cf_buf_t *out)
{
    cf_buf_printf (out, "\"usage\":{\"input_tokens\":%u,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
                   "\"output_tokens\":%u,\"service_tier\":\"standard\"}", reply->prompt_tokens, output_tokens);
}

/*  A message up to its content. */
static void
s_put_head (const cf_request_t *request, const cf_reply_t *reply, cf_buf_t *out)
{
    cf_buf_printf (out, "{\"id\":\"msg_sim%016llx\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", (unsigned long long) reply->id);
    cf_buf_put_json (out, request->model, strlen (request->model));
    cf_buf_puts (out, ",\"content\":[");
}

/*  Type and message of the error an HTTP status stands for; the messages are those the API gives. */
static void
s_put_error (int status, const char *code, const char *message, cf_buf_t *out)
{
    static const struct { int status; const char *type; } types [] = {
        { 401, "authentication_error" }, { 402, "billing_error" }, { 403, "permission_error" }, { 404, "not_found_error" },
        { 413, "request_too_large" }, { 429, "rate_limit_error" }, { 504, "timeout_error" }, { 529, "overloaded_error" },
    };
    const char *type = status >= 500? "api_error": "invalid_request_error";
    for (size_t at = 0; at < sizeof types / sizeof types [0]; at++)
        if (types [at].status == status)
            type = types [at].type;
    bool spent = code && !strcmp (code, "insufficient_quota");
    if (code && !strcmp (code, "context_length_exceeded"))
        message = "prompt is too long: 210000 tokens > 200000 maximum";
    cf_buf_printf (out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", type);
    cf_buf_put_json (out, message, strlen (message));
    cf_buf_printf (out, "%s},\"request_id\":null}", spent? ",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}": "");
}

static void
s_fail (int status, const char *code, const char *message, unsigned retry_ms, cf_buf_t *out)
{
    (void) retry_ms;                    /* headers say it */
    s_put_error (status, code, message, out);
}

static void
s_put_event (const char *type, cf_buf_t *out)
{
    cf_buf_printf (out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void
s_put_delta (cf_slice_t text, cf_rendered_t *out)
{
    s_put_event ("content_block_delta", &out->bytes);
    cf_buf_puts (&out->bytes, ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":");
    cf_buf_put_json (&out->bytes, text.text, text.size);
    cf_buf_puts (&out->bytes, "}}");
    cf_format_end_chunk (out, "\n\n");
}

static void
s_put_start (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    s_put_event ("message_start", &out->bytes);
    cf_buf_puts (&out->bytes, ",\"message\":");
    s_put_head (request, reply, &out->bytes);
    cf_buf_puts (&out->bytes, "],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,");
    s_put_usage (reply, 1, &out->bytes);
    cf_buf_puts (&out->bytes, "}}\n\n");
    s_put_event ("content_block_start", &out->bytes);
    cf_buf_puts (&out->bytes, ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    s_put_event ("ping", &out->bytes);
    cf_buf_putc (&out->bytes, '}');
    cf_format_end_chunk (out, "\n\n");
}

/*  The text; false when the stream ends in an error midway. */
static bool
s_stream_content (const cf_reply_t *reply, cf_rendered_t *out)
{
    size_t pieces = reply->refused? 0: reply->text.size < CONTENT_CHUNKS? 1: CONTENT_CHUNKS, start = 0;
    for (size_t at = 0; at < pieces; at++) {
        if (at == pieces / 2 && reply->malformed_chunk) {
            cf_buf_puts (&out->bytes, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"del");
            cf_format_end_chunk (out, "\n\n");
        }
        if (at == pieces / 2 && reply->error_midway) {
            cf_buf_puts (&out->bytes, "event: error\ndata: ");
            s_put_error (529, NULL, "Overloaded", &out->bytes);
            cf_format_end_chunk (out, "\n\n");
            return false;
        }
        size_t end = cf_format_piece_end (reply->text, at, pieces);
        s_put_delta ((cf_slice_t) { reply->text.text + start, end - start }, out);
        start = end;
    }
    return true;
}

static int
s_render_stream (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    s_put_start (request, reply, out);
    if (s_stream_content (reply, out)) {
        out->spoken = out->chunks;
        s_put_event ("content_block_stop", &out->bytes);
        cf_buf_puts (&out->bytes, ",\"index\":0}");
        cf_format_end_chunk (out, "\n\n");
        s_put_event ("message_delta", &out->bytes);
        cf_buf_puts (&out->bytes, ",\"delta\":{");
        s_put_reason (reply, &out->bytes);
        cf_buf_puts (&out->bytes, "},");
        s_put_usage (reply, reply->completion_tokens, &out->bytes);
        cf_buf_putc (&out->bytes, '}');
        cf_format_end_chunk (out, "\n\n");
        if (!reply->without_end) {
            s_put_event ("message_stop", &out->bytes);
            cf_buf_putc (&out->bytes, '}');
            cf_format_end_chunk (out, "\n\n");
        }
    }
    return out->bytes.overflowed? -1: 0;
}

static int
s_render_whole (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    s_put_head (request, reply, &out->bytes);
    if (!reply->refused) {
        cf_buf_puts (&out->bytes, "{\"type\":\"text\",\"text\":");
        cf_buf_put_json (&out->bytes, reply->text.text, reply->text.size);
        cf_buf_puts (&out->bytes, ",\"citations\":null}");
    }
    cf_buf_puts (&out->bytes, "],");
    s_put_reason (reply, &out->bytes);
    cf_buf_putc (&out->bytes, ',');
    s_put_usage (reply, reply->completion_tokens, &out->bytes);
    cf_buf_puts (&out->bytes, reply->malformed_chunk? ",}": "}");
    return cf_format_end_whole (out);
}

static int
s_render (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    return request->streamed? s_render_stream (request, reply, out): s_render_whole (request, reply, out);
}

const cf_format_t cf_anthropic_format = { .name = "anthropic", .read = s_read, .render = s_render, .fail = s_fail };
const cf_format_t cf_anthropic_new_format = { .name = "anthropic", .read = s_read_new, .render = s_render, .fail = s_fail };
