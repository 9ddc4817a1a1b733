/* SPDX-License-Identifier: MPL-2.0 */
/*  anthropic - Claude's messages, streamed
 *
 *  Every event names its type in its data. The stream says twice that it is over: message_delta brings the reason, message_stop
 *  the end; an error may come after a 200, in any place. Versions of the API from 2026-10-21 on refuse a temperature.
 */

#include "actors/providers/provider.h"
#include "actors/providers/strict.h"

#include <inttypes.h>
#include <string.h>

#define CF_ANTHROPIC_MAX_TOKENS 4096    /* where nobody says: the request must */
#define CF_ANTHROPIC_NO_SAMPLING "2026-10-21"   /* versions are dates, and sort as text */

static int
s_chat_url (const char *base, const char *model, cf_buf_t *url)
{
    (void) model;
    return cf_buf_printf (url, "%s/messages", base);
}

/* ---- requests ---- */

static int
s_format (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error)
{
    cf_json_t *reduced = cf_strict_reduce (schema, CF_STRICT_OPTIONAL, error);
    if (!reduced)
        return -1;
    json_object_set_new (reduced, "title", json_string (name));
    cf_buf_puts (out, ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":");
    cf_json_print_to (reduced, out);
    cf_buf_puts (out, "}}");
    json_decref (reduced);
    return out->overflowed? cf_error_set (error, CF_ERROR_INVALID, "the schema is too large"): 0;
}

static int
s_chat_body (const cf_provider_ask_t *ask, cf_buf_t *body)
{
    cf_buf_puts (body, "{\"model\":");
    cf_buf_put_json (body, ask->model, strlen (ask->model));
    cf_buf_printf (body, ",\"max_tokens\":%" PRIu32 ",\"stream\":true", ask->max_tokens? ask->max_tokens: CF_ANTHROPIC_MAX_TOKENS);
    if (strcmp (cf_config_str (CF_CONFIG_ANTHROPIC_VERSION), CF_ANTHROPIC_NO_SAMPLING) < 0)
        cf_buf_printf (body, ",\"temperature\":%.3g", ask->temperature < 1? ask->temperature: 1);      /* 1 is the most it takes */
    if (*ask->system) {
        cf_buf_puts (body, ",\"system\":");
        cf_buf_put_json (body, ask->system, strlen (ask->system));
    }
    cf_buf_puts (body, ",\"messages\":[{\"role\":\"user\",\"content\":");
    cf_buf_put_json (body, ask->input, strlen (ask->input));
    cf_buf_puts (body, "}]");
    cf_buf_puts (body, ask->format);
    return cf_buf_putc (body, '}');
}

/* ---- errors ---- */

/*  invalid_request_error is said of many things; only the sentence tells them apart. */
static cf_failure_class_t
s_class_of_invalid (const char *message)
{
    if (strstr (message, "prompt is too long") || strstr (message, "exceed context limit"))
        return CF_FAILURE_TOO_LONG;
    return strstr (message, "credit balance is too low")? CF_FAILURE_QUOTA: CF_FAILURE_INVALID;
}

