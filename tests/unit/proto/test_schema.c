/* SPDX-License-Identifier: MPL-2.0 */
/*  schema - the official test suite where it is at hand, our own cases, every file in proto/schema
 */

#include "proto/schema.h"
#include "proto/schema_format.h"
#include "proto/schema_node.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FAULTS 16

/*  JSON with ' for ", to keep cases readable. Yours to json_decref. */
static cf_json_t *
s_json (const char *text)
{
    char *copy = strdup (text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    cf_error_t error = { CF_OK, "" };
    cf_json_t *value = cf_json_parse (copy, strlen (copy), &error);
    ck_assert_msg (value, "%s: %s", copy, error.text);
    free (copy);
    return value;
}

static cf_schema_t *
s_schema (const char *text)
{
    cf_json_t *document = s_json (text);
    cf_error_t error = { CF_OK, "" };
    cf_schema_t *schema = cf_schema_new (document, true, &error);
    ck_assert_msg (schema, "%s", error.text);
    json_decref (document);
    return schema;
}

static char s_faults [8000];

/*  What is wrong with value, as "field type; field type", in s_faults. */
static const char *
s_check (const char *schema_text, const char *value_text)
{
    cf_schema_t *schema = s_schema (schema_text);
    cf_json_t *value = s_json (value_text);
    cf_schema_fault_t faults [MAX_FAULTS];
    size_t count = cf_schema_check (schema, value, faults, MAX_FAULTS);
    ck_assert_uint_eq (cf_schema_check (schema, value, NULL, 0), count);
    s_faults [0] = 0;
    for (size_t at = 0; at < count && at < MAX_FAULTS; at++) {
        strcat (s_faults, at? "; ": "");
        strcat (s_faults, faults [at].field);
        strcat (s_faults, " ");
        strcat (s_faults, faults [at].type);
        ck_assert_uint_gt (strlen (faults [at].message), 0);
    }
    json_decref (value);
    cf_schema_destroy (&schema);
    return s_faults;
}

/*  Why the schema is refused; "" if it is not. */
static const char *
s_refusal (const char *text, bool strict)
{
    static cf_error_t error;
    memset (&error, 0, sizeof error);
    cf_json_t *document = s_json (text);
    cf_schema_t *schema = cf_schema_new (document, strict, &error);
    json_decref (document);
    ck_assert ((schema == NULL) == (error.code == CF_ERROR_INVALID));
    cf_schema_destroy (&schema);
    ck_assert_ptr_null (schema);
    return error.text;
}

/* ---- the official suite ---- */

static const char *const s_skipped_files [] = {
    "anchor.json", "contains.json", "dependentRequired.json", "dependentSchemas.json", "dynamicRef.json",
    "maxContains.json", "minContains.json", "propertyNames.json", "refRemote.json", "unevaluatedItems.json",
    "unevaluatedProperties.json", "vocabulary.json",
    "format.json",              /* wants formats to be annotations; we assert them */
};

static const char *const s_skipped_groups [] = {
    /* keywords that are refused */
    "additionalProperties with propertyNames", "dependentSchemas with additionalProperties",
    "collect annotations inside a 'not', even if collection is disabled", "ref creates new scope when adjacent to keywords",
    /* references to other documents, $id below the root, $anchor */
    "validate definition against metaschema", "remote ref, containing refs itself",
    "Recursive references between schemas", "refs with relative uris and defs",
    "relative refs with absolute uris and defs", "$id must be resolved against nearest parent, not just immediate parent",
    "order of evaluation: $id and $ref", "order of evaluation: $id and $anchor and $ref",
    "order of evaluation: $id and $ref on nested schema", "simple URN base URI with $ref via the URN",
    "URN base URI with URN and JSON pointer ref", "URN base URI with URN and anchor ref",
    "URN ref with nested pointer ref", "ref to if", "ref to then", "ref to else", "ref with absolute-path-reference",
    /* ECMA-262 where PCRE2 differs: long names of Unicode properties, white space beyond ASCII in \s */
    "pattern with Unicode property escape requires unicode mode", "patternProperties with Unicode property escape",
    "patterns always use unicode semantics with pattern", "patterns always use unicode semantics with patternProperties",
    "pattern with non-ASCII digits", "patternProperties with non-ASCII digits", "ECMA 262 \\s matches whitespace",
    "ECMA 262 \\S matches everything but whitespace",
};

static bool
s_listed (const char *name, const char *const *list, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp (name, list [at]) == 0)
            return true;
    return false;
}

