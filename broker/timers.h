/* SPDX-License-Identifier: MPL-2.0 */
/*  timers - the broker's clock, read once a message, and everything that happens at a time
 *
 *  A timer lives inside what it times (a call, a peer), so arming one allocates nothing but the heap's slot.
 */
#ifndef CF_BROKER_TIMERS_H
#define CF_BROKER_TIMERS_H

#include "proto/base/heap.h"

typedef struct cf_timer cf_timer_t;
typedef void (cf_timer_fn) (void *context, cf_timer_t *timer);

struct cf_timer {
    cf_heap_node_t node;
    cf_timer_fn *fire;          /* may arm the timer again, but only later than now */
    void *context;
};

typedef struct {
    cf_heap_t heap;
    uint64_t now_us, now_ms;    /* monotonic, as of the last tick */
} cf_timers_t;

/*  Reads the clock. */
void cf_timers_tick (cf_timers_t *self);
/*  Arms the timer, or moves it. 0, or -1 when out of memory. */
int cf_timers_arm (cf_timers_t *self, cf_timer_t *timer, uint64_t at_ms);
void cf_timers_disarm (cf_timers_t *self, cf_timer_t *timer);
/*  Fires all that are due now. */
void cf_timers_fire (cf_timers_t *self);
/*  Milliseconds until the next one; -1 where there is none. */
int cf_timers_wait_ms (const cf_timers_t *self);
void cf_timers_free (cf_timers_t *self);

#endif
