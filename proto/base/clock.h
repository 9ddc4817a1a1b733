/* SPDX-License-Identifier: MPL-2.0 */
/*  clock - one monotonic clock for deadlines, one wall clock for people */
#ifndef CF_BASE_CLOCK_H
#define CF_BASE_CLOCK_H

#include <stdint.h>

#define CF_CLOCK_RFC3339_SIZE 28        /* "2026-01-31T23:59:59.123456Z" and its NUL */

/*  Monotonic time since an arbitrary start, for deadlines and durations. */
uint64_t cf_clock_ms (void);
uint64_t cf_clock_us (void);
/*  Microseconds since the Unix epoch, UTC. */
uint64_t cf_clock_wall_us (void);
/*  Writes wall_us as RFC 3339 in UTC with microseconds into text; returns text. */
char *cf_clock_rfc3339 (uint64_t wall_us, char text [CF_CLOCK_RFC3339_SIZE]);

#endif
