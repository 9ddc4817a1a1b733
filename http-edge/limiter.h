/* SPDX-License-Identifier: MPL-2.0 */
/*  limiter - one token bucket a client, counted once for all edge processes of the machine
 *
 *  Owns:       CODEFORGE_HOME/run/limits, a table of fixed size (4 MiB, 524,288 buckets) that every edge maps; the
 *              first one makes it. It may be removed while no edge runs: everybody then has a full bucket.
 *  If an edge dies in the middle: nothing; a bucket is one word, changed by one compare-and-swap.
 *
 *  A bucket that is full is the same as none. Where all places for a client are taken by others, the one that will be full
 *  soonest gives way.
 */
#ifndef CF_EDGE_LIMITER_H
#define CF_EDGE_LIMITER_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cf_limiter_t cf_limiter_t;

typedef struct {
    uint32_t limit;             /* tokens of a full bucket */
    uint32_t remaining;
    uint32_t reset_s;           /* until it is full again */
    uint32_t retry_after_s;     /* until there is a token; 0: one was taken */
} cf_limiter_state_t;

/*  Maps the table at path, making it where it is absent or not ours to read. per_minute: 1 to 1,000,000. NULL with error. */
cf_limiter_t *cf_limiter_new (const char *path, uint32_t per_minute, cf_error_t *error);
void cf_limiter_destroy (cf_limiter_t **self_p);

/*  Takes a token from the bucket of kind ('u' user, 'a' address …) and key at now_us (monotonic, the same for all processes). True where
    there was one. */
bool cf_limiter_take (cf_limiter_t *self, char kind, const void *key, size_t size, uint64_t now_us, cf_limiter_state_t *state);

#endif
