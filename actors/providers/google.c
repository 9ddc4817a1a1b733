/* SPDX-License-Identifier: MPL-2.0 */
/*  google - Gemini's generateContent, streamed, and its embeddings
 *
 *  The model stands in the address. There is no end marker: a stream has ended when a candidate names its finishReason. A
 *  prompt that is refused outright gets no candidate, but a blockReason. Thoughts come as parts of their own and are no output.
 */

#include "actors/providers/provider.h"
#include "actors/providers/strict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*  {base}/models/{model}:{method}; a name with a slash, such as tunedModels/mine, says itself where it is. */
static int
s_put_url (const char *base, const char *model, const char *method, cf_buf_t *url)
{
    size_t size = strlen (model);
    if (strspn (model, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~@-/") != size || strstr (model, ".."))
        return -1;                      /* it would be another address */
    return cf_buf_printf (url, "%s/%s%s:%s", base, strchr (model, '/')? "": "models/", model, method);
}

static int
s_chat_url (const char *base, const char *model, cf_buf_t *url)
{
    return s_put_url (base, model, "streamGenerateContent?alt=sse", url);
}

static int
s_embed_url (const char *base, const char *model, cf_buf_t *url)
{
    return s_put_url (base, model, "embedContent", url);
}

/* ---- requests ---- */

static int
s_format (const char *name, const cf_json_t *schema, cf_buf_t *out, cf_error_t *error)
{
    cf_json_t *reduced = cf_strict_reduce (schema, CF_STRICT_OPTIONAL | CF_STRICT_ENUMS_ONLY, error);
    if (!reduced)
        return -1;
    json_object_set_new (reduced, "title", json_string (name));
    cf_buf_puts (out, ",\"responseMimeType\":\"application/json\",\"responseJsonSchema\":");
    cf_json_print_to (reduced, out);
    json_decref (reduced);
    return out->overflowed? cf_error_set (error, CF_ERROR_INVALID, "the schema is too large"): 0;
}

static void
s_put_parts (const char *text, cf_buf_t *body)
{
    cf_buf_puts (body, "\"parts\":[{\"text\":");
    cf_buf_put_json (body, text, strlen (text));
    cf_buf_puts (body, "}]");
}

static int
s_chat_body (const cf_provider_ask_t *ask, cf_buf_t *body)
{
    cf_buf_putc (body, '{');
    if (*ask->system) {
        cf_buf_puts (body, "\"systemInstruction\":{");
        s_put_parts (ask->system, body);
        cf_buf_puts (body, "},");
    }
    cf_buf_puts (body, "\"contents\":[{\"role\":\"user\",");
    s_put_parts (ask->input, body);
    cf_buf_printf (body, "}],\"generationConfig\":{\"temperature\":%.3g", ask->temperature);
    if (ask->max_tokens)
        cf_buf_printf (body, ",\"maxOutputTokens\":%" PRIu32, ask->max_tokens);
    cf_buf_puts (body, ask->format);
    return cf_buf_puts (body, "}}");
}

static int
s_embed_body (const char *model, const char *text, cf_buf_t *body)
{
    (void) model;                       /* the address says it */
    cf_buf_puts (body, "{\"content\":{");
    s_put_parts (text, body);
    return cf_buf_printf (body, "},\"outputDimensionality\":%d}", CF_PROVIDER_DIMENSIONS);
}

/* ---- errors ---- */

/*  The error object of a body; borrowed from document. Some answers wrap it into an array of one. */
static const cf_json_t *
s_error_of (const cf_json_t *document)
{
    const cf_json_t *first = json_is_array (document)? json_array_get (document, 0): document;
    return json_object_get (first, "error");
}

/*  The member of the first detail that has it, "" where none does. */
static const char *
s_detail (const cf_json_t *error, const char *key)
{
    size_t at;
    cf_json_t *detail;
    json_array_foreach (json_object_get (error, "details"), at, detail) {
        const char *text = cf_json_str (detail, key, "");
        if (*text)
            return text;
    }
    return "";
}

/*  Whether a quota of a whole day is used up: no pause that anybody waits for fills it again. */
static bool
s_is_daily (const cf_json_t *error)
{
    size_t at, number;
    cf_json_t *detail, *violation;
    json_array_foreach (json_object_get (error, "details"), at, detail)
        json_array_foreach (json_object_get (detail, "violations"), number, violation)
            if (strstr (cf_json_str (violation, "quotaId", ""), "PerDay") || strstr (cf_json_str (violation, "quotaMetric", ""), "per_day"))
                return true;
    return false;
}

/*  INVALID_ARGUMENT is said of many things; only the sentence, or a detail, tells them apart. */
static cf_failure_class_t
s_class_of_invalid (const cf_json_t *error)
{
    const char *message = cf_json_str (error, "message", "");
    if (strcmp (s_detail (error, "reason"), "API_KEY_INVALID") == 0)
        return CF_FAILURE_KEY;
    return strstr (message, "token count") && strstr (message, "exceeds")? CF_FAILURE_TOO_LONG: CF_FAILURE_INVALID;
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
    static const struct { const char *name; cf_failure_class_t failure; } names [] = {
        { "UNAUTHENTICATED", CF_FAILURE_KEY },
        { "PERMISSION_DENIED", CF_FAILURE_KEY },
        { "FAILED_PRECONDITION", CF_FAILURE_QUOTA },    /* no billing account, or not offered where we are */
        { "NOT_FOUND", CF_FAILURE_NO_MODEL },
        { "UNAVAILABLE", CF_FAILURE_SERVER },
        { "INTERNAL", CF_FAILURE_SERVER },
        { "DEADLINE_EXCEEDED", CF_FAILURE_SERVER },
        { "CANCELLED", CF_FAILURE_SERVER },
        { "ABORTED", CF_FAILURE_SERVER },
        { "UNKNOWN", CF_FAILURE_SERVER }
    };
    const char *name = cf_json_str (error, "status", "");
    if (strcmp (name, "RESOURCE_EXHAUSTED") == 0 || status == 429)
        return s_is_daily (error)? CF_FAILURE_QUOTA: CF_FAILURE_RATE_LIMITED;
    if (strcmp (name, "INVALID_ARGUMENT") == 0)
        return s_class_of_invalid (error);
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++)
        if (strcmp (name, names [at].name) == 0)
            return names [at].failure;
    return s_class_of_status (status? status: (long) cf_json_int (error, "code", 0));
}

static cf_failure_class_t
s_classify (long status, const char *body, size_t size, bool *refused)
{
    *refused = false;                   /* what is refused comes as an answer */
    cf_json_t *document = cf_json_parse (body, size, NULL);
    cf_failure_class_t failure = s_class_of (status, s_error_of (document));
    json_decref (document);
    return failure;
}

/*  RetryInfo's retryDelay is seconds with an s: "7s", "0.25s". */
static uint32_t
s_retry_after_ms (const char *body, size_t size)
{
    cf_json_t *document = cf_json_parse (body, size, NULL);
    const char *delay = s_detail (s_error_of (document), "retryDelay");
    char *end;
    double seconds = strtod (delay, &end);
    bool valid = end != delay && strcmp (end, "s") == 0 && seconds > 0;
    json_decref (document);
    return !valid? 0: seconds < 86400? (uint32_t) (seconds * 1000): 86400000;
}

/* ---- the stream ---- */

/*  A part of an answer; a thought is none of it. */
static void
s_read_part (cf_reading_t *reading, cf_scan_t *scan)
{
    cf_slice_t key, text = { NULL, 0 };
    bool thought = false;
    while (cf_scan_member (scan, &key)) {
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "text"))
            text = value;
        else if (cf_slice_is (key, "thought"))
            thought = value.size == 4 && *value.text == 't';
    }
    if (!thought)
        cf_reading_put (reading, text, &reading->text);
}

