/* SPDX-License-Identifier: MPL-2.0 */
/*  google - streams cut at every place, recorded answers, requests and errors */

#include "tests/unit/actors/providers/stream.h"

extern const cf_provider_api_t cf_provider_google;
static const cf_provider_api_t *const s_api = &cf_provider_google;

#define PIECE(parts_, more_) "data: {\"candidates\":[{\"content\":{\"parts\":[" parts_ "],\"role\":\"model\"}" more_ ",\"index\":0}],"
#define USAGE(prompt_, answer_, thoughts_) "\"usageMetadata\":{\"promptTokenCount\":" prompt_ ",\"candidatesTokenCount\":" answer_ \
    ",\"thoughtsTokenCount\":" thoughts_ ",\"totalTokenCount\":99}}\n\n"
#define TAIL "\"usageMetadata\":{\"promptTokenCount\":7,\"totalTokenCount\":7},\"modelVersion\":\"gemini-1.5-pro-002\",\"responseId\":\"r\"}\n\n"
#define STOP ",\"finishReason\":\"STOP\""

static void
s_check (const char *stream, expected_t expected)
{
    stream_check (s_api, stream, expected);
}

START_TEST (reads_a_whole_stream)
{
    static const char stream [] = PIECE ("{\"text\":\"{\\\"a\\\": \\\"\\u017d\\\\n\"}", "") TAIL ": a comment\n\n"
        PIECE ("{\"text\":\"\xF0\x9F\x90\x8E\"},{\"text\":\"\\\"}\"}", STOP) USAGE ("7", "3", "2");
    s_check (stream, (expected_t) { "{\"a\": \"\xC5\xBD\\n\xF0\x9F\x90\x8E\"}", CF_READING_STOP, false, true, 7, 5, CF_FAILURE_NONE });
    cf_reading_t reading;
    stream_read (s_api, &reading, stream, sizeof stream - 1, 0, 13);
    ck_assert_str_eq (reading.model, "gemini-1.5-pro-002");
    cf_reading_free (&reading);
}
END_TEST

START_TEST (leaves_thoughts_out)
{
    s_check (PIECE ("{\"text\":\"hmm\",\"thought\":true}", "") TAIL PIECE ("{\"thought\":false,\"text\":\"{}\"},{\"thought\":true,\"text\":\"no\"}", STOP) USAGE ("1", "2", "30"),
             (expected_t) { "{}", CF_READING_STOP, false, true, 1, 32, CF_FAILURE_NONE });
}
END_TEST

