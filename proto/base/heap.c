/* SPDX-License-Identifier: MPL-2.0 */
/*  heap - binary heap with intrusive nodes that know their slot */

#include "proto/base/heap.h"

#include <stdlib.h>

static void
s_place (cf_heap_t *self, size_t slot, cf_heap_node_t *node)
{
    self->slots [slot] = node;
    node->slot = slot + 1;
}

static void
s_up (cf_heap_t *self, size_t slot, cf_heap_node_t *node)
{
    while (slot && self->slots [(slot - 1) / 2]->key > node->key) {
        s_place (self, slot, self->slots [(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    s_place (self, slot, node);
}

static void
s_down (cf_heap_t *self, size_t slot, cf_heap_node_t *node)
{
    for (;;) {
        size_t child = slot * 2 + 1;
        if (child >= self->size)
            break;
        if (child + 1 < self->size && self->slots [child + 1]->key < self->slots [child]->key)
            child++;
        if (self->slots [child]->key >= node->key)
            break;
        s_place (self, slot, self->slots [child]);
        slot = child;
    }
    s_place (self, slot, node);
}

int
cf_heap_put (cf_heap_t *self, cf_heap_node_t *node, uint64_t key)
{
    if (node->slot) {
        uint64_t old = node->key;
        node->key = key;
        if (key < old)
            s_up (self, node->slot - 1, node);
        else
            s_down (self, node->slot - 1, node);
        return 0;
    }
    if (self->size == self->capacity) {
        size_t capacity = self->capacity? self->capacity * 2: 64;
        cf_heap_node_t **slots = realloc (self->slots, capacity * sizeof *slots);
        if (!slots)
            return -1;
        self->slots = slots;
        self->capacity = capacity;
    }
    node->key = key;
    s_up (self, self->size++, node);
    return 0;
}

void
cf_heap_remove (cf_heap_t *self, cf_heap_node_t *node)
{
    if (!node->slot)
        return;
    size_t slot = node->slot - 1;
    node->slot = 0;
    cf_heap_node_t *last = self->slots [--self->size];
    if (last == node)
        return;
    if (slot && self->slots [(slot - 1) / 2]->key > last->key)
        s_up (self, slot, last);
    else
        s_down (self, slot, last);
}

cf_heap_node_t *
cf_heap_peek (const cf_heap_t *self)
{
    return self->size? self->slots [0]: NULL;
}

bool
cf_heap_contains (const cf_heap_node_t *node)
{
    return node->slot != 0;
}

void
cf_heap_free (cf_heap_t *self)
{
    free (self->slots);
    *self = (cf_heap_t) { 0 };
}
