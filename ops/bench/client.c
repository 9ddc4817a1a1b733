/* SPDX-License-Identifier: MPL-2.0 */
/*  client - one structure a connection; a request is rendered when it is sent, an answer looked at when it is complete */

#include "ops/bench/client.h"
#include "proto/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 20)
#define EVENTS 256
#define ANSWER_ALONE_MAX (64u << 20)
#define ANSWER_ALONE_MS 60000

typedef struct {
    int fd;
    uint64_t at;                        /* number of the request on its way */
    uint64_t sent_us;
    size_t head_size;                   /* of the answer, 0 until its head is complete */
    size_t body_size;
    int status;
    cf_buf_t in, out;
    size_t written;
    bool open, waits_for_room;
} connection_t;

typedef struct {
    const cf_client_plan_t *plan;
    cf_client_result_t *result;
    connection_t *connections;
    int epoll;
    uint64_t next, open, end_us, started_us, last_us;
} client_t;

/* ---- connections ---- */

void
cf_client_raise_files (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
}

int
cf_client_connect (uint16_t port, uint64_t read_ms, cf_error_t *error)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = (time_t) (read_ms / 1000), .tv_usec = (suseconds_t) (read_ms % 1000 * 1000) };
    int on = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot connect to port %u: %s", (unsigned) port, strerror (errno));
        if (fd >= 0)
            close (fd);
        return -1;
    }
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void
s_watch (client_t *self, connection_t *connection, int how)
{
    struct epoll_event event = { .events = connection->waits_for_room? EPOLLIN | EPOLLOUT: EPOLLIN, .data.ptr = connection };
    epoll_ctl (self->epoll, how, connection->fd, &event);
}

static void
s_close (client_t *self, connection_t *connection)
{
    close (connection->fd);
    connection->open = false;
    self->open--;
}

static void
s_break (client_t *self, connection_t *connection)
{
    self->result->broken++;
    s_close (self, connection);
}

/* ---- sending ---- */

static void
s_flush (client_t *self, connection_t *connection)
{
    bool waited = connection->waits_for_room;
    while (connection->written < connection->out.size) {
        ssize_t count = send (connection->fd, connection->out.bytes + connection->written, connection->out.size - connection->written,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0 && errno != EINTR) {
            s_break (self, connection);
            return;
        }
        if (count > 0)
            connection->written += (size_t) count;
    }
    connection->waits_for_room = connection->written < connection->out.size;
    if (connection->waits_for_room != waited)
        s_watch (self, connection, EPOLL_CTL_MOD);
}

static void
s_send_next (client_t *self, connection_t *connection)
{
    uint64_t now_us = cf_clock_us ();
    if (self->next >= self->plan->count || now_us >= self->end_us) {
        s_close (self, connection);
        return;
    }
    connection->at = self->next++;
    connection->sent_us = now_us;
    connection->written = connection->head_size = connection->body_size = 0;
    cf_buf_reset (&connection->out);
    self->plan->write (self->plan->arg, connection->at, &connection->out);
    s_flush (self, connection);
}

/* ---- receiving ---- */

/*  Finds the end of the head, the status and the length. 0, 1 while the head is incomplete, -1 where it is not as expected. */
static int
s_read_head (const cf_buf_t *in, size_t *head_size, size_t *body_size, int *status)
{
    const char *end = in->size? strstr (in->bytes, "\r\n\r\n"): NULL;
    if (!end)
        return in->size < ANSWER_MAX / 2? 1: -1;
    if (strncmp (in->bytes, "HTTP/1.1 ", 9) != 0)
        return -1;
    *status = atoi (in->bytes + 9);
    *head_size = (size_t) (end - in->bytes) + 4;
    for (const char *line = strstr (in->bytes, "\r\n"); line && line < end; line = strstr (line + 2, "\r\n"))
        if (strncasecmp (line + 2, "content-length:", 15) == 0) {
            *body_size = (size_t) strtoul (line + 17, NULL, 10);
            return *body_size < ANSWER_MAX / 2? 0: -1;
        }
    return -1;
}

static void
s_take_answer (client_t *self, connection_t *connection)
{
    uint64_t now_us = cf_clock_us ();
    if (connection->status == self->plan->status) {
        self->result->counted++;
        self->last_us = now_us;
        cf_samples_add (&self->result->latency, now_us - connection->sent_us);
    }
    else {
        self->result->refused++;
        if (!self->result->refused_status)
            self->result->refused_status = connection->status;
    }
    if (self->plan->answer)
        self->plan->answer (self->plan->arg, connection->at, connection->status, connection->in.bytes + connection->head_size, connection->body_size);
    cf_buf_consume (&connection->in, connection->head_size + connection->body_size);
    s_send_next (self, connection);
}

static void
s_on_readable (client_t *self, connection_t *connection)
{
    char *room = cf_buf_reserve (&connection->in, 8192);
    ssize_t count = room? recv (connection->fd, room, 8192, MSG_DONTWAIT): 0;
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        s_break (self, connection);
        return;
    }
    connection->in.size += (size_t) count;
    connection->in.bytes [connection->in.size] = 0;
    if (!connection->head_size) {
        int found = s_read_head (&connection->in, &connection->head_size, &connection->body_size, &connection->status);
        if (found < 0)
            s_break (self, connection);
        if (found)
            return;
    }
    if (connection->in.size >= connection->head_size + connection->body_size)
        s_take_answer (self, connection);
}

/* ---- the run ---- */

