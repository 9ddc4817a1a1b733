/* SPDX-License-Identifier: MPL-2.0 */
/*  samples - a plain array, sorted when asked */

#include "ops/bench/samples.h"

#include <stdio.h>
#include <stdlib.h>

void
cf_samples_init (cf_samples_t *self, size_t max)
{
    *self = (cf_samples_t) { .values = calloc (max, sizeof *self->values), .max = max };
    if (!self->values) {
        fprintf (stderr, "no memory for %zu samples\n", max);
        exit (1);
    }
}

void
cf_samples_free (cf_samples_t *self)
{
    free (self->values);
    *self = (cf_samples_t) { 0 };
}

void
cf_samples_add (cf_samples_t *self, uint64_t value)
{
    if (self->count < self->max)
        self->values [self->count++] = value;
}

static int
s_compare (const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left, b = *(const uint64_t *) right;
    return a < b? -1: a > b;
}

uint64_t
cf_samples_quantile (cf_samples_t *self, double share)
{
    if (!self->count)
        return 0;
    qsort (self->values, self->count, sizeof *self->values, s_compare);
    size_t at = (size_t) (share * (double) self->count);
    return self->values [at < self->count? at: self->count - 1];
}

void
cf_figure (const char *name, double value, const char *unit)
{
    printf ("%s\t%.3f\t%s\n", name, value, unit);
    fflush (stdout);
}

void
cf_figure_samples (const char *name, cf_samples_t *samples)
{
    static const struct { const char *suffix; double share; } quantiles [] = { { "p50", 0.5 }, { "p99", 0.99 }, { "max", 1 } };
    for (size_t at = 0; at < sizeof quantiles / sizeof quantiles [0]; at++) {
        char full [96];
        snprintf (full, sizeof full, "%s_%s", name, quantiles [at].suffix);
        cf_figure (full, (double) cf_samples_quantile (samples, quantiles [at].share) / 1000, "ms");
    }
}
