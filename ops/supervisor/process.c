/* SPDX-License-Identifier: MPL-2.0 */
/*  process - what happens in which state stands in one table; each cell is one short function */

#include "ops/supervisor/process.h"
#include "ops/supervisor/child.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/restart.h"
#include "proto/base/clock.h"
#include "proto/base/json.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CF_PROCESS_SETTINGS_BYTES 65536
#define CF_PROCESS_ANNOUNCEMENT 256     /* bytes of the line that says ready */

typedef enum { START, ANNOUNCED, ENDED, LATE, STOP, RESTART, EVENTS } event_t;

struct cf_process_t {
    cf_loop_t *loop;
    cf_logbook_t *book;
    cf_plan_row_t row;
    char *const *argv;
    int stop_signal;
    const cf_process_hooks_t *hooks;
    void *arg;

    cf_process_state_t state;
    cf_child_t child;                   /* pid 0: none runs */
    cf_logbook_tap_t *tap;
    cf_timer_t timer;                   /* STARTING, STOPPING: patience; BACKOFF: the next start */
    char announcement [CF_PROCESS_ANNOUNCEMENT];
    size_t announced;                   /* bytes of it */
    bool again;                         /* STOPPING: to be started when it has ended */
    const char *killed_for;             /* why we killed it, NULL: we did not */
    int status;                         /* of the last end */
    uint64_t started_ms;
    cf_restart_t restart;
    unsigned starts;
    char fault [640];
};

static void s_happen (cf_process_t *self, event_t event);

static void
s_enter (cf_process_t *self, cf_process_state_t state)
{
    self->state = state;
    self->hooks->on_change (self->arg, self);
}

static void
s_on_timer (void *arg)
{
    s_happen (arg, LATE);
}

static void
s_wait (cf_process_t *self, uint64_t ms)
{
    cf_timer_set (self->loop, &self->timer, ms, s_on_timer, self);
}

/* ---- the child's descriptors ---- */

static void
s_forget_announcement (cf_process_t *self)
{
    if (self->child.ready >= 0) {
        cf_loop_unwatch (self->loop, self->child.ready);
        close (self->child.ready);
        self->child.ready = -1;
    }
}

static void
s_on_announcement (void *arg, uint32_t events)
{
    (void) events;
    cf_process_t *self = arg;
    ssize_t size = read (self->child.ready, self->announcement + self->announced, sizeof self->announcement - 1 - self->announced);
    self->announced += size > 0? (size_t) size: 0;
    self->announcement [self->announced] = 0;
    char *end = strchr (self->announcement, '\n');
    bool full = self->announced == sizeof self->announcement - 1;
    if (!end && !full && size != 0)
        return;
    s_forget_announcement (self);       /* the line is there, or it never will be: then the timer decides */
    if (end) {
        *end = 0;
        s_happen (self, ANNOUNCED);
    }
}

/*  What the program itself said last: a complaint on its stderr, or a log line of an error. */
static void
s_add_last_words (cf_process_t *self, const char *last)
{
    size_t length = strlen (self->fault);
    cf_json_t *line = *last == '{'? cf_json_parse (last, strlen (last), NULL): NULL;
    if (line)
        last = strcmp (cf_json_str (line, "level", ""), "error") == 0? cf_json_str (line, "text", ""): "";
    if (*last && self->status)
        snprintf (self->fault + length, sizeof self->fault - length, ": %s", last);
    json_decref (line);
}

static void
s_on_end (void *arg, uint32_t events)
{
    (void) events;
    cf_process_t *self = arg;
    pid_t pid = self->child.pid;
    self->status = cf_child_reap (&self->child);
    cf_loop_unwatch (self->loop, self->child.pidfd);
    close (self->child.pidfd);
    s_forget_announcement (self);
    cf_logbook_tap_t *tap = self->tap;
    self->tap = NULL;
    self->child.pid = 0;
    if (self->state == CF_PROCESS_STOPPING)     /* as it was told to */
        self->fault [0] = 0;
    else {
        snprintf (self->fault, sizeof self->fault, "%s", self->killed_for? self->killed_for: cf_child_end (self->status));
        s_add_last_words (self, cf_logbook_tap_last (tap));
    }
    cf_logbook_tap_destroy (&tap);
    self->killed_for = NULL;
    self->hooks->on_end (self->arg, self, pid);
    s_happen (self, ENDED);
}

/* ---- the cells ---- */

