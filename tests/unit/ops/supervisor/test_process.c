/* SPDX-License-Identifier: MPL-2.0 */
/*  process - real children of /bin/sh: ready, dying, stubborn, silent, and what they may know */

#include "ops/supervisor/process.h"
#include "ops/supervisor/restart.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "tests/support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char home [64];
    cf_loop_t *loop;
    cf_logbook_t *book;
    char announcement [64];
    pid_t ended;
    int changes;
} s_world;

static int
s_settings (void *arg, const cf_process_t *process, cf_buf_t *out)
{
    (void) arg;
    (void) process;
    return cf_buf_puts (out, "OPENAI_API_KEY=very-secret\n");
}

static void
s_on_ready (void *arg, cf_process_t *process, const char *announcement)
{
    (void) arg;
    (void) process;
    snprintf (s_world.announcement, sizeof s_world.announcement, "%s", announcement);
}

static void
s_on_end (void *arg, cf_process_t *process, pid_t pid)
{
    (void) arg;
    (void) process;
    s_world.ended = pid;
}

static void
s_on_change (void *arg, cf_process_t *process)
{
    (void) arg;
    (void) process;
    s_world.changes++;
}

static void
s_on_started (void *arg, cf_process_t *process)
{
    (void) arg;
    (void) process;
}

static const cf_process_hooks_t s_announcing = {
    .settings = s_settings, .on_ready = s_on_ready, .on_end = s_on_end, .on_change = s_on_change
};
static const cf_process_hooks_t s_silent = {
    .on_started = s_on_started, .on_ready = s_on_ready, .on_end = s_on_end, .on_change = s_on_change
};

/*  A process that runs script. */
static cf_process_t *
s_enter (char *script, const cf_process_hooks_t *hooks)
{
    static char *argv [4] = { "/bin/sh", "-c" };
    static const cf_plan_row_t row = { .name = "thing.1", .service = "thing", .instance = 1 };
    char folder [80];
    strcpy (s_world.home, "/tmp/cf-process-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_world.home));
    snprintf (folder, sizeof folder, "%s/log", s_world.home);
    mkdir (folder, 0700);
    cf_config_set (CF_CONFIG_CODEFORGE_HOME, s_world.home);
    argv [2] = script;
    s_world.loop = cf_loop_new ();
    s_world.book = cf_logbook_new (1 << 20, NULL);
    return cf_process_new (s_world.loop, s_world.book, &row, argv, SIGTERM, hooks, NULL);
}

static void
s_leave (cf_process_t *process)
{
    char command [128];
    cf_process_destroy (&process);
    cf_logbook_destroy (&s_world.book);
    cf_loop_destroy (&s_world.loop);
    snprintf (command, sizeof command, "rm -r %s", s_world.home);
    ck_assert_int_eq (system (command), 0);
}

static void
s_await (const cf_process_t *process, cf_process_state_t state)
{
    uint64_t due_ms = cf_clock_ms () + 20000;
    while (cf_process_state (process) != state) {
        ck_assert_uint_lt (cf_clock_ms (), due_ms);
        cf_loop_turn (s_world.loop, 100);
    }
}

/*  What the log holds, to be freed. */
static char *
s_log (void)
{
    char path [128], *text = calloc (1, 65536);
    snprintf (path, sizeof path, "%s/log/codeforge.log", s_world.home);
    FILE *file = fopen (path, "r");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_lt (fread (text, 1, 65535, file), 65535);
    fclose (file);
    return text;
}

START_TEST (is_ready_when_it_says_so)
{
    cf_process_t *process = s_enter ("echo port=17 >&$CF_READY_FD; exec sleep 1000", &s_announcing);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_DOWN);
    cf_process_start (process);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_STARTING);
    s_await (process, CF_PROCESS_READY);
    ck_assert_str_eq (s_world.announcement, "port=17");
    ck_assert_uint_gt (cf_process_rss_kb (process), 0);
    pid_t pid = cf_process_pid (process);
    cf_process_stop (process);
    s_await (process, CF_PROCESS_DOWN);
    ck_assert_int_eq (s_world.ended, pid);
    ck_assert_int_eq (cf_process_pid (process), 0);
    ck_assert_str_eq (cf_process_fault (process), "");
    s_leave (process);
}
END_TEST

START_TEST (knows_only_what_it_must)
{
    setenv ("OPENAI_API_KEY", "very-secret", 1);
    setenv ("SOMETHING_ELSE", "hidden-value", 1);
    cf_process_t *process = s_enter ("env; grep -c secret <&$CF_CONFIG_FD; ls /proc/self/fd | tr '\\n' ' '; ulimit -c; umask; pwd;"
                                     "echo >&$CF_READY_FD; exec sleep 1000", &s_announcing);
    cf_process_start (process);
    s_await (process, CF_PROCESS_READY);
    cf_process_stop (process);
    s_await (process, CF_PROCESS_DOWN);
    char *log = s_log ();
    ck_assert_ptr_null (strstr (log, "very-secret"));
    ck_assert_ptr_null (strstr (log, "hidden-value"));
    ck_assert_ptr_nonnull (strstr (log, "CF_INSTANCE=1"));
    ck_assert_ptr_nonnull (strstr (log, "CF_CAPTURE_WITHOUT_BODY=110,112"));
    ck_assert_ptr_nonnull (strstr (log, "\"text\":\"1\""));             /* the settings did hold it */
    ck_assert_ptr_nonnull (strstr (log, "\"text\":\"0 1 2 3 4 5 0\"")); /* 5: ls's own; then no core */
    ck_assert_ptr_nonnull (strstr (log, "\"text\":\"0077\""));
    free (log);
    s_leave (process);
}
END_TEST

