/* SPDX-License-Identifier: MPL-2.0 */
/*  input - walks that recurse once a level: the parser has bounded the levels */

#include "http-edge/input.h"

#include <stdio.h>
#include <string.h>

#define FIELD "input_context"

static size_t
s_add (cf_schema_fault_t *faults, size_t count, size_t max, const char *field, const char *message, const char *type)
{
    if (count >= max)
        return count;
    snprintf (faults [count].field, sizeof faults [count].field, "%s", field);
    snprintf (faults [count].message, sizeof faults [count].message, "%s", message);
    snprintf (faults [count].type, sizeof faults [count].type, "%s", type);
    return count + 1;
}

/*  Bytes of the unwanted control character at text (U+0000-1F but \n \t, U+007F-9F), or 0. */
static size_t
s_control (const unsigned char *text, size_t left)
{
    if ((text [0] < 0x20 && text [0] != '\n' && text [0] != '\t') || text [0] == 0x7F)
        return 1;
    return left > 1 && text [0] == 0xC2 && text [1] < 0xA0? 2: 0;
}

static int
s_clean_string (cf_json_t *string)
{
    const unsigned char *text = (const unsigned char *) json_string_value (string);
    size_t size = json_string_length (string), at = 0;
    while (at < size && !s_control (text + at, size - at))
        at++;
    if (at == size)
        return 0;
    cf_buf_t kept;
    cf_buf_init (&kept, size);
    size_t start = 0;
    while (at < size) {
        size_t width = s_control (text + at, size - at);
        if (width) {
            cf_buf_append (&kept, text + start, at - start);
            start = at + width;
        }
        at += width? width: 1;
    }
    cf_buf_append (&kept, text + start, size - start);
    int rc = kept.overflowed? -1: json_string_setn (string, kept.bytes, kept.size);
    cf_buf_free (&kept);
    return rc;
}

int
cf_input_clean (cf_json_t *value)
{
    const char *key;
    cf_json_t *item;
    size_t at;
    if (json_is_string (value))
        return s_clean_string (value);
    json_object_foreach (value, key, item)
        if (cf_input_clean (item))
            return -1;
    json_array_foreach (value, at, item)
        if (cf_input_clean (item))
            return -1;
    return 0;
}

static unsigned
s_depth (const cf_json_t *value)
{
    unsigned deepest = 0;
    const char *key;
    cf_json_t *item;
    size_t at;
    json_object_foreach ((cf_json_t *) value, key, item) {
        unsigned depth = s_depth (item);
        deepest = depth > deepest? depth: deepest;
    }
    json_array_foreach (value, at, item) {
        unsigned depth = s_depth (item);
        deepest = depth > deepest? depth: deepest;
    }
    return json_is_object (value) || json_is_array (value)? deepest + 1: 0;
}

static size_t
s_code_points (const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

static size_t
s_check_keys (const cf_json_t *value, cf_schema_fault_t *faults, size_t count, size_t max)
{
    const char *key;
    cf_json_t *item;
    size_t at;
    json_object_foreach ((cf_json_t *) value, key, item) {
        if (s_code_points (key) > CF_INPUT_MAX_KEY)
            count = s_add (faults, count, max, FIELD, "keys must have at most 100 characters", "too_long");
        count = s_check_keys (item, faults, count, max);
    }
    json_array_foreach (value, at, item)
        count = s_check_keys (item, faults, count, max);
    return count;
}

size_t
cf_input_check (const cf_json_t *value, cf_schema_fault_t *faults, size_t max)
{
    size_t count = 0;
    if (json_dumpb (value, NULL, 0, JSON_COMPACT) > CF_INPUT_MAX_BYTES)
        count = s_add (faults, count, max, FIELD, "must have at most 50000 bytes as compact JSON", "too_long");
    if (s_depth (value) > CF_INPUT_MAX_DEPTH)
        count = s_add (faults, count, max, FIELD, "must be nested at most 5 levels", "too_many");
    return s_check_keys (value, faults, count, max);
}

size_t
cf_input_check_nul (const cf_json_t *value, const char *field, cf_schema_fault_t *faults, size_t max)
{
    const char *key;
    cf_json_t *item;
    size_t at, count = 0;
    char below [256];
    if (json_is_string (value) && memchr (json_string_value (value), 0, json_string_length (value)))
        return s_add (faults, 0, max, field, "must not hold U+0000", "format");
    const char *dot = *field? ".": "";
    json_object_foreach ((cf_json_t *) value, key, item) {
        snprintf (below, sizeof below, "%s%s%s", field, dot, key);
        count += cf_input_check_nul (item, below, faults + count, max - count);
    }
    json_array_foreach (value, at, item) {
        snprintf (below, sizeof below, "%s%s%zu", field, dot, at);
        count += cf_input_check_nul (item, below, faults + count, max - count);
    }
    return count;
}
