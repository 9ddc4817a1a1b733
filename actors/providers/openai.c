/* SPDX-License-Identifier: MPL-2.0 */
/*  openai - chat completions and embeddings, as OpenAI and the servers compatible with it speak them
 *
 *  Always a stream, always with the usage at its end. The usage may never come, and neither may the end marker; an
 *  error object may come in the middle.
 */

#include "actors/providers/provider.h"
#include "actors/providers/strict.h"

#include <float.h>
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

static int
s_key_header (const char *key, cf_buf_t *line)
{
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at == 0x7f)
            return -1;                  /* would end the header line, or make it another */
    return cf_buf_printf (line, "Authorization: Bearer %s", key);
}

/* ---- requests ---- */

static int
s_format (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error)
{
    cf_json_t *reduced = cf_strict_reduce (schema, error);
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

static void
s_put_string (cf_buf_t *out, const cf_json_t *string)
{
    if (json_is_string (string))
        cf_buf_append (out, json_string_value (string), json_string_length (string));
}

static void
s_read_end (cf_reading_t *reading, const char *reason)
{
    if (strcmp (reason, "stop") == 0)
        reading->end = CF_READING_STOP;
    else if (strcmp (reason, "length") == 0)
        reading->end = CF_READING_LENGTH;
    else if (strcmp (reason, "content_filter") == 0)
        reading->end = CF_READING_REFUSED;
    else
        reading->end = CF_READING_OTHER;
}

static void
s_read_choice (cf_reading_t *reading, const cf_json_t *choice)
{
    if (!choice || cf_json_int (choice, "index", 0) != 0)
        return;
    const cf_json_t *delta = json_object_get (choice, "delta");
    s_put_string (&reading->text, json_object_get (delta, "content"));
    s_put_string (&reading->refusal, json_object_get (delta, "refusal"));
    const char *reason = cf_json_str (choice, "finish_reason", NULL);
    if (reason)
        s_read_end (reading, reason);
}

static uint32_t
s_count (const cf_json_t *usage, const char *key)
{
    int64_t count = cf_json_int (usage, key, 0);
    return count < 0? 0: count > UINT32_MAX? UINT32_MAX: (uint32_t) count;
}

static void
s_read_chunk (cf_reading_t *reading, const cf_json_t *chunk)
{
    const cf_json_t *error = json_object_get (chunk, "error");
    if (error && !json_is_null (error)) {
        bool refused = false;
        reading->failure = s_class_of (0, cf_json_str (error, "code", ""), cf_json_str (error, "type", ""), &refused);
        if (refused)
            reading->end = CF_READING_REFUSED;
        else if (reading->failure == CF_FAILURE_INVALID)
            reading->failure = CF_FAILURE_CUT;  /* it had accepted the request: what ended the stream was its own doing */
        return;
    }
    const char *model = cf_json_str (chunk, "model", "");
    if (*model && !*reading->model)
        strncpy (reading->model, model, sizeof reading->model - 1);
    const cf_json_t *usage = json_object_get (chunk, "usage");
    if (json_is_object (usage)) {
        reading->counted = true;
        reading->input_tokens = s_count (usage, "prompt_tokens");
        reading->output_tokens = s_count (usage, "completion_tokens");
    }
    s_read_choice (reading, json_array_get (json_object_get (chunk, "choices"), 0));
}

static void
s_read (cf_reading_t *reading, const char *data, size_t size)
{
    if (size == 6 && memcmp (data, "[DONE]", 6) == 0) {
        reading->marked = true;
        return;
    }
    cf_json_t *chunk = cf_json_parse (data, size, NULL);
    if (json_is_object (chunk))
        s_read_chunk (reading, chunk);
    else
        reading->malformed++;
    json_decref (chunk);
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
s_read_array (const cf_json_t *array, float values [CF_PROVIDER_DIMENSIONS])
{
    if (json_array_size (array) != CF_PROVIDER_DIMENSIONS)
        return -1;
    for (size_t at = 0; at < CF_PROVIDER_DIMENSIONS; at++) {
        const cf_json_t *element = json_array_get (array, at);
        double number = json_number_value (element);
        if (!json_is_number (element) || number < -FLT_MAX || number > FLT_MAX)
            return -1;
        values [at] = (float) number;
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
        : s_read_array (embedding, values);
    for (size_t at = 0; rc == 0 && at < CF_PROVIDER_DIMENSIONS; at++)
        if (!isfinite (values [at]))
            rc = -1;
    json_decref (document);
    return rc;
}

const cf_provider_api_t cf_provider_openai = {
    .chat_url = s_chat_url,
    .embed_url = s_embed_url,
    .key_header = s_key_header,
    .format = s_format,
    .chat_body = s_chat_body,
    .read = s_read,
    .classify = s_classify,
    .embed_body = s_embed_body,
    .read_embedding = s_read_embedding
};
