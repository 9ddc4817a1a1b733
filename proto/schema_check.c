/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_check - walks a document and the graph of its schema together
 *
 *  The walk recurses (a level for each schema inside another), so its frames are small and everything it
 *  remembers, the path included, lives in one s_walk_t. Whatever a hostile document asks for is counted: depth,
 *  schemas applied, items compared. Past a bound the walk stops and the document is refused as too complex.
 */

#include "proto/schema_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cf_schema_node_t s_node_t;
typedef cf_schema_rule_t s_rule_t;

typedef struct {
    cf_schema_fault_t *faults;
    size_t max;
    size_t count;
    bool quiet;                 /* only whether there is a fault: inside anyOf, oneOf, not, if */
    bool stopped;               /* a bound was met: nothing more is judged */
    unsigned depth;
    size_t steps;
    cf_schema_path_t path;
} s_walk_t;

typedef void (s_check_fn) (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value);

static void s_apply (s_walk_t *walk, const s_node_t *node, cf_json_t *value);

/*  Long double holds every int64 and every double without loss. */
static long double
s_number (const cf_json_t *value)
{
    return json_is_integer (value)? (long double) json_integer_value (value): (long double) json_real_value (value);
}

/*  Equality as JSON means it: 1 equals 1.0, the order of members does not count. Counts what it compares. */
static bool
s_equal (cf_json_t *one, cf_json_t *other, size_t *steps)
{
    ++*steps;
    if (json_is_number (one) && json_is_number (other))
        return s_number (one) == s_number (other);
    if (json_typeof (one) != json_typeof (other))
        return false;
    if (json_is_array (one)) {
        size_t size = json_array_size (one);
        bool equal = size == json_array_size (other);
        for (size_t at = 0; equal && at < size; at++)
            equal = s_equal (json_array_get (one, at), json_array_get (other, at), steps);
        return equal;
    }
    if (json_is_object (one)) {
        if (json_object_size (one) != json_object_size (other))
            return false;
        const char *key;
        cf_json_t *member;
        json_object_foreach (one, key, member) {
            cf_json_t *twin = json_object_get (other, key);
            if (!twin || !s_equal (member, twin, steps))
                return false;
        }
        return true;
    }
    return json_equal (one, other);
}

/*  Unicode code points in a string that the parser has found to be UTF-8. */
static size_t
s_length (const cf_json_t *string)
{
    const char *text = json_string_value (string);
    size_t size = json_string_length (string);
    size_t length = 0;
    for (size_t at = 0; at < size; at++)
        length += ((unsigned char) text [at] & 0xC0) != 0x80;
    return length;
}

