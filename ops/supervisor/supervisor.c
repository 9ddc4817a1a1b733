/* SPDX-License-Identifier: MPL-2.0 */
/*  supervisor - one loop; what is to be done next is asked at the end of each turn (s_advance), from the states alone */

#include "ops/supervisor/supervisor.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/database.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/home.h"
#include "ops/supervisor/logbook.h"
#include "ops/supervisor/notify.h"
#include "ops/supervisor/plan.h"
#include "ops/supervisor/process.h"
#include "ops/supervisor/providers.h"
#include "ops/supervisor/token.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "proto/message.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { FOUNDATION, ACTORS, EDGES, RUNNING, STOPPING } phase_t;

typedef struct {
    char path [PATH_MAX];
    char *argv [2];
} program_t;

typedef struct {
    cf_loop_t *loop;
    cf_logbook_t *book;
    cf_control_t *control;
    cf_notify_t *notify;                /* NULL until the broker is up for the first time */
    cf_database_t *database;
    int signals, lock;
    phase_t phase;
    cf_wave_t stopping;                 /* STOPPING: the wave that is being stopped */
    bool simulated, database_open, killed;
    uint64_t begun_ms;
    cf_plan_t plan;
    program_t programs [CF_PLAN_MAX];
    cf_process_t *processes [CF_PLAN_MAX];      /* as plan.rows */
    cf_supervisor_report_fn *report;    /* NULL once it was told */
    void *report_arg;
    int status;                         /* how we end */
} supervisor_t;

static void
s_report (supervisor_t *self, int status, const char *sentence)
{
    if (self->report)
        self->report (self->report_arg, status, sentence);
    self->report = NULL;
}

/* ---- the end ---- */

static void
s_stop_wave (supervisor_t *self)
{
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->plan.rows [at].wave == self->stopping && self->processes [at])
            cf_process_stop (self->processes [at]);
}

static void
s_stop (supervisor_t *self)
{
    if (self->phase == STOPPING)
        return;
    cf_log_info ("stopping");
    self->phase = STOPPING;
    self->stopping = CF_WAVE_EDGE;
    if (self->database)
        cf_database_cancel (self->database);
    s_stop_wave (self);
}

static void
s_kill_all (supervisor_t *self)
{
    cf_log_warning ("told to stop a second time: killing what still runs");
    self->killed = true;
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->processes [at])
            cf_process_kill (self->processes [at], "killed");
}

/*  The start cannot succeed: says why and ends what runs. */
static void
s_give_up (supervisor_t *self, int status, const char *sentence)
{
    if (self->phase == STOPPING)
        return;
    cf_log_error ("%s", sentence);
    self->status = status;
    s_report (self, status, sentence);
    s_stop (self);
}

static void
s_on_signal (void *arg, uint32_t events)
{
    (void) events;
    supervisor_t *self = arg;
    struct signalfd_siginfo got;
    if (read (self->signals, &got, sizeof got) != sizeof got)
        return;
    if (self->phase == STOPPING && !self->killed)
        s_kill_all (self);
    else
        s_stop (self);
}

/* ---- what it shows ---- */

static bool
s_wave_is (const supervisor_t *self, cf_wave_t wave, bool failed_too)
{
    for (size_t at = 0; at < self->plan.count; at++) {
        if (self->plan.rows [at].wave != wave)
            continue;
        cf_process_state_t state = self->processes [at]? cf_process_state (self->processes [at]): CF_PROCESS_DOWN;
        if (state != CF_PROCESS_READY && !(failed_too && state == CF_PROCESS_FAILED))
            return false;
    }
    return true;
}

static const char *
s_health (const supervisor_t *self)
{
    if (self->phase == STOPPING)
        return "stopping";
    if (self->phase != RUNNING)
        return "starting";
    for (cf_wave_t wave = 0; wave < CF_WAVE_COUNT; wave++)
        if (!s_wave_is (self, wave, false))
            return "degraded";
    return "healthy";
}

