/* SPDX-License-Identifier: MPL-2.0 */
/*  route - which row of routes.def a method and a path mean */
#ifndef CF_EDGE_ROUTE_H
#define CF_EDGE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#define CF_ROUTE_PARAMS 2               /* most of one pattern */

typedef struct cf_request_t cf_request_t;
typedef void (cf_route_fn) (cf_request_t *request);

typedef enum { CF_METHOD_GET, CF_METHOD_POST, CF_METHOD_PUT, CF_METHOD_DELETE, CF_METHOD_COUNT } cf_method_t;
typedef enum { CF_ACCESS_PUBLIC, CF_ACCESS_USER, CF_ACCESS_STREAM } cf_access_t;
typedef enum { CF_LIMIT_LIMITED, CF_LIMIT_EXEMPT } cf_limit_t;
typedef enum { CF_RUNS_INLINE, CF_RUNS_TASK } cf_runs_t;
typedef enum { CF_TWIN_ALONE, CF_TWIN_AGENTS } cf_twin_t;

typedef struct {
    cf_method_t method;
    const char *pattern;
    cf_access_t access;
    cf_limit_t limit;
    cf_runs_t runs;
    cf_twin_t twin;
    const char *schema;         /* or NULL */
    cf_route_fn *fn;
    const char *caption;
} cf_route_t;

typedef struct {
    const char *name;           /* "job_id", "path"; as long as the table */
    size_t name_size;
    const char *bytes;          /* what stands in the path for it, not decoded; as long as the path */
    size_t size;
} cf_route_param_t;

typedef struct {
    const cf_route_t *route;    /* NULL: no row */
    unsigned methods;           /* 1 << cf_method_t of every row whose pattern fits; 0: no such path */
    cf_route_param_t params [CF_ROUTE_PARAMS];
    size_t param_count;
} cf_match_t;

/*  Fills out for a path without its query. HEAD is a GET. */
void cf_route_match (const char *method, size_t method_size, const char *path, size_t path_size, cf_match_t *out);
/*  Rows in the table's order; NULL from at = count on. */
const cf_route_t *cf_route_at (size_t at);
/*  "GET" … */
const char *cf_route_method_name (cf_method_t method);

#endif
