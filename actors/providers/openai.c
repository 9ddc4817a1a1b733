/* SPDX-License-Identifier: MPL-2.0 */
/*  openai - chat completions and embeddings, as OpenAI and the servers compatible with it speak them
 *
 *  Always a stream, always with the usage at its end. The usage may never come, and neither may the end marker; an
 *  error object may come in the middle.
 */

#include "actors/providers/provider.h"
#include "actors/providers/strict.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int
s_chat_url (const char *base, const char *model, cf_buf_t *url)
{
    (void) model;
    return cf_buf_printf (url, "%s/chat/completions", base);
}

static int
s_embed_url (const char *base, const char *model, cf_buf_t *url)
{
    (void) model;
    return cf_buf_printf (url, "%s/embeddings", base);
}

/* ---- requests ---- */

static int
s_format (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error)
{
    cf_json_t *reduced = cf_strict_reduce (schema, 0, error);
    if (!reduced)
        return -1;
    cf_buf_puts (out, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":");
    cf_buf_put_json (out, name, strlen (name));
    cf_buf_puts (out, ",\"strict\":true,\"schema\":");
    cf_json_print_to (reduced, out);
    cf_buf_puts (out, "}}");
    json_decref (reduced);
    return out->overflowed? cf_error_set (error, CF_ERROR_INVALID, "the schema is too large"): 0;
}

static void
s_put_message (const char *role, const char *content, cf_buf_t *body)
{
    cf_buf_printf (body, "{\"role\":\"%s\",\"content\":", role);
    cf_buf_put_json (body, content, strlen (content));
    cf_buf_putc (body, '}');
}

static int
s_chat_body (const cf_provider_ask_t *ask, cf_buf_t *body)
{
    cf_buf_puts (body, "{\"model\":");
    cf_buf_put_json (body, ask->model, strlen (ask->model));
    cf_buf_puts (body, ",\"messages\":[");
    if (*ask->system) {
        s_put_message ("system", ask->system, body);
        cf_buf_putc (body, ',');
    }
    s_put_message ("user", ask->input, body);
    cf_buf_printf (body, "],\"temperature\":%.3g,\"stream\":true,\"stream_options\":{\"include_usage\":true}", ask->temperature);
    if (ask->max_tokens)
        cf_buf_printf (body, ",\"max_completion_tokens\":%" PRIu32, ask->max_tokens);
    cf_buf_puts (body, ask->format);
    return cf_buf_putc (body, '}');
}

static int
s_embed_body (const char *model, const char *text, cf_buf_t *body)
{
    cf_buf_puts (body, "{\"model\":");
    cf_buf_put_json (body, model, strlen (model));
    cf_buf_puts (body, ",\"input\":[");
    cf_buf_put_json (body, text, strlen (text));
    return cf_buf_printf (body, "],\"dimensions\":%d,\"encoding_format\":\"base64\"}", CF_PROVIDER_DIMENSIONS);
}

/* ---- errors ---- */

/*  The class of an error object, from its code or type; status 0 where it came within a stream. */
static cf_failure_class_t
s_class_of (long status, const char *code, const char *type, bool *refused)
{
    static const struct { const char *name; cf_failure_class_t failure; } codes [] = {
        { "insufficient_quota", CF_FAILURE_QUOTA },
        { "credit_balance_exhausted", CF_FAILURE_QUOTA },
        { "billing_hard_limit_reached", CF_FAILURE_QUOTA },
        { "context_length_exceeded", CF_FAILURE_TOO_LONG },
        { "invalid_api_key", CF_FAILURE_KEY },
        { "model_not_found", CF_FAILURE_NO_MODEL },
        { "content_policy_violation", CF_FAILURE_NONE },
        { "content_filter", CF_FAILURE_NONE }
    };
    for (size_t at = 0; at < sizeof codes / sizeof codes [0]; at++)
        if (strcmp (code, codes [at].name) == 0 || strcmp (type, codes [at].name) == 0) {
            *refused = codes [at].failure == CF_FAILURE_NONE;
            return codes [at].failure;
        }
    switch (status) {
        case 401: case 403: return CF_FAILURE_KEY;
        case 402:           return CF_FAILURE_QUOTA;
        case 404:           return CF_FAILURE_NO_MODEL;
        case 408: case 409: return CF_FAILURE_SERVER;
        case 413:           return CF_FAILURE_TOO_LONG;
        case 429:           return CF_FAILURE_RATE_LIMITED;
        default:            return status >= 500? CF_FAILURE_SERVER: CF_FAILURE_INVALID;
    }
}