static void
s_read_content (cf_reading_t *reading, cf_scan_t *scan)
{
    cf_slice_t key;
    while (cf_scan_member (scan, &key)) {
        if (!cf_slice_is (key, "parts") || !cf_scan_enter (scan, '[')) {
            cf_scan_skip (scan);
            continue;
        }
        while (cf_scan_item (scan)) {
            if (cf_scan_enter (scan, '{'))
                s_read_part (reading, scan);
            else
                cf_scan_skip (scan);
        }
    }
}

/*  Keeps in the provider's own words why there is no answer. */
static void
s_refuse (cf_reading_t *reading, cf_slice_t reason, cf_slice_t message)
{
    reading->end = CF_READING_REFUSED;
    cf_buf_reset (&reading->refusal);
    cf_buf_puts (&reading->refusal, "The provider's filter stopped the answer: ");
    cf_reading_put (reading, message.size > 2? message: reason, &reading->refusal);
}

static void
s_read_finish (cf_reading_t *reading, cf_slice_t reason, cf_slice_t message)
{
    static const char *const refusals [] = {
        "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"
    };
    if (reason.size < 3 || *reason.text != '"' || cf_slice_is (reason, "FINISH_REASON_UNSPECIFIED"))
        return;
    reading->end = cf_slice_is (reason, "STOP")? CF_READING_STOP: cf_slice_is (reason, "MAX_TOKENS")? CF_READING_LENGTH: CF_READING_OTHER;
    for (size_t at = 0; at < sizeof refusals / sizeof refusals [0]; at++)
        if (cf_slice_is (reason, refusals [at]))
            s_refuse (reading, reason, message);
}

