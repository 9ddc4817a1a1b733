/* SPDX-License-Identifier: MPL-2.0 */
/*  query - parameters of the URL, percent-decoded and strict: one that is given twice or is malformed is refused (400) */
#ifndef CF_EDGE_QUERY_H
#define CF_EDGE_QUERY_H

#include "http-edge/request.h"

/*  Decodes %XX (and '+' as a space where plus) into out, NUL-terminated. False where it is malformed, holds a NUL or
    does not fit. */
bool cf_query_decode (const char *bytes, size_t size, bool plus, char *out, size_t out_size);
/*  Finds name in a query. 1 with the value in out, 0 where it is absent, -1 with the reason where it is refused. */
int cf_query_find (const char *query, size_t size, const char *name, char *out, size_t out_size, const char **reason);

/*  The same for a request; where refused, they answer it and return false. fallback stands for an absent parameter. */
bool cf_query_text (cf_request_t *request, const char *name, const char *fallback, char *out, size_t out_size);
bool cf_query_number (cf_request_t *request, const char *name, uint32_t least, uint32_t most, uint32_t fallback, uint32_t *out);
/*  One of choices ("a|b"), or "" where absent. */
bool cf_query_choice (cf_request_t *request, const char *name, const char *choices, char *out, size_t out_size);
/*  page, from 1, and page_size, at most most. */
bool cf_query_page (cf_request_t *request, uint32_t most, uint32_t *page, uint32_t *page_size);
/*  An id, or a day as YYYY-MM-DD; "" where absent. */
bool cf_query_uuid (cf_request_t *request, const char *name, char out [CF_UUID_SIZE]);
bool cf_query_date (cf_request_t *request, const char *name, char *out, size_t out_size);

/*  Whether path obeys the file-path rule of the API for what may be in a project: src/…, public/…, tests/…, or a file at
    the root. NULL, or why not. */
const char *cf_query_path_fault (const char *path);

#endif
