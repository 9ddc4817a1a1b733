/* SPDX-License-Identifier: MPL-2.0 */
/*  answer_schema - a document for a schema the simulator knows nothing about
 *
 *  An example, a default or a const in the schema is taken as it is; otherwise every property that is required is
 *  filled with the least that its keywords ask for. Patterns are met from a list of likely strings.
 */

#include "ops/simulator/answer.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 24
#define MAX_ITEMS 16
#define SENTENCE "Simulated by CodeForge: a sentence that follows from no model. "

static cf_json_t *s_instance (const cf_json_t *root, const cf_json_t *schema, int depth);

/*  What "#/$defs/name" points at; NULL where it does not lead into this document. */
static const cf_json_t *
s_resolve (const cf_json_t *root, const char *reference)
{
    if (reference [0] != '#')
        return NULL;
    const cf_json_t *at = root;
    for (const char *part = reference + 1; at && *part == '/';) {
        part++;
        char key [120] = "";
        size_t size = strcspn (part, "/");
        if (size >= sizeof key)
            return NULL;
        memcpy (key, part, size);
        at = json_object_get (at, key);
        part += size;
    }
    return at;
}

/*  The first of a few likely strings that pattern accepts and that is long enough; NULL where none does. */
static const char *
s_match (const char *pattern, size_t least, size_t most)
{
    static const char *const likely [] = {
        "simulated", "Simulated", "a", "A", "/", "/simulated", "src/simulated.js", "index.html", "#336699", "1", "0", "2026-01-31",
        "12:00", "name@example.org", "https://example.org/", "00000000-0000-4000-8000-000000000000", "1.0.0", "SIMULATED", "simulated-name",
        "simulated_name", "+1 555 0100", "2026-01-31T12:00:00Z",
    };
    regex_t compiled;
    const char *found = NULL;
    if (regcomp (&compiled, pattern, REG_EXTENDED | REG_NOSUB))
        return NULL;
    for (size_t at = 0; !found && at < sizeof likely / sizeof likely [0]; at++)
        if (strlen (likely [at]) >= least && strlen (likely [at]) <= most && !regexec (&compiled, likely [at], 0, NULL, 0))
            found = likely [at];
    regfree (&compiled);
    return found;
}

static cf_json_t *
s_string (const cf_json_t *schema)
{
    static const struct { const char *format, *text; } formats [] = {
        { "uuid", "00000000-0000-4000-8000-000000000000" }, { "date-time", "2026-01-31T12:00:00Z" }, { "date", "2026-01-31" },
        { "email", "name@example.org" }, { "uri", "https://example.org/" },
    };
    size_t least = (size_t) cf_json_int (schema, "minLength", 0), most = (size_t) cf_json_int (schema, "maxLength", 200);
    const char *pattern = cf_json_str (schema, "pattern", ""), *format = cf_json_str (schema, "format", "");
    for (size_t at = 0; at < sizeof formats / sizeof formats [0]; at++)
        if (!strcmp (format, formats [at].format))
            return json_string (formats [at].text);
    const char *match = *pattern? s_match (pattern, least, most): NULL;
    if (match)
        return json_string (match);
    cf_buf_t text;
    cf_buf_init (&text, 1u << 20);
    cf_buf_puts (&text, "Simulated");
    while (text.size < least && !cf_buf_puts (&text, " " SENTENCE));
    cf_json_t *value = json_stringn (text.bytes, text.size < most? text.size: most);
    cf_buf_free (&text);
    return value;
}

static cf_json_t *
s_number (const cf_json_t *schema, bool whole)
{
    double least = cf_json_real (schema, "minimum", cf_json_real (schema, "exclusiveMinimum", -1) + 1);
    double most = cf_json_real (schema, "maximum", least > 1? least: 1);
    double value = least > 1 || most < 1? least: 1;
    return whole? json_integer ((json_int_t) value): json_real (value);
}

static cf_json_t *
s_array (const cf_json_t *root, const cf_json_t *schema, int depth)
{
    cf_json_t *array = json_array ();
    const cf_json_t *items = json_object_get (schema, "items");
    int64_t count = cf_json_int (schema, "minItems", 0);
    for (int64_t at = 0; json_is_object (items) && at < count && at < MAX_ITEMS; at++)
        json_array_append_new (array, s_instance (root, items, depth + 1));
    return array;
}

static cf_json_t *
s_object (const cf_json_t *root, const cf_json_t *schema, int depth)
{
    cf_json_t *object = json_object ();
    const cf_json_t *properties = json_object_get (schema, "properties");
    size_t at;
    cf_json_t *name;
    json_array_foreach (json_object_get (schema, "required"), at, name) {
        const cf_json_t *property = json_object_get (properties, json_is_string (name)? json_string_value (name): "");
        if (json_is_string (name))
            json_object_set_new (object, json_string_value (name), s_instance (root, property, depth + 1));
    }
    return object;
}

/*  A schema's type; the first that is not null where it lists several. */
static const char *
s_type (const cf_json_t *schema)
{
    const cf_json_t *type = json_object_get (schema, "type");
    for (size_t at = 0; at < json_array_size (type); at++)
        if (strcmp (json_string_value (json_array_get (type, at))? json_string_value (json_array_get (type, at)): "", "null"))
            return json_string_value (json_array_get (type, at));
    if (json_is_string (type))
        return json_string_value (type);
    return json_object_get (schema, "properties")? "object": json_object_get (schema, "items")? "array": "string";
}

static cf_json_t *
s_instance (const cf_json_t *root, const cf_json_t *schema, int depth)
{
    if (!json_is_object (schema) || depth > MAX_DEPTH)
        return json_null ();
    static const char *const lists [] = { "examples", "enum" }, *const choices [] = { "anyOf", "oneOf", "allOf" };
    for (size_t at = 0; at < 2; at++)
        if (json_array_size (json_object_get (schema, lists [at])))
            return json_deep_copy (json_array_get (json_object_get (schema, lists [at]), 0));
    const cf_json_t *fixed = json_object_get (schema, "const");
    fixed = fixed? fixed: json_object_get (schema, "default");
    if (fixed)
        return json_deep_copy (fixed);
    const char *reference = cf_json_str (schema, "$ref", "");
    if (*reference)
        return s_instance (root, s_resolve (root, reference), depth + 1);
    for (size_t at = 0; at < 3; at++)
        if (json_array_size (json_object_get (schema, choices [at])))
            return s_instance (root, json_array_get (json_object_get (schema, choices [at]), 0), depth + 1);
    const char *type = s_type (schema);
    if (!type || !strcmp (type, "null"))
        return json_null ();
    if (!strcmp (type, "boolean"))
        return json_true ();
    if (!strcmp (type, "integer") || !strcmp (type, "number"))
        return s_number (schema, *type == 'i');
    if (!strcmp (type, "array"))
        return s_array (root, schema, depth);
    return !strcmp (type, "object")? s_object (root, schema, depth): s_string (schema);
}

void
cf_answer_schema (cf_slice_t schema, cf_buf_t *out)
{
    cf_json_t *root = schema.size? cf_json_parse (schema.text, schema.size, NULL): NULL;
    cf_json_t *instance = root? s_instance (root, root, 0): json_pack ("{ss}", "simulated", "CodeForge's provider simulator answers from rules.");
    if (!instance || cf_json_print_to (instance, out))
        out->overflowed = true;
    json_decref (instance);
    json_decref (root);
}
