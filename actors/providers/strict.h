/* SPDX-License-Identifier: MPL-2.0 */
/*  strict - a JSON Schema reduced to what a provider's structured output accepts
 *
 *  No object takes further properties, and only the keywords that say what the shape is are left; lengths, ranges,
 *  patterns and formats are checked by ourselves afterwards. Where every property must be required, optional ones become
 *  nullable: whoever reads the answer takes null for absent.
 */
#ifndef CF_PROVIDERS_STRICT_H
#define CF_PROVIDERS_STRICT_H

#include "proto/base/error.h"
#include "proto/base/json.h"

/*  What a provider's dialect differs in, joined with |. */
typedef enum {
    CF_STRICT_OPTIONAL = 1,             /* properties may be left out: none becomes nullable */
    CF_STRICT_ENUMS_ONLY = 2            /* knows no const: an enum of one stands for it */
} cf_strict_dialect_t;

/*  A reduced copy, yours to json_decref. NULL with error (INVALID) where strict mode cannot express the schema: the root is no
    object, or an object's members have no fixed names. */
cf_json_t *cf_strict_reduce (const cf_json_t *schema, unsigned dialect, cf_error_t *error);

#endif
