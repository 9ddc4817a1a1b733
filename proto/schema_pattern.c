/* SPDX-License-Identifier: MPL-2.0 */
/*  schema_pattern - PCRE2 with our limits
 *
 *  The interpreter, not the JIT: only it honours the depth and heap limits, and its backtracking lives in the
 *  match data, not on the small stack of a task.
 */

#include "proto/schema_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define MAX_STEPS 200000u
#define MAX_DEPTH 20000u
#define MAX_HEAP_KIB 4096u

struct cf_schema_pattern_t {
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *match;
};

static pcre2_code *
s_compile (const char *text, cf_error_t *error)
{
    pcre2_compile_context *context = pcre2_compile_context_create (NULL);
    if (!context) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    pcre2_set_compile_extra_options (context, PCRE2_EXTRA_ALT_BSUX);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS
        | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    int number;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile ((PCRE2_SPTR) text, PCRE2_ZERO_TERMINATED, options, &number, &offset, context);
    pcre2_compile_context_free (context);
    if (!code) {
        char reason [128] = "";
        pcre2_get_error_message (number, (PCRE2_UCHAR *) reason, sizeof reason);
        cf_error_set (error, CF_ERROR_INVALID, "not a pattern, at byte %zu: %s", (size_t) offset, reason);
    }
    return code;
}

cf_schema_pattern_t *
cf_schema_pattern_new (const char *text, cf_error_t *error)
{
    cf_schema_pattern_t *self = calloc (1, sizeof *self);
    if (!self) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    self->code = s_compile (text, error);
    if (self->code) {
        self->context = pcre2_match_context_create (NULL);
        self->match = pcre2_match_data_create (1, NULL);
        if (!self->context || !self->match)
            cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
    }
    if (!self->context || !self->match) {
        cf_schema_pattern_destroy (&self);
        return NULL;
    }
    pcre2_set_match_limit (self->context, MAX_STEPS);
    pcre2_set_depth_limit (self->context, MAX_DEPTH);
    pcre2_set_heap_limit (self->context, MAX_HEAP_KIB);
    return self;
}

void
cf_schema_pattern_destroy (cf_schema_pattern_t **self_p)
{
    cf_schema_pattern_t *self = *self_p;
    if (!self)
        return;
    pcre2_match_data_free (self->match);
    pcre2_match_context_free (self->context);
    pcre2_code_free (self->code);
    free (self);
    *self_p = NULL;
}

cf_schema_match_t
cf_schema_pattern_match (const cf_schema_pattern_t *self, const char *text, size_t size)
{
    int result = pcre2_match (self->code, (PCRE2_SPTR) text, size, 0, 0, self->match, self->context);
    if (result >= 0)
        return CF_SCHEMA_PATTERN_MATCHED;
    switch (result) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY:
        return CF_SCHEMA_PATTERN_TOO_COMPLEX;
    default:
        return CF_SCHEMA_PATTERN_DIFFERENT;
    }
}
