/* SPDX-License-Identifier: MPL-2.0 */
/*  error - expands proto/errors.def into what the header promises */

#include "proto/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    uint32_t number;
    const char *name;
    int status;
    const char *api;
    bool retryable;
    const char *sentence;
} row_t;

static const row_t s_rows [] = {
#define ERROR(name_, number_, status_, api_, retryable_, sentence_) \
    { number_, #name_, status_, api_, retryable_, sentence_ },
#include "proto/errors.def"
#undef ERROR
};

static const row_t *
s_lookup (uint32_t number)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof s_rows [0]; at++)
        if (s_rows [at].number == number)
            return &s_rows [at];
    return NULL;
}

int
cf_error_set (cf_error_t *error, cf_error_code_t code, const char *format, ...)
{
    if (error) {
        error->code = code;
        va_list args;
        va_start (args, format);
        vsnprintf (error->text, sizeof error->text, format, args);
        va_end (args);
    }
    return -1;
}

const char *
cf_error_name (uint32_t code)
{
    const row_t *row = s_lookup (code);
    return row? row->name: code == 0? "OK": "UNKNOWN";
}

cf_error_code_t
cf_error_named (const char *name)
{
    for (size_t at = 0; at < sizeof s_rows / sizeof s_rows [0]; at++)
        if (strcmp (s_rows [at].name, name) == 0)
            return (cf_error_code_t) s_rows [at].number;
    return CF_OK;
}

cf_error_code_t
cf_error_from (uint32_t number)
{
    return s_lookup (number)? (cf_error_code_t) number: CF_ERROR_INTERNAL;
}

int
cf_error_status (cf_error_code_t code)
{
    const row_t *row = s_lookup (code);
    return row? row->status: 500;
}

const char *
cf_error_api (cf_error_code_t code)
{
    const row_t *row = s_lookup (code);
    return row? row->api: "INTERNAL_ERROR";
}

const char *
cf_error_sentence (cf_error_code_t code)
{
    const row_t *row = s_lookup (code);
    return row? row->sentence: "Something went wrong on our side.";
}

bool
cf_error_retryable (cf_error_code_t code)
{
    const row_t *row = s_lookup (code);
    return row && row->retryable;
}
