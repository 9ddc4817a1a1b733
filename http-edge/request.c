/* SPDX-License-Identifier: MPL-2.0 */
/*  request - the record is held by h2o's request, through a tether in its pool, and by the task that works on it */

#include "http-edge/request.h"
#include "actors/lib/call.h"
#include "http-edge/access.h"
#include "http-edge/connection.h"
#include "http-edge/idempotency.h"
#include "http-edge/linger.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#define CF_REQUEST_WATCH_MS 50          /* most requests are answered before their client need be looked after */

static cf_request_t *s_requests;
static size_t s_count;
static cf_timer_t s_watch;

static int
s_fd (const cf_request_t *self)
{
    return h2o_socket_get_fd (self->http->conn->callbacks->get_socket (self->http->conn));
}

static void
s_release (cf_request_t *self)
{
    if (--self->references)
        return;
    cf_idempotency_destroy (&self->claim);
    json_decref (self->body);
    free (self->path);
    free (self);
}

/*  h2o drops the request: it has been answered, or the client has left. */
static void
s_on_dispose (void *arg)
{
    cf_request_t *self = *(cf_request_t **) arg;
    if (self->watched)
        cf_loop_unwatch (self->loop, s_fd (self));
    cf_connection_next (self->http->conn->callbacks->get_socket (self->http->conn));
    cf_access_log (self);
    DL_DELETE (s_requests, self);
    s_count--;
    self->http = NULL;
    self->match = (cf_match_t) { 0 };
    if (self->task)
        cf_task_cancel (self->task, CF_ERROR_CANCELLED);
    if (self->on_gone)
        self->on_gone (self->owner);
    s_release (self);
}

cf_request_t *
cf_request_new (h2o_req_t *http, cf_loop_t *loop)
{
    cf_request_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    cf_request_t **tether = h2o_mem_alloc_shared (&http->pool, sizeof (cf_request_t *), s_on_dispose);
    *tether = self;
    self->http = http;
    self->loop = loop;
    self->references = 1;
    self->started_us = cf_clock_us ();
    DL_APPEND (s_requests, self);
    s_count++;
    return self;
}

/*  The client has closed its side. h2o does not look at a connection whose answer is due, so it is made to: by an answer
    that ends the connection. */
static void
s_on_hangup (void *arg, uint32_t events)
{
    (void) events;
    cf_request_t *self = arg;
    if (!self->answered_ms) {
        cf_reply_gone (self);
        return;
    }
    shutdown (s_fd (self), SHUT_RDWR);
    if (self->on_hangup)
        self->on_hangup (self->owner);
}

void
cf_request_close (cf_request_t *self)
{
    self->http->http1_is_persistent = 0;
    cf_linger_add (self->loop, s_fd (self));
}

void
cf_request_cut (cf_request_t *self)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    setsockopt (s_fd (self), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    shutdown (s_fd (self), SHUT_RDWR);
}

void
cf_request_watch (cf_request_t *self)
{
    if (self->http && !self->watched)
        self->watched = cf_loop_watch (self->loop, s_fd (self), EPOLLRDHUP | EPOLLONESHOT, s_on_hangup, self) == 0;
}

static void
s_on_watch (void *arg)
{
    uint64_t before_us = cf_clock_us () - CF_REQUEST_WATCH_MS * 1000u / 2;
    cf_request_t *self;
    bool young = false;
    DL_FOREACH (s_requests, self)
        if (self->task && !self->watched) {
            if (self->started_us <= before_us)
                cf_request_watch (self);
            else
                young = true;
        }
    if (young)
        cf_timer_set (arg, &s_watch, CF_REQUEST_WATCH_MS, s_on_watch, arg);
}

static void
s_run (cf_task_t *task, void *arg)
{
    cf_request_t *self = arg;
    self->task = task;
    cf_route_fn *fn = self->fn;
    self->fn = NULL;                    /* the steps of the chain may choose the next one */
    if (self->http)                     /* it may have gone before the task had its turn */
        fn (self);
    self->task = NULL;
    if (self->http && !self->answered_ms)
        cf_reply_fault (self, CF_FAULT_INTERNAL, NULL);
    s_release (self);
}

static void
s_fill_context (const cf_request_t *self, cf_task_context_t *context)
{
    memcpy (context->user, self->user, sizeof context->user);
    memcpy (context->job, self->job, sizeof context->job);
    memcpy (context->request, self->id, sizeof context->request);
    memcpy (context->trace, self->trace, sizeof context->trace);
}

void
cf_request_run_task (cf_request_t *self, cf_route_fn *fn)
{
    cf_task_context_t context = { .priority = 0 };
    s_fill_context (self, &context);
    self->fn = fn;
    self->references += 2;              /* the task's, and ours while we look at it below */
    if (!cf_task_start (self->loop, s_run, self, &context)) {
        self->references--;
        cf_reply_fault (self, CF_FAULT_BUSY, NULL);
    }
    else if (self->references > 2 && !cf_heap_contains (&s_watch.node))      /* the task waits */
        cf_timer_set (self->loop, &s_watch, CF_REQUEST_WATCH_MS, s_on_watch, self->loop);
    s_release (self);
}

