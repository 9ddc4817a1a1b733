/* SPDX-License-Identifier: MPL-2.0 */
/*  json - jansson with our limits */

#include "proto/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  jansson recurses once a level and its own limit (2048) is too deep for a task's stack, so depth is
    counted before it sees the text; brackets inside strings are skipped. */
static int
s_check_depth (const char *text, size_t size, size_t *offset)
{
    int depth = 0;
    bool string = false;
    for (size_t at = 0; at < size; at++) {
        char byte = text [at];
        if (string) {
            if (byte == '\\')
                at++;
            else if (byte == '"')
                string = false;
        }
        else if (byte == '"')
            string = true;
        else if (byte == '{' || byte == '[') {
            if (++depth > CF_JSON_MAX_DEPTH) {
                *offset = at;
                return -1;
            }
        }
        else if (byte == '}' || byte == ']')
            depth--;
    }
    return 0;
}

static cf_json_t *
s_parse (const char *text, size_t size, size_t flags, cf_error_t *error, size_t *offset)
{
    /* jansson takes a NUL for the end of the text and would accept what stands before it */
    const char *nul = size? memchr (text, 0, size): NULL;
    if (nul) {
        *offset = (size_t) (nul - text);
        cf_error_set (error, CF_ERROR_INVALID, "malformed JSON at byte %zu: NUL byte", *offset);
        return NULL;
    }
    if (s_check_depth (text, size, offset)) {
        cf_error_set (error, CF_ERROR_INVALID, "nested deeper than %d levels at byte %zu", CF_JSON_MAX_DEPTH, *offset);
        return NULL;
    }
    json_error_t reason;
    cf_json_t *value = json_loadb (text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, &reason);
    if (!value) {
        *offset = reason.position > 0? (size_t) reason.position: 0;
        cf_error_set (error, CF_ERROR_INVALID, "malformed JSON at byte %zu: %.200s", *offset, reason.text);
    }
    return value;
}

cf_json_t *
cf_json_parse_at (const char *text, size_t size, cf_error_t *error, size_t *offset)
{
    return s_parse (text, size, 0, error, offset);
}

cf_json_t *
cf_json_parse_with_nul (const char *text, size_t size, cf_error_t *error, size_t *offset)
{
    return s_parse (text, size, JSON_ALLOW_NUL, error, offset);
}

cf_json_t *
cf_json_parse (const char *text, size_t size, cf_error_t *error)
{
    size_t offset = 0;
    return cf_json_parse_at (text, size, error, &offset);
}

char *
cf_json_print (const cf_json_t *value)
{
    return json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (15));
}

static int
s_append (const char *bytes, size_t size, void *buf)
{
    return cf_buf_append (buf, bytes, size);
}

int
cf_json_print_to (const cf_json_t *value, cf_buf_t *buf)
{
    return json_dump_callback (value, s_append, buf, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (15));
}

cf_json_t *
cf_json_load (const char *path, cf_error_t *error)
{
    json_error_t reason;
    cf_json_t *value = json_load_file (path, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (!value)
        cf_error_set (error, CF_ERROR_INVALID, "%s: line %d: %.200s", path, reason.line, reason.text);
    return value;
}

cf_json_t *
cf_json_member (const cf_json_t *object, const char *key)
{
    cf_json_t *value = json_object_get (object, key);
    return json_is_null (value)? NULL: value;
}

const char *
cf_json_str (const cf_json_t *object, const char *key, const char *fallback)
{
    const char *string = json_string_value (json_object_get (object, key));
    return string? string: fallback;
}

int64_t
cf_json_int (const cf_json_t *object, const char *key, int64_t fallback)
{
    const cf_json_t *value = json_object_get (object, key);
    return json_is_integer (value)? json_integer_value (value): fallback;
}

double
cf_json_real (const cf_json_t *object, const char *key, double fallback)
{
    const cf_json_t *value = json_object_get (object, key);
    return json_is_number (value)? json_number_value (value): fallback;
}

bool
cf_json_bool (const cf_json_t *object, const char *key, bool fallback)
{
    const cf_json_t *value = json_object_get (object, key);
    return json_is_boolean (value)? json_is_true (value): fallback;
}
