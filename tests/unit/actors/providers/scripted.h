/* SPDX-License-Identifier: MPL-2.0 */
/*  scripted - a model provider that does what the test says, byte for byte, in the test's own loop
 */
#ifndef CF_TESTS_SCRIPTED_H
#define CF_TESTS_SCRIPTED_H

#include "actors/lib/loop.h"
#include "proto/base/buf.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRIPTED_CONNECTIONS 64
#define SCRIPTED_LATE_MS 50

typedef enum {
    SCRIPTED_END,                       /* the answer ends in good order */
    SCRIPTED_CLOSE,                     /* the connection closes where the body stands */
    SCRIPTED_HANG,                      /* nothing more comes */
    SCRIPTED_LATE,                      /* what stands behind a form feed comes SCRIPTED_LATE_MS later; nothing more comes */
    SCRIPTED_NOTHING,                   /* nothing comes at all */
    SCRIPTED_RESET                      /* the connection is reset before an answer */
} scripted_then_t;

typedef struct {
    int status;
    const char *headers;                /* further lines, each with its CRLF */
    const char *body;
    scripted_then_t then;
} scripted_reply_t;

typedef struct scripted_t scripted_t;

typedef struct {
    scripted_t *provider;
    int fd;                             /* -1: free */
    cf_buf_t request;
    cf_timer_t timer;
    const char *late;
} scripted_connection_t;

struct scripted_t {
    cf_loop_t *loop;
    int listener;
    uint16_t port;
    scripted_connection_t connections [SCRIPTED_CONNECTIONS];
    const scripted_reply_t *script;     /* one a request; the last one again and again */
    size_t script_size;
    size_t requests;                    /* complete ones, so far */
    size_t open;                        /* connections now */
    char last [65536];                  /* the last request, head and body */
};

static inline void scripted_close (scripted_connection_t *self)
{
    cf_loop_unwatch (self->provider->loop, self->fd);
    cf_timer_clear (self->provider->loop, &self->timer);
    close (self->fd);
    cf_buf_free (&self->request);
    self->fd = -1;
    self->provider->open--;
}

static inline void scripted_say_late (void *arg)
{
    scripted_connection_t *self = arg;
    cf_buf_t out;
    cf_buf_init (&out, 1 << 20);
    cf_buf_printf (&out, "%zx\r\n%s\r\n", strlen (self->late), self->late);
    ck_assert_int_eq (send (self->fd, out.bytes, out.size, MSG_NOSIGNAL), (ssize_t) out.size);
    cf_buf_free (&out);
}

static inline void scripted_answer (scripted_connection_t *self)
{
    scripted_t *provider = self->provider;
    size_t at = provider->requests < provider->script_size? provider->requests: provider->script_size - 1;
    const scripted_reply_t *reply = &provider->script [at];
    provider->requests++;
    snprintf (provider->last, sizeof provider->last, "%s", self->request.bytes);
    cf_buf_reset (&self->request);
    if (reply->then == SCRIPTED_NOTHING)
        return;
    if (reply->then == SCRIPTED_RESET) {
        struct linger now = { .l_onoff = 1, .l_linger = 0 };
        setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        scripted_close (self);
        return;
    }
    cf_buf_t out;
    cf_buf_init (&out, 1 << 20);
    cf_buf_printf (&out, "HTTP/1.1 %d X\r\nContent-Type: text/event-stream\r\n%sTransfer-Encoding: chunked\r\n\r\n", reply->status,
                   reply->headers? reply->headers: "");
    size_t size = strcspn (reply->body, "\f");
    if (size)
        cf_buf_printf (&out, "%zx\r\n%.*s\r\n", size, (int) size, reply->body);
    if (reply->then == SCRIPTED_END)
        cf_buf_puts (&out, "0\r\n\r\n");
    ck_assert_int_eq (send (self->fd, out.bytes, out.size, MSG_NOSIGNAL), (ssize_t) out.size);
    cf_buf_free (&out);
    if (reply->then == SCRIPTED_CLOSE)
        scripted_close (self);
    self->late = reply->body + size + 1;
    if (reply->then == SCRIPTED_LATE)
        cf_timer_set (provider->loop, &self->timer, SCRIPTED_LATE_MS, scripted_say_late, self);
}

static inline void scripted_on_bytes (void *arg, uint32_t events)
{
    (void) events;
    scripted_connection_t *self = arg;
    char bytes [16384];
    ssize_t size = recv (self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size <= 0) {
        scripted_close (self);
        return;
    }
    cf_buf_append (&self->request, bytes, (size_t) size);
    const char *end = strstr (self->request.bytes, "\r\n\r\n");
    const char *length = end? strstr (self->request.bytes, "Content-Length: "): NULL;
    if (length && (size_t) (end + 4 - self->request.bytes) + strtoul (length + 16, NULL, 10) <= self->request.size)
        scripted_answer (self);
}

static inline void scripted_on_connection (void *arg, uint32_t events)
{
    (void) events;
    scripted_t *self = arg;
    scripted_connection_t *connection = self->connections;
    int fd = accept (self->listener, NULL, NULL);
    while (connection->fd >= 0)
        ck_assert (++connection < self->connections + SCRIPTED_CONNECTIONS);
    connection->provider = self;
    connection->fd = fd;
    self->open++;
    cf_buf_init (&connection->request, 1 << 20);
    cf_loop_watch (self->loop, fd, EPOLLIN, scripted_on_bytes, connection);
}

static inline void scripted_start (scripted_t *self, cf_loop_t *loop)
{
    *self = (scripted_t) { .loop = loop };
    for (size_t at = 0; at < SCRIPTED_CONNECTIONS; at++)
        self->connections [at].fd = -1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    self->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq (bind (self->listener, (struct sockaddr *) &address, sizeof address), 0);
    ck_assert_int_eq (listen (self->listener, SCRIPTED_CONNECTIONS), 0);
    getsockname (self->listener, (struct sockaddr *) &address, &size);
    self->port = ntohs (address.sin_port);
    cf_loop_watch (loop, self->listener, EPOLLIN, scripted_on_connection, self);
}

static inline void scripted_stop (scripted_t *self)
{
    for (size_t at = 0; at < SCRIPTED_CONNECTIONS; at++)
        if (self->connections [at].fd >= 0)
            scripted_close (&self->connections [at]);
    cf_loop_unwatch (self->loop, self->listener);
    close (self->listener);
}

/*  What the provider does from now on, from its next request. */
static inline void scripted_play (scripted_t *self, const scripted_reply_t *script, size_t size)
{
    self->script = script;
    self->script_size = size;
    self->requests = 0;
}

#endif
