/* SPDX-License-Identifier: MPL-2.0 */
/*  restart - how long to wait before a process that died is started again, and when to give up
 *
 *  One that had served a while comes back at once; one that dies young waits, each time twice as long; one that keeps
 *  dying is left alone, so that a broken part neither burns the machine nor hides in a loop. Pure: no clock, no process.
 */
#ifndef CF_SUPERVISOR_RESTART_H
#define CF_SUPERVISOR_RESTART_H

#include <stdint.h>

#define CF_RESTART_MATURE_MS 10000      /* up longer than this: the restart is not delayed */
#define CF_RESTART_FIRST_MS 100
#define CF_RESTART_MOST_MS 5000
#define CF_RESTART_INTENSITY 5          /* more restarts than this … */
#define CF_RESTART_PERIOD_MS 30000      /* … within this time: it has failed */

typedef struct {
    uint64_t at_ms [CF_RESTART_INTENSITY];      /* the last restarts, oldest at next */
    unsigned next, count;
    uint32_t delay_ms;                  /* last delay, 0: none */
} cf_restart_t;

/*  A process that was up for uptime_ms died at now_ms: milliseconds until it is to be started again, or -1: it has
    failed. Zero-initialise self. */
int64_t cf_restart_next (cf_restart_t *self, uint64_t now_ms, uint64_t uptime_ms);

#endif
