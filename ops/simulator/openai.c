/* SPDX-License-Identifier: MPL-2.0 */
/*  openai - chat completions as OpenAI's servers speak them, streamed and whole */

#include "ops/simulator/format.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONTENT_CHUNKS 20       /* the stream has these, and one each for role, end, usage and end marker */

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
    if (scan->bad || !role.size)
        return false;
    cf_scan_t inner;
    cf_scan_init (&inner, content.text, content.size);
    bool instructs = cf_slice_is (role, "system") || cf_slice_is (role, "developer");
    return !content.size || cf_slice_is (role, "assistant")
        || cf_format_read_content (&inner, instructs? &request->instructions: &request->words);
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
s_read_response_format (cf_scan_t *scan, cf_request_t *request)
{
    cf_slice_t value, type, schema, name;
    if (!cf_scan_skip (scan, &value))
        return false;
    if (!cf_scan_lookup (value, "type", &type))
        return true;
    request->structured = cf_slice_is (type, "\"json_schema\"") || cf_slice_is (type, "\"json_object\"");
    if (cf_scan_lookup (value, "json_schema", &schema)) {
        if (cf_scan_lookup (schema, "name", &name) && name.size > 1 && *name.text == '"')
            cf_format_copy ((cf_slice_t) { name.text + 1, name.size - 2 }, request->schema_name, sizeof request->schema_name);
        cf_scan_lookup (schema, "schema", &request->schema);
    }
    return true;
}

static bool
s_read_flag (cf_scan_t *scan, bool *flag)
{
    *flag = cf_scan_peek (scan) == 't';
    return cf_scan_skip (scan, NULL);
}

static bool
s_read_stream_options (cf_scan_t *scan, cf_request_t *request)
{
    cf_slice_t value, usage;
    if (!cf_scan_skip (scan, &value))
        return false;
    request->usage_wanted = cf_scan_lookup (value, "include_usage", &usage) && cf_slice_is (usage, "true");
    return true;
}

static int
s_read (const char *body, size_t size, cf_request_t *request, cf_error_t *error)
{
    cf_request_init (request);
    cf_scan_t scan;
    cf_slice_t key, model = { "", 0 };
    size_t messages = 0;
    bool read = true;
    cf_scan_init (&scan, body, size);
    if (!cf_scan_enter (&scan, '{'))
        return cf_error_set (error, CF_ERROR_INVALID, "We could not parse the JSON body of your request: it is no object.");
    while (read && cf_scan_next (&scan, &key)) {
        const char *start = scan.at;
        if (cf_slice_is (key, "model"))
            read = cf_scan_string (&scan, &model);
        else if (cf_slice_is (key, "stream"))
            read = s_read_flag (&scan, &request->streamed);
        else if (cf_slice_is (key, "stream_options"))
            read = s_read_stream_options (&scan, request);
        else if (cf_slice_is (key, "messages"))
            read = s_read_messages (&scan, request, &messages);
        else if (cf_slice_is (key, "max_completion_tokens") || cf_slice_is (key, "max_tokens"))
            read = cf_format_read_limit (&scan, request);
        else if (cf_slice_is (key, "response_format"))
            read = s_read_response_format (&scan, request);
        else
            read = cf_scan_skip (&scan, NULL);
        if (!read && !scan.bad)
            return cf_error_set (error, CF_ERROR_INVALID, "Invalid type for '%.*s' near byte %zu.", (int) key.size, key.text, (size_t) (start - body));
    }
    if (!cf_scan_done (&scan))
        return cf_error_set (error, CF_ERROR_INVALID, "We could not parse the JSON body of your request.");
    if (!model.size)
        return cf_error_set (error, CF_ERROR_INVALID, "you must provide a model parameter");
    if (!messages)
        return cf_error_set (error, CF_ERROR_INVALID, "Missing required parameter: 'messages'.");
    cf_format_copy (model, request->model, sizeof request->model);
    cf_format_count (request);
    return 0;
}

/* ---- answers */

