/* SPDX-License-Identifier: MPL-2.0 */
/*  server - h2o's configuration, connections, routes and the loop */

#include "ops/simulator/call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define BACKLOG 65535                   /* the kernel cuts it at somaxconn */
#define ACCEPTS_A_TURN 256
#define KEEP_ALIVE_MS 600000            /* one knob of h2o's: head, body and idle connections */
#define SPARE_DESCRIPTORS 64

typedef struct {
    h2o_handler_t handler;              /* first: h2o hands it back */
    cf_server_t *server;
} root_t;

static const struct { const char *method, *path; cf_server_fn *answer; } s_routes [] = {
    { "POST", "/v1/chat/completions", cf_chat_on_openai },
    { "POST", "/v1/embeddings",       cf_chat_on_embeddings },
    { "POST", "/v1/messages",         cf_chat_on_anthropic },
    { "GET",  "/v1/models",           cf_chat_on_models },
    { "GET",  "/v1beta/models",       cf_chat_on_gemini_models },
    { "GET",  "/_sim/calls",          cf_control_on_calls },
    { "POST", "/_sim/reset",          cf_control_on_reset },
    { "GET",  "/_sim/settings",       cf_control_on_show },
    { "POST", "/_sim/settings",       cf_control_on_settings },
};

/* ---- requests */

void
cf_server_reply (h2o_req_t *req, int status, const char *body, size_t size)
{
    req->res.status = status;
    req->res.reason = status == 200? "OK": status == 404? "Not Found": status == 429? "Too Many Requests": "Error";
    h2o_add_header (&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT ("application/json"));
    h2o_send_inline (req, body, size);
}

void
cf_server_fail_for (h2o_req_t *req, const cf_format_t *format, int status, const char *code, const char *message, unsigned retry_ms)
{
    cf_buf_t body;
    cf_buf_init (&body, 65536);
    format->fail (status, code, message, retry_ms, &body);
    cf_server_reply (req, status, body.bytes, body.size);
    cf_buf_free (&body);
}

void
cf_server_fail (h2o_req_t *req, const cf_format_t *format, int status, const char *code, const char *message)
{
    cf_server_fail_for (req, format, status, code, message, 0);
}

static bool
s_begins (h2o_iovec_t text, const char *start)
{
    size_t size = strlen (start);
    return text.len >= size && h2o_memis (text.base, size, start, size);
}

static int
s_on_request (h2o_handler_t *handler, h2o_req_t *req)
{
    cf_server_t *self = ((root_t *) handler)->server;
    bool known = false;
    for (size_t at = 0; at < sizeof s_routes / sizeof s_routes [0]; at++) {
        if (!h2o_memis (req->path_normalized.base, req->path_normalized.len, s_routes [at].path, strlen (s_routes [at].path)))
            continue;
        known = true;
        if (h2o_memis (req->method.base, req->method.len, s_routes [at].method, strlen (s_routes [at].method))) {
            s_routes [at].answer (self, req);
            return 0;
        }
    }
    if (s_begins (req->path_normalized, CF_CHAT_GEMINI_MODELS) && h2o_memis (req->method.base, req->method.len, H2O_STRLIT ("POST"))) {
        cf_chat_on_gemini (self, req);
        return 0;
    }
    const cf_format_t *format = s_begins (req->path_normalized, "/v1beta/")? &cf_gemini_format:
        s_begins (req->path_normalized, "/v1/messages")? &cf_anthropic_format: &cf_openai_format;
    cf_server_fail (req, format, known? 405: 404, NULL, known? "Not allowed to use this method here.": "Invalid URL.");
    return 0;
}

/* ---- connections */

static void s_on_accept (h2o_socket_t *listener, const char *error);

static void
s_on_close (void *server)
{
    cf_server_t *self = server;
    if (self->connections-- == self->max_connections && !h2o_socket_is_reading (self->listener))
        h2o_socket_read_start (self->listener, s_on_accept);
}

static void
s_on_accept (h2o_socket_t *listener, const char *error)
{
    cf_server_t *self = listener->data;
    if (error)
        return;
    for (int taken = 0; taken < ACCEPTS_A_TURN; taken++) {
        if (self->connections >= self->max_connections) {
            h2o_socket_read_stop (listener);
            return;
        }
        h2o_socket_t *socket = h2o_evloop_socket_accept (listener);
        if (!socket)
            return;
        self->connections++;
        socket->on_close.cb = s_on_close;
        socket->on_close.data = self;
        h2o_accept (&self->accept, socket);
    }
}

