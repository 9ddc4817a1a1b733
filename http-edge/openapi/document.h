/* SPDX-License-Identifier: MPL-2.0 */
/*  document - the API's OpenAPI 3.1 document, made of the tables */
#ifndef CF_OPENAPI_DOCUMENT_H
#define CF_OPENAPI_DOCUMENT_H

#include "proto/base/error.h"
#include "proto/base/json.h"

/*  root: the source tree, whose schema files are read. Every example is checked against its schema; what is wrong with one
    is printed to stderr. Yours; NULL with error. */
cf_json_t *cf_document_new (const char *root, cf_error_t *error);

#endif
