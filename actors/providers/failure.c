/* SPDX-License-Identifier: MPL-2.0 */
/*  failure - the table, expanded */

#include "actors/providers/failure.h"

const cf_failure_row_t *
cf_failure_row (cf_failure_class_t failure)
{
    static const cf_failure_row_t rows [CF_FAILURE_COUNT] = {
        [CF_FAILURE_NONE] = { .name = "none" },
#define FAILURE(id_, name_, same_, next_, sick_, code_)                                                 \
        [CF_FAILURE_##id_] = { name_, CF_FAILURE_SAME_##same_, CF_FAILURE_NEXT_##next_, sick_, CF_ERROR_##code_ },
#include "actors/providers/failures.def"
#undef FAILURE
    };
    return &rows [failure];
}