/*  Runs one group of the suite; returns how many tests it had. */
static size_t
s_run_group (const char *file, cf_json_t *group)
{
    const char *description = cf_json_str (group, "description", "");
    if (s_listed (description, s_skipped_groups, sizeof s_skipped_groups / sizeof s_skipped_groups [0]))
        return 0;
    cf_error_t error = { CF_OK, "" };
    cf_schema_t *schema = cf_schema_new (json_object_get (group, "schema"), false, &error);
    ck_assert_msg (schema, "%s: %s: %s", file, description, error.text);
    size_t at;
    cf_json_t *test;
    json_array_foreach (json_object_get (group, "tests"), at, test) {
        bool valid = cf_schema_check (schema, json_object_get (test, "data"), NULL, 0) == 0;
        ck_assert_msg (valid == cf_json_bool (test, "valid", false), "%s: %s: %s", file, description,
                       cf_json_str (test, "description", ""));
    }
    cf_schema_destroy (&schema);
    return json_array_size (json_object_get (group, "tests"));
}

static size_t
s_run_file (const char *folder, const char *name)
{
    char path [600];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    json_error_t reason;
    cf_json_t *groups = json_load_file (path, JSON_ALLOW_NUL, &reason);     /* the suite tests strings with NUL */
    ck_assert_msg (groups, "%s: %s", path, reason.text);
    size_t count = 0;
    size_t at;
    cf_json_t *group;
    json_array_foreach (groups, at, group)
        count += s_run_group (name, group);
    json_decref (groups);
    return count;
}

START_TEST (passes_the_official_suite)
{
    const char *folder = unit_collection ("json-schema-test-suite/draft2020-12");
    if (!folder)
        return;
    DIR *files = opendir (folder);
    ck_assert_ptr_nonnull (files);
    size_t count = 0;
    struct dirent *file;
    while ((file = readdir (files)))
        if (strstr (file->d_name, ".json")
            && !s_listed (file->d_name, s_skipped_files, sizeof s_skipped_files / sizeof s_skipped_files [0]))
            count += s_run_file (folder, file->d_name);
    closedir (files);
    static const char *const optional [] = {
        "optional/format/uuid.json", "optional/format/date.json", "optional/format/date-time.json",
        "optional/format/email.json", "optional/format/uri.json", "optional/ecmascript-regex.json",
        "optional/non-bmp-regex.json", "optional/float-overflow.json", "optional/refOfUnknownKeyword.json",
        "optional/no-schema.json",
    };
    for (size_t at = 0; at < sizeof optional / sizeof optional [0]; at++)
        count += s_run_file (folder, optional [at]);
    printf ("JSON-Schema-Test-Suite: %zu tests\n", count);
    ck_assert_uint_gt (count, 800);
}
END_TEST

/* ---- our own cases ---- */

