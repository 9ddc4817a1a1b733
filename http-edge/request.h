/* SPDX-License-Identifier: MPL-2.0 */
/*  request - one HTTP request, from its arrival to its end
 *
 *  The record outlives the h2o request where a task still works on it: h2o may drop a request at any time (the client
 *  leaves), `http` is NULL from then on, the task is cancelled and unwinds; answers to it go nowhere.
 */
#ifndef CF_EDGE_REQUEST_H
#define CF_EDGE_REQUEST_H

#include "actors/lib/task.h"
#include "http-edge/route.h"
#include "proto/base/json.h"
#include "proto/base/trace.h"
#include "proto/base/uuid.h"
#include "proto/message.h"

#include <h2o.h>

#define CF_REQUEST_ID_SIZE 128          /* as in the envelope */
#define CF_REQUEST_CALL_MS 10000u       /* longest wait for an actor's answer */
#define CF_REQUEST_PATH_MAX 500         /* of a file */

typedef struct cf_idempotency_t cf_idempotency_t;

struct cf_request_t {
    h2o_req_t *http;                    /* NULL: the client is gone */
    cf_loop_t *loop;
    const cf_route_t *route;            /* NULL: no such path */
    cf_route_fn *fn;                    /* runs in a task instead of the route's handler, or NULL */
    cf_match_t match;                   /* points into http's path */
    cf_task_t *task;                    /* works on it, or NULL */
    cf_idempotency_t *claim;            /* the client's idempotency key, or NULL */
    cf_json_t *body;                    /* checked against the route's schema, or NULL */
    char *path;                         /* of the file, decoded and checked, or NULL */
    const char *origin;                 /* allowed origin of a cross-origin request, or NULL */
    h2o_iovec_t *instead;               /* the answer's body goes here and is sent by h2o, or NULL */
    int refusal;                        /* status of what h2o refused already, or 0 */
    uint64_t started_us;                /* monotonic */
    uint64_t answered_ms;               /* 0: not yet */
    size_t head_bytes;
    cf_error_code_t token_fault;        /* why its token was refused, or CF_OK */
    bool watched;                       /* the connection's death is looked for */
    bool streaming;                     /* the answer has no end of its own */
    char id [CF_REQUEST_ID_SIZE];       /* X-Request-ID */
    char trace [CF_TRACE_SIZE];         /* traceparent */
    char user [CF_UUID_SIZE];           /* verified, or "" */
    char project [CF_UUID_SIZE];        /* of the path, or "" */
    char job [CF_UUID_SIZE];            /* of the path or of a stream token, or "" */
    void (*on_gone) (void *owner);      /* called when h2o drops it, answered or not; or NULL */
    void (*on_hangup) (void *owner);    /* called when the client has left a stream, whose connection was cut; or NULL */
    void *owner;                        /* the stream */
    unsigned references;                /* of h2o, of the task */
    cf_request_t *prev, *next;          /* all that h2o holds */
};

/*  A record for http, which disposes of it. NULL when out of memory. */
cf_request_t *cf_request_new (h2o_req_t *http, cf_loop_t *loop);
/*  Calls the route's handler, inline or in a task. */
void cf_request_run (cf_request_t *self);
/*  Calls fn in a task of the request's own, which it must not have yet. */
void cf_request_run_task (cf_request_t *self, cf_route_fn *fn);
/*  Ends the connection after the answer, of which the client can read all. */
void cf_request_close (cf_request_t *self);
/*  Breaks the connection: what is written to it from now on fails, what the kernel still holds for the client is dropped. */
void cf_request_cut (cf_request_t *self);
/*  From now on the client's leaving is noticed. */
void cf_request_watch (cf_request_t *self);

/*  An id for what the request makes: a new one, or, under an idempotency key, always the same one for that key and request, so that
    work that is done twice makes one thing. Returns id. */
char *cf_request_new_id (const cf_request_t *self, char id [CF_UUID_SIZE]);

/*  A header's first value; base is NULL where there is none. name in lower case. */
h2o_iovec_t cf_request_header (const cf_request_t *self, const char *name);
/*  The query without its '?', base NULL where there is none. */
h2o_iovec_t cf_request_query (const cf_request_t *self);
/*  Whether it came over TLS. */
bool cf_request_is_tls (const cf_request_t *self);
/*  Whether the body is wanted back without content (HEAD). */
bool cf_request_is_head (const cf_request_t *self);

/*  Calls an actor from the request's task. NULL after having answered the request with what went wrong; else yours to
    cf_codec_free. */
void *cf_request_ask (cf_request_t *self, cf_message_id_t id, const void *fields);
/*  The same where the reply's first field is a document: it becomes the answer, with status. */
void cf_request_show (cf_request_t *self, int status, cf_message_id_t id, const void *fields);
/*  The same with 201 and where to find what was made. */
void cf_request_show_made (cf_request_t *self, const char *location, cf_message_id_t id, const void *fields);
/*  The same, but the document is parsed and the caller's, and the answer is still due. NULL after having answered. */
cf_json_t *cf_request_fetch (cf_request_t *self, cf_message_id_t id, const void *fields);

/*  The body of an update as text, yours to free; NULL after having refused one that changes nothing. */
char *cf_request_changes (cf_request_t *self);

/*  Requests that h2o holds now. */
size_t cf_request_count (void);
/*  Cuts off clients that do not take their answer within timeout_ms. */
void cf_request_sweep (uint64_t timeout_ms);
/*  Calls fn (request, arg) for each request that h2o holds. */
void cf_request_each (void (*fn) (cf_request_t *request, void *arg), void *arg);

#endif