void
cf_request_run (cf_request_t *self)
{
    cf_route_fn *fn = self->fn? self->fn: self->route->fn;
    if (self->task) {                   /* it was started to find out who asks */
        s_fill_context (self, cf_task_context (self->task));
        fn (self);
    }
    else if (self->route->runs == CF_RUNS_INLINE)
        fn (self);
    else
        cf_request_run_task (self, fn);
}

char *
cf_request_new_id (const cf_request_t *self, char id [CF_UUID_SIZE])
{
    return self->claim? cf_idempotency_id (self->claim, id): cf_uuid_new (id);
}

h2o_iovec_t
cf_request_header (const cf_request_t *self, const char *name)
{
    ssize_t at = self->http? h2o_find_header_by_str (&self->http->headers, name, strlen (name), -1): -1;
    return at < 0? h2o_iovec_init (NULL, 0): self->http->headers.entries [at].value;
}

h2o_iovec_t
cf_request_query (const cf_request_t *self)
{
    const h2o_iovec_t *path = self->http? &self->http->input.path: &(h2o_iovec_t) { "", 0 };
    const char *mark = memchr (path->base, '?', path->len);
    return mark? h2o_iovec_init (mark + 1, path->len - (size_t) (mark + 1 - path->base)): h2o_iovec_init (NULL, 0);
}

bool
cf_request_is_tls (const cf_request_t *self)
{
    return self->http && self->http->conn->callbacks->get_socket (self->http->conn)->ssl != NULL;
}

bool
cf_request_is_head (const cf_request_t *self)
{
    return self->http && h2o_memis (self->http->input.method.base, self->http->input.method.len, H2O_STRLIT ("HEAD"));
}

void *
cf_request_ask (cf_request_t *self, cf_message_id_t id, const void *fields)
{
    cf_error_t error = { 0 };
    void *reply = cf_call (self->task, id, fields, CF_REQUEST_CALL_MS, &error);
    if (!reply)
        cf_reply_error (self, &error);
    return reply;
}

/*  The document in the first field of the reply to id. */
static const char *
s_shown (cf_message_id_t id, const void *reply)
{
    const cf_field_t *field = cf_message_row (cf_message_row (id)->reply)->fields;
    assert (field->type == CF_FIELD_json);
    return *(const cf_field_json_t *) (const void *) ((const char *) reply + field->offset);
}

void
cf_request_show (cf_request_t *self, int status, cf_message_id_t id, const void *fields)
{
    void *reply = cf_request_ask (self, id, fields);
    if (reply)
        cf_reply_json (self, status, s_shown (id, reply), strlen (s_shown (id, reply)));
    cf_codec_free (&reply);
}

void
cf_request_show_made (cf_request_t *self, const char *location, cf_message_id_t id, const void *fields)
{
    void *reply = cf_request_ask (self, id, fields);
    if (reply) {
        cf_reply_header (self, "location", location);
        cf_reply_json (self, 201, s_shown (id, reply), strlen (s_shown (id, reply)));
    }
    cf_codec_free (&reply);
}

cf_json_t *
cf_request_fetch (cf_request_t *self, cf_message_id_t id, const void *fields)
{
    cf_error_t error = { 0 };
    void *reply = cf_request_ask (self, id, fields);
    if (!reply)
        return NULL;
    cf_json_t *document = cf_json_parse (s_shown (id, reply), strlen (s_shown (id, reply)), &error);
    cf_codec_free (&reply);
    if (!document) {
        cf_log_error ("%s: %s", cf_message_row (id)->name, error.text);
        cf_reply_fault (self, CF_FAULT_INTERNAL, NULL);
    }
    return document;
}

char *
cf_request_changes (cf_request_t *self)
{
    if (!json_object_size (self->body)) {
        cf_reply_refused (self, "", "there is nothing to change");
        return NULL;
    }
    char *text = cf_json_print (self->body);
    if (!text)
        cf_reply_fault (self, CF_FAULT_BUSY, NULL);
    return text;
}

size_t
cf_request_count (void)
{
    return s_count;
}

void
cf_request_sweep (uint64_t timeout_ms)
{
    uint64_t now_ms = cf_clock_ms ();
    cf_request_t *self;
    DL_FOREACH (s_requests, self)
        if (self->answered_ms && !self->streaming && now_ms - self->answered_ms > timeout_ms)
            shutdown (s_fd (self), SHUT_RDWR);
}

void
cf_request_each (void (*fn) (cf_request_t *request, void *arg), void *arg)
{
    cf_request_t *self, *next;
    DL_FOREACH_SAFE (s_requests, self, next)
        fn (self, arg);
}
