/* SPDX-License-Identifier: MPL-2.0 */
/*  refusals - the error answers as shared components of the API's document, one a status, made when first asked for */
#ifndef CF_OPENAPI_REFUSALS_H
#define CF_OPENAPI_REFUSALS_H

#include "http-edge/openapi/schemas.h"

/*  Whether a row of the tables has this status. */
bool cf_refusals_has (int status);
/*  A reference to the component for status, with the words `when` instead of its own where they are not NULL; yours. NULL
    with error where no row has it. */
cf_json_t *cf_refusals_ref (cf_json_t *responses, int status, const char *when, cf_error_t *error);
/*  The same for whatever else may come. */
cf_json_t *cf_refusals_ref_default (cf_json_t *responses);
/*  Checks every example in responses against the schema Error. 0, or -1. */
int cf_refusals_check (const cf_json_t *responses, const cf_schemas_t *schemas);

/*  Headers that every answer carries; limited: also those of the rate limit. References, yours. */
cf_json_t *cf_refusals_headers (bool limited);
/*  What those refer to; yours. */
cf_json_t *cf_refusals_header_components (void);

#endif
