/* SPDX-License-Identifier: MPL-2.0 */
/*  strict - one walk over the schema; keywords that are not named here do not get through
 *
 *  Kept as they are: type, enum, const, description, $ref. Walked into: properties, items, anyOf, $defs; oneOf becomes
 *  anyOf. Rejected: copying the document and deleting what a provider refuses today. A keyword that is new
 *  to our schemas would then reach the provider and be refused there.
 */

#include "actors/providers/strict.h"

#include <stdlib.h>
#include <string.h>

#define CF_STRICT_DEPTH 64

/*  One reduction. */
typedef struct {
    unsigned dialect;
    cf_error_t *error;
} reduction_t;

static cf_json_t *s_reduce (const reduction_t *self, const cf_json_t *schema, int depth);

/*  Whether key is one of those that every object of this schema must have. */
static bool
s_required (const cf_json_t *schema, const char *key)
{
    size_t at;
    cf_json_t *name;
    json_array_foreach (json_object_get (schema, "required"), at, name)
        if (json_is_string (name) && strcmp (json_string_value (name), key) == 0)
            return true;
    return false;
}

static bool
s_has_null (const cf_json_t *array)
{
    size_t at;
    cf_json_t *value;
    json_array_foreach (array, at, value)
        if (json_is_null (value) || (json_is_string (value) && strcmp (json_string_value (value), "null") == 0))
            return true;
    return false;
}

/*  Takes schema over and gives one that accepts null as well. */
static cf_json_t *
s_nullable (cf_json_t *schema)
{
    cf_json_t *type = json_object_get (schema, "type");
    cf_json_t *values = json_object_get (schema, "enum");
    if (!type || json_object_get (schema, "const"))
        return json_pack ("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    if (json_is_string (type))
        json_object_set_new (schema, "type", json_pack ("[O, s]", type, "null"));
    else if (!s_has_null (type))
        json_array_append_new (type, json_string ("null"));
    if (values && !s_has_null (values))
        json_array_append_new (values, json_null ());
    return schema;
}

static int
s_reduce_properties (const reduction_t *self, const cf_json_t *schema, cf_json_t *out, int depth)
{
    bool optional = self->dialect & CF_STRICT_OPTIONAL;
    cf_json_t *properties = json_object (), *required = json_array ();
    json_object_set_new (out, "properties", properties);
    json_object_set_new (out, "required", required);
    json_object_set_new (out, "additionalProperties", json_false ());
    const char *key;
    cf_json_t *value;
    json_object_foreach (json_object_get (schema, "properties"), key, value) {
        cf_json_t *reduced = s_reduce (self, value, depth);
        if (!reduced)
            return -1;
        bool needed = s_required (schema, key);
        json_object_set_new (properties, key, needed || optional? reduced: s_nullable (reduced));
        if (needed || !optional)
            json_array_append_new (required, json_string (key));
    }
    if (json_object_get (schema, "patternProperties") || json_is_object (json_object_get (schema, "additionalProperties")))
        return cf_error_set (self->error, CF_ERROR_INVALID, "strict mode knows no objects with free names");
    return 0;
}

/*  Reduces each schema of an array or object into a new one of the same kind. */
static int
s_reduce_all (const reduction_t *self, cf_json_t *schemas, const char *keyword, cf_json_t *out, int depth)
{
    size_t at;
    const char *key;
    cf_json_t *value;
    cf_json_t *all = json_is_array (schemas)? json_array (): json_object ();
    json_object_set_new (out, keyword, all);
    json_array_foreach (schemas, at, value)
        if (json_array_append_new (all, s_reduce (self, value, depth)))
            return -1;
    json_object_foreach (schemas, key, value)
        if (json_object_set_new (all, key, s_reduce (self, value, depth)))
            return -1;
    return 0;
}

static bool
s_is_object (const cf_json_t *schema)
{
    const cf_json_t *type = json_object_get (schema, "type");
    size_t at;
    cf_json_t *name;
    json_array_foreach (type, at, name)
        if (json_is_string (name) && strcmp (json_string_value (name), "object") == 0)
            return true;
    return json_is_string (type) && strcmp (json_string_value (type), "object") == 0;
}

/*  The keywords that are kept as they are. */
static void
s_keep (const reduction_t *self, const cf_json_t *schema, cf_json_t *out)
{
    static const char *const kept [] = { "type", "enum", "const", "description", "$ref" };
    for (size_t at = 0; at < sizeof kept / sizeof kept [0]; at++) {
        const cf_json_t *value = json_object_get (schema, kept [at]);
        if (value && strcmp (kept [at], "const") == 0 && self->dialect & CF_STRICT_ENUMS_ONLY)
            json_object_set_new (out, "enum", json_pack ("[o]", json_deep_copy (value)));
        else if (value)
            json_object_set_new (out, kept [at], json_deep_copy (value));
    }
}

static int
s_reduce_into (const reduction_t *self, const cf_json_t *schema, cf_json_t *out, int depth)
{
    s_keep (self, schema, out);
    if (s_is_object (schema) && s_reduce_properties (self, schema, out, depth))
        return -1;
    const cf_json_t *items = json_object_get (schema, "items");
    cf_json_t *reduced = items? s_reduce (self, items, depth): NULL;
    if (items && (!reduced || json_object_set_new (out, "items", reduced)))
        return -1;
    static const char *const walked [] [2] = { { "anyOf", "anyOf" }, { "oneOf", "anyOf" }, { "$defs", "$defs" } };
    for (size_t at = 0; at < sizeof walked / sizeof walked [0]; at++) {
        cf_json_t *schemas = json_object_get (schema, walked [at] [0]);
        if (schemas && s_reduce_all (self, schemas, walked [at] [1], out, depth))
            return -1;
    }
    return 0;
}

static cf_json_t *
s_reduce (const reduction_t *self, const cf_json_t *schema, int depth)
{
    if (!json_is_object (schema) || depth == CF_STRICT_DEPTH) {
        cf_error_set (self->error, CF_ERROR_INVALID, depth == CF_STRICT_DEPTH? "schema is too deep": "strict mode needs each schema to be an object");
        return NULL;
    }
    cf_json_t *out = json_object ();
    if (s_reduce_into (self, schema, out, depth + 1)) {
        json_decref (out);
        return NULL;
    }
    return out;
}

cf_json_t *
cf_strict_reduce (const cf_json_t *schema, unsigned dialect, cf_error_t *error)
{
    const reduction_t self = { dialect, error };
    if (!s_is_object (schema) || json_object_get (schema, "anyOf")) {
        cf_error_set (error, CF_ERROR_INVALID, "strict mode needs an object at the root");
        return NULL;
    }
    return s_reduce (&self, schema, 0);
}
