/* SPDX-License-Identifier: MPL-2.0 */
/*  home - every refusal says what to do about it, since this is the first thing people meet */

#include "ops/supervisor/home.h"
#include "actors/lib/certificate.h"
#include "ops/supervisor/exits.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CF_HOME_PORT_WAIT_MS 500        /* sockets of processes that were just killed need a moment */

#define LOCK "run/supervisor.lock"

static int
s_refuse (cf_error_t *error, int status, const char *what, const char *path, const char *remedy)
{
    int why = errno;
    cf_error_set (error, CF_ERROR_INTERNAL, "%s %s: %s. %s", what, path, strerror (why), remedy);
    return status;
}

int
cf_home_resolve (cf_error_t *error)
{
    char path [2 * PATH_MAX], folder [PATH_MAX], absolute [PATH_MAX];
    const char *given = cf_config_str (CF_CONFIG_CODEFORGE_HOME);
    if (realpath (given, absolute))
        snprintf (path, sizeof path, "%s", absolute);
    else if (*given == '/')
        snprintf (path, sizeof path, "%s", given);
    else {
        while (strncmp (given, "./", 2) == 0)
            given += 2;
        snprintf (path, sizeof path, "%s/%s", getcwd (folder, sizeof folder)? folder: ".", given);
    }
    size_t length = strlen (path);
    while (length > 1 && path [length - 1] == '/')
        path [--length] = 0;
    if (length > CF_HOME_MAX || cf_config_set (CF_CONFIG_CODEFORGE_HOME, path)) {
        cf_error_set (error, CF_ERROR_INVALID, "CODEFORGE_HOME=%.300s has %zu characters, and the sockets in it allow at most "
                      "%d. Set CODEFORGE_HOME to a shorter path.", path, length, CF_HOME_MAX);
        return CF_EXIT_SETTINGS;
    }
    return 0;
}

