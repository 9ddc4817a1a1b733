/* SPDX-License-Identifier: MPL-2.0 */
/*  gemini - generateContent as Google's servers speak it, streamed and whole
 *
 *  Model and kind of answer stand in the address, so the body says neither (chat.c does). Events end in CRLF, and nothing marks
 *  the end of a stream. Errors say in their details when to come again.
 */

#include "ops/simulator/format.h"

#include <string.h>

#define CONTENT_CHUNKS 20       /* the stream has these, the last with the reason */

/* ---- requests */

/*  {role, parts: […]}: the text of the parts; also a bare list of parts or of text. */
static bool
s_read_content (cf_scan_t *scan, cf_buf_t *out)
{
    cf_slice_t key;
    if (!cf_scan_enter (scan, '{'))
        return cf_format_read_content (scan, out);
    while (cf_scan_next (scan, &key))
        if (cf_slice_is (key, "parts")? !cf_format_read_content (scan, out): !cf_scan_skip (scan, NULL))
            return false;
    return !scan->bad;
}

static bool
s_read_contents (cf_scan_t *scan, cf_request_t *request, size_t *count)
{
    cf_slice_t content, role;
    if (!cf_scan_enter (scan, '['))
        return false;
    for (; cf_scan_next (scan, NULL); ++*count) {
        if (!cf_scan_skip (scan, &content))
            return false;
        cf_scan_t inner;
        cf_scan_init (&inner, content.text, content.size);
        bool said = cf_scan_lookup (content, "role", &role) && cf_slice_is (role, "\"model\"");
        if (!said && !s_read_content (&inner, &request->words))
            return false;
    }
    return !scan->bad;
}

static bool
s_read_generation (cf_scan_t *scan, cf_request_t *request)
{
    static const char *const names [] = { "responseJsonSchema", "responseSchema" };
    cf_slice_t value, type, schema, limit;
    if (!cf_scan_skip (scan, &value))
        return false;
    if (cf_scan_lookup (value, "maxOutputTokens", &limit)) {
        cf_scan_t inner;
        cf_scan_init (&inner, limit.text, limit.size);
        cf_format_read_limit (&inner, request);
    }
    request->structured = cf_scan_lookup (value, "responseMimeType", &type) && cf_slice_is (type, "\"application/json\"");
    for (size_t at = 0; request->structured && !request->schema.size && at < sizeof names / sizeof names [0]; at++)
        if (cf_scan_lookup (value, names [at], &schema))
            cf_format_take_schema (schema, request);
    return true;
}

static int
s_read (const char *body, size_t size, cf_request_t *request, cf_error_t *error)
{
    cf_scan_t scan;
    cf_slice_t key;
    size_t contents = 0;
    bool read = true;
    cf_request_init (request);
    cf_scan_init (&scan, body, size);
    if (!cf_scan_enter (&scan, '{'))
        return cf_error_set (error, CF_ERROR_INVALID, "Invalid JSON payload received: it is no object.");
    while (read && cf_scan_next (&scan, &key)) {
        if (cf_slice_is (key, "contents"))
            read = s_read_contents (&scan, request, &contents);
        else if (cf_slice_is (key, "systemInstruction") || cf_slice_is (key, "system_instruction"))
            read = s_read_content (&scan, &request->instructions);
        else if (cf_slice_is (key, "generationConfig") || cf_slice_is (key, "generation_config"))
            read = s_read_generation (&scan, request);
        else
            read = cf_scan_skip (&scan, NULL);
        if (!read && !scan.bad)
            return cf_error_set (error, CF_ERROR_INVALID, "Invalid value at '%.*s'.", (int) key.size, key.text);
    }
    if (!cf_scan_done (&scan))
        return cf_error_set (error, CF_ERROR_INVALID, "Invalid JSON payload received.");
    if (!contents)
        return cf_error_set (error, CF_ERROR_INVALID, "* GenerateContentRequest.contents: contents is not specified");
    cf_format_count (request);
    return 0;
}

/* ---- answers */

static const char *
s_finish_name (cf_finish_t finish)
{
    return finish == CF_FINISH_LENGTH? "MAX_TOKENS": finish == CF_FINISH_FILTER? "SAFETY": "STOP";
}

/*  Counts, model and id: the end of every response. tokens: of the answer so far. */
static void
s_put_tail (const cf_request_t *request, const cf_reply_t *reply, unsigned tokens, cf_buf_t *out)
{
    cf_buf_printf (out, "\"usageMetadata\":{\"promptTokenCount\":%u,", reply->prompt_tokens);
    if (tokens)
        cf_buf_printf (out, "\"candidatesTokenCount\":%u,", tokens);
    cf_buf_printf (out, "\"totalTokenCount\":%u},\"modelVersion\":", reply->prompt_tokens + tokens);
    cf_buf_put_json (out, request->model, strlen (request->model));
    cf_buf_printf (out, ",\"responseId\":\"sim%016llx\"}", (unsigned long long) reply->id);
}