START_TEST (reports_every_fault_with_its_place)
{
    const char *schema = "{'type':'object','additionalProperties':false,'required':['a','b'],'properties':{"
        "'a':{'type':'array','minItems':1,'items':{'type':'object','required':['name'],'properties':{"
        "'name':{'type':'string','minLength':2,'maxLength':4,'pattern':'^[a-z]+$'}}}},"
        "'b':{'enum':['x','y']},'n':{'type':['integer','null'],'minimum':1,'maximum':9}}}";
    ck_assert_str_eq (s_check (schema, "{'a':[{'name':'abc'}],'b':'x','n':null}"), "");
    ck_assert_str_eq (s_check (schema, "{'a':[{'name':'A'},{},{'name':'abcde'}],'n':'1','zz':1}"),
                      "zz unknown_field; b missing; a.0.name too_short; a.0.name pattern; a.1.name missing; "
                      "a.2.name too_long; n wrong_type");
    ck_assert_str_eq (s_check (schema, "{'a':[],'b':'z','n':10}"), "a too_few; b not_allowed; n too_large");
    ck_assert_str_eq (s_check (schema, "[]"), " wrong_type");
    ck_assert_str_eq (s_check (schema, "{'a':[],'b':'z','n':0.5}"), "a too_few; b not_allowed; n wrong_type");
}
END_TEST

START_TEST (names_every_type_of_fault)
{
    ck_assert_str_eq (s_check ("{'maxItems':1,'uniqueItems':true}", "[1,1.0]"), " too_many;  not_unique");
    ck_assert_str_eq (s_check ("{'minProperties':1}", "{}"), " too_few");
    ck_assert_str_eq (s_check ("{'maxProperties':0}", "{'a':1}"), " too_many");
    ck_assert_str_eq (s_check ("{'exclusiveMinimum':1}", "1"), " too_small");
    ck_assert_str_eq (s_check ("{'exclusiveMaximum':1}", "1"), " too_large");
    ck_assert_str_eq (s_check ("{'multipleOf':0.5}", "0.7"), " not_a_multiple");
    ck_assert_str_eq (s_check ("{'multipleOf':0.5}", "40"), "");
    ck_assert_str_eq (s_check ("{'const':1}", "2"), " not_allowed");
    ck_assert_str_eq (s_check ("{'const':{'a':[1]}}", "{'a':[1.0]}"), "");
    ck_assert_str_eq (s_check ("{'format':'uuid'}", "'1'"), " format");
    ck_assert_str_eq (s_check ("{'anyOf':[{'type':'null'},{'type':'string'}]}", "1"), " no_match");
    ck_assert_str_eq (s_check ("{'oneOf':[{'minimum':1},{'maximum':3}]}", "2"), " no_match");
    ck_assert_str_eq (s_check ("{'not':{'type':'null'}}", "null"), " no_match");
    ck_assert_str_eq (s_check ("{'properties':{'a':false}}", "{'a':1}"), "a not_allowed");
    ck_assert_str_eq (s_check ("{'if':{'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}", "{'a':1}"),
                      "b missing");
}
END_TEST

START_TEST (speaks_to_people)
{
    cf_schema_t *schema = s_schema ("{'properties':{'a':{'enum':['x',1]},'b':{'type':['string','null']},"
                                    "'c':{'minLength':1},'d':{'minimum':0.1}}}");
    cf_json_t *value = s_json ("{'a':2,'b':3,'c':'','d':0}");
    cf_schema_fault_t faults [4];
    ck_assert_uint_eq (cf_schema_check (schema, value, faults, 4), 4);
    ck_assert_str_eq (faults [0].message, "must be one of \"x\",1");
    ck_assert_str_eq (faults [1].message, "must be a string or null");
    ck_assert_str_eq (faults [2].message, "must have at least 1 character");
    ck_assert_str_eq (faults [3].message, "must be at least 0.1");
    ck_assert_uint_eq (cf_schema_check (schema, value, faults, 1), 4);
    cf_json_t *details = cf_schema_faults_json (faults, 1);
    cf_json_t *wanted = s_json ("{'errors':[{'field':'a','message':'must be one of \\'x\\',1','type':'not_allowed'}]}");
    ck_assert_int_eq (json_equal (details, wanted), 1);
    json_decref (wanted);
    json_decref (details);
    json_decref (value);
    cf_schema_destroy (&schema);
}
END_TEST

