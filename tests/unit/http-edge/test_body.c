/* SPDX-License-Identifier: MPL-2.0 */
/*  body - media types, schemas of the routes, the rules of input_context */

#include "http-edge/body.h"
#include "http-edge/input.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#define PROJECT "\"project_id\":\"2f0e8a52-5f0c-4b1e-9c7d-3a4b5c6d7e8f\""
#define AGENT "{" PROJECT ",\"agent_type\":\"research\",\"input_context\":"

static const cf_route_t *
s_route (const char *path)
{
    static bool loaded;
    cf_error_t error = { 0 };
    cf_match_t match;
    if (!loaded)
        ck_assert_msg (cf_body_load_schemas (&error) == 0, "%s", error.text);
    loaded = true;
    cf_route_match ("POST", 4, path, strlen (path), &match);
    ck_assert_ptr_nonnull (match.route);
    return match.route;
}

/*  "field type, field type", or "" where the body is right. */
static const char *
s_faults (const char *path, const char *body, size_t size)
{
    static char text [4096];
    cf_json_t *document = NULL, *fault;
    cf_json_t *details = cf_body_check (s_route (path), body, size, &document);
    size_t at;
    *text = 0;
    ck_assert ((details == NULL) == (document != NULL));
    json_array_foreach (json_object_get (details, "errors"), at, fault) {
        strcat (text, at? ", ": "");
        strcat (text, cf_json_str (fault, "field", "?"));
        strcat (text, " ");
        strcat (text, cf_json_str (fault, "type", "?"));
        ck_assert_ptr_nonnull (json_object_get (fault, "message"));
    }
    json_decref (details);
    json_decref (document);
    return text;
}

static void
s_expect (const char *path, const char *body, const char *faults)
{
    const char *found = s_faults (path, body, strlen (body));
    ck_assert_msg (strcmp (found, faults) == 0, "%s\n%s\n%s", body, found, faults);
}

START_TEST (knows_json_types)
{
    static const char *const right [] = { "application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"",
        "application/problem+json", "application/json ; x=y" };
    static const char *const wrong [] = { "text/plain", "application/jsonx", "application/json; charset=latin1", "", "json",
        "application/x-www-form-urlencoded", "text/json", "application/+jso" };
    for (size_t at = 0; at < sizeof right / sizeof right [0]; at++)
        ck_assert_msg (cf_body_is_json (h2o_iovec_init (right [at], strlen (right [at])), h2o_iovec_init (NULL, 0)), "%s", right [at]);
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (!cf_body_is_json (h2o_iovec_init (wrong [at], strlen (wrong [at])), h2o_iovec_init (NULL, 0)), "%s", wrong [at]);
    ck_assert (!cf_body_is_json (h2o_iovec_init (H2O_STRLIT ("application/json")), h2o_iovec_init (H2O_STRLIT ("gzip"))));
}
END_TEST

START_TEST (lists_every_fault)
{
    s_expect ("/v1/run-agent", AGENT "{}}", "");
    s_expect ("/v1/run-agent", "{" PROJECT ",\"agent_type\":\"qa\"}", "");
    s_expect ("/v1/run-agent", "{" PROJECT ",\"agent_type\":\"qa\",\"input_context\":null}", "");
    s_expect ("/v1/run-agent", "{\"project_id\":1,\"agent_type\":\"builder\",\"more\":1}",
              "more unknown_field, project_id wrong_type, agent_type not_allowed");
    s_expect ("/v1/run-agent", "{}", "project_id missing, agent_type missing");
    s_expect ("/v1/run-agent", "{\"project_id\":\"x\",\"agent_type\":\"pipeline\"}", "project_id format, agent_type not_allowed");
    s_expect ("/v1/run-agent", "[]", " wrong_type");
    s_expect ("/v1/run-agent", "", " json_invalid");
    s_expect ("/v1/run-agent", "{\"a\":1,\"a\":2}", " json_invalid");
    s_expect ("/v1/run-agent", "{} x", " json_invalid");
    s_expect ("/v1/run-pipeline", "{" PROJECT ",\"input_context\":{}}", "input_context.user_idea missing");
    s_expect ("/v1/run-pipeline", "{" PROJECT ",\"input_context\":{\"user_idea\":\"x\",\"more\":[1]},\"agent_type\":\"any\"}", "");
    s_expect ("/v1/projects/", "{\"title\":\"   ab  \"}", "title too_short");
    s_expect ("/v1/projects/", "{\"title\":\" abc \",\"description\":null}", "");
    s_expect ("/v1/clarify", "{\"job_id\":\"x\",\"answers\":[]}", "job_id format, answers too_few");
    s_expect ("/v1/jobs/x/cancel", "{\"why\":1}", "why unknown_field");
}
END_TEST

