/* SPDX-License-Identifier: MPL-2.0 */
/*  child - everything that allocates is done before fork: between fork and exec another thread of ours may hold any lock */

#include "ops/supervisor/child.h"
#include "proto/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CF_CHILD_ENVIRONMENT 16         /* names at most */
#define CF_CHILD_ENVIRONMENT_BYTES 16384

enum { FD_SETTINGS = 3, FD_READY = 4, FD_END };

typedef struct {
    char *names [CF_CHILD_ENVIRONMENT + 1];
    size_t count;
    cf_buf_t text;
} environment_t;

static void
s_put_variable (environment_t *self, const char *name, const char *value)
{
    if (value && self->count < CF_CHILD_ENVIRONMENT) {
        char *start = self->text.bytes + self->text.size;
        if (cf_buf_printf (&self->text, "%s=%s", name, value) == 0 && cf_buf_putc (&self->text, 0) == 0)
            self->names [self->count++] = start;
    }
}

/*  Ids of the messages whose bodies no capture may show; the broker cannot know, it sees envelopes only. */
static const char *
s_secret_messages (char *list, size_t size)
{
    const cf_message_row_t *row;
    size_t filled = 0;
    list [0] = 0;
    for (size_t at = 0; (row = cf_message_row_at (at)); at++)
        if (cf_message_is_secret (row) && filled < size)
            filled += (size_t) snprintf (list + filled, size - filled, "%s%u", filled? ",": "", (unsigned) row->id);
    return list;
}

static int
s_make_environment (environment_t *self, const cf_child_spec_t *spec)
{
    static const char *const passed [] = {
        "HOME", "TZ", "CODEFORGE_SHARE", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"
    };
    char number [16], secrets [256];
    cf_buf_init (&self->text, CF_CHILD_ENVIRONMENT_BYTES);
    cf_buf_reserve (&self->text, CF_CHILD_ENVIRONMENT_BYTES);   /* all of it, so that it never moves */
    self->count = 0;
    s_put_variable (self, "PATH", getenv ("PATH")? getenv ("PATH"): "/usr/local/bin:/usr/bin:/bin");
    s_put_variable (self, "LANG", getenv ("LANG")? getenv ("LANG"): "C.UTF-8");
    for (size_t at = 0; at < sizeof passed / sizeof passed [0]; at++)
        s_put_variable (self, passed [at], getenv (passed [at]));
    snprintf (number, sizeof number, "%u", spec->instance);
    s_put_variable (self, "CF_INSTANCE", number);
    snprintf (number, sizeof number, "%d", FD_SETTINGS);
    s_put_variable (self, "CF_CONFIG_FD", spec->settings? number: NULL);
    snprintf (number, sizeof number, "%d", FD_READY);
    s_put_variable (self, "CF_READY_FD", spec->announces? number: NULL);
    s_put_variable (self, "CF_CAPTURE_WITHOUT_BODY", s_secret_messages (secrets, sizeof secrets));
    self->names [self->count] = NULL;
    return self->text.overflowed? -1: 0;
}

static int
s_make_settings (const cf_buf_t *settings)
{
    int fd = memfd_create ("settings", MFD_CLOEXEC);
    if (fd >= 0 && (write (fd, settings->bytes, settings->size) != (ssize_t) settings->size || lseek (fd, 0, SEEK_SET))) {
        close (fd);
        fd = -1;
    }
    return fd;
}

/*  Runs in the child: what holds for every one, program or copy. Only system calls. */
static void
s_become_child (pid_t parent, int log)
{
    struct sigaction fallback = { .sa_handler = SIG_DFL };
    sigset_t none;
    struct rlimit limit = { 0, 0 };
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)           /* it died before we could ask to be told */
        _exit (1);
    setpgid (0, 0);
    for (int number = 1; number < NSIG; number++)
        sigaction (number, &fallback, NULL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    setrlimit (RLIMIT_CORE, &limit);
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
    umask (077);
    int nothing = open ("/dev/null", O_RDONLY);
    dup2 (nothing, STDIN_FILENO);
    dup2 (log, STDOUT_FILENO);
    dup2 (log, STDERR_FILENO);
}

