/* SPDX-License-Identifier: MPL-2.0 */
/*  run - codeforge run "IDEA": from a sentence to a folder with an application in it
 *
 *  One task: project, job, its stream until it ends, its files. Ctrl-C cancels the task, which then cancels the job.
 */

#include "ops/cli/api.h"
#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/output.h"
#include "ops/cli/program.h"
#include "ops/cli/progress.h"
#include "ops/cli/terminal.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"
#include "proto/base/clock.h"
#include "proto/base/slug.h"
#include "proto/base/sse.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CF_RUN_IDEA_MAX 20000           /* bytes; the API takes 50,000 for all of input_context */
#define CF_RUN_EVENT_MAX (8u << 20)     /* bytes of one event: the last one holds every file */
#define CF_RUN_LOST_MS 120000           /* without the API for so long, it is left alone */
#define CF_RUN_TIMEOUT_MOST_S 86400ul

typedef struct {
    const char *idea, *out;
    uint64_t timeout_ms;                /* 0: none */
    cf_loop_t *loop;
    cf_api_t *api;
    cf_task_t *task;                    /* NULL once it has ended */
    cf_progress_t *progress;
    cf_sse_t *sse;
    cf_timer_t timer;
    int signals;
    bool interrupted, overdue, ended;   /* ended: the stream said how the job ended */
    bool simulated;
    uint64_t begun_ms;
    char project [CF_UUID_SIZE], job [CF_UUID_SIZE];
    cf_json_t *shown;                   /* the job in the end */
    cf_output_t output;
    int status;
    cf_error_t error;                   /* why status is not 0 */
} run_t;

/* ---- making sure that it runs ---- */

/*  Connected to the supervisor, which is started where there is none; 0, or an exit status. */
static int
s_ensure_running (run_t *self)
{
    char sentence [16384];
    cf_error_t error = { 0 };
    int fd = cf_control_connect (&error);
    if (fd < 0 && error.code == CF_ERROR_FORBIDDEN)
        return cf_fail (CF_EXIT_NOPERM, "%s", error.text);
    if (fd < 0) {
        uint64_t begun_ms = cf_clock_ms ();
        fprintf (stderr, "starting CodeForge …");
        int status = cf_up_detached (sentence, sizeof sentence);
        if (status == CF_EXIT_OK)
            fprintf (stderr, " ready in %.1f s\n", (double) (cf_clock_ms () - begun_ms) / 1000);
        else
            fprintf (stderr, "\n");
        if (status == CF_EXIT_FAILED)
            fprintf (stderr, "%s", sentence);
        else if (status)
            return cf_fail (status, "%s", sentence);
        fd = cf_control_connect (&error);
    }
    cf_json_t *request = json_pack ("{s:s}", "command", "wait-ready"), *answer = fd < 0? NULL: cf_control_ask (fd, request, -1, &error);
    self->simulated = cf_json_bool (answer, "simulated", false);
    int status = answer? 0: cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    json_decref (request);
    json_decref (answer);
    if (fd >= 0)
        close (fd);
    return status;
}

/* ---- the job ---- */

static int
s_create (run_t *self, cf_error_t *error)
{
    char title [CF_SLUG_TITLE_SIZE];
    cf_json_t *answer = NULL, *body = json_pack ("{s:s}", "title", cf_slug_title (self->idea, title));
    int result = cf_api_call (self->api, self->task, "POST", "/v1/projects/", body, &answer, NULL, error);
    json_decref (body);
    if (result == 0 && !cf_uuid_parse (cf_json_str (answer, "id", ""), self->project))
        result = cf_error_set (error, CF_ERROR_INTERNAL, "the API's answer names no project.");
    json_decref (answer);
    if (result)
        return -1;
    answer = NULL;
    body = json_pack ("{s:s, s:{s:s}}", "project_id", self->project, "input_context", "user_idea", self->idea);
    result = cf_api_call (self->api, self->task, "POST", "/v1/run-pipeline", body, &answer, NULL, error);
    json_decref (body);
    if (result == 0 && !cf_uuid_parse (cf_json_str (answer, "job_id", ""), self->job))
        result = cf_error_set (error, CF_ERROR_INTERNAL, "the API's answer names no job.");
    json_decref (answer);
    return result;
}

static int
s_on_event (void *arg, const cf_sse_event_t *event)
{
    run_t *self = arg;
    cf_json_t *shown = cf_json_parse (event->data, event->size, NULL);
    self->ended = strcmp (event->event, "complete") == 0 || strcmp (event->event, "error") == 0 || strcmp (event->event, "cancelled") == 0;
    if (shown)
        cf_progress_take (self->progress, event->event, shown);
    json_decref (shown);
    return self->ended? -1: 0;
}

static cf_http_want_t
s_on_bytes (void *arg, const char *bytes, size_t size)
{
    run_t *self = arg;
    return cf_sse_feed (self->sse, bytes, size)? CF_HTTP_STOP: CF_HTTP_MORE;
}

