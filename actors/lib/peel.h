/* SPDX-License-Identifier: MPL-2.0 */
/*  peel - the JSON object within what a model said
 *
 *  Models put words or a code fence around it. What stands around it is dropped; the object itself is taken as it is: nothing is ever
 *  closed, completed or mended. A brace that is opened and never closed ends the search, so that the beginning of a document, and
 *  the whole objects within it, are never taken for one.
 */
#ifndef CF_LIB_PEEL_H
#define CF_LIB_PEEL_H

#include "proto/base/json.h"

/*  The longest object that stands in text by itself; yours to json_decref. NULL with error (MODEL_INVALID): for people, in one line. */
cf_json_t *cf_peel_object (const char *text, cf_error_t *error);

#endif
