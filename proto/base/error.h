/* SPDX-License-Identifier: MPL-2.0 */
/*  error - the world's fault, carried to whoever can answer for it
 *
 *  Codes come from proto/errors.def. An assert is our own bug; a cf_error_t is everything else.
 */
#ifndef CF_BASE_ERROR_H
#define CF_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    CF_OK = 0,
#define ERROR(name_, number_, status_, api_, retryable_, sentence_) CF_ERROR_##name_ = number_,
#include "proto/errors.def"
#undef ERROR
} cf_error_code_t;

typedef struct {
    cf_error_code_t code;       /* CF_OK while nothing went wrong */
    char text [512];            /* for the log and, where the code is a client's fault, for the client */
} cf_error_t;

/*  Fills error (which may be NULL) with code and a printf text; returns -1, so that `return cf_error_set (…)` reads well. */
int cf_error_set (cf_error_t *error, cf_error_code_t code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Name as in errors.def ("TIMEOUT"), "OK" for 0, "UNKNOWN" for a number that is in no row. Static storage. */
const char *cf_error_name (uint32_t code);
/*  Code of a name; CF_OK where no row has it. */
cf_error_code_t cf_error_named (const char *name);
/*  Code for a number from the wire; CF_ERROR_INTERNAL where no row has it. */
cf_error_code_t cf_error_from (uint32_t number);
/*  The API's view of a code: HTTP status, `error` string, public sentence; whether the same call may be sent again. */
int cf_error_status (cf_error_code_t code);
const char *cf_error_api (cf_error_code_t code);
const char *cf_error_sentence (cf_error_code_t code);
bool cf_error_retryable (cf_error_code_t code);

#endif