START_TEST (comes_back_when_it_dies)
{
    cf_process_t *process = s_enter ("echo >&$CF_READY_FD; exec sleep 1000", &s_announcing);
    cf_process_start (process);
    s_await (process, CF_PROCESS_READY);
    pid_t pid = cf_process_pid (process);
    kill (pid, SIGSEGV);
    s_await (process, CF_PROCESS_BACKOFF);
    ck_assert_str_eq (cf_process_fault (process), "killed by SIGSEGV");
    s_await (process, CF_PROCESS_READY);
    ck_assert_int_ne (cf_process_pid (process), pid);
    ck_assert_uint_eq (cf_process_restarts (process), 1);
    s_leave (process);
}
END_TEST

START_TEST (fails_when_it_keeps_dying_until_asked_again)
{
    cf_process_t *process = s_enter ("echo no way >&2; exit 3", &s_announcing);
    cf_process_start (process);
    s_await (process, CF_PROCESS_FAILED);
    ck_assert_uint_eq (cf_process_restarts (process), CF_RESTART_INTENSITY);
    ck_assert_str_eq (cf_process_fault (process), "exited with 3: no way");
    cf_process_restart (process);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_STARTING);
    cf_process_stop (process);
    s_await (process, CF_PROCESS_DOWN);
    s_leave (process);
}
END_TEST

START_TEST (fails_at_once_when_its_settings_are_wrong)
{
    cf_process_t *process = s_enter ("exit 78", &s_announcing);
    cf_process_start (process);
    s_await (process, CF_PROCESS_FAILED);
    ck_assert_uint_eq (cf_process_restarts (process), 0);
    cf_process_stop (process);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_DOWN);
    s_leave (process);
}
END_TEST

START_TEST (restarts_when_asked_without_counting_it_as_a_fault)
{
    cf_process_t *process = s_enter ("echo >&$CF_READY_FD; exec sleep 1000", &s_announcing);
    cf_process_start (process);
    for (int at = 0; at < CF_RESTART_INTENSITY + 3; at++) {
        s_await (process, CF_PROCESS_READY);
        cf_process_restart (process);
        ck_assert_int_eq (cf_process_state (process), CF_PROCESS_STOPPING);
    }
    s_await (process, CF_PROCESS_READY);
    s_leave (process);
}
END_TEST

START_TEST (stops_for_good_while_a_restart_is_under_way)
{
    cf_process_t *process = s_enter ("trap '' TERM; echo >&$CF_READY_FD; while :; do sleep 1000; done", &s_announcing);
    cf_process_start (process);
    s_await (process, CF_PROCESS_READY);
    cf_process_restart (process);
    cf_process_stop (process);
    cf_process_kill (process, "enough");        /* it does not listen to TERM */
    s_await (process, CF_PROCESS_DOWN);
    s_leave (process);
}
END_TEST

START_TEST (is_ready_by_its_owners_word_where_it_cannot_tell)
{
    cf_process_t *process = s_enter ("test -z \"$CF_READY_FD$CF_CONFIG_FD\" && exec sleep 1000", &s_silent);
    cf_process_start (process);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_STARTING);
    cf_process_ready (process);
    ck_assert_int_eq (cf_process_state (process), CF_PROCESS_READY);
    s_leave (process);                  /* kills it */
}
END_TEST

START_TEST (says_why_it_cannot_be_executed)
{
    static char *argv [] = { "/nonexistent/program", NULL };
    static const cf_plan_row_t row = { .name = "nothing.1", .service = "nothing", .instance = 1 };
    cf_process_t *process = s_enter ("", &s_announcing);
    cf_process_t *nothing = cf_process_new (s_world.loop, s_world.book, &row, argv, SIGTERM, &s_announcing, NULL);
    cf_process_start (nothing);
    s_await (nothing, CF_PROCESS_BACKOFF);
    ck_assert_str_eq (cf_process_fault (nothing), "exited with 127: cannot be executed: No such file or directory");
    cf_process_destroy (&nothing);
    s_leave (process);
}
END_TEST

UNIT_MAIN ("process", is_ready_when_it_says_so, knows_only_what_it_must, comes_back_when_it_dies,
           fails_when_it_keeps_dying_until_asked_again, fails_at_once_when_its_settings_are_wrong,
           restarts_when_asked_without_counting_it_as_a_fault, stops_for_good_while_a_restart_is_under_way,
           is_ready_by_its_owners_word_where_it_cannot_tell, says_why_it_cannot_be_executed)
