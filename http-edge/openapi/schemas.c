/* SPDX-License-Identifier: MPL-2.0 */
/*  schemas - files are read once; a component is registered before what it refers to is looked at, so circles end */

#include "http-edge/openapi/schemas.h"
#include "proto/message.h"
#include "proto/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENTS "#/components/schemas/"
#define PATH_MAX_BYTES 512

struct cf_schemas_t {
    const char *root;
    cf_json_t *names;           /* of the component, by file */
    cf_json_t *components;      /* by name */
    cf_json_t *examples;        /* by name: [example …] */
    cf_json_t *shown;           /* those that stand at media types, as components: by NAME-1 */
};

cf_schemas_t *
cf_schemas_new (const char *root)
{
    cf_schemas_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (cf_schemas_t) { root, json_object (), json_object (), json_object (), json_object () };
    return self;
}

void
cf_schemas_destroy (cf_schemas_t **self_p)
{
    cf_schemas_t *self = *self_p;
    if (!self)
        return;
    json_decref (self->names);
    json_decref (self->components);
    json_decref (self->examples);
    json_decref (self->shown);
    free (self);
    *self_p = NULL;
}

/* ---- from file to component ---- */

/*  Takes the names of agents that have no row in actors.def out of the choices, as the edge does. */
static void
s_narrow_agents (cf_json_t *document)
{
    cf_json_t *choices = json_object_get (json_object_get (json_object_get (document, "properties"), "agent_type"), "enum");
    for (size_t at = json_array_size (choices); at-- > 0;) {
        const cf_actor_row_t *row = cf_message_actor_named (json_string_value (json_array_get (choices, at)));
        if (!row || row->kind != CF_ACTOR_KIND_AGENT)
            json_array_remove (choices, at);
    }
}

/*  The name of the file that ref, standing in file, means: "../qa.json" in "answers/job" is "qa". */
static int
s_resolve (const char *file, const char *ref, char *out, cf_error_t *error)
{
    const char *slash = strrchr (file, '/');
    size_t folder = slash? (size_t) (slash + 1 - file): 0;
    size_t size = strlen (ref);
    if (size < 6 || strcmp (ref + size - 5, ".json"))
        return cf_error_set (error, CF_ERROR_INVALID, "%s: $ref %s is not a file beside it", file, ref);
    if (strncmp (ref, "../", 3) == 0) {
        folder = 0;
        ref += 3;
    }
    snprintf (out, PATH_MAX_BYTES, "%.*s%.*s", (int) folder, file, (int) strlen (ref) - 5, ref);
    return 0;
}

static int s_translate (cf_schemas_t *self, const char *file, cf_json_t *schema, cf_error_t *error);

static int
s_translate_ref (cf_schemas_t *self, const char *file, cf_json_t *schema, cf_error_t *error)
{
    char other [PATH_MAX_BYTES], target [PATH_MAX_BYTES];
    const char *ref = cf_json_str (schema, "$ref", NULL);
    if (!ref)
        return 0;
    const char *name = s_resolve (file, ref, other, error)? NULL: cf_schemas_add (self, other, error);
    if (!name)
        return -1;
    snprintf (target, sizeof target, COMPONENTS "%s", name);
    json_object_set_new (schema, "$ref", json_string (target));
    return 0;
}

/*  The schemas that are members (properties) or items (anyOf) of value. */
static int
s_translate_all (cf_schemas_t *self, const char *file, cf_json_t *value, cf_error_t *error)
{
    const char *key;
    cf_json_t *one;
    size_t at;
    json_object_foreach (value, key, one)
        if (s_translate (self, file, one, error))
            return -1;
    json_array_foreach (value, at, one)
        if (s_translate (self, file, one, error))
            return -1;
    return 0;
}

static int
s_translate (cf_schemas_t *self, const char *file, cf_json_t *schema, cf_error_t *error)
{
    static const char *const of_one [] = { "items", "additionalProperties", "not", "if", "then", "else" };
    static const char *const of_many [] = { "properties", "patternProperties", "prefixItems", "allOf", "anyOf", "oneOf" };
    const char *key;
    cf_json_t *value;
    void *next;
    if (!json_is_object (schema))
        return 0;                       /* true, false, or not there */
    json_object_foreach_safe (schema, next, key, value)
        if (strncmp (key, "x-", 2) == 0 || strcmp (key, "$schema") == 0)
            json_object_del (schema, key);
    if (s_translate_ref (self, file, schema, error))
        return -1;
    for (size_t at = 0; at < sizeof of_one / sizeof of_one [0]; at++)
        if (s_translate (self, file, json_object_get (schema, of_one [at]), error))
            return -1;
    for (size_t at = 0; at < sizeof of_many / sizeof of_many [0]; at++)
        if (s_translate_all (self, file, json_object_get (schema, of_many [at]), error))
            return -1;
    return 0;
}

