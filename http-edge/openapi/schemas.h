/* SPDX-License-Identifier: MPL-2.0 */
/*  schemas - the schema files as components of the API's document
 *
 *  A file's title is the component's name; a "$ref" to another file becomes one to its component; "$schema" and our own
 *  annotations ("x-…") stay behind. Answers refer to other files, so what they describe is checked here, all files in one
 *  document: each compiles strictly and accepts its own examples.
 */
#ifndef CF_OPENAPI_SCHEMAS_H
#define CF_OPENAPI_SCHEMAS_H

#include "proto/base/error.h"
#include "proto/base/json.h"

typedef struct cf_schemas_t cf_schemas_t;

/*  root: the source tree, borrowed. NULL when out of memory. */
cf_schemas_t *cf_schemas_new (const char *root);
void cf_schemas_destroy (cf_schemas_t **self_p);

/*  Takes a file of proto/schema ("run-agent", "answers/job") and all it refers to among the components. The component's
    name, borrowed; NULL with error naming the file. */
const char *cf_schemas_add (cf_schemas_t *self, const char *file, cf_error_t *error);
/*  The component that is a page of those of the file. As cf_schemas_add. */
const char *cf_schemas_add_page (cf_schemas_t *self, const char *file, cf_error_t *error);
/*  Takes document, which is not from a file; its references are those of components. 0, or -1. */
int cf_schemas_put (cf_schemas_t *self, const char *name, cf_json_t *document, cf_error_t *error);

/*  Whether there is a component of that name. */
bool cf_schemas_has (const cf_schemas_t *self, const char *name);
/*  The component made of a file, borrowed; NULL where the file was not taken. */
const cf_json_t *cf_schemas_peek (const cf_schemas_t *self, const char *file);

/*  {"$ref": "#/components/schemas/NAME"}, yours. */
cf_json_t *cf_schemas_ref (const char *name);
/*  A content object's member for a media type: {"schema": …, "examples": {…}}, yours; its examples become components. */
cf_json_t *cf_schemas_media (cf_schemas_t *self, const char *name);

/*  Faults found in value by the component's schema, printed to stderr under the name what. 0 where there are none. */
int cf_schemas_check (const cf_schemas_t *self, const char *name, const cf_json_t *value, const char *what);
/*  The same for every component's own examples. Before cf_schemas_components. */
int cf_schemas_check_examples (const cf_schemas_t *self);

/*  All of them by name, sorted, with the examples that stand nowhere else; yours. NULL when out of memory. */
cf_json_t *cf_schemas_components (const cf_schemas_t *self);
/*  Those examples that media types refer to, likewise. */
cf_json_t *cf_schemas_examples (const cf_schemas_t *self);

#endif
