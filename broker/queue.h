/* SPDX-License-Identifier: MPL-2.0 */
/*  queue - who waits for one service: the higher priority first, then the users in turn, then first come first served
 *
 *  A lane is the waiting line of one user at one priority; lanes of a priority stand in a ring. However many
 *  entries one user pushes, another one's next entry waits for one of them at most. Entries live inside what
 *  waits. Every operation is O(1).
 */
#ifndef CF_BROKER_QUEUE_H
#define CF_BROKER_QUEUE_H

#include <stddef.h>

#define CF_QUEUE_PRIORITIES 10

typedef struct cf_lane cf_lane_t;

typedef struct cf_queue_entry {
    struct cf_queue_entry *prev, *next;
    cf_lane_t *lane;            /* NULL: in no queue */
} cf_queue_entry_t;

typedef struct {
    cf_lane_t *lanes;                           /* hash by priority and user */
    cf_lane_t *rings [CF_QUEUE_PRIORITIES];     /* the head is served next */
    unsigned occupied;                          /* bit p: ring p is not empty */
    size_t size;                                /* entries; the owner compares it with its maximum */
} cf_queue_t;

/*  Appends entry; user is a uuid or "". 0, or -1 when out of memory. */
int cf_queue_push (cf_queue_t *self, cf_queue_entry_t *entry, unsigned priority, const char *user);
/*  The entry that is next, borrowed; NULL if empty. */
cf_queue_entry_t *cf_queue_peek (const cf_queue_t *self);
/*  Takes out what cf_queue_peek shows; its user's next entry goes behind the other users'. */
void cf_queue_pop (cf_queue_t *self);
/*  Takes out any entry; the turns stay as they are. */
void cf_queue_remove (cf_queue_t *self, cf_queue_entry_t *entry);
/*  Shows each entry to visit, which must not change the queue. */
void cf_queue_walk (const cf_queue_t *self, void (*visit) (void *context, cf_queue_entry_t *entry), void *context);

#endif
