/* SPDX-License-Identifier: MPL-2.0 */
/*  actor - signals through a descriptor, one loop, one link */

#include "actors/lib/actor.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CF_ACTOR_DRAIN_MS 5000
#define CF_ACTOR_REST_MS 5000           /* how often it is looked whether there is anything to do */
#define CF_ACTOR_BUSY_TURNS 1000        /* of the loop in that time: there was much */
#define CF_ACTOR_UNWIND_MS 500          /* of that, for those who did not end by themselves */

struct cf_actor_t {
    cf_loop_t *loop;
    cf_link_t *link;
    int signals;
    cf_loop_fn *stop_fn;
    void *stop_arg;
    cf_loop_fn *end_fn;
    void *end_arg;
    cf_timer_t rest;
    uint64_t turns;                     /* of the loop, at the last look */
    bool strained;                      /* there was much to do, and its memory is still ours */
    bool stopping;
    int exit_code;
};

unsigned
cf_actor_instance (void)
{
    const char *text = getenv ("CF_INSTANCE");
    int number = text? atoi (text): 1;
    return number > 0? (unsigned) number: 1;
}

void
cf_actor_notify_ready (const char *text)
{
    const char *fd = getenv ("CF_READY_FD");
    if (!fd)
        return;
    char line [64];
    int size = snprintf (line, sizeof line, "%s\n", text);
    if (write (atoi (fd), line, (size_t) size) < 0)
        cf_log_warning ("nobody hears that we are ready");
    close (atoi (fd));
    unsetenv ("CF_READY_FD");
}

static void
s_on_signal (void *arg, uint32_t events)
{
    (void) events;
    cf_actor_t *self = arg;
    struct signalfd_siginfo got;
    if (read (self->signals, &got, sizeof got) == sizeof got)
        cf_actor_stop (self, EXIT_SUCCESS);
}

static int
s_watch_signals (cf_actor_t *self)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigprocmask (SIG_BLOCK, &set, NULL);
    signal (SIGPIPE, SIG_IGN);
    self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals < 0? -1: cf_loop_watch (self->loop, self->signals, EPOLLIN, s_on_signal, self);
}

/*  What a rush needed goes back to the system once it is over: the allocator would keep most of it for ever. It takes milliseconds, so
    only when there is nothing to do. */
static void
s_on_rest (void *arg)
{
    cf_actor_t *self = arg;
    uint64_t turns = cf_loop_turns (self->loop) - self->turns;
    self->turns += turns;
    if (turns >= CF_ACTOR_BUSY_TURNS)
        self->strained = true;
    else if (self->strained && !cf_task_count ()) {
        cf_task_free_pool ();
        malloc_trim (0);
        self->strained = false;
    }
    cf_timer_set (self->loop, &self->rest, CF_ACTOR_REST_MS, s_on_rest, self);
}

cf_actor_t *
cf_actor_new (cf_actor_id_t id, const cf_handler_t *handlers, size_t count, void *owner)
{
    const cf_actor_row_t *row = cf_message_actor (id);
    cf_config_load_or_exit ();
    char process [CF_ENVELOPE_NAME_SIZE];
    snprintf (process, sizeof process, "%s.%u", row->name, cf_actor_instance ());
    cf_log_init (process);
    cf_error_t error = { 0 };
    cf_actor_t *self = calloc (1, sizeof *self);
    if (!self || !(self->loop = cf_loop_new ()) || s_watch_signals (self)
        || !(self->link = cf_link_new (self->loop, row->name, cf_actor_instance (), row->credit, &error))) {
        cf_log_error ("cannot start: %s", *error.text? error.text: "no memory or descriptors left");
        exit (EXIT_FAILURE);
    }
    cf_serve (id, handlers, count, owner);
    s_on_rest (self);
    return self;
}

cf_loop_t *
cf_actor_loop (cf_actor_t *self)
{
    return self->loop;
}

static void
s_on_ready (void *arg)
{
    (void) arg;
    cf_actor_notify_ready ("");
    cf_log_debug ("ready");
}

void
cf_actor_ready (cf_actor_t *self)
{
    cf_link_ready (self->link, s_on_ready, self);
}

void
cf_actor_on_stop (cf_actor_t *self, cf_loop_fn *fn, void *owner)
{
    self->stop_fn = fn;
    self->stop_arg = owner;
}

void
cf_actor_on_end (cf_actor_t *self, cf_loop_fn *fn, void *owner)
{
    self->end_fn = fn;
    self->end_arg = owner;
}

void
cf_actor_stop (cf_actor_t *self, int exit_code)
{
    if (!self->stopping)
        self->exit_code = exit_code;
    self->stopping = true;
    cf_loop_stop (self->loop);
}

/*  Turns until every task has ended or the time is up; then cancels what is left and lets it unwind, at first with what it has
    shielded. */
static void
s_drain (cf_actor_t *self)
{
    cf_link_bye (self->link);
    if (self->stop_fn)
        self->stop_fn (self->stop_arg);
    uint64_t due_ms = cf_clock_ms () + CF_ACTOR_DRAIN_MS;
    while (cf_task_count () && cf_clock_ms () + CF_ACTOR_UNWIND_MS < due_ms)
        cf_loop_turn (self->loop, 100);
    cf_task_cancel_each (CF_ERROR_ACTOR_GONE);
    while (cf_task_count () && cf_clock_ms () < due_ms)
        cf_loop_turn (self->loop, 10);
    cf_task_cancel_all (CF_ERROR_ACTOR_GONE);
    for (int turns = 0; cf_task_count () && turns < 100; turns++)
        cf_loop_turn (self->loop, 10);
    if (cf_task_count ())
        cf_log_warning ("%zu tasks did not end", cf_task_count ());
}

int
cf_actor_run (cf_actor_t **self_p)
{
    cf_actor_t *self = *self_p;
    cf_loop_run (self->loop);
    s_drain (self);
    int exit_code = self->exit_code;
    cf_timer_clear (self->loop, &self->rest);
    if (self->end_fn)
        self->end_fn (self->end_arg);
    cf_serve_free ();
    cf_link_destroy (&self->link);
    cf_task_free_pool ();
    cf_loop_unwatch (self->loop, self->signals);
    close (self->signals);
    cf_loop_destroy (&self->loop);
    free (self);
    *self_p = NULL;
    return exit_code;
}
