/* SPDX-License-Identifier: MPL-2.0 */
/*  cors - which other origins may call (Fetch standard, CORS protocol): those of ALLOWED_ORIGINS, compared exactly */
#ifndef CF_EDGE_CORS_H
#define CF_EDGE_CORS_H

#include "http-edge/request.h"

#define CF_CORS_ORIGINS 64              /* most in the setting */

/*  Takes the setting's text, origins between commas. 0, or -1 where one is no origin or there are too many. */
int cf_cors_init (const char *origins);
/*  The allowed origin that is equal to these bytes, as long as the process; NULL where none is. */
const char *cf_cors_allowed (const char *origin, size_t size);
/*  Sets the request's origin; answers a preflight. False where it has been answered. */
bool cf_cors_pass (cf_request_t *request);

#endif
