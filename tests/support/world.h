/* SPDX-License-Identifier: MPL-2.0 */
/*  world - a bus for tests of the runtime: the real broker as a process, and actors that are this very executable
 *
 *  Each process is a child of the test and ends with it. An actor's play is a function by name: WORLD_ROLES names them; world_actor starts
 *  one. The test itself is a peer of the bus: service "supervisor", so that the broker believes it who is gone.
 *  What actors do they write down, a line each, in files of the world's folder: world_wrote waits for a line.
 */
#ifndef CF_TESTS_WORLD_H
#define CF_TESTS_WORLD_H

#include "actors/lib/call.h"
#include "actors/lib/event.h"
#include "actors/lib/serve.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"
#include "proto/base/log.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORLD_PATIENCE_MS 30000         /* a test that waits longer has failed */
#define WORLD_ACTORS 16

typedef struct {
    const char *name;
    void (*play) (cf_loop_t *loop);     /* serves; does not return before the world ends it */
} world_role_t;

static struct {
    char home [64];
    cf_loop_t *loop;
    cf_link_t *link;
    pid_t broker;
    struct { pid_t pid; char peer [CF_ENVELOPE_NAME_SIZE]; } actors [WORLD_ACTORS];
    size_t actor_count;
} world;

/* ---- notes ---- */

static inline const char *world_path (const char *file)
{
    static char paths [4] [128];
    static unsigned turn;
    char *path = paths [turn++ % 4];
    snprintf (path, sizeof paths [0], "%s/%s", getenv ("CODEFORGE_HOME"), file);
    return path;
}

