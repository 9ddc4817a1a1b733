/* SPDX-License-Identifier: MPL-2.0 */
/*  connection - one record each, freed when h2o closes the socket */

#include "http-edge/connection.h"
#include "http-edge/linger.h"
#include "proto/base/clock.h"

#include <h2o/http1.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#define CF_CONNECTION_TAKE_MS 60000u    /* for the last bytes that h2o leaves to the kernel, and the farewell of TLS after them */

typedef struct connection_t {
    struct connection_t *prev, *next;   /* those in a handshake */
    h2o_accept_ctx_t *accept;
    h2o_socket_t *socket;
    int fd;
    uint64_t began_ms;
    bool shaking;
    void (*on_end) (void *arg);
    void *arg;
} connection_t;

static connection_t *s_shaking;
static size_t s_count;

static void
s_leave_handshake (connection_t *self)
{
    if (self->shaking)
        DL_DELETE (s_shaking, self);
    self->shaking = false;
}

static void
s_on_close (void *arg)
{
    connection_t *self = arg;
    s_leave_handshake (self);
    cf_linger_close (self->fd);
    s_count--;
    self->on_end (self->arg);
    free (self);
}

static void
s_on_handshake (h2o_socket_t *socket, const char *error)
{
    connection_t *self = socket->data;
    socket->data = NULL;
    s_leave_handshake (self);
    if (error)
        h2o_socket_close (socket);
    else
        h2o_http1_accept (self->accept, socket, *h2o_get_timestamp (self->accept->ctx, NULL, NULL));
}

/*  h2o says farewell after an answer, and for that waits until the client has taken the answer: the kernel must not wait for ever. */
static void
s_shake_hands (connection_t *self)
{
    unsigned most_ms = CF_CONNECTION_TAKE_MS;
    setsockopt (self->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof most_ms);
    self->shaking = true;
    self->began_ms = cf_clock_ms ();
    DL_APPEND (s_shaking, self);
    self->socket->data = self;
    h2o_socket_ssl_handshake (self->socket, self->accept->ssl_ctx, NULL, s_on_handshake);
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
        h2o_http1_accept (accept, socket, *h2o_get_timestamp (accept->ctx, NULL, NULL));
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
    DL_FOREACH_SAFE (s_shaking, self, next) {
        if (now_ms - self->began_ms < timeout_ms)
            break;                      /* the others came later */
        s_leave_handshake (self);
        h2o_socket_close (self->socket);
    }
}
