/* SPDX-License-Identifier: MPL-2.0 */
/*  cluster - the folder PostgreSQL keeps its data in: found, made, checked */

#include "ops/supervisor/cluster.h"
#include "proto/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_INSTALLED "/usr/lib/postgresql"
#define S_SETPRIV "/usr/bin/setpriv"    /* util-linux; its pdeathsig stops the server with the supervisor, however that ends */
#define S_DATA_FD "/proc/self/fd/5"
#define S_SOCKETS_FD "/proc/self/fd/6"
#define S_ROOM_NEW_MB 160               /* a fresh cluster with its first WAL */
#define S_ROOM_MB 32                    /* below this a start would soon end in a panic */
#define S_NOTICING_MS 500               /* until a server notices that its supervisor is gone */
#define S_STOPPING_MS 10000

/*  Gives the folders $1 (data) and $2 (sockets) as descriptors to what follows, then becomes the user. */
#define S_AS_USER                                                                                          \
    "exec 5<\"$1\" 6<\"$2\" && shift 2 && exec " S_SETPRIV " --reuid=" CF_CLUSTER_USER                   \
    " --regid=" CF_CLUSTER_USER " --init-groups --no-new-privs --pdeathsig INT -- \"$@\""

/*  Written anew at each start; what `alter system` says wins over it. */
static const char s_settings [] =
    "# CodeForge's settings, written anew at each start; to change one: alter system set …\n"
    "listen_addresses = ''\n"
    "port = 5432\n"
    "unix_socket_permissions = 0700\n"
    "max_connections = 40\n"
    "\n"
    "# an accepted job survives a power cut\n"
    "fsync = on\n"
    "synchronous_commit = on\n"
    "full_page_writes = on\n"
    "wal_buffers = 8MB\n"
    "max_wal_size = 1GB\n"
    "min_wal_size = 80MB\n"
    "checkpoint_completion_target = 0.9\n"
    "\n"
    "# small while idle\n"
    "shared_buffers = 64MB\n"
    "huge_pages = off\n"
    "work_mem = 4MB\n"
    "maintenance_work_mem = 64MB\n"
    "effective_cache_size = 512MB\n"
    "jit = off\n"
    "max_worker_processes = 4\n"
    "max_parallel_workers = 2\n"
    "max_logical_replication_workers = 0\n"
    "max_wal_senders = 2\n"
    "\n"
    "# rows of jobs change a lot\n"
    "autovacuum = on\n"
    "autovacuum_max_workers = 2\n"
    "autovacuum_naptime = 15s\n"
    "default_toast_compression = lz4\n"
    "random_page_cost = 1.1\n"
    "idle_in_transaction_session_timeout = 60s\n"
    "\n"
    "# to stderr, and never a statement or a row: they are our users'\n"
    "log_destination = 'stderr'\n"
    "logging_collector = off\n"
    "log_line_prefix = ''\n"
    "log_checkpoints = off\n"
    "log_min_messages = log\n"              /* an error goes to the client that made it, with its data */
    "log_error_verbosity = terse\n"
    "log_min_error_statement = panic\n"
    "log_statement = 'none'\n"
    "lc_messages = 'C'\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n";

static bool s_am_root (void)
{
    return geteuid () == 0;
}

/*  ---- files ---- */

static int s_join (char *path, size_t size, const char *folder, const char *name, cf_error_t *error)
{
    if ((size_t) snprintf (path, size, "%s/%s", folder, name) >= size)
        return cf_error_set (error, CF_ERROR_INVALID, "the path %s/%s is too long", folder, name);
    return 0;
}

/*  Makes a folder of mode 0700 that belongs to user and group; an existing one is put right. */
static int s_make_folder (const char *path, uid_t uid, gid_t gid, cf_error_t *error)
{
    if (mkdir (path, 0700) && errno != EEXIST)
        return cf_error_set (error, CF_ERROR_INVALID, "cannot make the folder %s: %s", path, strerror (errno));
    if ((s_am_root () && chown (path, uid, gid)) || chmod (path, 0700))
        return cf_error_set (error, CF_ERROR_INVALID, "cannot set the owner of %s: %s", path, strerror (errno));
    return 0;
}