static void
s_execute (const cf_child_spec_t *spec, char *const *environment, int settings, int ready)
{
    /* first out of the way of 3 and 4: either may be the other's number */
    int from [2] = { settings < 0? -1: fcntl (settings, F_DUPFD, 16), ready < 0? -1: fcntl (ready, F_DUPFD, 16) };
    for (int at = 0; at < 2; at++)
        if (from [at] < 0)
            close (FD_SETTINGS + at);
        else
            dup2 (from [at], FD_SETTINGS + at);
    syscall (SYS_close_range, (unsigned) FD_END, ~0u, 0u);
    if (chdir ("/") == 0)
        execve (spec->argv [0], spec->argv, environment);
    const char *why = strerrordesc_np (errno);
    ssize_t written = write (STDERR_FILENO, "cannot be executed: ", 20);
    written += write (STDERR_FILENO, why, strlen (why));
    written += write (STDERR_FILENO, "\n", 1);
    (void) written;
    _exit (127);
}

static void
s_close (int *fd)
{
    if (*fd >= 0)
        close (*fd);
    *fd = -1;
}

static int
s_fail (cf_child_t *self, const char *what, cf_error_t *error)
{
    cf_error_set (error, CF_ERROR_INTERNAL, "%s: %s", what, strerror (errno));
    s_close (&self->log);
    s_close (&self->ready);
    s_close (&self->pidfd);
    return -1;
}

/*  fork, with the pipe for its words and a pidfd; 0 in the child. */
static pid_t
s_fork (cf_child_t *self, cf_error_t *error)
{
    int log [2];
    pid_t parent = getpid ();
    sigset_t all, former;
    if (pipe2 (log, O_CLOEXEC))
        return s_fail (self, "no pipe could be made", error);
    self->log = log [0];
    fcntl (self->log, F_SETFL, O_NONBLOCK);
    sigfillset (&all);                  /* until the child has its own handlers: a signal must not run ours there */
    sigprocmask (SIG_SETMASK, &all, &former);
    self->pid = fork ();
    if (self->pid == 0)
        s_become_child (parent, log [1]);
    sigprocmask (SIG_SETMASK, &former, NULL);
    close (log [1]);
    if (self->pid < 0)
        return s_fail (self, "no process could be made", error);
    if (self->pid > 0 && (self->pidfd = (int) syscall (SYS_pidfd_open, self->pid, 0)) < 0) {
        s_fail (self, "no pidfd could be had", error);
        kill (self->pid, SIGKILL);
        waitpid (self->pid, NULL, 0);
        return -1;
    }
    return self->pid;
}

int
cf_child_spawn (cf_child_t *self, const cf_child_spec_t *spec, cf_error_t *error)
{
    environment_t environment;
    int settings = -1, ready [2] = { -1, -1 };
    *self = (cf_child_t) { .pidfd = -1, .log = -1, .ready = -1 };
    int result = -1;
    if (s_make_environment (&environment, spec))
        s_fail (self, "its environment is too large", error);
    else if ((spec->settings && (settings = s_make_settings (spec->settings)) < 0)
             || (spec->announces && pipe2 (ready, O_CLOEXEC)))
        s_fail (self, "no descriptor could be had", error);
    else {
        self->ready = ready [0];
        if (ready [0] >= 0)
            fcntl (ready [0], F_SETFL, O_NONBLOCK);
        pid_t pid = s_fork (self, error);
        if (pid == 0)
            s_execute (spec, environment.names, settings, ready [1]);
        result = pid < 0? -1: 0;
    }
    s_close (&settings);
    s_close (&ready [1]);
    cf_buf_free (&environment.text);
    return result;
}

pid_t
cf_child_fork (cf_child_t *self, cf_error_t *error)
{
    *self = (cf_child_t) { .pidfd = -1, .log = -1, .ready = -1 };
    return s_fork (self, error);
}

int
cf_child_reap (cf_child_t *self)
{
    int status = 0;
    while (waitpid (self->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

const char *
cf_child_end (int status)
{
    static char text [64];
    if (WIFSIGNALED (status))
        snprintf (text, sizeof text, "killed by SIG%s", sigabbrev_np (WTERMSIG (status))? sigabbrev_np (WTERMSIG (status)): "?");
    else
        snprintf (text, sizeof text, "exited with %d", WEXITSTATUS (status));
    return text;
}