static void s_fault (s_walk_t *walk, const char *type, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static void
s_fault (s_walk_t *walk, const char *type, const char *format, ...)
{
    if (walk->stopped)
        return;
    if (!walk->quiet && walk->count < walk->max) {
        cf_schema_fault_t *fault = &walk->faults [walk->count];
        snprintf (fault->type, sizeof fault->type, "%s", type);
        memcpy (fault->field, walk->path.text, sizeof fault->field);
        va_list arguments;
        va_start (arguments, format);
        int wrote = vsnprintf (fault->message, sizeof fault->message, format, arguments);
        va_end (arguments);
        if (wrote >= (int) sizeof fault->message)
            cf_schema_cut (fault->message, sizeof fault->message);
    }
    walk->count++;
}

/*  Whether nothing that follows can change the answer. */
static bool
s_decided (const s_walk_t *walk)
{
    return walk->stopped || (walk->quiet && walk->count);
}

static void
s_count_steps (s_walk_t *walk, size_t steps)
{
    walk->steps += steps;
    if (walk->steps > CF_SCHEMA_MAX_STEPS)
        walk->stopped = true;
}

static bool
s_same (s_walk_t *walk, cf_json_t *one, cf_json_t *other)
{
    size_t steps = 0;
    bool same = s_equal (one, other, &steps);
    s_count_steps (walk, steps);
    return same;
}

/*  Whether node accepts value; leaves no fault behind. */
static bool
s_matches (s_walk_t *walk, const s_node_t *node, cf_json_t *value)
{
    bool quiet = walk->quiet;
    size_t count = walk->count;
    walk->quiet = true;
    walk->count = 0;
    s_apply (walk, node, value);
    bool matches = walk->count == 0;
    walk->quiet = quiet;
    walk->count = count;
    return matches;
}

static void
s_apply_member (s_walk_t *walk, const s_node_t *node, const char *key, cf_json_t *value)
{
    size_t before = cf_schema_path_enter (&walk->path, key);
    s_apply (walk, node, value);
    cf_schema_path_leave (&walk->path, before);
}

static void
s_check_enum (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    size_t at;
    cf_json_t *allowed;
    json_array_foreach (rule->operand, at, allowed)
        if (s_same (walk, allowed, value))
            return;
    char *list = walk->quiet? NULL: cf_json_print (rule->operand);
    if (list && strlen (list) > 2)
        list [strlen (list) - 1] = 0;
    s_fault (walk, "not_allowed", "must be one of %s", list? list + 1: "the allowed values");
    free (list);
}

static void
s_check_const (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_same (walk, rule->operand, value))
        return;
    char *text = walk->quiet? NULL: cf_json_print (rule->operand);
    s_fault (walk, "not_allowed", "must be %s", text? text: "the one allowed value");
    free (text);
}

static void
s_check_all_of (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = 0; at < rule->count; at++)
        s_apply (walk, rule->nodes [at], value);
}

static void
s_check_any_of (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = 0; at < rule->count; at++)
        if (s_matches (walk, rule->nodes [at], value))
            return;
    s_fault (walk, "no_match", "has none of the %zu allowed forms", rule->count);
}

static void
s_check_one_of (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    size_t matches = 0;
    for (size_t at = 0; at < rule->count && matches < 2; at++)
        matches += s_matches (walk, rule->nodes [at], value);
    if (matches == 0)
        s_fault (walk, "no_match", "has none of the %zu allowed forms", rule->count);
    else if (matches > 1)
        s_fault (walk, "no_match", "has more than one of the allowed forms");
}

static void
s_check_not (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_matches (walk, rule->nodes [0], value))
        s_fault (walk, "no_match", "has a form that is not allowed");
}

static void
s_check_if (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const s_node_t *next = s_matches (walk, rule->nodes [0], value)? rule->owner->then_node: rule->owner->else_node;
    if (next)
        s_apply (walk, next, value);
}

static void
s_check_ref (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    s_apply (walk, rule->nodes [0], value);
}

static void
s_check_required (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    size_t at;
    cf_json_t *name;
    json_array_foreach (rule->operand, at, name) {
        if (json_object_get (value, json_string_value (name)))
            continue;
        size_t before = cf_schema_path_enter (&walk->path, json_string_value (name));
        s_fault (walk, "missing", "is required");
        cf_schema_path_leave (&walk->path, before);
    }
}

static void
s_check_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const s_node_t *const *node = (const s_node_t *const *) rule->nodes;
    const char *key;
    cf_json_t *source;
    json_object_foreach (rule->operand, key, source) {
        cf_json_t *member = json_object_get (value, key);
        if (member && source)
            s_apply_member (walk, *node, key, member);
        node++;
    }
}

static bool
s_pattern_matches (s_walk_t *walk, const cf_schema_pattern_t *pattern, const char *text, size_t size)
{
    s_count_steps (walk, 1);
    cf_schema_match_t match = cf_schema_pattern_match (pattern, text, size);
    if (match == CF_SCHEMA_PATTERN_TOO_COMPLEX)
        walk->stopped = true;
    return match == CF_SCHEMA_PATTERN_MATCHED;
}

