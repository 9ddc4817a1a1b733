/* SPDX-License-Identifier: MPL-2.0 */
/*  vectors - splitmix64 for chance, sums of uniform numbers for normal ones (Irwin-Hall), PostgreSQL's binary COPY format */

#include "ops/bench/vectors.h"
#include "ops/bench/commands.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CENTRES_SEED 1

struct cf_vectors_t {
    size_t clusters;
    float spread;
    uint64_t state;
    float *centres;
};

/*  splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t
s_next (cf_vectors_t *self)
{
    uint64_t value = self->state += 0x9E3779B97F4A7C15u;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

/*  Mean 0, variance 1: four uniform numbers of 16 bits. */
static float
s_normal (cf_vectors_t *self)
{
    uint64_t bits = s_next (self);
    uint64_t sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
    return ((float) sum - 2 * 65535.0f) / 37837.2f;
}

static void
s_normalize (float values [CF_VECTORS_DIMENSIONS])
{
    double sum = 0;
    for (size_t at = 0; at < CF_VECTORS_DIMENSIONS; at++)
        sum += (double) values [at] * (double) values [at];
    float scale = (float) (1 / sqrt (sum));
    for (size_t at = 0; at < CF_VECTORS_DIMENSIONS; at++)
        values [at] *= scale;
}

cf_vectors_t *
cf_vectors_new (size_t clusters, double spread, uint64_t seed)
{
    cf_vectors_t *self = calloc (1, sizeof *self);
    if (!self || !(self->centres = calloc (clusters * CF_VECTORS_DIMENSIONS, sizeof (float)))) {
        fprintf (stderr, "out of memory\n");
        exit (1);
    }
    self->clusters = clusters;
    self->spread = (float) spread;
    self->state = CENTRES_SEED;
    for (size_t at = 0; at < clusters; at++) {
        float *centre = self->centres + at * CF_VECTORS_DIMENSIONS;
        for (size_t axis = 0; axis < CF_VECTORS_DIMENSIONS; axis++)
            centre [axis] = s_normal (self);
        s_normalize (centre);
    }
    self->state = seed * 0xD1342543DE82EF95u + CENTRES_SEED;
    return self;
}

void
cf_vectors_destroy (cf_vectors_t **self_p)
{
    if (*self_p)
        free ((*self_p)->centres);
    free (*self_p);
    *self_p = NULL;
}

void
cf_vectors_draw (cf_vectors_t *self, float values [CF_VECTORS_DIMENSIONS])
{
    const float *centre = self->centres + s_next (self) % self->clusters * CF_VECTORS_DIMENSIONS;
    float scale = self->spread / sqrtf (CF_VECTORS_DIMENSIONS);
    for (size_t axis = 0; axis < CF_VECTORS_DIMENSIONS; axis++)
        values [axis] = centre [axis] + scale * s_normal (self);
    s_normalize (values);
}

/* ---- as rows ---- */

static void
s_put_u16 (uint16_t value)
{
    value = htobe16 (value);
    fwrite (&value, sizeof value, 1, stdout);
}

static void
s_put_u32 (uint32_t value)
{
    value = htobe32 (value);
    fwrite (&value, sizeof value, 1, stdout);
}

static void
s_put_text (const char *text)
{
    s_put_u32 ((uint32_t) strlen (text));
    fputs (text, stdout);
}

/*  pgvector's binary form: dimensions, zero, float32 each, in network order. */
static void
s_put_vector (const float values [CF_VECTORS_DIMENSIONS])
{
    uint32_t words [CF_VECTORS_DIMENSIONS];
    memcpy (words, values, sizeof words);
    s_put_u32 (4 + sizeof words);
    s_put_u16 (CF_VECTORS_DIMENSIONS);
    s_put_u16 (0);
    for (size_t at = 0; at < CF_VECTORS_DIMENSIONS; at++)
        words [at] = htobe32 (words [at]);
    fwrite (words, sizeof words, 1, stdout);
}

/*  A hundredth of all is of the type rare, nine hundredths are reviews. */
static void
s_put_row (uint64_t number, const float values [CF_VECTORS_DIMENSIONS])
{
    char content [40];
    snprintf (content, sizeof content, "pattern %llu", (unsigned long long) number);
    s_put_u16 (3);
    s_put_text (number % 100 == 0? "rare": number % 10 == 0? "review": "builder");
    s_put_text (content);
    s_put_vector (values);
}

int
cf_load_vectors (const cf_load_options_t *options)
{
    cf_vectors_t *vectors = cf_vectors_new (options->clusters, (double) options->spread / 100, 1000 + options->from);
    fwrite ("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19, 1, stdout);
    for (uint64_t at = 0; at < options->count && !ferror (stdout); at++) {
        float values [CF_VECTORS_DIMENSIONS];
        cf_vectors_draw (vectors, values);
        s_put_row (options->from + at, values);
    }
    s_put_u16 (0xFFFF);
    cf_vectors_destroy (&vectors);
    return fflush (stdout) || ferror (stdout)? 1: 0;
}
