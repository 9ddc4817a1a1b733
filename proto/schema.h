/* SPDX-License-Identifier: MPL-2.0 */
/*  schema - what a document must look like: JSON Schema 2020-12, compiled once, checked often
 *
 *  One file in proto/schema serves the edge's validation, the agents' validation, the request to the model
 *  provider and the OpenAPI document. Keywords: type, properties, required, additionalProperties,
 *  patternProperties, items, prefixItems, min/maxItems, uniqueItems, min/maxLength, min/maxProperties, minimum,
 *  maximum, exclusiveMinimum/Maximum, multipleOf, enum, const, pattern, format (uuid, date-time, date, email,
 *  uri: asserted), allOf, anyOf, oneOf, not, if/then/else, $ref and $defs inside the document, annotations, and
 *  our own annotation x-trim. Every other keyword of the standard is refused when compiling, never ignored.
 *
 *  Checking allocates nothing, fits a task's stack and is bounded (depth, work, pattern matching). A schema
 *  holds the scratch memory of its patterns: one thread at a time.
 */
#ifndef CF_PROTO_SCHEMA_H
#define CF_PROTO_SCHEMA_H

#include "proto/base/error.h"
#include "proto/base/json.h"

#include <stdbool.h>
#include <stddef.h>

#define CF_SCHEMA_MAX_DEPTH 128         /* schemas applied inside each other */
#define CF_SCHEMA_MAX_STEPS 4000000     /* schemas applied and items compared in one check */
#define CF_SCHEMA_MAX_NODES 4096        /* subschemas of one document */

typedef struct cf_schema_t cf_schema_t;

typedef struct {
    char field [256];           /* "a.b.0"; "" is the document itself */
    char message [256];         /* for people: "must be a string" */
    char type [32];             /* for programs, one of those below */
} cf_schema_fault_t;

/*  Types of faults: wrong_type, missing, unknown_field, not_allowed (enum, const, false), too_short, too_long
    (strings), too_few, too_many (items, members), too_small, too_large, not_a_multiple, not_unique, pattern,
    format, no_match (anyOf, oneOf, not), too_complex (a bound was met). */

/*  Compiles a copy of document: resolves $ref, compiles patterns. Strict refuses unknown keywords and formats
    too. NULL with error (INVALID) that names the place as a JSON pointer. Yours to destroy. */
cf_schema_t *cf_schema_new (const cf_json_t *document, bool strict, cf_error_t *error);
/*  Reads a file and compiles it, strictly. NULL with error that names the file. Yours to destroy. */
cf_schema_t *cf_schema_load (const char *path, cf_error_t *error);
void cf_schema_destroy (cf_schema_t **self_p);
/*  The document it was compiled from, borrowed. */
const cf_json_t *cf_schema_document (const cf_schema_t *self);

/*  Returns the number of faults, 0 when value is valid; describes the first max of them in faults (NULL with
    max 0 to ask only whether). */
size_t cf_schema_check (const cf_schema_t *self, const cf_json_t *value, cf_schema_fault_t *faults, size_t max);
/*  The API's details, {"errors": [{"field", "message", "type"}]}; yours to json_decref. NULL when out of memory. */
cf_json_t *cf_schema_faults_json (const cf_schema_fault_t *faults, size_t count);

/*  Brings value into the form that is checked, in place; call it before cf_schema_check. Strings marked
    "x-trim": true lose white space at both ends; a null member is removed where its property is optional and
    does not accept null (null means absent). Follows properties, patternProperties, additionalProperties,
    items, prefixItems, allOf and $ref. 0, or -1 when out of memory. */
int cf_schema_trim (const cf_schema_t *self, cf_json_t *value);

#endif