static int
s_open_all (client_t *self, cf_error_t *error)
{
    for (size_t at = 0; at < self->plan->connections; at++) {
        connection_t *connection = &self->connections [at];
        connection->fd = cf_client_connect (self->plan->port, 0, error);
        if (connection->fd < 0)
            return -1;
        connection->open = true;
        self->open++;
        cf_buf_init (&connection->in, ANSWER_MAX);
        cf_buf_init (&connection->out, ANSWER_MAX);
        s_watch (self, connection, EPOLL_CTL_ADD);
    }
    return 0;
}

static void
s_loop (client_t *self)
{
    struct epoll_event events [EVENTS];
    self->started_us = self->last_us = cf_clock_us ();
    self->end_us = self->started_us + self->plan->time_ms * 1000;
    for (size_t at = 0; at < self->plan->connections; at++)
        s_send_next (self, &self->connections [at]);
    while (self->open && cf_clock_us () < self->end_us + CF_CLIENT_PATIENCE_MS * 1000ull) {
        int count = epoll_wait (self->epoll, events, EVENTS, 1000);
        for (int at = 0; at < count; at++) {
            connection_t *connection = events [at].data.ptr;
            if (connection->open && (events [at].events & EPOLLOUT))
                s_flush (self, connection);
            if (connection->open && (events [at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                s_on_readable (self, connection);
        }
    }
    self->result->broken += self->open;
    self->result->elapsed_us = self->last_us - self->started_us;
}

int
cf_client_run (const cf_client_plan_t *plan, cf_client_result_t *result, cf_error_t *error)
{
    client_t self = { .plan = plan, .result = result, .epoll = epoll_create1 (EPOLL_CLOEXEC) };
    *result = (cf_client_result_t) { 0 };
    cf_samples_init (&result->latency, plan->count);
    cf_client_raise_files ();
    self.connections = calloc (plan->connections, sizeof *self.connections);
    int rc = !self.connections || self.epoll < 0? cf_error_set (error, CF_ERROR_INTERNAL, "no memory or descriptor"): s_open_all (&self, error);
    if (rc == 0)
        s_loop (&self);
    for (size_t at = 0; self.connections && at < plan->connections; at++) {
        connection_t *connection = &self.connections [at];
        if (connection->open)
            close (connection->fd);
        cf_buf_free (&connection->in);
        cf_buf_free (&connection->out);
    }
    free (self.connections);
    close (self.epoll);
    return rc;
}

int
cf_client_report (cf_client_result_t *result, const char *name)
{
    char full [96];
    snprintf (full, sizeof full, "%s_rate", name);
    cf_figure (full, result->elapsed_us? (double) result->counted * 1e6 / (double) result->elapsed_us: 0, "1/s");
    cf_figure_samples (name, &result->latency);
    snprintf (full, sizeof full, "%s_count", name);
    cf_figure (full, (double) result->counted, "");
    if (!result->refused && !result->broken && result->counted)
        return 0;
    fprintf (stderr, "%s: %llu counted, %llu refused (first with status %d), %llu connections broken\n", name, (unsigned long long) result->counted,
             (unsigned long long) result->refused, result->refused_status, (unsigned long long) result->broken);
    return -1;
}

/* ---- one request ---- */

static void
s_send_all (int fd, const cf_buf_t *request)
{
    for (size_t sent = 0; sent < request->size; ) {
        ssize_t count = send (fd, request->bytes + sent, request->size - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return;
        sent += (size_t) count;
    }
}

/*  Puts the chunks of a body that starts at head_size together. 0, or -1 where they are not whole yet. */
static int
s_join_chunks (cf_buf_t *in, size_t head_size)
{
    size_t from = head_size, to = head_size;
    static const char end [] = "\r\n0\r\n\r\n";
    if (in->size < head_size + sizeof end - 1 || memcmp (in->bytes + in->size - (sizeof end - 1), end, sizeof end - 1) != 0)
        return -1;
    for (;;) {
        char *rest;
        size_t size = (size_t) strtoul (in->bytes + from, &rest, 16);
        from = (size_t) (rest - in->bytes) + 2;
        if (!size || from + size > in->size)
            break;
        memmove (in->bytes + to, in->bytes + from, size);
        to += size;
        from += size + 2;
    }
    in->size = to;
    in->bytes [to] = 0;
    return 0;
}

/*  Reads up to the end of the body, of either kind. Size of the head, 0 when cut. */
static size_t
s_receive_all (int fd, cf_buf_t *in)
{
    size_t head_size = 0, body_size = 0;
    bool announced = false;
    for (;;) {
        char *room = cf_buf_reserve (in, 65536);
        ssize_t count = room? recv (fd, room, 65536, 0): -1;
        if (count <= 0)
            return 0;
        in->size += (size_t) count;
        in->bytes [in->size] = 0;
        const char *end = head_size? NULL: strstr (in->bytes, "\r\n\r\n");
        if (end) {
            const char *length = strcasestr (in->bytes, "\r\ncontent-length:");
            head_size = (size_t) (end - in->bytes) + 4;
            announced = length && length < end;
            body_size = announced? (size_t) strtoul (length + 17, NULL, 10): 0;
        }
        if (head_size && (announced? in->size >= head_size + body_size: s_join_chunks (in, head_size) == 0))
            return head_size;
    }
}

int
cf_client_ask (uint16_t port, const cf_buf_t *request, cf_buf_t *body, cf_error_t *error)
{
    cf_buf_init (body, ANSWER_ALONE_MAX);
    int fd = cf_client_connect (port, ANSWER_ALONE_MS, error);
    if (fd < 0)
        return -1;
    s_send_all (fd, request);
    size_t head_size = s_receive_all (fd, body);
    close (fd);
    if (!head_size)
        return cf_error_set (error, CF_ERROR_INTERNAL, "no complete answer from port %u", (unsigned) port);
    int status = atoi (body->bytes + 9);
    cf_buf_consume (body, head_size);
    return status;
}