/*  Appends a line to a file; a line is written at once. */
static inline void world_note (const char *file, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
static inline void world_note (const char *file, const char *format, ...)
{
    char line [512];
    va_list args;
    va_start (args, format);
    int size = vsnprintf (line, sizeof line - 1, format, args);
    va_end (args);
    line [size++] = '\n';
    int fd = open (world_path (file), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write (fd, line, (size_t) size) != size)
        abort ();
    close (fd);
}

/*  What is in a file; "" where there is none. Valid until the next call. */
static inline const char *world_read (const char *file)
{
    static char text [65536];
    FILE *stream = fopen (world_path (file), "re");
    size_t size = stream? fread (text, 1, sizeof text - 1, stream): 0;
    if (stream)
        fclose (stream);
    text [size] = 0;
    return text;
}

static inline int world_count (const char *file, const char *what)
{
    int count = 0;
    for (const char *at = world_read (file); (at = strstr (at, what)); at += strlen (what))
        count++;
    return count;
}

/* ---- time ---- */

/*  Turns the test's loop until the condition holds. */
#define world_until(condition_)                                                                     \
    do {                                                                                            \
        uint64_t world_end_ms = cf_clock_ms () + WORLD_PATIENCE_MS;                                 \
        while (!(condition_)) {                                                                     \
            ck_assert_msg (cf_clock_ms () < world_end_ms, "in vain: " #condition_);                 \
            cf_loop_turn (world.loop, 5);                                                           \
        }                                                                                           \
    } while (0)

#define world_wrote(file_, what_) world_until (world_count (file_, what_) > 0)

/* ---- processes ---- */

static inline pid_t world_spawn (const char *program, const char *role, const char *service, unsigned instance)
{
    pid_t parent = getpid (), pid = fork ();
    if (pid)
        return pid;
    char number [16];
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (1);
    snprintf (number, sizeof number, "%u", instance);
    execl (program, program, "--role", role, service, number, (char *) NULL);
    _exit (127);
}

static inline void world_start_broker (void)
{
    char self [512];
    ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);
    ck_assert_int_gt (size, 0);
    self [size] = 0;
    char program [600];
    snprintf (program, sizeof program, "%s/codeforge-broker", dirname (self));
    ck_assert_msg (access (program, X_OK) == 0, "%s is not built", program);
    world.broker = world_spawn (program, "", "", 1);
}

/*  As a crash would, with no word to anybody; waits until it is gone. */
static inline void world_kill (pid_t *pid)
{
    kill (*pid, SIGKILL);
    waitpid (*pid, NULL, 0);
    *pid = 0;
}

static inline void world_kill_broker (void)
{
    world_kill (&world.broker);
}

/*  Starts an actor and waits until the broker knows it (where there is one); its number. */
static inline size_t world_actor (const char *role, const char *service, unsigned instance)
{
    size_t at = world.actor_count++;
    ck_assert_uint_lt (at, WORLD_ACTORS);
    world.actors [at].pid = world_spawn ("/proc/self/exe", role, service, instance);
    snprintf (world.actors [at].peer, sizeof world.actors [at].peer, "%s.%u.%d", service, instance, (int) world.actors [at].pid);
    if (world.broker)
        world_wrote ("ready", world.actors [at].peer);
    return at;
}

/*  Kills an actor and, as the supervisor does, tells the broker. */
static inline void world_kill_actor (size_t at)
{
    world_kill (&world.actors [at].pid);
    cf_link_gone (world.link, world.actors [at].peer);
    cf_loop_turn (world.loop, 0);
}

static inline void world_on_ready (void *arg)
{
    (void) arg;
    world_note ("ready", "%s", cf_link_name (cf_link_here ()));
}

/*  In an actor: serves handlers under the role's service until the process is killed. */
static inline void world_serve (cf_loop_t *loop, const cf_handler_t *handlers, size_t count)
{
    cf_serve (CF_ACTOR_CALLER, handlers, count, NULL);
    cf_link_ready (cf_link_here (), world_on_ready, NULL);
    cf_loop_run (loop);
}

/*  The whole life of a child that was started for a role. */
static inline void world_become (const world_role_t *roles, size_t count, int argc, char **argv)
{
    if (argc != 5 || strcmp (argv [1], "--role"))
        return;
    cf_config_load_or_exit ();
    cf_log_init (argv [3]);
    signal (SIGPIPE, SIG_IGN);
    cf_loop_t *loop = cf_loop_new ();
    cf_link_t *link = cf_link_new (loop, argv [3], (unsigned) atoi (argv [4]), 4096, NULL);
    for (size_t at = 0; at < count && loop && link; at++)
        if (strcmp (roles [at].name, argv [2]) == 0)
            roles [at].play (loop);
    _exit (1);
}

/*  Names the roles that this executable can play; before main. */
#define WORLD_ROLES(...)                                                                            \
    __attribute__ ((constructor (200))) static void world_roles (int argc, char **argv)                   \
    {                                                                                               \
        static const world_role_t roles [] = { __VA_ARGS__ };                                       \
        world_become (roles, sizeof roles / sizeof roles [0], argc, argv);                          \
    }

/* ---- the world ---- */

static inline void world_begin (void)
{
    memset (&world, 0, sizeof world);
    strcpy (world.home, "/tmp/cf-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (world.home));
    setenv ("CODEFORGE_HOME", world.home, 1);
    setenv ("LOG_LEVEL", "error", 1);
    cf_config_load_or_exit ();
    cf_log_init ("test");
    char run [80];
    snprintf (run, sizeof run, "%s/run", world.home);
    ck_assert_int_eq (mkdir (run, 0700), 0);
    world_start_broker ();
    cf_error_t error = { 0 };
    world.loop = cf_loop_new ();
    world.link = cf_link_new (world.loop, "supervisor", 1, 0, &error);
    ck_assert_msg (world.link != NULL, "%s", error.text);
    world_until (cf_link_joined (world.link));
}

static inline int world_remove (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

static inline void world_end (void)
{
    world_until (cf_task_count () == 0);
    for (size_t at = 0; at < world.actor_count; at++)
        if (world.actors [at].pid)
            world_kill (&world.actors [at].pid);
    if (world.broker)
        world_kill_broker ();
    cf_serve_free ();
    cf_link_destroy (&world.link);
    cf_link_destroy (&world.link);
    cf_task_free_pool ();
    cf_loop_destroy (&world.loop);
    nftw (world.home, world_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#endif