static void
s_nothing (cf_process_t *self)
{
    (void) self;
}

static void
s_died (cf_process_t *self)
{
    uint64_t now_ms = cf_clock_ms ();
    cf_timer_clear (self->loop, &self->timer);
    bool hopeless = WIFEXITED (self->status) && WEXITSTATUS (self->status) == CF_EXIT_SETTINGS;
    int64_t wait_ms = hopeless? -1: cf_restart_next (&self->restart, now_ms, now_ms - self->started_ms);
    if (wait_ms < 0) {
        cf_log_error ("%s %s; it is not started again until `codeforge restart %s`", self->row.name, self->fault, self->row.name);
        s_enter (self, CF_PROCESS_FAILED);
        return;
    }
    cf_log_warning ("%s %s; starting it again %s", self->row.name, self->fault, wait_ms? "after a pause": "at once");
    s_enter (self, CF_PROCESS_BACKOFF);
    s_wait (self, (uint64_t) wait_ms);
}

static int
s_spawn (cf_process_t *self, cf_error_t *error)
{
    cf_buf_t settings;
    cf_buf_init (&settings, CF_PROCESS_SETTINGS_BYTES);
    bool ours = self->hooks->settings && self->hooks->settings (self->arg, self, &settings) == 0;
    cf_child_spec_t spec = { .argv = self->argv, .instance = self->row.instance, .settings = ours? &settings: NULL, .announces = ours };
    int result = cf_child_spawn (&self->child, &spec, error);
    explicit_bzero (settings.bytes, settings.size);
    cf_buf_free (&settings);
    return result;
}

static void
s_begin (cf_process_t *self)
{
    cf_error_t error = { 0 };
    self->started_ms = cf_clock_ms ();
    self->announced = 0;
    self->announcement [0] = 0;
    self->again = false;
    self->starts++;
    if (s_spawn (self, &error)) {
        self->child.pid = 0;
        self->status = 0;
        snprintf (self->fault, sizeof self->fault, "could not be started: %s", error.text);
        s_died (self);
        return;
    }
    self->tap = cf_logbook_tap (self->book, self->loop, self->row.name, self->child.log);
    cf_loop_watch (self->loop, self->child.pidfd, EPOLLIN, s_on_end, self);
    if (self->child.ready >= 0)
        cf_loop_watch (self->loop, self->child.ready, EPOLLIN, s_on_announcement, self);
    s_wait (self, CF_PROCESS_START_MS);
    s_enter (self, CF_PROCESS_STARTING);
    if (self->child.ready < 0)
        self->hooks->on_started (self->arg, self);
}

static void
s_serves (cf_process_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    cf_log_debug ("%s is ready after %llu ms (pid %ld)", self->row.name,
                  (unsigned long long) (cf_clock_ms () - self->started_ms), (long) self->child.pid);
    self->hooks->on_ready (self->arg, self, self->announcement);
    s_enter (self, CF_PROCESS_READY);
}

static void
s_too_slow (cf_process_t *self)
{
    cf_process_kill (self, "was not ready in time");
}

static void
s_force (cf_process_t *self)
{
    cf_log_warning ("%s did not stop in time and is killed", self->row.name);
    cf_process_kill (self, "did not stop in time");
}

static void
s_end (cf_process_t *self)
{
    /* a stopped process would not notice; first, since it takes back a SIGSTOP on its way: that of LeakSanitizer's tracer at the end */
    kill (self->child.pid, SIGCONT);
    kill (self->child.pid, self->stop_signal);
    s_wait (self, CF_PROCESS_STOP_MS);
    s_enter (self, CF_PROCESS_STOPPING);
}

static void
s_end_for_good (cf_process_t *self)
{
    self->again = false;
    if (self->state != CF_PROCESS_STOPPING)
        s_end (self);
}

static void
s_end_and_begin (cf_process_t *self)
{
    self->restart = (cf_restart_t) { 0 };
    self->again = true;
    if (self->state != CF_PROCESS_STOPPING)
        s_end (self);
}

static void
s_stopped (cf_process_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    if (self->again)
        s_begin (self);
    else
        s_enter (self, CF_PROCESS_DOWN);
}

static void
s_give_up (cf_process_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    s_enter (self, CF_PROCESS_DOWN);
}

static void
s_begin_afresh (cf_process_t *self)
{
    cf_timer_clear (self->loop, &self->timer);
    self->restart = (cf_restart_t) { 0 };
    s_begin (self);
}

