/* SPDX-License-Identifier: MPL-2.0 */
/*  openai - streams cut at every place, recorded answers, requests and errors */

#include "tests/unit/actors/providers/stream.h"

#include <math.h>
#include <string.h>

extern const cf_provider_api_t cf_provider_openai;
static const cf_provider_api_t *const s_api = &cf_provider_openai;

#define CHUNK(delta_, finish_) "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-2024-08-06\"," \
    "\"choices\":[{\"index\":0,\"delta\":" delta_ ",\"finish_reason\":" finish_ "}]}\n\n"
#define USAGE "data: {\"id\":\"c\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3," \
    "\"total_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n"
#define DONE "data: [DONE]\n\n"

static void
s_check (const char *stream, expected_t expected)
{
    stream_check (s_api, stream, expected);
}

START_TEST (reads_a_whole_stream)
{
    s_check (CHUNK ("{\"role\":\"assistant\",\"content\":\"\"}", "null")
             CHUNK ("{\"content\":\"{\\\"a\\\": \\\"\\u017d\\\\n\"}", "null") ": ping\n\n"
             CHUNK ("{\"content\":\"\xF0\x9F\x90\x8E\\\"}\"}", "null") CHUNK ("{}", "\"stop\"") USAGE DONE,
             (expected_t) { "{\"a\": \"\xC5\xBD\\n\xF0\x9F\x90\x8E\"}", CF_READING_STOP, true, true, 7, 3, CF_FAILURE_NONE });
}
END_TEST

