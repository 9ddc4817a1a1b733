/* SPDX-License-Identifier: MPL-2.0 */
/*  strict - a JSON Schema reduced to what strict structured output accepts
 *
 *  Every property is required (optional ones become nullable: whoever reads the answer takes null for absent), no
 *  object takes further properties, and only the keywords that say what the shape is are left; lengths, ranges,
 *  patterns and formats are checked by ourselves afterwards.
 */
#ifndef CF_PROVIDERS_STRICT_H
#define CF_PROVIDERS_STRICT_H

#include "proto/base/error.h"
#include "proto/base/json.h"

/*  A reduced copy, yours to json_decref. NULL with error (INVALID) where strict mode cannot express the schema: the root is no
    object, or an object's members have no fixed names. */
cf_json_t *cf_strict_reduce (const cf_json_t *schema, cf_error_t *error);

#endif
