/* SPDX-License-Identifier: MPL-2.0 */
/*  control - a Unix socket of mode 0600 in a folder of mode 0700: who can reach it may command */

#include "ops/supervisor/control.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_FILE "run/control.sock"
#define CF_CONTROL_CLIENTS 32
#define CF_CONTROL_REQUEST_BYTES 4096
#define CF_CONTROL_ANSWER_BYTES (128u << 10)    /* what fits into a socket's buffer at once */

typedef struct {
    cf_control_t *control;
    int fd;                             /* -1: this place is free */
    bool waiting;
    cf_buf_t line;
} client_t;

struct cf_control_t {
    cf_loop_t *loop;
    cf_control_fn *fn;
    void *arg;
    int fd;
    client_t clients [CF_CONTROL_CLIENTS];
};

static struct sockaddr_un
s_address (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf (address.sun_path, sizeof address.sun_path, "%s", cf_config_home (SOCKET_FILE));
    return address;
}

static void
s_drop (client_t *self)
{
    if (self->fd < 0)
        return;
    cf_loop_unwatch (self->control->loop, self->fd);
    close (self->fd);
    self->fd = -1;
    self->waiting = false;
    cf_buf_free (&self->line);
}

/*  An answer goes out whole or the client is dropped: the supervisor never waits for a reader. */
static void
s_answer (client_t *self, const cf_json_t *answer)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_CONTROL_ANSWER_BYTES);
    self->waiting = false;
    if (cf_json_print_to (answer, &text) || cf_buf_putc (&text, '\n')
        || send (self->fd, text.bytes, text.size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t) text.size)
        s_drop (self);
    cf_buf_free (&text);
}

static void
s_take_line (client_t *self, const char *line, size_t size)
{
    cf_error_t error = { 0 };
    cf_json_t *request = cf_json_parse (line, size, &error);
    cf_json_t *answer = json_is_object (request)? self->control->fn (self->control->arg, request)
                                                : json_pack ("{s:s}", "error", "a request is one JSON object on a line");
    if (answer)
        s_answer (self, answer);
    else
        self->waiting = true;
    json_decref (answer);
    json_decref (request);
}

static void
s_on_client (void *arg, uint32_t events)
{
    (void) events;
    client_t *self = arg;
    char *at = cf_buf_reserve (&self->line, 512);
    ssize_t size = at? recv (self->fd, at, 512, MSG_DONTWAIT): 0;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        s_drop (self);
        return;
    }
    self->line.size += (size_t) size;
    self->line.bytes [self->line.size] = 0;
    char *end;
    while (self->fd >= 0 && (end = memchr (self->line.bytes, '\n', self->line.size))) {
        size_t length = (size_t) (end - self->line.bytes);
        s_take_line (self, self->line.bytes, length);
        if (self->fd >= 0)
            cf_buf_consume (&self->line, length + 1);
    }
}

static void
s_on_connection (void *arg, uint32_t events)
{
    (void) events;
    cf_control_t *self = arg;
    int fd = accept4 (self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (size_t at = 0; at < CF_CONTROL_CLIENTS; at++) {
        client_t *client = &self->clients [at];
        if (client->fd < 0) {
            *client = (client_t) { .control = self, .fd = fd };
            cf_buf_init (&client->line, CF_CONTROL_REQUEST_BYTES);
            if (cf_loop_watch (self->loop, fd, EPOLLIN, s_on_client, client))
                s_drop (client);
            return;
        }
    }
    close (fd);
}

cf_control_t *
cf_control_new (cf_loop_t *loop, cf_control_fn *fn, void *arg, cf_error_t *error)
{
    cf_control_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (cf_control_t) { .loop = loop, .fn = fn, .arg = arg };
    for (size_t at = 0; at < CF_CONTROL_CLIENTS; at++)
        self->clients [at].fd = -1;
    struct sockaddr_un address = s_address ();
    unlink (address.sun_path);          /* of a supervisor that was killed: we hold the lock */
    self->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (self->fd < 0 || bind (self->fd, (const struct sockaddr *) &address, sizeof address)
        || chmod (address.sun_path, 0600) || listen (self->fd, 16)
        || cf_loop_watch (loop, self->fd, EPOLLIN, s_on_connection, self)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot listen on %s: %s.", address.sun_path, strerror (errno));
        if (self->fd >= 0)
            close (self->fd);
        free (self);
        return NULL;
    }
    return self;
}

void
cf_control_destroy (cf_control_t **self_p)
{
    cf_control_t *self = *self_p;
    if (!self)
        return;
    unlink (s_address ().sun_path);
    cf_loop_unwatch (self->loop, self->fd);
    close (self->fd);
    for (size_t at = 0; at < CF_CONTROL_CLIENTS; at++)
        s_drop (&self->clients [at]);
    free (self);
    *self_p = NULL;
}

void
cf_control_release (cf_control_t *self, const cf_json_t *answer)
{
    for (size_t at = 0; at < CF_CONTROL_CLIENTS; at++)
        if (self->clients [at].fd >= 0 && self->clients [at].waiting)
            s_answer (&self->clients [at], answer);
}

/* ---- the other side ---- */

int
cf_control_connect (cf_error_t *error)
{
    struct sockaddr_un address = s_address ();
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect (fd, (const struct sockaddr *) &address, sizeof address) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close (fd);
    if (why == EACCES || why == EPERM)
        return cf_error_set (error, CF_ERROR_FORBIDDEN, "CodeForge in %s belongs to another user.", cf_config_home (""));
    return cf_error_set (error, CF_ERROR_NOT_FOUND, "CodeForge is not running in %s. `codeforge up` starts it; "
                         "CODEFORGE_HOME says where it lives.", cf_config_home (""));
}

cf_json_t *
cf_control_ask (int fd, const cf_json_t *request, int timeout_ms, cf_error_t *error)
{
    cf_buf_t text;
    cf_buf_init (&text, CF_CONTROL_ANSWER_BYTES);
    cf_json_t *answer = NULL;
    uint64_t due_ms = cf_clock_ms () + (uint64_t) (timeout_ms < 0? 0: timeout_ms);
    ssize_t size = cf_json_print_to (request, &text) || cf_buf_putc (&text, '\n')? -1:
                   send (fd, text.bytes, text.size, MSG_NOSIGNAL);
    cf_buf_reset (&text);
    while (size > 0 && !memchr (text.bytes, '\n', text.size)) {
        uint64_t now_ms = cf_clock_ms ();
        int left_ms = timeout_ms < 0? -1: now_ms < due_ms? (int) (due_ms - now_ms): 0;
        struct pollfd wanted = { .fd = fd, .events = POLLIN };
        char *at = cf_buf_reserve (&text, 4096);
        size = at && poll (&wanted, 1, left_ms) > 0? recv (fd, at, 4096, 0): 0;
        if (size > 0) {
            text.size += (size_t) size;
            text.bytes [text.size] = 0;
        }
    }
    if (size > 0)
        answer = cf_json_parse (text.bytes, text.size - 1, error);
    else
        cf_error_set (error, CF_ERROR_TIMEOUT, "the supervisor in %s does not answer.", cf_config_home (""));
    cf_buf_free (&text);
    return answer;
}

int
cf_control_await_end (int fd, int timeout_ms)
{
    char byte;
    struct pollfd wanted = { .fd = fd, .events = POLLIN };
    while (poll (&wanted, 1, timeout_ms) > 0)
        if (recv (fd, &byte, 1, 0) <= 0)
            return 0;
    return -1;
}
