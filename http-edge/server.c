/* SPDX-License-Identifier: MPL-2.0 */
/*  server - the runtime's epoll descriptor is one socket of h2o's loop
 *
 *  h2o polls before it runs what is pending, so a turn of ours that left it work (an answer that was written) must be
 *  followed by one of its turns that does not wait; likewise the runtime after a call was sent. s_wait_ms sees to both.
 */

#include "http-edge/server.h"
#include "http-edge/body.h"
#include "http-edge/chain.h"
#include "http-edge/connection.h"
#include "http-edge/guard.h"
#include "http-edge/idempotency.h"
#include "http-edge/linger.h"
#include "http-edge/reply.h"
#include "http-edge/request.h"
#include "http-edge/stream.h"
#include "http-edge/tls.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CF_SERVER_BACKLOG 4096
#define CF_SERVER_ACCEPTS 64            /* connections taken in a turn */
#define CF_SERVER_RESERVED_FDS 128u     /* of the process's descriptors, not for connections */
#define CF_SERVER_IDLE_MS 60000u        /* a connection without a request */
#define CF_SERVER_REQUEST_MS 10000u     /* for a request's head and body to arrive */
#define CF_SERVER_TAKE_MS 60000u        /* for an answer to be taken */
#define CF_SERVER_SWEEP_MS 1000u
#define CF_SERVER_DRAIN_MS 4000u        /* then tasks are cancelled … */
#define CF_SERVER_LAST_MS 500u          /* … and have this to answer */

struct cf_server_t {
    cf_loop_t *loop;
    h2o_evloop_t *h2o;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    cf_tls_t *tls;                      /* NULL: plain HTTP */
    h2o_socket_t *listener, *inner;
    size_t connections_max;
    bool full;                          /* the listener is not read */
    bool readable, stopping;
    cf_timer_t sweep;
};

typedef struct {
    h2o_handler_t super;
    cf_server_t *server;
} handler_t;

typedef struct {
    h2o_filter_t super;
    cf_server_t *server;
} filter_t;

typedef struct {
    h2o_ostream_t super;
    h2o_iovec_t body;
} substitute_t;

/* ---- requests ---- */

static int
s_on_request (h2o_handler_t *handler, h2o_req_t *http)
{
    cf_request_t *request = cf_request_new (http, ((handler_t *) handler)->server->loop);
    if (!request)
        return -1;              /* h2o answers 404, and the filter below makes it ours */
    if (cf_chain_pass (request))
        cf_request_run (request);
    return 0;
}

static void
s_send_substitute (h2o_ostream_t *super, h2o_req_t *http, h2o_iovec_t *bufs, size_t count, h2o_send_state_t state)
{
    substitute_t *self = (substitute_t *) (void *) super;
    bool head = h2o_memis (http->input.method.base, http->input.method.len, H2O_STRLIT ("HEAD"));
    (void) bufs;
    (void) count;
    h2o_ostream_send_next (super, http, &self->body, head? 0: 1, state);
}

/*  What h2o refuses by itself (a body over its limit, broken framing) gets the answer that the chain gives to it. */
static void
s_on_response (h2o_filter_t *filter, h2o_req_t *http, h2o_ostream_t **slot)
{
    cf_request_t *request;
    bool ours = http->res.status == 499 || h2o_find_header_by_str (&http->res.headers, H2O_STRLIT ("x-request-id"), -1) >= 0;
    if (!ours && (request = cf_request_new (http, ((filter_t *) filter)->server->loop))) {
        substitute_t *self = (substitute_t *) (void *) h2o_add_ostream (http, sizeof *self, slot);
        self->super.do_send = s_send_substitute;
        self->body = h2o_iovec_init (NULL, 0);
        slot = &self->super.next;
        request->refusal = http->res.status;
        cf_request_close (request);
        request->instead = &self->body;
        http->res.headers = (h2o_headers_t) { NULL, 0, 0 };
        http->res.content_length = SIZE_MAX;
        if (cf_chain_pass (request))
            cf_reply_fault (request, CF_FAULT_BUSY, NULL);
    }
    h2o_setup_next_ostream (http, slot);
}

