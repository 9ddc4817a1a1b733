/* SPDX-License-Identifier: MPL-2.0 */
/*  strict - what is left of a schema, and of every schema that models are held to */

#include "actors/providers/strict.h"
#include "proto/schema.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

static cf_json_t *
s_parse (const char *text)
{
    cf_json_t *value = cf_json_parse (text, strlen (text), NULL);
    ck_assert_ptr_nonnull (value);
    return value;
}

static void
s_check_dialect (const char *schema, unsigned dialect, const char *expected)
{
    cf_error_t error = { 0 };
    cf_json_t *given = s_parse (schema), *wanted = s_parse (expected);
    cf_json_t *reduced = cf_strict_reduce (given, dialect, &error);
    ck_assert_str_eq (error.text, "");
    char *text = cf_json_print (reduced);
    ck_assert_msg (json_equal (reduced, wanted), "%s", text);
    free (text);
    json_decref (given);
    json_decref (wanted);
    json_decref (reduced);
}

static void
s_check (const char *schema, const char *expected)
{
    s_check_dialect (schema, 0, expected);
}

static void
s_refuse (const char *schema)
{
    cf_error_t error = { 0 };
    cf_json_t *given = s_parse (schema);
    ck_assert_ptr_null (cf_strict_reduce (given, 0, &error));
    ck_assert_int_eq (error.code, CF_ERROR_INVALID);
    json_decref (given);
}

START_TEST (keeps_the_shape_and_drops_the_rest)
{
    s_check ("{\"$schema\": \"x\", \"title\": \"T\", \"description\": \"D\", \"type\": \"object\", \"required\": [\"a\", \"b\"], \"examples\": [{}],"
             " \"properties\": {\"a\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 9, \"pattern\": \"^a\", \"format\": \"uuid\", \"x-trim\": true},"
             " \"b\": {\"type\": \"array\", \"minItems\": 1, \"uniqueItems\": true, \"items\": {\"type\": \"integer\", \"minimum\": 0, \"default\": 3}}}}",
             "{\"type\": \"object\", \"description\": \"D\", \"properties\": {\"a\": {\"type\": \"string\"},"
             " \"b\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}}, \"required\": [\"a\", \"b\"], \"additionalProperties\": false}");
}
END_TEST

START_TEST (makes_optional_members_nullable)
{
    s_check ("{\"type\": \"object\", \"properties\": {"
             "\"a\": {\"type\": \"string\"}, \"b\": {\"type\": [\"string\", \"integer\"]}, \"c\": {\"type\": [\"null\", \"boolean\"]},"
             "\"d\": {\"type\": \"string\", \"enum\": [\"x\"]}, \"e\": {\"$ref\": \"#/$defs/t\"}, \"f\": {\"type\": \"string\", \"const\": \"k\"},"
             "\"g\": {\"type\": \"object\", \"properties\": {\"h\": {\"type\": \"number\"}}, \"required\": [\"h\"]}},"
             "\"$defs\": {\"t\": {\"type\": \"string\", \"maxLength\": 3}}}",
             "{\"type\": \"object\", \"properties\": {"
             "\"a\": {\"type\": [\"string\", \"null\"]}, \"b\": {\"type\": [\"string\", \"integer\", \"null\"]}, \"c\": {\"type\": [\"null\", \"boolean\"]},"
             "\"d\": {\"type\": [\"string\", \"null\"], \"enum\": [\"x\", null]}, \"e\": {\"anyOf\": [{\"$ref\": \"#/$defs/t\"}, {\"type\": \"null\"}]},"
             "\"f\": {\"anyOf\": [{\"type\": \"string\", \"const\": \"k\"}, {\"type\": \"null\"}]},"
             "\"g\": {\"type\": [\"object\", \"null\"], \"properties\": {\"h\": {\"type\": \"number\"}}, \"required\": [\"h\"], \"additionalProperties\": false}},"
             "\"required\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\"], \"additionalProperties\": false,"
             "\"$defs\": {\"t\": {\"type\": \"string\"}}}");
}
END_TEST

START_TEST (turns_one_of_into_any_of)
{
    s_check ("{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"oneOf\": [{\"type\": \"string\", \"minLength\": 2}, {\"type\": \"null\"}]}}}",
             "{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"null\"}]}}, \"additionalProperties\": false}");
}
END_TEST

