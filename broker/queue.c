/* SPDX-License-Identifier: MPL-2.0 */
/*  queue - lanes in rings */

#include "broker/queue.h"
#include "broker/hash.h"
#include "proto/base/uuid.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char user [CF_UUID_SIZE];
    char priority;
} lane_key_t;

struct cf_lane {
    lane_key_t key;
    cf_queue_entry_t *entries;
    cf_lane_t *prev, *next;     /* in its ring */
    UT_hash_handle hh;
};

static cf_lane_t *
s_lane_new (cf_queue_t *self, const lane_key_t *key)
{
    cf_lane_t *lane = calloc (1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->key = *key;
    HASH_ADD (hh, self->lanes, key, sizeof lane->key, lane);
    if (!lane->hh.tbl) {
        free (lane);
        return NULL;
    }
    DL_APPEND (self->rings [(int) key->priority], lane);
    self->occupied |= 1u << key->priority;
    return lane;
}

static void
s_lane_destroy (cf_queue_t *self, cf_lane_t *lane)
{
    int priority = (unsigned char) lane->key.priority;
    DL_DELETE (self->rings [priority], lane);
    if (!self->rings [priority])
        self->occupied &= ~(1u << priority);
    HASH_DEL (self->lanes, lane);
    free (lane);
}

int
cf_queue_push (cf_queue_t *self, cf_queue_entry_t *entry, unsigned priority, const char *user)
{
    assert (!entry->lane && priority < CF_QUEUE_PRIORITIES);
    lane_key_t key;
    memset (&key, 0, sizeof key);       /* hashed as bytes */
    snprintf (key.user, sizeof key.user, "%s", user);
    key.priority = (char) priority;
    cf_lane_t *lane;
    HASH_FIND (hh, self->lanes, &key, sizeof key, lane);
    if (!lane)
        lane = s_lane_new (self, &key);
    if (!lane)
        return -1;
    DL_APPEND (lane->entries, entry);
    entry->lane = lane;
    self->size++;
    return 0;
}

cf_queue_entry_t *
cf_queue_peek (const cf_queue_t *self)
{
    if (!self->occupied)
        return NULL;
    int priority = 31 - __builtin_clz (self->occupied);
    return self->rings [priority]->entries;
}

void
cf_queue_remove (cf_queue_t *self, cf_queue_entry_t *entry)
{
    cf_lane_t *lane = entry->lane;
    DL_DELETE (lane->entries, entry);
    entry->lane = NULL;
    self->size--;
    if (!lane->entries)
        s_lane_destroy (self, lane);
}

void
cf_queue_pop (cf_queue_t *self)
{
    cf_queue_entry_t *entry = cf_queue_peek (self);
    cf_lane_t *lane = entry->lane;
    if (entry->next) {
        cf_lane_t **ring = &self->rings [(int) lane->key.priority];
        DL_DELETE (*ring, lane);
        DL_APPEND (*ring, lane);
    }
    cf_queue_remove (self, entry);
}

void
cf_queue_walk (const cf_queue_t *self, void (*visit) (void *context, cf_queue_entry_t *entry), void *context)
{
    for (const cf_lane_t *lane = self->lanes; lane; lane = lane->hh.next)
        for (cf_queue_entry_t *entry = lane->entries; entry; entry = entry->next)
            visit (context, entry);
}