/*  Where people reach the API: an address to bind to is not always one to connect to. */
static void
s_api (char *url, size_t size)
{
    const char *host = cf_config_str (CF_CONFIG_BIND_ADDRESS);
    snprintf (url, size, "http%s://%s:%u", cf_config_is_set (CF_CONFIG_TLS_CERT)? "s": "", strcmp (host, "0.0.0.0")? host: "127.0.0.1", (unsigned) cf_config_u64 (CF_CONFIG_PORT));
}

static cf_json_t *
s_status (const supervisor_t *self)
{
    char api [64];
    s_api (api, sizeof api);
    cf_json_t *processes = json_array ();
    for (size_t at = 0; at < self->plan.count; at++) {
        const cf_process_t *process = self->processes [at];
        const cf_plan_row_t *row = &self->plan.rows [at];
        cf_process_state_t state = process? cf_process_state (process): CF_PROCESS_DOWN;
        json_array_append_new (processes, json_pack ("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:s*}", "name", row->name,
            "service", row->service, "pid", (json_int_t) (process? cf_process_pid (process): 0),
            "state", cf_process_state_name (state),
            "restarts", (json_int_t) (process? cf_process_restarts (process): 0),
            "uptime_s", (json_int_t) (process? cf_process_uptime_ms (process) / 1000: 0),
            "rss_kb", (json_int_t) (process? cf_process_rss_kb (process): 0),
            "fault", process && *cf_process_fault (process)? cf_process_fault (process): NULL));
    }
    return json_pack ("{s:o, s:s, s:b, s:s, s:s, s:s, s:I}", "processes", processes, "status", s_health (self),
                      "simulated", self->simulated, "api", api, "certificate", cf_config_str (CF_CONFIG_TLS_CERT),
                      "home", cf_config_home (""), "pid", (json_int_t) getpid ());
}

/*  Names of the processes that are not ready, for a sentence. */
static void
s_name_failed (const supervisor_t *self, cf_buf_t *out)
{
    for (size_t at = 0; at < self->plan.count; at++) {
        const cf_process_t *process = self->processes [at];
        if (process && cf_process_state (process) != CF_PROCESS_READY)
            cf_buf_printf (out, "%s%s (%s)", out->size? ", ": "", self->plan.rows [at].name, cf_process_fault (process));
    }
}

static void
s_announce (supervisor_t *self)
{
    char api [64];
    cf_buf_t text, failed;
    cf_buf_init (&text, 65536);
    cf_buf_init (&failed, 32768);
    s_api (api, sizeof api);
    s_name_failed (self, &failed);
    uint64_t took_ms = cf_clock_ms () - self->begun_ms;
    cf_buf_printf (&text, "CodeForge " CF_VERSION " is ready: %zu processes in %u.%02u s\n", self->plan.count,
                   (unsigned) (took_ms / 1000), (unsigned) (took_ms % 1000 / 10));
    cf_buf_printf (&text, "  API       %s\n", api);
    cf_buf_printf (&text, "  models    %s\n", self->simulated
                   ? "simulated (no provider's key is set: answers are made up by rules, not by a model)"
                   : "the configured providers");
    cf_buf_printf (&text, "  database  %s\n", cf_database_is_private (self->database)? "private PostgreSQL": "DATABASE_URL");
    cf_buf_printf (&text, "  state     %s\n", cf_config_home (""));
    if (failed.size)
        cf_buf_printf (&text, "  DEGRADED  %s\n", failed.bytes);
    cf_log_info ("ready after %u ms%s%s", (unsigned) took_ms, failed.size? ", degraded: ": "", failed.bytes);
    s_report (self, failed.size? CF_EXIT_FAILED: CF_EXIT_OK, text.bytes);
    cf_json_t *status = s_status (self);
    cf_control_release (self->control, status);
    json_decref (status);
    cf_buf_free (&text);
    cf_buf_free (&failed);
}

