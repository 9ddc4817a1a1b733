/* SPDX-License-Identifier: MPL-2.0 */
/*  process - one supervised process: its state x event table
 *
 *  DOWN -> STARTING -> READY, and when it dies BACKOFF -> STARTING …, until it dies too often: FAILED, until somebody
 *  asks for a restart. STOPPING on the way to DOWN, or to a wanted restart. Started is not ready: ready is what it says
 *  itself, within CF_PROCESS_START_MS.
 */
#ifndef CF_SUPERVISOR_PROCESS_H
#define CF_SUPERVISOR_PROCESS_H

#include "actors/lib/loop.h"
#include "ops/supervisor/logbook.h"
#include "ops/supervisor/plan.h"
#include "proto/base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

#define CF_PROCESS_START_MS 30000       /* until it must have said that it is ready */
#define CF_PROCESS_STOP_MS 10000        /* from TERM to KILL */

typedef enum {
    CF_PROCESS_DOWN, CF_PROCESS_STARTING, CF_PROCESS_READY, CF_PROCESS_BACKOFF, CF_PROCESS_FAILED, CF_PROCESS_STOPPING,
    CF_PROCESS_STATES
} cf_process_state_t;

typedef struct cf_process_t cf_process_t;

/*  What whoever owns processes is asked and told. */
typedef struct {
    /* appends the settings it may have; NULL pointer: it gets none, and says by itself nothing about being ready */
    int (*settings) (void *arg, const cf_process_t *process, cf_buf_t *out);
    /* it is running (not yet ready); only where settings is NULL: then the owner calls cf_process_ready */
    void (*on_started) (void *arg, cf_process_t *process);
    /* it says that it can serve; announcement: the line it said so with, "" where the owner did */
    void (*on_ready) (void *arg, cf_process_t *process, const char *announcement);
    /* the process with this id has ended */
    void (*on_end) (void *arg, cf_process_t *process, pid_t pid);
    /* any change of state, after it */
    void (*on_change) (void *arg, cf_process_t *process);
} cf_process_hooks_t;

/*  A process of the plan, DOWN. argv is borrowed; stop_signal ends it in good order. NULL: out of memory. */
cf_process_t *cf_process_new (cf_loop_t *loop, cf_logbook_t *book, const cf_plan_row_t *row, char *const *argv,
                              int stop_signal, const cf_process_hooks_t *hooks, void *arg);
/*  Kills it where it still runs. */
void cf_process_destroy (cf_process_t **self_p);

/*  Starts it where it is DOWN. */
void cf_process_start (cf_process_t *self);
/*  For the owner of one that does not announce itself. */
void cf_process_ready (cf_process_t *self);
/*  Ends it in good order, then by force; DOWN in the end. */
void cf_process_stop (cf_process_t *self);
/*  Ends it if it runs and starts it anew, whatever its state; former failures are forgiven. */
void cf_process_restart (cf_process_t *self);
/*  Kills it; what follows is as if it had died by itself, with why (borrowed until then) in the log. */
void cf_process_kill (cf_process_t *self, const char *why);

const cf_plan_row_t *cf_process_row (const cf_process_t *self);
cf_process_state_t cf_process_state (const cf_process_t *self);
/*  "ready" …; static storage. */
const char *cf_process_state_name (cf_process_state_t state);
/*  0 while none runs. */
pid_t cf_process_pid (const cf_process_t *self);
/*  Starts after the first one. */
unsigned cf_process_restarts (const cf_process_t *self);
/*  How long the present one has run; 0 while none does. */
uint64_t cf_process_uptime_ms (const cf_process_t *self);
/*  Resident memory, 0 while none runs. */
uint64_t cf_process_rss_kb (const cf_process_t *self);
/*  Why it last died, with its last words; "" where it never did. */
const char *cf_process_fault (const cf_process_t *self);

#endif