static void
s_on_watch (h2o_socket_t *socket, const char *error)
{
    if (!error)
        cf_call_on_watch (socket->data);
}

static void
s_on_signal (h2o_socket_t *socket, const char *error)
{
    cf_server_t *self = socket->data;
    (void) error;
    self->stopping = true;
}

static void
s_read_fd (cf_server_t *self, int fd, h2o_socket_cb on_ready)
{
    h2o_socket_t *socket = h2o_evloop_socket_create (self->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    socket->data = self;
    h2o_socket_read_start (socket, on_ready);
}

/* ---- start */

static size_t
s_raise_limit (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit))
        return 512;
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit (RLIMIT_NOFILE, &limit);
    (void) getrlimit (RLIMIT_NOFILE, &limit);
    return (size_t) limit.rlim_cur > SPARE_DESCRIPTORS * 2? (size_t) limit.rlim_cur - SPARE_DESCRIPTORS: SPARE_DESCRIPTORS;
}

static int
s_listen (uint16_t *port, cf_error_t *error)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (*port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int on = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind (fd, (struct sockaddr *) &address, sizeof address)
        || listen (fd, BACKLOG) || getsockname (fd, (struct sockaddr *) &address, &size)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot listen on 127.0.0.1:%u: %s", *port, strerror (errno));
        if (fd >= 0)
            close (fd);
        return -1;
    }
    *port = ntohs (address.sin_port);
    return fd;
}

static int
s_open_signals (void)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGINT);
    sigprocmask (SIG_BLOCK, &signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    return signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
s_configure (cf_server_t *self)
{
    h2o_config_init (&self->config);
    self->config.max_request_entity_size = CF_FORMAT_MAX_BYTES;
    self->config.http1.req_timeout = KEEP_ALIVE_MS;
    self->config.http1.upgrade_to_http2 = 0;
    self->config.server_name = h2o_iovec_init (H2O_STRLIT ("codeforge-simulator"));
    h2o_hostconf_t *host = h2o_config_register_host (&self->config, h2o_iovec_init (H2O_STRLIT ("default")), 65535);
    root_t *root = (root_t *) h2o_create_handler (h2o_config_register_path (host, "/", 0), sizeof *root);
    root->handler.on_req = s_on_request;
    root->server = self;
    h2o_context_init (&self->context, h2o_evloop_create (), &self->config);
    self->accept = (h2o_accept_ctx_t) { .ctx = &self->context, .hosts = self->config.hosts };
}

cf_server_t *
cf_server_new (uint16_t *port, uint64_t latency_ms, cf_error_t *error)
{
    cf_server_t *self = calloc (1, sizeof *self);
    if (!self || cf_journal_init (&self->journal)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory");
        free (self);
        return NULL;
    }
    self->max_connections = s_raise_limit ();
    self->latency_ms = latency_ms;
    self->free_slot = SIZE_MAX;
    cf_faults_reset (&self->faults, latency_ms);
    int fd = s_listen (port, error), signals = s_open_signals ();
    self->watch = epoll_create1 (EPOLL_CLOEXEC);
    if (fd < 0 || signals < 0 || self->watch < 0) {
        if (fd >= 0)
            cf_error_set (error, CF_ERROR_INTERNAL, "no descriptors: %s", strerror (errno));
        cf_journal_free (&self->journal);
        free (self);
        return NULL;
    }
    s_configure (self);
    self->listener = h2o_evloop_socket_create (self->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    self->listener->data = self;
    h2o_socket_read_start (self->listener, s_on_accept);
    s_read_fd (self, self->watch, s_on_watch);
    s_read_fd (self, signals, s_on_signal);
    return self;
}

int
cf_server_run (cf_server_t *self)
{
    while (!self->stopping) {
        self->fired = false;
        uint64_t wait_us = cf_call_fire (self);
        int32_t wait_ms = self->fired? 0: wait_us > 1000000? 1000: (int32_t) ((wait_us + 999) / 1000);
        if (h2o_evloop_run (self->context.loop, wait_ms) && errno != EINTR)
            return -1;
    }
    return 0;
}