static void
s_check_pattern_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const char *key;
    cf_json_t *member;
    json_object_foreach (value, key, member)
        for (size_t at = 0; at < rule->count && !walk->stopped; at++)
            if (s_pattern_matches (walk, rule->patterns [at], key, strlen (key)))
                s_apply_member (walk, rule->nodes [at], key, member);
}

static void
s_check_additional_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    const char *key;
    cf_json_t *member;
    json_object_foreach (value, key, member) {
        s_count_steps (walk, 1);
        cf_schema_match_t additional = cf_schema_additional (rule->owner, key);
        walk->stopped |= additional == CF_SCHEMA_PATTERN_TOO_COMPLEX;
        if (additional != CF_SCHEMA_PATTERN_MATCHED)
            continue;
        size_t before = cf_schema_path_enter (&walk->path, key);
        if (rule->nodes [0]->impossible)
            s_fault (walk, "unknown_field", "is not a known field");
        else
            s_apply (walk, rule->nodes [0], member);
        cf_schema_path_leave (&walk->path, before);
        if (s_decided (walk))
            return;
    }
}

static void
s_check_min_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (json_object_size (value) < rule->limit)
        s_fault (walk, "too_few", "must have at least %zu field%s", rule->limit, rule->limit == 1? "": "s");
}

static void
s_check_max_properties (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (json_object_size (value) > rule->limit)
        s_fault (walk, "too_many", "must have at most %zu field%s", rule->limit, rule->limit == 1? "": "s");
}

static void
s_apply_item (s_walk_t *walk, const s_node_t *node, size_t index, cf_json_t *item)
{
    size_t before = cf_schema_path_enter_index (&walk->path, index);
    s_apply (walk, node, item);
    cf_schema_path_leave (&walk->path, before);
}

static void
s_check_prefix_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = 0; at < rule->count && at < json_array_size (value); at++)
        s_apply_item (walk, rule->nodes [at], at, json_array_get (value, at));
}

static void
s_check_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    for (size_t at = rule->limit; at < json_array_size (value) && !s_decided (walk); at++)
        s_apply_item (walk, rule->nodes [0], at, json_array_get (value, at));
}

static void
s_check_min_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (json_array_size (value) < rule->limit)
        s_fault (walk, "too_few", "must have at least %zu item%s", rule->limit, rule->limit == 1? "": "s");
}

static void
s_check_max_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (json_array_size (value) > rule->limit)
        s_fault (walk, "too_many", "must have at most %zu item%s", rule->limit, rule->limit == 1? "": "s");
}

static void
s_check_unique_items (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (!json_is_true (rule->operand))
        return;
    for (size_t at = 1; at < json_array_size (value); at++)
        for (size_t earlier = 0; earlier < at && !walk->stopped; earlier++)
            if (s_same (walk, json_array_get (value, earlier), json_array_get (value, at))) {
                s_fault (walk, "not_unique", "items %zu and %zu are equal", earlier, at);
                return;
            }
}

static void
s_check_min_length (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_length (value) < rule->limit)
        s_fault (walk, "too_short", "must have at least %zu character%s", rule->limit, rule->limit == 1? "": "s");
}

static void
s_check_max_length (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_length (value) > rule->limit)
        s_fault (walk, "too_long", "must have at most %zu character%s", rule->limit, rule->limit == 1? "": "s");
}

/*  A pattern alone says little to people and models: the description goes with it. */
static void
s_check_pattern (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_pattern_matches (walk, rule->patterns [0], json_string_value (value), json_string_length (value)))
        return;
    const char *pattern = json_string_value (rule->operand);
    const char *description = cf_json_str (rule->owner->source, "description", NULL);
    if (description)
        s_fault (walk, "pattern", "must match the pattern %s (%s)", pattern, description);
    else
        s_fault (walk, "pattern", "must match the pattern %s", pattern);
}

static void
s_check_format (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (rule->format && !rule->format (json_string_value (value), json_string_length (value)))
        s_fault (walk, "format", "must be a valid %s", json_string_value (rule->operand));
}