START_TEST (leaves_optional_what_the_dialect_allows_to_be_left_out)
{
    static const char schema [] = "{\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": {\"type\": \"string\", \"maxLength\": 3},"
        " \"b\": {\"type\": \"string\", \"enum\": [\"x\"]}, \"c\": {\"const\": 1}, \"d\": {\"type\": \"array\", \"maxItems\": 9, \"items\": {\"const\": \"k\"}}}}";
    s_check_dialect (schema, CF_STRICT_OPTIONAL,
             "{\"type\": \"object\", \"required\": [\"a\"], \"additionalProperties\": false, \"properties\": {\"a\": {\"type\": \"string\"},"
             " \"b\": {\"type\": \"string\", \"enum\": [\"x\"]}, \"c\": {\"const\": 1}, \"d\": {\"type\": \"array\", \"items\": {\"const\": \"k\"}}}}");
    s_check_dialect (schema, CF_STRICT_OPTIONAL | CF_STRICT_ENUMS_ONLY,
             "{\"type\": \"object\", \"required\": [\"a\"], \"additionalProperties\": false, \"properties\": {\"a\": {\"type\": \"string\"},"
             " \"b\": {\"type\": \"string\", \"enum\": [\"x\"]}, \"c\": {\"enum\": [1]}, \"d\": {\"type\": \"array\", \"items\": {\"enum\": [\"k\"]}}}}");
}
END_TEST

START_TEST (refuses_what_strict_mode_cannot_say)
{
    s_refuse ("true");
    s_refuse ("{\"type\": \"array\", \"items\": {}}");
    s_refuse ("{\"type\": \"object\", \"anyOf\": [{\"type\": \"object\"}]}");
    s_refuse ("{\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}}");
    s_refuse ("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"object\", \"patternProperties\": {}}}}");
    s_refuse ("{\"type\": \"object\", \"properties\": {\"a\": true}}");
    s_refuse ("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"array\", \"items\": false}}}");
    s_refuse ("{\"type\": \"object\", \"properties\": {\"a\": {\"anyOf\": [1]}}}");
}
END_TEST

/*  Every object of a reduced schema requires all it names, and takes no more. */
static void
s_check_strict (const cf_json_t *node, bool optional)
{
    size_t at;
    const char *key;
    cf_json_t *value;
    const cf_json_t *properties = json_object_get (node, "properties");
    if (properties) {
        ck_assert (json_is_false (json_object_get (node, "additionalProperties")));
        ck_assert (optional || json_array_size (json_object_get (node, "required")) == json_object_size (properties));
    }
    if (json_is_array (node))
        json_array_foreach (node, at, value)
            s_check_strict (value, optional);
    else if (json_is_object (node))
        json_object_foreach (json_object_get (node, "properties")? json_object_get (node, "properties"): NULL, key, value)
            s_check_strict (value, optional);
    if (json_object_get (node, "items"))
        s_check_strict (json_object_get (node, "items"), optional);
}

/*  An example with null for every optional member of the root that it lacks, as a model in strict mode writes it. */
static void
s_fill_with_null (cf_json_t *example, const cf_json_t *reduced)
{
    size_t at;
    cf_json_t *name;
    json_array_foreach (json_object_get (reduced, "required"), at, name)
        if (!json_object_get (example, json_string_value (name)))
            json_object_set_new (example, json_string_value (name), json_null ());
}

START_TEST (keeps_the_examples_of_our_own_schemas_valid)
{
    static const char *const names [] = { "requirements", "questions", "wireframe", "code", "qa", "pedagogy", "choice", "roadmap", "refactor" };
    for (size_t at = 0; at < sizeof names / sizeof names [0]; at++) {
        char path [512];
        cf_error_t error = { 0 };
        snprintf (path, sizeof path, "%s/proto/schema/%s.json", CF_SOURCE_DIR, names [at]);
        cf_schema_t *ours = cf_schema_load (path, &error);
        ck_assert_msg (ours != NULL, "%s", error.text);
        cf_json_t *reduced = cf_strict_reduce (cf_schema_document (ours), 0, &error);
        ck_assert_msg (reduced != NULL, "%s: %s", names [at], error.text);
        s_check_strict (reduced, false);
        cf_json_t *loose = cf_strict_reduce (cf_schema_document (ours), CF_STRICT_OPTIONAL | CF_STRICT_ENUMS_ONLY, &error);
        ck_assert_msg (loose != NULL, "%s: %s", names [at], error.text);
        s_check_strict (loose, true);
        json_decref (loose);
        cf_schema_t *strict = cf_schema_new (reduced, true, &error);
        ck_assert_msg (strict != NULL, "%s: %s", names [at], error.text);
        size_t number;
        cf_json_t *example;
        json_array_foreach (json_object_get (cf_schema_document (ours), "examples"), number, example) {
            cf_json_t *answer = json_deep_copy (example);
            s_fill_with_null (answer, reduced);
            ck_assert_int_eq (cf_schema_trim (ours, answer), 0);
            ck_assert_uint_eq (cf_schema_check (ours, answer, NULL, 0), 0);
            json_decref (answer);
        }
        cf_schema_destroy (&strict);
        cf_schema_destroy (&ours);
        json_decref (reduced);
    }
}
END_TEST

UNIT_MAIN ("strict", keeps_the_shape_and_drops_the_rest, makes_optional_members_nullable, turns_one_of_into_any_of,
           leaves_optional_what_the_dialect_allows_to_be_left_out, refuses_what_strict_mode_cannot_say, keeps_the_examples_of_our_own_schemas_valid)