/*  Only the first of several candidates is ours; we ask for one. */
static void
s_read_candidate (cf_reading_t *reading, cf_slice_t candidate)
{
    cf_scan_t scan;
    cf_slice_t key, content = { NULL, 0 }, reason = content, message = content;
    uint32_t index = 0;
    cf_scan_init (&scan, candidate.text, candidate.size);
    if (!cf_scan_enter (&scan, '{'))
        return;
    while (cf_scan_member (&scan, &key)) {
        cf_slice_t value = cf_scan_skip (&scan);
        if (cf_slice_is (key, "content"))
            content = value;
        else if (cf_slice_is (key, "finishReason"))
            reason = value;
        else if (cf_slice_is (key, "finishMessage"))
            message = value;
        else if (cf_slice_is (key, "index"))
            index = cf_slice_u32 (value, 0);
    }
    if (index > 0)
        return;
    cf_scan_init (&scan, content.text, content.size);
    if (content.size && cf_scan_enter (&scan, '{'))
        s_read_content (reading, &scan);
    s_read_finish (reading, reason, message);
}

/*  Counts are of the whole answer so far; one that an event leaves out stays as it was. */
static void
s_read_usage (cf_reading_t *reading, cf_scan_t *scan)
{
    cf_slice_t key;
    uint32_t answer = 0, thoughts = 0;
    while (cf_scan_member (scan, &key)) {
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "promptTokenCount"))
            reading->input_tokens = cf_slice_u32 (value, reading->input_tokens);
        else if (cf_slice_is (key, "candidatesTokenCount"))
            answer = cf_slice_u32 (value, 0);
        else if (cf_slice_is (key, "thoughtsTokenCount"))
            thoughts = cf_slice_u32 (value, 0);
    }
    uint32_t output = answer > UINT32_MAX - thoughts? UINT32_MAX: answer + thoughts;
    reading->counted++;
    if (output > 0)
        reading->output_tokens = output;
}

static void
s_read_feedback (cf_reading_t *reading, cf_scan_t *scan)
{
    cf_slice_t key, reason = { NULL, 0 }, message = reason;
    while (cf_scan_member (scan, &key)) {
        cf_slice_t value = cf_scan_skip (scan);
        if (cf_slice_is (key, "blockReason"))
            reason = value;
        else if (cf_slice_is (key, "blockReasonMessage"))
            message = value;
    }
    if (reason.size > 2 && *reason.text == '"' && !cf_slice_is (reason, "BLOCK_REASON_UNSPECIFIED"))
        s_refuse (reading, reason, message);
}

static void
s_read_error (cf_reading_t *reading, cf_slice_t text)
{
    cf_json_t *error = cf_json_parse (text.text, text.size, NULL);
    cf_reading_fail (reading, s_class_of (0, error), false);
    json_decref (error);
}

static void
s_read_candidates (cf_reading_t *reading, cf_scan_t *scan)
{
    while (cf_scan_item (scan))
        s_read_candidate (reading, cf_scan_skip (scan));
}

static void
s_read_response (cf_reading_t *reading, cf_scan_t *scan)
{
    cf_slice_t key;
    while (cf_scan_member (scan, &key)) {
        if (cf_slice_is (key, "candidates") && cf_scan_enter (scan, '['))
            s_read_candidates (reading, scan);
        else if (cf_slice_is (key, "usageMetadata") && cf_scan_enter (scan, '{'))
            s_read_usage (reading, scan);
        else if (cf_slice_is (key, "promptFeedback") && cf_scan_enter (scan, '{'))
            s_read_feedback (reading, scan);
        else {
            cf_slice_t value = cf_scan_skip (scan);
            if (cf_slice_is (key, "modelVersion"))
                cf_reading_name (reading, value);
            else if (cf_slice_is (key, "error") && value.size > 4)
                s_read_error (reading, value);  /* more than null */
        }
    }
}

/*  Walks over the event once before anything in it is believed: a member that was read from a broken event could not be
    taken back. */
static void
s_read (cf_reading_t *reading, const char *data, size_t size)
{
    cf_scan_t scan;
    cf_scan_init (&scan, data, size);
    cf_scan_skip (&scan);
    bool whole = cf_scan_done (&scan);
    cf_scan_init (&scan, data, size);
    if (cf_scan_enter (&scan, '['))
        cf_scan_item (&scan);           /* an error may come as an array of one */
    if (!whole || !cf_scan_enter (&scan, '{'))
        cf_reading_malformed (reading);
    else
        s_read_response (reading, &scan);
}

/* ---- embeddings ---- */

static int
s_read_embedding (const char *body, size_t size, float values [CF_PROVIDER_DIMENSIONS])
{
    cf_json_t *document = cf_json_parse (body, size, NULL);
    int rc = cf_reading_vector (json_object_get (json_object_get (document, "embedding"), "values"), values);
    json_decref (document);
    return rc;
}

const cf_provider_api_t cf_provider_google = {
    .chat_url = s_chat_url,
    .format = s_format,
    .chat_body = s_chat_body,
    .read = s_read,
    .classify = s_classify,
    .retry_after_ms = s_retry_after_ms,
    .embed_url = s_embed_url,
    .embed_body = s_embed_body,
    .read_embedding = s_read_embedding
};
