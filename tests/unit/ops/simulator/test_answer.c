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

/*  The same application in pieces: as planned, and each file by itself. */
static void
s_compare_pieces (const char *blocks, const cf_json_t *code)
{
    cf_json_t *plan = s_ask ("code-plan", blocks, false), *file;
    size_t at;
    ck_assert_uint_eq (json_array_size (json_object_get (plan, "files")), json_array_size (json_object_get (code, "files")));
    ck_assert_str_eq (cf_json_str (plan, "summary", ""), cf_json_str (code, "summary", ""));
    json_array_foreach (json_object_get (code, "files"), at, file) {
        const cf_json_t *planned = json_array_get (json_object_get (plan, "files"), at);
        ck_assert_str_eq (cf_json_str (planned, "file_path", ""), cf_json_str (file, "file_path", "?"));
        ck_assert_str_eq (cf_json_str (planned, "purpose", ""), cf_json_str (file, "explanation", "?"));
        cf_buf_t one;
        cf_buf_init (&one, CF_FORMAT_MAX_BYTES);
        cf_buf_printf (&one, "%s<data name=\"file_to_write\">\n%s\n</data>\n", blocks, cf_json_str (file, "file_path", ""));
        cf_json_t *written = s_ask ("code-file", one.bytes, false);
        ck_assert_str_eq (cf_json_str (written, "content", ""), cf_json_str (file, "content", "?"));
        json_decref (written);
        cf_buf_free (&one);
    }
    json_decref (plan);
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
    s_compare_pieces (blocks.bytes, code);
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
    json_decref (s_ask ("code-file", "<data name=\"user_idea\">a quiz</data>", false));
    json_decref (s_ask ("code-file", "<data name=\"user_idea\">a quiz</data><data name=\"file_to_write\">src/not-ours.js</data>", false));
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

START_TEST (teaches_without_code)
{
    static const char *const questions [] = {
        "Why does my loop stop too early?", "How do I center a box?", "", "\xFF\xC3", "What is a promise? [[sim pedagogy_code=1]]", "Why does SELECT name FROM plants fail?"
    };
    char blocks [800];
    for (size_t at = 0; at < sizeof questions / sizeof questions [0]; at++) {
        snprintf (blocks, sizeof blocks, "<data name=\"question\">\n%s\n</data>\n<data name=\"code\">\nfor (let i = 0; i < 3; i++)\n  draw (i);\n</data>", questions [at]);
        cf_json_t *answer = s_ask ("pedagogy", blocks, false), *flawed = s_ask ("pedagogy", blocks, true);
        char *text = cf_json_print (answer), *spoiled = cf_json_print (flawed);
        ck_assert (!strstr (text, "```") && !strstr (text, "[[sim") && strstr (text, "2 lines"));
        ck_assert (strstr (spoiled, "```") != NULL);
        free (text);
        free (spoiled);
        json_decref (flawed);
        json_decref (answer);
    }
}
END_TEST

START_TEST (lays_out_the_ways_that_are_named)
{
    cf_json_t *choice = s_ask ("choice", "<data name=\"decision_context\">\nFor the list: keep it in localStorage or on a small server?\n</data>", false);
    const cf_json_t *options = json_object_get (choice, "options");
    ck_assert_str_eq (cf_json_str (json_array_get (options, 0), "title", ""), "keep it in localStorage");
    ck_assert_str_eq (cf_json_str (json_array_get (options, 1), "title", ""), "on a small server");
    json_decref (choice);
    static const char *const others [] = { "", " or ", "a or b", "\xFF or \xC3", "Which framework?", "x, or, y" };
    for (size_t at = 0; at < sizeof others / sizeof others [0]; at++) {
        char blocks [200];
        snprintf (blocks, sizeof blocks, "<data name=\"decision_context\">\n%s\n</data>", others [at]);
        json_decref (s_ask ("choice", blocks, false));
    }
}
END_TEST

START_TEST (plans_a_way_at_the_learners_pace)
{
    static const char *const levels [] = { "advanced", "intermediate", "beginner", "anything" };
    double before = 0;
    for (size_t at = 0; at < sizeof levels / sizeof levels [0]; at++) {
        char blocks [900];
        snprintf (blocks, sizeof blocks, "<data name=\"requirements\">{\"app_name\":\"Leaf\",\"elevator_pitch\":\"Plants and when to water them.\",\"core_features\":"
                  "[{\"name\":\"List\",\"description\":\"Lists plants.\",\"priority\":\"must-have\"}]}</data><data name=\"skill_level\">\n%s\n</data>"
                  "<data name=\"focus_areas\">\n[\"testing\",\"a \\\"b\\\"\",\"\"]\n</data>", levels [at]);
        cf_json_t *roadmap = s_ask ("roadmap", blocks, false), *module;
        double sum = 0;
        size_t number;
        json_array_foreach (json_object_get (roadmap, "modules"), number, module)
            sum += cf_json_real (module, "estimated_hours", 0);
        ck_assert_double_eq_tol (sum, cf_json_real (roadmap, "total_estimated_hours", 0), 0.01);
        ck_assert (sum >= before);
        before = sum;
        char *text = cf_json_print (roadmap);
        ck_assert (strstr (text, "Leaf") && strstr (text, "In depth: testing"));
        free (text);
        json_decref (roadmap);
    }
    json_decref (s_ask ("roadmap", "<data name=\"requirements\">none</data><data name=\"focus_areas\">{\"a\":1}</data>", false));
}
END_TEST

START_TEST (rewrites_a_selection_and_no_more)
{
    cf_json_t *refactor = s_ask ("refactor", "<data name=\"instruction\">\nuse */ const\n</data>\n<data name=\"file_path\">\nsrc/a.js\n</data>\n"
                                 "<data name=\"selected_code\">\n  var a = 1;  \n  var b;\n\n</data>", false);
    ck_assert_str_eq (cf_json_str (refactor, "refactored_code", ""), "  /* simulated refactoring: use    const */ var a = 1;\n  var b;\n");
    json_decref (refactor);
    static const char *const others [] = { "", "<data name=\"selected_code\">\n\n\n</data>", "<data name=\"selected_code\">x", "<data name=\"file_path\">a.</data>" };
    for (size_t at = 0; at < sizeof others / sizeof others [0]; at++)
        json_decref (s_ask ("refactor", others [at], false));
}
END_TEST

UNIT_MAIN ("answer", satisfies_its_schemas_and_passes_its_own_review, follows_requirements_that_others_wrote, reviews_anything,
           makes_up_documents_for_unknown_schemas, teaches_without_code, lays_out_the_ways_that_are_named, plans_a_way_at_the_learners_pace,
           rewrites_a_selection_and_no_more)