/* ---- what processes ask and tell ---- */

static int
s_settings (void *arg, const cf_process_t *process, cf_buf_t *out)
{
    (void) arg;
    return cf_config_export (cf_process_row (process)->secrets, out);
}

/*  The simulator says "port=N": there the models live from now on, and there it must come back. */
static void
s_on_simulator (supervisor_t *self, const char *announcement)
{
    if (strncmp (announcement, "port=", 5) || cf_config_set (CF_CONFIG_SIMULATOR_PORT, announcement + 5))
        s_give_up (self, CF_EXIT_SOFTWARE, "the provider simulator does not say where it listens.");
    else
        cf_providers_simulate (cf_config_str (CF_CONFIG_SIMULATOR_PORT));
}

static void
s_on_ready (void *arg, cf_process_t *process, const char *announcement)
{
    if (strcmp (cf_process_row (process)->service, cf_message_actor (CF_ACTOR_SIMULATOR)->name) == 0)
        s_on_simulator (arg, announcement);
}

static void
s_on_end (void *arg, cf_process_t *process, pid_t pid)
{
    supervisor_t *self = arg;
    if (self->notify)
        cf_notify_gone (self->notify, cf_process_row (process)->name, pid);
}

static void
s_on_change (void *arg, cf_process_t *process)
{
    supervisor_t *self = arg;
    if (self->notify)
        cf_notify_state (self->notify, cf_process_row (process)->name, cf_process_state (process) == CF_PROCESS_READY);
    cf_loop_kick (self->loop);          /* s_advance looks at it at the end of this turn, or of the next */
}

static const cf_process_hooks_t s_hooks = {
    .settings = s_settings, .on_ready = s_on_ready, .on_end = s_on_end, .on_change = s_on_change
};

/* ---- the bus ---- */

static void
s_on_lost (void *arg, const char *name, pid_t pid)
{
    supervisor_t *self = arg;
    for (size_t at = 0; at < self->plan.count; at++) {
        cf_process_t *process = self->processes [at];
        if (process && cf_process_pid (process) == pid && strcmp (self->plan.rows [at].name, name) == 0
            && cf_process_state (process) == CF_PROCESS_READY)
            cf_process_kill (process, "lived, but no longer answered (deaf)");
    }
}

static void
s_on_joined (void *arg)
{
    supervisor_t *self = arg;
    for (size_t at = 0; at < self->plan.count && self->notify; at++)
        if (self->processes [at])
            cf_notify_state (self->notify, self->plan.rows [at].name,
                             cf_process_state (self->processes [at]) == CF_PROCESS_READY);
}

/* ---- the database ---- */

static void
s_on_database_failed (supervisor_t *self, const cf_error_t *error)
{
    char sentence [700];
    bool private = cf_database_is_private (self->database);
    snprintf (sentence, sizeof sentence, "%s: %s%s", private? "the private database": "the database of DATABASE_URL", error->text,
              !private && error->code == CF_ERROR_DATABASE_DOWN? " Start it, or correct DATABASE_URL.": "");
    s_give_up (self, !private && error->code == CF_ERROR_INVALID? CF_EXIT_SETTINGS: CF_EXIT_UNAVAILABLE, sentence);
}

static void
s_on_database_open (void *arg, const cf_error_t *error)
{
    supervisor_t *self = arg;
    if (error->code) {
        s_on_database_failed (self, error);
        return;
    }
    if (cf_database_is_private (self->database)) {
        cf_config_set (CF_CONFIG_DATABASE_URL, cf_database_url (self->database));
        cf_process_ready (self->processes [0]);
    }
    self->database_open = true;
    cf_loop_kick (self->loop);
}

static void
s_on_database_back (void *arg, const cf_error_t *error)
{
    supervisor_t *self = arg;
    if (error->code)
        cf_process_kill (self->processes [0], "did not accept connections in time");
    else
        cf_process_ready (self->processes [0]);
}

