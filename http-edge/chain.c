/* SPDX-License-Identifier: MPL-2.0 */
/*  chain - one function a step, in the order of the HTTP API's contract:
 *
 *      request id, trace > raw head > CORS > route (404, 405) > rate limit (429) > CSRF (403) > authentication (401, 403)
 *      > ids in the path (400) > size (413, 431) > media type (415) > JSON and schema (422) > (the handler:) query (400)
 *      > existence > the rest
 *
 *  The limit is the verified user's: so the token is looked at before it, and answered for after it.
 */

#include "http-edge/chain.h"
#include "http-edge/acquaint.h"
#include "http-edge/address.h"
#include "http-edge/body.h"
#include "http-edge/cookie.h"
#include "http-edge/cors.h"
#include "http-edge/guard.h"
#include "http-edge/head.h"
#include "http-edge/idempotency.h"
#include "http-edge/query.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEP_VERIFY 4                   /* place of s_verify among the steps */

typedef bool (step_fn) (cf_request_t *request);

static cf_auth_t *s_auth;
static cf_jwks_t *s_jwks;
static cf_limiter_t *s_limiter;

static bool s_walk (cf_request_t *request, size_t from);

void
cf_chain_init (cf_auth_t *auth, cf_jwks_t *jwks, cf_limiter_t *limiter)
{
    s_auth = auth;
    s_jwks = jwks;
    s_limiter = limiter;
}

static bool
s_method_is (const cf_request_t *request, const char *name)
{
    return h2o_memis (request->http->input.method.base, request->http->input.method.len, name, strlen (name));
}

/* ---- who is it, and is it HTTP ---- */