START_TEST (counts_code_points_and_matches_to_the_end)
{
    ck_assert_str_eq (s_check ("{'minLength':3,'maxLength':3}", "'\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80'"), "");
    ck_assert_str_eq (s_check ("{'pattern':'^.$'}", "'\xF0\x9F\x98\x80'"), "");
    ck_assert_str_eq (s_check ("{'pattern':'^/[a-z0-9/-]*$'}", "'/a-b/c\\n'"), " pattern");
    ck_assert_str_eq (s_check ("{'pattern':'b'}", "'abc'"), "");
    /* nothing backtracks away the heap on long ordinary text */
    char text [20010] = "'";
    memset (text + 1, 'a', 20000);
    strcpy (text + 20001, "'");
    ck_assert_str_eq (s_check ("{'pattern':'^[a-z]+$'}", text), "");
}
END_TEST

START_TEST (refuses_what_it_does_not_understand)
{
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'properties':{'a':{'minLenght':1}}}", true), "#/properties/a/minLenght: unknown"));
    ck_assert_str_eq (s_refusal ("{'properties':{'a':{'minLenght':1}}}", false), "");
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'contains':{}}", false), "not supported"));
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'format':'colour'}", true), "#/format"));
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'pattern':'['}", true), "#/pattern"));
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'allOf':[{'$ref':'#/$defs/b'}],'$defs':{'a':{}}}", true), "#/allOf/0/$ref"));
    ck_assert_ptr_nonnull (strstr (s_refusal ("{'$ref':'other.json'}", true), "#/$ref"));
    static const char *const wrong [] = {
        "1", "{'type':'text'}", "{'type':[]}", "{'minLength':-1}", "{'minLength':1.5}", "{'required':'a'}", "{'required':[1]}",
        "{'enum':1}", "{'items':1}", "{'allOf':[]}", "{'properties':[]}", "{'multipleOf':0}", "{'minimum':'1'}", "{'x-trim':1}",
        "{'uniqueItems':1}", "{'$schema':'http://json-schema.org/draft-07/schema#'}", "{'properties':{'a':{'$id':'b'}}}",
        "{'pattern':1}", "{'format':1}", "{'patternProperties':{'(':{}}}", "{'if':1}", "{'then':1}", "{'$defs':{'a':1}}",
    };
    for (size_t at = 0; at < sizeof wrong / sizeof wrong [0]; at++)
        ck_assert_msg (*s_refusal (wrong [at], false), "%s", wrong [at]);
}
END_TEST

static char s_trimmed [2000];

static const char *
s_trim (const char *schema_text, const char *value_text)
{
    cf_schema_t *schema = s_schema (schema_text);
    cf_json_t *value = s_json (value_text);
    ck_assert_int_eq (cf_schema_trim (schema, value), 0);
    char *text = cf_json_print (value);
    snprintf (s_trimmed, sizeof s_trimmed, "%s", text);
    for (char *at = s_trimmed; *at; at++)
        if (*at == '"')
            *at = '\'';
    free (text);
    json_decref (value);
    cf_schema_destroy (&schema);
    return s_trimmed;
}

START_TEST (trims_what_is_marked)
{
    const char *schema = "{'$defs':{'s':{'type':'string','x-trim':true}},'type':'object','properties':{"
        "'a':{'$ref':'#/$defs/s'},'list':{'type':'array','prefixItems':[{}],'items':{'$ref':'#/$defs/s'}},'raw':{'type':'string'}},"
        "'patternProperties':{'^p':{'$ref':'#/$defs/s'}},'additionalProperties':{'allOf':[{'$ref':'#/$defs/s'}]}}";
    ck_assert_str_eq (s_trim (schema, "{'a':' \\t\\n x y \\u00a0\\u3000\\u0085','list':[' k ',' l '],'raw':' r ','p1':' p ','z':' z '}"),
                      "{'a':'x y','list':[' k ','l'],'raw':' r ','p1':'p','z':'z'}");
    ck_assert_str_eq (s_trim (schema, "{'a':' \\u2003 ','list':[],'p':''}"), "{'a':'','list':[],'p':''}");
    ck_assert_str_eq (s_trim (schema, "{'a':[' x '],'list':{'a':' x '}}"), "{'a':[' x '],'list':{'a':' x '}}");
    ck_assert_str_eq (s_trim (schema, "{'a':'\\u200b x\\u200b'}"), "{'a':'\xE2\x80\x8B x\xE2\x80\x8B'}");
}
END_TEST