static void
s_on_database_started (void *arg, cf_process_t *process)
{
    (void) process;
    supervisor_t *self = arg;
    if (self->database_open)
        cf_database_await (self->database, s_on_database_back, self);
    else
        cf_database_open (self->database, s_on_database_open, self);
}

static void
s_on_database_end (void *arg, cf_process_t *process, pid_t pid)
{
    (void) process;
    (void) pid;
    supervisor_t *self = arg;
    cf_database_cancel (self->database);
}

static const cf_process_hooks_t s_database_hooks = {
    .on_started = s_on_database_started, .on_end = s_on_database_end, .on_ready = s_on_ready, .on_change = s_on_change
};

static void
s_on_database_prepared (void *arg, const cf_error_t *error)
{
    supervisor_t *self = arg;
    if (error->code) {
        s_on_database_failed (self, error);
        return;
    }
    self->processes [0] = cf_process_new (self->loop, self->book, &self->plan.rows [0], cf_database_argv (self->database),
                                          cf_database_stop_signal (self->database), &s_database_hooks, self);
    if (self->processes [0])
        cf_process_start (self->processes [0]);
    else
        s_give_up (self, CF_EXIT_SOFTWARE, "out of memory.");
}

/* ---- the start, and the stop, wave by wave ---- */

static void
s_start_wave (supervisor_t *self, cf_wave_t wave)
{
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->plan.rows [at].wave == wave && self->processes [at])
            cf_process_start (self->processes [at]);
}

/*  Without one of the foundation nothing else can work: its failure ends the start, an actor's only degrades it. */
static void
s_check_foundation (supervisor_t *self)
{
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->plan.rows [at].wave <= CF_WAVE_BUS && self->processes [at]
            && cf_process_state (self->processes [at]) == CF_PROCESS_FAILED) {
            char sentence [800];
            snprintf (sentence, sizeof sentence, "%s %s.", self->plan.rows [at].name, cf_process_fault (self->processes [at]));
            s_give_up (self, CF_EXIT_UNAVAILABLE, sentence);
            return;
        }
}

static void
s_join (supervisor_t *self)
{
    cf_error_t error = { 0 };
    self->notify = cf_notify_new (self->loop, s_on_lost, s_on_joined, self, &error);
    if (!self->notify)
        s_give_up (self, CF_EXIT_SOFTWARE, error.text);
}

static void
s_advance_stop (supervisor_t *self)
{
    for (;;) {
        for (size_t at = 0; at < self->plan.count; at++)
            if (self->plan.rows [at].wave == self->stopping && self->processes [at]
                && cf_process_state (self->processes [at]) != CF_PROCESS_DOWN)
                return;
        if (self->stopping == CF_WAVE_DATABASE) {
            cf_loop_stop (self->loop);
            return;
        }
        self->stopping--;
        s_stop_wave (self);
    }
}

/*  Hook of the loop: makes the next step where its condition has come true. */
static void
s_advance (void *arg)
{
    supervisor_t *self = arg;
    if (self->phase == FOUNDATION)
        s_check_foundation (self);
    if (self->phase == FOUNDATION && self->database_open && s_wave_is (self, CF_WAVE_BUS, false)
        && s_wave_is (self, CF_WAVE_DATABASE, false)) {
        self->phase = ACTORS;
        s_join (self);
        s_start_wave (self, CF_WAVE_ACTORS);
        s_start_wave (self, CF_WAVE_AGENTS);
    }
    if (self->phase == ACTORS && s_wave_is (self, CF_WAVE_ACTORS, true) && s_wave_is (self, CF_WAVE_AGENTS, true)) {
        self->phase = EDGES;
        s_start_wave (self, CF_WAVE_EDGE);
    }
    if (self->phase == EDGES && s_wave_is (self, CF_WAVE_EDGE, true)) {
        self->phase = RUNNING;
        s_announce (self);
    }
    if (self->phase == STOPPING)
        s_advance_stop (self);
}

/* ---- commands ---- */