int
cf_schemas_put (cf_schemas_t *self, const char *name, cf_json_t *document, cf_error_t *error)
{
    cf_json_t *examples = json_object_get (document, "examples");
    if (json_object_get (self->components, name)) {
        cf_error_set (error, CF_ERROR_INVALID, "two schemas have the title %s", name);
        json_decref (document);
        return -1;
    }
    if (examples)
        json_object_set (self->examples, name, examples);
    json_object_del (document, "examples");
    return json_object_set_new (self->components, name, document);
}

const char *
cf_schemas_add (cf_schemas_t *self, const char *file, cf_error_t *error)
{
    char path [PATH_MAX_BYTES];
    const char *known = cf_json_str (self->names, file, NULL);
    if (known)
        return known;
    snprintf (path, sizeof path, "%s/proto/schema/%s.json", self->root, file);
    cf_json_t *document = cf_json_load (path, error);
    const char *title = cf_json_str (document, "title", NULL);
    if (!title) {
        if (document)
            cf_error_set (error, CF_ERROR_INVALID, "%s has no title", path);
        json_decref (document);
        return NULL;
    }
    if (strncmp (file, "answers/", 8))
        s_narrow_agents (document);
    cf_json_t *name = json_string (title);
    json_object_set_new (self->names, file, name);
    if (cf_schemas_put (self, title, document, error) || s_translate (self, file, document, error))
        return NULL;
    return json_string_value (name);
}

/* ---- pages ---- */

static cf_json_t *
s_count (const char *text, int least)
{
    return json_pack ("{s:s, s:s, s:i}", "type", "integer", "description", text, "minimum", least);
}

static cf_json_t *
s_page (cf_schemas_t *self, const char *item, const char *title)
{
    cf_json_t *example = json_array_get (json_object_get (self->examples, item), 0);
    char text [PATH_MAX_BYTES];
    snprintf (text, sizeof text, "A page of a list: items of type %s, and where in the list they stand.", item);
    cf_json_t *properties = json_pack ("{s:{s:s, s:s, s:o}, s:o, s:o, s:o, s:{s:s, s:s}}",
        "items", "type", "array", "description", "Those of this page.", "items", cf_schemas_ref (item),
        "total", s_count ("How many there are in all.", 0), "page", s_count ("Which page this is, from 1.", 1),
        "page_size", s_count ("Most of a page.", 1),
        "has_more", "type", "boolean", "description", "Whether a page follows.");
    return json_pack ("{s:s, s:s, s:s, s:b, s:[s, s, s, s, s], s:o, s:[{s:[O], s:i, s:i, s:i, s:b}]}",
        "title", title, "description", text, "type", "object", "additionalProperties", 0,
        "required", "items", "total", "page", "page_size", "has_more", "properties", properties,
        "examples", "items", example, "total", 1, "page", 1, "page_size", 20, "has_more", 0);
}

const char *
cf_schemas_add_page (cf_schemas_t *self, const char *file, cf_error_t *error)
{
    char key [PATH_MAX_BYTES], title [PATH_MAX_BYTES];
    const char *item = cf_schemas_add (self, file, error);
    if (!item)
        return NULL;
    snprintf (key, sizeof key, "%s page", file);
    snprintf (title, sizeof title, "%sPage", item);
    const char *known = cf_json_str (self->names, key, NULL);
    if (known)
        return known;
    if (!json_object_get (self->examples, item)) {
        cf_error_set (error, CF_ERROR_INVALID, "%s has no examples", file);
        return NULL;
    }
    json_object_set_new (self->names, key, json_string (title));
    if (cf_schemas_put (self, title, s_page (self, item, title), error))
        return NULL;
    return cf_json_str (self->names, key, NULL);
}

/* ---- use ---- */

bool
cf_schemas_has (const cf_schemas_t *self, const char *name)
{
    return json_object_get (self->components, name) != NULL;
}

const cf_json_t *
cf_schemas_peek (const cf_schemas_t *self, const char *file)
{
    return json_object_get (self->components, cf_json_str (self->names, file, ""));
}

cf_json_t *
cf_schemas_ref (const char *name)
{
    char target [PATH_MAX_BYTES];
    snprintf (target, sizeof target, COMPONENTS "%s", name);
    return json_pack ("{s:s}", "$ref", target);
}