/* ---- connections ---- */

static void s_on_connection (h2o_socket_t *listener, const char *error);

static void
s_on_end (void *arg)
{
    cf_server_t *self = arg;
    if (self->full && self->listener) {
        self->full = false;
        h2o_socket_read_start (self->listener, s_on_connection);
    }
}

/*  With no descriptor left the listener would stay readable, and the loop would spin. */
static void
s_pause (cf_server_t *self)
{
    self->full = true;
    h2o_socket_read_stop (self->listener);
    cf_log_warning ("%zu connections: no more are taken until one ends", cf_connection_count ());
}

static void
s_on_connection (h2o_socket_t *listener, const char *error)
{
    cf_server_t *self = listener->data;
    for (int count = 0; !error && count < CF_SERVER_ACCEPTS; count++) {
        if (cf_connection_count () >= self->connections_max) {
            s_pause (self);
            return;
        }
        h2o_socket_t *socket = h2o_evloop_socket_accept (listener);
        if (!socket) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR && cf_connection_count ())
                s_pause (self);
            return;
        }
        cf_connection_open (&self->accept, socket, s_on_end, self);
    }
}

/*  The idle connections are closed; one with a request keeps what it has. */
static int
s_close_idle (h2o_req_t *http, void *arg)
{
    (void) arg;
    if (!http->timestamps.request_begin_at.tv_sec)
        shutdown (h2o_socket_get_fd (http->conn->callbacks->get_socket (http->conn)), SHUT_RDWR);
    return 0;
}

static void
s_on_sweep (void *arg)
{
    cf_server_t *self = arg;
    cf_connection_sweep (CF_SERVER_REQUEST_MS);
    cf_guard_sweep (&self->context, CF_SERVER_REQUEST_MS);
    cf_request_sweep (CF_SERVER_TAKE_MS);
    cf_timer_set (self->loop, &self->sweep, CF_SERVER_SWEEP_MS, s_on_sweep, self);
}

/* ---- making ---- */

static void
s_on_inner (h2o_socket_t *socket, const char *error)
{
    (void) error;
    ((cf_server_t *) socket->data)->readable = true;
}

static void
s_configure (cf_server_t *self)
{
    h2o_config_init (&self->config);
    self->config.server_name = h2o_iovec_init (NULL, 0);
    self->config.max_request_entity_size = CF_BODY_MAX_BYTES + 1;   /* h2o refuses chunked bodies one byte early */
    self->config.http1.req_timeout = CF_SERVER_IDLE_MS;
    self->config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host = h2o_config_register_host (&self->config, h2o_iovec_init (H2O_STRLIT ("default")), 65535);
    handler_t *handler = (handler_t *) (void *) h2o_create_handler (&host->fallback_path, sizeof *handler);
    handler->super.on_req = s_on_request;
    handler->server = self;
    filter_t *filter = (filter_t *) (void *) h2o_create_filter (&host->fallback_path, sizeof *filter);
    filter->super.on_setup_ostream = s_on_response;
    filter->server = self;
    h2o_context_init (&self->context, self->h2o, &self->config);
    self->accept = (h2o_accept_ctx_t) { .ctx = &self->context, .hosts = self->config.hosts };
}

