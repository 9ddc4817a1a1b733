/* SPDX-License-Identifier: MPL-2.0 */
/*  cors - a preflight from an origin that is not allowed gets an answer without permissions, which the browser refuses */

#include "http-edge/cors.h"
#include "http-edge/reply.h"

#include <stdlib.h>
#include <string.h>

static char *s_text;
static const char *s_origins [CF_CORS_ORIGINS];
static size_t s_count;

int
cf_cors_init (const char *origins)
{
    free (s_text);
    s_count = 0;
    s_text = strdup (origins);
    char *rest = NULL;
    for (char *at = s_text? strtok_r (s_text, ", \t", &rest): NULL; at; at = strtok_r (NULL, ", \t", &rest)) {
        const char *authority = strstr (at, "://");
        if (s_count == CF_CORS_ORIGINS || !authority || !authority [3] || strchr (authority + 3, '/') || strchr (at, '*'))
            return -1;
        s_origins [s_count++] = at;
    }
    return s_text? 0: -1;
}

const char *
cf_cors_allowed (const char *origin, size_t size)
{
    for (size_t at = 0; at < s_count; at++)
        if (strlen (s_origins [at]) == size && memcmp (s_origins [at], origin, size) == 0)
            return s_origins [at];
    return NULL;
}

bool
cf_cors_pass (cf_request_t *request)
{
    h2o_iovec_t origin = cf_request_header (request, "origin");
    if (!origin.base)
        return true;
    request->origin = cf_cors_allowed (origin.base, origin.len);
    h2o_iovec_t method = request->http->input.method;
    if (!h2o_memis (method.base, method.len, H2O_STRLIT ("OPTIONS"))
        || !cf_request_header (request, "access-control-request-method").base)
        return true;
    if (request->origin) {
        cf_reply_header (request, "access-control-allow-methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
        cf_reply_header (request, "access-control-allow-headers", "Authorization, Content-Type, X-CSRF-Token, X-Request-ID, "
                         "Idempotency-Key, If-Match, Last-Event-ID, Prefer, traceparent, tracestate");
        cf_reply_header (request, "access-control-max-age", "3600");
    }
    cf_reply_nothing (request);
    return false;
}
