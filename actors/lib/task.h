/* SPDX-License-Identifier: MPL-2.0 */
/*  task - work of several steps, written top to bottom: a coroutine that waits without blocking the loop
 *
 *  A task runs on a stack of its own (64 KiB with a guard page; pooled) until it waits, and goes on when what it waits
 *  for happens. Cancelled or past its deadline, its present wait and every later one return -1 with that error,
 *  so that it unwinds through its own `done:` labels.
 */
#ifndef CF_LIB_TASK_H
#define CF_LIB_TASK_H

#include "actors/lib/loop.h"
#include "proto/base/error.h"
#include "proto/base/trace.h"
#include "proto/base/uuid.h"

#include <stdbool.h>

typedef struct cf_task_t cf_task_t;
typedef void (cf_task_fn) (cf_task_t *self, void *arg);

/*  Whose work it is: travels with every call the task makes and stands in its log lines. */
typedef struct {
    char job [CF_UUID_SIZE];
    char user [CF_UUID_SIZE];
    char request [128];
    char trace [CF_TRACE_SIZE];
    uint32_t priority;
    uint32_t attempt;
} cf_task_context_t;

/*  Starts fn (task, arg) at once, on this call's stack of time: it has run to its first wait when this returns (NULL
    when no stack could be had). The task frees itself when fn returns, which may be before this returns: keep the pointer
    only if fn told otherwise. context may be NULL. */
cf_task_t *cf_task_start (cf_loop_t *loop, cf_task_fn *fn, void *arg, const cf_task_context_t *context);
/*  Tasks alive in this process; cancelling each of them, and all because it ends: from then on shields hold nothing off. */
size_t cf_task_count (void);
void cf_task_cancel_each (cf_error_code_t code);
void cf_task_cancel_all (cf_error_code_t code);
/*  Frees pooled stacks (at shutdown). */
void cf_task_free_pool (void);

cf_loop_t *cf_task_loop (cf_task_t *self);
cf_task_context_t *cf_task_context (cf_task_t *self);
/*  A pointer that belongs to whoever started the task (the call it serves, the job it runs). */
void cf_task_set_owner (cf_task_t *self, void *owner);
void *cf_task_owner (const cf_task_t *self);
/*  Ends every wait from now on with code. May be called from anywhere but the task itself resumes later, from the loop. */
void cf_task_cancel (cf_task_t *self, cf_error_code_t code);
/*  Ends every wait with TIMEOUT once timeout_ms have passed; 0 takes the limit away. */
void cf_task_limit (cf_task_t *self, uint64_t timeout_ms);
/*  What is left of the limit, at most most_ms. */
uint64_t cf_task_left_ms (cf_task_t *self, uint64_t most_ms);
/*  Keeps a cancelled task from being interrupted while it must finish something (nests). */
void cf_task_shield (cf_task_t *self, bool on);

/*  Sleeps. 0, or -1 when cancelled or overdue. */
int cf_task_sleep (cf_task_t *self, uint64_t ms, cf_error_t *error);
/*  For those who build waits (calls, queries, HTTP): gives the loop the thread until cf_task_wake. 0 when woken, -1 with
    error when cancelled or overdue (then the waiter must take back what it waits for: no wake may come later). */
int cf_task_wait (cf_task_t *self, cf_error_t *error);
/*  Whether the next wait would fail, without waiting: 0, or -1 with why. */
int cf_task_wait_status (cf_task_t *self, cf_error_t *error);
/*  Goes on with a waiting task. Called from the loop, never from within a task. */
void cf_task_wake (cf_task_t *self);
/*  The task that runs now, NULL outside of any. */
cf_task_t *cf_task_current (void);

#endif