/*  Keeps a sane X-Request-ID, so that the caller's log and ours can be laid side by side. */
static bool
s_identify (cf_request_t *request)
{
    static const char sane [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
    h2o_iovec_t given = cf_request_header (request, "x-request-id");
    if (given.base && given.len && given.len < sizeof request->id) {
        memcpy (request->id, given.base, given.len);
        request->id [given.len] = 0;
    }
    if (!*request->id || strspn (request->id, sane) != given.len)
        cf_uuid_new (request->id);
    char parent [CF_TRACE_SIZE] = "";
    given = cf_request_header (request, "traceparent");
    if (given.base && given.len == CF_TRACE_SIZE - 1)
        memcpy (parent, given.base, given.len);
    cf_trace_child (parent, request->trace);
    return true;
}

/*  Whether what came with the request, after it, is the beginning of another. (After a chunked body it is not known where that is.) */
static bool
s_is_followed_well (const cf_request_t *request, const h2o_buffer_t *input)
{
    size_t used = request->head_bytes + request->http->entity.len;
    if (input->size <= used || cf_request_header (request, "transfer-encoding").base)
        return true;
    cf_head_t next = cf_head_look (input->bytes + used, input->size - used, 0);
    return next == CF_HEAD_WHOLE || next == CF_HEAD_PART;
}

static bool
s_guard (cf_request_t *request)
{
    const h2o_buffer_t *input = request->http->conn->callbacks->get_socket (request->http->conn)->input;
    const char *reason = cf_guard_check (input->bytes, input->size, &request->head_bytes);
    if (!reason && (request->refusal == 0 || request->refusal == 413 || request->refusal == 417)) {
        if (request->refusal == 0 && !s_is_followed_well (request, input))
            cf_request_close (request); /* h2o would answer it in its own words */
        return true;
    }
    cf_request_close (request);         /* nobody knows where the next request begins */
    cf_reply_fault (request, CF_FAULT_MALFORMED, json_pack ("{s:s}", "reason", reason? reason: "the body's framing is broken"));
    return false;
}

/* ---- where does it want to go ---- */

static void
s_allow (cf_request_t *request)
{
    cf_buf_t allow;
    cf_buf_init (&allow, 128);
    for (int method = 0; method < CF_METHOD_COUNT; method++)
        if (request->match.methods & 1u << method)
            cf_buf_printf (&allow, "%s, %s", cf_route_method_name ((cf_method_t) method), method == CF_METHOD_GET? "HEAD, ": "");
    cf_buf_puts (&allow, "OPTIONS");
    cf_reply_header (request, "allow", allow.bytes);
    cf_buf_free (&allow);
}

static bool
s_route (cf_request_t *request)
{
    h2o_iovec_t method = request->http->input.method, path = request->http->input.path;
    const char *mark = memchr (path.base, '?', path.len);
    size_t size = mark? (size_t) (mark - path.base): path.len;
    const char *start = path.base;
    if (size > 7 && strncasecmp (start, "http://", 7) == 0) {       /* absolute form, RFC 9112, section 3.2.2 */
        start = memchr (path.base + 7, '/', size - 7);
        size = start? size - (size_t) (start - path.base): 0;
    }
    cf_route_match (method.base, method.len, start? start: "", size, &request->match);
    request->route = request->match.route;
    if (request->route)
        return true;
    if (!request->match.methods)
        cf_reply_fault (request, CF_FAULT_NO_PATH, NULL);
    else {
        s_allow (request);
        if (s_method_is (request, "OPTIONS"))
            cf_reply_nothing (request);
        else
            cf_reply_fault (request, CF_FAULT_METHOD, NULL);
    }
    return false;
}

/* ---- who asks, and how often ---- */

/*  0, or -1 with error. A stream's token stands in the query, where a browser's EventSource can put it. */
static int
s_check_token (cf_request_t *request, cf_auth_claims_t *claims, cf_error_t *error)
{
    const h2o_headers_t *headers = &request->http->headers;
    ssize_t first = h2o_find_header (headers, H2O_TOKEN_AUTHORIZATION, -1);
    uint64_t now_s = cf_clock_wall_us () / 1000000u;
    if (first >= 0) {
        size_t size = 0;
        h2o_iovec_t header = headers->entries [first].value;
        const char *token = cf_auth_bearer (header.base, header.len, &size);
        if (!token || h2o_find_header (headers, H2O_TOKEN_AUTHORIZATION, first) >= 0)
            return cf_error_set (error, CF_ERROR_UNAUTHENTICATED, "not one bearer token");
        return cf_auth_verify (s_auth, CF_AUTH_API, token, size, now_s, claims, error);
    }
    h2o_iovec_t query = cf_request_query (request);
    const char *reason;
    char token [1024];
    if (request->route->access == CF_ACCESS_STREAM && query.base
        && cf_query_find (query.base, query.len, "token", token, sizeof token, &reason) == 1)
        return cf_auth_verify (s_auth, CF_AUTH_STREAM, token, strlen (token), now_s, claims, error);
    return cf_error_set (error, CF_ERROR_UNAUTHENTICATED, "no token");
}

static void
s_resume (cf_request_t *request)
{
    cf_jwks_wait (s_jwks, request->task);
    if (request->http && s_walk (request, STEP_VERIFY))
        cf_request_run (request);
}

/*  Who it is, where a token says so; what is wrong with it is said later. A key that is not known yet is waited for in a task, once. */
static bool
s_verify (cf_request_t *request)
{
    cf_auth_claims_t claims = { .user = "" };
    cf_error_t error = { 0 };
    if (request->route->access == CF_ACCESS_PUBLIC && request->route->limit == CF_LIMIT_EXEMPT)
        return true;
    if (s_check_token (request, &claims, &error) == 0) {
        memcpy (request->user, claims.user, sizeof request->user);
        memcpy (request->job, claims.job, sizeof request->job);
        return true;
    }
    if (claims.key_unknown && !request->task && !request->instead && cf_jwks_can_wait (s_jwks)) {
        cf_request_run_task (request, s_resume);
        return false;
    }
    cf_log_debug ("token refused: %s", error.text);
    request->token_fault = error.code;
    return true;
}

/*  The client behind the proxies that are believed. */
static void
s_find_address (const cf_request_t *request, cf_address_t *address)
{
    struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
    const h2o_headers_t *headers = &request->http->headers;
    request->http->conn->callbacks->get_peername (request->http->conn, (struct sockaddr *) &peer);
    cf_address_of ((struct sockaddr *) &peer, address);
    if (!cf_address_is_trusted (address))
        return;
    /* several of the header are one list (RFC 9110, section 5.3), of which the end is read first */
    for (size_t at = headers->size; at-- > 0;)
        if (h2o_memis (headers->entries [at].name->base, headers->entries [at].name->len, H2O_STRLIT ("x-forwarded-for"))
            && !cf_address_follow (headers->entries [at].value.base, headers->entries [at].value.len, address))
            return;
}

static bool
s_limit_rate (cf_request_t *request)
{
    cf_limiter_state_t state;
    char text [16];
    bool taken;
    if (request->route->limit == CF_LIMIT_EXEMPT)
        return true;
    if (*request->user)
        taken = cf_limiter_take (s_limiter, 'u', request->user, strlen (request->user), cf_clock_us (), &state);
    else {
        cf_address_t address;
        const uint8_t *bytes;
        s_find_address (request, &address);
        size_t size = cf_address_key (&address, &bytes);
        taken = cf_limiter_take (s_limiter, 'a', bytes, size, cf_clock_us (), &state);
    }
    const struct { const char *name; uint32_t value; } headers [] = {
        { "ratelimit-limit", state.limit }, { "ratelimit-remaining", state.remaining }, { "ratelimit-reset", state.reset_s },
        { "retry-after", state.retry_after_s }
    };
    for (size_t at = 0; at < (taken? 3: 4); at++) {
        snprintf (text, sizeof text, "%u", headers [at].value);
        cf_reply_header (request, headers [at].name, text);
    }
    if (!taken)
        cf_reply_fault (request, CF_FAULT_LIMITED, json_pack ("{s:I}", "retry_after", (json_int_t) state.retry_after_s));
    return taken;
}

/* ---- may it ---- */

static bool
s_csrf_cookie (const cf_request_t *request, const char **value, size_t *size)
{
    const h2o_headers_t *headers = &request->http->headers;
    ssize_t at = -1;
    while ((at = h2o_find_header (headers, H2O_TOKEN_COOKIE, at)) >= 0)
        if (cf_cookie_find (headers->entries [at].value.base, headers->entries [at].value.len, CF_COOKIE_CSRF, value, size))
            return true;
    return false;
}

/*  Double submit: another site can make a browser send the cookie, but cannot read it to send it in a header. */
static bool
s_csrf (cf_request_t *request)
{
    const char *value = NULL;
    size_t size = 0;
    bool has_cookie = s_csrf_cookie (request, &value, &size) && size;
    if (request->route->method == CF_METHOD_GET) {
        if (!has_cookie) {
            char fresh [CF_COOKIE_CSRF_SIZE], line [160];
            snprintf (line, sizeof line, CF_COOKIE_CSRF "=%s; Path=/; Max-Age=86400; SameSite=Strict%s", cf_cookie_csrf_new (fresh),
                      cf_request_is_tls (request)? "; Secure": "");
            cf_reply_header (request, "set-cookie", line);
        }
        return true;
    }
    h2o_iovec_t authorization = cf_request_header (request, "authorization");
    size_t unused;
    if (request->route->access == CF_ACCESS_PUBLIC)
        return true;                    /* nobody's rights are used, so none can be stolen */
    if (authorization.base && cf_auth_bearer (authorization.base, authorization.len, &unused))
        return true;
    h2o_iovec_t header = cf_request_header (request, "x-csrf-token");
    if (has_cookie && header.base && header.len == size && CRYPTO_memcmp (header.base, value, size) == 0)
        return true;
    cf_reply_fault (request, CF_FAULT_CSRF, NULL);
    return false;
}

static bool
s_authenticate (cf_request_t *request)
{
    if (request->route->access == CF_ACCESS_PUBLIC)
        return true;
    if (request->token_fault == CF_OK) {
        cf_acquaint (request->loop, request->user);
        return true;
    }
    cf_reply_fault (request, request->token_fault == CF_ERROR_FORBIDDEN? CF_FAULT_FORBIDDEN: CF_FAULT_UNAUTHENTICATED, NULL);
    return false;
}

/* ---- what does it say ---- */

static bool
s_take_path (cf_request_t *request, const cf_route_param_t *param)
{
    char path [CF_REQUEST_PATH_MAX + 1];
    const char *fault = cf_query_decode (param->bytes, param->size, false, path, sizeof path)? cf_query_path_fault (path)
        : "is malformed or longer than 500 characters";
    if (fault)
        cf_reply_refused (request, "path", fault);
    else if (!(request->path = strdup (path)))
        cf_reply_fault (request, CF_FAULT_BUSY, NULL);
    return request->path != NULL;
}

static bool
s_take_id (cf_request_t *request, const cf_route_param_t *param)
{
    char text [CF_UUID_SIZE] = "", id [CF_UUID_SIZE];
    bool is_job = h2o_memis (param->name, param->name_size, H2O_STRLIT ("job_id"));
    if (!cf_query_decode (param->bytes, param->size, false, text, sizeof text) || !cf_uuid_parse (text, id)) {
        cf_reply_refused (request, is_job? "job_id": "project_id", "must be a UUID");
        return false;
    }
    if (is_job && *request->job && strcmp (request->job, id) != 0) {     /* a stream token of another job */
        cf_reply_fault (request, CF_FAULT_UNAUTHENTICATED, NULL);
        return false;
    }
    memcpy (is_job? request->job: request->project, id, sizeof id);
    return true;
}

static bool
s_ids (cf_request_t *request)
{
    for (size_t at = 0; at < request->match.param_count; at++) {
        const cf_route_param_t *param = &request->match.params [at];
        bool is_path = h2o_memis (param->name, param->name_size, H2O_STRLIT ("path"));
        if (!(is_path? s_take_path (request, param): s_take_id (request, param)))
            return false;
    }
    return true;
}

static bool
s_size (cf_request_t *request)
{
    bool large = request->refusal == 413 || request->http->entity.len > CF_BODY_MAX_BYTES;
    if (large)
        cf_reply_fault (request, CF_FAULT_TOO_LARGE, NULL);
    else if (request->refusal == 417)
        cf_reply_fault (request, CF_FAULT_EXPECTATION, NULL);
    else if (request->head_bytes > CF_GUARD_HEAD_MAX)
        cf_reply_fault (request, CF_FAULT_HEAD_TOO_LARGE, NULL);
    else
        return true;
    return false;
}

/*  Whether there is a body to look at; one that may be absent is absent when it is empty. */
static bool
s_has_body (const cf_request_t *request)
{
    return request->route->schema && (request->http->entity.len || strcmp (request->route->schema, "empty") != 0);
}

static bool
s_media_type (cf_request_t *request)
{
    h2o_iovec_t type = cf_request_header (request, "content-type");
    if (!s_has_body (request) || (!type.base && !request->http->entity.len)
        || cf_body_is_json (type, cf_request_header (request, "content-encoding")))
        return true;
    cf_reply_fault (request, CF_FAULT_MEDIA_TYPE, NULL);
    return false;
}

static bool
s_body (cf_request_t *request)
{
    if (!s_has_body (request))
        return true;
    const h2o_iovec_t *entity = &request->http->entity;
    cf_json_t *details = cf_body_check (request->route, entity->base? entity->base: "", entity->len, &request->body);
    if (!details)
        return true;
    cf_reply_fault (request, CF_FAULT_BODY, details);
    return false;
}

static bool
s_walk (cf_request_t *request, size_t from)
{
    static step_fn *const steps [] = {
        s_identify, s_guard, cf_cors_pass, s_route, s_verify, s_limit_rate, s_csrf, s_authenticate, s_ids, s_size, s_media_type, s_body,
        cf_idempotency_begin
    };
    for (size_t at = from; at < sizeof steps / sizeof steps [0]; at++)
        if (!steps [at] (request))
            return false;
    return true;
}

bool
cf_chain_pass (cf_request_t *request)
{
    return s_walk (request, 0);
}
