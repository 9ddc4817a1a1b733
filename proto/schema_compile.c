/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_compile - from a schema document to the graph that checks walk
 *
 *  Anything doubtful ends the compilation with the place and the reason: a schema that is only half understood
 *  would accept what it should refuse.
 */

#include "proto/schema_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cf_schema_node_t s_node_t;
typedef cf_schema_rule_t s_rule_t;

typedef struct {
    cf_schema_t *schema;
    bool strict;
    cf_error_t *error;
    cf_schema_path_t path;
    unsigned depth;
} s_compiler_t;

const cf_schema_kind_t cf_schema_kinds [] = {
    { "string", "a string", CF_SCHEMA_STRING }, { "integer", "an integer", CF_SCHEMA_INTEGER },
    { "number", "a number", CF_SCHEMA_NUMBER }, { "boolean", "true or false", CF_SCHEMA_BOOLEAN },
    { "object", "an object", CF_SCHEMA_OBJECT }, { "array", "a list", CF_SCHEMA_ARRAY },
    { "null", "null", CF_SCHEMA_NULL }, { NULL, NULL, 0 },
};

static s_node_t *s_compile (s_compiler_t *self, cf_json_t *source);

static int
s_refuse (s_compiler_t *self, const char *reason)
{
    return cf_error_set (self->error, CF_ERROR_INVALID, "schema %s: %s", self->path.text, reason);
}

static int
s_make_nodes (s_compiler_t *self, s_rule_t *rule, size_t count)
{
    rule->nodes = calloc (count + 1, sizeof *rule->nodes);
    rule->count = count;
    return rule->nodes? 0: s_refuse (self, "out of memory");
}

static int
s_make_patterns (s_compiler_t *self, s_rule_t *rule, size_t count)
{
    rule->patterns = calloc (count + 1, sizeof *rule->patterns);
    rule->count = count;
    return rule->patterns? 0: s_refuse (self, "out of memory");
}

static cf_schema_pattern_t *
s_compile_regex (s_compiler_t *self, const char *text)
{
    cf_error_t reason = { CF_OK, "" };
    cf_schema_pattern_t *pattern = cf_schema_pattern_new (text, &reason);
    if (!pattern)
        s_refuse (self, reason.text);
    return pattern;
}

static int
s_compile_anything (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) self, (void) node, (void) rule;
    return 0;
}

static int
s_compile_unsupported (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node, (void) rule;
    return s_refuse (self, "this keyword is not supported");
}

static int
s_compile_dialect (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    const char *dialect = json_string_value (rule->operand);
    if (!dialect || strcmp (dialect, "https://json-schema.org/draft/2020-12/schema"))
        return s_refuse (self, "must be https://json-schema.org/draft/2020-12/schema");
    return 0;
}

/*  An $id further down would change what the $refs below it mean. */
static int
s_compile_id (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    if (!json_is_string (rule->operand))
        return s_refuse (self, "must be a string");
    return node->source == self->schema->document? 0: s_refuse (self, "is supported at the root only");
}

static int
s_compile_trim (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    node->trimmed = json_is_true (rule->operand);
    return json_is_boolean (rule->operand)? 0: s_refuse (self, "must be true or false");
}

static int
s_compile_type (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    bool list = json_is_array (rule->operand);
    size_t count = list? json_array_size (rule->operand): 1;
    node->kinds = 0;
    for (size_t at = 0; at < count; at++) {
        const char *name = json_string_value (list? json_array_get (rule->operand, at): rule->operand);
        const cf_schema_kind_t *kind = cf_schema_kinds;
        while (name && kind->name && strcmp (name, kind->name))
            kind++;
        if (!name || !kind->name)
            return s_refuse (self, "must be the name of a type or a list of them");
        node->kinds |= kind->kind;
    }
    return node->kinds? 0: s_refuse (self, "must not be empty");
}

static int
s_compile_count (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    double limit = json_is_number (rule->operand)? json_number_value (rule->operand): -1;
    if (limit < 0 || limit > 1e15 || !cf_schema_whole (limit))
        return s_refuse (self, "must be a whole number that is not negative");
    rule->limit = (size_t) limit;
    return 0;
}

static int
s_compile_number (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    return json_is_number (rule->operand)? 0: s_refuse (self, "must be a number");
}

static int
s_compile_divisor (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    return json_number_value (rule->operand) > 0? 0: s_refuse (self, "must be a number greater than 0");
}

static int
s_compile_unique (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    return json_is_boolean (rule->operand)? 0: s_refuse (self, "must be true or false");
}

static int
s_compile_enum (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    return json_is_array (rule->operand)? 0: s_refuse (self, "must be a list");
}

