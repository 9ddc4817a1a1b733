/* SPDX-License-Identifier: MPL-2.0 */
/*  loop - one thread's epoll, timers and end-of-turn work
 *
 *  A turn: wait for descriptors and the next timer, run what is due, then run the end-of-turn hooks (where batches
 *  are flushed). The loop's own descriptor can be put into another loop (the edge nests it in h2o's).
 */
#ifndef CF_LIB_LOOP_H
#define CF_LIB_LOOP_H

#include "proto/base/heap.h"

#include <stdint.h>
#include <sys/epoll.h>

typedef struct cf_loop_t cf_loop_t;

typedef void (cf_loop_fn) (void *arg);
typedef void (cf_loop_io_fn) (void *arg, uint32_t events);

/*  A timer lives inside its owner; zero-initialise it. */
typedef struct {
    cf_heap_node_t node;
    cf_loop_fn *fn;
    void *arg;
} cf_timer_t;

/*  NULL when the system has no descriptor or memory left. */
cf_loop_t *cf_loop_new (void);
void cf_loop_destroy (cf_loop_t **self_p);

/*  Turns until cf_loop_stop. */
void cf_loop_run (cf_loop_t *self);
void cf_loop_stop (cf_loop_t *self);
/*  One turn that waits at most timeout_ms (-1: until something happens). */
void cf_loop_turn (cf_loop_t *self, int timeout_ms);
/*  Milliseconds until the next timer is due, 0 when work is waiting, -1 when there is no timer. */
int cf_loop_timeout_ms (const cf_loop_t *self);
/*  Readable whenever a turn would find an event. */
int cf_loop_fd (const cf_loop_t *self);
/*  Turns so far: what a beat reports. */
uint64_t cf_loop_turns (const cf_loop_t *self);

/*  Watches fd for EPOLLIN | EPOLLOUT …, or changes what is watched. 0, or -1 with errno. */
int cf_loop_watch (cf_loop_t *self, int fd, uint32_t events, cf_loop_io_fn *fn, void *arg);
/*  Forgets fd; call it before close (fd). Events of this turn for it are dropped. */
void cf_loop_unwatch (cf_loop_t *self, int fd);

/*  Calls fn (arg) once, delay_ms from now; setting an armed timer moves it. */
void cf_timer_set (cf_loop_t *loop, cf_timer_t *timer, uint64_t delay_ms, cf_loop_fn *fn, void *arg);
void cf_timer_clear (cf_loop_t *loop, cf_timer_t *timer);

/*  Calls fn (arg) at the end of every turn, once however often it was added; returns 0, or -1 when all places (16) are
    taken. */
int cf_loop_add_hook (cf_loop_t *self, cf_loop_fn *fn, void *arg);
void cf_loop_remove_hook (cf_loop_t *self, cf_loop_fn *fn, void *arg);
/*  Makes the next turn come without waiting (called by hooks that left work over). */
void cf_loop_kick (cf_loop_t *self);

#endif