START_TEST (takes_a_missing_end_marker_and_usage)
{
    s_check (CHUNK ("{\"content\":\"{}\"}", "null") CHUNK ("{}", "\"stop\""),
             (expected_t) { "{}", CF_READING_STOP, false, false, 0, 0, CF_FAILURE_NONE });
    s_check (CHUNK ("{\"content\":\"{}\"}", "\"stop\"") "data: {\"choices\":null,\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n" DONE,
             (expected_t) { "{}", CF_READING_STOP, true, true, 7, 3, CF_FAILURE_NONE });
    s_check (CHUNK ("{\"content\":\"{}\"}", "\"stop\"") "data: {\"choices\":[],\"usage\":null}\n\n" DONE,
             (expected_t) { "{}", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (never_takes_an_early_end_for_success)
{
    s_check ("", (expected_t) { "", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    s_check (CHUNK ("{\"content\":\"{}\"}", "null"),
             (expected_t) { "{}", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    s_check (CHUNK ("{\"content\":\"{}\"}", "null") DONE,
             (expected_t) { "{}", CF_READING_OPEN, true, false, 0, 0, CF_FAILURE_CUT });
    s_check (CHUNK ("{\"content\":\"{\"}", "null") "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n",
             (expected_t) { "{", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    s_check (CHUNK ("{\"content\":\"{\"}", "null") "data: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n",
             (expected_t) { "{", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_QUOTA });
    s_check (CHUNK ("{\"content\":\"{}\"}", "\"tool_calls\"") DONE,
             (expected_t) { "{}", CF_READING_OTHER, true, false, 0, 0, CF_FAILURE_GARBLED });
}
END_TEST

START_TEST (what_breaks_after_the_end_does_not_matter)
{
    static const char unstructured [] = CHUNK ("{\"content\":\"plain words\"}", "\"stop\"") "data: {\"choices\":[],\"usage\":{\"prompt\n\n";
    cf_reading_t reading;
    s_check (CHUNK ("{\"content\":\"{}\"}", "\"stop\"") "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n",
             (expected_t) { "{}", CF_READING_STOP, false, false, 0, 0, CF_FAILURE_NONE });
    s_check (CHUNK ("{\"content\":\"{\"}", "\"length\"") "data: {\"cho\n\n" USAGE,
             (expected_t) { "{", CF_READING_LENGTH, false, true, 7, 3, CF_FAILURE_NONE });
    stream_read (s_api, &reading, unstructured, strlen (unstructured), 0, 11);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, false), CF_FAILURE_NONE);
    cf_reading_free (&reading);
}
END_TEST

START_TEST (tells_cut_off_and_refused_apart)
{
    s_check (CHUNK ("{\"content\":\"{\"}", "null") CHUNK ("{}", "\"length\"") USAGE DONE,
             (expected_t) { "{", CF_READING_LENGTH, true, true, 7, 3, CF_FAILURE_NONE });
    s_check (CHUNK ("{\"content\":\"{\"}", "null") CHUNK ("{}", "\"content_filter\"") DONE,
             (expected_t) { "{", CF_READING_REFUSED, true, false, 0, 0, CF_FAILURE_NONE });
    cf_reading_t reading;
    static const char refusal [] = CHUNK ("{\"refusal\":\"I cannot \"}", "null") CHUNK ("{\"refusal\":\"do that.\"}", "\"stop\"") DONE;
    stream_read (s_api, &reading, refusal, strlen (refusal), 0, 11);
    ck_assert_str_eq (reading.refusal.bytes, "I cannot do that.");
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, true), CF_FAILURE_NONE);
    cf_reading_free (&reading);
}
END_TEST

START_TEST (skips_one_bad_line_only_if_the_rest_is_whole)
{
    s_check (CHUNK ("{\"content\":\"{\"}", "null") "data: {\"id\":\"c\",\"cho\n\n" CHUNK ("{\"content\":\"}\"}", "\"stop\"") DONE,
             (expected_t) { "{}", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_NONE });
    s_check (CHUNK ("{\"content\":\"{\"}", "null") "data: nonsense\n\n" CHUNK ("{}", "\"stop\"") DONE,
             (expected_t) { "{", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_GARBLED });
    s_check (CHUNK ("{\"content\":\"{}\"}", "null") "data: 1\n\ndata: [\n\n" CHUNK ("{}", "\"stop\"") DONE,
             (expected_t) { "{}", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_GARBLED });
    s_check (CHUNK ("{\"content\":\"{}\"}", "null") "data: [\n\n" CHUNK ("{}", "\"length\"") DONE,
             (expected_t) { "{}", CF_READING_LENGTH, true, false, 0, 0, CF_FAILURE_GARBLED });
    cf_reading_t reading;
    static const char free_text [] = CHUNK ("{\"content\":\"7\"}", "null") "data: [\n\n" CHUNK ("{}", "\"stop\"");
    stream_read (s_api, &reading, free_text, strlen (free_text), 0, 9);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, false), CF_FAILURE_GARBLED);
    cf_reading_free (&reading);
}
END_TEST

START_TEST (ignores_what_it_does_not_know)
{
    s_check ("data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"},\"finish_reason\":\"stop\"}]}\n\n"
             "data: {\"new\":[{\"x\":{\"choices\":[{\"delta\":{\"content\":\"no\"}}]}}],\"error\":null,\"choices\":"
             "[{\"logprobs\":{\"content\":[{\"token\":\"no\"}]},\"delta\":{\"content\":\"{}\",\"extra\":[1,2.5e3,true,null]},\"finish_reason\":null,\"index\":0}]}\n\n"
             CHUNK ("{\"content\":null}", "\"stop\"") "event: bye\ndata: {}\n\n" DONE,
             (expected_t) { "{}", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (transport_decides_only_what_the_stream_left_open)
{
    cf_reading_t reading;
    cf_reading_init (&reading);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_CONNECT, true), CF_FAILURE_CONNECT);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_TLS, true), CF_FAILURE_CONNECT);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_RESET, true), CF_FAILURE_RESET);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_FIRST_BYTE, true), CF_FAILURE_SILENT);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_STALLED, true), CF_FAILURE_SILENT);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_TOO_LARGE, true), CF_FAILURE_OVERSIZED);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OTHER, true), CF_FAILURE_GARBLED);
    cf_buf_puts (&reading.text, "x");
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_STALLED, true), CF_FAILURE_STALLED);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_CUT, true), CF_FAILURE_CUT);
    reading.end = CF_READING_STOP;
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_CUT, true), CF_FAILURE_NONE);
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_STALLED, true), CF_FAILURE_NONE);
    reading.text.overflowed = true;
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, true), CF_FAILURE_OVERSIZED);
    cf_reading_free (&reading);
}
END_TEST

