/* SPDX-License-Identifier: MPL-2.0 */
/*  logbook - lines are appended with one write each, so that a reader never sees half of one */

#include "ops/supervisor/logbook.h"
#include "ops/supervisor/logline.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CF_LOGBOOK_READS 16             /* of a pipe in one turn: a process that only logs must not hold the loop */

struct cf_logbook_t {
    char path [PATH_MAX];
    int fd;                             /* -1: could not be opened again after a rotation */
    size_t size, max_bytes;
    int terminal;                       /* -1: none */
    bool coloured;
    cf_buf_t line, shown;               /* reused */
};

struct cf_logbook_tap_t {
    cf_logbook_t *book;
    cf_loop_t *loop;
    char process [64];
    int fd;
    bool cutting;                       /* within a line that was too long; its rest is dropped */
    cf_buf_t line;
    char last [512];
};

static void
s_open (cf_logbook_t *self)
{
    struct stat found;
    self->fd = open (self->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    self->size = self->fd >= 0 && fstat (self->fd, &found) == 0? (size_t) found.st_size: 0;
}

cf_logbook_t *
cf_logbook_new (size_t max_bytes, cf_error_t *error)
{
    cf_logbook_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    snprintf (self->path, sizeof self->path, "%s", cf_config_home (CF_LOGBOOK_FILE));
    self->max_bytes = max_bytes;
    self->terminal = -1;
    cf_buf_init (&self->line, 8 * CF_LOGLINE_MAX);      /* escapes make a byte six at most */
    cf_buf_init (&self->shown, 8 * CF_LOGLINE_MAX);
    s_open (self);
    if (self->fd < 0) {
        cf_error_set (error, CF_ERROR_INTERNAL, "cannot open %s: %s.", self->path, strerror (errno));
        free (self);
        return NULL;
    }
    return self;
}

void
cf_logbook_destroy (cf_logbook_t **self_p)
{
    cf_logbook_t *self = *self_p;
    if (!self)
        return;
    cf_logbook_show (self, -1);
    if (self->fd >= 0)
        close (self->fd);
    cf_buf_free (&self->line);
    cf_buf_free (&self->shown);
    free (self);
    *self_p = NULL;
}

void
cf_logbook_show (cf_logbook_t *self, int terminal)
{
    char path [32];
    if (self->terminal >= 0)
        close (self->terminal);
    self->terminal = -1;
    if (terminal < 0)
        return;
    struct stat found;
    snprintf (path, sizeof path, "/proc/self/fd/%d", terminal);
    /* a terminal or pipe is opened anew, so that not blocking on it is our affair and not the shell's too; a file keeps
       its one offset */
    if (fstat (terminal, &found) == 0 && !S_ISREG (found.st_mode))
        self->terminal = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (self->terminal < 0)
        self->terminal = fcntl (terminal, F_DUPFD_CLOEXEC, 3);
    self->coloured = isatty (terminal) && !getenv ("NO_COLOR");
}

/*  codeforge.log.2 -> .3, .1 -> .2, codeforge.log -> .1. */
static void
s_rotate (cf_logbook_t *self)
{
    char from [PATH_MAX + 8], to [PATH_MAX + 8];
    for (int age = CF_LOGBOOK_FILES - 1; age > 0; age--) {
        snprintf (to, sizeof to, "%s.%d", self->path, age);
        if (age > 1)
            snprintf (from, sizeof from, "%s.%d", self->path, age - 1);
        else
            snprintf (from, sizeof from, "%s", self->path);
        rename (from, to);
    }
    if (self->fd >= 0)
        close (self->fd);
    s_open (self);
}

void
cf_logbook_put (cf_logbook_t *self, const char *process, const char *line, size_t size)
{
    cf_buf_reset (&self->line);
    if (cf_logline_normalise (line, size, process, cf_clock_wall_us (), &self->line) || self->line.size == 0)
        return;
    if (self->size + self->line.size > self->max_bytes && self->size)
        s_rotate (self);
    ssize_t written = self->fd >= 0? write (self->fd, self->line.bytes, self->line.size): -1;
    self->size += written > 0? (size_t) written: 0;
    if (self->terminal < 0)
        return;
    cf_buf_reset (&self->shown);
    cf_logline_render (self->line.bytes, self->line.size - 1, self->coloured, &self->shown);
    written = write (self->terminal, self->shown.bytes, self->shown.size);
    (void) written;
}

static void
s_end_line (cf_logbook_tap_t *self)
{
    if (self->line.size) {
        snprintf (self->last, sizeof self->last, "%s", self->line.bytes);
        cf_logbook_put (self->book, self->process, self->line.bytes, self->line.size);
    }
    cf_buf_reset (&self->line);
    self->cutting = false;
}

/*  What passes the longest line is dropped up to its end. */
static void
s_take (cf_logbook_tap_t *self, const char *bytes, size_t size)
{
    while (size) {
        const char *end = memchr (bytes, '\n', size);
        size_t length = end? (size_t) (end - bytes): size, room = CF_LOGLINE_MAX - self->line.size;
        if (!self->cutting)
            cf_buf_append (&self->line, bytes, length < room? length: room);
        self->cutting = self->cutting || length > room;
        if (end)
            s_end_line (self);
        length += end != NULL;
        bytes += length;
        size -= length;
    }
}

static void
s_on_pipe (void *arg, uint32_t events)
{
    (void) events;
    cf_logbook_tap_t *self = arg;
    char bytes [8192];
    ssize_t size = 1;
    for (int reads = 0; reads < CF_LOGBOOK_READS && (size = read (self->fd, bytes, sizeof bytes)) > 0; reads++)
        s_take (self, bytes, (size_t) size);
    if (size == 0)                      /* everyone who could write has closed it */
        cf_loop_unwatch (self->loop, self->fd);
}

cf_logbook_tap_t *
cf_logbook_tap (cf_logbook_t *self, cf_loop_t *loop, const char *process, int fd)
{
    cf_logbook_tap_t *tap = calloc (1, sizeof *tap);
    if (!tap || cf_loop_watch (loop, fd, EPOLLIN, s_on_pipe, tap)) {
        free (tap);
        close (fd);
        return NULL;
    }
    tap->book = self;
    tap->loop = loop;
    tap->fd = fd;
    cf_buf_init (&tap->line, CF_LOGLINE_MAX);
    snprintf (tap->process, sizeof tap->process, "%s", process);
    return tap;
}

void
cf_logbook_tap_destroy (cf_logbook_tap_t **self_p)
{
    cf_logbook_tap_t *self = *self_p;
    if (!self)
        return;
    s_on_pipe (self, EPOLLIN);
    s_end_line (self);
    cf_loop_unwatch (self->loop, self->fd);
    close (self->fd);
    cf_buf_free (&self->line);
    free (self);
    *self_p = NULL;
}

const char *
cf_logbook_tap_last (const cf_logbook_tap_t *self)
{
    return self? self->last: "";
}