/*  name: of a process, or of a service for all its processes. */
static cf_json_t *
s_restart (supervisor_t *self, const char *name)
{
    int count = 0;
    if (self->phase == STOPPING)
        return json_pack ("{s:s}", "error", "CodeForge is stopping.");
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->processes [at] && (strcmp (self->plan.rows [at].name, name) == 0 || strcmp (self->plan.rows [at].service, name) == 0)) {
            cf_process_restart (self->processes [at]);
            count++;
        }
    return count? json_pack ("{s:i}", "count", count): json_pack ("{s:s}", "error", "no process has that name; see `codeforge ps`.");
}

static cf_json_t *
s_on_request (void *arg, const cf_json_t *request)
{
    supervisor_t *self = arg;
    const char *command = cf_json_str (request, "command", "");
    if (strcmp (command, "status") == 0)
        return s_status (self);
    if (strcmp (command, "wait-ready") == 0)
        return self->phase < RUNNING? NULL: s_status (self);
    if (strcmp (command, "restart") == 0)
        return s_restart (self, cf_json_str (request, "name", ""));
    if (strcmp (command, "down") == 0) {
        s_stop (self);
        return json_pack ("{s:s}", "status", "stopping");
    }
    return json_pack ("{s:s}", "error", "there is no such command.");
}

/* ---- before anything is started ---- */

static int
s_find_programs (supervisor_t *self, cf_error_t *error)
{
    char folder [PATH_MAX];
    cf_buf_t missing;
    cf_buf_init (&missing, 400);
    ssize_t size = readlink ("/proc/self/exe", folder, sizeof folder - 1);
    folder [size > 0? size: 0] = 0;
    char *slash = strrchr (folder, '/');
    if (slash)
        *slash = 0;
    for (size_t at = 0; at < self->plan.count; at++) {
        program_t *program = &self->programs [at];
        const cf_plan_row_t *row = &self->plan.rows [at];
        if (row->wave == CF_WAVE_DATABASE)
            continue;
        snprintf (program->path, sizeof program->path, "%.4000s/codeforge-%s", folder, row->service);
        program->argv [0] = program->path;
        if (row->instance == 1 && access (program->path, X_OK))
            cf_buf_printf (&missing, " codeforge-%s", row->service);
    }
    if (missing.size || missing.overflowed)
        cf_error_set (error, CF_ERROR_NOT_FOUND, "executables are missing in %.200s:%s. Build again.", folder, missing.bytes);
    int result = missing.size || missing.overflowed? CF_EXIT_UNAVAILABLE: 0;
    cf_buf_free (&missing);
    return result;
}

static int
s_make_plan (supervisor_t *self, cf_error_t *error)
{
    self->simulated = !cf_providers_configured ();
    cf_config_set (CF_CONFIG_SIMULATED, self->simulated? "true": "false");
    cf_providers_announce (self->simulated);
    if (cf_plan_make (&self->plan, !cf_config_is_set (CF_CONFIG_DATABASE_URL), self->simulated,
                      (unsigned) cf_config_u64 (CF_CONFIG_EDGE_INSTANCES), error))
        return CF_EXIT_SETTINGS;
    return s_find_programs (self, error);
}

/*  0, or the exit status with the sentence. */
static int
s_check (supervisor_t *self, cf_error_t *error)
{
    int status;
    if ((status = cf_home_resolve (error)) || (status = cf_home_make (error)) || (status = cf_home_check_room (error))
        || (status = cf_home_lock (&self->lock, error)) || (status = s_make_plan (self, error))
        || (status = cf_home_check_certificate (error)) || (status = cf_home_check_port (error)))
        return status;
    /* with a key set and no secret, no token is signed with one */
    bool wants_secret = cf_config_is_set (CF_CONFIG_SUPABASE_JWT_SECRET)
        || (!cf_config_is_set (CF_CONFIG_SUPABASE_URL) && !cf_config_is_set (CF_CONFIG_JWKS_URL));
    return wants_secret && cf_token_ensure_secret (error)? CF_EXIT_CANTCREATE: 0;
}

