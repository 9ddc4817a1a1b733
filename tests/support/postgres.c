/* SPDX-License-Identifier: MPL-2.0 */
/*  postgres - a forked keeper runs initdb and the server and obeys one-byte commands; end of file means: clear away */

#include "tests/support/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_ATTEMPTS 600              /* of 50 ms */

static struct {
    char folder [64];
    char binaries [256];
    char url [256];
    int control;                        /* ours to the keeper */
    pid_t keeper, owner;
} s_test = { .control = -1 };

static void
s_die (const char *what)
{
    fprintf (stderr, "test PostgreSQL: %s: %s\n", what, strerror (errno));
    exit (EXIT_FAILURE);
}

static void
s_find_binaries (void)
{
    glob_t found;
    int newest = 0;
    if (glob ("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found))
        s_die ("no /usr/lib/postgresql/*/bin/initdb");
    for (size_t at = 0; at < found.gl_pathc; at++) {
        int version = atoi (found.gl_pathv [at] + strlen ("/usr/lib/postgresql/"));
        if (version <= newest)
            continue;
        newest = version;
        snprintf (s_test.binaries, sizeof s_test.binaries, "/usr/lib/postgresql/%d/bin", version);
    }
    globfree (&found);
}

/*  PostgreSQL does not run as root. */
static void
s_drop_root (void)
{
    const struct passwd *user = getpwnam ("postgres");
    if (geteuid ())
        return;
    if (!user || initgroups ("postgres", user->pw_gid) || setgid (user->pw_gid) || setuid (user->pw_uid))
        s_die ("cannot become user postgres");
}

static pid_t
s_spawn (char *const *argv)
{
    pid_t child = fork ();
    if (child)
        return child;
    s_drop_root ();
    prctl (PR_SET_PDEATHSIG, SIGQUIT);
    char log [96];
    snprintf (log, sizeof log, "%s/log", s_test.folder);
    int out = open (log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open ("/dev/null", O_RDONLY);
    if (chdir (s_test.folder) || out < 0 || in < 0 || dup2 (in, 0) < 0 || dup2 (out, 1) < 0 || dup2 (out, 2) < 0)
        _exit (126);
    execv (argv [0], argv);
    _exit (127);
}

static void
s_pause (void)
{
    nanosleep (&(struct timespec) { 0, 50 * 1000000L }, NULL);
}

static pid_t
s_start_server (void)
{
    char program [300], data [96], sockets [128];
    snprintf (program, sizeof program, "%s/postgres", s_test.binaries);
    snprintf (data, sizeof data, "%s/data", s_test.folder);
    snprintf (sockets, sizeof sockets, "unix_socket_directories=%s", s_test.folder);
    char *argv [] = { program, (char *) "-D", data, (char *) "-c", (char *) "listen_addresses=", (char *) "-c", sockets,
                      (char *) "-c", (char *) "shared_buffers=32MB", (char *) "-c", (char *) "max_connections=60",
                      (char *) "-c", (char *) "max_wal_size=256MB", NULL };
    pid_t server = s_spawn (argv);
    for (int attempt = 0; attempt < START_ATTEMPTS; attempt++) {
        if (PQping (s_test.url) == PQPING_OK)
            return server;
        if (waitpid (server, NULL, WNOHANG) == server) {
            s_pause ();                 /* after a crash the old one's shared memory may be in use for a moment */
            server = s_spawn (argv);
        }
        s_pause ();
    }
    return -1;
}

static int
s_remove_one (const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void) status, (void) kind, (void) place;
    return remove (path);
}

static bool
s_initdb (void)
{
    char program [300], data [96];
    snprintf (program, sizeof program, "%s/initdb", s_test.binaries);
    snprintf (data, sizeof data, "%s/data", s_test.folder);
    char *argv [] = { program, (char *) "-D", data, (char *) "-U", (char *) "app", (char *) "-E", (char *) "UTF8",
                      (char *) "--locale=C.UTF-8", (char *) "--no-sync", (char *) "--no-instructions", (char *) "-A",
                      (char *) "trust", NULL };
    int status = 0;
    return waitpid (s_spawn (argv), &status, 0) > 0 && status == 0;
}

/*  The keeper's life: 'k' kills the server, 's' starts it, each answered with the same byte, or '!' for failure. */
static void
s_keep (int control)
{
    signal (SIGINT, SIG_IGN);           /* the test's own end is told by the end of file */
    pid_t server = s_initdb ()? s_start_server (): -1;
    char command = server > 0? 's': '!';
    if (write (control, &command, 1) != 1)
        command = '!';
    while (read (control, &command, 1) == 1) {
        if (command == 'k') {
            kill (server, SIGKILL);     /* its children see that and end */
            waitpid (server, NULL, 0);
        }
        else if ((server = s_start_server ()) < 0)
            command = '!';
        if (write (control, &command, 1) != 1)
            break;
    }
    if (server > 0) {
        kill (server, SIGQUIT);
        waitpid (server, NULL, 0);
    }
    nftw (s_test.folder, s_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    _exit (0);
}

static void
s_command (char command)
{
    char answer = '!';
    if (command && write (s_test.control, &command, 1) != 1)
        s_die ("the keeper is gone");
    if (read (s_test.control, &answer, 1) != 1 || answer == '!')
        s_die ("the server does not start (see log in its folder)");
}

void
cf_test_postgres_stop (void)
{
    if (s_test.control < 0 || getpid () != s_test.owner)
        return;
    close (s_test.control);
    s_test.control = -1;
    waitpid (s_test.keeper, NULL, 0);
}

const char *
cf_test_postgres (void)
{
    if (s_test.control >= 0)
        return s_test.url;
    s_find_binaries ();
    snprintf (s_test.folder, sizeof s_test.folder, "/tmp/cf-postgres-XXXXXX");
    if (!mkdtemp (s_test.folder))
        s_die ("mkdtemp");
    const struct passwd *user = getpwnam ("postgres");
    if (!geteuid () && (!user || chown (s_test.folder, user->pw_uid, user->pw_gid)))
        s_die ("chown");
    snprintf (s_test.url, sizeof s_test.url, "postgresql://app@/postgres?host=%s", s_test.folder);
    int pair [2];
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        s_die ("socketpair");
    s_test.owner = getpid ();
    s_test.keeper = fork ();
    if (s_test.keeper == 0) {
        close (pair [0]);
        setpgid (0, 0);                 /* a test runner that kills its group must not take the keeper */
        s_keep (pair [1]);
    }
    close (pair [1]);
    s_test.control = pair [0];
    atexit (cf_test_postgres_stop);
    s_command (0);
    return s_test.url;
}

void
cf_test_postgres_kill (void)
{
    s_command ('k');
}

void
cf_test_postgres_start (void)
{
    s_command ('s');
}
