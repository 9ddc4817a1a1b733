/* SPDX-License-Identifier: MPL-2.0 */
/*  loop - epoll with a table of watchers by descriptor; a watcher's generation keeps events of a descriptor that was
 *  closed and opened again within one turn from reaching the wrong owner
 */

#include "actors/lib/loop.h"
#include "proto/base/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CF_LOOP_HOOKS 16
#define CF_LOOP_EVENTS 256              /* taken from the kernel at once */

typedef struct {
    cf_loop_io_fn *fn;                  /* NULL: not watched */
    void *arg;
    uint32_t generation;
} watcher_t;

typedef struct {
    cf_loop_fn *fn;
    void *arg;
} hook_t;

struct cf_loop_t {
    int epoll;
    bool stopped, kicked;
    uint64_t turns;
    cf_heap_t timers;
    watcher_t *watchers;                /* by descriptor */
    size_t watcher_count;
    hook_t hooks [CF_LOOP_HOOKS];
    size_t hook_count;
};

cf_loop_t *
cf_loop_new (void)
{
    cf_loop_t *self = calloc (1, sizeof *self);
    if (self && (self->epoll = epoll_create1 (EPOLL_CLOEXEC)) < 0) {
        free (self);
        self = NULL;
    }
    return self;
}

void
cf_loop_destroy (cf_loop_t **self_p)
{
    cf_loop_t *self = *self_p;
    if (!self)
        return;
    close (self->epoll);
    cf_heap_free (&self->timers);
    free (self->watchers);
    free (self);
    *self_p = NULL;
}

int
cf_loop_fd (const cf_loop_t *self)
{
    return self->epoll;
}

uint64_t
cf_loop_turns (const cf_loop_t *self)
{
    return self->turns;
}

void
cf_loop_stop (cf_loop_t *self)
{
    self->stopped = true;
}

void
cf_loop_kick (cf_loop_t *self)
{
    self->kicked = true;
}

static int
s_grow_watchers (cf_loop_t *self, size_t need)
{
    size_t count = self->watcher_count? self->watcher_count: 64;
    while (count < need)
        count *= 2;
    watcher_t *watchers = realloc (self->watchers, count * sizeof *watchers);
    if (!watchers)
        return -1;
    memset (watchers + self->watcher_count, 0, (count - self->watcher_count) * sizeof *watchers);
    self->watchers = watchers;
    self->watcher_count = count;
    return 0;
}

int
cf_loop_watch (cf_loop_t *self, int fd, uint32_t events, cf_loop_io_fn *fn, void *arg)
{
    if ((size_t) fd >= self->watcher_count && s_grow_watchers (self, (size_t) fd + 1))
        return -1;
    watcher_t *watcher = &self->watchers [fd];
    bool known = watcher->fn != NULL;
    if (!known)
        watcher->generation++;
    struct epoll_event event = { .events = events, .data.u64 = (uint64_t) watcher->generation << 32 | (uint32_t) fd };
    if (epoll_ctl (self->epoll, known? EPOLL_CTL_MOD: EPOLL_CTL_ADD, fd, &event))
        return -1;
    watcher->fn = fn;
    watcher->arg = arg;
    return 0;
}

void
cf_loop_unwatch (cf_loop_t *self, int fd)
{
    if (fd < 0 || (size_t) fd >= self->watcher_count || !self->watchers [fd].fn)
        return;
    epoll_ctl (self->epoll, EPOLL_CTL_DEL, fd, NULL);
    self->watchers [fd].fn = NULL;
    self->watchers [fd].generation++;
}

void
cf_timer_set (cf_loop_t *loop, cf_timer_t *timer, uint64_t delay_ms, cf_loop_fn *fn, void *arg)
{
    timer->fn = fn;
    timer->arg = arg;
    if (cf_heap_put (&loop->timers, &timer->node, cf_clock_us () + delay_ms * 1000u))
        abort ();               /* out of memory: the supervisor restarts the process */
}

void
cf_timer_clear (cf_loop_t *loop, cf_timer_t *timer)
{
    cf_heap_remove (&loop->timers, &timer->node);
}

int
cf_loop_timeout_ms (const cf_loop_t *self)
{
    cf_heap_node_t *first = cf_heap_peek (&self->timers);
    if (self->kicked)
        return 0;
    if (!first)
        return -1;
    uint64_t now_us = cf_clock_us ();
    uint64_t left_ms = first->key > now_us? (first->key - now_us + 999u) / 1000u: 0;
    return left_ms > 60000? 60000: (int) left_ms;
}

int
cf_loop_add_hook (cf_loop_t *self, cf_loop_fn *fn, void *arg)
{
    for (size_t at = 0; at < self->hook_count; at++)
        if (self->hooks [at].fn == fn && self->hooks [at].arg == arg)
            return 0;
    if (self->hook_count == CF_LOOP_HOOKS)
        return -1;
    self->hooks [self->hook_count++] = (hook_t) { fn, arg };
    return 0;
}

void
cf_loop_remove_hook (cf_loop_t *self, cf_loop_fn *fn, void *arg)
{
    for (size_t at = 0; at < self->hook_count; at++)
        if (self->hooks [at].fn == fn && self->hooks [at].arg == arg) {
            memmove (&self->hooks [at], &self->hooks [at + 1], (--self->hook_count - at) * sizeof (hook_t));
            return;
        }
}

static void
s_run_timers (cf_loop_t *self)
{
    uint64_t now_us = cf_clock_us ();
    cf_heap_node_t *first;
    while ((first = cf_heap_peek (&self->timers)) && first->key <= now_us) {
        cf_timer_t *timer = (cf_timer_t *) (void *) ((char *) first - offsetof (cf_timer_t, node));
        cf_heap_remove (&self->timers, first);
        timer->fn (timer->arg);
    }
}

void
cf_loop_turn (cf_loop_t *self, int timeout_ms)
{
    int due_ms = cf_loop_timeout_ms (self);
    if (due_ms >= 0 && (timeout_ms < 0 || due_ms < timeout_ms))
        timeout_ms = due_ms;
    self->kicked = false;
    self->turns++;
    struct epoll_event events [CF_LOOP_EVENTS];
    int count = epoll_wait (self->epoll, events, CF_LOOP_EVENTS, timeout_ms);
    for (int at = 0; at < count; at++) {
        watcher_t *watcher = &self->watchers [(uint32_t) events [at].data.u64];
        if (watcher->fn && watcher->generation == (uint32_t) (events [at].data.u64 >> 32))
            watcher->fn (watcher->arg, events [at].events);
    }
    s_run_timers (self);
    for (size_t at = 0; at < self->hook_count; at++)
        self->hooks [at].fn (self->hooks [at].arg);
}

void
cf_loop_run (cf_loop_t *self)
{
    self->stopped = false;
    while (!self->stopped)
        cf_loop_turn (self, -1);
}