typedef void (cell_fn) (cf_process_t *self);

static cell_fn *const s_cells [CF_PROCESS_STATES] [EVENTS] = {
    /*                         START       ANNOUNCED   ENDED       LATE        STOP            RESTART          */
    [CF_PROCESS_DOWN]     = { s_begin,    s_nothing,  s_nothing,  s_nothing,  s_nothing,      s_begin_afresh  },
    [CF_PROCESS_STARTING] = { s_nothing,  s_serves,   s_died,     s_too_slow, s_end_for_good, s_end_and_begin },
    [CF_PROCESS_READY]    = { s_nothing,  s_nothing,  s_died,     s_nothing,  s_end_for_good, s_end_and_begin },
    [CF_PROCESS_BACKOFF]  = { s_nothing,  s_nothing,  s_nothing,  s_begin,    s_give_up,      s_begin_afresh  },
    [CF_PROCESS_FAILED]   = { s_nothing,  s_nothing,  s_nothing,  s_nothing,  s_give_up,      s_begin_afresh  },
    [CF_PROCESS_STOPPING] = { s_nothing,  s_nothing,  s_stopped,  s_force,    s_end_for_good, s_end_and_begin },
};

static void
s_happen (cf_process_t *self, event_t event)
{
    s_cells [self->state] [event] (self);
}

/* ---- what the owner sees ---- */

cf_process_t *
cf_process_new (cf_loop_t *loop, cf_logbook_t *book, const cf_plan_row_t *row, char *const *argv, int stop_signal,
                const cf_process_hooks_t *hooks, void *arg)
{
    cf_process_t *self = calloc (1, sizeof *self);
    if (self) {
        *self = (cf_process_t) {
            .loop = loop, .book = book, .row = *row, .argv = argv, .stop_signal = stop_signal, .hooks = hooks, .arg = arg
        };
        self->child = (cf_child_t) { .pidfd = -1, .log = -1, .ready = -1 };
    }
    return self;
}

void
cf_process_destroy (cf_process_t **self_p)
{
    cf_process_t *self = *self_p;
    if (!self)
        return;
    cf_timer_clear (self->loop, &self->timer);
    if (self->child.pid) {
        kill (self->child.pid, SIGKILL);
        cf_child_reap (&self->child);
        cf_loop_unwatch (self->loop, self->child.pidfd);
        close (self->child.pidfd);
        s_forget_announcement (self);
    }
    cf_logbook_tap_destroy (&self->tap);
    free (self);
    *self_p = NULL;
}

void
cf_process_start (cf_process_t *self)
{
    s_happen (self, START);
}

void
cf_process_ready (cf_process_t *self)
{
    s_happen (self, ANNOUNCED);
}

void
cf_process_stop (cf_process_t *self)
{
    s_happen (self, STOP);
}

void
cf_process_restart (cf_process_t *self)
{
    s_happen (self, RESTART);
}

void
cf_process_kill (cf_process_t *self, const char *why)
{
    if (!self->child.pid)
        return;
    self->killed_for = why;
    kill (self->child.pid, SIGKILL);
}

const cf_plan_row_t *
cf_process_row (const cf_process_t *self)
{
    return &self->row;
}

cf_process_state_t
cf_process_state (const cf_process_t *self)
{
    return self->state;
}

const char *
cf_process_state_name (cf_process_state_t state)
{
    static const char *const names [CF_PROCESS_STATES] = { "down", "starting", "ready", "backoff", "failed", "stopping" };
    return names [state];
}

pid_t
cf_process_pid (const cf_process_t *self)
{
    return self->child.pid;
}

unsigned
cf_process_restarts (const cf_process_t *self)
{
    return self->starts? self->starts - 1: 0;
}

uint64_t
cf_process_uptime_ms (const cf_process_t *self)
{
    return self->child.pid? cf_clock_ms () - self->started_ms: 0;
}

uint64_t
cf_process_rss_kb (const cf_process_t *self)
{
    char path [40];
    unsigned long long total, resident = 0;
    snprintf (path, sizeof path, "/proc/%ld/statm", (long) self->child.pid);
    FILE *file = self->child.pid? fopen (path, "re"): NULL;
    if (!file)
        return 0;
    if (fscanf (file, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose (file);
    return resident * (unsigned long long) sysconf (_SC_PAGESIZE) / 1024;
}

const char *
cf_process_fault (const cf_process_t *self)
{
    return self->fault;
}
