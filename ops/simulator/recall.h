/* SPDX-License-Identifier: MPL-2.0 */
/*  recall - which idea a set of requirements came from
 *
 *  Not every agent is told the idea, but all are told the requirements, which carry the number of the simulated
 *  answer. The number leads back to the idea and to the directives in it. Direct-mapped: a new idea may take the place of an
 *  older one, whose later requests are then judged by their requirements alone.
 */
#ifndef CF_SIMULATOR_RECALL_H
#define CF_SIMULATOR_RECALL_H

#include "ops/simulator/scan.h"

#include <stdint.h>

#define CF_RECALL_SLOTS 8192
#define CF_RECALL_MAX_IDEA 1000         /* bytes kept; a longer idea is not remembered */
#define CF_RECALL_MARK "Simulated answer "

typedef struct {
    struct { uint64_t key; char *idea; } slots [CF_RECALL_SLOTS];
} cf_recall_t;

/*  Remembers idea (as written, directives included) under key. */
void cf_recall_put (cf_recall_t *self, uint64_t key, cf_slice_t idea);
/*  The idea behind requirements that carry a number; NULL where none is known. Borrowed until the next put. */
const char *cf_recall_lookup (const cf_recall_t *self, cf_slice_t requirements);
void cf_recall_free (cf_recall_t *self);

#endif