START_TEST (opens_only_agents_that_exist)
{
    static const char *const names [] = { "research", "wireframe", "code", "qa", "pedagogy", "roadmap" };
    char body [256];
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        snprintf (body, sizeof body, "{" PROJECT ",\"agent_type\":\"%s\"}", names [at]);
        s_expect ("/v1/run-agent", body, cf_message_actor_named (names [at])? "": "agent_type not_allowed");
    }
}
END_TEST

START_TEST (knows_the_limits_of_input)
{
    static char body [200000], text [60000];
    memset (text, 'x', sizeof text);
    snprintf (body, sizeof body, AGENT "{\"a\":\"%.*s\"}}", 50000 - 8, text);
    s_expect ("/v1/run-agent", body, "");
    snprintf (body, sizeof body, AGENT "{\"a\":\"%.*s\"}}", 50000 - 7, text);
    s_expect ("/v1/run-agent", body, "input_context too_long");
    snprintf (body, sizeof body, AGENT "{\"%.*s\":1}}", 100, text);
    s_expect ("/v1/run-agent", body, "");
    snprintf (body, sizeof body, AGENT "{\"a\":[{\"%.*s\":1}]}}", 101, text);
    s_expect ("/v1/run-agent", body, "input_context too_long");
    s_expect ("/v1/run-agent", AGENT "{\"a\":{\"b\":{\"c\":{\"d\":1}}}}}", "");
    s_expect ("/v1/run-agent", AGENT "{\"a\":[[[[]]]]}}", "");
    s_expect ("/v1/run-agent", AGENT "{\"a\":[[[[[]]]]]}}", "input_context too_many");
    s_expect ("/v1/run-agent", AGENT "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1}}", "");
    s_expect ("/v1/run-agent", AGENT "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":[[[[[]]]]]}}",
              "input_context too_many, input_context too_many");
}
END_TEST

START_TEST (takes_control_characters_out)
{
    static const char body [] = AGENT "{\"user_idea\":\"a\\u0000b\\u001Fc\\n\\td\\re\\u007Ff\\u0085g\\u00e9\",\"x\":[\"\\u0001\",{\"y\":\"\\u0000z\"}]}}";
    cf_json_t *document = NULL;
    cf_json_t *details = cf_body_check (s_route ("/v1/run-agent"), body, sizeof body - 1, &document);
    ck_assert_ptr_null (details);
    const cf_json_t *input = json_object_get (document, "input_context");
    ck_assert_str_eq (cf_json_str (input, "user_idea", ""), "abc\n\tdefg\xC3\xA9");
    ck_assert_uint_eq (json_string_length (json_object_get (input, "user_idea")), 11);
    ck_assert_str_eq (cf_json_str (json_array_get (json_object_get (input, "x"), 1), "y", ""), "z");
    json_decref (document);
    s_expect ("/v1/run-pipeline", "{" PROJECT ",\"input_context\":{\"user_idea\":\"\\u0000\"}}", "input_context.user_idea too_short");
    s_expect ("/v1/projects/", "{\"title\":\"abc\\u0000d\",\"tech_stack\":[\"a\",\"\\u0000\"]}", "title format, tech_stack.1 format");
}
END_TEST

UNIT_MAIN ("body", knows_json_types, lists_every_fault, opens_only_agents_that_exist, knows_the_limits_of_input, takes_control_characters_out)