/* ---- recorded answers ---- */

START_TEST (reads_recorded_streams)
{
    static const char hello [] = "Hello! \xC5\xBDlu\xC5\xA5ou\xC4\x8Dk\xC3\xBD k\xC5\xAF\xC5\x88 \xF0\x9F\x90\x8E says hi from the mock.";
    stream_check_recorded (s_api, "oai-chat-stream", (expected_t) { hello, CF_READING_STOP, true, true, 2, 12, CF_FAILURE_NONE });
    stream_check_recorded (s_api, "sdk-oai-stream", (expected_t) { hello, CF_READING_STOP, true, true, 2, 12, CF_FAILURE_NONE });
    static const char *const broken [] = { "oai-chat-stream-cutms", "sdk-oai-cut" };
    for (size_t at = 0; at < sizeof broken / sizeof broken [0]; at++)
        stream_check_recorded (s_api, broken [at], (expected_t) { "This answer will be cut in the middle of", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    stream_check_recorded (s_api, "oai-chat-tools-stream", (expected_t) { "", CF_READING_OTHER, true, false, 0, 0, CF_FAILURE_GARBLED });
}
END_TEST

START_TEST (classifies_recorded_errors)
{
    stream_check_error (s_api, "oai-chat-429", 429, CF_FAILURE_RATE_LIMITED);
    stream_check_error (s_api, "oai-chat-500", 500, CF_FAILURE_SERVER);
    stream_check_error (s_api, "oai-embed-b64", 503, CF_FAILURE_SERVER);
}
END_TEST

/* ---- errors ---- */

START_TEST (classifies_errors_by_code_before_status)
{
    stream_check_body (s_api, 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", CF_FAILURE_RATE_LIMITED, false);
    stream_check_body (s_api, 429, "{\"error\":{\"type\":\"insufficient_quota\",\"code\":null}}", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 402, "", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 401, "{\"error\":{\"code\":\"invalid_api_key\"}}", CF_FAILURE_KEY, false);
    stream_check_body (s_api, 403, "<html>", CF_FAILURE_KEY, false);
    stream_check_body (s_api, 404, "{\"error\":\"text\"}", CF_FAILURE_NO_MODEL, false);
    stream_check_body (s_api, 400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", CF_FAILURE_TOO_LONG, false);
    stream_check_body (s_api, 400, "{\"error\":{\"code\":\"content_policy_violation\"}}", CF_FAILURE_NONE, true);
    stream_check_body (s_api, 400, "{\"error\":{\"code\":17}}", CF_FAILURE_INVALID, false);
    stream_check_body (s_api, 422, "[]", CF_FAILURE_INVALID, false);
    stream_check_body (s_api, 408, "", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 500, "{", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 529, "", CF_FAILURE_SERVER, false);
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
    cf_provider_ask_t ask = { "gpt-4o", "Be \"brief\".\n", "\xC5\xBD \xFF\x01", format.bytes, 500, 0.25 };
    ck_assert_int_eq (s_api->chat_body (&ask, &body), 0);
    cf_json_t *request = cf_json_parse (body.bytes, body.size, NULL);
    cf_json_t *expected = json_pack ("{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:f, s:b, s:{s:b}, s:i, s:{s:s, s:{s:s, s:b, s:{s:s, s:{s:{s:[s, s]}}, s:[s], s:b}}}}",
        "model", "gpt-4o", "messages", "role", "system", "content", "Be \"brief\".\n", "role", "user", "content", "\xC5\xBD \xEF\xBF\xBD\x01",
        "temperature", 0.25, "stream", 1, "stream_options", "include_usage", 1, "max_completion_tokens", 500,
        "response_format", "type", "json_schema", "json_schema", "name", "thing", "strict", 1, "schema", "type", "object",
        "properties", "a", "type", "string", "null", "required", "a", "additionalProperties", 0);
    ck_assert (request && expected && json_equal (request, expected));
    json_decref (schema);
    json_decref (request);
    json_decref (expected);
    cf_buf_free (&format);
    cf_buf_free (&body);
}
END_TEST

/* ---- embeddings ---- */

/*  An embedding of the numbers 0, 1/1024, 2/1024 …, in one of the two forms. */
static void
s_put_embedding (cf_buf_t *body, bool base64)
{
    static const char letters [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    cf_buf_puts (body, "{\"data\":[{\"index\":0,\"embedding\":");
    uint8_t bytes [CF_PROVIDER_DIMENSIONS * 4];
    for (size_t at = 0; at < CF_PROVIDER_DIMENSIONS; at++) {
        float number = (float) at / 1024;
        memcpy (bytes + 4 * at, &number, 4);
        if (!base64)
            cf_buf_printf (body, "%c%.9g", at? ',': '[', (double) number);
    }
    for (size_t at = 0; base64 && at < sizeof bytes; at += 3) {
        uint32_t bits = (uint32_t) bytes [at] << 16 | (uint32_t) bytes [at + 1] << 8 | bytes [at + 2];
        cf_buf_printf (body, "%s%c%c%c%c", at? "": "\"", letters [bits >> 18], letters [bits >> 12 & 63], letters [bits >> 6 & 63], letters [bits & 63]);
    }
    cf_buf_puts (body, base64? "\"}]}": "]}]}");
}

START_TEST (reads_both_forms_of_an_embedding)
{
    for (int base64 = 0; base64 < 2; base64++) {
        cf_buf_t body;
        float values [CF_PROVIDER_DIMENSIONS];
        cf_buf_init (&body, 100000);
        s_put_embedding (&body, base64);
        ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), 0);
        for (size_t at = 0; at < CF_PROVIDER_DIMENSIONS; at++)
            ck_assert (fabsf (values [at] - (float) at / 1024) < 1e-7f);
        cf_buf_free (&body);
    }
}
END_TEST

START_TEST (refuses_what_is_no_embedding)
{
    static const char *const bodies [] = {
        "", "{}", "[]", "{\"data\":[]}", "{\"data\":[{\"embedding\":[]}]}", "{\"data\":[{\"embedding\":[1,2]}]}", "{\"data\":[{\"embedding\":\"AAAA\"}]}",
        "{\"data\":[{\"embedding\":\"\"}]}", "{\"data\":[{\"embedding\":null}]}"
    };
    float values [CF_PROVIDER_DIMENSIONS];
    for (size_t at = 0; at < sizeof bodies / sizeof bodies [0]; at++)
        ck_assert_int_eq (s_api->read_embedding (bodies [at], strlen (bodies [at]), values), -1);
    cf_buf_t body;
    cf_buf_init (&body, 100000);
    cf_buf_puts (&body, "{\"data\":[{\"embedding\":\"");
    for (size_t at = 0; at < CF_PROVIDER_DIMENSIONS * 4 / 3; at++)
        cf_buf_puts (&body, "////");                    /* all bits set: not a number */
    cf_buf_puts (&body, "\"}]}");
    ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), -1);
    body.bytes [100] = '*';
    ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), -1);
    cf_buf_reset (&body);
    cf_buf_puts (&body, "{\"data\":[{\"embedding\":[1e300");
    for (size_t at = 1; at < CF_PROVIDER_DIMENSIONS; at++)
        cf_buf_puts (&body, ",0");
    cf_buf_puts (&body, "]}]}");
    ck_assert_int_eq (s_api->read_embedding (body.bytes, body.size, values), -1);
    cf_buf_free (&body);
}
END_TEST

UNIT_MAIN ("openai", reads_a_whole_stream, takes_a_missing_end_marker_and_usage, never_takes_an_early_end_for_success, what_breaks_after_the_end_does_not_matter,
           tells_cut_off_and_refused_apart, skips_one_bad_line_only_if_the_rest_is_whole, ignores_what_it_does_not_know,
           transport_decides_only_what_the_stream_left_open, reads_recorded_streams, classifies_recorded_errors,
           classifies_errors_by_code_before_status, writes_a_request_that_parses_back, reads_both_forms_of_an_embedding,
           refuses_what_is_no_embedding)