START_TEST (drops_null_where_it_means_absent)
{
    const char *schema = "{'required':['must'],'properties':{'must':{'type':'string'},'may':{'type':'string'},"
        "'nullable':{'type':['string','null']},'any':{},'deep':{'$ref':'#'}},'additionalProperties':false}";
    ck_assert_str_eq (s_trim (schema, "{'must':null,'may':null,'nullable':null,'any':null,'other':null,'deep':{'may':null}}"),
                      "{'must':null,'nullable':null,'any':null,'other':null,'deep':{}}");
}
END_TEST

START_TEST (knows_its_formats)
{
    static const struct { const char *format; const char *text; bool valid; } cases [] = {
        { "uuid", "2EB8AA08-aa98-11ea-B4aa-73b441d16380", true }, { "uuid", "2eb8aa08aa9811eab4aa73b441d16380", false },
        { "date", "2024-02-29", true }, { "date", "2023-02-29", false }, { "date", "1900-02-29", false },
        { "date", "2023-00-10", false }, { "date-time", "2024-02-29T23:59:60Z", true },
        { "date-time", "2024-02-29T23:59:59.5+01:00", true }, { "date-time", "2024-02-29T00:59:60+01:00", true },
        { "date-time", "2024-02-29T23:59:60+01:00", false }, { "date-time", "2024-02-29 23:59:59Z", false },
        { "date-time", "2024-02-29T23:59:59", false }, { "date-time", "2024-02-29T23:59:59.Z", false },
        { "date-time", "2024-02-29T23:59:59+24:00", false }, { "email", "a.b+c@example.org", true },
        { "email", "a@[IPv6:::1]", true }, { "email", "a@[1.2.3.256]", false }, { "email", "a@b@c", false },
        { "email", "@example.org", false }, { "email", "a@-b.org", false }, { "email", "a@b..org", false },
        { "email", "\"a\\\"@x", false }, { "email", "a@", false }, { "uri", "https://u@h:1/p?q#f", true },
        { "uri", "urn:a:b", true }, { "uri", "/p", false }, { "uri", "http://[::1]:80/", true }, { "uri", "http://[::1/", false },
        { "uri", "http://h:8a/", false }, { "uri", "http://h/ ", false }, { "uri", "http://h/%4", false }, { "uri", "a:", true },
        { "uri", "http://[v1.a:b]/", true }, { "uri", "http://[v.a]/", false }, { "uri", ":a", false }, { "uri", "", false },
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        cf_schema_format_fn *test = cf_schema_format_lookup (cases [at].format);
        ck_assert_msg (test (cases [at].text, strlen (cases [at].text)) == cases [at].valid, "%s %s", cases [at].format,
                       cases [at].text);
    }
    char label [400] = "a@";
    memset (label + 2, 'b', 64);
    ck_assert (!cf_schema_format_lookup ("email") (label, 66));
    ck_assert (!cf_schema_format_lookup ("regex"));
}
END_TEST

/* ---- bounds ---- */

START_TEST (cuts_long_fields_between_characters)
{
    cf_schema_path_t path = { .separator = '.' };
    char key [400];
    for (size_t lead = 0; lead < 4; lead++) {
        memset (key, 'k', lead);
        key [lead] = 0;
        while (strlen (key) < 300)
            strcat (key, "\xF0\x9F\x98\x80");
        cf_schema_path_enter (&path, "a");
        size_t before = cf_schema_path_enter (&path, key);
        ck_assert_uint_eq (path.size, strlen (path.text));
        ck_assert_uint_gt (path.size, 250);
        cf_json_t *string = json_string (path.text);
        ck_assert_ptr_nonnull (string);         /* UTF-8 to its end */
        json_decref (string);
        cf_schema_path_enter (&path, "more");
        cf_schema_path_leave (&path, before);
        ck_assert_str_eq (path.text, "a");
        cf_schema_path_leave (&path, 0);
    }
}
END_TEST