/*  Watches until the job has ended, connecting again as long as there is hope. 0, or -1 with error. */
static int
s_watch (run_t *self, cf_error_t *error)
{
    char path [128];
    long status = 0;
    uint64_t heard_ms = cf_clock_ms ();
    snprintf (path, sizeof path, "/v1/jobs/%s/stream?tokens=1", self->job);
    while (!self->ended) {
        const char *last = cf_sse_last_id (self->sse);
        int result = cf_api_stream (self->api, self->task, path, *last? last: "0", s_on_bytes, self, &status, error);
        if (self->ended)
            break;
        if (result && error->code == CF_ERROR_CANCELLED)
            return -1;
        bool hopeless = status >= 400 && status < 500 && status != 429;
        if (status / 100 == 2)
            heard_ms = cf_clock_ms ();
        if (hopeless || cf_clock_ms () - heard_ms > CF_RUN_LOST_MS)
            return cf_error_set (error, CF_ERROR_HTTP_FAILED, "lost sight of the job, which goes on without us: %s job %s", cf_program_name (), self->job);
        cf_progress_wait_for (self->progress, "connecting again …");
        cf_sse_restart (self->sse);
        if (cf_task_sleep (self->task, status / 100 == 2? 200: 1000, error))
            return -1;
        cf_progress_wait_for (self->progress, NULL);
    }
    return 0;
}

/*  The job as it is now. */
static int
s_read_job (run_t *self, cf_error_t *error)
{
    char path [128];
    snprintf (path, sizeof path, "/v1/jobs/%s", self->job);
    json_decref (self->shown);
    return cf_api_call (self->api, self->task, "GET", path, NULL, &self->shown, NULL, error);
}

static int
s_fetch_files (run_t *self, cf_error_t *error)
{
    char path [128], slug [CF_SLUG_SIZE];
    cf_json_t *answer = NULL;
    snprintf (path, sizeof path, "/v1/projects/%s/files?include=content", self->project);
    int result = cf_api_call (self->api, self->task, "GET", path, NULL, &answer, NULL, error);
    if (result == 0)
        result = cf_output_write (&self->output, self->out, cf_slug_make (self->idea, slug), json_object_get (answer, "files"), error);
    json_decref (answer);
    return result;
}

static int
s_build (run_t *self, cf_error_t *error)
{
    cf_progress_wait_for (self->progress, "handing in the idea …");
    if (s_create (self, error))
        return -1;
    cf_progress_wait_for (self->progress, "waiting for the first agent …");
    if (s_watch (self, error) || s_read_job (self, error))
        return -1;
    cf_progress_end (self->progress, self->shown);
    const char *status = cf_json_str (self->shown, "status", "");
    if (strcmp (status, "completed") == 0)
        return s_fetch_files (self, error);
    const char *reason = cf_json_str (self->shown, "error", "");
    return cf_error_set (error, CF_ERROR_INVALID, "the job %s%s%s", status, *reason? ": ": "", reason);
}

static void
s_build_task (cf_task_t *task, void *arg)
{
    run_t *self = arg;
    cf_error_t error = { 0 };
    self->task = task;
    if (s_build (self, &error)) {
        self->status = error.code == CF_ERROR_HTTP_FAILED? CF_EXIT_UNAVAILABLE: CF_EXIT_FAILED;
        self->error = error;
    }
    self->task = NULL;
}

/*  A task of its own: every wait of a cancelled one fails. */
static void
s_cancel_task (cf_task_t *task, void *arg)
{
    run_t *self = arg;
    char path [128];
    cf_json_t *answer = NULL;
    cf_error_t error = { 0 };
    snprintf (path, sizeof path, "/v1/jobs/%s/cancel", self->job);
    int result = cf_api_call (self->api, task, "POST", path, NULL, &answer, NULL, &error);
    const char *why = self->interrupted? "interrupted": "not done in time";
    if (result)
        cf_fail (0, "%s, but the job could not be cancelled: %s", why, error.text);
    else
        printf ("%s: cancelled job %s\n", why, self->job);
    json_decref (answer);
}

/* ---- interruptions ---- */

static void
s_on_signal (void *arg, uint32_t events)
{
    (void) events;
    run_t *self = arg;
    struct signalfd_siginfo got;
    if (read (self->signals, &got, sizeof got) != sizeof got)
        return;
    if (self->interrupted) {            /* a second time: at once */
        cf_progress_destroy (&self->progress);
        _exit (CF_EXIT_INTERRUPTED);
    }
    self->interrupted = true;
    cf_progress_wait_for (self->progress, "cancelling …");
    if (self->task)
        cf_task_cancel (self->task, CF_ERROR_CANCELLED);
}

static void
s_on_timeout (void *arg)
{
    run_t *self = arg;
    self->overdue = true;
    if (self->task)
        cf_task_cancel (self->task, CF_ERROR_CANCELLED);
}

static int
s_watch_signals (run_t *self)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGTERM);
    sigprocmask (SIG_BLOCK, &set, NULL);
    signal (SIGPIPE, SIG_IGN);
    self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->signals < 0? -1: cf_loop_watch (self->loop, self->signals, EPOLLIN, s_on_signal, self);
}

/* ---- the end ---- */