/*  As many connections as descriptors can be had. */
static size_t
s_raise_limit (void)
{
    struct rlimit limit = { 1024, 1024 };
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
    getrlimit (RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 2 * CF_SERVER_RESERVED_FDS? (size_t) limit.rlim_cur - CF_SERVER_RESERVED_FDS: CF_SERVER_RESERVED_FDS;
}

cf_server_t *
cf_server_new (cf_loop_t *loop)
{
    cf_server_t *self = calloc (1, sizeof *self);
    int fd = self? dup (cf_loop_fd (loop)): -1;        /* a copy: h2o closes what it is given */
    if (fd < 0) {
        free (self);
        return NULL;
    }
    self->loop = loop;
    self->connections_max = s_raise_limit ();
    self->h2o = h2o_evloop_create ();
    cf_connection_init (loop);
    s_configure (self);
    self->inner = h2o_evloop_socket_create (self->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    self->inner->data = self;
    h2o_socket_read_start (self->inner, s_on_inner);
    cf_timer_set (loop, &self->sweep, CF_SERVER_SWEEP_MS, s_on_sweep, self);
    return self;
}

int
cf_server_secure (cf_server_t *self, const char *cert, const char *key, cf_error_t *error)
{
    if (!(self->tls = cf_tls_new (self->loop, cert, key, error)))
        return -1;
    self->accept.ssl_ctx = cf_tls_context (self->tls);
    return 0;
}

int
cf_server_listen (cf_server_t *self, const char *address, uint16_t port, uint16_t *bound, cf_error_t *error)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons (port) };
    if (inet_pton (AF_INET, address, &at.sin_addr) != 1)
        return cf_error_set (error, CF_ERROR_INVALID, "%s is not an IPv4 address", address);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    socklen_t size = sizeof at;
    if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || setsockopt (fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)
        || bind (fd, (struct sockaddr *) &at, sizeof at) || listen (fd, CF_SERVER_BACKLOG)
        || getsockname (fd, (struct sockaddr *) &at, &size)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot listen on %s:%u: %s", address, port, strerror (errno));
        if (fd >= 0)
            close (fd);
        return -1;
    }
    *bound = ntohs (at.sin_port);
    self->listener = h2o_evloop_socket_create (self->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    self->listener->data = self;
    h2o_socket_read_start (self->listener, s_on_connection);
    return 0;
}

/* ---- running ---- */

static int32_t
s_wait_ms (const cf_server_t *self, int most_ms)
{
    if (self->h2o->_pending_as_server || self->h2o->_pending_as_client)
        return 0;
    int wait_ms = cf_loop_timeout_ms (self->loop);
    return wait_ms < 0 || wait_ms > most_ms? most_ms: wait_ms;
}

static void
s_turn (cf_server_t *self, int most_ms)
{
    h2o_evloop_run (self->h2o, s_wait_ms (self, most_ms));
    cf_connection_turn ();
    if (self->readable || cf_loop_timeout_ms (self->loop) == 0)
        cf_loop_turn (self->loop, 0);
    self->readable = false;
}

static void
s_stop_listening (cf_server_t *self)
{
    if (!self->listener)
        return;
    /* those that the kernel has accepted already would be reset */
    if (!self->full)
        s_on_connection (self->listener, NULL);
    h2o_socket_close (self->listener);
    self->listener = NULL;
}

static void
s_cancel (cf_request_t *request, void *arg)
{
    (void) arg;
    if (request->task)
        cf_task_cancel (request->task, CF_ERROR_ACTOR_GONE);
}

static void
s_turn_until_empty (cf_server_t *self, uint64_t most_ms)
{
    uint64_t due_ms = cf_clock_ms () + most_ms;
    while ((cf_request_count () || cf_task_count () || cf_connection_count ()) && cf_clock_ms () < due_ms) {
        self->config.http1.callbacks.foreach_request (&self->context, s_close_idle, NULL);
        s_turn (self, 50);
    }
}

static void
s_drain (cf_server_t *self)
{
    s_stop_listening (self);
    cf_connection_sweep (0);
    h2o_context_request_shutdown (&self->context);
    cf_stream_end_all ();
    s_turn_until_empty (self, CF_SERVER_DRAIN_MS);
    cf_idempotency_interrupt_all (CF_ERROR_ACTOR_GONE);
    cf_request_each (s_cancel, NULL);
    s_turn_until_empty (self, CF_SERVER_LAST_MS);
    if (cf_request_count ())
        cf_log_warning ("%zu requests were cut off", cf_request_count ());
    cf_linger_free ();
    cf_timer_clear (self->loop, &self->sweep);
    cf_tls_destroy (&self->tls);
}

void
cf_server_stop (cf_server_t *self)
{
    self->stopping = true;
}

void
cf_server_run (cf_server_t *self)
{
    while (!self->stopping)
        s_turn (self, 1000);
    s_drain (self);
}