static cf_failure_class_t
s_class_of_status (long status)
{
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

/*  The class of an error object (NULL: there is none); status 0 where it came within a stream. */
static cf_failure_class_t
s_class_of (long status, const cf_json_t *error)
{
    static const struct { const char *type; cf_failure_class_t failure; } types [] = {
        { "authentication_error", CF_FAILURE_KEY },
        { "permission_error", CF_FAILURE_KEY },
        { "billing_error", CF_FAILURE_QUOTA },
        { "not_found_error", CF_FAILURE_NO_MODEL },
        { "request_too_large", CF_FAILURE_TOO_LONG },
        { "rate_limit_error", CF_FAILURE_RATE_LIMITED },
        { "api_error", CF_FAILURE_SERVER },
        { "timeout_error", CF_FAILURE_SERVER },
        { "overloaded_error", CF_FAILURE_SERVER }
    };
    const char *type = cf_json_str (error, "type", "");
    if (strcmp (cf_json_str (json_object_get (error, "details"), "error_code", ""), "enforced_spend_limit_reached") == 0)
        return CF_FAILURE_QUOTA;        /* a rate limit only by its type: waiting does not help */
    if (strcmp (type, "invalid_request_error") == 0 && (status == 0 || status == 400))
        return s_class_of_invalid (cf_json_str (error, "message", ""));
    for (size_t at = 0; at < sizeof types / sizeof types [0]; at++)
        if (strcmp (type, types [at].type) == 0)
            return types [at].failure;
    return s_class_of_status (status);
}

static cf_failure_class_t
s_classify (long status, const char *body, size_t size, bool *refused)
{
    *refused = false;                   /* what is refused comes as an answer */
    cf_json_t *document = cf_json_parse (body, size, NULL);
    cf_failure_class_t failure = s_class_of (status, json_object_get (document, "error"));
    json_decref (document);
    return failure;
}

/* ---- the stream ---- */

/*  What one event says, as slices of it. */
typedef struct {
    cf_slice_t type, message, delta, block, usage, error;
} event_t;

/*  0, or -1 where it is no JSON object. */
static int
s_scan_event (const char *data, size_t size, event_t *event)
{
    cf_scan_t scan;
    cf_slice_t key;
    cf_scan_init (&scan, data, size);
    if (!cf_scan_enter (&scan, '{'))
        return -1;
    while (cf_scan_member (&scan, &key)) {
        const struct { const char *name; cf_slice_t *place; } members [] = {
            { "type", &event->type }, { "message", &event->message }, { "delta", &event->delta },
            { "content_block", &event->block }, { "usage", &event->usage }, { "error", &event->error }
        };
        cf_slice_t value = cf_scan_skip (&scan);
        for (size_t at = 0; at < sizeof members / sizeof members [0]; at++)
            if (cf_slice_is (key, members [at].name))
                *members [at].place = value;
    }
    return cf_scan_done (&scan)? 0: -1;
}

/*  The member of an object, empty where there is none. The object has been walked over before: it is well-formed. */
static cf_slice_t
s_member (cf_slice_t object, const char *name)
{
    cf_scan_t scan;
    cf_slice_t key, found = { NULL, 0 };
    cf_scan_init (&scan, object.text, object.size);
    if (!object.size || !cf_scan_enter (&scan, '{'))
        return found;
    while (cf_scan_member (&scan, &key)) {
        cf_slice_t value = cf_scan_skip (&scan);
        if (cf_slice_is (key, name))
            found = value;
    }
    return found;
}

static uint32_t
s_sum (uint32_t one, uint32_t other)
{
    return one > UINT32_MAX - other? UINT32_MAX: one + other;
}

/*  Counts are of the whole answer so far; those that an event leaves out stay as they were. What came from the cache is
    input as well. */
static void
s_read_usage (cf_reading_t *reading, cf_slice_t usage)
{
    if (!usage.size || *usage.text != '{')
        return;
    cf_slice_t input = s_member (usage, "input_tokens");
    reading->counted++;
    reading->output_tokens = cf_slice_u32 (s_member (usage, "output_tokens"), reading->output_tokens);
    if (input.size && *input.text != 'n')
        reading->input_tokens = s_sum (cf_slice_u32 (input, 0),
                                       s_sum (cf_slice_u32 (s_member (usage, "cache_creation_input_tokens"), 0),
                                              cf_slice_u32 (s_member (usage, "cache_read_input_tokens"), 0)));
}

static void
s_read_stop (cf_reading_t *reading, cf_slice_t delta)
{
    static const struct { const char *reason; cf_reading_end_t end; } ends [] = {
        { "end_turn", CF_READING_STOP },
        { "stop_sequence", CF_READING_STOP },
        { "max_tokens", CF_READING_LENGTH },
        { "model_context_window_exceeded", CF_READING_LENGTH },
        { "refusal", CF_READING_REFUSED }
    };
    cf_slice_t reason = s_member (delta, "stop_reason");
    if (reason.size < 3 || *reason.text != '"')
        return;
    reading->end = CF_READING_OTHER;
    for (size_t at = 0; at < sizeof ends / sizeof ends [0]; at++)
        if (cf_slice_is (reason, ends [at].reason))
            reading->end = ends [at].end;
    if (reading->end == CF_READING_REFUSED)
        cf_reading_put (reading, s_member (s_member (delta, "stop_details"), "explanation"), &reading->refusal);
}

static void
s_read_error (cf_reading_t *reading, cf_slice_t text)
{
    cf_json_t *error = cf_json_parse (text.text, text.size, NULL);
    cf_reading_fail (reading, s_class_of (0, error), false);
    json_decref (error);
}

static void
s_read (cf_reading_t *reading, const char *data, size_t size)
{
    event_t event = { .type.text = NULL };
    if (s_scan_event (data, size, &event)) {
        cf_reading_malformed (reading);
        return;
    }
    if (cf_slice_is (event.type, "content_block_delta")) {
        if (cf_slice_is (s_member (event.delta, "type"), "text_delta"))
            cf_reading_put (reading, s_member (event.delta, "text"), &reading->text);
    }
    else if (cf_slice_is (event.type, "content_block_start")) {
        if (cf_slice_is (s_member (event.block, "type"), "text"))
            cf_reading_put (reading, s_member (event.block, "text"), &reading->text);
    }
    else if (cf_slice_is (event.type, "message_start")) {
        cf_reading_name (reading, s_member (event.message, "model"));
        s_read_usage (reading, s_member (event.message, "usage"));
    }
    else if (cf_slice_is (event.type, "message_delta")) {
        s_read_usage (reading, event.usage);
        s_read_stop (reading, event.delta);
    }
    else if (cf_slice_is (event.type, "message_stop"))
        reading->marked = true;
    else if (cf_slice_is (event.type, "error"))
        s_read_error (reading, event.error);
}

const cf_provider_api_t cf_provider_anthropic = {
    .chat_url = s_chat_url,
    .format = s_format,
    .chat_body = s_chat_body,
    .read = s_read,
    .classify = s_classify
};
