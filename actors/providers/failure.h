/* SPDX-License-Identifier: MPL-2.0 */
/*  failure - what providers/failures.def says, as C */
#ifndef CF_PROVIDERS_FAILURE_H
#define CF_PROVIDERS_FAILURE_H

#include "proto/base/error.h"

typedef enum {
    CF_FAILURE_NONE,
#define FAILURE(id_, name_, same_, next_, sick_, code_) CF_FAILURE_##id_,
#include "actors/providers/failures.def"
#undef FAILURE
    CF_FAILURE_COUNT
} cf_failure_class_t;

typedef enum { CF_FAILURE_SAME_NEVER, CF_FAILURE_SAME_LAST, CF_FAILURE_SAME_BACKOFF } cf_failure_same_t;
typedef enum { CF_FAILURE_NEXT_OTHER, CF_FAILURE_NEXT_ANY } cf_failure_next_t;

typedef struct {
    const char *name;
    cf_failure_same_t same;             /* whether the same route is tried again */
    cf_failure_next_t next;             /* which routes may be tried next */
    bool sick;                          /* counts against the provider's health */
    cf_error_code_t code;               /* for the caller, when nothing is left to try */
} cf_failure_row_t;

/*  The row of a class; "none" for CF_FAILURE_NONE. Static storage. */
const cf_failure_row_t *cf_failure_row (cf_failure_class_t failure);

#endif