static int
s_watch_signals (supervisor_t *self)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    sigprocmask (SIG_BLOCK, &set, NULL);
    signal (SIGPIPE, SIG_IGN);
    self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals < 0? -1: cf_loop_watch (self->loop, self->signals, EPOLLIN, s_on_signal, self);
}

static void
s_on_log_line (void *arg, const char *line, size_t size)
{
    cf_logbook_put (arg, "supervisor", line, size);
}

/*  Everything of our own, before the first process. 0, or an exit status. */
static int
s_prepare (supervisor_t *self, int terminal, cf_error_t *error)
{
    if (!(self->loop = cf_loop_new ()) || s_watch_signals (self) || cf_loop_add_hook (self->loop, s_advance, self)) {
        cf_error_set (error, CF_ERROR_INTERNAL, "the system has no descriptors left.");
        return CF_EXIT_SOFTWARE;
    }
    if (!(self->book = cf_logbook_new (CF_LOGBOOK_BYTES, error)) || !(self->control = cf_control_new (self->loop, s_on_request, self, error)))
        return CF_EXIT_CANTCREATE;
    cf_logbook_show (self->book, terminal);
    cf_log_sink (s_on_log_line, self->book);
    cf_log_init ("supervisor");
    self->database = cf_database_new (self->loop, self->book);
    bool complete = self->database != NULL;
    for (size_t at = 0; at < self->plan.count; at++)
        if (self->plan.rows [at].wave != CF_WAVE_DATABASE) {
            self->processes [at] = cf_process_new (self->loop, self->book, &self->plan.rows [at], self->programs [at].argv,
                                                   SIGTERM, &s_hooks, self);
            complete = complete && self->processes [at];
        }
    if (!complete)
        cf_error_set (error, CF_ERROR_INTERNAL, "out of memory.");
    return complete? 0: CF_EXIT_SOFTWARE;
}

static void
s_free (supervisor_t *self)
{
    for (size_t at = 0; at < self->plan.count; at++)
        cf_process_destroy (&self->processes [at]);
    cf_notify_destroy (&self->notify);
    cf_database_destroy (&self->database);
    cf_log_sink (NULL, NULL);
    cf_logbook_destroy (&self->book);
    if (self->lock >= 0)                /* before the connections, whose end says that all is over */
        close (self->lock);
    cf_control_destroy (&self->control);
    if (self->signals >= 0) {
        cf_loop_unwatch (self->loop, self->signals);
        close (self->signals);
    }
    cf_loop_destroy (&self->loop);
    free (self);
}

int
cf_supervisor_run (int terminal, cf_supervisor_report_fn *report, void *arg)
{
    cf_error_t error = { 0 };
    supervisor_t *self = calloc (1, sizeof *self);
    if (!self)
        return CF_EXIT_SOFTWARE;
    self->signals = self->lock = -1;
    self->begun_ms = cf_clock_ms ();
    self->report = report;
    self->report_arg = arg;
    setrlimit (RLIMIT_CORE, &(struct rlimit) { 0, 0 });         /* it would hold every secret */
    umask (077);
    int status;
    if ((status = s_check (self, &error)) || (status = s_prepare (self, terminal, &error)))
        s_report (self, status, error.text);
    else {
        cf_log_info ("starting %zu processes in %s", self->plan.count, cf_config_home (""));
        s_start_wave (self, CF_WAVE_BUS);
        if (cf_database_is_private (self->database))
            cf_database_prepare (self->database, s_on_database_prepared, self);
        else
            cf_database_open (self->database, s_on_database_open, self);
        cf_loop_run (self->loop);
        cf_log_info ("stopped");
        status = self->status;
        s_report (self, CF_EXIT_INTERRUPTED, "stopped before everything was ready.");
    }
    s_free (self);
    return status;
}
