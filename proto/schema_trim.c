/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_trim - brings a document into the form that is checked
 *
 *  Follows only what surely applies (not anyOf and its like). Past a bound it does nothing more: the check that
 *  comes next meets the same bound and refuses the document.
 */

#include "proto/schema_node.h"

#include <string.h>

typedef cf_schema_node_t s_node_t;
typedef cf_schema_rule_t s_rule_t;

typedef struct {
    unsigned depth;
    size_t steps;
    bool failed;                /* out of memory */
} s_walk_t;

static void s_trim (s_walk_t *walk, const s_node_t *node, cf_json_t *value);

/*  Bytes of the white space character (Unicode's White_Space) at text, 0 if it is none. */
static size_t
s_space (const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *) text;
    if (size >= 1 && (at [0] == ' ' || (at [0] >= '\t' && at [0] <= '\r')))
        return 1;
    if (size >= 2 && at [0] == 0xC2 && (at [1] == 0x85 || at [1] == 0xA0))
        return 2;
    if (size < 3 || (at [0] & 0xF0) != 0xE0)
        return 0;
    unsigned code = ((at [0] & 0x0Fu) << 12) | ((at [1] & 0x3Fu) << 6) | (at [2] & 0x3Fu);
    bool space = (code >= 0x2000 && code <= 0x200A) || code == 0x1680 || code == 0x2028 || code == 0x2029
        || code == 0x202F || code == 0x205F || code == 0x3000;
    return space? 3: 0;
}

static void
s_trim_string (s_walk_t *walk, cf_json_t *string)
{
    const char *text = json_string_value (string);
    size_t size = json_string_length (string);
    size_t start = 0;
    size_t width;
    while ((width = s_space (text + start, size - start)))
        start += width;
    size_t end = start;
    for (size_t at = start; at < size; at += width) {
        width = s_space (text + at, size - at);
        if (width == 0) {
            width = 1;
            end = at + 1;
        }
    }
    if ((start > 0 || end < size) && json_string_setn (string, text + start, end - start))
        walk->failed = true;
}

static bool
s_required (const s_node_t *node, const char *key)
{
    size_t at;
    cf_json_t *name;
    if (node->required)
        json_array_foreach (node->required->operand, at, name)
            if (strcmp (json_string_value (name), key) == 0)
                return true;
    return false;
}

static bool
s_nullable (s_node_t *node)
{
    const cf_schema_t view = { .root = node };
    return cf_schema_check (&view, json_null (), NULL, 0) == 0;
}

static void
s_trim_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    s_node_t *const *node = rule->nodes;
    for (void *at = json_object_iter (rule->operand); at; at = json_object_iter_next (rule->operand, at), node++) {
        const char *key = json_object_iter_key (at);
        cf_json_t *member = json_object_get (value, key);
        if (json_is_null (member) && !s_required (rule->owner, key) && !s_nullable (*node))
            json_object_del (value, key);
        else if (member)
            s_trim (walk, *node, member);
    }
}

static void
s_trim_patterns (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const char *key;
    cf_json_t *member;
    json_object_foreach (value, key, member)
        for (size_t at = 0; at < rule->count; at++)
            if (cf_schema_pattern_match (rule->patterns [at], key, strlen (key)) == CF_SCHEMA_PATTERN_MATCHED)
                s_trim (walk, rule->nodes [at], member);
}

static void
s_trim_additional (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const char *key;
    cf_json_t *member;
    json_object_foreach (value, key, member)
        if (cf_schema_additional (rule->owner, key) == CF_SCHEMA_PATTERN_MATCHED)
            s_trim (walk, rule->nodes [0], member);
}

static void
s_trim_prefix_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = 0; at < rule->count && at < json_array_size (value); at++)
        s_trim (walk, rule->nodes [at], json_array_get (value, at));
}

static void
s_trim_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = rule->limit; at < json_array_size (value); at++)
        s_trim (walk, rule->nodes [0], json_array_get (value, at));
}

static void
s_trim_same (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = 0; at < rule->count; at++)
        s_trim (walk, rule->nodes [at], value);
}

#define s_trim_nothing NULL

static void (*const s_trims []) (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value) = {
#define KEYWORD(name_, compile_, check_, trim_, kinds_) s_trim_##trim_,
#include "proto/schema_keywords.def"
#undef KEYWORD
};

static void
s_trim (s_walk_t *walk, const s_node_t *node, cf_json_t *value)
{
    if (walk->depth == CF_SCHEMA_MAX_DEPTH || ++walk->steps > CF_SCHEMA_MAX_STEPS)
        return;
    unsigned kind = cf_schema_kind (value);
    if (node->trimmed && kind == CF_SCHEMA_STRING)
        s_trim_string (walk, value);
    walk->depth++;
    for (const s_rule_t *rule = node->rules; rule < node->rules + node->count; rule++)
        if ((rule->kinds & kind) && s_trims [rule->keyword])
            s_trims [rule->keyword] (walk, rule, value);
    walk->depth--;
}

int
cf_schema_trim (const cf_schema_t *self, cf_json_t *value)
{
    s_walk_t walk = { .depth = 0 };
    s_trim (&walk, self->root, value);
    return walk.failed? -1: 0;
}