static int
s_compile_required (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    if (!json_is_array (rule->operand))
        return s_refuse (self, "must be a list");
    size_t at;
    cf_json_t *name;
    json_array_foreach (rule->operand, at, name)
        if (!json_is_string (name))
            return s_refuse (self, "must be a list of strings");
    node->required = rule;
    return 0;
}

static int
s_compile_format (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    const char *name = json_string_value (rule->operand);
    if (!name)
        return s_refuse (self, "must be a string");
    rule->format = cf_schema_format_lookup (name);
    return rule->format || !self->strict? 0: s_refuse (self, "is not a known format");
}

static int
s_compile_pattern (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    if (!json_is_string (rule->operand))
        return s_refuse (self, "must be a string");
    if (s_make_patterns (self, rule, 1))
        return -1;
    rule->patterns [0] = s_compile_regex (self, json_string_value (rule->operand));
    return rule->patterns [0]? 0: -1;
}

/*  An object of schemas. */
static int
s_compile_members (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    if (!json_is_object (rule->operand))
        return s_refuse (self, "must be an object");
    if (s_make_nodes (self, rule, json_object_size (rule->operand)))
        return -1;
    size_t at = 0;
    const char *key;
    cf_json_t *member;
    json_object_foreach (rule->operand, key, member) {
        size_t before = cf_schema_path_enter (&self->path, key);
        rule->nodes [at] = s_compile (self, member);
        if (!rule->nodes [at++])
            return -1;
        cf_schema_path_leave (&self->path, before);
    }
    return 0;
}

static int
s_compile_properties (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    node->properties = rule;
    return s_compile_members (self, node, rule);
}

static int
s_compile_patterns (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    if (s_compile_members (self, node, rule) || s_make_patterns (self, rule, rule->count))
        return -1;
    size_t at = 0;
    const char *key;
    cf_json_t *member;
    json_object_foreach (rule->operand, key, member) {
        (void) member;
        rule->patterns [at] = s_compile_regex (self, key);
        if (!rule->patterns [at++])
            return -1;
    }
    node->pattern_properties = rule;
    return 0;
}

/*  A list of schemas. */
static int
s_compile_list (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    if (!json_is_array (rule->operand) || json_array_size (rule->operand) == 0)
        return s_refuse (self, "must be a list that is not empty");
    if (s_make_nodes (self, rule, json_array_size (rule->operand)))
        return -1;
    for (size_t at = 0; at < rule->count; at++) {
        size_t before = cf_schema_path_enter_index (&self->path, at);
        rule->nodes [at] = s_compile (self, json_array_get (rule->operand, at));
        if (!rule->nodes [at])
            return -1;
        cf_schema_path_leave (&self->path, before);
    }
    return 0;
}

static int
s_compile_one (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    if (s_make_nodes (self, rule, 1))
        return -1;
    rule->nodes [0] = s_compile (self, rule->operand);
    return rule->nodes [0]? 0: -1;
}

static int
s_compile_items (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    rule->limit = json_array_size (json_object_get (node->source, "prefixItems"));
    return s_compile_one (self, node, rule);
}

static int
s_compile_then (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    node->then_node = s_compile (self, rule->operand);
    return node->then_node? 0: -1;
}

static int
s_compile_else (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    node->else_node = s_compile (self, rule->operand);
    return node->else_node? 0: -1;
}

static int
s_hex (char byte)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = byte? strchr (digits, byte): NULL;
    return at? (int) (at - digits) % 16: -1;
}

/*  Turns one token of a pointer in a URI fragment into a member's name, in place: %41 first, then ~1 and ~0. */
static void
s_unescape (char *token)
{
    char *out = token;
    for (char *at = token; *at; at++) {
        if (*at == '%' && s_hex (at [1]) >= 0 && s_hex (at [2]) >= 0) {
            *out++ = (char) (s_hex (at [1]) * 16 + s_hex (at [2]));
            at += 2;
        }
        else
            *out++ = *at;
    }
    *out = 0;
    out = token;
    for (char *at = token; *at; at++) {
        if (*at == '~' && (at [1] == '0' || at [1] == '1'))
            *out++ = *++at == '0'? '~': '/';
        else
            *out++ = *at;
    }
    *out = 0;
}

/*  The value that "#/a/b" points at, NULL where there is none. Tears pointer apart. */
static cf_json_t *
s_resolve (cf_json_t *value, char *pointer)
{
    char *rest = pointer + 1;
    if (*rest && *rest != '/')
        return NULL;
    while (rest && *rest && value) {
        char *token = rest + 1;
        rest = strchr (token, '/');
        if (rest)
            *rest = 0;
        s_unescape (token);
        if (json_is_array (value)) {
            char *end;
            unsigned long index = strtoul (token, &end, 10);
            value = *token && !*end? json_array_get (value, index): NULL;
        }
        else
            value = json_object_get (value, token);
        if (rest)
            *rest = '/';
    }
    return value;
}