static void
s_print_summary (const run_t *self)
{
    bool coloured = cf_terminal_coloured (STDOUT_FILENO);
    const char *bold = coloured? CF_BOLD: "", *plain = coloured? CF_PLAIN: "";
    const cf_json_t *result = json_object_get (self->shown, "result"), *review = json_object_get (result, "qa_result");
    const cf_json_t *usage = json_object_get (self->shown, "usage");
    const char *hint = cf_output_hint (&self->output);
    char took [32], first [32];
    bool passed = cf_json_bool (review, "passed", false);
    size_t issues = json_array_size (json_object_get (review, "issues"));
    printf ("\n  %s%s%s\n", bold, self->output.folder, plain);
    printf ("  %zu files, %zu bytes\n", self->output.count, self->output.bytes);
    if (self->output.refused)
        printf ("  %zu files left out: their paths lead out of the folder\n", self->output.refused);
    if (hint)
        printf ("\n  open    %s\n", hint);
    printf ("  review  %s%s%s, %.0f of 100", coloured? passed? CF_GREEN: CF_YELLOW: "", passed? "passed": "not passed", plain,
            cf_json_real (review, "score", 0));
    if (issues)
        printf (", %zu issue%s left", issues, issues == 1? "": "s");
    printf ("\n  total   %s, first token after %s, %lld model calls, %lld tokens, $%.4f%s\n",
            cf_terminal_duration (cf_clock_ms () - self->begun_ms, took, sizeof took),
            cf_terminal_duration ((unsigned long long) cf_json_int (usage, "first_token_ms", 0), first, sizeof first),
            (long long) cf_json_int (usage, "calls", 0),
            (long long) (cf_json_int (usage, "input_tokens", 0) + cf_json_int (usage, "output_tokens", 0)),
            cf_json_real (usage, "cost_usd", 0), self->simulated? " at list prices (simulated)": "");
    printf ("  job     %s job %s\n", cf_program_name (), self->job);
    printf ("  API     %s, a token: %s token\n", cf_api_url (self->api), cf_program_name ());
    printf ("  stop    %s down\n", cf_program_name ());
}

static int
s_run (run_t *self)
{
    cf_error_t error = { 0 };
    int status = s_ensure_running (self);
    if (status)
        return status;
    self->begun_ms = cf_clock_ms ();
    if (!(self->loop = cf_loop_new ()) || s_watch_signals (self) || !(self->sse = cf_sse_new (CF_RUN_EVENT_MAX, s_on_event, self)))
        return cf_fail (CF_EXIT_SOFTWARE, "the system has no descriptors or memory left.");
    if (!(self->api = cf_api_new (self->loop, NULL, &error)))
        return cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    if (!(self->progress = cf_progress_new (self->loop, STDOUT_FILENO)))
        return cf_fail (CF_EXIT_SOFTWARE, "out of memory.");
    cf_progress_say (self->progress, "building: %s%s", self->idea, self->simulated? "  (simulated models)": "");
    if (self->timeout_ms)
        cf_timer_set (self->loop, &self->timer, self->timeout_ms, s_on_timeout, self);
    cf_task_start (self->loop, s_build_task, self, NULL);
    while (cf_task_count ())
        cf_loop_turn (self->loop, -1);
    cf_timer_clear (self->loop, &self->timer);
    cf_progress_destroy (&self->progress);
    if (self->status && (self->interrupted || self->overdue)) {
        if (*self->job && !self->ended)
            cf_task_start (self->loop, s_cancel_task, self, NULL);
        while (cf_task_count ())
            cf_loop_turn (self->loop, -1);
        return self->interrupted? CF_EXIT_INTERRUPTED: CF_EXIT_FAILED;
    }
    if (self->status)
        return cf_fail (self->status, "%s", self->error.text);
    s_print_summary (self);
    return CF_EXIT_OK;
}

int
cf_command_run (int argc, char **argv)
{
    const char *idea = NULL, *timeout = NULL;
    unsigned long seconds = 0;
    run_t self = { .out = "out", .signals = -1 };
    const cf_option_t options [] = { { "--out", NULL, &self.out }, { "--timeout", NULL, &timeout }, { NULL, NULL, NULL } };
    if (cf_options_parse (argc, argv, options, &idea, 1) != 1 || !idea [strspn (idea, " \t\n")]
        || (timeout && cf_options_number ("--timeout", timeout, 1, CF_RUN_TIMEOUT_MOST_S, &seconds)))
        return cf_fail_usage (argv [0]);
    if (strlen (idea) > CF_RUN_IDEA_MAX)
        return cf_fail (CF_EXIT_USAGE, "the idea has more than %d bytes.", CF_RUN_IDEA_MAX);
    self.idea = idea;
    self.timeout_ms = seconds * 1000u;
    int status = s_run (&self);
    json_decref (self.shown);
    cf_progress_destroy (&self.progress);
    cf_sse_destroy (&self.sse);
    cf_api_destroy (&self.api);
    cf_task_free_pool ();
    if (self.signals >= 0)
        close (self.signals);
    cf_loop_destroy (&self.loop);
    return status;
}
