/* SPDX-License-Identifier: MPL-2.0 */
/*  heap - the earliest deadline first; nodes live inside what they time, so arming a timer allocates nothing */
#ifndef CF_BASE_HEAP_H
#define CF_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key;               /* the deadline; smallest first */
    size_t slot;                /* place in the heap + 1; 0: in none. Zero-initialise a node. */
} cf_heap_node_t;

typedef struct {
    cf_heap_node_t **slots;
    size_t size, capacity;
} cf_heap_t;

/*  Inserts node with key, or moves it if it is in already. -1 when out of memory. */
int cf_heap_put (cf_heap_t *self, cf_heap_node_t *node, uint64_t key);
/*  Takes node out; does nothing if it is in none. */
void cf_heap_remove (cf_heap_t *self, cf_heap_node_t *node);
/*  The node with the smallest key, borrowed; NULL if empty. */
cf_heap_node_t *cf_heap_peek (const cf_heap_t *self);
bool cf_heap_contains (const cf_heap_node_t *node);
/*  Frees the heap's own memory, not the nodes. */
void cf_heap_free (cf_heap_t *self);

#endif