cf_json_t *
cf_schemas_media (cf_schemas_t *self, const char *name)
{
    cf_json_t *media = json_pack ("{s:o}", "schema", cf_schemas_ref (name));
    cf_json_t *examples = json_object_get (self->examples, name), *example, *refs = json_object ();
    size_t at;
    json_array_foreach (examples, at, example) {
        char key [PATH_MAX_BYTES], target [PATH_MAX_BYTES];
        snprintf (key, sizeof key, "%s-%zu", name, at + 1);
        snprintf (target, sizeof target, "#/components/examples/%s-%zu", name, at + 1);
        json_object_set_new (self->shown, key, json_pack ("{s:O}", "value", example));
        json_object_set_new (refs, key, json_pack ("{s:s}", "$ref", target));
    }
    if (json_object_size (refs))
        json_object_set (media, "examples", refs);
    json_decref (refs);
    return media;
}

/* ---- checking ---- */

/*  Turns every reference to a component into one to a definition of the same document. */
static void
s_rewrite_refs (cf_json_t *value)
{
    const char *key, *ref = cf_json_str (value, "$ref", "");
    cf_json_t *one;
    size_t at;
    if (strncmp (ref, COMPONENTS, sizeof COMPONENTS - 1) == 0) {
        char target [PATH_MAX_BYTES];
        snprintf (target, sizeof target, "#/$defs/%s", ref + sizeof COMPONENTS - 1);
        json_object_set_new (value, "$ref", json_string (target));
    }
    json_object_foreach (value, key, one)
        s_rewrite_refs (one);
    json_array_foreach (value, at, one)
        s_rewrite_refs (one);
}

static cf_schema_t *
s_compile (const cf_schemas_t *self, const char *name)
{
    char target [PATH_MAX_BYTES];
    cf_error_t error = { 0 };
    snprintf (target, sizeof target, "#/$defs/%s", name);
    cf_json_t *document = json_pack ("{s:s, s:o}", "$ref", target, "$defs", json_deep_copy (self->components));
    s_rewrite_refs (json_object_get (document, "$defs"));
    cf_schema_t *schema = cf_schema_new (document, true, &error);
    if (!schema)
        fprintf (stderr, "%s: %s\n", name, error.text);
    json_decref (document);
    return schema;
}

int
cf_schemas_check (const cf_schemas_t *self, const char *name, const cf_json_t *value, const char *what)
{
    cf_schema_fault_t fault;
    cf_schema_t *schema = s_compile (self, name);
    size_t count = schema? cf_schema_check (schema, value, &fault, 1): 1;
    if (schema && count)
        fprintf (stderr, "%s: %s: %s\n", what, fault.field, fault.message);
    cf_schema_destroy (&schema);
    return count? -1: 0;
}

int
cf_schemas_check_examples (const cf_schemas_t *self)
{
    const char *name;
    cf_json_t *examples, *example;
    size_t at;
    int faults = 0;
    json_object_foreach (self->examples, name, examples)
        json_array_foreach (examples, at, example) {
            char what [PATH_MAX_BYTES];
            snprintf (what, sizeof what, "example %zu of %s", at + 1, name);
            faults += cf_schemas_check (self, name, example, what)? 1: 0;
        }
    return faults? -1: 0;
}

static int
s_compare (const void *a, const void *b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/*  The same members by name. */
static cf_json_t *
s_sort (cf_json_t *object)
{
    size_t count = json_object_size (object), at = 0;
    const char **names = calloc (count + 1, sizeof *names);
    const char *name;
    cf_json_t *value, *sorted = names? json_object (): NULL;
    json_object_foreach (object, name, value)
        if (names)
            names [at++] = name;
    if (names)
        qsort (names, at, sizeof *names, s_compare);
    for (size_t of = 0; of < at; of++)
        json_object_set (sorted, names [of], json_object_get (object, names [of]));
    free (names);
    return sorted;
}

cf_json_t *
cf_schemas_components (const cf_schemas_t *self)
{
    const char *name;
    cf_json_t *examples;
    char key [PATH_MAX_BYTES];
    json_object_foreach (self->examples, name, examples) {
        snprintf (key, sizeof key, "%s-1", name);
        if (!json_object_get (self->shown, key))
            json_object_set (json_object_get (self->components, name), "examples", examples);
    }
    return s_sort (self->components);
}

cf_json_t *
cf_schemas_examples (const cf_schemas_t *self)
{
    return s_sort (self->shown);
}
