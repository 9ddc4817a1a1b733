/* SPDX-License-Identifier: MPL-2.0 */
/*  linger - at most CF_LINGER_MAX; the next ones are closed at once */

#include "http-edge/linger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define CF_LINGER_MAX 256
#define CF_LINGER_MS 2000u
#define CF_LINGER_BYTES (32u << 20)

typedef struct linger_t linger_t;

struct linger_t {
    linger_t *prev, *next;
    cf_loop_t *loop;
    int fd, owners_fd;
    size_t bytes;
    cf_timer_t timer;
};

static linger_t *s_lingers;
static unsigned s_count;

static void
s_end (void *arg)
{
    linger_t *self = arg;
    cf_loop_unwatch (self->loop, self->fd);
    cf_timer_clear (self->loop, &self->timer);
    close (self->fd);
    DL_DELETE (s_lingers, self);
    s_count--;
    free (self);
}

static void
s_on_readable (void *arg, uint32_t events)
{
    (void) events;
    linger_t *self = arg;
    static char unused [65536];
    ssize_t got = recv (self->fd, unused, sizeof unused, MSG_DONTWAIT);
    if (got > 0)
        self->bytes += (size_t) got;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || self->bytes > CF_LINGER_BYTES)
        s_end (self);
}

void
cf_linger_add (cf_loop_t *loop, int fd)
{
    int copy = s_count < CF_LINGER_MAX? dup (fd): -1;
    if (copy < 0)
        return;
    linger_t *self = calloc (1, sizeof *self);
    if (!self || cf_loop_watch (loop, copy, EPOLLIN, s_on_readable, self)) {
        free (self);
        close (copy);
        return;
    }
    self->loop = loop;
    self->fd = copy;
    self->owners_fd = fd;
    cf_timer_set (loop, &self->timer, CF_LINGER_MS, s_end, self);
    DL_APPEND (s_lingers, self);
    s_count++;
}

void
cf_linger_close (int fd)
{
    linger_t *self;
    DL_FOREACH (s_lingers, self)
        if (self->owners_fd == fd)
            shutdown (self->fd, SHUT_WR);
}

void
cf_linger_free (void)
{
    while (s_lingers)
        s_end (s_lingers);
}