static void
s_check_minimum (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_number (value) < s_number (rule->operand))
        s_fault (walk, "too_small", "must be at least %.15Lg", s_number (rule->operand));
}

static void
s_check_maximum (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_number (value) > s_number (rule->operand))
        s_fault (walk, "too_large", "must be at most %.15Lg", s_number (rule->operand));
}

static void
s_check_exclusive_minimum (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_number (value) <= s_number (rule->operand))
        s_fault (walk, "too_small", "must be more than %.15Lg", s_number (rule->operand));
}

static void
s_check_exclusive_maximum (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    if (s_number (value) >= s_number (rule->operand))
        s_fault (walk, "too_large", "must be less than %.15Lg", s_number (rule->operand));
}

/*  0.0075 is a multiple of 0.0001 for people, though not in binary: a product that rounds to the value counts.
    Beyond 2^53 every number is whole, and a multiple of each divisor that divides 1. */
static bool
s_multiple (double number, double divisor)
{
    double quotient = number / divisor;
    double size = quotient < 0? -quotient: quotient;
    if (size > 9007199254740992.0)
        return size < 1e300 || cf_schema_whole (1 / divisor);
    double nearest = (double) (int64_t) (quotient < 0? quotient - 0.5: quotient + 0.5);
    double rest = nearest * divisor - number;
    return (rest < 0? -rest: rest) <= (number < 0? -number: number) * 4.5e-16;
}

static void
s_check_multiple_of (s_walk_t *walk, const s_rule_t *rule, cf_json_t *value)
{
    bool whole = json_is_integer (value) && json_is_integer (rule->operand);
    if (whole? json_integer_value (value) % json_integer_value (rule->operand) != 0
             : !s_multiple (json_number_value (value), json_number_value (rule->operand)))
        s_fault (walk, "not_a_multiple", "must be a multiple of %.15Lg", s_number (rule->operand));
}

#define s_check_nothing NULL

static s_check_fn *const s_checks [] = {
#define KEYWORD(name_, compile_, check_, trim_, kinds_) s_check_##check_,
#include "proto/schema_keywords.def"
#undef KEYWORD
};

/*  Not inlined: its words would lie in every frame of the recursion. */
static void __attribute__ ((noinline))
s_fault_kind (s_walk_t *walk, const s_node_t *node)
{
    char words [96] = "";
    size_t size = 0;
    for (const cf_schema_kind_t *kind = cf_schema_kinds; kind->name; kind++)
        if ((node->kinds & kind->kind) && size < sizeof words)
            size += (size_t) snprintf (words + size, sizeof words - size, "%s%s", size? " or ": "", kind->words);
    s_fault (walk, "wrong_type", "must be %s", words);
}

static void
s_apply (s_walk_t *walk, const s_node_t *node, cf_json_t *value)
{
    if (s_decided (walk))
        return;
    s_count_steps (walk, 1);
    if (walk->depth == CF_SCHEMA_MAX_DEPTH) {
        walk->stopped = true;
        return;
    }
    unsigned kind = cf_schema_kind (value);
    if (node->impossible)
        s_fault (walk, "not_allowed", "is not allowed");
    else if (!(node->kinds & kind))
        s_fault_kind (walk, node);
    else {
        walk->depth++;
        for (const s_rule_t *rule = node->rules; rule < node->rules + node->count && !s_decided (walk); rule++)
            if (rule->kinds & kind)
                s_checks [rule->keyword] (walk, rule, value);
        walk->depth--;
    }
}

size_t
cf_schema_check (const cf_schema_t *self, const cf_json_t *value, cf_schema_fault_t *faults, size_t max)
{
    s_walk_t walk = { .faults = faults, .max = faults? max: 0, .path = { .separator = '.' } };
    s_apply (&walk, self->root, (cf_json_t *) value);
    if (walk.stopped) {
        walk.stopped = false;
        cf_schema_path_leave (&walk.path, 0);
        s_fault (&walk, "too_complex", "is nested too deep or too large to be checked");
    }
    return walk.count;
}
