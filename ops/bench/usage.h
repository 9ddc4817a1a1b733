/* SPDX-License-Identifier: MPL-2.0 */
/*  usage - memory and time of processes, as the kernel counts them */
#ifndef CF_BENCH_USAGE_H
#define CF_BENCH_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    uint64_t pss_kb, rss_kb, cpu_ms;    /* PSS: what is shared is counted in parts */
    size_t processes;
} cf_usage_t;

/*  Adds what a process uses now; nothing where there is none. */
void cf_usage_add (cf_usage_t *self, long pid);
/*  Pid of the process of that name in the output of `codeforge status --json`; 0 after a line on stderr. */
long cf_usage_pid (FILE *status, const char *name);

#endif
