/* SPDX-License-Identifier: MPL-2.0 */
/*  timers - one heap for all deadlines */

#include "broker/timers.h"
#include "proto/base/clock.h"

#include <limits.h>

void
cf_timers_tick (cf_timers_t *self)
{
    self->now_us = cf_clock_us ();
    self->now_ms = self->now_us / 1000;
}

int
cf_timers_arm (cf_timers_t *self, cf_timer_t *timer, uint64_t at_ms)
{
    return cf_heap_put (&self->heap, &timer->node, at_ms);
}

void
cf_timers_disarm (cf_timers_t *self, cf_timer_t *timer)
{
    cf_heap_remove (&self->heap, &timer->node);
}

void
cf_timers_fire (cf_timers_t *self)
{
    for (;;) {
        cf_timer_t *timer = (cf_timer_t *) cf_heap_peek (&self->heap);
        if (!timer || timer->node.key > self->now_ms)
            break;
        cf_heap_remove (&self->heap, &timer->node);
        timer->fire (timer->context, timer);
    }
}

int
cf_timers_wait_ms (const cf_timers_t *self)
{
    const cf_heap_node_t *next = cf_heap_peek (&self->heap);
    if (!next)
        return -1;
    uint64_t wait = next->key > self->now_ms? next->key - self->now_ms: 0;
    return wait < INT_MAX? (int) wait: INT_MAX;
}

void
cf_timers_free (cf_timers_t *self)
{
    cf_heap_free (&self->heap);
}
