/* SPDX-License-Identifier: MPL-2.0 */
/*  clock - clock_gettime, in the units the rest uses */

#include "proto/base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t
s_now_us (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

uint64_t
cf_clock_us (void)
{
    return s_now_us (CLOCK_MONOTONIC);
}

uint64_t
cf_clock_ms (void)
{
    return s_now_us (CLOCK_MONOTONIC) / 1000u;
}

uint64_t
cf_clock_wall_us (void)
{
    return s_now_us (CLOCK_REALTIME);
}

char *
cf_clock_rfc3339 (uint64_t wall_us, char text [CF_CLOCK_RFC3339_SIZE])
{
    time_t seconds = (time_t) (wall_us / 1000000u);
    struct tm utc;
    gmtime_r (&seconds, &utc);
    size_t size = strftime (text, CF_CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf (text + size, CF_CLOCK_RFC3339_SIZE - size, ".%06uZ", (unsigned) (wall_us % 1000000u));
    return text;
}