static int s_remove_entry (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

static int s_remove_folder (const char *path, cf_error_t *error)
{
    if (nftw (path, s_remove_entry, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return cf_error_set (error, CF_ERROR_INVALID, "cannot remove %s: %s", path, strerror (errno));
    return 0;
}

/*  Writes text to a file in the data folder by way of a new one, so that no reader ever sees half of it. The folder is
    the server's and not ours: names in it are not followed. */
static int s_write_file (const cf_cluster_t *self, const char *name, const char *text, cf_error_t *error)
{
    char path [600], fresh [600];
    if (s_join (path, sizeof path, self->data, name, error)
     || (size_t) snprintf (fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return -1;
    unlink (fresh);
    size_t size = strlen (text);
    int fd = open (fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write (fd, text, size) == (ssize_t) size && fsync (fd) == 0
                && (!s_am_root () || fchown (fd, self->uid, self->gid) == 0);
    if (fd >= 0)
        close (fd);
    if (!written || rename (fresh, path)) {
        cf_error_set (error, CF_ERROR_INVALID, "cannot write %s: %s", path, strerror (errno));
        unlink (fresh);
        return -1;
    }
    return 0;
}

/*  First bytes of folder/name as text; "" where there is none. */
static void s_read_file (const char *folder, const char *name, char *text, size_t size)
{
    char path [600];
    text [0] = 0;
    if (s_join (path, sizeof path, folder, name, NULL))
        return;
    int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t count = read (fd, text, size - 1);
    text [count > 0? count: 0] = 0;
    close (fd);
}

static int s_require_room (const char *home, unsigned wanted_mb, cf_error_t *error)
{
    struct statvfs room;
    if (statvfs (home, &room))
        return cf_error_set (error, CF_ERROR_INVALID, "cannot use the folder %s: %s", home, strerror (errno));
    unsigned long long free_mb = (unsigned long long) room.f_bavail * room.f_frsize / (1024 * 1024);
    if (free_mb < wanted_mb)
        return cf_error_set (error, CF_ERROR_INVALID, "only %llu MB are free where %s is, the database needs %u: make room",
                             free_mb, home, wanted_mb);
    return 0;
}

/*  ---- what is installed ---- */

/*  Newest major version with a server below S_INSTALLED; 0 where there is none. */
static unsigned s_newest_version (void)
{
    unsigned newest = 0;
    glob_t found = { 0 };
    if (glob (S_INSTALLED "/*/bin/postgres", 0, NULL, &found) == 0)
        for (size_t at = 0; at < found.gl_pathc; at++) {
            unsigned version = (unsigned) strtoul (found.gl_pathv [at] + strlen (S_INSTALLED "/"), NULL, 10);
            if (version > newest && access (found.gl_pathv [at], X_OK) == 0)
                newest = version;
        }
    globfree (&found);
    return newest;
}

/*  Chooses the server that fits the cluster, or the newest where there is no cluster yet. */
static int s_find_binaries (cf_cluster_t *self, cf_error_t *error)
{
    unsigned version = s_newest_version ();
    if (version == 0)
        return cf_error_set (error, CF_ERROR_INVALID, "PostgreSQL is not installed: run ops/install, or set DATABASE_URL");
    char made_by [16];
    s_read_file (self->data, "PG_VERSION", made_by, sizeof made_by);
    unsigned wanted = *made_by? (unsigned) strtoul (made_by, NULL, 10): version;
    snprintf (self->binaries, sizeof self->binaries, S_INSTALLED "/%u/bin", wanted);
    char server [160];
    snprintf (server, sizeof server, "%s/postgres", self->binaries);
    if (access (server, X_OK))
        return cf_error_set (error, CF_ERROR_INVALID, "the database in %s was made by PostgreSQL %u, and PostgreSQL %u is "
                             "installed: install postgresql-%u, or move the folder away to begin with an empty database",
                             self->data, wanted, version, wanted);
    return 0;
}

/*  ---- a server that may be running already ---- */

/*  Whether the process is a PostgreSQL at work in the folder. */
static bool s_serves (pid_t pid, const char *folder)
{
    char link [64], executable [256];
    snprintf (link, sizeof link, "/proc/%d/exe", (int) pid);
    ssize_t size = readlink (link, executable, sizeof executable - 1);
    if (size <= 0)
        return false;
    executable [size] = 0;
    const char *name = strrchr (executable, '/');
    struct stat there, here;
    snprintf (link, sizeof link, "/proc/%d/cwd", (int) pid);
    return name && !strncmp (name, "/postgres", 9) && !stat (link, &there) && !stat (folder, &here)
        && there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/*  postmaster.pid may name a number that is another process by now (in a container numbers come back soon), and
    PostgreSQL then takes that one for a server. Not so its own parent, nor a process that has ended: our number is
    one of the two when it starts. The lines after it stay, they tell PostgreSQL whether old backends are about. */
static int s_disown_lock (const cf_cluster_t *self, const char *lock, cf_error_t *error)
{
    char text [1200];
    const char *rest = strchr (lock, '\n');
    snprintf (text, sizeof text, "%d%s", (int) getpid (), rest? rest: "\n");
    return s_write_file (self, "postmaster.pid", text, error);
}

/*  Waits for the end of process pid; whether it came within wait_ms. */
static bool s_ends (pid_t pid, int wait_ms)
{
    int fd = (int) syscall (SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return errno == ESRCH;
    struct pollfd gone = { .fd = fd, .events = POLLIN };
    int rc = poll (&gone, 1, wait_ms);
    close (fd);
    return rc == 1;
}

/*  Refuses where another server is at work on our data. One whose supervisor was killed is about to stop by itself. */
static int s_require_unused (const cf_cluster_t *self, cf_error_t *error)
{
    char lock [1024];
    s_read_file (self->data, "postmaster.pid", lock, sizeof lock);
    pid_t pid = (pid_t) strtol (lock, NULL, 10);
    if (pid <= 0)
        return 0;
    if (!s_serves (pid, self->data))
        return kill (pid, 0) == 0 || errno == EPERM? s_disown_lock (self, lock, error): 0;
    if (s_ends (pid, S_NOTICING_MS))
        return 0;
    s_read_file (self->data, "postmaster.pid", lock, sizeof lock);
    if (strstr (lock, "stopping") && s_ends (pid, S_STOPPING_MS))
        return 0;
    return cf_error_set (error, CF_ERROR_CONFLICT, "PostgreSQL (process %d) is already running on %s: another CodeForge uses "
                         "this CODEFORGE_HOME; stop that one, or choose another folder", (int) pid, self->data);
}

/*  ---- making the cluster ---- */

/*  Environment for initdb: nothing of ours, so no PGDATA and no secret. */
static char *const s_environment [] = {
    (char *) "PATH=/usr/local/bin:/usr/bin:/bin", (char *) "LC_ALL=C.UTF-8", (char *) "TZ=UTC", NULL
};

/*  Starts argv with its output in a pipe and with the signals at their defaults. Returns its pid, or -1. */
static pid_t s_spawn (char *const argv [], int *output_fd)
{
    int ends [2];
    if (pipe2 (ends, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset (&none);
    sigfillset (&all);
    posix_spawn_file_actions_init (&files);
    posix_spawn_file_actions_addopen (&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2 (&files, ends [1], 1);
    posix_spawn_file_actions_adddup2 (&files, ends [1], 2);
    posix_spawnattr_init (&attributes);
    posix_spawnattr_setsigmask (&attributes, &none);
    posix_spawnattr_setsigdefault (&attributes, &all);
    posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    int rc = posix_spawn (&pid, argv [0], &files, &attributes, argv, s_environment);
    posix_spawnattr_destroy (&attributes);
    posix_spawn_file_actions_destroy (&files);
    close (ends [1]);
    if (rc) {
        close (ends [0]);
        errno = rc;
        return -1;
    }
    *output_fd = ends [0];
    return pid;
}

/*  Last line of text that says anything, of those that are not initdb's closing remarks. */
static const char *s_telling_line (char *text)
{
    const char *telling = "";
    for (char *rest = NULL, *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
        if (strstr (line, "FATAL") || strstr (line, "PANIC") || strstr (line, "error:") || strstr (line, "cannot")
         || (!*telling && strstr (line, "ERROR")))
            telling = line;
    return telling;
}

/*  Runs argv to its end. 0 when it succeeded. */
static int s_run (char *const argv [], cf_error_t *error)
{
    int output_fd = -1;
    pid_t pid = s_spawn (argv, &output_fd);
    if (pid < 0)
        return cf_error_set (error, CF_ERROR_INVALID, "cannot start %s: %s", argv [0], strerror (errno));
    cf_buf_t said;
    cf_buf_init (&said, 256 * 1024);
    char chunk [4096];
    ssize_t count;
    while ((count = read (output_fd, chunk, sizeof chunk)) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            cf_buf_append (&said, chunk, (size_t) count);
    close (output_fd);
    int status = 0;
    while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
        ;
    int rc = 0;
    if (!WIFEXITED (status) || WEXITSTATUS (status)) {
        char *text = cf_buf_take (&said);
        rc = cf_error_set (error, CF_ERROR_INVALID, "the database could not be made: %s", text? s_telling_line (text): "");
        free (text);
    }
    cf_buf_free (&said);
    return rc;
}

size_t cf_cluster_argv (char *argv [], const char *program, const char *data, const char *sockets)
{
    static const char *const as_root [] = { "/bin/sh", "-c", S_AS_USER, "postgres" };
    static const char *const as_user [] = { S_SETPRIV, "--pdeathsig", "INT", "--" };
    size_t count = 0;
    for (; count < 4; count++)
        argv [count] = (char *) (s_am_root ()? as_root: as_user) [count];
    if (s_am_root ()) {
        argv [count++] = (char *) data;
        argv [count++] = (char *) sockets;
    }
    argv [count++] = (char *) program;
    argv [count++] = (char *) "-D";
    argv [count++] = s_am_root ()? (char *) S_DATA_FD: (char *) data;
    return count;
}

const char *cf_cluster_sockets (const cf_cluster_t *self)
{
    return s_am_root ()? S_SOCKETS_FD: self->sockets;
}

static int s_initdb (const cf_cluster_t *self, const char *folder, cf_error_t *error)
{
    static const char *const options [] = {
        "--username=" CF_CLUSTER_USER, "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject",
        "--no-instructions", NULL
    };
    char program [160];
    snprintf (program, sizeof program, "%s/initdb", self->binaries);
    char *argv [CF_CLUSTER_ARGV_MAX];
    size_t count = cf_cluster_argv (argv, program, folder, self->sockets);
    for (size_t at = 0; options [at]; at++)
        argv [count++] = (char *) options [at];
    argv [count] = NULL;
    return s_run (argv, error);
}

/*  Makes PostgreSQL read our settings after its own and before those of `alter system`. */
static int s_include_settings (const char *folder, cf_error_t *error)
{
    char path [600];
    if (s_join (path, sizeof path, folder, "postgresql.conf", error))
        return -1;
    FILE *stream = fopen (path, "ae");
    bool written = stream && fputs ("\ninclude_if_exists = 'codeforge.conf'\n", stream) >= 0 && fflush (stream) == 0
                && fsync (fileno (stream)) == 0;
    if (stream && fclose (stream))
        written = false;
    return written? 0: cf_error_set (error, CF_ERROR_INVALID, "cannot write %s: %s", path, strerror (errno));
}

/*  A cluster is made under another name and gets its own when it is whole. */
static int s_make_cluster (const cf_cluster_t *self, cf_error_t *error)
{
    char fresh [600];
    if (s_join (fresh, sizeof fresh, self->home, "postgres.new", error)
     || s_remove_folder (fresh, error)
     || s_require_room (self->home, S_ROOM_NEW_MB, error)
     || s_make_folder (fresh, self->uid, self->gid, error)
     || s_initdb (self, fresh, error)
     || s_include_settings (fresh, error))
        return -1;
    if (rename (fresh, self->data))
        return cf_error_set (error, CF_ERROR_INVALID, "cannot name the database %s: %s", self->data, strerror (errno));
    int fd = open (self->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync (fd);
        close (fd);
    }
    return 0;
}

/*  ---- all of it ---- */

static int s_find_folders (cf_cluster_t *self, const char *home, cf_error_t *error)
{
    char full [PATH_MAX];
    if (!realpath (home, full))
        return cf_error_set (error, CF_ERROR_INVALID, "cannot use the folder %s: %s", home, strerror (errno));
    struct sockaddr_un address;
    if (strlen (full) + strlen ("/run/pg" CF_CLUSTER_SOCKET) >= sizeof address.sun_path)
        return cf_error_set (error, CF_ERROR_INVALID, "CODEFORGE_HOME=%s is too long for the names of sockets: "
                             "use a path of at most %zu bytes", full,
                             sizeof address.sun_path - 1 - strlen ("/run/pg" CF_CLUSTER_SOCKET));
    if (strchr (full, ','))                 /* libpq would take it for two hosts */
        return cf_error_set (error, CF_ERROR_INVALID, "CODEFORGE_HOME=%s must not hold a comma", full);
    memcpy (self->home, full, strlen (full) + 1);
    return s_join (self->data, sizeof self->data, full, "postgres", error)
        || s_join (self->sockets, sizeof self->sockets, full, "run/pg", error)? -1: 0;
}

/*  Whom the server runs as. */
static int s_find_user (cf_cluster_t *self, cf_error_t *error)
{
    self->uid = geteuid ();
    self->gid = getegid ();
    if (s_am_root ()) {
        const struct passwd *user = getpwnam (CF_CLUSTER_USER);
        if (!user)
            return cf_error_set (error, CF_ERROR_INVALID, "PostgreSQL does not run as root and there is no user " CF_CLUSTER_USER ": "
                                 "run ops/install, or run CodeForge as another user than root");
        self->uid = user->pw_uid;
        self->gid = user->pw_gid;
    }
    return 0;
}

/*  A home that was used by root and now by somebody, or the reverse, ends here and not deep in PostgreSQL. */
static int s_require_owner (const cf_cluster_t *self, cf_error_t *error)
{
    struct stat status;
    if (stat (self->data, &status))
        return cf_error_set (error, CF_ERROR_INVALID, "cannot use the folder %s: %s", self->data, strerror (errno));
    if (status.st_uid != self->uid)
        return cf_error_set (error, CF_ERROR_INVALID, "the database in %s belongs to user number %u: run CodeForge as the "
                             "user who made it", self->data, (unsigned) status.st_uid);
    return 0;
}

int cf_cluster_prepare (cf_cluster_t *self, const char *home, cf_error_t *error)
{
    *self = (cf_cluster_t) { 0 };
    char run [600];
    if (s_find_folders (self, home, error)
     || s_find_binaries (self, error)
     || s_find_user (self, error)
     || s_join (run, sizeof run, self->home, "run", error)
     || s_make_folder (run, geteuid (), getegid (), error)
     || s_make_folder (self->sockets, self->uid, self->gid, error))
        return -1;
    if (access (self->data, F_OK) && s_make_cluster (self, error))
        return -1;
    if (s_require_owner (self, error)
     || s_require_unused (self, error)
     || s_require_room (self->home, S_ROOM_MB, error))
        return -1;
    return s_write_file (self, "codeforge.conf", s_settings, error);
}
