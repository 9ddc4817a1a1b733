/* SPDX-License-Identifier: MPL-2.0 */
/*  answer - every agent's answer to all kinds of ideas satisfies its schema */

#include "ops/simulator/answer.h"
#include "proto/base/json.h"
#include "proto/schema.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

static cf_recall_t s_recall;

/*  The answer of agent to a message of blocks, checked against its schema; yours to json_decref. */
static cf_json_t *
s_ask (const char *agent, const char *blocks, bool complaining)
{
    cf_request_t request = { .structured = true, .schema = { "", 0 } };
    cf_brief_t brief;
    cf_buf_t text;
    cf_error_t error = { 0 };
    char path [400];
    snprintf (request.schema_name, sizeof request.schema_name, "%s", agent);
    cf_buf_init (&request.instructions, 1);
    cf_buf_init (&request.words, CF_FORMAT_MAX_BYTES);
    cf_buf_init (&text, CF_FORMAT_MAX_BYTES);
    cf_buf_puts (&request.words, blocks);
    ck_assert_int_eq (cf_brief_read (&brief, &request, &s_recall), 0);
    ck_assert_int_eq (cf_answer_write (&request, &brief, complaining, &text), 0);
    cf_json_t *document = cf_json_parse (text.bytes, text.size, &error);
    ck_assert_msg (document != NULL, "%s: %s", agent, error.text);
    snprintf (path, sizeof path, CF_SOURCE_DIR "/proto/schema/%s.json", agent);
    cf_schema_t *schema = cf_schema_load (path, &error);
    ck_assert_msg (schema != NULL, "%s", error.text);
    cf_schema_fault_t fault = { 0 };
    ck_assert_msg (cf_schema_check (schema, document, &fault, 1) == 0, "%s: %s %s\n%s\n%s", agent, fault.field, fault.message, blocks, text.bytes);
    cf_schema_destroy (&schema);
    cf_buf_free (&text);
    cf_brief_free (&brief);
    cf_request_free (&request);
    return document;
}

static void
s_put_block (cf_buf_t *out, const char *name, const cf_json_t *value)
{
    char *text = cf_json_print (value);
    cf_buf_printf (out, "<data name=\"%s\">\n%s\n</data>\n", name, text);
    free (text);
}

/*  Walks the pipeline for an idea; returns the review. */
static cf_json_t *
s_build (const char *idea)
{
    cf_buf_t blocks;
    cf_buf_init (&blocks, CF_FORMAT_MAX_BYTES);
    cf_buf_printf (&blocks, "<data name=\"user_idea\">\n%s\n</data>\n", idea);
    json_decref (s_ask ("questions", blocks.bytes, false));
    cf_json_t *requirements = s_ask ("requirements", blocks.bytes, false);
    s_put_block (&blocks, "requirements", requirements);
    cf_json_t *wireframe = s_ask ("wireframe", blocks.bytes, false);
    s_put_block (&blocks, "architecture", wireframe);
    cf_json_t *code = s_ask ("code", blocks.bytes, false);
    s_put_block (&blocks, "files", json_object_get (code, "files"));
    cf_json_t *complaint = s_ask ("qa", blocks.bytes, true), *review = s_ask ("qa", blocks.bytes, false);
    ck_assert (json_is_false (json_object_get (complaint, "passed")));
    s_put_block (&blocks, "qa_issues", json_object_get (complaint, "issues"));
    cf_json_t *mended = s_ask ("code", blocks.bytes, false);
    ck_assert (strstr (cf_json_str (mended, "summary", ""), "Fixed after review") != NULL);
    json_decref (mended);
    json_decref (complaint);
    json_decref (code);
    json_decref (wireframe);
    json_decref (requirements);
    cf_buf_free (&blocks);
    return review;
}

START_TEST (satisfies_its_schemas_and_passes_its_own_review)
{
    static char endless [30000];
    for (size_t at = 0; at < sizeof endless - 1; at++)
        endless [at] = " \xC3\xA9word*/</script>"[at % 17];
    static const char *const ideas [] = {
        "a habit tracker with streaks", "a pomodoro timer for students with statistics, sounds and dark mode", "split expenses among flatmates",
        "polls for our choir with comments", "trivia quiz", "chess tournament ranking with player profiles", "calendar of birthdays",
        "todo list with tags, links, ratings, votes, deadlines, notes and a timer", "a diary", "my vinyl collection", "", "!", "x",
        "an app called </script><b>\"Quoted\" & 'odd' */ name", "\xE4\xB9\xA0\xE6\x83\xAF\xE8\xBF\xBD\xE8\xB8\xAA\xE5\x99\xA8", "\xFF\xC3 broken bytes", endless,
        "an app for people who want everything with one, two, three, four, five, six, seven, eight, nine, ten and more",
    };
    for (size_t at = 0; at < sizeof ideas / sizeof ideas [0]; at++) {
        cf_json_t *review = s_build (ideas [at]);
        ck_assert_msg (cf_json_bool (review, "passed", false) && cf_json_int (review, "score", 0) >= 90, "%.60s: %s", ideas [at], json_dumps (review, 0));
        json_decref (review);
    }
    cf_recall_free (&s_recall);
}
END_TEST

