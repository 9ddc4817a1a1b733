/* SPDX-License-Identifier: MPL-2.0 */
/*  cache - requests that were understood, with their answers as they go over the wire
 *
 *  Keyed by the bytes of the body: the same body has the same idea, agent and answer, and need not be read again. The least
 *  recently used give way beyond CF_CACHE_MAX_BYTES; an entry in use lives on until it is released.
 */
#ifndef CF_SIMULATOR_CACHE_H
#define CF_SIMULATOR_CACHE_H

#include "ops/simulator/brief.h"

#define CF_CACHE_BUCKETS 4096
#define CF_CACHE_MAX_BYTES (16u << 20)

typedef enum { CF_VARIANT_PLAIN, CF_VARIANT_FLAWED, CF_VARIANTS } cf_variant_t;

/*  One request as understood. */
typedef struct cf_ask_t {
    uint64_t hash [2];
    size_t body_size;
    char agent [32];
    char model [80];
    bool streamed;
    char *idea;                         /* owned */
    cf_directives_t directives;
    cf_rendered_t *rendered [CF_VARIANTS];      /* NULL until asked for */
    size_t bytes;                       /* what it costs */
    unsigned refs;
    struct cf_ask_t *chain, *newer, *older;
} cf_ask_t;

typedef struct {
    cf_ask_t *buckets [CF_CACHE_BUCKETS];
    cf_ask_t *newest, *oldest;
    size_t bytes;
} cf_cache_t;

/*  The two halves of a body's hash. */
void cf_cache_hash (const char *body, size_t size, uint64_t hash [2]);
/*  A known request, with a reference that the caller releases; NULL where it is not known. */
cf_ask_t *cf_cache_lookup (cf_cache_t *self, const uint64_t hash [2], size_t size);
/*  Keeps a new request; the caller has a reference. NULL when out of memory. */
cf_ask_t *cf_cache_add (cf_cache_t *self, const uint64_t hash [2], size_t size, const cf_request_t *request, const cf_brief_t *brief);
/*  Says that an answer was rendered into ask (which owns it from now on). */
void cf_cache_keep (cf_cache_t *self, cf_ask_t *ask, cf_variant_t variant, cf_rendered_t *rendered);
void cf_cache_release (cf_ask_t **ask_p);
void cf_cache_clear (cf_cache_t *self);
void cf_rendered_destroy (cf_rendered_t **self_p);

#endif