START_TEST (takes_missing_usage_and_empty_ends)
{
    s_check ("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"{}\"}]},\"finishReason\":null}]}\n\n"
             "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
             (expected_t) { "{}", CF_READING_STOP, false, false, 0, 0, CF_FAILURE_NONE });
    s_check (PIECE ("{\"text\":\"{}\"}", ",\"finishReason\":\"FINISH_REASON_UNSPECIFIED\"") TAIL "data: {\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"STOP\"}]}\n\n",
             (expected_t) { "{}", CF_READING_STOP, false, true, 7, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (never_takes_an_early_end_for_success)
{
    s_check ("", (expected_t) { "", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    s_check (PIECE ("{\"text\":\"{}\"}", "") TAIL, (expected_t) { "{}", CF_READING_OPEN, false, true, 7, 0, CF_FAILURE_CUT });
    s_check (PIECE ("{\"text\":\"{}\"}", ",\"finishReason\":\"OTHER\"") TAIL, (expected_t) { "{}", CF_READING_OTHER, false, true, 7, 0, CF_FAILURE_GARBLED });
    s_check (PIECE ("{\"text\":\"{}\"}", ",\"finishReason\":\"MALFORMED_FUNCTION_CALL\"") TAIL, (expected_t) { "{}", CF_READING_OTHER, false, true, 7, 0, CF_FAILURE_GARBLED });
}
END_TEST

START_TEST (reads_errors_within_the_stream)
{
    static const struct { const char *event; cf_failure_class_t early, late; } cases [] = {
        { "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\n\n", CF_FAILURE_SERVER, CF_FAILURE_CUT },
        { "data: [{\"error\":{\"code\":500,\"status\":\"INTERNAL\"}}]\n\n", CF_FAILURE_SERVER, CF_FAILURE_CUT },
        { "data: {\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}\n\n", CF_FAILURE_RATE_LIMITED, CF_FAILURE_CUT },
        { "data: {\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\"}}\n\n", CF_FAILURE_CUT, CF_FAILURE_CUT },
        { "data: {\"error\":{\"code\":503}}\n\n", CF_FAILURE_SERVER, CF_FAILURE_CUT },
        { "data: {\"error\":\"text\"}\n\n", CF_FAILURE_CUT, CF_FAILURE_CUT }
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        char stream [1000];
        s_check (cases [at].event, (expected_t) { "", CF_READING_OPEN, false, false, 0, 0, cases [at].early });
        snprintf (stream, sizeof stream, "%s%s", PIECE ("{\"text\":\"{\"}", "") TAIL, cases [at].event);
        s_check (stream, (expected_t) { "{", CF_READING_OPEN, false, true, 7, 0, cases [at].late });
    }
}
END_TEST

static void
s_check_refusal (const char *stream, const char *reason)
{
    cf_reading_t reading;
    for (size_t piece = 1; piece < 60; piece++) {
        stream_read (s_api, &reading, stream, strlen (stream), 0, piece);
        ck_assert_int_eq (reading.end, CF_READING_REFUSED);
        ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, true), CF_FAILURE_NONE);
        ck_assert_msg (strstr (reading.refusal.bytes, reason), "%s", reading.refusal.bytes);
        cf_reading_free (&reading);
    }
}

START_TEST (tells_cut_off_and_refused_apart)
{
    static const char *const reasons [] = { "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII" };
    s_check (PIECE ("{\"text\":\"{\"}", ",\"finishReason\":\"MAX_TOKENS\"") USAGE ("7", "3", "0"),
             (expected_t) { "{", CF_READING_LENGTH, false, true, 7, 3, CF_FAILURE_NONE });
    for (size_t at = 0; at < sizeof reasons / sizeof reasons [0]; at++) {
        char stream [1000];
        snprintf (stream, sizeof stream, "data: {\"candidates\":[{\"finishReason\":\"%s\",\"index\":0}]}\n\n", reasons [at]);
        s_check_refusal (stream, reasons [at]);
    }
    s_check_refusal ("data: {\"candidates\":[{\"finishReason\":\"SAFETY\",\"finishMessage\":\"In \\\"words\\\".\"}]}\n\n", "In \"words\".");
    s_check_refusal ("data: {\"promptFeedback\":{\"safetyRatings\":[],\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMetadata\":{\"promptTokenCount\":3}}\n\n",
                     "PROHIBITED_CONTENT");
    s_check_refusal ("data: {\"promptFeedback\":{\"blockReason\":\"OTHER\",\"blockReasonMessage\":\"No.\"}}\n\n", "No.");
}
END_TEST

START_TEST (skips_one_bad_line_only_if_the_rest_is_whole)
{
    s_check (PIECE ("{\"text\":\"{\"}", "") TAIL "data: {\"candidates\":[{\"con\n\n" PIECE ("{\"text\":\"}\"}", STOP) USAGE ("7", "3", "0"),
             (expected_t) { "{}", CF_READING_STOP, false, true, 7, 3, CF_FAILURE_NONE });
    s_check (PIECE ("{\"text\":\"{\"}", "") TAIL "data: nonsense\n\n" PIECE ("", STOP) TAIL,
             (expected_t) { "{", CF_READING_STOP, false, true, 7, 0, CF_FAILURE_GARBLED });
    s_check (PIECE ("{\"text\":\"{}\"}", "") TAIL "data: 1\n\ndata: []\n\n" PIECE ("", STOP) TAIL,
             (expected_t) { "{}", CF_READING_STOP, false, true, 7, 0, CF_FAILURE_GARBLED });
    s_check (PIECE ("{\"text\":\"{}\"},{\"text\":\"\\ud800\"}", STOP) TAIL,   /* half a character: that part is left out */
             (expected_t) { "{}", CF_READING_STOP, false, true, 7, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (ignores_what_it_does_not_know)
{
    s_check ("data: {\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"text\":\"no\"}]},\"finishReason\":\"STOP\"}]}\n\n"
             "event: new\ndata: {\"new\":{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"no\"}]}}]},\"error\":null,\"candidates\":"
             "[7,{\"content\":{\"parts\":[7,{\"functionCall\":{\"text\":\"no\"}},{\"text\":\"{}\",\"thoughtSignature\":\"x\"}],\"other\":1},\"citationMetadata\":{}}],"
             "\"promptFeedback\":{\"blockReason\":\"BLOCK_REASON_UNSPECIFIED\"}}\n\n"
             "data: {}\n\n" "data: {\"candidates\":{},\"usageMetadata\":7,\"promptFeedback\":null}\n\n" PIECE ("", STOP) TAIL,
             (expected_t) { "{}", CF_READING_STOP, false, true, 7, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (reads_recorded_streams)
{
    static const char hello [] = "Hello! \xC5\xBDlu\xC5\xA5ou\xC4\x8Dk\xC3\xBD k\xC5\xAF\xC5\x88 \xF0\x9F\x90\x8E says hi from the mock.";
    static const char *const names [] = { "gem-stream-sse", "gem-stream-array", "sdk-gem-stream" };
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++)
        stream_check_recorded (s_api, names [at], (expected_t) { hello, CF_READING_STOP, false, true, 0, 0, CF_FAILURE_NONE });
    stream_check_recorded (s_api, "sdk-gem-cut", (expected_t) { "This answer will be cut in the middle of the stream by the m", CF_READING_OPEN,
                                                                false, false, 0, 0, CF_FAILURE_CUT });
}
END_TEST

START_TEST (classifies_recorded_errors)
{
    stream_check_error (s_api, "gem-429", 429, CF_FAILURE_RATE_LIMITED);
    stream_check_error (s_api, "sdk-gem-429", 429, CF_FAILURE_RATE_LIMITED);
    stream_check_error (s_api, "sdk-gem-500", 500, CF_FAILURE_SERVER);
    stream_check_error (s_api, "gem-batchembed", 404, CF_FAILURE_NO_MODEL);
}
END_TEST

/* ---- errors ---- */

#define QUOTA(id_) "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.Help\"}," \
    "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"" id_ "\"}]}," \
    "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"7.25s\"}]}}"

START_TEST (classifies_errors_by_status_name_before_status)
{
    stream_check_body (s_api, 429, QUOTA ("GenerateRequestsPerMinutePerProjectPerModel"), CF_FAILURE_RATE_LIMITED, false);
    stream_check_body (s_api, 429, QUOTA ("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 429, "[" QUOTA ("GenerateContentInputTokensPerDay") "]", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 429, "", CF_FAILURE_RATE_LIMITED, false);
    stream_check_body (s_api, 400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}", CF_FAILURE_KEY, false);
    stream_check_body (s_api, 400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"The input token count (9) exceeds the maximum\"}}", CF_FAILURE_TOO_LONG, false);
    stream_check_body (s_api, 400, "[{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"x\"}}]", CF_FAILURE_INVALID, false);
    stream_check_body (s_api, 400, "{\"error\":{\"status\":\"FAILED_PRECONDITION\"}}", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 401, "{\"error\":{\"status\":\"UNAUTHENTICATED\"}}", CF_FAILURE_KEY, false);
    stream_check_body (s_api, 403, "<html>", CF_FAILURE_KEY, false);
    stream_check_body (s_api, 404, "{\"error\":{\"code\":404,\"message\":\"models/x is not found\",\"status\":\"NOT_FOUND\"}}", CF_FAILURE_NO_MODEL, false);
    stream_check_body (s_api, 500, "{\"error\":{\"status\":\"INTERNAL\"}}", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 503, "[]", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 504, "{\"error\":{\"status\":\"DEADLINE_EXCEEDED\"}}", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 418, "{\"error\":[]}", CF_FAILURE_INVALID, false);
}
END_TEST

static uint32_t
s_wait_ms (const char *body)
{
    return s_api->retry_after_ms (body, strlen (body));
}

START_TEST (reads_how_long_to_wait)
{
    ck_assert_uint_eq (s_wait_ms (QUOTA ("PerMinute")), 7250);
    ck_assert_uint_eq (s_wait_ms ("[" QUOTA ("PerMinute") "]"), 7250);
    ck_assert_uint_eq (s_wait_ms ("{\"error\":{\"details\":[{\"retryDelay\":\"1e30s\"}]}}"), 86400000);
    static const char *const none [] = { "", "[]", "{}", "{\"error\":{\"details\":[{\"retryDelay\":7}]}}", "{\"error\":{\"details\":[{\"retryDelay\":\"7\"}]}}",
        "{\"error\":{\"details\":[{\"retryDelay\":\"-7s\"}]}}", "{\"error\":{\"details\":[{\"retryDelay\":\"s\"}]}}", "{\"error\":{\"details\":[{\"retryDelay\":\"nans\"}]}}" };
    for (size_t at = 0; at < sizeof none / sizeof none [0]; at++)
        ck_assert_msg (s_wait_ms (none [at]) == 0, "%s", none [at]);
}
END_TEST

/* ---- requests ---- */

START_TEST (writes_a_request_that_parses_back)
{
    cf_buf_t format, body;
    cf_buf_init (&format, 10000);
    cf_buf_init (&body, 10000);
    cf_json_t *schema = json_pack ("{s:s, s:{s:{s:s, s:i}}}", "type", "object", "properties", "a", "type", "string", "minLength", 3);
    ck_assert_int_eq (s_api->format ("thing", schema, &format, NULL), 0);
    cf_provider_ask_t ask = { "gemini-1.5-pro", "Be \"brief\".\n", "\xC5\xBD \xFF\x01", format.bytes, 500, 0.25 };
    ck_assert_int_eq (s_api->chat_body (&ask, &body), 0);
    cf_json_t *request = cf_json_parse (body.bytes, body.size, NULL);
    cf_json_t *expected = json_pack ("{s:{s:[{s:s}]}, s:[{s:s, s:[{s:s}]}], s:{s:f, s:i, s:s, s:{s:s, s:s, s:{s:{s:s}}, s:[], s:b}}}",
        "systemInstruction", "parts", "text", "Be \"brief\".\n", "contents", "role", "user", "parts", "text", "\xC5\xBD \xEF\xBF\xBD\x01",
        "generationConfig", "temperature", 0.25, "maxOutputTokens", 500, "responseMimeType", "application/json", "responseJsonSchema",
        "type", "object", "title", "thing", "properties", "a", "type", "string", "required", "additionalProperties", 0);
    ck_assert_msg (request && expected && json_equal (request, expected), "%s", body.bytes);
    json_decref (schema);
    json_decref (request);
    json_decref (expected);
    cf_buf_free (&format);
    cf_buf_free (&body);
}
END_TEST

START_TEST (puts_the_model_into_the_address)
{
    static const struct { const char *model, *url; } cases [] = {
        { "gemini-1.5-pro", "http://h/v1beta/models/gemini-1.5-pro:streamGenerateContent?alt=sse" },
        { "tunedModels/mine", "http://h/v1beta/tunedModels/mine:streamGenerateContent?alt=sse" },
        { "gemini?x=1", NULL }, { "../x", NULL }, { "a b", NULL }, { "a\nb", NULL }, { "a:b", NULL }
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        cf_buf_t url;
        cf_buf_init (&url, 1000);
        int rc = s_api->chat_url ("http://h/v1beta", cases [at].model, &url);
        ck_assert_int_eq (rc, cases [at].url? 0: -1);
        if (cases [at].url)
            ck_assert_str_eq (url.bytes, cases [at].url);
        cf_buf_free (&url);
    }
}
END_TEST

START_TEST (asks_for_and_reads_embeddings)
{
    cf_buf_t url, body;
    float values [CF_PROVIDER_DIMENSIONS];
    cf_buf_init (&url, 1000);
    cf_buf_init (&body, 100000);
    s_api->embed_url ("http://h/v1beta", "e", &url);
    ck_assert_str_eq (url.bytes, "http://h/v1beta/models/e:embedContent");
    s_api->embed_body ("e", "A \"text\"", &body);
    ck_assert_str_eq (body.bytes, "{\"content\":{\"parts\":[{\"text\":\"A \\\"text\\\"\"}]},\"outputDimensionality\":1536}");
    cf_buf_reset (&body);
    cf_buf_puts (&body, "{\"embedding\":{\"values\":[0.5");
    for (size_t at = 1; at < CF_PROVIDER_DIMENSIONS; at++)
        cf_buf_puts (&body, ",-1e-3");
    ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), -1);
    cf_buf_puts (&body, "]}}");
    ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), 0);
    ck_assert (values [0] > 0.4999f && values [1] < -0.0009f && values [CF_PROVIDER_DIMENSIONS - 1] < -0.0009f);
    static const char *const bodies [] = { "", "{}", "{\"embedding\":{\"values\":[1,2]}}", "{\"embedding\":[]}" };
    for (size_t at = 0; at < sizeof bodies / sizeof bodies [0]; at++)
        ck_assert_int_eq (s_api->read_embedding (bodies [at], strlen (bodies [at]), values), -1);
    cf_buf_free (&url);
    cf_buf_free (&body);
}
END_TEST

UNIT_MAIN ("google", reads_a_whole_stream, leaves_thoughts_out, takes_missing_usage_and_empty_ends, never_takes_an_early_end_for_success,
           reads_errors_within_the_stream, tells_cut_off_and_refused_apart, skips_one_bad_line_only_if_the_rest_is_whole,
           ignores_what_it_does_not_know, reads_recorded_streams, classifies_recorded_errors,
           classifies_errors_by_status_name_before_status, reads_how_long_to_wait, writes_a_request_that_parses_back,
           puts_the_model_into_the_address, asks_for_and_reads_embeddings)
