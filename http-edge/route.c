/* SPDX-License-Identifier: MPL-2.0 */
/*  route - the table, walked row by row: some 50 patterns that differ early cost less than any index of them */

#include "http-edge/route.h"
#include "http-edge/handlers/handlers.h"

#include <string.h>

#define PREFIX "/v1/"                   /* of every row with a twin */
#define TWIN_PREFIX "/v1/agents/"

static const cf_route_t s_routes [] = {
#define ROUTE(method_, pattern_, access_, limit_, runs_, twin_, schema_, handler_, caption_) \
    { CF_METHOD_##method_, pattern_, CF_ACCESS_##access_, CF_LIMIT_##limit_, CF_RUNS_##runs_, CF_TWIN_##twin_, schema_, \
      cf_handle_##handler_, caption_ },
#include "http-edge/routes.def"
#undef ROUTE
};

static const char *const s_methods [CF_METHOD_COUNT] = { "GET", "POST", "PUT", "DELETE" };

const cf_route_t *
cf_route_at (size_t at)
{
    return at < sizeof s_routes / sizeof s_routes [0]? &s_routes [at]: NULL;
}

const char *
cf_route_method_name (cf_method_t method)
{
    return s_methods [method];
}

static cf_method_t
s_method (const char *name, size_t size)
{
    if (size == 4 && memcmp (name, "HEAD", 4) == 0)
        return CF_METHOD_GET;
    int method = 0;
    while (method < CF_METHOD_COUNT && (strlen (s_methods [method]) != size || memcmp (s_methods [method], name, size) != 0))
        method++;
    return (cf_method_t) method;
}

static void
s_add_param (cf_match_t *out, const char *name, size_t name_size, const char *bytes, size_t size)
{
    if (out->param_count < CF_ROUTE_PARAMS)
        out->params [out->param_count++] = (cf_route_param_t) { name, name_size, bytes, size };
}

/*  End of what stands for the parameter whose pattern goes on at after: the next slash, or where the rest is meant, what the
    pattern's end does not take. NULL where nothing would be left for it. */
static const char *
s_stop (bool rest, const char *after, const char *path, const char *end)
{
    size_t left = (size_t) (end - path), suffix = strlen (after);
    const char *slash = rest? NULL: memchr (path, '/', left);
    const char *stop = slash? slash: !rest? end: suffix < left? end - suffix: path;
    return stop == path? NULL: stop;
}

/*  Whether the path fits the pattern, with what stands for its parameters in out. */
static bool
s_fits (const char *pattern, const char *path, const char *end, cf_match_t *out)
{
    out->param_count = 0;
    while (*pattern) {
        if (*pattern == '{') {
            const char *close = strchr (pattern, '}');
            const char *name = pattern + 1;
            bool rest = close [-1] == '.';
            const char *stop = s_stop (rest, close + 1, path, end);
            if (!stop)
                return false;
            s_add_param (out, name, (size_t) (close - name) - (rest? 3u: 0u), path, (size_t) (stop - path));
            path = stop;
            pattern = close + 1;
        }
        else if (path < end && *path == *pattern) {
            path++;
            pattern++;
        }
        else
            return path == end && *pattern == '/' && !pattern [1];
    }
    return path == end;
}

/*  Compares what follows skip characters of each pattern. */
static void
s_match (const char *path, const char *end, size_t skip, cf_method_t method, cf_match_t *out)
{
    cf_match_t fit = { 0 };
    for (size_t at = 0; at < sizeof s_routes / sizeof s_routes [0]; at++) {
        const cf_route_t *route = &s_routes [at];
        if ((skip && route->twin != CF_TWIN_AGENTS) || !s_fits (route->pattern + skip, path, end, &fit))
            continue;
        out->methods |= 1u << route->method;
        if (route->method == method && !out->route) {
            out->route = route;
            memcpy (out->params, fit.params, sizeof out->params);
            out->param_count = fit.param_count;
        }
    }
}

void
cf_route_match (const char *method, size_t method_size, const char *path, size_t path_size, cf_match_t *out)
{
    *out = (cf_match_t) { 0 };
    cf_method_t wanted = s_method (method, method_size);
    s_match (path, path + path_size, 0, wanted, out);
    size_t prefix = sizeof TWIN_PREFIX - 1;
    if (!out->route && path_size > prefix && memcmp (path, TWIN_PREFIX, prefix) == 0)
        s_match (path + prefix, path + path_size, sizeof PREFIX - 1, wanted, out);
}