START_TEST (is_not_worn_down)
{
    ck_assert_str_eq (s_check ("{'$ref':'#'}", "1"), " too_complex");
    ck_assert_str_eq (s_check ("{'anyOf':[{'$ref':'#'},{'$ref':'#'}]}", "1"), " too_complex");
    ck_assert_str_eq (s_check ("{'not':{'$ref':'#'}}", "1"), " too_complex");
    ck_assert_str_eq (s_check ("{'pattern':'^(a+)+$'}", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'"), " too_complex");
    cf_schema_t *schema = s_schema ("{'uniqueItems':true}");
    cf_json_t *value = json_array ();
    for (int at = 0; at < 10000; at++)
        json_array_append_new (value, json_integer (at));
    cf_schema_fault_t fault;
    ck_assert_uint_eq (cf_schema_check (schema, value, &fault, 1), 1);
    ck_assert_str_eq (fault.type, "too_complex");
    json_decref (value);
    cf_schema_destroy (&schema);
}
END_TEST

static void *
s_check_deep (void *argument)
{
    (void) argument;
    char text [2000] = "";
    for (int at = 0; at < 60; at++)
        strcat (text, "[");
    strcat (text, "'a'");
    for (int at = 0; at < 60; at++)
        strcat (text, "]");
    s_trim ("{'allOf':[{'type':'array','items':{'$ref':'#'}}]}", text);
    s_check ("{'allOf':[{'type':'array','items':{'$ref':'#'}}]}", text);
    return NULL;
}

START_TEST (fits_the_stack_of_a_task)
{
#ifdef CF_SANITIZE
    size_t stack_bytes = 256 * 1024;    /* red zones around every variable */
#else
    size_t stack_bytes = 64 * 1024;
#endif
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init (&attributes);
    pthread_attr_setstacksize (&attributes, stack_bytes);
    ck_assert_int_eq (pthread_create (&thread, &attributes, s_check_deep, NULL), 0);
    pthread_join (thread, NULL);
    pthread_attr_destroy (&attributes);
    ck_assert_str_eq (s_faults, " too_complex");
}
END_TEST

/* ---- proto/schema ---- */

START_TEST (compiles_our_files_and_accepts_their_examples)
{
    static const char *const folder = CF_SOURCE_DIR "/proto/schema";
    DIR *files = opendir (folder);
    ck_assert_ptr_nonnull (files);
    size_t count = 0;
    struct dirent *file;
    while ((file = readdir (files))) {
        if (!strstr (file->d_name, ".json"))
            continue;
        char path [600];
        snprintf (path, sizeof path, "%s/%s", folder, file->d_name);
        cf_error_t error = { CF_OK, "" };
        cf_schema_t *schema = cf_schema_load (path, &error);
        ck_assert_msg (schema, "%s", error.text);
        const cf_json_t *document = cf_schema_document (schema);
        ck_assert_msg (*cf_json_str (document, "title", "") && *cf_json_str (document, "description", ""), "%s", path);
        cf_json_t *examples = json_object_get (document, "examples");
        ck_assert_msg (json_array_size (examples) > 0, "%s has no examples", path);
        size_t at;
        cf_json_t *example;
        json_array_foreach (examples, at, example) {
            cf_schema_fault_t fault = { "", "", "" };
            size_t faults = cf_schema_check (schema, example, &fault, 1);
            ck_assert_msg (faults == 0, "%s: example %zu: %s %s", path, at, fault.field, fault.message);
        }
        cf_schema_destroy (&schema);
        count++;
    }
    closedir (files);
    ck_assert_uint_ge (count, 11);
}
END_TEST

START_TEST (says_which_file_cannot_be_read)
{
    cf_error_t error = { CF_OK, "" };
    ck_assert_ptr_null (cf_schema_load ("/nonexistent.json", &error));
    ck_assert_ptr_nonnull (strstr (error.text, "/nonexistent.json"));
    cf_schema_t *none = NULL;
    cf_schema_destroy (&none);
}
END_TEST

START_TEST (holds_agents_to_the_file_paths)
{
    cf_schema_t *schema = cf_schema_load (CF_SOURCE_DIR "/proto/schema/code.json", NULL);
    static const struct { const char *path; bool valid; } cases [] = {
        { "index.html", true }, { "README.md", true }, { ".gitignore", true }, { "src/app.js", true }, { "src/a/b/..c/.d", true },
        { "public/a.css", true }, { "tests/a_test.js", true }, { "src/...", true }, { "", false }, { "/src/a", false },
        { "src/", false }, { "src//a", false }, { "src/../a", false }, { "src/./a", false }, { "..", false }, { ".", false },
        { "lib/a.js", false }, { "src/a b", false }, { "src/a\n", false }, { "src/..", false }, { "src\\a", false },
        { "./index.html", false }, { "src/Ã©", false }, { "srcs/a", false },
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases [0]; at++) {
        cf_json_t *value = json_pack ("{s:[{s:s,s:s,s:s,s:s}],s:s,s:[]}", "files", "file_path", cases [at].path, "content", "x",
                                      "language", "text", "explanation", "", "summary", "0123456789", "dependencies");
        ck_assert_msg ((cf_schema_check (schema, value, NULL, 0) == 0) == cases [at].valid, "%s", cases [at].path);
        json_decref (value);
    }
    cf_schema_destroy (&schema);
}
END_TEST

START_TEST (takes_requests_as_the_api_promises)
{
    cf_schema_t *schema = cf_schema_load (CF_SOURCE_DIR "/proto/schema/project-create.json", NULL);
    cf_json_t *value = s_json ("{'title':'  abc ','description':null,'mode':null,'tech_stack':[' C ']}");
    cf_json_t *wanted = s_json ("{'title':'abc','tech_stack':['C']}");
    ck_assert_int_eq (cf_schema_trim (schema, value), 0);
    ck_assert_uint_eq (cf_schema_check (schema, value, NULL, 0), 0);
    ck_assert_int_eq (json_equal (value, wanted), 1);
    json_decref (wanted);
    json_decref (value);
    value = s_json ("{'title':' a\\u00a0 \\t','mode':'both','extra':1}");
    ck_assert_int_eq (cf_schema_trim (schema, value), 0);
    ck_assert_uint_eq (cf_schema_check (schema, value, NULL, 0), 3);
    json_decref (value);
    cf_schema_destroy (&schema);

    schema = cf_schema_load (CF_SOURCE_DIR "/proto/schema/run-pipeline.json", NULL);
    value = s_json ("{'project_id':'2F0E8A52-5f0c-4b1e-9c7d-3a4b5c6d7e8f','input_context':{'user_idea':' x ','other':null}}");
    ck_assert_int_eq (cf_schema_trim (schema, value), 0);
    ck_assert_uint_eq (cf_schema_check (schema, value, NULL, 0), 0);
    ck_assert_str_eq (cf_json_str (json_object_get (value, "input_context"), "user_idea", ""), " x ");
    ck_assert_uint_eq (json_object_size (json_object_get (value, "input_context")), 2);
    json_decref (value);
    cf_schema_destroy (&schema);
}
END_TEST

UNIT_MAIN ("schema", passes_the_official_suite, reports_every_fault_with_its_place, names_every_type_of_fault,
           speaks_to_people, counts_code_points_and_matches_to_the_end, refuses_what_it_does_not_understand,
           trims_what_is_marked, drops_null_where_it_means_absent, knows_its_formats, cuts_long_fields_between_characters,
           is_not_worn_down, fits_the_stack_of_a_task, compiles_our_files_and_accepts_their_examples,
           says_which_file_cannot_be_read, holds_agents_to_the_file_paths, takes_requests_as_the_api_promises)
