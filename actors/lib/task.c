/* SPDX-License-Identifier: MPL-2.0 */
/*  task - ucontext coroutines on pooled, guarded stacks
 *
 *  A wake from within another task would nest stacks, so it only marks the task runnable and the loop resumes it
 *  at the end of its turn. AddressSanitizer is told about every change of stack.
 */

#include "actors/lib/task.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <utlist.h>

#ifdef CF_SANITIZE
#include <sanitizer/common_interface_defs.h>
#define CF_TASK_STACK_BYTES (512u * 1024u)      /* instrumented frames are several times larger */
#else
#define CF_TASK_STACK_BYTES (64u * 1024u)
#endif
#define CF_TASK_POOL_MAX 256                    /* stacks kept for the next tasks; the rest goes back to the system */

typedef enum { RUNNING, WAITING, RUNNABLE, ENDED } state_t;

struct cf_task_t {
    cf_task_t *next;                    /* in the list of runnable tasks */
    cf_task_t *alive_prev, *alive_next;
    cf_loop_t *loop;
    cf_task_fn *fn;
    void *arg;
    void *stack;                        /* lowest address: the guard page */
    ucontext_t here;
    state_t state;
    bool sleeping;
    int shields;
    cf_error_code_t cancelled;          /* CF_OK, or what every wait returns */
    uint64_t limit_us;                  /* 0: none */
    cf_timer_t timer;                   /* limit, or end of a sleep */
    uint64_t sleep_us;
    cf_task_context_t context;
    void *owner;
#ifdef CF_SANITIZE
    void *fake_stack;
#endif
};

static struct {
    cf_task_t *current;
    ucontext_t loop;                    /* where the running task gives back to */
    cf_task_t *first, *last;            /* runnable */
    cf_task_t *alive;                   /* all of them */
    void *pool [CF_TASK_POOL_MAX];
    size_t pooled, count;
    bool ending;                        /* the process ends: no shield holds any more */
#ifdef CF_SANITIZE
    const void *loop_bottom;
    size_t loop_size;
    void *loop_fake_stack;
#endif
} s_world;

static size_t
s_stack_bytes (void)
{
    return CF_TASK_STACK_BYTES + (size_t) sysconf (_SC_PAGESIZE);
}