static int
s_compile_ref (s_compiler_t *self, s_node_t *node, s_rule_t *rule)
{
    (void) node;
    const char *reference = json_string_value (rule->operand);
    if (!reference || reference [0] != '#')
        return s_refuse (self, "must be a JSON pointer into this document");
    char *pointer = strdup (reference);
    cf_json_t *target = pointer? s_resolve (self->schema->document, pointer): NULL;
    free (pointer);
    if (!target)
        return s_refuse (self, "points at nothing");
    if (s_make_nodes (self, rule, 1))
        return -1;
    rule->nodes [0] = s_compile (self, target);
    return rule->nodes [0]? 0: -1;
}

typedef struct {
    const char *name;
    int (*compile) (s_compiler_t *self, s_node_t *node, s_rule_t *rule);
    unsigned kinds;
} s_keyword_t;

static const s_keyword_t s_keywords [] = {
#define KEYWORD(name_, compile_, check_, trim_, kinds_) { name_, s_compile_##compile_, CF_SCHEMA_##kinds_ },
#include "proto/schema_keywords.def"
#undef KEYWORD
};

static int
s_compile_keyword (s_compiler_t *self, s_node_t *node, const char *name, cf_json_t *operand)
{
    unsigned row = 0;
    while (row < sizeof s_keywords / sizeof s_keywords [0] && strcmp (name, s_keywords [row].name))
        row++;
    if (row == sizeof s_keywords / sizeof s_keywords [0])
        return self->strict? s_refuse (self, "unknown keyword"): 0;
    s_rule_t *rule = &node->rules [node->count++];
    rule->keyword = row;
    rule->kinds = s_keywords [row].kinds;
    rule->owner = node;
    rule->operand = operand;
    return s_keywords [row].compile (self, node, rule);
}

/*  An empty node for source, known to the schema from now on. */
static s_node_t *
s_node_new (s_compiler_t *self, cf_json_t *source)
{
    cf_schema_t *schema = self->schema;
    if (schema->count == schema->capacity) {
        size_t capacity = schema->capacity? schema->capacity * 2: 32;
        s_node_t **nodes = capacity <= CF_SCHEMA_MAX_NODES? realloc (schema->nodes, capacity * sizeof *nodes): NULL;
        if (!nodes) {
            s_refuse (self, "too many subschemas");
            return NULL;
        }
        schema->nodes = nodes;
        schema->capacity = capacity;
    }
    s_node_t *node = calloc (1, sizeof *node);
    if (node) {
        node->source = source;
        node->kinds = CF_SCHEMA_ANY;
        node->impossible = json_is_false (source);
        node->rules = calloc (json_object_size (source) + 1, sizeof *node->rules);
    }
    if (!node || !node->rules) {
        free (node);
        s_refuse (self, "out of memory");
        return NULL;
    }
    schema->nodes [schema->count++] = node;
    return node;
}

/*  The node for source; made where it is not there yet. NULL with error. */
static s_node_t *
s_compile (s_compiler_t *self, cf_json_t *source)
{
    for (size_t at = 0; at < self->schema->count; at++)
        if (self->schema->nodes [at]->source == source)
            return self->schema->nodes [at];
    if (!json_is_object (source) && !json_is_boolean (source)) {
        s_refuse (self, "must be a schema: an object, true or false");
        return NULL;
    }
    if (self->depth == CF_SCHEMA_MAX_DEPTH) {
        s_refuse (self, "nested too deep");
        return NULL;
    }
    s_node_t *node = s_node_new (self, source);
    if (!node)
        return NULL;
    self->depth++;
    const char *name;
    cf_json_t *operand;
    json_object_foreach (source, name, operand) {
        size_t before = cf_schema_path_enter (&self->path, name);
        if (s_compile_keyword (self, node, name, operand))
            return NULL;
        cf_schema_path_leave (&self->path, before);
    }
    self->depth--;
    return node;
}

int
cf_schema_compile (cf_schema_t *self, bool strict, cf_error_t *error)
{
    s_compiler_t compiler = { .schema = self, .strict = strict, .error = error, .path = { .separator = '/' } };
    cf_schema_path_enter (&compiler.path, "#");
    self->root = s_compile (&compiler, self->document);
    return self->root? 0: -1;
}

void
cf_schema_node_destroy (cf_schema_node_t **self_p)
{
    s_node_t *self = *self_p;
    if (!self)
        return;
    for (size_t row = 0; row < self->count; row++) {
        s_rule_t *rule = &self->rules [row];
        for (size_t at = 0; rule->patterns && at < rule->count; at++)
            cf_schema_pattern_destroy (&rule->patterns [at]);
        free (rule->patterns);
        free (rule->nodes);
    }
    free (self->rules);
    free (self);
    *self_p = NULL;
}
