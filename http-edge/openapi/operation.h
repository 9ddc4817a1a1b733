/* SPDX-License-Identifier: MPL-2.0 */
/*  operation - one method of one path: its row in routes.def and what operations.def says of its handler */
#ifndef CF_OPENAPI_OPERATION_H
#define CF_OPENAPI_OPERATION_H

#include "http-edge/openapi/rows.h"
#include "http-edge/openapi/schemas.h"

/*  The shared components that operations refer to. */
typedef struct {
    cf_schemas_t *schemas;
    cf_json_t *responses;
} cf_components_t;

/*  The operation, yours. NULL with error, which says what is missing in which table. */
cf_json_t *cf_operation_new (const cf_route_row_t *route, const char *path, const char *id, cf_components_t *components,
                             cf_error_t *error);

#endif