static void *
s_take_stack (void)
{
    if (s_world.pooled)
        return s_world.pool [--s_world.pooled];
    void *stack = mmap (NULL, s_stack_bytes (), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return NULL;
    mprotect (stack, (size_t) sysconf (_SC_PAGESIZE), PROT_NONE);
    return stack;
}

static void
s_give_stack (void *stack)
{
    if (s_world.pooled < CF_TASK_POOL_MAX)
        s_world.pool [s_world.pooled++] = stack;
    else
        munmap (stack, s_stack_bytes ());
}

void
cf_task_free_pool (void)
{
    while (s_world.pooled)
        munmap (s_world.pool [--s_world.pooled], s_stack_bytes ());
}

size_t
cf_task_count (void)
{
    return s_world.count;
}

cf_task_t *
cf_task_current (void)
{
    return s_world.current;
}

cf_loop_t *
cf_task_loop (cf_task_t *self)
{
    return self->loop;
}

cf_task_context_t *
cf_task_context (cf_task_t *self)
{
    return &self->context;
}

void
cf_task_set_owner (cf_task_t *self, void *owner)
{
    self->owner = owner;
}

void *
cf_task_owner (const cf_task_t *self)
{
    return self->owner;
}

/*  Back to the loop's stack; ending says that this stack will not be returned to. */
static void
s_leave (cf_task_t *self, bool ending)
{
#ifdef CF_SANITIZE
    __sanitizer_start_switch_fiber (ending? NULL: &self->fake_stack, s_world.loop_bottom, s_world.loop_size);
#endif
    (void) ending;
    swapcontext (&self->here, &s_world.loop);
#ifdef CF_SANITIZE
    __sanitizer_finish_switch_fiber (self->fake_stack, &s_world.loop_bottom, &s_world.loop_size);
#endif
}

static void
s_main (unsigned high, unsigned low)
{
    cf_task_t *self = (cf_task_t *) ((uintptr_t) high << 32 | low);
#ifdef CF_SANITIZE
    __sanitizer_finish_switch_fiber (NULL, &s_world.loop_bottom, &s_world.loop_size);
#endif
    self->fn (self, self->arg);
    self->state = ENDED;
    s_leave (self, true);
}

static void
s_end (cf_task_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    s_give_stack (self->stack);
    DL_DELETE2 (s_world.alive, self, alive_prev, alive_next);
    s_world.count--;
    free (self);
}

/*  Runs self until it waits or ends. Only from the loop's stack. */
static void
s_enter (cf_task_t *self)
{
    self->state = RUNNING;
    s_world.current = self;
    cf_log_context_t former = cf_log_context ((cf_log_context_t) { self->context.job, self->context.request });
#ifdef CF_SANITIZE
    __sanitizer_start_switch_fiber (&s_world.loop_fake_stack, (char *) self->stack + sysconf (_SC_PAGESIZE), CF_TASK_STACK_BYTES);
#endif
    swapcontext (&s_world.loop, &self->here);
#ifdef CF_SANITIZE
    __sanitizer_finish_switch_fiber (s_world.loop_fake_stack, NULL, NULL);
#endif
    cf_log_context (former);
    s_world.current = NULL;
    if (self->state == ENDED)
        s_end (self);
}

static void
s_push_runnable (cf_task_t *self)
{
    self->state = RUNNABLE;
    self->next = NULL;
    if (s_world.last)
        s_world.last->next = self;
    else
        s_world.first = self;
    s_world.last = self;
    cf_loop_kick (self->loop);
}

static void
s_run_runnable (void *arg)
{
    (void) arg;
    cf_task_t *task = s_world.first;
    s_world.first = s_world.last = NULL;        /* those that become runnable now wait a turn, or two could starve the loop */
    while (task) {
        cf_task_t *next = task->next;
        s_enter (task);
        task = next;
    }
}

static void
s_make_context (cf_task_t *self)
{
    getcontext (&self->here);
    self->here.uc_stack.ss_sp = (char *) self->stack + sysconf (_SC_PAGESIZE);
    self->here.uc_stack.ss_size = CF_TASK_STACK_BYTES;
    self->here.uc_link = NULL;
    uintptr_t number = (uintptr_t) self;
    makecontext (&self->here, (void (*) (void)) s_main, 2, (unsigned) (number >> 32), (unsigned) number);
}

cf_task_t *
cf_task_start (cf_loop_t *loop, cf_task_fn *fn, void *arg, const cf_task_context_t *context)
{
    cf_task_t *self = calloc (1, sizeof *self);
    if (!self || cf_loop_add_hook (loop, s_run_runnable, NULL) || !(self->stack = s_take_stack ())) {
        free (self);
        return NULL;
    }
    self->loop = loop;
    self->fn = fn;
    self->arg = arg;
    if (context)
        self->context = *context;
    s_make_context (self);
    DL_APPEND2 (s_world.alive, self, alive_prev, alive_next);
    s_world.count++;
    if (s_world.current)
        s_push_runnable (self);
    else
        s_enter (self);
    return self;
}

void
cf_task_wake (cf_task_t *self)
{
    if (self->state != WAITING)
        return;
    if (s_world.current)
        s_push_runnable (self);
    else
        s_enter (self);
}

static void
s_on_timer (void *arg)
{
    cf_task_t *self = arg;
    uint64_t now_us = cf_clock_us ();
    if (self->limit_us && now_us >= self->limit_us && self->cancelled == CF_OK)
        self->cancelled = CF_ERROR_TIMEOUT;
    cf_task_wake (self);
}

/*  Arms the one timer for whichever comes first, the limit or the end of a sleep. */
static void
s_arm (cf_task_t *self)
{
    uint64_t due_us = self->limit_us && !self->shields && self->cancelled == CF_OK? self->limit_us: 0;
    if (self->sleeping && (!due_us || self->sleep_us < due_us))
        due_us = self->sleep_us;
    if (!due_us) {
        cf_timer_clear (self->loop, &self->timer);
        return;
    }
    uint64_t now_us = cf_clock_us ();
    cf_timer_set (self->loop, &self->timer, due_us > now_us? (due_us - now_us + 999u) / 1000u: 0, s_on_timer, self);
}

/*  Whether the task must unwind, with why in error. */
static int
s_check (cf_task_t *self, cf_error_t *error)
{
    if (self->shields && !s_world.ending)
        return 0;
    if (self->limit_us && self->cancelled == CF_OK && cf_clock_us () >= self->limit_us)
        self->cancelled = CF_ERROR_TIMEOUT;
    if (self->cancelled == CF_OK)
        return 0;
    return cf_error_set (error, self->cancelled, "%s", cf_error_sentence (self->cancelled));
}

int
cf_task_wait_status (cf_task_t *self, cf_error_t *error)
{
    return s_check (self, error);
}

int
cf_task_wait (cf_task_t *self, cf_error_t *error)
{
    if (s_check (self, error))
        return -1;
    self->state = WAITING;
    s_arm (self);
    s_leave (self, false);
    return s_check (self, error);
}

void
cf_task_cancel (cf_task_t *self, cf_error_code_t code)
{
    if (self->cancelled == CF_OK)
        self->cancelled = code;
    if ((!self->shields || s_world.ending) && self->state == WAITING)
        s_push_runnable (self);
}

void
cf_task_cancel_each (cf_error_code_t code)
{
    cf_task_t *task;
    DL_FOREACH2 (s_world.alive, task, alive_next)
        cf_task_cancel (task, code);
}

void
cf_task_cancel_all (cf_error_code_t code)
{
    s_world.ending = true;
    cf_task_cancel_each (code);
}

void
cf_task_limit (cf_task_t *self, uint64_t timeout_ms)
{
    self->limit_us = timeout_ms? cf_clock_us () + timeout_ms * 1000u: 0;
    if (self->state == WAITING)
        s_arm (self);
}

uint64_t
cf_task_left_ms (cf_task_t *self, uint64_t most_ms)
{
    if (!self->limit_us)
        return most_ms;
    uint64_t now_us = cf_clock_us ();
    uint64_t left_ms = self->limit_us > now_us? (self->limit_us - now_us) / 1000u: 0;
    return left_ms < most_ms? left_ms: most_ms;
}

void
cf_task_shield (cf_task_t *self, bool on)
{
    self->shields += on? 1: -1;
}

int
cf_task_sleep (cf_task_t *self, uint64_t ms, cf_error_t *error)
{
    self->sleeping = true;
    self->sleep_us = cf_clock_us () + ms * 1000u;
    int rc;
    do
        rc = cf_task_wait (self, error);
    while (rc == 0 && cf_clock_us () < self->sleep_us);
    self->sleeping = false;
    return rc;
}