/*  Everything up to the choices; the same in every chunk of an answer. */
static void
s_put_head (const cf_request_t *request, const cf_reply_t *reply, const char *object, cf_buf_t *out)
{
    cf_buf_printf (out, "{\"id\":\"chatcmpl-sim%016llx\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                   (unsigned long long) reply->id, object, (long long) time (NULL));
    cf_buf_put_json (out, request->model, strlen (request->model));
    cf_buf_puts (out, ",\"system_fingerprint\":\"fp_codeforge_simulator\",\"choices\":[");
}

static void
s_put_usage (const cf_reply_t *reply, cf_buf_t *out)
{
    cf_buf_printf (out, "\"usage\":{\"prompt_tokens\":%u,\"completion_tokens\":%u,\"total_tokens\":%u,"
                   "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}",
                   reply->prompt_tokens, reply->completion_tokens, reply->prompt_tokens + reply->completion_tokens);
}

static const char *
s_finish_name (cf_finish_t finish)
{
    return finish == CF_FINISH_LENGTH? "length": finish == CF_FINISH_FILTER? "content_filter": "stop";
}

static void
s_put_delta (cf_slice_t head, const char *field, cf_slice_t text, cf_rendered_t *out)
{
    cf_buf_puts (&out->bytes, "data: ");
    cf_buf_append (&out->bytes, head.text, head.size);
    cf_buf_printf (&out->bytes, "{\"index\":0,\"delta\":{\"%s\":", field);
    cf_buf_put_json (&out->bytes, text.text, text.size);
    cf_buf_puts (&out->bytes, "},\"logprobs\":null,\"finish_reason\":null}]}");
    cf_format_end_chunk (out, "\n\n");
}

static void
s_put_line (const char *line, cf_rendered_t *out)
{
    cf_buf_puts (&out->bytes, "data: ");
    cf_buf_puts (&out->bytes, line);
    cf_format_end_chunk (out, "\n\n");
}

static void
s_fail (int status, const char *code, const char *message, unsigned retry_ms, cf_buf_t *out)
{
    (void) retry_ms;                    /* headers say it */
    const char *type = status == 429? "requests": status >= 500? "server_error": "invalid_request_error";
    cf_buf_puts (out, "{\"error\":{\"message\":");
    cf_buf_put_json (out, message, strlen (message));
    cf_buf_printf (out, ",\"type\":\"%s\",\"param\":null,\"code\":", code && !strcmp (code, "insufficient_quota")? code: type);
    if (code)
        cf_buf_put_json (out, code, strlen (code));
    else
        cf_buf_puts (out, "null");
    cf_buf_puts (out, "}}");
}

/*  The content chunks; false when the stream ends in an error midway. */
static bool
s_stream_content (cf_slice_t head, const cf_reply_t *reply, cf_rendered_t *out)
{
    size_t pieces = reply->text.size < CONTENT_CHUNKS? 1: CONTENT_CHUNKS, start = 0;
    for (size_t at = 0; at < pieces; at++) {
        if (at == pieces / 2 && reply->malformed_chunk)
            s_put_line ("{\"id\":\"chatcmpl-sim\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"del", out);
        if (at == pieces / 2 && reply->error_midway) {
            cf_buf_puts (&out->bytes, "data: ");
            s_fail (500, NULL, "The server had an error while processing your request.", 0, &out->bytes);
            cf_format_end_chunk (out, "\n\n");
            return false;
        }
        size_t end = cf_format_piece_end (reply->text, at, pieces);
        s_put_delta (head, reply->refused? "refusal": "content", (cf_slice_t) { reply->text.text + start, end - start }, out);
        start = end;
    }
    return true;
}

static int
s_render_stream (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    cf_buf_t head;
    cf_buf_init (&head, 4096);
    s_put_head (request, reply, "chat.completion.chunk", &head);
    cf_slice_t opening = { head.bytes, head.size };
    cf_buf_printf (&out->bytes, "data: %s{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                   "\"logprobs\":null,\"finish_reason\":null}]}", head.bytes);
    cf_format_end_chunk (out, "\n\n");
    if (s_stream_content (opening, reply, out)) {
        out->spoken = out->chunks;
        cf_buf_printf (&out->bytes, "data: %s{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"%s\"}]}",
                       head.bytes, s_finish_name (reply->finish));
        cf_format_end_chunk (out, "\n\n");
        if (request->usage_wanted) {
            cf_buf_printf (&out->bytes, "data: %s],", head.bytes);
            s_put_usage (reply, &out->bytes);
            cf_buf_putc (&out->bytes, '}');
            cf_format_end_chunk (out, "\n\n");
        }
        if (!reply->without_end)
            s_put_line ("[DONE]", out);
    }
    cf_buf_free (&head);
    return out->bytes.overflowed? -1: 0;
}

static int
s_render_whole (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    cf_buf_t *bytes = &out->bytes;
    s_put_head (request, reply, "chat.completion", bytes);
    cf_buf_printf (bytes, "{\"index\":0,\"message\":{\"role\":\"assistant\",\"%s\":null,\"%s\":",
                   reply->refused? "content": "refusal", reply->refused? "refusal": "content");
    cf_buf_put_json (bytes, reply->text.text, reply->text.size);
    cf_buf_printf (bytes, ",\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"%s\"}],", s_finish_name (reply->finish));
    s_put_usage (reply, bytes);
    cf_buf_puts (bytes, reply->malformed_chunk? ",}": "}");
    return cf_format_end_whole (out);
}

static int
s_render (const cf_request_t *request, const cf_reply_t *reply, cf_rendered_t *out)
{
    return request->streamed? s_render_stream (request, reply, out): s_render_whole (request, reply, out);
}

const cf_format_t cf_openai_format = { .name = "openai", .read = s_read, .render = s_render, .fail = s_fail };
