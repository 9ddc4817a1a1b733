/* SPDX-License-Identifier: MPL-2.0 */
/*  up - codeforge up, down and restart */

#include "ops/cli/commands.h"
#include "ops/cli/options.h"
#include "ops/cli/program.h"
#include "ops/supervisor/control.h"
#include "ops/supervisor/exits.h"
#include "ops/supervisor/logbook.h"
#include "ops/supervisor/supervisor.h"
#include "proto/base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CF_UP_DOWN_MS 75000             /* every wave's patience, and a little */

static void
s_report_here (void *arg, int status, const char *sentence)
{
    (void) arg;
    if (status == CF_EXIT_OK || status == CF_EXIT_FAILED) {
        printf ("\n%s  stop      Ctrl-C, or %s down\n\n", sentence, cf_program_name ());
        fflush (stdout);
    }
    else if (status != CF_EXIT_INTERRUPTED)
        cf_fail (0, "%s", sentence);
}

/* ---- in the background ---- */

/*  Told to whoever waits at the other end of the pipe, in one write: "STATUS SENTENCE". */
static void
s_report_there (void *arg, int status, const char *sentence)
{
    int *pipe_end = arg;
    dprintf (*pipe_end, "%d %s", status, sentence);
    close (*pipe_end);
    int log = open (cf_config_home (CF_LOGBOOK_FILE), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (log >= 0) {                     /* where the last words of a crash would go */
        dup2 (log, STDERR_FILENO);
        close (log);
    }
}

static void
s_live_in_background (int pipe_end)
{
    setsid ();
    if (fork () != 0)                   /* so that it is nobody's session leader and never gets a terminal */
        _exit (0);
    int nothing = open ("/dev/null", O_RDWR);
    dup2 (nothing, STDIN_FILENO);
    dup2 (nothing, STDOUT_FILENO);
    dup2 (nothing, STDERR_FILENO);
    close (nothing);
    _exit (cf_supervisor_run (-1, s_report_there, &pipe_end));
}

int
cf_up_detached (char *sentence, size_t size)
{
    int ends [2];
    pid_t pid = -1;
    if (pipe2 (ends, O_CLOEXEC) || (fflush (NULL), pid = fork ()) < 0) {
        snprintf (sentence, size, "no process could be made: %s", strerror (errno));
        return CF_EXIT_SOFTWARE;
    }
    if (pid == 0)
        s_live_in_background (ends [1]);
    close (ends [1]);
    waitpid (pid, NULL, 0);
    char text [65536];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof text - 1 && (got = read (ends [0], text + length, sizeof text - 1 - length)) != 0)
        if (got > 0)
            length += (size_t) got;
        else if (errno != EINTR)
            break;
    close (ends [0]);
    text [length] = 0;
    char *rest = text;
    int status = length? (int) strtol (text, &rest, 10): CF_EXIT_SOFTWARE;
    snprintf (sentence, size, "%s", length? rest + (*rest == ' '): "the supervisor ended without a word; `codeforge logs` may tell why.");
    return status;
}

int
cf_command_up (int argc, char **argv)
{
    bool detach = false;
    const cf_option_t options [] = { { "--detach", &detach, NULL }, { "-d", &detach, NULL }, { NULL, NULL, NULL } };
    if (cf_options_parse (argc, argv, options, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    if (!detach)
        return cf_supervisor_run (STDOUT_FILENO, s_report_here, NULL);
    char sentence [16384];
    int status = cf_up_detached (sentence, sizeof sentence);
    if (status != CF_EXIT_OK && status != CF_EXIT_FAILED)
        return cf_fail (status, "%s", sentence);
    printf ("%s  stop      %s down\n", sentence, cf_program_name ());
    return status;
}

int
cf_command_down (int argc, char **argv)
{
    cf_error_t error = { 0 };
    if (cf_options_parse (argc, argv, NULL, NULL, 0) < 0)
        return cf_fail_usage (argv [0]);
    int fd = cf_control_connect (&error);
    if (fd < 0) {
        if (error.code != CF_ERROR_NOT_FOUND)
            return cf_fail (CF_EXIT_NOPERM, "%s", error.text);
        printf ("CodeForge is not running in %s.\n", cf_config_home (""));
        return CF_EXIT_OK;
    }
    cf_json_t *request = json_pack ("{s:s}", "command", "down"), *answer = cf_control_ask (fd, request, 5000, &error);
    int status = !answer? CF_EXIT_UNAVAILABLE: cf_control_await_end (fd, CF_UP_DOWN_MS)? CF_EXIT_FAILED: CF_EXIT_OK;
    json_decref (request);
    json_decref (answer);
    close (fd);
    if (status == CF_EXIT_OK)
        printf ("stopped\n");
    else
        cf_fail (0, "%s", answer? "it has not stopped yet; `codeforge status` shows what is left.": error.text);
    return status;
}

int
cf_command_restart (int argc, char **argv)
{
    cf_error_t error = { 0 };
    const char *name;
    if (cf_options_parse (argc, argv, NULL, &name, 1) != 1)
        return cf_fail_usage (argv [0]);
    int fd = cf_control_connect (&error);
    if (fd < 0)
        return cf_fail (CF_EXIT_UNAVAILABLE, "%s", error.text);
    cf_json_t *request = json_pack ("{s:s, s:s}", "command", "restart", "name", name);
    cf_json_t *answer = cf_control_ask (fd, request, 5000, &error);
    const char *refused = answer? cf_json_str (answer, "error", NULL): error.text;
    int count = (int) cf_json_int (answer, "count", 0);
    int status = CF_EXIT_OK;
    if (refused)
        status = cf_fail (CF_EXIT_FAILED, "%s", refused);
    else
        printf ("restarting %d process%s\n", count, count == 1? "": "es");
    json_decref (request);
    json_decref (answer);
    close (fd);
    return status;
}
