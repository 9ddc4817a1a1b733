/* SPDX-License-Identifier: MPL-2.0 */
/*  connection - one record each, freed when h2o closes the socket */

#include "http-edge/connection.h"
#include "http-edge/head.h"
#include "http-edge/linger.h"
#include "http-edge/reply.h"
#include "proto/base/clock.h"

#include <h2o/http1.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#define CF_CONNECTION_TAKE_MS 60000u    /* for the last bytes that h2o leaves to the kernel, and the farewell of TLS after them */

typedef enum { READING, SHAKING, LOOSE } place_t;

typedef struct connection_t {
    struct connection_t *prev, *next;   /* those in the same place */
    h2o_accept_ctx_t *accept;
    h2o_socket_t *socket;
    int fd;
    place_t place;
    uint64_t began_ms;                  /* its handshake */
    size_t seen;                        /* bytes of a head that is not complete yet */
    bool in_head;
    bool is_h2os;                       /* h2o's record of the connection is there, and is to close it */
    cf_buf_t answer;                    /* to what is no request */
    void (*on_end) (void *arg);
    void *arg;
} connection_t;

static cf_loop_t *s_loop;
static connection_t *s_lists [LOOSE + 1];       /* by place; those that just read are in none */
static h2o_socket_cb s_h2o_reads;       /* how h2o reads a request: the same for all connections */
static size_t s_count;

static void
s_move (connection_t *self, place_t place)
{
    if (self->place != READING)
        DL_DELETE (s_lists [self->place], self);
    self->place = place;
    if (place != READING)
        DL_APPEND (s_lists [place], self);
}

static void
s_on_close (void *arg)
{
    connection_t *self = arg;
    s_move (self, READING);
    cf_linger_close (self->fd);
    cf_buf_free (&self->answer);
    s_count--;
    self->on_end (self->arg);
    free (self);
}

/* ---- heads ---- */

static void
s_on_answered (h2o_socket_t *socket, const char *error)
{
    connection_t *self = socket->on_close.data;
    (void) error;
    if (self->is_h2os)
        s_h2o_reads (socket, "refused");        /* which closes it */
    else
        h2o_socket_close (socket);
}

static void
s_answer (connection_t *self, cf_head_t head)
{
    bool broken = head == CF_HEAD_BROKEN;
    s_move (self, READING);
    h2o_socket_read_stop (self->socket);
    cf_linger_add (s_loop, self->fd);
    cf_buf_init (&self->answer, 4096);
    cf_reply_put_fault (&self->answer, broken? CF_FAULT_MALFORMED: CF_FAULT_HEAD_TOO_LARGE,
                        broken? json_pack ("{s:s}", "reason", "not a request of HTTP/1"): NULL, self->socket->ssl != NULL);
    h2o_iovec_t bytes = h2o_iovec_init (self->answer.bytes, self->answer.size);
    h2o_socket_write (self->socket, &bytes, 1, s_on_answered);
}

/*  Whether what has come of a head may be h2o's to read. */
static bool
s_look (connection_t *self)
{
    const h2o_buffer_t *input = self->socket->input;
    cf_head_t head = self->in_head && input->size? cf_head_look (input->bytes, input->size, self->seen): CF_HEAD_WHOLE;
    self->in_head = head == CF_HEAD_PART || !input->size;
    self->seen = input->size;
    if (head == CF_HEAD_WHOLE || head == CF_HEAD_PART)
        return true;
    s_answer (self, head);
    return false;
}

static void
s_on_read (h2o_socket_t *socket, const char *error)
{
    if (error || s_look (socket->on_close.data))
        s_h2o_reads (socket, error);
}

void
cf_connection_next (h2o_socket_t *socket)
{
    connection_t *self = socket->on_close.data;
    if (self->place == READING)
        s_move (self, LOOSE);
}

void
cf_connection_turn (void)
{
    connection_t *self;
    while ((self = s_lists [LOOSE])) {
        s_move (self, READING);
        if (!h2o_socket_is_reading (self->socket) || self->socket->_cb.read == s_on_read)
            continue;                   /* at its request, after which it comes back */
        s_h2o_reads = self->socket->_cb.read;
        self->socket->_cb.read = s_on_read;
        self->in_head = true;
        self->seen = 0;
        s_look (self);
    }
}

/* ---- opening ---- */

static void
s_give_to_h2o (connection_t *self)
{
    self->is_h2os = true;
    s_move (self, LOOSE);
    h2o_http1_accept (self->accept, self->socket, *h2o_get_timestamp (self->accept->ctx, NULL, NULL));
}

static void
s_on_handshake (h2o_socket_t *socket, const char *error)
{
    connection_t *self = socket->on_close.data;
    s_move (self, READING);
    self->in_head = true;
    if (error)
        h2o_socket_close (socket);
    else if (s_look (self))             /* the request may have come with the end of the handshake */
        s_give_to_h2o (self);
}

/*  h2o says farewell after an answer, and for that waits until the client has taken the answer: the kernel must not wait for ever. */
static void
s_shake_hands (connection_t *self)
{
    unsigned most_ms = CF_CONNECTION_TAKE_MS;
    setsockopt (self->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof most_ms);
    self->began_ms = cf_clock_ms ();
    s_move (self, SHAKING);
    h2o_socket_ssl_handshake (self->socket, self->accept->ssl_ctx, NULL, s_on_handshake);
}

void
cf_connection_init (cf_loop_t *loop)
{
    s_loop = loop;
}

void
cf_connection_open (h2o_accept_ctx_t *accept, h2o_socket_t *socket, void (*on_end) (void *arg), void *arg)
{
    connection_t *self = calloc (1, sizeof *self);
    if (!self)
        abort ();                       /* out of memory: the supervisor restarts the process */
    *self = (connection_t) { .accept = accept, .socket = socket, .fd = h2o_socket_get_fd (socket), .on_end = on_end, .arg = arg };
    s_count++;
    socket->on_close.cb = s_on_close;
    socket->on_close.data = self;
    if (accept->ssl_ctx)
        s_shake_hands (self);
    else
        s_give_to_h2o (self);
}

size_t
cf_connection_count (void)
{
    return s_count;
}

void
cf_connection_sweep (uint64_t timeout_ms)
{
    uint64_t now_ms = cf_clock_ms ();
    connection_t *self, *next;
    DL_FOREACH_SAFE (s_lists [SHAKING], self, next) {
        if (now_ms - self->began_ms < timeout_ms)
            break;                      /* the others came later */
        s_move (self, READING);
        h2o_socket_close (self->socket);
    }
}