/*  Makes path and its parents. 0, or -1 with errno. */
static int
s_make_folders (const char *path, mode_t mode)
{
    char part [PATH_MAX];
    snprintf (part, sizeof part, "%s", path);
    for (char *at = part + 1; *at; at++)
        if (*at == '/') {
            *at = 0;
            if (mkdir (part, 0755) && errno != EEXIST && errno != EROFS && errno != EACCES)
                return -1;
            *at = '/';
        }
    struct stat found;
    if (mkdir (part, mode) == 0)
        return chmod (part, mode);      /* whatever the umask says */
    if (errno != EEXIST && (stat (part, &found) || !S_ISDIR (found.st_mode)))
        return -1;
    if (stat (part, &found) == 0 && !S_ISDIR (found.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return access (part, R_OK | W_OK | X_OK);
}

int
cf_home_make (cf_error_t *error)
{
    static const char *const folders [] = { "", "run", "log", "secrets" };
    const char *remedy = "Set CODEFORGE_HOME to a folder this user may write to.";
    for (size_t at = 0; at < sizeof folders / sizeof folders [0]; at++) {
        const char *path = cf_config_home (folders [at]);
        if (s_make_folders (path, 0700) || (at && chmod (path, 0700)))
            return s_refuse (error, errno == ENOSPC? CF_EXIT_CANTCREATE: CF_EXIT_NOPERM, "cannot use the folder", path, remedy);
    }
    return 0;
}

int
cf_home_check_room (cf_error_t *error)
{
    struct statvfs disk;
    const char *home = cf_config_home ("");
    if (statvfs (home, &disk))
        return s_refuse (error, CF_EXIT_CANTCREATE, "cannot look at the disk of", home,
                         "Set CODEFORGE_HOME to another folder.");
    uint64_t free_mb = (uint64_t) disk.f_bavail * disk.f_frsize >> 20;
    if (free_mb >= CF_HOME_ROOM_MB && (disk.f_favail > 0 || disk.f_files == 0))
        return 0;
    cf_error_set (error, CF_ERROR_INVALID, "the disk of %s is full: %llu MB are free, %d MB are needed. Make room, or set "
                  "CODEFORGE_HOME to a folder on another disk.", home, (unsigned long long) free_mb,
                  CF_HOME_ROOM_MB);
    return CF_EXIT_CANTCREATE;
}

int
cf_home_lock (int *fd, cf_error_t *error)
{
    const char *path = cf_config_home (LOCK);
    *fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return s_refuse (error, CF_EXIT_CANTCREATE, "cannot open", path, "Make it this user's own, or remove it.");
    if (flock (*fd, LOCK_EX | LOCK_NB)) {
        close (*fd);
        cf_error_set (error, CF_ERROR_CONFLICT, "already running in %s (pid %ld). `codeforge status` shows it, `codeforge down` "
                      "stops it; a second one needs another CODEFORGE_HOME and PORT.", cf_config_home (""),
                      (long) cf_home_locked_by ());
        *fd = -1;
        return CF_EXIT_UNAVAILABLE;
    }
    char text [32];
    int size = snprintf (text, sizeof text, "%ld\n", (long) getpid ());
    if (ftruncate (*fd, 0) || pwrite (*fd, text, (size_t) size, 0) != size)
        return s_refuse (error, CF_EXIT_CANTCREATE, "cannot write to", path, "Is the disk full?");
    return 0;
}

pid_t
cf_home_locked_by (void)
{
    char text [32] = "";
    int fd = open (cf_config_home (LOCK), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool held = flock (fd, LOCK_SH | LOCK_NB) != 0;
    ssize_t size = held? read (fd, text, sizeof text - 1): 0;
    close (fd);
    return size > 0? (pid_t) strtol (text, NULL, 10): 0;
}

/*  Whether the port can be listened on; -1 with errno. */
static int
s_try_port (const struct sockaddr_in *address)
{
    int yes = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int result = bind (fd, (const struct sockaddr *) address, sizeof *address) || listen (fd, 1)? -1: 0;
    int why = errno;
    close (fd);
    errno = why;
    return result;
}

int
cf_home_check_port (cf_error_t *error)
{
    const char *host = cf_config_str (CF_CONFIG_BIND_ADDRESS);
    unsigned port = (unsigned) cf_config_u64 (CF_CONFIG_PORT);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
    if (inet_pton (AF_INET, host, &address.sin_addr) != 1) {
        cf_error_set (error, CF_ERROR_INVALID, "BIND_ADDRESS=%.60s is not an IPv4 address like 127.0.0.1 or 0.0.0.0.", host);
        return CF_EXIT_SETTINGS;
    }
    uint64_t until_ms = cf_clock_ms () + CF_HOME_PORT_WAIT_MS;
    int result;
    while ((result = s_try_port (&address)) && errno == EADDRINUSE && cf_clock_ms () < until_ms)
        usleep (20000);
    if (result == 0)
        return 0;
    if (errno == EADDRINUSE)
        cf_error_set (error, CF_ERROR_CONFLICT, "port %u is taken by another program. Stop that one, or choose another port: "
                      "PORT=%u codeforge up", port, port < 65535? port + 1: port - 1);
    else if (errno == EACCES)
        cf_error_set (error, CF_ERROR_FORBIDDEN, "port %u is not allowed for this user. Choose one from 1024 on: "
                      "PORT=8000 codeforge up", port);
    else
        cf_error_set (error, CF_ERROR_INVALID, "cannot listen on %s:%u: %s. Correct BIND_ADDRESS or PORT.", host, port,
                      strerror (errno));
    return CF_EXIT_UNAVAILABLE;
}

int
cf_home_check_certificate (cf_error_t *error)
{
    static const cf_config_id_t files [] = { CF_CONFIG_TLS_CERT, CF_CONFIG_TLS_KEY };
    char absolute [PATH_MAX];
    if (!cf_config_is_set (CF_CONFIG_TLS_CERT))
        return 0;
    if (cf_certificate_check (cf_config_str (CF_CONFIG_TLS_CERT), cf_config_str (CF_CONFIG_TLS_KEY), error))
        return CF_EXIT_SETTINGS;
    for (size_t at = 0; at < sizeof files / sizeof files [0]; at++)
        if (!realpath (cf_config_str (files [at]), absolute) || cf_config_set (files [at], absolute)) {
            cf_error_set (error, CF_ERROR_INVALID, "%s=%.300s has too long a path", cf_config_name (files [at]), cf_config_str (files [at]));
            return CF_EXIT_SETTINGS;
        }
    return 0;
}

int
cf_home_read_line (const char *relative, char *text, size_t size)
{
    FILE *file = fopen (cf_config_home (relative), "re");
    if (!file)
        return -1;
    bool read = fgets (text, (int) size, file) != NULL;
    fclose (file);
    if (!read) {
        errno = ENODATA;
        return -1;
    }
    text [strcspn (text, "\r\n")] = 0;
    return 0;
}

int
cf_home_write_line (const char *relative, const char *text)
{
    char path [PATH_MAX], fresh [PATH_MAX + 8];
    snprintf (path, sizeof path, "%s", cf_config_home (relative));
    snprintf (fresh, sizeof fresh, "%s.new", path);
    int fd = open (fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    size_t length = strlen (text);
    int result = fchmod (fd, 0600) || write (fd, text, length) != (ssize_t) length || write (fd, "\n", 1) != 1 || fsync (fd)? -1: 0;
    int why = errno;
    close (fd);
    if (result == 0)
        return rename (fresh, path);
    unlink (fresh);
    errno = why;
    return -1;
}
