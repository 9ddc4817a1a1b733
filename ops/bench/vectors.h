/* SPDX-License-Identifier: MPL-2.0 */
/*  vectors - unit vectors in clusters, as embeddings of texts about a limited number of things are
 *
 *  A cluster's centre points anywhere (normally distributed coordinates); a member is its centre and normally distributed noise whose
 *  length is about `spread`, so that the cosine of two members is about 1 / (1 + spread²), that of strangers about 0.
 */
#ifndef CF_BENCH_VECTORS_H
#define CF_BENCH_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#define CF_VECTORS_DIMENSIONS 1536
#define CF_VECTORS_CLUSTERS_MAX 10000

typedef struct cf_vectors_t cf_vectors_t;

/*  The same clusters have the same centres; seed decides what is drawn from them. Ends the program when memory is out. */
cf_vectors_t *cf_vectors_new (size_t clusters, double spread, uint64_t seed);
void cf_vectors_destroy (cf_vectors_t **self_p);
/*  A member of any cluster. */
void cf_vectors_draw (cf_vectors_t *self, float values [CF_VECTORS_DIMENSIONS]);

#endif
