/* SPDX-License-Identifier: MPL-2.0 */
/*  anthropic - streams cut at every place, recorded answers, requests and errors */

#include "tests/unit/actors/providers/stream.h"

extern const cf_provider_api_t cf_provider_anthropic;
static const cf_provider_api_t *const s_api = &cf_provider_anthropic;

#define EVENT(type_, more_) "event: " type_ "\ndata: {\"type\":\"" type_ "\"" more_ "}\n\n"
#define START EVENT ("message_start", ",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"claude-3-5-sonnet-20241022\"," \
    "\"stop_reason\":null,\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":20,\"cache_read_input_tokens\":300,\"output_tokens\":1}}") \
    EVENT ("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
#define DELTA(text_) EVENT ("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text_ "\"}")
#define PING EVENT ("ping", "")
#define REASON(reason_) EVENT ("content_block_stop", ",\"index\":0") \
    EVENT ("message_delta", ",\"delta\":{\"stop_reason\":\"" reason_ "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":42}")
#define STOP EVENT ("message_stop", "")

static void
s_check (const char *stream, expected_t expected)
{
    stream_check (s_api, stream, expected);
}

START_TEST (reads_a_whole_stream)
{
    static const char stream [] = START PING DELTA ("{\\\"a\\\": \\\"\\u017d\\\\n") ": a comment\n\n" DELTA ("\xF0\x9F\x90\x8E\\\"}") REASON ("end_turn") STOP;
    s_check (stream, (expected_t) { "{\"a\": \"\xC5\xBD\\n\xF0\x9F\x90\x8E\"}", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_NONE });
    cf_reading_t reading;
    stream_read (s_api, &reading, stream, sizeof stream - 1, 0, 13);
    ck_assert_str_eq (reading.model, "claude-3-5-sonnet-20241022");
    cf_reading_free (&reading);
}
END_TEST

START_TEST (takes_a_missing_end_marker_and_usage)
{
    s_check (START DELTA ("{}") REASON ("stop_sequence"), (expected_t) { "{}", CF_READING_STOP, false, true, 325, 42, CF_FAILURE_NONE });
    s_check (DELTA ("{}") EVENT ("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"}") STOP,
             (expected_t) { "{}", CF_READING_STOP, true, false, 0, 0, CF_FAILURE_NONE });
}
END_TEST

START_TEST (takes_the_last_counts)
{
    s_check (START DELTA ("{}") EVENT ("message_delta", ",\"usage\":{\"input_tokens\":9,\"cache_creation_input_tokens\":null,\"cache_read_input_tokens\":1,"
             "\"output_tokens\":8},\"delta\":{\"stop_reason\":\"end_turn\"}") STOP, (expected_t) { "{}", CF_READING_STOP, true, true, 10, 8, CF_FAILURE_NONE });
    s_check (START DELTA ("{}") EVENT ("message_delta", ",\"usage\":{\"input_tokens\":4294967295,\"cache_read_input_tokens\":4294967295,\"output_tokens\":-8},"
             "\"delta\":{\"stop_reason\":\"end_turn\"}") STOP, (expected_t) { "{}", CF_READING_STOP, true, true, UINT32_MAX, 1, CF_FAILURE_NONE });
}
END_TEST

START_TEST (never_takes_an_early_end_for_success)
{
    s_check ("", (expected_t) { "", CF_READING_OPEN, false, false, 0, 0, CF_FAILURE_CUT });
    s_check (START DELTA ("{}"), (expected_t) { "{}", CF_READING_OPEN, false, true, 325, 1, CF_FAILURE_CUT });
    s_check (START DELTA ("{}") STOP, (expected_t) { "{}", CF_READING_OPEN, true, true, 325, 1, CF_FAILURE_CUT });
    s_check (START DELTA ("{}") REASON ("tool_use") STOP, (expected_t) { "{}", CF_READING_OTHER, true, true, 325, 42, CF_FAILURE_GARBLED });
    s_check (START DELTA ("{}") REASON ("pause_turn") STOP, (expected_t) { "{}", CF_READING_OTHER, true, true, 325, 42, CF_FAILURE_GARBLED });
}
END_TEST

START_TEST (reads_errors_within_the_stream)
{
    static const struct { const char *error; cf_failure_class_t early, late; } cases [] = {
        { "{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}", CF_FAILURE_SERVER, CF_FAILURE_CUT },
        { "{\"type\":\"api_error\"}", CF_FAILURE_SERVER, CF_FAILURE_CUT },
        { "{\"type\":\"rate_limit_error\"}", CF_FAILURE_RATE_LIMITED, CF_FAILURE_CUT },
        { "{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}", CF_FAILURE_QUOTA, CF_FAILURE_QUOTA },
        { "{\"type\":\"invalid_request_error\",\"message\":\"x\"}", CF_FAILURE_CUT, CF_FAILURE_CUT },
        { "{\"type\":\"new_error\"}", CF_FAILURE_CUT, CF_FAILURE_CUT },
        { "7", CF_FAILURE_CUT, CF_FAILURE_CUT }
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        char stream [2000];
        for (int begun = 0; begun < 2; begun++) {
            snprintf (stream, sizeof stream, "%sevent: error\ndata: {\"type\":\"error\",\"error\":%s,\"request_id\":null}\n\n",
                      begun? START DELTA ("{"): START, cases [at].error);
            s_check (stream, (expected_t) { begun? "{": "", CF_READING_OPEN, false, true, 325, 1, begun? cases [at].late: cases [at].early });
        }
    }
}
END_TEST

START_TEST (tells_cut_off_and_refused_apart)
{
    s_check (START DELTA ("{") REASON ("max_tokens") STOP, (expected_t) { "{", CF_READING_LENGTH, true, true, 325, 42, CF_FAILURE_NONE });
    s_check (START DELTA ("{") REASON ("model_context_window_exceeded") STOP, (expected_t) { "{", CF_READING_LENGTH, true, true, 325, 42, CF_FAILURE_NONE });
    s_check (START DELTA ("I") REASON ("refusal") STOP, (expected_t) { "I", CF_READING_REFUSED, true, true, 325, 42, CF_FAILURE_NONE });
    cf_reading_t reading;
    static const char refusal [] = EVENT ("message_delta", ",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{\"type\":\"refusal\",\"explanation\":\"I cannot.\"}}") STOP;
    stream_read (s_api, &reading, refusal, sizeof refusal - 1, 0, 11);
    ck_assert_str_eq (reading.refusal.bytes, "I cannot.");
    ck_assert_int_eq (cf_attempt_judge (&reading, CF_HTTP_OK, true), CF_FAILURE_NONE);
    cf_reading_free (&reading);
}
END_TEST

START_TEST (skips_one_bad_line_only_if_the_rest_is_whole)
{
    s_check (START DELTA ("{") "event: content_block_delta\ndata: {\"type\":\"content_bl\n\n" DELTA ("}") REASON ("end_turn") STOP,
             (expected_t) { "{}", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_NONE });
    s_check (START DELTA ("{") "data: nonsense\n\n" REASON ("end_turn") STOP, (expected_t) { "{", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_GARBLED });
    s_check (START DELTA ("{}") "data: 1\n\ndata: [\n\n" REASON ("end_turn") STOP, (expected_t) { "{}", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_GARBLED });
    s_check (START DELTA ("{") DELTA ("\\ud800") DELTA ("}") REASON ("end_turn") STOP, (expected_t) { "{}", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_NONE });
}
END_TEST

START_TEST (ignores_what_it_does_not_know)
{
    s_check (START EVENT ("new_event", ",\"delta\":{\"type\":\"text_delta\",\"text\":\"no\",\"stop_reason\":\"end_turn\"}")
             "data: {\"delta\":{\"type\":\"text_delta\",\"text\":\"{\",\"more\":[{\"text\":\"no\"}]},\"index\":0,\"type\":\"content_block_delta\"}\n\n"
             EVENT ("content_block_delta", ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"no\",\"text\":\"no\"}")
             EVENT ("content_block_delta", ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"no\"}")
             EVENT ("content_block_delta", ",\"delta\":{\"type\":\"text_delta\"}") EVENT ("content_block_delta", ",\"delta\":[]") EVENT ("content_block_delta", "")
             EVENT ("content_block_start", ",\"content_block\":{\"type\":\"text\",\"text\":\"}\"}") EVENT ("message_start", ",\"message\":null")
             EVENT ("message_delta", ",\"delta\":{\"stop_reason\":null},\"usage\":null") "data: {}\n\n" REASON ("end_turn") STOP,
             (expected_t) { "{}", CF_READING_STOP, true, true, 325, 42, CF_FAILURE_NONE });
}
END_TEST

START_TEST (reads_recorded_streams)
{
    static const char hello [] = "Hello! \xC5\xBDlu\xC5\xA5ou\xC4\x8Dk\xC3\xBD k\xC5\xAF\xC5\x88 \xF0\x9F\x90\x8E says hi from the mock.";
    stream_check_recorded (s_api, "ant-msg-stream", (expected_t) { hello, CF_READING_STOP, true, true, 0, 0, CF_FAILURE_NONE });
    stream_check_recorded (s_api, "sdk-ant-stream", (expected_t) { hello, CF_READING_STOP, true, true, 0, 0, CF_FAILURE_NONE });
    stream_check_recorded (s_api, "ant-msg-tools-stream", (expected_t) { "", CF_READING_OTHER, true, true, 0, 0, CF_FAILURE_GARBLED });
    stream_check_recorded (s_api, "sdk-ant-streamhelper-tool", (expected_t) { "", CF_READING_OTHER, true, true, 0, 0, CF_FAILURE_GARBLED });
    stream_check_recorded (s_api, "sdk-ant-cut", (expected_t) { "This answer will be ", CF_READING_OPEN, false, true, 0, 0, CF_FAILURE_CUT });
}
END_TEST

START_TEST (classifies_recorded_errors)
{
    stream_check_error (s_api, "ant-429", 429, CF_FAILURE_RATE_LIMITED);
    stream_check_error (s_api, "ant-529", 529, CF_FAILURE_SERVER);
    stream_check_error (s_api, "sdk-ant-429", 429, CF_FAILURE_RATE_LIMITED);
    stream_check_error (s_api, "sdk-ant-529", 529, CF_FAILURE_SERVER);
}
END_TEST

/* ---- errors ---- */

#define ERROR(type_, more_) "{\"type\":\"error\",\"error\":{\"type\":\"" type_ "\",\"message\":\"x\"" more_ "},\"request_id\":\"r\"}"

START_TEST (classifies_errors)
{
    stream_check_body (s_api, 401, ERROR ("authentication_error", ""), CF_FAILURE_KEY, false);
    stream_check_body (s_api, 402, ERROR ("billing_error", ""), CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 402, "", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 403, ERROR ("permission_error", ""), CF_FAILURE_KEY, false);
    stream_check_body (s_api, 404, ERROR ("not_found_error", ""), CF_FAILURE_NO_MODEL, false);
    stream_check_body (s_api, 413, ERROR ("request_too_large", ""), CF_FAILURE_TOO_LONG, false);
    stream_check_body (s_api, 429, ERROR ("rate_limit_error", ""), CF_FAILURE_RATE_LIMITED, false);
    stream_check_body (s_api, 429, ERROR ("rate_limit_error", ",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}"), CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 500, ERROR ("api_error", ""), CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 504, ERROR ("timeout_error", ""), CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 529, ERROR ("overloaded_error", ""), CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 529, "<html>", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 408, "", CF_FAILURE_SERVER, false);
    stream_check_body (s_api, 400, ERROR ("invalid_request_error", ""), CF_FAILURE_INVALID, false);
    stream_check_body (s_api, 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 3 tokens > 2 maximum\"}}", CF_FAILURE_TOO_LONG, false);
    stream_check_body (s_api, 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and `max_tokens` exceed context limit\"}}",
                       CF_FAILURE_TOO_LONG, false);
    stream_check_body (s_api, 400, "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low\"}}", CF_FAILURE_QUOTA, false);
    stream_check_body (s_api, 400, "[]", CF_FAILURE_INVALID, false);
}
END_TEST

/* ---- requests ---- */

static void
s_check_request (bool sampled, double temperature, double expected_temperature)
{
    cf_buf_t format, body;
    cf_buf_init (&format, 10000);
    cf_buf_init (&body, 10000);
    cf_json_t *schema = json_pack ("{s:s, s:{s:{s:s, s:i}}}", "type", "object", "properties", "a", "type", "string", "minLength", 3);
    ck_assert_int_eq (s_api->format ("thing", schema, &format, NULL), 0);
    cf_provider_ask_t ask = { "claude", "Be \"brief\".\n", "\xC5\xBD \xFF\x01", format.bytes, 500, temperature };
    ck_assert_int_eq (s_api->chat_body (&ask, &body), 0);
    cf_json_t *request = cf_json_parse (body.bytes, body.size, NULL);
    cf_json_t *expected = json_pack ("{s:s, s:i, s:b, s:s, s:[{s:s, s:s}], s:{s:{s:s, s:{s:s, s:s, s:{s:{s:s}}, s:[], s:b}}}}",
        "model", "claude", "max_tokens", 500, "stream", 1, "system", "Be \"brief\".\n", "messages", "role", "user", "content", "\xC5\xBD \xEF\xBF\xBD\x01",
        "output_config", "format", "type", "json_schema", "schema", "type", "object", "title", "thing", "properties", "a", "type", "string",
        "required", "additionalProperties", 0);
    if (sampled) {
        double sent = cf_json_real (request, "temperature", -1);
        ck_assert (sent > expected_temperature - 1e-9 && sent < expected_temperature + 1e-9);
        json_object_del (request, "temperature");
    }
    ck_assert_msg (request && expected && json_equal (request, expected), "%s", body.bytes);
    json_decref (schema);
    json_decref (request);
    json_decref (expected);
    cf_buf_free (&format);
    cf_buf_free (&body);
}

START_TEST (writes_a_request_that_parses_back)
{
    cf_config_load_or_exit ();
    s_check_request (true, 0.25, 0.25);
    s_check_request (true, 1.5, 1);     /* the most that it takes */
}
END_TEST

START_TEST (sends_no_temperature_where_the_version_refuses_it)
{
    setenv ("ANTHROPIC_VERSION", "2026-10-21", 1);
    cf_config_load_or_exit ();
    s_check_request (false, 0.25, 0);
}
END_TEST

START_TEST (always_bounds_the_answer)
{
    cf_config_load_or_exit ();
    cf_buf_t body;
    cf_buf_init (&body, 1000);
    cf_provider_ask_t ask = { "claude", "", "x", "", 0, 0 };
    ck_assert_int_eq (s_api->chat_body (&ask, &body), 0);
    ck_assert_str_eq (body.bytes, "{\"model\":\"claude\",\"max_tokens\":4096,\"stream\":true,\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    cf_buf_free (&body);
}
END_TEST

UNIT_MAIN ("anthropic", reads_a_whole_stream, takes_a_missing_end_marker_and_usage, takes_the_last_counts, never_takes_an_early_end_for_success,
           reads_errors_within_the_stream, tells_cut_off_and_refused_apart, skips_one_bad_line_only_if_the_rest_is_whole,
           ignores_what_it_does_not_know, reads_recorded_streams, classifies_recorded_errors, classifies_errors,
           writes_a_request_that_parses_back, sends_no_temperature_where_the_version_refuses_it, always_bounds_the_answer)
