/* SPDX-License-Identifier: MPL-2.0 */
/*  body - from bytes to a document that satisfies the route's schema, or the list of everything that is wrong with it */
#ifndef CF_EDGE_BODY_H
#define CF_EDGE_BODY_H

#include "http-edge/request.h"
#include "proto/base/error.h"

#define CF_BODY_MAX_BYTES (1024u * 1024u)
#define CF_BODY_MAX_FAULTS 100          /* listed; a body has no more than fit into it, an answer should not */

/*  Loads the schema of every route; the agent types that may be asked for are narrowed to the agents there are. 0, or -1. */
int cf_body_load_schemas (cf_error_t *error);
/*  Whether Content-Type and Content-Encoding say JSON in UTF-8. */
bool cf_body_is_json (h2o_iovec_t type, h2o_iovec_t encoding);
/*  Parses and checks a body; on success *out is yours to json_decref. On failure returns the answer's details, yours too. */
cf_json_t *cf_body_check (const cf_route_t *route, const char *bytes, size_t size, cf_json_t **out);

#endif
