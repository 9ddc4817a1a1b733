/* SPDX-License-Identifier: MPL-2.0 */
/*  samples - what was measured, in microseconds, and its quantiles */
#ifndef CF_BENCH_SAMPLES_H
#define CF_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t *values;
    size_t count, max;
} cf_samples_t;

/*  Room for max values, allocated at once; further ones are dropped. Ends the program when memory is out. */
void cf_samples_init (cf_samples_t *self, size_t max);
void cf_samples_free (cf_samples_t *self);
void cf_samples_add (cf_samples_t *self, uint64_t value);
/*  The smallest value that at least share (0 to 1) of all values do not exceed; 0 where there are none. Sorts. */
uint64_t cf_samples_quantile (cf_samples_t *self, double share);

/*  A figure goes to standard output as a line "NAME\tVALUE\tUNIT". */
void cf_figure (const char *name, double value, const char *unit);
/*  The figures NAME_p50, NAME_p99 and NAME_max in milliseconds. */
void cf_figure_samples (const char *name, cf_samples_t *samples);

#endif
