/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_pattern - regular expressions as ECMA-262 reads them, as far as PCRE2 can (PCRE2's owner)
 *
 *  Unanchored, by code point, `$` only at the very end. Matching is bounded in steps and memory, and takes
 *  that memory from the heap, once.
 */
#ifndef CF_PROTO_SCHEMA_PATTERN_H
#define CF_PROTO_SCHEMA_PATTERN_H

#include "proto/base/error.h"

#include <stddef.h>

typedef struct cf_schema_pattern_t cf_schema_pattern_t;

typedef enum { CF_SCHEMA_PATTERN_MATCHED, CF_SCHEMA_PATTERN_DIFFERENT, CF_SCHEMA_PATTERN_TOO_COMPLEX } cf_schema_match_t;

/*  NULL with error (INVALID): what is wrong and at which byte. Yours to destroy. */
cf_schema_pattern_t *cf_schema_pattern_new (const char *text, cf_error_t *error);
void cf_schema_pattern_destroy (cf_schema_pattern_t **self_p);
/*  Whether the pattern is found anywhere in text. Text that is not UTF-8 is DIFFERENT. */
cf_schema_match_t cf_schema_pattern_match (const cf_schema_pattern_t *self, const char *text, size_t size);

#endif
