/* SPDX-License-Identifier: MPL-2.0 */
/*  cache - hash table with chains, and a list by last use */

#include "ops/simulator/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
s_mix (uint64_t state, uint64_t word, uint64_t factor)
{
    state = (state ^ word) * factor;
    return state << 31 | state >> 33;
}

void
cf_cache_hash (const char *body, size_t size, uint64_t hash [2])
{
    const uint64_t odd = UINT64_C (0x9E3779B97F4A7C15), other = UINT64_C (0xD6E8FEB86659FD93);
    uint64_t words [2];
    hash [0] = size * odd;
    hash [1] = ~hash [0];
    for (; size >= sizeof words; body += sizeof words, size -= sizeof words) {
        memcpy (words, body, sizeof words);
        hash [0] = s_mix (hash [0], words [0], odd);
        hash [1] = s_mix (hash [1], words [1], other);
    }
    memset (words, 0, sizeof words);
    memcpy (words, body, size);
    for (int round = 0; round < 2; round++) {           /* the halves see each other, so that each depends on every byte */
        uint64_t first = s_mix (hash [0], words [0] + hash [1], odd);
        hash [1] = s_mix (hash [1], words [1] + first, other);
        hash [0] = first ^ hash [1] >> 29;
    }
}

void
cf_rendered_destroy (cf_rendered_t **self_p)
{
    if (*self_p)
        cf_buf_free (&(*self_p)->bytes);
    free (*self_p);
    *self_p = NULL;
}

void
cf_cache_release (cf_ask_t **ask_p)
{
    cf_ask_t *ask = *ask_p;
    *ask_p = NULL;
    if (!ask || --ask->refs)
        return;
    for (size_t variant = 0; variant < CF_VARIANTS; variant++)
        cf_rendered_destroy (&ask->rendered [variant]);
    free (ask->idea);
    free (ask);
}

static void
s_unlist (cf_cache_t *self, cf_ask_t *ask)
{
    *(ask->newer? &ask->newer->older: &self->newest) = ask->older;
    *(ask->older? &ask->older->newer: &self->oldest) = ask->newer;
}

static void
s_list (cf_cache_t *self, cf_ask_t *ask)
{
    ask->newer = NULL;
    ask->older = self->newest;
    *(self->newest? &self->newest->newer: &self->oldest) = ask;
    self->newest = ask;
}

static void
s_drop (cf_cache_t *self, cf_ask_t *ask)
{
    cf_ask_t **place = &self->buckets [ask->hash [0] % CF_CACHE_BUCKETS];
    while (*place != ask)
        place = &(*place)->chain;
    *place = ask->chain;
    s_unlist (self, ask);
    self->bytes -= ask->bytes;
    ask->bytes = 0;                     /* no longer counted, should an answer still be added to it */
    cf_cache_release (&ask);
}

cf_ask_t *
cf_cache_lookup (cf_cache_t *self, const uint64_t hash [2], size_t size)
{
    cf_ask_t *ask = self->buckets [hash [0] % CF_CACHE_BUCKETS];
    while (ask && (ask->hash [0] != hash [0] || ask->hash [1] != hash [1] || ask->body_size != size))
        ask = ask->chain;
    if (ask) {
        s_unlist (self, ask);
        s_list (self, ask);
        ask->refs++;
    }
    return ask;
}

cf_ask_t *
cf_cache_add (cf_cache_t *self, const uint64_t hash [2], size_t size, const cf_request_t *request, const cf_brief_t *brief)
{
    cf_ask_t *ask = calloc (1, sizeof *ask);
    if (!ask || !(ask->idea = strdup (brief->idea))) {
        free (ask);
        return NULL;
    }
    ask->hash [0] = hash [0];
    ask->hash [1] = hash [1];
    ask->body_size = size;
    memcpy (ask->agent, brief->agent, sizeof ask->agent);
    memcpy (ask->model, request->model, sizeof ask->model);
    ask->streamed = request->streamed;
    ask->directives = brief->directives;
    ask->bytes = sizeof *ask + strlen (ask->idea);
    ask->refs = 2;                      /* the cache's and the caller's */
    cf_ask_t **place = &self->buckets [hash [0] % CF_CACHE_BUCKETS];
    ask->chain = *place;
    *place = ask;
    s_list (self, ask);
    self->bytes += ask->bytes;
    while (self->bytes > CF_CACHE_MAX_BYTES && self->oldest != ask)
        s_drop (self, self->oldest);
    return ask;
}

void
cf_cache_keep (cf_cache_t *self, cf_ask_t *ask, cf_variant_t variant, cf_rendered_t *rendered)
{
    cf_rendered_destroy (&ask->rendered [variant]);
    ask->rendered [variant] = rendered;
    char *fitting = rendered->bytes.capacity? realloc (rendered->bytes.bytes, rendered->bytes.size + 1): NULL;
    if (fitting) {                      /* it grew by doubling, and grows no more */
        rendered->bytes.bytes = fitting;
        rendered->bytes.capacity = rendered->bytes.size + 1;
    }
    if (!ask->bytes)
        return;                         /* dropped meanwhile */
    ask->bytes += rendered->bytes.capacity + sizeof *rendered;
    self->bytes += rendered->bytes.capacity + sizeof *rendered;
    while (self->bytes > CF_CACHE_MAX_BYTES && self->oldest != ask)
        s_drop (self, self->oldest);
}

void
cf_cache_clear (cf_cache_t *self)
{
    while (self->oldest)
        s_drop (self, self->oldest);
}