START_TEST (follows_requirements_that_others_wrote)
{
    cf_json_t *code = s_ask ("code", "<data name=\"requirements\">{\"app_name\":\"Ledger of Days\",\"elevator_pitch\":\"Watch your money and every expense of it, daily.\","
                             "\"core_features\":[{\"name\":\"Expenses\",\"description\":\"Record each expense.\",\"priority\":\"must-have\"}]}</data>"
                             "<data name=\"architecture\">{\"theme_colors\":[\"#ffffff\",\"#000000\",\"#123456\"]}</data>", false);
    char *text = cf_json_print (code);
    ck_assert (strstr (text, "Ledger of Days") && strstr (text, "src/budget.js") && strstr (text, "#123456"));
    free (text);
    json_decref (code);
    code = s_ask ("code", "<data name=\"user_idea\">a quiz</data><data name=\"file_path\">src/store.js</data>", false);
    ck_assert_uint_eq (json_array_size (json_object_get (code, "files")), 1);
    json_decref (code);
    json_decref (s_ask ("wireframe", "<data name=\"requirements\">{\"app_name\": 5, \"core_features\": {}}</data>", false));
    json_decref (s_ask ("code", "<data name=\"requirements\">not json", false));
    cf_recall_free (&s_recall);
}
END_TEST

START_TEST (reviews_anything)
{
    static const struct { const char *files; bool passes; } rows [] = {
        { "", false }, { "[]", false }, { "{}", false }, { "[1,{},{\"file_path\":\"a\"}]", false }, { "nonsense", false },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"const a = '}'; // {\\nconst b = /[{(]/.test (a);\\n\"}]", true },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"const a = {\"}]", false },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"\"}]", false },
        { "[{\"file_path\":\"../a.js\",\"content\":\"1;\"}]", false },
        { "[{\"file_path\":\"a.json\",\"content\":\"{,}\"}]", false },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"eval(x)\"}]", false },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"`${a}` + \\\"'\\\" /* ) */; return /\\\\/[)]/;\"}]", true },
        { "[{\"file_path\":\"src/a.js\",\"content\":\"'\"},{\"file_path\":\"b.css\",\"content\":\"/*\"},{\"file_path\":\"c.js\",\"content\":\"`${\"}]", false },
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows [0]; at++) {
        char blocks [600];
        snprintf (blocks, sizeof blocks, "<data name=\"user_idea\">a quiz</data><data name=\"files\">%s</data>", rows [at].files);
        cf_json_t *review = s_ask ("qa", blocks, false);
        ck_assert_msg (cf_json_bool (review, "passed", false) == rows [at].passes, "%s", rows [at].files);
        json_decref (review);
    }
}
END_TEST

START_TEST (makes_up_documents_for_unknown_schemas)
{
    static const char *const schemas [] = {
        ("{\"type\":\"object\",\"required\":[\"id\",\"at\",\"path\",\"color\"],\"properties\":{\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"path\":{\"type\":\"string\",\"pattern\":\"^/[a-z0-9/-]*$\"},"
        "\"color\":{\"type\":\"string\",\"pattern\":\"^#[0-9a-fA-F]{6}$\"}}}"),
        ("{\"type\":\"array\",\"minItems\":2,\"items\":{\"$ref\":\"#/$defs/step\"},\"$defs\":{\"step\":{\"type\":\"object\",\"required\":[\"n\",\"t\"],"
        "\"properties\":{\"n\":{\"type\":\"number\",\"minimum\":0.5,\"maximum\":0.75},\"t\":{\"type\":[\"string\",\"null\"],\"minLength\":5,\"maxLength\":500}}}}}"),
        "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":7},{\"type\":\"null\"}]}", "{\"const\":{\"a\":[1]}}", "{\"type\":\"boolean\"}", "{}",
        "{\"$ref\":\"#\"}", "{\"type\":\"string\",\"minLength\":3000,\"maxLength\":3500}",
    };
    for (size_t at = 0; at < sizeof schemas / sizeof schemas [0]; at++) {
        cf_buf_t text;
        cf_error_t error = { 0 };
        cf_schema_fault_t fault = { 0 };
        cf_buf_init (&text, 1u << 20);
        cf_answer_schema ((cf_slice_t) { schemas [at], strlen (schemas [at]) }, &text);
        cf_json_t *value = cf_json_parse (text.bytes, text.size, &error), *document = cf_json_parse (schemas [at], strlen (schemas [at]), &error);
        ck_assert_msg (value && document, "%s -> %s", schemas [at], text.bytes);
        cf_schema_t *schema = strstr (schemas [at], "\"#\"")? NULL: cf_schema_new (document, false, &error);
        ck_assert_msg (!schema || cf_schema_check (schema, value, &fault, 1) == 0, "%s -> %s: %s", schemas [at], text.bytes, fault.message);
        cf_schema_destroy (&schema);
        json_decref (document);
        json_decref (value);
        cf_buf_free (&text);
    }
}
END_TEST

UNIT_MAIN ("answer", satisfies_its_schemas_and_passes_its_own_review, follows_requirements_that_others_wrote, reviews_anything,
           makes_up_documents_for_unknown_schemas)
