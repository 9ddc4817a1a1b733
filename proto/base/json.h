/* SPDX-License-Identifier: MPL-2.0 */
/*  json - documents: parsed strictly, printed compactly (jansson's owner)
 *
 *  A cf_json_t is a jansson value; use jansson's own functions (json_object_get …) on it. Duplicate keys,
 *  trailing bytes, invalid UTF-8, lone surrogates, NUL and nesting over the maximum are refused.
 */
#ifndef CF_BASE_JSON_H
#define CF_BASE_JSON_H

#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <jansson.h>
#include <stdint.h>

typedef json_t cf_json_t;

#define CF_JSON_MAX_DEPTH 64

/*  Parses exactly one value of any type. NULL with error (code INVALID, text with the byte offset) if it is none.
    Yours to json_decref. */
cf_json_t *cf_json_parse (const char *text, size_t size, cf_error_t *error);
/*  As above; *offset is set to the byte at which parsing stopped. */
cf_json_t *cf_json_parse_at (const char *text, size_t size, cf_error_t *error, size_t *offset);
/*  As above, but strings (not keys) may hold U+0000: for those who take it out or name its place themselves. */
cf_json_t *cf_json_parse_with_nul (const char *text, size_t size, cf_error_t *error, size_t *offset);
/*  Compact text with keys in insertion order; yours to free (). NULL when out of memory. */
char *cf_json_print (const cf_json_t *value);
/*  Appends the same text to buf. 0, or -1 when buf refused. */
int cf_json_print_to (const cf_json_t *value, cf_buf_t *buf);
/*  Reads a file and parses it. NULL with error naming the file. Yours to json_decref. */
cf_json_t *cf_json_load (const char *path, cf_error_t *error);

/*  A member of an object, borrowed; NULL where it is absent or null, which means absent. */
cf_json_t *cf_json_member (const cf_json_t *object, const char *key);
/*  Members of an object, borrowed; the fallback where the member is absent or of another type. */
const char *cf_json_str (const cf_json_t *object, const char *key, const char *fallback);
int64_t cf_json_int (const cf_json_t *object, const char *key, int64_t fallback);
double cf_json_real (const cf_json_t *object, const char *key, double fallback);
bool cf_json_bool (const cf_json_t *object, const char *key, bool fallback);

#endif