static cf_failure_class_t
s_classify (long status, const char *body, size_t size, bool *refused)
{
    *refused = false;
    cf_json_t *document = cf_json_parse (body, size, NULL);
    const cf_json_t *error = json_object_get (document, "error");
    cf_failure_class_t failure = s_class_of (status, cf_json_str (error, "code", ""), cf_json_str (error, "type", ""), refused);
    json_decref (document);
    return failure;
}

/* ---- the stream ---- */

/*  What one chunk says, as slices of it; nothing is believed before the chunk was read to its end. */
typedef struct {
    cf_slice_t error, model, content, refusal, reason, usage, input_tokens, output_tokens;
} chunk_t;

static void
s_scan_usage (cf_scan_t *scan, chunk_t *chunk)
{
    cf_slice_t key;
    chunk->usage = (cf_slice_t) { scan->at, 1 };
    while (cf_scan_member (scan, &key)) {
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "prompt_tokens"))
            chunk->input_tokens = value;
        else if (cf_slice_is (key, "completion_tokens"))
            chunk->output_tokens = value;
    }
}

static void
s_scan_delta (cf_scan_t *scan, chunk_t *choice)
{
    cf_slice_t key;
    while (cf_scan_member (scan, &key)) {
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "content"))
            choice->content = value;
        else if (cf_slice_is (key, "refusal"))
            choice->refusal = value;
    }
}

/*  Only the first of several choices is ours; we ask for one. */
static void
s_scan_choice (cf_scan_t *scan, chunk_t *chunk)
{
    cf_slice_t key;
    chunk_t choice = { .error.text = NULL };
    uint32_t index = 0;
    while (cf_scan_member (scan, &key)) {
        if (cf_slice_is (key, "delta") && cf_scan_enter (scan, '{')) {
            s_scan_delta (scan, &choice);
            continue;
        }
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "index"))
            index = cf_slice_u32 (value, 0);
        else if (cf_slice_is (key, "finish_reason"))
            choice.reason = value;
    }
    if (index > 0)
        return;
    chunk->content = choice.content;
    chunk->refusal = choice.refusal;
    chunk->reason = choice.reason;
}

static void
s_scan_choices (cf_scan_t *scan, chunk_t *chunk)
{
    while (cf_scan_item (scan)) {
        if (cf_scan_enter (scan, '{'))
            s_scan_choice (scan, chunk);
        else
            cf_scan_skip (scan);
    }
}

/*  0, or -1 where it is no JSON object. */
static int
s_scan_chunk (const char *data, size_t size, chunk_t *chunk)
{
    cf_scan_t scan;
    cf_slice_t key;
    cf_scan_init (&scan, data, size);
    if (!cf_scan_enter (&scan, '{'))
        return -1;
    while (cf_scan_member (&scan, &key)) {
        if (cf_slice_is (key, "choices") && cf_scan_enter (&scan, '['))
            s_scan_choices (&scan, chunk);
        else if (cf_slice_is (key, "usage") && cf_scan_enter (&scan, '{'))
            s_scan_usage (&scan, chunk);
        else {
            cf_slice_t value = cf_scan_skip (&scan);
            if (cf_slice_is (key, "model"))
                chunk->model = value;
            else if (cf_slice_is (key, "error") && value.size > 4)
                chunk->error = value;           /* more than null */
        }
    }
    return cf_scan_done (&scan)? 0: -1;
}

static void
s_read_error (cf_reading_t *reading, cf_slice_t text)
{
    bool refused = false;
    cf_json_t *error = cf_json_parse (text.text, text.size, NULL);
    cf_failure_class_t failure = s_class_of (0, cf_json_str (error, "code", ""), cf_json_str (error, "type", ""), &refused);
    cf_reading_fail (reading, failure, refused);
    json_decref (error);
}