/*  One response with a piece of the text; finish: "" while there is more. */
static void
s_put_response (const cf_request_t *request, const cf_reply_t *reply, cf_slice_t text, const char *finish, unsigned tokens, cf_buf_t *out)
{
    cf_buf_puts (out, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":");
    cf_buf_put_json (out, text.text, text.size);
    cf_buf_puts (out, "}],\"role\":\"model\"},");
    if (*finish)
        cf_buf_printf (out, "\"finishReason\":\"%s\",", finish);
    cf_buf_puts (out, "\"index\":0}],");
    s_put_tail (request, reply, tokens, out);
}

/*  A prompt that is refused outright. */
static void
s_put_block (const cf_request_t *request, const cf_reply_t *reply, cf_buf_t *out)
{
    cf_buf_puts (out, "{\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":");
    cf_buf_put_json (out, reply->text.text, reply->text.size);
    cf_buf_puts (out, "},");
    s_put_tail (request, reply, 0, out);
}

/*  Details of a 429: a quota that is filled again with the day, or one that is in a moment. */
static void
s_put_details (bool daily, unsigned retry_ms, cf_buf_t *out)
{
    cf_buf_printf (out, ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaMetric\":"
                   "\"generativelanguage.googleapis.com/generate_content_requests\",\"quotaId\":\"GenerateRequestsPer%sPerProjectPerModel\"}]},"
                   "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"%u.%03us\"}]",
                   daily? "Day": "Minute", retry_ms / 1000, retry_ms % 1000);
}

static void
s_fail (int status, const char *code, const char *message, unsigned retry_ms, cf_buf_t *out)
{
    static const struct { int status; const char *name; } names [] = {
        { 400, "INVALID_ARGUMENT" }, { 401, "UNAUTHENTICATED" }, { 403, "PERMISSION_DENIED" }, { 404, "NOT_FOUND" },
        { 429, "RESOURCE_EXHAUSTED" }, { 499, "CANCELLED" }, { 500, "INTERNAL" }, { 503, "UNAVAILABLE" }, { 504, "DEADLINE_EXCEEDED" },
    };
    const char *name = "UNKNOWN";
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++)
        if (names [at].status == status)
            name = names [at].name;
    if (code && !strcmp (code, "context_length_exceeded"))
        message = "The input token count (2100000) exceeds the maximum number of tokens allowed (2000000).";
    cf_buf_printf (out, "{\"error\":{\"code\":%d,\"message\":", status);
    cf_buf_put_json (out, message, strlen (message));
    cf_buf_printf (out, ",\"status\":\"%s\"", name);
    if (status == 429)
        s_put_details (code && !strcmp (code, "insufficient_quota"), retry_ms, out);
    cf_buf_puts (out, "}}");
}

static int
s_render_stream (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    size_t pieces = reply->refused? 0: reply->text.size < CONTENT_CHUNKS? 1: CONTENT_CHUNKS, start = 0;
    if (reply->refused) {
        cf_buf_puts (&out->bytes, "data: ");
        s_put_block (request, reply, &out->bytes);
        cf_format_end_chunk (out, "\r\n\r\n");
    }
    for (size_t at = 0; at < pieces; at++) {
        bool last = at + 1 == pieces;
        size_t end = cf_format_piece_end (reply->text, at, pieces);
        if (at == pieces / 2 && reply->malformed_chunk) {
            cf_buf_puts (&out->bytes, "data: {\"candidates\":[{\"content\":{\"par");
            cf_format_end_chunk (out, "\r\n\r\n");
        }
        cf_buf_puts (&out->bytes, "data: ");
        bool broken = at == pieces / 2 && reply->error_midway;
        if (broken)
            s_fail (503, NULL, "The model is overloaded. Please try again later.", 0, &out->bytes);
        else
            s_put_response (request, reply, (cf_slice_t) { reply->text.text + start, end - start }, last? s_finish_name (reply->finish): "",
                            last? reply->completion_tokens: (unsigned) (reply->completion_tokens * (at + 1) / pieces), &out->bytes);
        cf_format_end_chunk (out, "\r\n\r\n");
        if (broken)
            break;
        start = end;
    }
    return out->bytes.overflowed? -1: 0;
}

static int
s_render_whole (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    if (reply->refused)
        s_put_block (request, reply, &out->bytes);
    else
        s_put_response (request, reply, reply->text, s_finish_name (reply->finish), reply->completion_tokens, &out->bytes);
    if (reply->malformed_chunk)
        cf_buf_puts (&out->bytes, "}");
    return cf_format_end_whole (out);
}

static int
s_render (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    return request->streamed? s_render_stream (request, reply, out): s_render_whole (request, reply, out);
}

const cf_format_t cf_gemini_format = { .name = "gemini", .read = s_read, .render = s_render, .fail = s_fail, .retry_in_body = true };