static cf_reading_end_t
s_end_of (cf_slice_t reason)
{
    return cf_slice_is (reason, "stop")? CF_READING_STOP: cf_slice_is (reason, "length")? CF_READING_LENGTH
        : cf_slice_is (reason, "content_filter")? CF_READING_REFUSED: CF_READING_OTHER;
}

static void
s_read (cf_reading_t *reading, const char *data, size_t size)
{
    chunk_t chunk = { .error.text = NULL };
    if (size == 6 && memcmp (data, "[DONE]", 6) == 0) {
        reading->marked = true;
        return;
    }
    if (s_scan_chunk (data, size, &chunk)) {
        cf_reading_malformed (reading);
        return;
    }
    if (chunk.error.text) {
        s_read_error (reading, chunk.error);
        return;
    }
    cf_reading_name (reading, chunk.model);
    if (chunk.usage.text) {
        reading->counted++;
        reading->input_tokens = cf_slice_u32 (chunk.input_tokens, 0);
        reading->output_tokens = cf_slice_u32 (chunk.output_tokens, 0);
    }
    cf_reading_put (reading, chunk.content, &reading->text);
    cf_reading_put (reading, chunk.refusal, &reading->refusal);
    if (chunk.reason.size > 0 && *chunk.reason.text == '"')
        reading->end = s_end_of (chunk.reason);
}

/* ---- embeddings ---- */

static int
s_base64_value (char letter)
{
    return letter >= 'A' && letter <= 'Z'? letter - 'A'
        : letter >= 'a' && letter <= 'z'? letter - 'a' + 26
        : letter >= '0' && letter <= '9'? letter - '0' + 52
        : letter == '+'? 62: letter == '/'? 63: -1;
}

/*  RFC 4648 base64 into exactly size bytes. 0, or -1. */
static int
s_read_base64 (const char *text, size_t length, uint8_t *bytes, size_t size)
{
    while (length > 0 && text [length - 1] == '=')
        length--;
    if (length != (size * 4 + 2) / 3)
        return -1;
    uint32_t bits = 0;
    size_t done = 0;
    for (size_t at = 0; at < length; at++) {
        int value = s_base64_value (text [at]);
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t) value;
        if (at % 4 != 0)
            bytes [done++] = (uint8_t) (bits >> (6 - 2 * (at % 4)));
    }
    return done == size? 0: -1;
}

/*  Little-endian on the wire, whatever the machine. */
static int
s_read_floats (const char *text, size_t length, float values [CF_PROVIDER_DIMENSIONS])
{
    uint8_t bytes [CF_PROVIDER_DIMENSIONS * 4];
    if (s_read_base64 (text, length, bytes, sizeof bytes))
        return -1;
    for (size_t at = 0; at < CF_PROVIDER_DIMENSIONS; at++) {
        const uint8_t *from = bytes + 4 * at;
        uint32_t number = (uint32_t) from [0] | (uint32_t) from [1] << 8 | (uint32_t) from [2] << 16 | (uint32_t) from [3] << 24;
        memcpy (&values [at], &number, sizeof number);
    }
    return 0;
}

static int
s_read_embedding (const char *body, size_t size, float values [CF_PROVIDER_DIMENSIONS])
{
    cf_json_t *document = cf_json_parse (body, size, NULL);
    const cf_json_t *item = json_array_get (json_object_get (document, "data"), 0);
    const cf_json_t *embedding = json_object_get (item, "embedding");
    int rc = json_is_string (embedding)? s_read_floats (json_string_value (embedding), json_string_length (embedding), values)
        : cf_reading_vector (embedding, values);
    for (size_t at = 0; rc == 0 && at < CF_PROVIDER_DIMENSIONS; at++)
        if (!isfinite (values [at]))
            rc = -1;
    json_decref (document);
    return rc;
}

const cf_provider_api_t cf_provider_openai = {
    .chat_url = s_chat_url,
    .format = s_format,
    .chat_body = s_chat_body,
    .read = s_read,
    .classify = s_classify,
    .embed_url = s_embed_url,
    .embed_body = s_embed_body,
    .read_embedding = s_read_embedding
};
